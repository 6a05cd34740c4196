//! What a scanner says of files, and files in an S3 store: against a scanner of our own, a real clamd where there is one, and
//! a real S3 server where `scripts/with-s3` has started one.

use crate::files::{OPEN, files, page, sent, token};
use crate::kit::desk::{ANNA, TestDesk, with};
use crate::kit::http::{begin, piece};
use crate::kit::mail::mail;
use duly::desk::file::FileRow;
use duly::desk::verb::Verb;
use duly::refusal::Kind;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

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

/// Sends a clean file and an infected one, and waits until the scanner has told them apart.
fn one_good_one_bad(desk: &mut TestDesk) -> (i64, Vec<FileRow>) {
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
    let scans: Vec<&str> = rows.iter().map(|row| row.scan.as_str()).collect();
    assert_eq!(scans, ["clean", "infected"], "{}: {rows:?}", desk.on);
    (case, rows)
}

#[test]
fn what_a_scanner_finds_is_kept_and_given_out_only_to_whom_says_why() {
    let (at, _) = scanner();
    let at = at.to_string();
    let settings: Vec<_> = OPEN.into_iter().chain([("files", "clamd", at.as_str())]).collect();
    with(&settings, |desk| {
        let (case, rows) = one_good_one_bad(desk);
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
        let from = |offset: u64, because: Option<&str>| Verb::Save {
            case,
            file: rows[1].file,
            offset,
            because: because.map(str::to_owned),
        };
        let save = |because: Option<&str>| from(0, because);
        desk.refused(ANNA, save(None), Kind::Forbidden);
        desk.refused(ANNA, from(1, None), Kind::Forbidden);
        desk.refused(ANNA, save(Some(" ")), Kind::Usage);
        assert!(desk.by(ANNA, save(Some("the customer asks what it is"))).is_ok());
        let kept = desk.number("SELECT COUNT(*) FROM event WHERE kind = 'file.given-out'", &[]);
        assert_eq!(kept, 1, "{}: the ledger keeps the reason", desk.on);
        assert!(desk.by(ANNA, from(1, Some("the rest of it"))).is_ok());
        let kept = desk.number("SELECT COUNT(*) FROM event WHERE kind = 'file.given-out'", &[]);
        assert_eq!(kept, 1, "{}: once for all pieces", desk.on);
        // Whoever begins in the middle has begun.
        assert!(desk.owner(from(1, Some("to look at it"))).is_ok());
        let kept = desk.number("SELECT COUNT(*) FROM event WHERE kind = 'file.given-out'", &[]);
        assert_eq!(kept, 2, "{}", desk.on);
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
            one_good_one_bad(desk);
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
}
