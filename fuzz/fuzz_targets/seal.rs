//! Any bytes as each kind of sealed mail: recognised, judged, never believed without a key.
#![no_main]

use duly::limits;
use duly::mail::parse::understand;
use duly::mail::seal::State;
use libfuzzer_sys::fuzz_target;

const SHAPES: &[(&str, &str)] = &[
    ("Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\n\n", "\n--b--\n"),
    ("Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pgp-signature\n\n", "\n--b--\n"),
    ("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pkcs7-signature\nContent-Transfer-Encoding: binary\n\n", "\n--b--\n"),
    ("Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: binary\n\n", ""),
    ("Content-Type: text/plain\n\n-----BEGIN PGP SIGNED MESSAGE-----\n", "\n-----END PGP SIGNATURE-----\n"),
    ("Content-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n", "\n-----END PGP MESSAGE-----\n"),
];

fuzz_target!(|data: &[u8]| {
    let Some((&which, bytes)) = data.split_first() else { return };
    let (head, tail) = SHAPES[usize::from(which) % SHAPES.len()];
    let mail = understand(&[b"From: a@b.example\n", head.as_bytes(), bytes, tail.as_bytes()].concat());
    assert!(mail.seals.len() <= limits::SEALS * 2);
    for seal in &mail.seals {
        assert!(!matches!(seal.state, State::Valid | State::OfAnother | State::Opened), "{seal:?}");
    }
});
