//! What each verb does and says, one after the other on one desk.

use crate::desk::{ANNA, Desk, wait_for};

#[test]
fn a_case_is_taken_skipped_noted_and_its_next_owner_reads_why() {
    let desk = Desk::open();
    let case = desk.mail("Slow restore", "It takes nine hours.").to_string();
    let given = desk.anna(&["next"]).done();
    assert!(given.starts_with(&format!("{case}  Slow restore\n")), "{given}");
    assert!(
        given.contains("Why this one: ") && given.contains("   It takes nine hours."),
        "{given}"
    );
    assert!(
        !given.contains("this first line of contact"),
        "an acknowledgement says nothing new: {given}"
    );
    let again = desk.anna(&["next"]).done();
    assert!(again.contains("your slice on it is open"), "{again}");
    let said = desk.anna(&["skip", "needs", "a", "storage", "person"]).done();
    assert_eq!(said, format!("Case {case} is handed back: needs a storage person\n"));
    let given = desk.anna(&["next"]).done();
    assert!(given.contains("Left behind: needs a storage person"), "{given}");
    let said = desk.anna(&["note", &case, "-m", "their disk is slow"]).done();
    assert_eq!(said, format!("Noted in case {case}, for engineers only.\n"));
    let shown = desk.duly(&["show", &case]).done();
    assert!(shown.contains(" · internal · message "), "{shown}");
    assert!(shown.contains("acknowledgement · message "), "{shown}");
    let history = desk.duly(&["log", &case]).done();
    for what in ["case.opened", "mail.in", "promise.made", "slice.began", "slice.ended"] {
        assert!(history.contains(&format!("\t{what}\t")), "{what}: {history}");
    }
    let raw = desk.duly(&["raw", &case]).done();
    assert!(
        raw.starts_with("From: Priya <priya@n.example>\r\n") && raw.ends_with("hours.\r\n"),
        "{raw}"
    );
}

#[test]
fn a_case_waits_wakes_and_closes_only_when_it_owes_nothing() {
    let desk = Desk::open();
    let case = desk.mail("Waits", "x").to_string();
    let said = desk.anna(&["wait", &case, "lab", "+3h"]).ends(2);
    assert!(said.contains("A wait needs a reason"), "{said}");
    let said = desk
        .anna(&["wait", &case, "until-when", "until", "fri", "12:00"])
        .ends(2);
    assert!(said.contains("is nobody a case can wait for"), "{said}");
    let wait = [
        "wait",
        &case,
        "upstream",
        "until",
        "fri",
        "12:00",
        "--because",
        "PR 5123",
    ];
    let long = ["wait", &case, "upstream", "+20d", "--because", "PR 5123"];
    let said = desk.anna(&long).ends(5);
    assert!(said.contains("--kind finding") && said.contains("--anyway"), "{said}");
    let said = desk.anna(&[&wait[..], &["--anyway"]].concat()).done();
    assert!(
        said.starts_with(&format!("{case} waits for upstream until Fri ")),
        "{said}"
    );
    assert!(said.contains("The next word is promised by "), "{said}");
    let waiting = desk.duly(&["ps", "--wait"]).done();
    assert!(waiting.contains("\tWu\t") && waiting.contains("(PR 5123)"), "{waiting}");
    assert_eq!(
        desk.anna(&["wake", &case]).done(),
        format!("Case {case} is ours and ready.\n")
    );
    assert!(desk.anna(&["wake", &case]).ends(4).contains("waits for nobody"));
    desk.anna(&["wait", &case, "customer", "fri 12:00"]).ends(4);
    desk.anna(&["close", &case]).ends(4);
    let open = desk.duly(&["promise", &case]).done();
    assert!(open.contains("\topen\t"), "{open}");
    let said = desk.anna(&["promise", &case, "+5m"]).ends(5);
    assert!(
        said.contains("duly: refused: ") && said.contains(" is not an honest promise.\n  Can answer it: "),
        "{said}"
    );
    assert!(said.contains("\n  Earliest honest time: "), "{said}");
    let said = desk.anna(&["promise", &case, "--ask"]).ends(2);
    assert!(said.contains("--because"), "{said}");
    desk.anna(&["promise", &case, "--accept"]).ends(4);
    let said = desk
        .anna(&["promise", &case, "+9d", "--because", "it takes long"])
        .done();
    assert!(
        said.contains(&format!(" is offered for case {case}. Until the customer accepts, ")),
        "{said}"
    );
    let shown = desk.duly(&["show", &case]).done();
    assert!(shown.contains("offered instead: "), "{shown}");
    let said = desk.anna(&["promise", &case, "--withdraw", "spam"]).done();
    assert_eq!(said, "1 promise is withdrawn: spam. The ledger keeps it.\n");
    assert!(desk.duly(&["ledger", &case]).done().contains("\twithdrawn\t"));
    assert!(desk.anna(&["close", &case]).ends(4).contains("closed already"));
    assert!(desk.duly(&["ps"]).ends(0).contains("No open case is in this list"));
}

#[test]
fn undo_takes_a_reply_back_and_gives_its_words_back() {
    let desk = Desk::open();
    let case = desk.mail("Undo", "x").to_string();
    desk.anna(&["reply", &case, "-m", "Line one.\nLine two."]).done();
    let undone = desk.anna(&["undo"]);
    assert_eq!(
        undone.err,
        format!("The reply to case {case} is taken back; the customer gets nothing.\n")
    );
    assert_eq!(undone.done(), "Line one.\nLine two.\n");
    let said = desk.anna(&["undo"]).ends(4);
    assert!(said.contains("nothing to undo"), "{said}");
    assert!(desk.duly(&["show", &case]).done().contains(": undone at "));
}

#[test]
fn a_colleague_who_was_faster_is_a_conflict_unless_it_is_said_that_it_is_none() {
    let desk = Desk::open();
    let case = desk.mail("Twice", "x").to_string();
    let hours = ["--zone", "Asia/Tokyo", "--hours", "mon-sun 00:00-24:00"];
    desk.duly(&[&["cpu", "add", "li@acme.example", "--name", "Li"], &hours[..]].concat())
        .done();
    desk.anna(&["next"]).done();
    desk.duly(&["--as", "li", "reply", &case, "-m", "Mine."]).done();
    let said = desk.anna(&["reply", &case, "-m", "Mine too."]).ends(4);
    assert!(
        said.contains("Li replied to case 1 at ") && said.contains("--force-stale"),
        "{said}"
    );
    desk.anna(&["reply", &case, "-m", "Mine too.", "--force-stale"]).done();
}

#[test]
fn unsorted_mail_stands_in_the_spool_until_a_person_releases_or_declines_it() {
    let desk = Desk::with(&[("DULY_MAIL_UNVERIFIED", "hold")]);
    let first = desk.mail("Is this the desk?", "x").to_string();
    let second = desk.mail("Buy now", "x").to_string();
    let listed = desk.duly(&["spool"]).done();
    assert!(listed.contains("its sender is not verified"), "{listed}");
    let said = desk.anna(&["reply", &first, "-m", "Yes."]).ends(4);
    assert!(said.contains(&format!("`duly spool release {first}`")), "{said}");
    desk.anna(&["next"]).ends(7);
    let said = desk.anna(&["spool", "release", &first]).done();
    assert_eq!(said, format!("Case {first} is released and has a promise.\n"));
    let said = desk
        .anna(&["spool", "decline", &second, "--because", "advertisement"])
        .done();
    assert_eq!(said, format!("Case {second} is declined: advertisement\n"));
    let empty = desk.duly(&["spool"]);
    assert_eq!(empty.err, "Every message is in a case: nothing stands in the spool.\n");
    assert!(
        desk.anna(&["spool", "release", "77"])
            .ends(3)
            .contains("does not stand in the spool")
    );
}

#[test]
fn a_held_desk_says_so_and_sends_when_it_is_released() {
    let desk = Desk::open();
    let said = desk.duly(&["spool", "hold"]).done();
    assert!(
        said.contains("Nothing leaves the desk until `duly spool release all`"),
        "{said}"
    );
    desk.mail("Held", "x");
    assert!(desk.duly(&["spool"]).done().contains("the brake is on"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(desk.sink.taken().len(), 0);
    assert_eq!(
        desk.duly(&["spool", "release", "all"]).done(),
        "Mail leaves the desk again.\n"
    );
    wait_for("the acknowledgement", || (desk.sink.taken().len() == 1).then_some(()));
}

#[test]
fn people_customers_and_contacts_are_entered_found_and_refused_twice() {
    let desk = Desk::open();
    let said = desk
        .duly(&["customer", "add", "Northwind", "--domain", "n.example"])
        .done();
    assert!(said.starts_with("Northwind is a customer with the number "), "{said}");
    let priya = [
        "contact",
        "add",
        "priya@n.example",
        "--name",
        "Priya N.",
        "--customer",
        "Northwind",
    ];
    assert_eq!(desk.duly(&priya).done(), "Priya N. <priya@n.example> is a contact.\n");
    assert!(
        desk.duly(&priya)
            .ends(4)
            .contains("`duly contact find priya@n.example`")
    );
    assert!(
        desk.duly(&["contact", "find", "priya@n.example"])
            .done()
            .contains("\tNorthwind\t")
    );
    let said = desk
        .duly(&["contact", "zone", "priya@n.example", "Asia/Kolkata"])
        .done();
    assert_eq!(said, "Times are said to Priya N. in Asia/Kolkata.\n");
    let said = desk.duly(&["contact", "zone", "priya@n.example", "Mars/Base"]).ends(2);
    assert!(said.contains("Mars/Base"), "{said}");
    desk.mail("From a known customer", "x");
    assert!(desk.duly(&["ps"]).done().contains("\tNorthwind\t"));
    assert!(
        desk.duly(&["customer", "find", "north"])
            .done()
            .contains("\tentered\tn.example\t1\n")
    );
    let hours = ["--zone", "UTC", "--hours", "mon-fri 09:00-17:00"];
    let said = desk
        .duly(&[&["cpu", "add", ANNA, "--name", "Anna"], &hours[..]].concat())
        .ends(4);
    assert!(said.contains("is on the desk already"), "{said}");
    let people = desk.duly(&["cpu"]).done();
    assert!(
        people.contains("Anna Keller\tanna@acme.example\tengineer\tL1\ton duty\t"),
        "{people}"
    );
}

#[test]
fn words_are_found_with_their_line() {
    let desk = Desk::open();
    let case = desk.mail("Crash", "Hello\nthe server says ORA-00600 in the log\nBye");
    let found = desk.duly(&["grep", "ora-00600"]).done();
    assert!(
        found.contains(&format!("\n{case}\t")) && found.contains("the server says ORA-00600 in the log"),
        "{found}"
    );
    assert_eq!(desk.duly(&["grep", "nothinglikethis"]).done(), "");
}
