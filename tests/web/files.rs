//! Files of a case: attachments one by one, uploads by the link of a mail, what a scanner says. Through real HTTP, on both
//! databases.

use crate::kit::desk::{ANNA, TestDesk, reply, with};
use crate::kit::http::{Answer, TUS, ask, begin, offset, piece};
use crate::kit::mail::mail;
use duly::desk::case::State;
use duly::desk::file::FileRow;
use duly::desk::verb::{self, Verb};
use duly::desk::{ContactId, link};
use duly::refusal::Kind;
use std::io::Write;

pub const OPEN: [(&str, &str, &str); 3] = [
    ("mail", "unverified", "schedule"),
    ("web", "open", "true"),
    ("web", "address", "https://desk.acme.example"),
];

/// A mail with these files: name, type as claimed, bytes.
pub fn letter(from: &str, files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    use sha2::Digest;
    let mut hash = sha2::Sha256::new();
    hash.update(from);
    files.iter().for_each(|file| hash.update(file.2));
    let id = data_encoding::HEXLOWER.encode(&hash.finalize()[..16]);
    let mut raw = format!(
        "From: <{from}>\r\nTo: <support@acme.example>\r\nSubject: Files\r\nMessage-ID: <{id}@x.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n",
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

pub fn sent(desk: &mut TestDesk, from: &str, files: &[(&str, &str, &[u8])]) -> i64 {
    let case = desk.take(&letter(from, files), from, &["support@acme.example"]).case();
    desk.wait_for("files to have their place", || {
        desk.number(
            "SELECT COUNT(*) FROM file f JOIN message m ON m.id = f.message WHERE m.case_id = $1",
            &[case.into()],
        ) == files.len() as i64
    });
    case
}

pub fn files(desk: &TestDesk, case: i64) -> Vec<FileRow> {
    match desk.owner(Verb::Files { case }) {
        Ok(verb::Answer::Files(rows)) => rows,
        other => panic!("{other:?}"),
    }
}

pub fn page(desk: &TestDesk, path: &str) -> Answer {
    ask(desk.http(), "GET", path, &[], b"")
}

/// The link of the person who wrote to a case first.
pub fn token(desk: &TestDesk, case: i64) -> String {
    let rows = desk.rows(
        "SELECT k.key, COALESCE(MIN(p.contact), 1) FROM cases k LEFT JOIN participant p ON p.case_id = k.id
         WHERE k.id = $1 GROUP BY k.key",
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
        desk.tamper("UPDATE file SET blob = (SELECT MAX(id) FROM blob) WHERE id = (SELECT MAX(id) FROM file)");
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
        assert_eq!(piece(at, &place, 0, &[], b"x").status, 409);
        let wrong = ("Upload-Checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(
            piece(at, &place, 1_000_000, &[wrong], &bytes[1_000_000..2_000_000]).status,
            460
        );
        assert_eq!(
            piece(at, &place, 1_000_000, &[("Upload-Checksum", "crc32 AAAA")], b"x").status,
            400
        );
        let too_long = [&bytes[1_000_000..], b"and more"].concat();
        assert_eq!(piece(at, &place, 1_000_000, &[], &too_long).status, 413);
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
        assert_eq!(page(desk, "/").status, 303, "a desk that is not open asks to sign in");
        assert_eq!(
            page(desk, &format!("/t/{}/up", token(desk, case))).status,
            200,
            "{}",
            desk.on
        );
    });
}

#[test]
fn what_a_customer_sent_is_fetched_by_nobody_through_a_link_and_goes_with_no_reply() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail("priya@northwind.example", "It is slow")).case();
        let place = begin(desk.http(), &token(desk, case), "fix.patch", 9);
        assert_eq!(piece(desk.http(), &place, 0, &[], b"the patch").status, 204);
        let key = place.rsplit('/').next().expect("a key").to_owned();
        desk.wait_for("the file", || !files(desk, case).is_empty());
        let told = page(desk, &format!("/t/{}/f/{key}", token(desk, case)));
        assert_eq!(told.status, 404, "{}", told.text());
        let mut verb = reply(case, "answer", Some("close"));
        if let Verb::Reply { files, .. } = &mut verb {
            files.push(key);
        }
        let said = desk.refused(ANNA, verb, Kind::Conflict);
        assert!(said.contains("went with another reply"), "{said}");
    });
}
