//! Letters to contacts whose key is known leave sealed, and the programs of those contacts open them.

use crate::kit::databases::migrated;
use crate::kit::desk::{ANNA, DESK, TestDesk};
use crate::kit::mail::mail;
use crate::kit::seals::Bench;
use crate::kit::sink::Taken;
use data_encoding::BASE64;
use duly::desk::MIGRATIONS;
use duly::desk::engineer::Role;
use duly::desk::key::NewKey;
use duly::desk::queue::Delivery;
use duly::desk::verb::{Answer, Verb};
use duly::mail::seal::given;
use duly::mail::sign::{self, Kind};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::os::unix::fs::PermissionsExt;

const NORA: &str = "nora@northwind.example";
const EVE: &str = "eve@elsewhere.example";

/// A desk of today, for keys are made today; on each database. It signs (DKIM) and has these key files of its own.
fn with_keys(own: &[(&str, &[u8])], scenario: impl Fn(&mut TestDesk)) {
    for database in migrated(MIGRATIONS) {
        let settings = [("mail", "unverified", "schedule"), ("mail", "dkim_selector", "duly")];
        let now = Timestamp::from_second(Timestamp::now().as_second()).expect("now") + SignedDuration::from_secs(60);
        let mut desk = TestDesk::open(database, &settings, now);
        desk.stop();
        let pem = sign::new_key(Kind::Ed25519).expect("a key");
        std::fs::write(desk.folder().join(sign::KINDS[1].1), pem).expect("a file");
        let folder = desk.folder().join("keys");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, bytes) in own {
            let path = folder.join(name);
            std::fs::write(&path, bytes).expect("a file");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("its mode");
        }
        desk.start();
        desk.hire(ANNA, "Anna Keller", Role::Lead);
        scenario(&mut desk);
        desk.ends_well();
    }
}

fn give(desk: &TestDesk, address: &str, file: &[u8]) -> String {
    let read = given::read(file, address, desk.now()).expect("a key that can be used");
    let key = NewKey {
        file: BASE64.encode(file),
        scheme: read.scheme.to_string(),
        fingerprint: read.fingerprint,
        until: read.until,
    };
    let address = address.to_owned();
    desk.act(
        ANNA,
        Verb::ContactKey {
            address,
            key: Some(key),
        },
    )
}

fn newest_delivery(desk: &TestDesk, case: i64) -> Delivery {
    let page = desk.page(case);
    let replies = page.messages.iter().find(|one| one.kind == "answer");
    replies.expect("a reply").delivery[0].clone()
}

/// Head and body of a mail.
fn apart(raw: &[u8]) -> (String, &[u8]) {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    (
        String::from_utf8_lossy(&raw[..end]).replace("\r\n ", " "),
        &raw[end + 4..],
    )
}

/// What DKIM signed is what left.
fn assert_signed_as_it_left(taken: &Taken) {
    let (head, body) = apart(&taken.raw);
    let body = String::from_utf8_lossy(body);
    let hash = BASE64.encode(&Sha256::digest(format!("{}\r\n", body.trim_end_matches("\r\n"))));
    assert!(head.contains(&format!("bh={hash}")), "{head}");
}

#[test]
fn gnupg_opens_what_left_for_a_contact_with_a_key_and_nobody_else_gets_it_sealed() {
    let Some(bench) = Bench::with("gpg") else { return };
    bench.gpg_key("Nora <nora@northwind.example>", "ed25519");
    bench.gpg_key(&format!("Acme Support <{DESK}>"), "ed25519");
    let public = bench.gpg(&["--armor", "--export", NORA], b"");
    let own = bench.gpg(&["--armor", "--export-secret-keys", DESK], b"");
    with_keys(&[("desk.asc", &own)], |desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let said = give(desk, NORA, &public);
        assert!(said.contains("OpenPGP") && said.contains("without an end"), "{said}");
        desk.answered(case, "close");
        let taken = desk.mails_to(NORA);
        let (in_clear, sealed) = (&taken[0], &taken[1]);
        assert!(!in_clear.text().contains("BEGIN PGP"), "no key was known yet");
        assert!(!sealed.text().contains("This is the answer"), "{}", sealed.text());
        let (head, body) = apart(&sealed.raw);
        assert!(
            head.contains("Subject: Re: The daemon stops"),
            "the subject stays in clear: {head}"
        );
        assert!(head.contains("multipart/encrypted"), "{head}");
        assert_signed_as_it_left(sealed);
        let body = String::from_utf8_lossy(body);
        let armour = &body[body.find("-----BEGIN PGP MESSAGE").expect("armour")..];
        let status = bench.gpg(&["--status-fd", "1", "--decrypt"], armour.as_bytes());
        let opened = String::from_utf8_lossy(&status);
        assert!(opened.contains("This is the answer to case"), "{opened}");
        assert!(opened.contains("GOODSIG"), "signed by the desk: {opened}");
        let delivery = newest_delivery(desk, case);
        let sealed = delivery.sealed.as_deref().unwrap_or_default();
        assert!(
            sealed.starts_with("encrypted with OpenPGP for key ") && sealed.ends_with(", signed"),
            "{sealed}"
        );
        assert!(delivery.words(&desk.rules().zone, desk.now()).contains(sealed));

        let other = desk.receive(&mail(EVE, "Another")).case();
        desk.answered(other, "close");
        assert!(
            desk.mails_to(EVE)[1].text().contains("This is the answer"),
            "Eve has no key"
        );
        assert_eq!(newest_delivery(desk, other).sealed, None);

        let Ok(Answer::Contacts(rows)) = desk.owner(Verb::Contact {
            named: Some(NORA.into()),
        }) else {
            panic!("no contact")
        };
        let key = rows[0].key.as_ref().expect("the list shows the key");
        assert!(
            sealed_for(&delivery, &key.fingerprint) && key.until.is_none(),
            "{key:?}"
        );
    });
}

fn sealed_for(delivery: &Delivery, fingerprint: &str) -> bool {
    delivery
        .sealed
        .as_deref()
        .is_some_and(|sealed| sealed.contains(fingerprint))
}

#[test]
fn openssl_opens_what_left_for_a_contact_with_a_certificate() {
    let Some(bench) = Bench::with("openssl") else { return };
    bench.certificates(&[NORA, DESK]);
    let own = [bench.read(&format!("{DESK}.pem")), bench.read(&format!("{DESK}.key"))].concat();
    with_keys(&[("desk.pem", &own)], |desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        give(desk, NORA, &bench.read(&format!("{NORA}.pem")));
        desk.answered(case, "close");
        let sealed = &desk.mails_to(NORA)[1];
        assert!(!sealed.text().contains("This is the answer"));
        assert_signed_as_it_left(sealed);
        let (certificate, key) = (format!("{NORA}.pem"), format!("{NORA}.key"));
        let inner = bench.openssl(
            &["cms", "-decrypt", "-recip", &certificate, "-inkey", &key],
            &sealed.raw,
        );
        let opened = bench.openssl(&["cms", "-verify", "-CAfile", "ca.pem", "-purpose", "any"], &inner);
        assert!(String::from_utf8_lossy(&opened).contains("This is the answer to case"));
        let delivery = newest_delivery(desk, case);
        assert!(
            delivery
                .sealed
                .is_some_and(|s| s.starts_with("encrypted with S/MIME for key ") && s.ends_with(", signed"))
        );
    });
}

#[test]
fn a_letter_whose_key_has_expired_is_not_sent_in_clear_and_leaves_once_the_key_is_new_or_gone() {
    let Some(bench) = Bench::with("gpg") else { return };
    bench.gpg(
        &[
            "--quick-generate-key",
            "Nora <nora@northwind.example>",
            "default",
            "default",
            "2d",
        ],
        b"",
    );
    let public = bench.gpg(&["--armor", "--export", NORA], b"");
    with_keys(&[], |desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        give(desk, NORA, &public);
        desk.at(desk.now() + SignedDuration::from_hours(72));
        assert!(
            given::read(&public, NORA, desk.now()).is_err(),
            "it is refused where it is given, too"
        );
        let before = desk.mails_to(NORA).len();
        desk.answered(case, "close");
        assert_eq!(desk.mails_to(NORA).len(), before, "nothing left");
        let delivery = newest_delivery(desk, case);
        let said = delivery.said.clone().unwrap_or_default();
        assert_eq!(delivery.state, "failed");
        for words in [
            "not sent in clear",
            "expired on",
            "duly contact key nora@northwind.example --remove",
            "spool retry o",
        ] {
            assert!(said.contains(words), "{said}");
        }
        let address = NORA.to_owned();
        let gone = desk.act(ANNA, Verb::ContactKey { address, key: None });
        assert!(gone.contains("in clear"), "{gone}");
        let retry = said
            .rsplit_once("retry ")
            .expect("what to do")
            .1
            .trim_end_matches(['`', '.'])
            .to_owned();
        desk.act(ANNA, Verb::Retry { what: retry });
        desk.quiet();
        let newest = desk.mails_to(NORA).pop().expect("it left");
        assert!(newest.text().contains("This is the answer"), "{}", newest.text());
    });
}
