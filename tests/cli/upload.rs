//! Files through the real program: an upload outlives a killed desk, `duly files` and `duly save` give back what came, and
//! `duly reply --attach` sends what is here.

use crate::desk::{ANNA, Desk, program};
use crate::kit::http::{TUS, ask, begin, offset, piece};
use duly::config::Config;
use duly::desk::{CaseId, ContactId, link, thread};
use std::io::Write;
use std::net::SocketAddr;

const OPEN: [(&str, &str); 2] = [
    ("DULY_MAIL_UNVERIFIED", "schedule"),
    ("DULY_WEB_ADDRESS", "https://desk.acme.example"),
];

/// The link of the first contact of the first case.
fn token(desk: &Desk) -> String {
    let config = Config::read(&desk.dir(), std::iter::empty()).expect("settings");
    let rules = duly::serve::desk_of(&desk.dir(), &config).expect("the rules");
    link::token(&rules, &thread::case_key(&rules, CaseId(1)), ContactId(1))
}

fn http(desk: &Desk) -> SocketAddr {
    desk.http.parse().expect("an address")
}

#[test]
fn an_upload_outlives_a_killed_desk() {
    let mut desk = Desk::with(&OPEN);
    desk.mail("Large file", "It comes by the link.");
    let token = token(&desk);
    let bytes: Vec<u8> = (0..60_000_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let place = begin(http(&desk), &token, "core.gz", bytes.len() as u64);
    // Forty megabytes and no end, then the desk dies.
    let mut stream = std::net::TcpStream::connect(http(&desk)).expect("the door");
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    stream.write_all(head.as_bytes()).expect("said");
    stream.write_all(&bytes[..40_000_000]).expect("sent");
    let told = {
        let mut told = 0;
        while told == 0 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            told = offset(http(&desk), &place);
        }
        told
    };
    desk.kill();
    desk.start(&OPEN);
    let have = offset(http(&desk), &place);
    assert!(
        have >= told && have <= 40_000_000,
        "{told} bytes were told, {have} are there"
    );
    let rest = piece(http(&desk), &place, have, &[], &bytes[have as usize..]);
    assert_eq!(rest.status, 204, "{}", rest.head);
    let rows = loop {
        let rows = desk.duly(&["files", "1", "--json"]).json();
        if !rows.is_empty() {
            break rows;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert_eq!(
        (rows[0]["name"].as_str(), rows[0]["bytes"].as_i64()),
        (Some("core.gz"), Some(60_000_000))
    );
    let to = desk.folder.path().join("saved");
    let file = rows[0]["file"].to_string();
    desk.duly(&["save", "1", &file, "-o", to.to_str().expect("a path")])
        .done();
    assert!(std::fs::read(&to).expect("the file") == bytes, "every byte is there");
    let saved = program(crate::desk::DULY, desk.folder.path())
        .current_dir(desk.folder.path())
        .args(["--dir", desk.dir().to_str().expect("a path"), "save", "1", &file])
        .output()
        .expect("it runs");
    assert!(saved.status.success(), "{saved:?}");
    let again = desk.duly(&["save", "1", &file, "-o", "/nowhere/at/all"]);
    assert!(again.code != 0);
    assert!(
        ask(http(&desk), "HEAD", &place, &[TUS], b"").status == 200,
        "it is told to be whole"
    );
}

/// The mail that the sink took with these words in it.
fn letter(desk: &Desk, words: &str) -> String {
    loop {
        let taken = desk.sink.taken();
        match taken.iter().find(|mail| mail.text().contains(words)) {
            Some(mail) => return mail.text(),
            None => std::thread::sleep(std::time::Duration::from_millis(100)),
        }
    }
}

#[test]
fn a_small_file_goes_in_the_reply_itself_and_a_large_one_as_a_link() {
    let desk = Desk::with(&OPEN);
    desk.mail("A patch", "Please send one.");
    let hint = letter(&desk, "Duly-Promise");
    let bytes: Vec<u8> = (0..6_000_000_u32).map(|number| (number % 249) as u8).collect();
    let at = |name: &str| desk.folder.path().join(name).display().to_string();
    std::fs::write(at("core.bin"), &bytes).expect("a file");
    std::fs::write(at("fix.patch"), "--- a\n+++ b\n").expect("a file");
    let (large, small) = (at("core.bin"), at("fix.patch"));
    let words = ["--as", ANNA, "reply", "1", "-m", "Here it is.", "--then", "close"];
    let files = ["--attach", &large, "--attach", &small];
    desk.duly(&[&words[..], &files[..]].concat()).done();
    let letter = letter(&desk, "Here it is.");
    let mail = duly::mail::parse::understand(letter.as_bytes());
    let inside: Vec<_> = mail
        .attachments
        .iter()
        .map(|file| (file.name.as_deref(), file.size))
        .collect();
    assert_eq!(inside, [(Some("fix.patch"), 12)], "{letter}");
    assert!(mail.new_text.contains("File: core.bin, 6.0 MB"), "{}", mail.new_text);
    let mut words = mail.new_text.split_whitespace();
    let link = words.find(|word| word.contains("/f/")).expect("a link");
    let path = link
        .trim_matches(['<', '>'])
        .strip_prefix("https://desk.acme.example")
        .expect("the desk's own address");
    let got = ask(http(&desk), "GET", path, &[], b"");
    assert!(got.status == 200 && got.body == bytes, "{}", got.head);
    assert!(got.header("content-disposition").contains("core.bin"), "{}", got.head);
    assert_eq!(
        desk.duly(&["files", "1", "--json"]).json().len(),
        2,
        "both are files of the case"
    );
    let missing = desk.duly(&["--as", ANNA, "reply", "1", "-m", "x", "--attach", "/not/there"]);
    assert!(missing.err.contains("cannot be read"), "{missing:?}");
    let hint = duly::mail::parse::understand(hint.as_bytes()).new_text;
    assert!(
        hint.contains("https://desk.acme.example/t/"),
        "the acknowledgement has the upload link: {hint}"
    );
}
