//! The same stream as history: `duly import mbox` takes it, sends nothing, promises nothing, and can be repeated.

use super::kit::databases::{TestDatabase, migrated};
use super::record::{LIST, folder};
use duly::config::Config;
use duly::desk::{MIGRATIONS, proof};
use duly::serve;
use serde_json::Value as Json;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Tables that an import may fill, and two that it must not.
const TABLES: [&str; 8] = [
    "raw", "arrival", "message", "cases", "contact", "event", "outbox", "promise",
];

#[test]
fn a_stream_is_imported_once_without_mail_or_promise_and_a_dry_run_changes_nothing() {
    let Some(stream) = folder() else { return };
    for database in migrated(MIGRATIONS) {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(mbox) = unpacked(&stream, folder.path()) else {
            return;
        };
        let dir = folder.path().join("desk");
        make(&dir, &database);
        let empty = counts(&dir);

        let rehearsal = import(&dir, &mbox, &["--dry-run"]);
        assert_eq!(counts(&dir), empty, "{}: a dry run changed something", database.name);

        let begun = Instant::now();
        let done = import(&dir, &mbox, &[]);
        println!(
            "{}: imported in {:.1} s: {done}",
            database.name,
            begun.elapsed().as_secs_f64()
        );
        assert_eq!(
            done, rehearsal,
            "{}: the dry run foretold something else",
            database.name
        );
        assert_eq!(done["found"], 1850);
        let taken = ["cases", "joined", "spooled"]
            .iter()
            .filter_map(|key| done[*key].as_u64())
            .sum::<u64>();
        assert_eq!(taken, 1850, "{}: {done}", database.name);
        let full = counts(&dir);
        assert_eq!((full["arrival"], full["message"]), (1850, 1850), "{}", database.name);
        assert_eq!(
            (full["outbox"], full["promise"]),
            (0, 0),
            "{}: history is no work",
            database.name
        );

        let again = import(&dir, &mbox, &[]);
        assert_eq!(again["known"], 1850, "{}: {again}", database.name);
        assert_eq!(
            counts(&dir),
            full,
            "{}: a second import changed something",
            database.name
        );
    }
}

fn make(dir: &Path, database: &TestDatabase) {
    let mut init = duly();
    init.arg("--dir").arg(dir).args([
        "--no-input",
        "init",
        "--name",
        "Desk",
        "--address",
        "support@acme.example",
    ]);
    if let Some(url) = database.url() {
        init.args(["--database", &url]);
    }
    let made = init.output().expect("the program runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn import(dir: &Path, mbox: &Path, arguments: &[&str]) -> Json {
    let output = duly()
        .arg("--dir")
        .arg(dir)
        .args(["--json", "import", "mbox"])
        .arg(mbox)
        .args(arguments)
        .env("DULY_MAIL_LISTS", LIST)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one object")
}

fn duly() -> Command {
    Command::new(env!("CARGO_BIN_EXE_duly"))
}

/// Rows of each table; the ledger must be whole.
fn counts(dir: &Path) -> std::collections::BTreeMap<&'static str, i64> {
    let config = Config::read(dir, std::iter::empty()).expect("settings");
    let store = serve::open_store(dir, &config).expect("a store");
    let counted = store.read_sealed(|tx| {
        proof::verify(tx, &[])?;
        let mut found = std::collections::BTreeMap::new();
        for table in TABLES {
            found.insert(table, tx.one(&format!("SELECT COUNT(*) FROM {table}"), &[])?.int(0));
        }
        Ok(found)
    });
    store.close();
    counted.expect("counts")
}

/// The stream as an mbox file; `None` where there is no Python.
fn unpacked(stream: &Path, folder: &Path) -> Option<std::path::PathBuf> {
    let mbox = folder.join("stream.mbox");
    let program = "import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], 'wb'))";
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(stream.join("usrp-users.mbox.xz"))
        .arg(&mbox)
        .output()
        .inspect_err(|cause| eprintln!("SKIPPED: unpacking the stream needs python3: {cause}"))
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(mbox)
}
