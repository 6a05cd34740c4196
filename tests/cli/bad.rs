//! Bad input at the command line and at the local socket: what each is told, and that nothing is lost or panics.
//!
//! Its sisters are the tables of bad SMTP commands (`src/mail/session/tests.rs`) and of bad letters (`tests/letters.rs`).

use crate::desk::{ANNA, DULY, Desk, Run, duly};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

/// Commands, the exit code of each, and a piece of what is told. Case 1 is there, owes a reply and is Anna's.
const COMMANDS: &[(&[&str], i32, &str)] = &[
    // verbs and flags
    (&["frobnicate"], 2, "unrecognized subcommand 'frobnicate'"),
    (&["spool", "explode"], 2, "unrecognized subcommand 'explode'"),
    (
        &["ps", "--color", "purple"],
        2,
        "[possible values: auto, always, never]",
    ),
    (
        &["ps", "-o", "case,colour"],
        2,
        "\"colour\" is no column. Columns: case, state",
    ),
    (
        &["ps", "-u", "nobody@acme.example"],
        3,
        "There is no engineer \"nobody@acme.example\"",
    ),
    (&["log"], 2, "<CASE>"),
    (&["log", "1", "-a"], 2, "cannot be used with"),
    (&["note", "1", "-m", "x", "-f", "y"], 2, "cannot be used with"),
    (&["completions", "cobol"], 2, "[possible values: bash"),
    (&["--as", "nobody", "next"], 3, "There is no engineer \"nobody\""),
    (&["--as", "%", "next"], 3, "There is no engineer \"%\""),
    (&["--as", "' OR 1=1 --", "next"], 3, "There is no engineer"),
    (&["next"], 2, "Say as which engineer: --as ADDRESS"),
    // what was agreed
    (&["agreement", "show", "999"], 3, "There is no agreement 999"),
    (
        &["agreement", "add", "x", "/nonexistent"],
        2,
        "/nonexistent: It cannot be read",
    ),
    (
        &["calendar", "show", "moon"],
        3,
        "There is no calendar \"moon\". There are: 24x7, desk.",
    ),
    (&["severity", "1", "9", "--because", "x"], 2, "\"9\" is no severity"),
    (
        &["severity", "1", "2", "--because", " "],
        2,
        "with a reason of a few words",
    ),
    (&["nice", "1", "20", "--because", "x"], 2, "20 is no nice"),
    (&["nice", "1", "low", "--because", "x"], 2, "invalid value 'low'"),
    (&["nice", "999", "1", "--because", "x"], 3, "There is no case 999"),
    (&["due"], 2, "--cases <FILE>"),
    // numbers
    (&["show", "x"], 2, "\"x\" is no case number"),
    (&["show", ""], 2, "\"\" is no case number"),
    (&["show", "1.5"], 2, "\"1.5\" is no case number"),
    (&["show", "0x10"], 2, "is no case number"),
    (&["show", "१"], 2, "is no case number"),
    (&["show", "-1"], 2, "unexpected argument '-1'"),
    (&["show", "--", "-1"], 3, "There is no case -1"),
    (&["show", "0"], 3, "There is no case 0"),
    (
        &["show", "9223372036854775807"],
        3,
        "There is no case 9223372036854775807",
    ),
    (&["show", "9223372036854775808"], 2, "is no case number"),
    (&["show", "99999999999999999999999999"], 2, "is no case number"),
    (&["raw", "1", "999"], 3, "Case 1 has no such mail"),
    (&["grep", "x", "-n", "-5"], 2, "unexpected argument '-5'"),
    (&["grep", "x", "-n", "many"], 2, "invalid value 'many'"),
    (
        &["promise", "1", "--withdraw", "x", "--number", "999"],
        3,
        "Case 1 has no such open promise",
    ),
    (
        &["spool", "release", "m9223372036854775808"],
        3,
        "does not stand in the spool",
    ),
    (
        &["spool", "release", "o1; DROP TABLE cases"],
        3,
        "does not stand in the spool",
    ),
    (&["spool", "retry", "o-1"], 3, "does not stand in the spool"),
    (
        &["spool", "decline", "1", "--because", "x"],
        4,
        "Case 1 is not in the spool",
    ),
    // times
    (
        &["wait", "1", "lab", "soon", "--because", "x"],
        2,
        "\"soon\" is no time; write 15:00",
    ),
    (
        &["wait", "1", "lab", "25:00", "--because", "x"],
        2,
        "\"25:00\" is no time",
    ),
    (
        &["wait", "1", "lab", "2020-01-01 10:00", "--because", "x"],
        2,
        "is past; name a time to come",
    ),
    (
        &["wait", "1", "lab", "2199-01-01 10:00", "--because", "x"],
        2,
        "is more than five years ahead",
    ),
    (
        &["wait", "1", "lab", "2027-02-30 10:00", "--because", "x"],
        2,
        "is no time",
    ),
    (
        &["wait", "1", "lab", "+999999d", "--because", "x"],
        2,
        "more than five years ahead",
    ),
    (
        &["wait", "1", "lab", "tomorrow", "--because", "x"],
        2,
        "names a day but no time",
    ),
    (
        &["wait", "1", "lab", "10:00 ist", "--because", "x"],
        2,
        "is the name of several time zones",
    ),
    (
        &["wait", "1", "moon", "15:00", "--because", "x"],
        2,
        "\"moon\" is nobody a case can wait for",
    ),
    (&["wait", "1", "lab"], 2, "<UNTIL>..."),
    (
        &["wait", "1", "lab", "+3h", "--because", "  "],
        2,
        "A wait needs a reason",
    ),
    // replies
    (&["reply", "1", "-m", ""], 2, "A reply needs words"),
    (&["reply", "1", "-m", " \n\t "], 2, "A reply needs words"),
    (
        &["reply", "1", "-m", "x", "--kind", "sorry"],
        2,
        "\"sorry\" is no kind of reply that keeps a promise",
    ),
    (
        &["reply", "1", "-m", "x", "--then", "whatever"],
        2,
        "\"whatever\" is not understood. After a reply: close",
    ),
    (&["reply", "1", "-m", "x", "--then", ""], 2, "is not understood"),
    (
        &["reply", "1", "-m", "x", "--then", "close as bored"],
        2,
        "\"bored\" is no resolution. Say one of: solved",
    ),
    (&["reply", "1", "-m", "x", "--then", "owe"], 2, "\"\" is no time"),
    (
        &["reply", "1", "-m", "x", "--then", "wait until the cows come home"],
        2,
        "is no time",
    ),
    (
        &["reply", "1", "-m", "x", "--kind", "finding"],
        2,
        "A finding says when the next word comes",
    ),
    (
        &["reply", "1", "-m", "x", "--kind", "finding", "--then", "close"],
        2,
        "A finding says when the next word comes",
    ),
    (
        &["reply", "1", "-m", "x", "--answers", "999"],
        2,
        "names a message that has no open promise",
    ),
    (
        &["reply", "1", "-m", "x", "--answers", "1,two"],
        2,
        "invalid value 'two'",
    ),
    (&["reply", "999", "-m", "x"], 3, "There is no case 999"),
    (&["reply", "1"], 2, "Say where the words are"),
    (
        &["reply", "1", "-f", "/nonexistent/answer.md"],
        2,
        "The words cannot be read",
    ),
    (&["reply", "1", "-f", "/"], 2, "The words cannot be read"),
    (&["reply", "1", "-f", "/dev/zero"], 2, "longer than 1 MB"),
    (&["note", "1", "-m", ""], 2, "A note needs words"),
    (
        &["close", "1", "--as-resolution", "bored"],
        2,
        "\"bored\" is no resolution",
    ),
    (&["close", "1"], 4, "owes the customer a reply by"),
    (&["skip", " "], 2, "A skip needs a reason"),
    (&["promise", "1", "--withdraw", ""], 2, "reason"),
    // search
    (&["grep", ""], 2, "Say what to look for"),
    (&["grep", "\" \""], 0, ""),
    (&["grep", "a' OR '1'='1"], 0, ""),
    (&["grep", "subject:* NEAR(a b) AND NOT c OR -d ^e {f g}:h"], 0, ""),
    (&["grep", "\"unbalanced"], 0, ""),
    (&["grep", "&", "|", "!", "<->", ":*", "%", "_", "\\"], 0, ""),
    // people
    (
        &[
            "cpu",
            "add",
            "no address",
            "--name",
            "X",
            "--zone",
            "UTC",
            "--hours",
            "mon 09:00-10:00",
        ],
        2,
        "is not a mail address",
    ),
    (
        &[
            "cpu",
            "add",
            "a@b.example",
            "--name",
            "X",
            "--zone",
            "Mars/Base",
            "--hours",
            "mon 09:00-10:00",
        ],
        2,
        "Mars/Base",
    ),
    (
        &[
            "cpu",
            "add",
            "a@b.example",
            "--name",
            "X",
            "--zone",
            "UTC",
            "--hours",
            "always",
        ],
        2,
        "always",
    ),
    (
        &[
            "cpu",
            "add",
            "a@b.example",
            "--name",
            "X",
            "--zone",
            "UTC",
            "--hours",
            "mon 17:00-09:60",
        ],
        2,
        "09:60",
    ),
    (
        &[
            "cpu",
            "add",
            "a@b.example",
            "--name",
            "X",
            "--zone",
            "UTC",
            "--hours",
            "mon 09:00-10:00",
            "--layer",
            "5",
        ],
        2,
        "A layer is 1",
    ),
    (
        &[
            "cpu",
            "add",
            "a@b.example",
            "--name",
            "X",
            "--zone",
            "UTC",
            "--hours",
            "mon 09:00-10:00",
            "--role",
            "king",
        ],
        2,
        "\"king\" is no role",
    ),
    (&["cpu", "set", "support@acme.example"], 2, "Say what to set"),
    (
        &["cpu", "set", "support@acme.example", "--hours", "mon 17:00-09:60"],
        2,
        "09:60",
    ),
    (
        &["cpu", "set", "support@acme.example", "--role", "king"],
        2,
        "\"king\" is no role",
    ),
    (
        &["cpu", "calendar", "support@acme.example", "/nowhere/a.ics"],
        2,
        "cannot be read",
    ),
    (
        &["cpu", "calendar", "support@acme.example", "--remove"],
        4,
        "Nothing that is to come",
    ),
    (&["customer", "add", "  "], 2, "A customer has a name"),
    (
        &["contact", "add", "p@n.example", "--name", "P", "--customer", "999"],
        3,
        "999",
    ),
    (
        &["contact", "zone", "stranger@n.example", "UTC"],
        3,
        "There is no contact with the address",
    ),
    (&["token", "make", "nobody"], 3, "There is no engineer"),
    // files
    (&["due", "--cases", "/nonexistent"], 1, "cannot read /nonexistent"),
    (&["simulate", "--turns", "/nonexistent"], 1, "cannot read /nonexistent"),
    (
        &["simulate", "--turns", "/dev/null", "--policy", "lifo"],
        2,
        "\"lifo\" is no policy; there are duly, push-fifo",
    ),
    (
        &["mail", "inspect", "/nonexistent.eml"],
        1,
        "/nonexistent.eml: cannot be read",
    ),
    (&["import", "mbox", "/nonexistent.mbox"], 4, "Stop that process"),
    (&["man", "/dev/null/pages"], 1, "cannot make /dev/null/pages"),
];

#[test]
fn every_bad_command_is_told_what_is_wrong_with_it() {
    let desk = Desk::open();
    desk.mail("Bad input", "x");
    let before = desk.duly(&["ps", "-a", "--json", "-o", "case"]).done();
    assert!(COMMANDS.len() >= 40);
    for (args, code, told) in COMMANDS {
        let alone = args.contains(&"--as") || args == &["next"] || args[0] == "cpu" || args[0] == "customer";
        let alone = alone || matches!(args[0], "contact" | "token");
        let run = if alone { desk.duly(args) } else { desk.anna(args) };
        let said = format!("{run:?}");
        assert_eq!(run.code, *code, "{args:?}: {said}");
        assert!(run.err.contains(told), "{args:?} wants {told:?}: {said}");
        assert!(!run.err.contains("panicked"), "{args:?}: {said}");
        assert!(
            run.code == 0 || run.out.is_empty(),
            "a refusal is no data: {args:?}: {said}"
        );
    }
    let after = desk.duly(&["ps", "-a", "--json", "-o", "case"]).done();
    assert_eq!(before, after, "nothing was changed");
    let verified = desk.duly(&["ledger", "--verify"]).done();
    assert!(verified.starts_with("The ledger is whole"), "{verified}");
}

#[test]
fn bytes_that_are_no_text_are_refused_and_odd_text_is_kept() {
    let desk = Desk::open();
    let case = desk.mail("Odd", "x").to_string();
    let mut command = desk.command(&["--as", ANNA, "note", &case, "-m"]);
    command.arg(OsStr::from_bytes(b"caf\xe9"));
    let said = Run::of(command.output().expect("it runs")).ends(2);
    assert!(said.contains("invalid UTF-8"), "{said}");
    let said = desk
        .typed(&["--as", ANNA, "note", &case, "-f", "-"], b"caf\xe9")
        .ends(2);
    assert!(said.contains("The words are not UTF-8 text"), "{said}");
    let odd = "a\u{0}b \u{1b}[2J \u{202e}abc شكرا 👩‍👩‍👧 '); DROP TABLE message; --\n";
    desk.typed(&["--as", ANNA, "note", &case, "-f", "-"], odd.as_bytes())
        .done();
    let shown = desk.duly(&["show", &case]).done();
    assert!(shown.contains("شكرا 👩‍👩‍👧 '); DROP TABLE message; --"), "{shown}");
    assert!(
        !shown.contains(['\u{1b}', '\u{202e}', '\u{0}']),
        "a terminal is not commanded: {shown:?}"
    );
    let kept = desk.duly(&["show", &case, "--json"]).done();
    assert!(kept.contains("\\u001b[2J"), "what was written is kept: {kept}");
    let at_limit = vec![b'x'; 1_000_000];
    desk.typed(&["--as", ANNA, "note", &case, "-f", "-"], &at_limit).done();
    let beyond = vec![b'x'; 1_000_001];
    let said = desk.typed(&["--as", ANNA, "note", &case, "-f", "-"], &beyond).ends(2);
    assert!(said.contains("longer than 1 MB"), "{said}");
    let escaped = vec![1; 1_000_000];
    let said = desk.typed(&["--as", ANNA, "note", &case, "-f", "-"], &escaped).ends(2);
    assert!(
        said.contains("too long for one request") && said.contains("Nothing was sent"),
        "{said}"
    );
}

#[test]
fn mail_with_a_hostile_subject_is_listed_on_one_harmless_line() {
    let desk = Desk::open();
    desk.mail("=?utf-8?q?=1B]0;owned=07_=0D=0AInjected:_x_=E2=80=AEtxt.exe?=", "x");
    for args in [&["ps"][..], &["show", "1"], &["--accessible", "ps"], &["log", "-a"]] {
        let out = desk.duly(args).done();
        assert!(
            !out.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']),
            "{args:?}: {out:?}"
        );
    }
    assert_eq!(desk.duly(&["ps"]).done().lines().count(), 2);
}

/// Lines for the local socket, and what the answer says.
const REQUESTS: &[(&[u8], &str)] = &[
    (b"\n", "The request is not understood"),
    (b"hello\n", "The request is not understood"),
    (b"{}\n", "missing field `verb`"),
    (b"[]\n", "The request is not understood"),
    (b"null\n", "The request is not understood"),
    (b"{\"verb\":{}}\n", "missing field `verb`"),
    (b"{\"verb\":{\"verb\":\"explode\"}}\n", "unknown variant `explode`"),
    (b"{\"verb\":{\"verb\":\"show\"}}\n", "missing field `case`"),
    (
        b"{\"verb\":{\"verb\":\"show\",\"case\":\"1\"}}\n",
        "invalid type: string",
    ),
    (
        b"{\"verb\":{\"verb\":\"show\",\"case\":1e300}}\n",
        "invalid type: floating point",
    ),
    (
        b"{\"verb\":{\"verb\":\"show\",\"case\":9223372036854775808}}\n",
        "invalid value: integer",
    ),
    (
        b"{\"verb\":{\"verb\":\"show\",\"case\":-9223372036854775808}}\n",
        "There is no case -9223372036854775808",
    ),
    (
        b"{\"verb\":{\"verb\":\"show\",\"case\":1,\"messages\":-1}}\n",
        "\"case\":1",
    ),
    (b"{\"verb\":{\"verb\":\"cpu\"},\"token\":17}\n", "invalid type: integer"),
    (
        b"{\"verb\":{\"verb\":\"cpu\"},\"token\":\"\"}\n",
        "This token is not valid",
    ),
    (
        b"{\"verb\":{\"verb\":\"cpu\"},\"as_engineer\":\"\"}\n",
        "There is no engineer",
    ),
    (
        b"{\"verb\":{\"verb\":\"cpu\",\"colour\":\"red\"},\"more\":1}\n",
        "\"engineers\"",
    ),
    (b"{\"verb\":{\"verb\":\"log\",\"case\":null,\"after\":-5}}\n", "\"log\""),
    (
        b"{\"verb\":{\"verb\":\"log\",\"case\":null,\"after\":9223372036854775807}}\n",
        "\"log\":[]",
    ),
    (
        b"{\"verb\":{\"verb\":\"grep\",\"query\":\"x\",\"limit\":-9223372036854775808}}\n",
        "\"hits\"",
    ),
    (
        b"{\"verb\":{\"verb\":\"grep\",\"query\":\"\\u0000\",\"limit\":null}}\n",
        "\"hits\"",
    ),
    (b"\xff\xfe\n", "The request is not understood"),
    (
        b"{\"verb\":{\"verb\":\"grep\",\"query\":\"\xff\",\"limit\":null}}\n",
        "The request is not understood",
    ),
];

#[test]
fn every_bad_request_is_answered_and_the_session_goes_on() {
    let desk = Desk::open();
    desk.mail("Socket", "x");
    let mut session = BufReader::new(UnixStream::connect(desk.dir().join("duly.sock")).expect("the socket"));
    for (request, told) in REQUESTS {
        session.get_mut().write_all(request).expect("it listens");
        let mut said = String::new();
        session.read_line(&mut said).expect("an answer");
        assert!(
            said.contains(told),
            "{:?} wants {told:?}: {said}",
            String::from_utf8_lossy(request)
        );
    }
    let deep = [b"[".repeat(100_000), b"\n".to_vec()].concat();
    session.get_mut().write_all(&deep).expect("it listens");
    let mut said = String::new();
    session.read_line(&mut said).expect("an answer");
    assert!(said.contains("The request is not understood"), "{said}");
}

#[test]
fn a_request_that_is_too_long_or_cut_off_is_said_to_be_and_its_rest_is_no_request() {
    let desk = Desk::open();
    let connect = || UnixStream::connect(desk.dir().join("duly.sock")).expect("the socket");
    let answers = |stream: UnixStream| BufReader::new(stream).lines().map_while(Result::ok).collect::<Vec<_>>();
    let mut long = connect();
    let mut bytes = vec![b' '; 5 * 1024 * 1024];
    bytes.extend_from_slice(b"\n{\"verb\":{\"verb\":\"hold\",\"hold\":true}}\n");
    // The desk may have hung up before all of it was written.
    let _ = long.write_all(&bytes);
    let said = answers(long);
    assert!(said.len() <= 1, "the rest is not obeyed: {said:?}");
    assert!(said.iter().all(|line| line.contains("longer than 4 MB")), "{said:?}");
    let mut cut = connect();
    cut.write_all(b"{\"verb\":{\"verb\":\"hold\",\"hold\":true}}")
        .expect("it listens");
    cut.shutdown(std::net::Shutdown::Write).expect("half closed");
    let said = answers(cut);
    assert!(said.len() == 1 && said[0].contains("was cut off"), "{said:?}");
    assert!(
        !desk.duly(&["spool"]).done().contains("held"),
        "half a request holds nothing"
    );
    // Many who say nothing do not keep one out who does.
    let silent: Vec<UnixStream> = (0..50).map(|_| connect()).collect();
    desk.duly(&["ps"]).done();
    drop(silent);
}

#[test]
fn files_that_are_something_else_are_told_so() {
    let home = tempfile::tempdir().expect("a folder");
    let path = |name: &str, bytes: &[u8]| {
        let path = home.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let dir = home.path().join("desk");
    crate::desk::init(home.path(), &dir).done();
    let dir = dir.to_str().expect("UTF-8");
    let letter = path("letter", b"Dear desk,");
    let said = duly(home.path(), &["import", "mbox", &letter, "--dir", dir]).ends(2);
    assert!(said.contains("is no mbox: it does not begin with \"From \""), "{said}");
    let said = duly(home.path(), &["import", "mbox", "/nonexistent", "--dir", dir]).ends(2);
    assert!(said.contains("/nonexistent cannot be read"), "{said}");
    let binary = path("binary", b"From x\n\xff\xfe\0\0\n\nFrom y\n\n");
    let said = duly(home.path(), &["import", "mbox", &binary, "--dry-run", "--dir", dir]).done();
    assert!(said.contains("Nothing was changed"), "{said}");
    let cases = path("cases", b"nonsense\n{\"id\":7}\n\xff\n");
    let said = duly(home.path(), &["due", "--cases", &cases]).done();
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(said.lines().all(|line| line.contains("\"refused\"")), "{said}");
    let long = path("long", &vec![b'x'; 2 * 1024 * 1024]);
    let said = duly(home.path(), &["due", "--cases", &long]).ends(1);
    assert!(said.contains("is longer than 1048576 bytes"), "{said}");
    let mail = path("mail", b"\xff\0\xfe");
    let said = duly(home.path(), &["mail", "inspect", &mail, "/", &mail]);
    assert_eq!((said.code, said.out.lines().count()), (1, 2), "{said:?}");
    assert!(said.err.contains("/: cannot be read"), "{said:?}");
    let mut command = crate::desk::program(DULY, home.path());
    let output = command
        .args(["ps", "--dir"])
        .arg(OsStr::from_bytes(b"/tmp/\xff"))
        .output();
    let said = Run::of(output.expect("it runs")).ends(1);
    assert!(said.contains("No desk is running in "), "{said}");
}
