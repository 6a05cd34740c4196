//! Inputs that the fuzz targets kept, replayed as ordinary tests: what once broke a reader of mail stays mended.
//!
//! Every folder under `fuzz/seeds` has its reader here, and every reader of foreign bytes a folder.

use std::path::Path;

use duly::limits;
use duly::mail::{calendar, charset, forward, html, parse, quote, rtf, seal, tnef};

type Reader = fn(&[u8]);

const READERS: &[(&str, Reader)] = &[
    ("tnef", |bytes| {
        assert!(tnef::open(bytes).files.len() <= limits::ATTACHMENTS);
    }),
    ("rtf", |bytes| {
        let unpacked = rtf::decompress(bytes);
        assert!(unpacked.is_none_or(|u| rtf::to_text(&u).len() <= limits::TEXT_BYTES));
        let _ = rtf::to_text(bytes);
    }),
    ("calendar", |bytes| {
        let _ = calendar::read(&String::from_utf8_lossy(bytes));
    }),
    ("charset", |bytes| {
        let _ = charset::decode(&bytes[1..], None);
        let _ = charset::header_text(&bytes[1..], None);
    }),
    ("forward", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (subject, body) = text.split_once('\n').unwrap_or(("", &text));
        assert!(forward::find(subject, body).is_none_or(|found| found.from.address.contains('@')));
    }),
    ("headers", |bytes| {
        let _ = parse::understand(&[b"Subject: ", &bytes[1..], b"\n\ntext\n"].concat());
    }),
    ("html", |bytes| {
        let _ = html::to_text(&String::from_utf8_lossy(bytes));
    }),
    ("quote", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let parts = quote::split(&text);
        let written = |text: &str| text.lines().filter(|l| !l.trim().is_empty()).count();
        assert_eq!(
            written(&text),
            written(&parts.new_text) + written(&parts.quoted_text) + written(&parts.signature)
        );
    }),
    ("seal", |bytes| {
        let heads = [
            "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\n\n",
            "Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: binary\n\n",
            "Content-Type: text/plain\n\n-----BEGIN PGP SIGNED MESSAGE-----\n",
        ];
        for head in heads {
            let mail = parse::understand(&[head.as_bytes(), &bytes[1..], b"\n-----END PGP SIGNATURE-----\n"].concat());
            let believed = |one: &seal::Seal| matches!(one.state, seal::State::Valid | seal::State::Opened);
            assert!(!mail.seals.iter().any(believed), "{:?}", mail.seals);
        }
    }),
];

#[test]
fn every_kept_input_is_read_within_its_bounds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let mut replayed = 0;
    for folder in std::fs::read_dir(&seeds).expect("the seeds").flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let reader = READERS.iter().find(|(n, _)| *n == name);
        let (_, read) = reader.unwrap_or_else(|| panic!("fuzz/seeds/{name} has no reader in tests/kept.rs"));
        for input in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
            read(&std::fs::read(input.path()).expect("an input"));
            replayed += 1;
        }
    }
    assert!(replayed >= READERS.len(), "{replayed}");
}
