//! Sealed mail against the programs that everybody else uses: GnuPG and OpenSSL. Where one is not installed its tests say
//! so and pass; keys are made for each run and vanish with it.

#[path = "kit/seals.rs"]
mod seals;

use std::path::Path;

use duly::mail::parse::{Understood, attachment, understand_with};
use duly::mail::seal::{KeyFiles, Keyring, Scheme, State, Unsealed, Wish, given, seal};
use jiff::Timestamp;
use seals::Bench;

const HEAD: &str =
    "From: Jane Doe <jane@customer.example>\r\nTo: support@duly.example\r\nSubject: Sealed\r\nMIME-Version: 1.0\r\n";
const ENTITY: &str = "Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIt stopped at 4 o=E2=80=99clock.\r\n\r\n--in\r\nContent-Type: text/x-log; name=\"a.log\"\r\nContent-Disposition: attachment; filename=\"a.log\"\r\n\r\npanic: no space\r\n--in--\r\n";

fn ring(files: &[(&str, &[u8])]) -> Keyring {
    let (ring, complaints) = Keyring::read(&KeyFiles::of_bytes(Timestamp::now(), files));
    assert!(complaints.is_empty(), "{complaints:?}");
    ring
}

fn pgp_encrypted(armour: &[u8]) -> Vec<u8> {
    let head = "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=x\r\n\r\n--x\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--x\r\nContent-Type: application/octet-stream\r\n\r\n";
    [HEAD.as_bytes(), head.as_bytes(), armour, b"\r\n--x--\r\n"].concat()
}

fn pgp_signed(entity: &[u8], armour: &[u8]) -> Vec<u8> {
    let head = "Content-Type: multipart/signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\"; boundary=x\r\n\r\n--x\r\n";
    [
        HEAD.as_bytes(),
        head.as_bytes(),
        entity,
        b"\r\n--x\r\nContent-Type: application/pgp-signature\r\n\r\n",
        armour,
        b"\r\n--x--\r\n",
    ]
    .concat()
}

fn states(mail: &Understood) -> Vec<State> {
    mail.seals.iter().map(|seal| seal.state).collect()
}

fn is_whole(mail: &Understood, raw: &[u8], keys: &Keyring) {
    assert_eq!(mail.new_text, "It stopped at 4 o’clock.", "{mail:#?}");
    let log = mail
        .attachments
        .iter()
        .find(|a| a.name.as_deref() == Some("a.log"))
        .expect("the log");
    assert_eq!(attachment(raw, log, keys).as_deref(), Some(&b"panic: no space"[..]));
}

#[test]
fn gnupg_encrypts_and_signs_and_the_desk_opens_it_and_says_by_whom() {
    let Some(bench) = Bench::with("gpg") else { return };
    for algorithm in ["ed25519", "rsa2048"] {
        let jane = format!("Jane Doe <{algorithm}.jane@customer.example>");
        let desk = format!("Desk <{algorithm}.support@duly.example>");
        bench.gpg_key(&jane, algorithm);
        bench.gpg_key(&desk, algorithm);
        let armour = bench.gpg(
            &[
                "--armor",
                "--local-user",
                &jane,
                "--recipient",
                &desk,
                "--sign",
                "--encrypt",
            ],
            ENTITY.as_bytes(),
        );
        let raw = pgp_encrypted(&armour);
        let raw = String::from_utf8(raw)
            .expect("text")
            .replace("jane@customer", &format!("{algorithm}.jane@customer"))
            .into_bytes();
        let public = bench.gpg(&["--armor", "--export", &jane], b"");
        let secret = bench.gpg(&["--armor", "--export-secret-keys", &desk], b"");

        let keys = ring(&[("jane.asc", &public), ("desk.asc", &secret)]);
        let mail = understand_with(&raw, &keys);
        assert_eq!(states(&mail), [State::Opened, State::Valid], "{mail:#?}");
        assert_eq!(mail.seals[1].by.as_deref(), Some(jane.as_str()));
        is_whole(&mail, &raw, &keys);

        // Without the sender's key it is opened, and the signature proves nothing.
        let mail = understand_with(&raw, &ring(&[("desk.asc", &secret)]));
        assert_eq!(states(&mail), [State::Opened, State::Unknown], "{mail:#?}");
        // Without the desk's key nothing is opened, and it is said to whom it was encrypted.
        let mail = understand_with(&raw, &ring(&[("jane.asc", &public)]));
        assert_eq!(states(&mail), [State::Closed], "{mail:#?}");
        assert!(
            mail.seals[0].said.contains("put one into the folder keys"),
            "{}",
            mail.seals[0].said
        );
    }
}

#[test]
fn a_signature_of_gnupg_holds_until_a_letter_is_changed() {
    let Some(bench) = Bench::with("gpg") else { return };
    bench.gpg_key("Jane Doe <jane@customer.example>", "ed25519");
    bench.gpg_key("Eve <eve@elsewhere.example>", "ed25519");
    let public = bench.gpg(&["--export"], b"");
    let keys = ring(&[("all.gpg", &public)]);
    let entity = ENTITY.trim_end_matches("\r\n");
    let by = |who: &str| bench.gpg(&["--armor", "--local-user", who, "--detach-sign"], entity.as_bytes());
    let raw = pgp_signed(entity.as_bytes(), &by("jane@customer.example"));
    let mail = understand_with(&raw, &keys);
    assert_eq!(states(&mail), [State::Valid], "{mail:#?}");
    is_whole(&mail, &raw, &keys);
    // Line ends that a server changed on the way change nothing.
    let unix: Vec<u8> = raw.iter().filter(|b| **b != b'\r').copied().collect();
    assert_eq!(states(&understand_with(&unix, &keys)), [State::Valid]);
    let forged = String::from_utf8(raw)
        .expect("text")
        .replace("It stopped at 4", "It stopped at 5");
    let mail = understand_with(forged.as_bytes(), &keys);
    assert_eq!(states(&mail), [State::Invalid], "{mail:#?}");
    // Right, but not the sender's.
    let raw = pgp_signed(entity.as_bytes(), &by("eve@elsewhere.example"));
    let mail = understand_with(&raw, &keys);
    assert_eq!(states(&mail), [State::OfAnother], "{mail:#?}");
    assert!(mail.seals[0].said.contains("jane@customer.example"));
}

#[test]
fn words_that_gnupg_signed_in_the_text_are_read_without_the_armour() {
    let Some(bench) = Bench::with("gpg") else { return };
    bench.gpg_key("Jane Doe <jane@customer.example>", "ed25519");
    let public = bench.gpg(&["--armor", "--export"], b"");
    let signed = bench.gpg(&["--clear-sign"], b"It stopped.\n- at four\n");
    let raw = [HEAD.as_bytes(), b"\r\nHello,\r\n\r\n", &signed].concat();
    let mail = understand_with(&raw, &ring(&[("jane.asc", &public)]));
    assert_eq!(states(&mail), [State::Valid], "{mail:#?}");
    assert_eq!(mail.new_text, "Hello,\n\nIt stopped.\n- at four");
}

#[test]
fn gnupg_reads_what_the_desk_sealed() {
    let Some(bench) = Bench::with("gpg") else { return };
    bench.gpg_key("Jane Doe <jane@customer.example>", "ed25519");
    bench.gpg_key("Desk <support@duly.example>", "rsa2048");
    let public = bench.gpg(&["--armor", "--export", "jane@customer.example"], b"");
    let secret = bench.gpg(&["--armor", "--export-secret-keys", "support@duly.example"], b"");
    let keys = ring(&[("jane.asc", &public), ("desk.asc", &secret)]);
    let composed = format!(
        "From: support@duly.example\r\nTo: jane@customer.example\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n{ENTITY}"
    );
    let wish = Wish {
        sign: true,
        encrypt: true,
    };
    let sealed = seal(
        composed.as_bytes(),
        "support@duly.example",
        &["jane@customer.example"],
        wish,
        &keys,
    )
    .expect("sealed");
    let text = String::from_utf8(sealed.clone()).expect("text");
    assert!(
        text.starts_with("From: support@duly.example\r\nTo: jane") && !text.contains("stopped"),
        "{text}"
    );
    let begin = text.find("-----BEGIN PGP MESSAGE").expect("armour");
    let opened = bench.gpg(&["--decrypt", "--status-file", "status"], &text.as_bytes()[begin..]);
    assert_eq!(String::from_utf8(opened).expect("text"), ENTITY);
    assert!(
        String::from_utf8(bench.read("status"))
            .expect("text")
            .contains("GOODSIG")
    );

    let signed = seal(
        composed.as_bytes(),
        "support@duly.example",
        &[],
        Wish {
            sign: true,
            encrypt: false,
        },
        &keys,
    )
    .expect("signed");
    let mail = understand_with(&signed, &keys);
    assert_eq!(states(&mail), [State::Valid], "{mail:#?}");
    let missing = seal(
        composed.as_bytes(),
        "support@duly.example",
        &["bob@customer.example"],
        wish,
        &keys,
    );
    assert_eq!(missing, Err(Unsealed::NoKeyOf("bob@customer.example".into())));
}

#[test]
fn openssl_signs_and_encrypts_and_the_desk_opens_it_and_says_by_whom() {
    let Some(bench) = Bench::with("openssl") else { return };
    let (jane, desk) = ("jane@customer.example", "support@duly.example");
    bench.certificates(&[jane, desk]);
    let (jane_pem, jane_key) = (format!("{jane}.pem"), format!("{jane}.key"));
    let desk_pem = bench.read(&format!("{desk}.pem"));
    let desk_key = bench.read(&format!("{desk}.key"));
    let keys = ring(&[
        ("ca.pem", &bench.read("ca.pem")),
        ("desk.pem", &desk_pem),
        ("desk.key", &desk_key),
    ]);
    let jane_head = HEAD.replace("MIME-Version: 1.0\r\n", "");

    for opaque in [false, true] {
        let mut arguments = vec![
            "cms", "-sign", "-signer", &jane_pem, "-inkey", &jane_key, "-md", "sha256",
        ];
        if opaque {
            arguments.push("-nodetach");
        }
        let signed = bench.openssl(&arguments, ENTITY.as_bytes());
        let raw = [jane_head.as_bytes(), &signed].concat();
        let mail = understand_with(&raw, &keys);
        assert_eq!(states(&mail), [State::Valid], "opaque {opaque}: {mail:#?}");
        assert!(
            mail.seals[0].said.contains("Somebody <jane@customer.example>"),
            "{}",
            mail.seals[0].said
        );
        is_whole(&mail, &raw, &keys);
        let mail = understand_with(&raw, &ring(&[("desk.pem", &desk_pem)]));
        assert_eq!(states(&mail), [State::Unknown], "{mail:#?}");
        assert!(mail.seals[0].said.contains("Test Authority"), "{}", mail.seals[0].said);
        if !opaque {
            let forged = String::from_utf8(raw)
                .expect("text")
                .replace("It stopped at 4", "It stopped at 5");
            assert_eq!(states(&understand_with(forged.as_bytes(), &keys)), [State::Invalid]);
        }
    }
    let desk_name = format!("{desk}.pem");
    for cipher in ["-aes256", "-des3", "-aes128"] {
        for streamed in [true, false] {
            let signed = bench.openssl(
                &["cms", "-sign", "-signer", &jane_pem, "-inkey", &jane_key],
                ENTITY.as_bytes(),
            );
            let mut arguments = vec!["cms", "-encrypt", cipher];
            if streamed {
                arguments.push("-stream");
            }
            arguments.push(&desk_name);
            let sealed = bench.openssl(&arguments, &signed);
            let raw = [jane_head.as_bytes(), &sealed].concat();
            let mail = understand_with(&raw, &keys);
            assert_eq!(
                states(&mail),
                [State::Opened, State::Valid],
                "{cipher} {streamed}: {mail:#?}"
            );
            is_whole(&mail, &raw, &keys);
            let mail = understand_with(&raw, &ring(&[("ca.pem", &bench.read("ca.pem"))]));
            assert_eq!(states(&mail), [State::Closed], "{mail:#?}");
        }
    }
}

#[test]
fn openssl_reads_what_the_desk_sealed() {
    let Some(bench) = Bench::with("openssl") else { return };
    let (jane, desk) = ("jane@customer.example", "support@duly.example");
    bench.certificates(&[jane, desk]);
    let keys = ring(&[
        ("jane.pem", &bench.read(&format!("{jane}.pem"))),
        ("desk.pem", &bench.read(&format!("{desk}.pem"))),
        ("desk.key", &bench.read(&format!("{desk}.key"))),
    ]);
    let composed = format!("From: {desk}\r\nTo: {jane}\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n{ENTITY}");
    let sealed = seal(
        composed.as_bytes(),
        desk,
        &[jane],
        Wish {
            sign: true,
            encrypt: true,
        },
        &keys,
    )
    .expect("sealed");
    let signed = bench.openssl(
        &[
            "cms",
            "-decrypt",
            "-recip",
            &format!("{jane}.pem"),
            "-inkey",
            &format!("{jane}.key"),
        ],
        &sealed,
    );
    let content = bench.openssl(&["cms", "-verify", "-CAfile", "ca.pem", "-purpose", "any"], &signed);
    let even = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    assert_eq!(even(&content).trim_end(), even(ENTITY.as_bytes()).trim_end());
}

#[test]
fn a_private_key_that_others_may_read_is_not_used() {
    let Some(bench) = Bench::with("openssl") else { return };
    bench.certificates(&["support@duly.example"]);
    let folder = bench.path("keys");
    std::fs::create_dir(&folder).expect("a folder");
    let from = |name: &str, to: &Path| std::fs::write(to, bench.read(name)).expect("a copy");
    from("support@duly.example.pem", &folder.join("desk.pem"));
    let key = folder.join("desk.key");
    from("support@duly.example.key", &key);
    let mode =
        |mode| std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("a mode");
    mode(0o644);
    let (_, complaints) = KeyFiles::of_folder(&folder, Timestamp::now()).expect("a listing");
    assert_eq!(complaints.len(), 1);
    assert!(complaints[0].contains("chmod 600"), "{complaints:?}");
    mode(0o600);
    let (files, complaints) = KeyFiles::of_folder(&folder, Timestamp::now()).expect("a listing");
    assert!(complaints.is_empty(), "{complaints:?}");
    assert!(Keyring::read(&files).1.is_empty());
    let (none, complaints) = KeyFiles::of_folder(&bench.path("nowhere"), Timestamp::now()).expect("nothing");
    assert!(complaints.is_empty() && Keyring::read(&none).0.is_empty());
}

#[test]
fn a_key_is_given_for_the_address_that_it_names_and_only_if_it_can_encrypt() {
    let Some(bench) = Bench::with("gpg") else { return };
    let jane = "jane@customer.example";
    bench.gpg_key("Jane Doe <jane@customer.example>", "ed25519");
    let public = bench.gpg(&["--armor", "--export", jane], b"");
    let now = Timestamp::now();
    let key = given::read(&public, jane, now).expect("a key");
    assert_eq!((key.scheme, key.until), (Scheme::OpenPgp, None));
    assert_eq!(key.fingerprint.len(), 40);
    assert!(given::read(&public, "JANE@customer.example", now).is_ok());
    let secret = bench.gpg(&["--armor", "--export-secret-keys", jane], b"");
    let of_primary = [
        "--quick-generate-key",
        "Sign <sign@customer.example>",
        "ed25519",
        "sign",
        "never",
    ];
    bench.gpg(&of_primary, b"");
    let signing = bench.gpg(&["--export", "sign@customer.example"], b"");
    for (file, address, why) in [
        (&public[..], "eve@customer.example", "names eve@customer.example"),
        (&secret[..], jane, "private key"),
        (&signing[..], "sign@customer.example", "has no part that can encrypt"),
        (b"", jane, "neither"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n", jane, "neither"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            jane,
            "neither",
        ),
        (b"\x00\xff\x99", jane, "neither"),
    ] {
        let said = given::read(file, address, now).expect_err("refused");
        assert!(said.contains(why), "{why}: {said}");
    }
}

#[test]
fn a_certificate_is_given_with_its_last_day_and_not_after_it() {
    let Some(bench) = Bench::with("openssl") else { return };
    let jane = "jane@customer.example";
    bench.certificates(&[jane]);
    let file = bench.read("jane@customer.example.pem");
    let now = Timestamp::now();
    let key = given::read(&file, jane, now).expect("a certificate");
    let days = key.until.expect("a last day").duration_since(now).as_hours() / 24;
    assert_eq!((key.scheme, key.fingerprint.len(), days), (Scheme::Smime, 64, 19));
    let later = now + jiff::SignedDuration::from_hours(24 * 30);
    let said = given::read(&file, jane, later).expect_err("refused");
    assert!(said.contains("expired on") && said.contains("--remove"), "{said}");
}
