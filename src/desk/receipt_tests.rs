//! Receipts prove what was said, and nothing else.

use super::*;

fn signer() -> Signer {
    Signer::of("acme.example", &[7; 32]).unwrap()
}

fn receipt() -> Receipt {
    Receipt {
        case: 4711,
        due: "2026-11-24T14:00:00Z".parse().unwrap(),
        state: "agreed".into(),
        promise: Some(88),
        desk: "acme.example".into(),
        at: "2026-11-23T09:00:00Z".parse().unwrap(),
    }
}

fn field() -> String {
    let mut words = receipt().words();
    words.truncate(3);
    words.extend(receipt().signed(&signer()));
    words.join("; ")
}

fn keys() -> Vec<Public> {
    vec![signer().public().clone()]
}

#[test]
fn a_receipt_is_proven_with_the_published_key_alone() {
    let published = signer().public().text();
    assert_eq!(check(&field(), &Public::read_all(&published)), Ok(receipt()));
    let (name, record) = signer().public().record();
    assert_eq!(name, "_duly-promise.acme.example");
    assert_eq!(
        check(&field(), &Public::read_all(&format!("\"{record}\""))),
        Ok(receipt())
    );
}

#[test]
fn folding_and_lost_blanks_change_nothing() {
    assert_eq!(check(&field().replace("; ", ";\r\n\t "), &keys()), Ok(receipt()));
    assert_eq!(check(&field().replace(' ', ""), &keys()), Ok(receipt()));
}

#[test]
fn every_changed_word_is_found() {
    let whole = field();
    let changes = [
        ("case=4711", "case=4712"),
        ("T14:00:00Z", "T15:00:00Z"),
        ("state=agreed", "state=offered"),
        ("promise=88", "promise=89"),
        ("at=2026-11-23", "at=2026-11-22"),
    ];
    for (was, is) in changes {
        let changed = whole.replacen(was, is, 1);
        assert_ne!(changed, whole);
        assert_eq!(check(&changed, &keys()), Err(Wrong::Forged), "{was} → {is}");
    }
    let without = whole.replace("promise=88; ", "");
    assert_eq!(check(&without, &keys()), Err(Wrong::Forged));
    let twice = whole.replace("case=4711", "case=4711; case=4711");
    assert!(matches!(check(&twice, &keys()), Err(Wrong::Unreadable(_))));
}

#[test]
fn every_changed_byte_of_a_signature_is_found() {
    let whole = field();
    let at = whole.find("sig=").unwrap() + 4;
    for place in at..whole.len() - 2 {
        let mut bytes = whole.clone().into_bytes();
        if bytes[place] == b' ' {
            continue;
        }
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        assert!(
            check(&String::from_utf8(bytes).unwrap(), &keys()).is_err(),
            "byte {place}"
        );
    }
}

#[test]
fn another_desk_proves_nothing_in_our_name() {
    let theirs = Signer::of("evil.example", &[9; 32]).unwrap();
    let mut words = receipt().words();
    words.truncate(3);
    words.extend(receipt().signed(&theirs));
    let keys = vec![theirs.public().clone()];
    assert!(matches!(check(&words.join("; "), &keys), Err(Wrong::OtherDesk(_, _))));
    assert!(matches!(check(&field(), &keys), Err(Wrong::UnknownKey(_))));
    assert_eq!(
        check("case=1; due=2026-11-24T14:00:00Z; state=open", &keys),
        Err(Wrong::Unsigned)
    );
}

#[test]
fn a_key_file_reads_back_and_a_changed_one_does_not() {
    let file = Signer::file("acme.example", &[7; 32]).unwrap();
    assert_eq!(Signer::read(&file).unwrap().public(), signer().public());
    assert!(Signer::read(&file.replace("acme", "akme")).is_err());
    assert!(Signer::read("PRIVATE+KEY+x").is_err());
    assert_eq!(
        Public::read_all(&file),
        [],
        "a secret key is not taken for a public one"
    );
}

#[test]
fn receipts_are_found_in_forwarded_mails_too() {
    let mail = format!(
        "From: a@b.example\r\nduly-promise: {}\r\nSubject: x\r\n\r\nSee below\r\n\r\nDuly-Promise:\r\n {}\r\nTo: c\r\n",
        field(),
        field().replace("; ", ";\r\n ")
    );
    let found = fields_of(&mail, 10);
    assert_eq!(found.len(), 2);
    for value in &found {
        assert_eq!(check(value, &keys()), Ok(receipt()));
    }
    assert_eq!(fields_of(&mail, 1).len(), 1);
}
