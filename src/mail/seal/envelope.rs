//! Opening S/MIME envelopes: the content key is unwrapped with the desk's private key, the content with the content key.
//!
//! Promises: the first recipient that is one of the desk's certificates decides; what is broken is an error with a reason
//! and never half a text. Leaves out: keys agreed by curves, passwords.

use cms::enveloped_data::{EncryptedContentInfo, RecipientIdentifier, RecipientInfo, RecipientInfos};
use der::asn1::OctetString;
use der::{Encode, Sequence};

use super::keys::Keyring;
use super::smime::{key_id, name_of, oid};
use super::{Scheme, Seal, State};
use crate::limits;

const SCHEME: Scheme = Scheme::Smime;

/// RFC 5083, which the crate does not have.
#[derive(Sequence)]
pub(super) struct AuthEnvelopedData {
    version: cms::content_info::CmsVersion,
    #[asn1(
        context_specific = "0",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    originator_info: Option<cms::enveloped_data::OriginatorInfo>,
    pub(super) recip_infos: RecipientInfos,
    content: EncryptedContentInfo,
    #[asn1(
        context_specific = "1",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    auth_attrs: Option<x509_cert::attr::Attributes>,
    mac: OctetString,
    #[asn1(
        context_specific = "2",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    unauth_attrs: Option<x509_cert::attr::Attributes>,
}

#[derive(Sequence)]
struct GcmParameters {
    nonce: OctetString,
    #[asn1(default = "twelve")]
    tag_length: u8,
}

fn twelve() -> u8 {
    12
}

/// Finds the recipient that we are, unwraps the content key and has the content opened.
pub(super) fn open_envelope(
    recipients: &RecipientInfos,
    keys: &Keyring,
    open: impl FnOnce(&[u8]) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<(Vec<Seal>, Option<Vec<u8>>)> {
    for recipient in recipients.0.iter().take(limits::RECIPIENTS) {
        let RecipientInfo::Ktri(wrapped) = recipient else {
            continue;
        };
        let own = keys.own.iter().find(|own| {
            let certificate = &keys.certificates[own.certificate].read;
            match &wrapped.rid {
                RecipientIdentifier::IssuerAndSerialNumber(id) => {
                    id.issuer == certificate.tbs_certificate.issuer
                        && id.serial_number == certificate.tbs_certificate.serial_number
                }
                RecipientIdentifier::SubjectKeyIdentifier(id) => {
                    key_id(certificate).as_deref() == Some(id.0.as_bytes())
                }
            }
        });
        let Some(own) = own else { continue };
        let key = unwrapped(&own.pkcs8, &wrapped.key_enc_alg, wrapped.enc_key.as_bytes())?;
        let content = open(&key)?;
        let certificate = &keys.certificates[own.certificate].read;
        let key = name_of(certificate);
        return Ok((
            vec![Seal {
                key: Some(key.clone()),
                ..Seal::new(
                    SCHEME,
                    State::Opened,
                    format!("Encrypted with S/MIME, opened with the desk's certificate {key}."),
                )
            }],
            Some(content),
        ));
    }
    let advice = if keys.own.is_empty() {
        "The desk has no private key for it: put one into the folder keys, or ask the sender to write without encryption."
    } else {
        "None of the desk's certificates fits: ask the sender to use the desk's certificate."
    };
    Ok((
        vec![Seal::new(
            SCHEME,
            State::Closed,
            format!("Encrypted with S/MIME. {advice}"),
        )],
        None,
    ))
}

fn unwrapped(pkcs8: &[u8], how: &x509_cert::spki::AlgorithmIdentifierOwned, wrapped: &[u8]) -> anyhow::Result<Vec<u8>> {
    use aws_lc_rs::rsa;
    let private =
        rsa::PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| anyhow::anyhow!("the desk's key is no RSA key"))?;
    let mut key = vec![0u8; private.key_size_bytes()];
    let wrong = |_| anyhow::anyhow!("the desk's key does not open it");
    let opened = match how.oid {
        oid::RSA => {
            let private = rsa::Pkcs1PrivateDecryptingKey::new(private).map_err(wrong)?;
            private.decrypt(wrapped, &mut key).map_err(wrong)?.to_vec()
        }
        oid::RSA_OAEP => {
            let private = rsa::OaepPrivateDecryptingKey::new(private).map_err(wrong)?;
            // Which hash stands in the parameters; there are three that anybody uses, and only the right one opens it.
            [
                &rsa::OAEP_SHA256_MGF1SHA256,
                &rsa::OAEP_SHA1_MGF1SHA1,
                &rsa::OAEP_SHA512_MGF1SHA512,
            ]
            .into_iter()
            .find_map(|hash| private.decrypt(hash, wrapped, &mut key, None).ok().map(|k| k.to_vec()))
            .ok_or_else(|| anyhow::anyhow!("the desk's key does not open it"))?
        }
        _ => anyhow::bail!("its key was wrapped in a way that is not known here"),
    };
    Ok(opened)
}

/// Content in blocks, chained: AES or Triple-DES.
pub(super) fn in_blocks(content: &EncryptedContentInfo, key: &[u8]) -> anyhow::Result<Vec<u8>> {
    use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
    let sealed = content
        .encrypted_content
        .as_ref()
        .ok_or_else(|| anyhow::anyhow!("nothing is in it"))?;
    let how = &content.content_enc_alg;
    let start = how
        .parameters
        .as_ref()
        .ok_or_else(|| anyhow::anyhow!("its parameters are missing"))?;
    let start = start.decode_as::<OctetString>()?;
    let wrong = |_| anyhow::anyhow!("its content is broken");
    let kind = match how.oid {
        oid::AES128_CBC => &AES_128,
        oid::AES192_CBC => &AES_192,
        oid::AES256_CBC => &AES_256,
        oid::TRIPLE_DES => {
            use cbc::cipher::block_padding::Pkcs7;
            use cbc::cipher::{BlockDecryptMut, KeyIvInit};
            let cipher = cbc::Decryptor::<des::TdesEde3>::new_from_slices(key, start.as_bytes())
                .map_err(|_| anyhow::anyhow!("its parameters are broken"))?;
            return cipher
                .decrypt_padded_vec_mut::<Pkcs7>(sealed.as_bytes())
                .map_err(|_| anyhow::anyhow!("its content is broken"));
        }
        _ => anyhow::bail!("it was encrypted in a way that is not known here"),
    };
    let start: [u8; 16] = start
        .as_bytes()
        .try_into()
        .map_err(|_| anyhow::anyhow!("its parameters are broken"))?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(kind, key).map_err(wrong)?).map_err(wrong)?;
    let mut out = sealed.as_bytes().to_vec();
    let length = key
        .decrypt(&mut out, DecryptionContext::Iv128(start.into()))
        .map_err(wrong)?
        .len();
    out.truncate(length);
    Ok(out)
}

/// Content whose integrity is part of its encryption (AES-GCM).
pub(super) fn authenticated(enveloped: &AuthEnvelopedData, key: &[u8]) -> anyhow::Result<Vec<u8>> {
    use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let wrong = |_| anyhow::anyhow!("its content is broken");
    let kind = match enveloped.content.content_enc_alg.oid {
        oid::AES128_GCM => &AES_128_GCM,
        oid::AES256_GCM => &AES_256_GCM,
        _ => anyhow::bail!("it was encrypted in a way that is not known here"),
    };
    let parameters = enveloped.content.content_enc_alg.parameters.as_ref();
    let parameters = parameters.ok_or_else(|| anyhow::anyhow!("its parameters are missing"))?;
    let parameters: GcmParameters = parameters.decode_as()?;
    let sealed = enveloped
        .content
        .encrypted_content
        .as_ref()
        .ok_or_else(|| anyhow::anyhow!("nothing is in it"))?;
    let aad = match &enveloped.auth_attrs {
        Some(attributes) => attributes.to_der()?,
        None => Vec::new(),
    };
    let nonce = Nonce::try_assume_unique_for_key(parameters.nonce.as_bytes()).map_err(wrong)?;
    let key = LessSafeKey::new(UnboundKey::new(kind, key).map_err(wrong)?);
    let mut out = [sealed.as_bytes(), enveloped.mac.as_bytes()].concat();
    let length = key.open_in_place(nonce, Aad::from(aad), &mut out).map_err(wrong)?.len();
    out.truncate(length);
    Ok(out)
}
