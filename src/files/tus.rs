//! The words of tus 1.0.0, the protocol of resumable uploads: its header fields read and refused. Pure.
//!
//! Core, creation, checksum (sha1, sha256), expiration and termination. Left out: uploads of unknown length and
//! concatenation.

use data_encoding::BASE64;
use sha2::Digest;

/// The one version that is spoken.
pub const VERSION: &str = "1.0.0";
/// What is offered beyond the core.
pub const EXTENSIONS: &str = "creation,checksum,expiration,termination";
/// Checksums that are known.
pub const CHECKSUMS: &str = "sha1,sha256";

/// A number of bytes as a header says it: digits only, no sign, no space.
pub fn count(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// What `Upload-Metadata` says of a key: `name aGVsbG8=,other`. Keys are ASCII, values base64 of UTF-8.
pub fn metadata(text: &str, key: &str) -> Option<String> {
    let pairs = text.split(',').take(32).map(str::trim);
    let mut found = pairs.filter_map(|pair| match pair.split_once(' ') {
        Some((name, value)) if name == key => Some(value.trim()),
        None if pair == key => Some(""),
        _ => None,
    });
    let bytes = BASE64.decode(found.next()?.as_bytes()).ok()?;
    String::from_utf8(bytes).ok()
}

/// A checksum under way, and what it must come to.
pub struct Checksum {
    hash: Hash,
    wanted: Vec<u8>,
}

enum Hash {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

impl Checksum {
    /// Reads `Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=`; `None` where the algorithm is not known or the rest
    /// is no checksum of it.
    pub fn read(text: &str) -> Option<Checksum> {
        let (name, value) = text.split_once(' ')?;
        let wanted = BASE64.decode(value.trim().as_bytes()).ok()?;
        let (hash, length) = match name {
            "sha1" => (Hash::Sha1(sha1::Sha1::new()), 20),
            "sha256" => (Hash::Sha256(sha2::Sha256::new()), 32),
            _ => return None,
        };
        (wanted.len() == length).then_some(Checksum { hash, wanted })
    }

    /// Takes bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.hash {
            Hash::Sha1(hash) => hash.update(bytes),
            Hash::Sha256(hash) => hash.update(bytes),
        }
    }

    /// Whether it came to what was said.
    pub fn fits(self) -> bool {
        match self.hash {
            Hash::Sha1(hash) => hash.finalize().as_slice() == self.wanted,
            Hash::Sha256(hash) => hash.finalize().as_slice() == self.wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(count("0"), Some(0));
        assert_eq!(count("9223372036854775807"), Some(i64::MAX as u64));
        for wrong in ["", "-1", "+1", " 1", "1 ", "0x10", "1e3", "99999999999999999999"] {
            assert_eq!(count(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn metadata_is_pairs_of_a_key_and_base64() {
        let text = "filename Y29yZS5nejI=,filetype YXBwbGljYXRpb24vZ3ppcA==, is_new";
        assert_eq!(metadata(text, "filename").as_deref(), Some("core.gz2"));
        assert_eq!(metadata(text, "filetype").as_deref(), Some("application/gzip"));
        assert_eq!(metadata(text, "is_new").as_deref(), Some(""));
        assert_eq!(metadata(text, "file"), None);
        assert_eq!(metadata("filename !!", "filename"), None);
    }

    #[test]
    fn a_checksum_fits_or_it_does_not() {
        let mut good = Checksum::read("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=").expect("of hello");
        good.update(b"hel");
        good.update(b"lo");
        assert!(good.fits());
        let mut bad = Checksum::read("sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=").expect("of hello");
        bad.update(b"hullo");
        assert!(!bad.fits());
        for wrong in [
            "md5 XUFAKrxLKna5cZ2REBfFkg==",
            "sha1 short",
            "sha1",
            "sha256 qvTGHdzF6KLavt4PO0gs2a6pQ00=",
        ] {
            assert!(Checksum::read(wrong).is_none(), "{wrong}");
        }
    }
}
