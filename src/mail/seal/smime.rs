//! S/MIME: signed and encrypted messages in CMS (RFC 8551, RFC 5652).
//!
//! Promises: a signature is judged over the bytes that were signed, its certificate by its dates and by the certificates
//! in `keys/`, either as one of them or through a chain to one; signatures with MD5 or SHA-1 prove nothing. Leaves out:
//! the lists of authorities that systems trust (they are lists for web sites), revocation (asking would tell who reads
//! what), keys agreed by curves. Arithmetic is aws-lc-rs, chains are webpki, shapes are cms.

use aws_lc_rs::{digest, signature};
use cms::cert::CertificateChoices;
use cms::compressed_data::CompressedData;
use cms::content_info::ContentInfo;
use cms::enveloped_data::EnvelopedData;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString, OctetStringRef};
use der::{Decode, Encode};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{SubjectAltName, SubjectKeyIdentifier};

use super::envelope::{AuthEnvelopedData, authenticated, in_blocks, open_envelope};
use super::keys::Keyring;
use super::{Scheme, Seal, State, ber, most_opened};
use crate::limits;

const SCHEME: Scheme = Scheme::Smime;

pub(super) mod oid {
    use der::asn1::ObjectIdentifier;
    const fn oid(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }
    pub(crate) const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
    pub(crate) const SIGNED: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
    pub(crate) const ENVELOPED: ObjectIdentifier = oid("1.2.840.113549.1.7.3");
    pub(crate) const COMPRESSED: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.9");
    pub(crate) const AUTH_ENVELOPED: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.23");
    pub(crate) const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
    pub(crate) const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
    pub(crate) const SIGNING_TIME: ObjectIdentifier = oid("1.2.840.113549.1.9.5");
    pub(crate) const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
    pub(crate) const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
    pub(crate) const SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");
    pub(crate) const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
    pub(crate) const RSA_OAEP: ObjectIdentifier = oid("1.2.840.113549.1.1.7");
    pub(crate) const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
    pub(crate) const ED25519: ObjectIdentifier = oid("1.3.101.112");
    pub(crate) const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
    pub(crate) const P384: ObjectIdentifier = oid("1.3.132.0.34");
    pub(crate) const ECDSA_SHA256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
    pub(crate) const TRIPLE_DES: ObjectIdentifier = oid("1.2.840.113549.3.7");
    pub(crate) const AES128_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.2");
    pub(crate) const AES192_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.22");
    pub(crate) const AES256_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.42");
    pub(crate) const AES128_GCM: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.6");
    pub(crate) const AES256_GCM: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.46");
    pub(crate) const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
    pub(crate) const MAIL_ADDRESS: ObjectIdentifier = oid("1.2.840.113549.1.9.1");
}

/// Opens `application/pkcs7-mime`: encrypted, signed with the content inside, or packed.
pub(super) fn open(bytes: &[u8], from: &str, keys: &Keyring) -> (Vec<Seal>, Option<Vec<u8>>) {
    match read(bytes, from, keys) {
        Ok(outcome) => outcome,
        Err(cause) => {
            let cause: String = format!("{cause:#}")
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            let said = format!(
                "The S/MIME message cannot be opened ({cause}). Ask the sender to send it again, or without encryption."
            );
            (vec![Seal::new(SCHEME, State::Closed, said)], None)
        }
    }
}

fn content_info(bytes: &[u8]) -> anyhow::Result<ContentInfo> {
    let der = ber::to_der(bytes).ok_or_else(|| anyhow::anyhow!("its structure is broken"))?;
    ContentInfo::from_der(&der).map_err(|cause| anyhow::anyhow!("its structure is broken: {cause}"))
}

fn read(bytes: &[u8], from: &str, keys: &Keyring) -> anyhow::Result<(Vec<Seal>, Option<Vec<u8>>)> {
    let info = content_info(bytes)?;
    match info.content_type {
        oid::SIGNED => {
            let signed: SignedData = info.content.decode_as()?;
            let content = match &signed.encap_content_info.econtent {
                Some(content) => content.decode_as::<OctetStringRef<'_>>()?.as_bytes().to_vec(),
                None => Vec::new(),
            };
            anyhow::ensure!(
                signed.encap_content_info.econtent.is_some() || !signed.signer_infos.0.is_empty(),
                "it holds certificates and no mail"
            );
            Ok((judge_all(&signed, &content, from, keys), Some(content)))
        }
        oid::ENVELOPED => {
            let enveloped: EnvelopedData = info.content.decode_as()?;
            open_envelope(&enveloped.recip_infos, keys, |key| {
                in_blocks(&enveloped.encrypted_content, key)
            })
        }
        oid::AUTH_ENVELOPED => {
            let enveloped: AuthEnvelopedData = info.content.decode_as()?;
            open_envelope(&enveloped.recip_infos, keys, |key| authenticated(&enveloped, key))
        }
        oid::COMPRESSED => {
            use std::io::Read as _;
            let packed: CompressedData = info.content.decode_as()?;
            let inner = packed
                .encap_content_info
                .econtent
                .ok_or_else(|| anyhow::anyhow!("nothing is in it"))?;
            let inner = inner.decode_as::<OctetStringRef<'_>>()?;
            let most = most_opened(inner.as_bytes().len());
            let mut content = Vec::new();
            flate2::read::ZlibDecoder::new(inner.as_bytes())
                .take(most as u64 + 1)
                .read_to_end(&mut content)?;
            anyhow::ensure!(content.len() <= most, "it opens to more than {most} bytes");
            Ok((Vec::new(), Some(content)))
        }
        _ => anyhow::bail!("it is of a kind that nobody opens"),
    }
}

/// Judges the signatures that stand beside the content.
pub(super) fn verify(signed: &[u8], signature: &[u8], from: &str, keys: &Keyring) -> Vec<Seal> {
    let read = content_info(signature).and_then(|info| {
        anyhow::ensure!(info.content_type == oid::SIGNED, "no signature");
        Ok(info.content.decode_as::<SignedData>()?)
    });
    match read {
        Ok(data) => judge_all(&data, signed, from, keys),
        Err(_) => vec![Seal::new(
            SCHEME,
            State::Unknown,
            "An S/MIME signature is attached that cannot be read: it proves nothing.",
        )],
    }
}

fn judge_all(signed: &SignedData, content: &[u8], from: &str, keys: &Keyring) -> Vec<Seal> {
    let mut sent: Vec<Certificate> = Vec::new();
    for choice in signed
        .certificates
        .iter()
        .flat_map(|set| set.0.iter())
        .take(limits::CERTIFICATES)
    {
        if let CertificateChoices::Certificate(certificate) = choice {
            sent.push(certificate.clone());
        }
    }
    let seals: Vec<Seal> = signed
        .signer_infos
        .0
        .iter()
        .take(limits::SEALS)
        .map(|signer| {
            judge(
                signer,
                &sent,
                signed.encap_content_info.econtent_type,
                content,
                from,
                keys,
            )
        })
        .collect();
    if seals.is_empty() {
        return vec![Seal::new(
            SCHEME,
            State::Unknown,
            "An S/MIME message that nobody signed.",
        )];
    }
    seals
}

fn judge(
    signer: &SignerInfo,
    sent: &[Certificate],
    kind: ObjectIdentifier,
    content: &[u8],
    from: &str,
    keys: &Keyring,
) -> Seal {
    let known = keys.certificates.iter().map(|trusted| &trusted.read);
    let Some(certificate) = sent.iter().chain(known).find(|c| is_of(signer, c)) else {
        return Seal::new(
            SCHEME,
            State::Unknown,
            "Signed with S/MIME by a certificate that did not come along: it proves nothing. Put the sender's certificate into the folder keys to check it.",
        );
    };
    let at = signing_time(signer);
    let by = described(certificate);
    let seal = |state, said: String| Seal {
        by: Some(by.clone()),
        key: Some(name_of(certificate)),
        at,
        ..Seal::new(SCHEME, state, said)
    };
    if let Err(why) = holds(signer, certificate, kind, content) {
        return seal(
            State::Invalid,
            format!("The S/MIME signature in the name of {by} is not valid: {why}."),
        );
    }
    if let Err(why) = believed(certificate, sent, keys) {
        let state = if why.known { State::Invalid } else { State::Unknown };
        return seal(
            state,
            format!("Signed in the name of {by} with S/MIME, but {}.", why.said),
        );
    }
    if addresses(certificate).iter().any(|a| a.eq_ignore_ascii_case(from)) {
        return seal(State::Valid, format!("Signed by {by} with S/MIME: valid."));
    }
    seal(
        State::OfAnother,
        format!("Signed by {by} with S/MIME: valid, but the mail says it is from {from}."),
    )
}

fn is_of(signer: &SignerInfo, certificate: &Certificate) -> bool {
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            id.issuer == certificate.tbs_certificate.issuer
                && id.serial_number == certificate.tbs_certificate.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => key_id(certificate).as_deref() == Some(id.0.as_bytes()),
    }
}

pub(super) fn key_id(certificate: &Certificate) -> Option<Vec<u8>> {
    let (_, id) = certificate
        .tbs_certificate
        .get::<SubjectKeyIdentifier>()
        .ok()
        .flatten()?;
    Some(id.0.as_bytes().to_vec())
}

fn signing_time(signer: &SignerInfo) -> Option<Timestamp> {
    let attribute = signer
        .signed_attrs
        .as_ref()?
        .iter()
        .find(|a| a.oid == oid::SIGNING_TIME)?;
    let time = attribute.values.iter().next()?.to_der().ok()?;
    let time = x509_cert::time::Time::from_der(&time).ok()?;
    Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
}

/// Whether the signature fits the content, by the certificate's key; else why not.
fn holds(signer: &SignerInfo, certificate: &Certificate, kind: ObjectIdentifier, content: &[u8]) -> Result<(), String> {
    let changed = || "it does not fit the text: the text was changed on the way, or this is a forgery".to_owned();
    let hash = match signer.digest_alg.oid {
        oid::SHA256 => &digest::SHA256,
        oid::SHA384 => &digest::SHA384,
        oid::SHA512 => &digest::SHA512,
        _ => return Err("it was made in a way that can be forged today, or that is not known here".into()),
    };
    let signed = match &signer.signed_attrs {
        None => content.to_vec(),
        Some(attributes) => {
            let one = |oid| {
                let found = attributes.iter().find(|a| a.oid == oid)?;
                found.values.iter().next().cloned()
            };
            let said = one(oid::MESSAGE_DIGEST).and_then(|v| v.decode_as::<OctetString>().ok());
            let about = one(oid::CONTENT_TYPE).and_then(|v| v.decode_as::<ObjectIdentifier>().ok());
            if said.as_ref().map(OctetString::as_bytes) != Some(digest::digest(hash, content).as_ref())
                || about.is_some_and(|about| about != kind)
            {
                return Err(changed());
            }
            attributes.to_der().map_err(|_| changed())?
        }
    };
    let key = &certificate.tbs_certificate.subject_public_key_info;
    let algorithm =
        algorithm(signer, certificate).ok_or_else(|| "it was made in a way that is not known here".to_owned())?;
    signature::UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes())
        .verify(&signed, signer.signature.as_bytes())
        .map_err(|_| changed())
}

fn algorithm(signer: &SignerInfo, certificate: &Certificate) -> Option<&'static dyn signature::VerificationAlgorithm> {
    use signature::*;
    let key = &certificate.tbs_certificate.subject_public_key_info.algorithm;
    let hash = signer.digest_alg.oid;
    let curve = || key.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok();
    Some(match key.oid {
        oid::RSA if signer.signature_algorithm.oid == oid::RSA_PSS => match hash {
            oid::SHA256 => &RSA_PSS_2048_8192_SHA256,
            oid::SHA384 => &RSA_PSS_2048_8192_SHA384,
            _ => &RSA_PSS_2048_8192_SHA512,
        },
        oid::RSA => match hash {
            oid::SHA256 => &RSA_PKCS1_2048_8192_SHA256,
            oid::SHA384 => &RSA_PKCS1_2048_8192_SHA384,
            _ => &RSA_PKCS1_2048_8192_SHA512,
        },
        oid::ED25519 => &ED25519,
        _ => match (curve()?, hash) {
            (oid::P256, oid::SHA256) => &ECDSA_P256_SHA256_ASN1,
            (oid::P256, oid::SHA384) => &ECDSA_P256_SHA384_ASN1,
            (oid::P384, oid::SHA256) => &ECDSA_P384_SHA256_ASN1,
            (oid::P384, oid::SHA384) => &ECDSA_P384_SHA384_ASN1,
            _ => return None,
        },
    })
}

/// Why a certificate is not believed.
struct Doubt {
    /// Its chain leads to a certificate of ours, and something else is wrong.
    known: bool,
    said: String,
}

/// Whether a certificate is good now, and stands in `keys/` or was issued by one that does.
fn believed(certificate: &Certificate, sent: &[Certificate], keys: &Keyring) -> Result<(), Doubt> {
    let now = u64::try_from(keys.now.as_second()).unwrap_or(0);
    let validity = &certificate.tbs_certificate.validity;
    if now < validity.not_before.to_unix_duration().as_secs() || now > validity.not_after.to_unix_duration().as_secs() {
        return Err(Doubt {
            known: true,
            said: "the certificate is not valid at this time".into(),
        });
    }
    let unknown = || Doubt {
        known: false,
        said: format!(
            "its certificate is not trusted here: put it, or that of its issuer ({}), into the folder keys to check it",
            shown(&certificate.tbs_certificate.issuer)
        ),
    };
    let der = certificate.to_der().map_err(|_| unknown())?;
    if keys.certificates.iter().any(|trusted| trusted.der.as_ref() == der) {
        return Ok(());
    }
    let der = CertificateDer::from(der);
    let end = webpki::EndEntityCert::try_from(&der).map_err(|_| unknown())?;
    let anchors: Vec<_> = keys
        .certificates
        .iter()
        .filter_map(|trusted| webpki::anchor_from_trusted_cert(&trusted.der).ok())
        .collect();
    let between: Vec<CertificateDer<'static>> = sent
        .iter()
        .filter_map(|c| Some(CertificateDer::from(c.to_der().ok()?)))
        .collect();
    // id-kp-emailProtection, where the certificate names purposes at all.
    let purpose = webpki::KeyUsage::required_if_present(&[0x2b, 6, 1, 5, 5, 7, 3, 4]);
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
    end.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &between,
        time,
        purpose,
        None,
        None,
    )
    .map(drop)
    .map_err(|_| unknown())
}

/// The mail addresses of a certificate.
pub(super) fn addresses(certificate: &Certificate) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(Some((_, names))) = certificate.tbs_certificate.get::<SubjectAltName>() {
        found.extend(names.0.iter().filter_map(|name| match name {
            GeneralName::Rfc822Name(address) => Some(address.as_str().to_owned()),
            _ => None,
        }));
    }
    found.extend(part_of(&certificate.tbs_certificate.subject, oid::MAIL_ADDRESS));
    found
}

fn part_of(name: &x509_cert::name::Name, wanted: ObjectIdentifier) -> Option<String> {
    let part = name
        .0
        .iter()
        .flat_map(|rdn| rdn.0.iter())
        .find(|part| part.oid == wanted)?;
    let text = String::from_utf8_lossy(part.value.value());
    Some(text.chars().filter(|c| !c.is_control()).take(200).collect())
}

fn shown(name: &x509_cert::name::Name) -> String {
    part_of(name, oid::COMMON_NAME)
        .unwrap_or_else(|| name.to_string().chars().filter(|c| !c.is_control()).take(200).collect())
}

fn described(certificate: &Certificate) -> String {
    let name = shown(&certificate.tbs_certificate.subject);
    match addresses(certificate).first() {
        Some(address) => format!("{name} <{address}>"),
        None => name,
    }
}

/// Serial number and issuer: what names a certificate.
pub(super) fn name_of(certificate: &Certificate) -> String {
    let serial = data_encoding::HEXUPPER.encode(certificate.tbs_certificate.serial_number.as_bytes());
    format!("{serial} of {}", shown(&certificate.tbs_certificate.issuer))
}
