//! Files of a case: attachments one by one, uploads by the link of a mail, what a scanner says. Through real HTTP, on both
//! databases.

use crate::kit::desk::{ANNA, TestDesk, reply, with};
use crate::kit::http::{Answer, TUS, ask, begin, offset, piece};
use crate::kit::mail::mail;
use duly::desk::case::State;
use duly::desk::file::FileRow;
use duly::desk::verb::{self, Verb};
use duly::desk::{CaseId, ContactId, link};
use duly::refusal::Kind;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

const OPEN: [(&str, &str, &str); 3] = [
    ("mail", "unverified", "schedule"),
    ("web", "open", "true"),
    ("web", "url", "https://desk.acme.example"),
];

/// A mail with these files: name, type as claimed, bytes.
fn letter(from: &str, files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut raw = format!(
        "From: <{from}>\r\nTo: <support@acme.example>\r\nSubject: Files\r\nMessage-ID: <{}@x.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n",
        data_encoding::HEXLOWER.encode(
            &from
                .bytes()
                .chain(files.iter().flat_map(|file| file.2.to_vec()))
                .take(40)
                .collect::<Vec<u8>>()
        )
    );
    for (name, kind, bytes) in files {
        raw += &format!(
            "--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            data_encoding::BASE64.encode(bytes)
        );
    }
    raw += "--b--\r\n";
    raw.into_bytes()
}

fn sent(desk: &mut TestDesk, from: &str, files: &[(&str, &str, &[u8])]) -> i64 {
    let case = desk.take(&letter(from, files), from, &["support@acme.example"]).case();
    desk.wait_for("files to have their place", || {
        desk.number(
            "SELECT COUNT(*) FROM file f JOIN message m ON m.id = f.message WHERE m.case_id = $1",
            &[case.into()],
        ) == files.len() as i64
    });
    case
}

fn files(desk: &TestDesk, case: i64) -> Vec<FileRow> {
    match desk.owner(Verb::Files { case }) {
        Ok(verb::Answer::Files(rows)) => rows,
        other => panic!("{other:?}"),
    }
}

fn page(desk: &TestDesk, path: &str) -> Answer {
    ask(desk.http(), "GET", path, &[], b"")
}

/// The link of the person who wrote to a case first.
fn token(desk: &TestDesk, case: i64) -> String {
    let rows = desk.rows(
        "SELECT k.key, MIN(p.contact) FROM cases k JOIN participant p ON p.case_id = k.id WHERE k.id = $1 GROUP BY k.key",
        &[case.into()],
    );
    link::token(&desk.rules(), rows[0].text(0), ContactId(rows[0].int(1)))
}

#[test]
fn attachments_are_saved_one_by_one_under_what_they_are_and_never_run() {
    with(&OPEN, |desk| {
        let page_in_disguise = b"<html><script>alert(1)</script></html>";
        let case = sent(
            desk,
            "priya@northwind.example",
            &[
                ("slow.log", "text/plain", b"08:00 ready\n08:01 slow\n"),
                ("../../pic\u{202e}gnp.png", "image/png", page_in_disguise),
            ],
        );
        let rows = files(desk, case);
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.kind.as_str(), row.dangerous))
            .collect();
        assert_eq!(seen[0], ("slow.log", "text/plain", false), "{}", desk.on);
        assert_eq!((seen[1].1, seen[1].2), ("text/html", true), "{}", desk.on);
        assert!(
            !rows[1].name.contains('/') && !rows[1].name.contains('\u{202e}'),
            "{}",
            rows[1].name
        );
        let log = page(desk, &format!("/c/{case}/f/{}?show", rows[0].file));
        assert_eq!(
            (log.status, log.body.as_slice()),
            (200, &b"08:00 ready\n08:01 slow\n"[..])
        );
        assert_eq!(log.header("content-type"), "text/plain; charset=utf-8");
        assert!(log.header("content-disposition").starts_with("inline"), "{}", log.head);
        for path in [
            format!("/c/{case}/f/{}", rows[1].file),
            format!("/c/{case}/f/{}?show", rows[1].file),
        ] {
            let evil = page(desk, &path);
            assert_eq!((evil.status, evil.body.as_slice()), (200, &page_in_disguise[..]));
            assert_eq!(evil.header("content-type"), "application/octet-stream");
            assert!(
                evil.header("content-disposition").starts_with("attachment"),
                "{}",
                evil.head
            );
            assert_eq!(evil.header("x-content-type-options"), "nosniff");
            assert!(
                evil.header("content-security-policy").starts_with("sandbox"),
                "{}",
                evil.head
            );
        }
        let shown = page(desk, &format!("/c/{case}")).text();
        assert!(
            shown.contains(&format!("/c/{case}/f/{}", rows[0].file)),
            "{}: the page leads to it",
            desk.on
        );
    });
}

#[test]
fn the_same_bytes_are_kept_once_for_each_customer_and_reached_by_nobody_else() {
    with(&OPEN, |desk| {
        let logo: &[u8] = b"the same picture in every mail";
        let first = sent(desk, "priya@northwind.example", &[("logo.bin", "x/y", logo)]);
        let second = sent(
            desk,
            "priya@northwind.example",
            &[("again.bin", "x/y", logo), ("b.bin", "x/y", b"b")],
        );
        let other = sent(desk, "eve@elsewhere.example", &[("logo.bin", "x/y", logo)]);
        let blobs = desk.number("SELECT COUNT(*) FROM blob", &[]);
        assert_eq!(blobs, 3, "{}: two of one customer, one of the other", desk.on);
        let file = files(desk, other)[0].file;
        for (case, file) in [
            (first, file),
            (second, file),
            (other, files(desk, first)[0].file),
            (other, 999),
            (999, file),
        ] {
            assert_eq!(
                page(desk, &format!("/c/{case}/f/{file}")).status,
                404,
                "{}: {case}/{file}",
                desk.on
            );
        }
        // A row that points at another customer's bytes gives nothing out.
        desk.tamper("UPDATE file SET blob = (SELECT MIN(id) FROM blob) WHERE id = (SELECT MAX(id) FROM file)");
        assert_eq!(page(desk, &format!("/c/{other}/f/{file}")).status, 404, "{}", desk.on);
    });
}

#[test]
fn an_upload_goes_on_where_it_broke_off_and_becomes_an_entry_of_the_case() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail("priya@northwind.example", "It is slow")).case();
        desk.answered(case, "wait fri 10:00");
        assert_eq!(desk.state(case), State::Closing);
        let (token, at) = (token(desk, case), desk.http());
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        let place = begin(at, &token, "../core.\u{202e}gz", bytes.len() as u64);
        assert!(place.starts_with(&format!("/t/{token}/up/")), "{place}");
        assert_eq!(offset(at, &place), 0);
        let first = piece(at, &place, 0, &[], &bytes[..1_000_000]);
        assert_eq!(
            (first.status, first.header("upload-offset")),
            (204, "1000000"),
            "{}",
            first.head
        );
        // Not where it stands, not what it says, not in our words: nothing of it is kept.
        assert_eq!(piece(at, &place, 0, &[], &bytes).status, 409);
        let wrong = ("Upload-Checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(
            piece(at, &place, 1_000_000, &[wrong], &bytes[1_000_000..2_000_000]).status,
            460
        );
        assert_eq!(
            piece(at, &place, 1_000_000, &[("Upload-Checksum", "crc32 AAAA")], b"x").status,
            400
        );
        assert_eq!(
            piece(at, &place, 1_000_000, &[], &bytes).status,
            413,
            "longer than it was announced"
        );
        assert_eq!(ask(at, "HEAD", &place, &[("Tus-Resumable", "0.2.2")], b"").status, 412);
        assert_eq!(offset(at, &place), 1_000_000, "{}", desk.on);
        // A connection that breaks within a piece: what came is kept.
        {
            let mut broken = std::net::TcpStream::connect(at).expect("the door");
            let head = format!(
                "PATCH {place} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 1000000\r\n\
                 Content-Type: application/offset+octet-stream\r\nContent-Length: 2000000\r\n\r\n"
            );
            broken.write_all(head.as_bytes()).expect("said");
            broken.write_all(&bytes[1_000_000..1_500_000]).expect("sent");
        }
        desk.wait_for("the broken piece to be kept", || offset(at, &place) > 1_000_000);
        let have = offset(at, &place);
        assert!(have <= 1_500_000, "{have}");
        let good = {
            use sha2::Digest;
            let sum = sha2::Sha256::digest(&bytes[have as usize..]);
            format!("sha256 {}", data_encoding::BASE64.encode(&sum))
        };
        let last = piece(
            at,
            &place,
            have,
            &[("Upload-Checksum", good.as_str())],
            &bytes[have as usize..],
        );
        assert_eq!(
            (last.status, last.header("upload-offset")),
            (204, "3000000"),
            "{}",
            last.head
        );
        desk.wait_for("the file to be in the case", || !files(desk, case).is_empty());
        let row = files(desk, case).remove(0);
        assert_eq!(
            (row.name.as_str(), row.bytes),
            ("core.[U+202E]gz", 3_000_000),
            "{}",
            desk.on
        );
        let got = page(desk, &format!("/c/{case}/f/{}", row.file));
        assert!(got.body == bytes, "{}: every byte is there", desk.on);
        // It waited for its customer, and this is what it waited for: we owe the next word.
        desk.quiet();
        assert_eq!(desk.state(case), State::Ready, "{}", desk.on);
        let newest = desk.page(case).messages.remove(0);
        assert!(
            newest.text.contains("3.0 MB") && newest.text.contains(&row.sha256),
            "{}",
            newest.text
        );
        assert_eq!(
            ask(at, "DELETE", &place, &[TUS], b"").status,
            409,
            "what is in the case stays"
        );
        // The entry is no mail: a reply still answers her words, in their thread.
        desk.answered(case, "close");
        let letter = desk
            .mails_to("priya@northwind.example")
            .pop()
            .expect("the reply")
            .text();
        assert!(letter.contains("Subject: Re: It is slow"), "{letter}");
    });
}

#[test]
fn an_upload_can_be_cancelled_and_what_is_left_lying_is_given_up() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail("priya@northwind.example", "It is slow")).case();
        let (token, at) = (token(desk, case), desk.http());
        let told = ask(at, "OPTIONS", &format!("/t/{token}/up"), &[], b"");
        assert_eq!((told.status, told.header("tus-version")), (204, "1.0.0"));
        assert_eq!(told.header("tus-extension"), "creation,checksum,expiration,termination");
        assert_eq!(told.header("tus-max-size"), duly::limits::UPLOAD_BYTES.to_string());
        let place = begin(at, &token, "a", 10);
        assert_eq!(piece(at, &place, 0, &[], b"12345").status, 204);
        assert_eq!(ask(at, "DELETE", &place, &[TUS], b"").status, 204);
        assert_eq!(ask(at, "HEAD", &place, &[TUS], b"").status, 404);
        for (length, status) in [("-1", 400), ("x", 400), ("100000000001", 413)] {
            let told = ask(
                at,
                "POST",
                &format!("/t/{token}/up"),
                &[TUS, ("Upload-Length", length)],
                b"",
            );
            assert_eq!(told.status, status, "{length}");
        }
        for number in 0..duly::limits::UPLOADS_OPEN {
            begin(at, &token, &format!("file {number}"), 10);
        }
        let more = ask(
            at,
            "POST",
            &format!("/t/{token}/up"),
            &[TUS, ("Upload-Length", "10")],
            b"",
        );
        assert_eq!(more.status, 409, "{}", more.text());
        assert!(more.text().contains("under way"), "{}", more.text());
        desk.minutes(8 * 24 * 60);
        desk.wait_for("what was left lying to be given up", || {
            desk.number("SELECT COUNT(*) FROM upload WHERE state = 'open'", &[]) == 0
        });
        assert!(
            ask(
                at,
                "POST",
                &format!("/t/{token}/up"),
                &[TUS, ("Upload-Length", "0")],
                b""
            )
            .status
                == 201
        );
        desk.wait_for("an empty file is one, too", || !files(desk, case).is_empty());
    });
}

#[test]
fn a_small_file_comes_by_a_form_without_a_script() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail("priya@northwind.example", "It is slow")).case();
        let (token, at) = (token(desk, case), desk.http());
        let form = page(desk, &format!("/t/{token}/up")).text();
        assert!(
            form.contains("multipart/form-data") && form.contains("We will reply by"),
            "{form}"
        );
        assert!(
            !form.contains("It is slow"),
            "the link shows no words of the case: {form}"
        );
        let body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"trace.txt\"\r\n\
            Content-Type: text/plain\r\n\r\nthe trace\r\n--b--\r\n";
        let kind = ("Content-Type", "multipart/form-data; boundary=b");
        let told = ask(at, "POST", &format!("/t/{token}/up"), &[kind], body.as_bytes());
        assert_eq!(told.status, 303, "{}", told.text());
        assert!(page(desk, told.header("location")).text().contains("arrived whole"));
        desk.wait_for("the file to be in the case", || !files(desk, case).is_empty());
        assert_eq!(
            page(desk, &format!("/c/{case}/f/{}", files(desk, case)[0].file)).body,
            b"the trace"
        );
        for (body, words) in [
            ("--b--\r\n", "No file was chosen"),
            (
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nhalf",
                "not arrive whole",
            ),
        ] {
            let told = ask(at, "POST", &format!("/t/{token}/up"), &[kind], body.as_bytes());
            assert!(
                told.status == 422 && told.text().contains(words),
                "{}: {}",
                told.status,
                told.text()
            );
        }
        assert_eq!(files(desk, case).len(), 1, "{}", desk.on);
    });
}

#[test]
fn guests_come_through_a_proxy_and_engineers_pages_stay_shut_behind_it() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail("priya@northwind.example", "It is slow")).case();
        let other = desk.receive(&mail("eve@elsewhere.example", "Other")).case();
        let (mine, theirs, at) = (token(desk, case), token(desk, other), desk.http());
        let forwarded = [("Host", "desk.acme.example"), ("X-Forwarded-For", "203.0.113.9")];
        let guest = ask(at, "GET", &format!("/t/{mine}/up"), &forwarded, b"");
        assert_eq!(guest.status, 200, "{}", guest.text());
        for path in [
            "/",
            &format!("/c/{case}"),
            "/t/../",
            &format!("/t/{mine}/../../c/{case}"),
            &format!("//t/{mine}"),
            "/T/x",
        ] {
            let told = ask(at, "GET", path, &forwarded, b"");
            assert!(matches!(told.status, 403 | 404), "{path}: {}", told.status);
            assert!(!told.text().contains("It is slow"), "{path}");
        }
        // No link but the one that was signed, and each for its own case.
        let place = begin(at, &mine, "a", 5);
        let key = place.rsplit('/').next().expect("a key");
        assert_eq!(
            ask(at, "HEAD", &format!("/t/{theirs}/up/{key}"), &[TUS], b"").status,
            404
        );
        let mut bent = mine.clone().into_bytes();
        let last = bent.len() - 1;
        bent[last] = if bent[last] == b'a' { b'b' } else { b'a' };
        let bent = String::from_utf8(bent).expect("text");
        let swapped = format!(
            "{}.{}",
            theirs.split('.').next().expect("a key"),
            mine.split_once('.').expect("a token").1
        );
        for wrong in [bent.as_str(), &swapped, "x", "a.1.b", &"a".repeat(300)] {
            assert_eq!(
                ask(at, "GET", &format!("/t/{wrong}/up"), &forwarded, b"").status,
                404,
                "{wrong}"
            );
        }
        // Ninety days after the case was closed it ends.
        desk.answered(case, "close");
        desk.answered(other, "close");
        desk.at(desk.now() + jiff::SignedDuration::from_hours(24 * 89));
        assert_eq!(page(desk, &format!("/t/{mine}/up")).status, 200, "{}", desk.on);
        desk.at(desk.now() + jiff::SignedDuration::from_hours(24 * 3));
        assert_eq!(page(desk, &format!("/t/{mine}/up")).status, 404, "{}", desk.on);
    });
    with(&[("mail", "unverified", "schedule")], |desk| {
        let case = desk.receive(&mail("priya@northwind.example", "It is slow")).case();
        assert_eq!(page(desk, "/").status, 403, "a desk that is not open");
        assert_eq!(
            page(desk, &format!("/t/{}/up", token(desk, case))).status,
            200,
            "{}",
            desk.on
        );
    });
}

#[test]
fn a_file_goes_with_a_reply_as_a_link_for_whom_it_was_sent_to() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail("priya@northwind.example", "It is slow")).case();
        let other = desk.receive(&mail("eve@elsewhere.example", "Other")).case();
        // Staged by the door of the command line; tests/cli plays that. Here the upload is an engineer's by its row.
        let place = begin(desk.http(), &token(desk, case), "fix.patch", 9);
        assert_eq!(piece(desk.http(), &place, 0, &[], b"the patch").status, 204);
        let key = place.rsplit('/').next().expect("a key").to_owned();
        desk.wait_for("the file", || !files(desk, case).is_empty());
        let told = page(desk, &format!("/t/{}/f/{key}", token(desk, case)));
        assert_eq!(
            told.status,
            404,
            "what a customer sent is not theirs to fetch: {}",
            told.text()
        );
        let verb = match reply(case, "answer", Some("close")) {
            Verb::Reply {
                case,
                text,
                kind,
                then,
                answers,
                force_stale,
                ..
            } => Verb::Reply {
                case,
                text,
                kind,
                then,
                answers,
                force_stale,
                files: vec![key],
            },
            other => other,
        };
        assert!(
            desk.refused(ANNA, verb, Kind::Conflict)
                .contains("went with another reply")
        );
        let _ = other;
    });
}

/// A clamd that finds one word, and what it was asked.
fn scanner() -> (SocketAddr, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("its address");
    let asked: Arc<Mutex<usize>> = Arc::default();
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            *count.lock().unwrap() += 1;
            let mut word = [0; 10];
            stream.read_exact(&mut word).expect("a command");
            assert_eq!(&word, b"zINSTREAM\0");
            let mut bytes = Vec::new();
            loop {
                let mut size = [0; 4];
                stream.read_exact(&mut size).expect("a size");
                let size = u32::from_be_bytes(size) as usize;
                if size == 0 {
                    break;
                }
                let from = bytes.len();
                bytes.resize(from + size, 0);
                stream.read_exact(&mut bytes[from..]).expect("a piece");
            }
            let evil = bytes.windows(9).any(|word| word == b"MALEFICUM");
            let said: &[u8] = if evil {
                b"stream: Our.Test FOUND\0"
            } else {
                b"stream: OK\0"
            };
            stream.write_all(said).expect("said");
        }
    });
    (at, asked)
}

#[test]
fn what_a_scanner_finds_is_kept_and_given_out_only_to_whom_says_why() {
    let (at, _) = scanner();
    let at = at.to_string();
    let settings: Vec<_> = OPEN.into_iter().chain([("files", "clamd", at.as_str())]).collect();
    with(&settings, |desk| {
        let case = sent(
            desk,
            "priya@northwind.example",
            &[
                ("good.txt", "text/plain", b"good"),
                ("bad.txt", "text/plain", b"a MALEFICUM b"),
            ],
        );
        desk.wait_for("both to be scanned", || {
            files(desk, case).iter().all(|row| row.scan != "waiting")
        });
        let rows = files(desk, case);
        assert_eq!(
            (rows[0].scan.as_str(), rows[1].scan.as_str()),
            ("clean", "infected"),
            "{}",
            desk.on
        );
        assert_eq!(rows[1].said.as_deref(), Some("Our.Test"));
        assert_eq!(page(desk, &format!("/c/{case}/f/{}", rows[0].file)).status, 200);
        let told = page(desk, &format!("/c/{case}/f/{}", rows[1].file));
        assert!(
            told.status == 403 && told.text().contains("Our.Test"),
            "{}",
            told.text()
        );
        assert!(
            page(desk, &format!("/c/{case}")).text().contains("infected: Our.Test"),
            "{}",
            desk.on
        );
        let save = |because: Option<&str>| Verb::Save {
            case,
            file: rows[1].file,
            offset: 0,
            because: because.map(str::to_owned),
        };
        desk.refused(ANNA, save(None), Kind::Forbidden);
        desk.refused(ANNA, save(Some(" ")), Kind::Usage);
        assert!(desk.by(ANNA, save(Some("the customer asks what it is"))).is_ok());
        let kept = desk.number("SELECT COUNT(*) FROM event WHERE kind = 'file.given-out'", &[]);
        assert_eq!(kept, 1, "{}: the ledger keeps the reason", desk.on);
    });
}

#[test]
fn a_scanner_that_cannot_be_reached_is_asked_again_and_silence_is_never_clean() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = listener.local_addr().expect("its address").to_string();
    drop(listener);
    let settings: Vec<_> = OPEN.into_iter().chain([("files", "clamd", nobody.as_str())]).collect();
    with(&settings, |desk| {
        let case = sent(desk, "priya@northwind.example", &[("good.txt", "text/plain", b"good")]);
        desk.wait_for("the scan to be tried", || files(desk, case)[0].scan == "not scanned");
        let shown = page(desk, &format!("/c/{case}")).text();
        assert!(
            shown.contains("not scanned: the scanner cannot be reached"),
            "{}",
            desk.on
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM blob WHERE scan_at IS NOT NULL", &[]),
            1
        );
    });
}

#[test]
fn a_real_clamd_with_a_signature_of_ours_is_understood() {
    let Some(clamd) = ["/usr/sbin/clamd", "/usr/local/sbin/clamd"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
    else {
        println!("skipped: there is no clamd here (Debian: clamav-daemon)");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(folder.path().join("signatures")).expect("a folder");
    // "MALEFICUM" in hexadecimal, anywhere in any file.
    std::fs::write(at("signatures/ours.ndb"), "Our.Test:0:*:4d414c45464943554d\n").expect("a signature");
    let settings = format!(
        "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\nLogFile {}\nUser {}\n",
        at("clamd.sock"),
        at("signatures"),
        at("clamd.log"),
        if rustix::process::geteuid().is_root() {
            "root"
        } else {
            "nobody"
        },
    );
    std::fs::write(at("clamd.conf"), settings).expect("settings");
    let daemon = std::process::Command::new(clamd)
        .args(["--config-file", &at("clamd.conf")])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    let mut daemon = daemon.expect("clamd starts");
    let begun = std::time::Instant::now();
    while !folder.path().join("clamd.sock").exists() {
        assert!(
            begun.elapsed().as_secs() < 60,
            "clamd did not start: {}",
            std::fs::read_to_string(at("clamd.log")).unwrap_or_default()
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let socket = format!("unix:{}", at("clamd.sock"));
    let settings: Vec<_> = OPEN.into_iter().chain([("files", "clamd", socket.as_str())]).collect();
    let played = std::panic::catch_unwind(|| {
        with(&settings, |desk| {
            let case = sent(
                desk,
                "priya@northwind.example",
                &[
                    ("good.txt", "text/plain", b"good"),
                    ("bad.txt", "text/plain", b"a MALEFICUM b"),
                ],
            );
            desk.wait_for("both to be scanned", || {
                files(desk, case).iter().all(|row| row.scan != "waiting")
            });
            let rows = files(desk, case);
            assert_eq!(
                (rows[0].scan.as_str(), rows[1].scan.as_str()),
                ("clean", "infected"),
                "{:?}",
                rows
            );
        });
    });
    let _ = daemon.kill();
    let _ = daemon.wait();
    if let Err(cause) = played {
        std::panic::resume_unwind(cause);
    }
}

#[test]
fn files_are_kept_in_an_s3_store_as_well() {
    let Ok(endpoint) = std::env::var("DULY_TEST_S3") else {
        println!("skipped: no S3 server (scripts/with-s3 starts one)");
        return;
    };
    let settings: Vec<_> = OPEN
        .into_iter()
        .chain([
            ("files", "store", "s3://duly/desk"),
            ("files", "endpoint", endpoint.as_str()),
        ])
        .collect();
    for database in crate::kit::databases::migrated(duly::desk::MIGRATIONS) {
        let key =
            |folder: &std::path::Path| std::fs::write(folder.join("files.key"), "testing\ntesting\n").expect("a key");
        let mut desk = TestDesk::prepared(database, &settings, key);
        desk.hire(ANNA, "Anna Keller", duly::desk::engineer::Role::Lead);
        let case = desk.receive(&mail("priya@northwind.example", "It is slow")).case();
        let (token, at) = (token(&desk, case), desk.http());
        // Larger than one part, so that it goes up in several.
        let bytes: Vec<u8> = (0..40_000_000_u32).map(|number| (number % 253) as u8).collect();
        let place = begin(at, &token, "core", bytes.len() as u64);
        assert_eq!(piece(at, &place, 0, &[], &bytes).status, 204);
        desk.wait_for("the file to be in the store", || !files(&desk, case).is_empty());
        let row = files(&desk, case).remove(0);
        assert!(
            page(&desk, &format!("/c/{case}/f/{}", row.file)).body == bytes,
            "{}: every byte comes back",
            desk.on
        );
        assert!(!desk.folder().join("files").exists(), "nothing is kept in a folder");
        desk.ends_well();
    }
    let _ = CaseId(1);
}
