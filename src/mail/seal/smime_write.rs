//! Writing S/MIME: signatures beside the content, and content encrypted to certificates.
//!
//! Promises: SHA-256 and AES-256 only; everybody who shall read it is named, or nothing is written. Leaves out: curves for
//! encryption (the content key is wrapped with RSA), and opaque signatures, which other programs cannot show.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{digest, rsa, signature};
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo, RecipientIdentifier, RecipientInfo, RecipientInfos,
};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec, UtcTime};
use der::{Encode, Tag};
use jiff::Timestamp;
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::ext::pkix::KeyUsage;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use super::keys::{Keyring, Own};
use super::smime::{addresses, oid};
use super::write::{Unsealed, Wish, boundary, day};

fn failed(cause: impl std::fmt::Display) -> Unsealed {
    Unsealed::Failed(cause.to_string())
}

/// The desk's private key for an address.
pub(super) fn own<'k>(from: &str, keys: &'k Keyring) -> Option<&'k Own> {
    let is = |own: &&Own| names(&keys.certificates[own.certificate].read, from);
    keys.own.iter().find(is)
}

/// The certificate of an address to which can be encrypted.
pub(super) fn recipient<'k>(address: &str, keys: &'k Keyring) -> Option<&'k Certificate> {
    let known = keys.certificates.iter().map(|trusted| &trusted.read);
    known
        .into_iter()
        .find(|one| names(one, address) && fit(one, keys.now).is_ok())
}

/// Until when a certificate can be encrypted to; or why not, as half a sentence.
pub(super) fn fit(certificate: &Certificate, now: Timestamp) -> Result<Timestamp, String> {
    let body = &certificate.tbs_certificate;
    let second = |at: Time| i64::try_from(at.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    let (from, until) = (second(body.validity.not_before), second(body.validity.not_after));
    if until <= now.as_second() {
        return Err(format!("expired on {}", day(until)));
    }
    if from > now.as_second() {
        return Err(format!("counts from {} on only", day(from)));
    }
    if body.subject_public_key_info.algorithm.oid != oid::RSA {
        return Err("holds no RSA key, and to others nothing can be encrypted here".to_owned());
    }
    let usage = body.get::<KeyUsage>().ok().flatten();
    if usage.is_some_and(|(_, usage)| !usage.key_encipherment()) {
        return Err("is for signatures only".to_owned());
    }
    Ok(Timestamp::from_second(until).unwrap_or(Timestamp::MAX))
}

pub(super) fn names(certificate: &Certificate, address: &str) -> bool {
    addresses(certificate)
        .iter()
        .any(|one| one.eq_ignore_ascii_case(address))
}

fn named(certificate: &Certificate) -> IssuerAndSerialNumber {
    IssuerAndSerialNumber {
        issuer: certificate.tbs_certificate.issuer.clone(),
        serial_number: certificate.tbs_certificate.serial_number.clone(),
    }
}

fn algorithm(oid: ObjectIdentifier, parameters: Option<Any>) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters }
}

fn attribute(oid: ObjectIdentifier, value: &impl Encode) -> Result<Attribute, der::Error> {
    let value = Any::encode_from_bytes(&value.to_der()?)?;
    Ok(Attribute {
        oid,
        values: SetOfVec::try_from(vec![value])?,
    })
}

/// `Any` from a whole encoded element.
trait Encoded: Sized {
    fn encode_from_bytes(der: &[u8]) -> Result<Self, der::Error>;
}

impl Encoded for Any {
    fn encode_from_bytes(der: &[u8]) -> Result<Self, der::Error> {
        der::Decode::from_der(der)
    }
}

/// `multipart/signed` around the content.
pub(super) fn signed(entity: &[u8], from: &str, keys: &Keyring) -> Result<Vec<u8>, Unsealed> {
    let der = signature_over(entity, from, keys)?;
    let boundary = boundary(entity);
    let head = format!(
        "Content-Type: multipart/signed; micalg=sha-256;\r\n protocol=\"application/pkcs7-signature\";\r\n boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
    );
    let tail = format!(
        "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n{}\r\n--{boundary}--\r\n",
        in_lines(&der)
    );
    Ok([head.as_bytes(), entity, tail.as_bytes()].concat())
}

fn in_lines(der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(76)
        .filter_map(|l| std::str::from_utf8(l).ok())
        .collect();
    lines.join("\r\n")
}

fn signature_over(entity: &[u8], from: &str, keys: &Keyring) -> Result<Vec<u8>, Unsealed> {
    let own = own(from, keys).ok_or_else(|| Unsealed::NoOwnKey(from.to_owned()))?;
    let certificate = &keys.certificates[own.certificate].read;
    let since = std::time::Duration::from_secs(u64::try_from(keys.now.as_second()).unwrap_or(0));
    let digest = OctetString::new(digest::digest(&digest::SHA256, entity).as_ref()).map_err(failed)?;
    let attributes = SetOfVec::try_from(vec![
        attribute(oid::CONTENT_TYPE, &oid::DATA).map_err(failed)?,
        attribute(oid::SIGNING_TIME, &UtcTime::from_unix_duration(since).map_err(failed)?).map_err(failed)?,
        attribute(oid::MESSAGE_DIGEST, &digest).map_err(failed)?,
    ])
    .map_err(failed)?;
    let (kind, value) = raw_signature(&own.pkcs8, &attributes.to_der().map_err(failed)?)?;
    let sha256 = algorithm(oid::SHA256, None);
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(named(certificate)),
        digest_alg: sha256.clone(),
        signed_attrs: Some(attributes),
        signature_algorithm: kind,
        signature: OctetString::new(value).map_err(failed)?,
        unsigned_attrs: None,
    };
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![sha256]).map_err(failed)?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: oid::DATA,
            econtent: None,
        },
        certificates: Some(CertificateSet(
            SetOfVec::try_from(vec![CertificateChoices::Certificate(certificate.clone())]).map_err(failed)?,
        )),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::try_from(vec![signer]).map_err(failed)?),
    };
    wrapped(oid::SIGNED, &data)
}

fn wrapped(kind: ObjectIdentifier, data: &impl Encode) -> Result<Vec<u8>, Unsealed> {
    let content = Any::encode_from_bytes(&data.to_der().map_err(failed)?).map_err(failed)?;
    let info = ContentInfo {
        content_type: kind,
        content,
    };
    info.to_der().map_err(failed)
}

fn raw_signature(pkcs8: &[u8], bytes: &[u8]) -> Result<(AlgorithmIdentifierOwned, Vec<u8>), Unsealed> {
    let random = SystemRandom::new();
    if let Ok(pair) = rsa::KeyPair::from_pkcs8(pkcs8) {
        let mut value = vec![0u8; pair.public_modulus_len()];
        pair.sign(&signature::RSA_PKCS1_SHA256, &random, bytes, &mut value)
            .map_err(failed)?;
        let null = Any::new(Tag::Null, Vec::new()).map_err(failed)?;
        return Ok((algorithm(oid::RSA, Some(null)), value));
    }
    let pair =
        signature::EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map_err(failed)?;
    let value = pair.sign(&random, bytes).map_err(failed)?;
    Ok((algorithm(oid::ECDSA_SHA256, None), value.as_ref().to_vec()))
}

/// `application/pkcs7-mime` around the content, signed inside if that is wished.
pub(super) fn encrypted(
    entity: &[u8],
    from: &str,
    to: &[&str],
    wish: Wish,
    keys: &Keyring,
) -> Result<Vec<u8>, Unsealed> {
    let inner = if wish.sign {
        signed(entity, from, keys)?
    } else {
        entity.to_vec()
    };
    let mut key = [0u8; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(failed)?;
    let mut readers: Vec<&Certificate> = Vec::new();
    for one in to {
        let found = recipient(one, keys).ok_or_else(|| Unsealed::NoKeyOf((*one).to_owned()))?;
        readers.push(found);
    }
    readers.extend(recipient(from, keys)); // the desk can read what it sent
    readers.dedup();
    let mut recipients = Vec::new();
    for certificate in readers {
        recipients.push(RecipientInfo::Ktri(KeyTransRecipientInfo {
            version: CmsVersion::V0,
            rid: RecipientIdentifier::IssuerAndSerialNumber(named(certificate)),
            key_enc_alg: algorithm(oid::RSA, Some(Any::new(Tag::Null, Vec::new()).map_err(failed)?)),
            enc_key: OctetString::new(wrapped_key(certificate, &key)?).map_err(failed)?,
        }));
    }
    let mut content = inner;
    let cipher = UnboundCipherKey::new(&AES_256, &key)
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .map_err(failed)?;
    let DecryptionContext::Iv128(start) = cipher.encrypt(&mut content).map_err(failed)? else {
        return Err(failed("no start"));
    };
    let start: &[u8; 16] = start.as_ref();
    let start = OctetString::new(start.as_slice()).map_err(failed)?;
    let parameters = Any::encode_from_bytes(&start.to_der().map_err(failed)?).map_err(failed)?;
    let data = EnvelopedData {
        version: CmsVersion::V0,
        originator_info: None,
        recip_infos: RecipientInfos(SetOfVec::try_from(recipients).map_err(failed)?),
        encrypted_content: EncryptedContentInfo {
            content_type: oid::DATA,
            content_enc_alg: algorithm(oid::AES256_CBC, Some(parameters)),
            encrypted_content: Some(OctetString::new(content).map_err(failed)?),
        },
        unprotected_attrs: None,
    };
    let der = wrapped(oid::ENVELOPED, &data)?;
    Ok(format!(
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\r\n name=\"smime.p7m\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n{}\r\n",
        in_lines(&der)
    )
    .into_bytes())
}

fn wrapped_key(certificate: &Certificate, key: &[u8]) -> Result<Vec<u8>, Unsealed> {
    let public = certificate
        .tbs_certificate
        .subject_public_key_info
        .to_der()
        .map_err(failed)?;
    let public = rsa::PublicEncryptingKey::from_der(&public).map_err(failed)?;
    let public = rsa::Pkcs1PublicEncryptingKey::new(public).map_err(failed)?;
    let mut out = vec![0u8; public.ciphertext_size()];
    let written = public.encrypt(key, &mut out).map_err(failed)?.len();
    out.truncate(written);
    Ok(out)
}
