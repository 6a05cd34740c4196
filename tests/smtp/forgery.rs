//! Campaign S3 (SECURITY.md §4.2): forged mails and honest ones through real SMTP into a real desk, names on loopback.
//!
//! No forgery is taken for the contact whose name it bears, adds anybody to a case, or is answered with a word of it; no
//! honest mail is lost. On a build that takes any signature for the author's (`--features sabotage-unaligned`) it fails.

pub mod letters;

use super::kit::databases::migrated;
use super::kit::desk::{ANNA, DESK, MONDAY, TestDesk, time};
use super::kit::mail::Client;
use duly::desk::engineer::Role;
use duly::desk::{MIGRATIONS, thread};
use letters::{HERS, Known, Letter, PRIYA, USUAL, World, forged, honest, plain};
use std::collections::{BTreeMap, HashMap};

const FORGED: usize = 1_000;
const HONEST: usize = 500;
/// Words of the victim's case that nobody else may read.
const CANARY: &str = "kestrel-7f3a";

const SETTINGS: [(&str, &str, &str); 4] = [
    ("mail", "unverified", "hold"),
    ("mail", "gateways", "127.0.0.99"),
    ("mail", "trust_authserv", "mx.acme.example, sealer.example"),
    ("mail", "lists", "users@lists.acme.example"),
];

/// Hands over letters, with a connection for each host that sends.
#[derive(Default)]
struct Post {
    clients: HashMap<(&'static str, &'static str), Client>,
}

impl Post {
    fn hand_over(&mut self, desk: &TestDesk, letter: &Letter) {
        let smtp = desk.smtp();
        let key = (letter.peer, letter.helo);
        let client = self
            .clients
            .entry(key)
            .or_insert_with(|| Client::connect_from(smtp, letter.peer, letter.helo));
        let said = client.send(&letter.raw, &letter.envelope, &[&letter.to]);
        assert_eq!(said.0, 250, "{}: {}", letter.class, said.1);
    }
}

#[test]
fn no_forgery_is_believed_and_no_honest_mail_is_lost() {
    for database in migrated(MIGRATIONS) {
        let mut desk = TestDesk::open(database, &SETTINGS, time(MONDAY));
        desk.hire(ANNA, "Anna Keller", Role::Lead);
        let world = World::new(&desk.names);
        let known = victim(&mut desk, &world);
        forgeries(&mut desk, &world, &known);
        honest_mails(&mut desk, &world);
        desk.ends_well();
    }
}

/// A case of a known contact, with words that nobody else may read.
fn victim(desk: &mut TestDesk, world: &World) -> Known {
    let raw = plain(
        &format!("Priya Nair <{PRIYA}>"),
        DESK,
        "Replica lag",
        "first@northwind.example",
        "",
    );
    let raw = String::from_utf8(raw).expect("ours").replace("everything", CANARY);
    let first = Letter {
        class: "her own",
        raw: world.signed("northwind.example", &USUAL, false, raw.as_bytes()),
        envelope: PRIYA.into(),
        to: DESK.into(),
        peer: HERS,
        helo: "mx.northwind.example",
        author: PRIYA.into(),
    };
    let mut post = Post::default();
    post.hand_over(desk, &first);
    desk.quiet();
    let case = desk.number("SELECT MAX(id) FROM cases", &[]);
    assert_eq!(desk.promises(case).len(), 1, "her signed mail earns a promise");
    desk.answered(case, "wait fri 12:00");
    let key = desk.rows("SELECT key FROM cases WHERE id = $1", &[case.into()])[0]
        .text(0)
        .to_owned();
    // What she wrote to somebody else, kept by whoever got it.
    let other = plain(
        &format!("Priya Nair <{PRIYA}>"),
        "friend@evil.example",
        "Re: Replica lag",
        "captured@northwind.example",
        "",
    );
    let other = String::from_utf8(other)
        .expect("ours")
        .replace("Please send", "I keep this mail; please send");
    Known {
        token: thread::reply_address(&desk.rules(), &key, PRIYA),
        ids: vec![
            "first@northwind.example".into(),
            desk.reply_id(case),
            format!("case-{case}.message-2.aaaaaaaaaaaaaaaa@acme.example"),
        ],
        captured: world.signed("northwind.example", &USUAL, false, other.as_bytes()),
        words: "Please send me everything again.".into(),
    }
}

fn forgeries(desk: &mut TestDesk, world: &World, known: &Known) {
    let state = |desk: &TestDesk| {
        let rows = desk.rows(
            "SELECT k.id, k.hand, k.reply_by, k.customer, (SELECT COUNT(*) FROM promise p WHERE p.case_id = k.id),
                (SELECT COUNT(*) FROM participant p WHERE p.case_id = k.id)
             FROM cases k WHERE k.id = 1",
            &[],
        );
        let row = &rows[0];
        (
            row.text(1).to_owned(),
            row.opt_int(2),
            row.int(3),
            row.int(4),
            row.int(5),
        )
    };
    let before = state(desk);
    let (last, sent) = (desk.number("SELECT MAX(id) FROM arrival", &[]), desk.sink.taken().len());
    let mut post = Post::default();
    let mut classes = Vec::with_capacity(FORGED);
    for n in 0..FORGED {
        let letter = forged(world, known, n);
        post.hand_over(desk, &letter);
        classes.push(letter.class);
    }
    desk.quiet();
    assert_eq!(state(desk), before, "{}: her case is as it was", desk.on);
    let placed = desk.rows(
        "SELECT a.id, m.contact, m.verified, m.address, m.case_id, m.facts FROM arrival a JOIN message m ON m.id = a.message
         WHERE a.id > $1 ORDER BY a.id",
        &[last.into()],
    );
    assert_eq!(placed.len(), FORGED, "{}: every mail has a place", desk.on);
    let hers = desk.number(
        "SELECT contact FROM contact_address WHERE address = $1",
        &[PRIYA.into()],
    );
    let mut appended = 0;
    for (row, class) in placed.iter().zip(&classes) {
        let told = || format!("{}: {class}: {}", desk.on, row.text(5));
        assert_ne!(row.opt_int(1), Some(hers), "taken for her: {}", told());
        let is_her_name = row.text(3).eq_ignore_ascii_case(PRIYA);
        assert!(!(row.flag(2) && is_her_name), "believed: {}", told());
        // Whoever has her reply address may append, marked and without effect.
        appended += usize::from(row.opt_int(4) == Some(1));
    }
    let case_of = |contact: i64| desk.number("SELECT COUNT(*) FROM participant WHERE contact = $1", &[contact.into()]);
    assert_eq!(case_of(hers), 1, "{}: she is on her own case and no other", desk.on);
    let letters = desk.sink.taken().split_off(sent);
    for letter in &letters {
        assert!(!letter.text().contains(CANARY), "{}: history left the house", desk.on);
        assert!(
            !letter.is_to(PRIYA),
            "{}: she got mail that she did not ask for: {}",
            desk.on,
            letter.text()
        );
    }
    println!(
        "{}: {FORGED} forged, {appended} appended and marked, {} letters to others",
        desk.on,
        letters.len()
    );
}

fn honest_mails(desk: &mut TestDesk, world: &World) {
    let last = desk.number("SELECT MAX(id) FROM arrival", &[]);
    let mut post = Post::default();
    let mut sent = Vec::with_capacity(HONEST);
    for n in 0..HONEST {
        let letter = honest(world, n);
        post.hand_over(desk, &letter);
        sent.push(letter);
    }
    desk.quiet();
    let placed = desk.rows(
        "SELECT a.id, m.verified, m.address, m.case_id, m.spool_reason, m.facts FROM arrival a JOIN message m ON m.id = a.message
         WHERE a.id > $1 ORDER BY a.id",
        &[last.into()],
    );
    assert_eq!(placed.len(), HONEST, "{}: none is lost", desk.on);
    let mut fared: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (row, letter) in placed.iter().zip(&sent) {
        assert!(row.opt_int(3).is_some(), "{}: {} is in no case", desk.on, letter.class);
        assert_eq!(row.text(2), letter.author, "{}: {}", desk.on, letter.class);
        let how = if row.flag(1) { "attributed" } else { "held" };
        assert_eq!(how == "held", row.opt_text(4).is_some(), "{}", row.text(5));
        *fared.entry((letter.class, how)).or_default() += 1;
    }
    println!("{}: {fared:#?}", desk.on);
    for ((class, how), count) in fared {
        let expected = if class == "nothing published" {
            "held"
        } else {
            "attributed"
        };
        assert_eq!(how, expected, "{}: {class}, {count} times", desk.on);
    }
}
