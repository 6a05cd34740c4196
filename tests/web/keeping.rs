//! What is kept of files and what is not: strangers' files stay in their mail, bytes that nothing leads to are swept, and
//! nobody fills the disk by a link.

use crate::files::{OPEN, files, letter, page, sent, token};
use crate::kit::desk::{ANNA, with};
use crate::kit::http::{TUS, ask, begin, offset, piece};
use crate::kit::mail::mail;
use duly::desk::verb::Verb;
use duly::limits;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

#[test]
fn files_of_a_mail_that_is_held_stay_in_it_until_it_is_let_in() {
    with(&OPEN[1..], |desk| {
        let from = "priya@northwind.example";
        let raw = letter(from, &[("trace.txt", "text/plain", b"the trace")]);
        let case = desk.take(&raw, from, &["support@acme.example"]).case();
        desk.quiet();
        desk.minutes(60);
        assert!(files(desk, case).is_empty(), "{}: nobody has let it in", desk.on);
        assert_eq!(page(desk, &format!("/t/{}/up", token(desk, case))).status, 404);
        let shown = page(desk, &format!("/c/{case}")).text();
        assert!(
            shown.contains("trace.txt"),
            "{}: the page names it all the same",
            desk.on
        );
        desk.act(ANNA, Verb::Release { what: case.to_string() });
        desk.wait_for("the file to have its place", || !files(desk, case).is_empty());
        let row = files(desk, case).remove(0);
        assert_eq!(page(desk, &format!("/c/{case}/f/{}", row.file)).body, b"the trace");
    });
}

#[test]
fn bytes_that_nothing_leads_to_are_swept_and_all_others_stay() {
    with(&OPEN, |desk| {
        let case = sent(desk, "priya@northwind.example", &[("a.txt", "text/plain", b"a file")]);
        let place = begin(desk.http(), &token(desk, case), "half", 10);
        assert_eq!(piece(desk.http(), &place, 0, &[], b"12345").status, 204);
        // A crash between bytes and row: in the folder of files on their way, and in the place of files.
        let lying = desk.folder().join("uploads").join("0123456789abcdef0123456789abcdef");
        fs::write(&lying, b"left lying").expect("a file");
        let digest = "ab".repeat(32);
        let old = desk.folder().join("files").join("1").join("ab");
        fs::create_dir_all(&old).expect("a folder");
        let (old, young) = (old.join(&digest), old.join(format!("{}cd", &digest[..62])));
        fs::write(&old, b"old").expect("a file");
        fs::write(&young, b"young").expect("a file");
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        let all_old = |path: &std::path::Path| {
            File::options()
                .write(true)
                .open(path)
                .expect("it is there")
                .set_modified(then)
        };
        all_old(&old).expect("a time");
        // The file that has a row is as old.
        let row = files(desk, case).remove(0);
        let kept = walk(&desk.folder().join("files"))
            .into_iter()
            .find(|path| path.ends_with(&row.sha256));
        all_old(&kept.expect("the file's bytes")).expect("a time");
        desk.stop();
        desk.start();
        assert!(!lying.exists(), "{}: swept at start", desk.on);
        desk.minutes(limits::SWEEP_HOURS * 60 + 1);
        desk.wait_for("old bytes of nobody to be swept", || !old.exists());
        assert!(young.exists(), "{}: its row may be on the way", desk.on);
        assert_eq!(page(desk, &format!("/c/{case}/f/{}", row.file)).body, b"a file");
        assert_eq!(offset(desk.http(), &place), 5, "{}: what is under way goes on", desk.on);
    });
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => walk(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn somebody_whom_nobody_entered_cannot_fill_the_disk_with_many_cases() {
    with(&OPEN, |desk| {
        let begun = |desk: &crate::kit::desk::TestDesk, case: i64, bytes: u64| {
            let length = bytes.to_string();
            let path = format!("/t/{}/up", token(desk, case));
            ask(
                desk.http(),
                "POST",
                &path,
                &[TUS, ("Upload-Length", length.as_str())],
                b"",
            )
        };
        let cases: Vec<i64> = (0..3)
            .map(|number| {
                let subject = format!("It is slow, {number}");
                desk.receive(&mail("priya@northwind.example", &subject)).case()
            })
            .collect();
        let too_much = begun(desk, cases[0], limits::UPLOADS_STRANGER_BYTES + 1);
        assert_eq!(too_much.status, 409, "{}", too_much.text());
        assert!(too_much.text().contains("Nothing was stored"), "{}", too_much.text());
        let half = limits::UPLOADS_OPEN / 2;
        for number in 0..limits::UPLOADS_OPEN {
            let case = cases[usize::from(number >= half)];
            assert_eq!(begun(desk, case, 10).status, 201, "{}", desk.on);
        }
        let more = begun(desk, cases[2], 10);
        assert_eq!(more.status, 409, "{}: too many at a time, in whichever case", desk.on);
        assert!(more.text().contains("of yours are under way"), "{}", more.text());
        let other = desk.receive(&mail("eve@elsewhere.example", "Other")).case();
        assert_eq!(
            begun(desk, other, 10).status,
            201,
            "{}: nobody else is hindered",
            desk.on
        );
    });
}
