//! Words from a file, from standard input and from an editor: what was typed is never lost.

use crate::desk::{ANNA, Desk};
use std::path::{Path, PathBuf};

/// A program that writes `words` into the file it is given, below what stands there.
fn editor(folder: &Path, words: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("editor");
    std::fs::write(&path, format!("#!/bin/sh\nprintf '%s\\n' '{words}' >> \"$1\"\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
    path.display().to_string()
}

fn drafts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.to_string_lossy().contains("duly-draft-"))
        .collect()
}

#[test]
fn an_editor_opens_and_the_line_about_the_case_is_cut_off() {
    let desk = Desk::open();
    let case = desk.mail("Edited", "x").to_string();
    let editor = editor(desk.folder.path(), "Please restart it.");
    let line = format!("duly --as {ANNA} reply {case}");
    let said = desk.on_a_terminal(&line, &[("EDITOR", &editor)]);
    assert!(
        said.out.contains("once this is delivered to priya@n.example"),
        "{said:?}"
    );
    assert_eq!(desk.anna(&["undo"]).done(), "Please restart it.\n");
    assert_eq!(
        drafts(desk.folder.path()),
        Vec::<PathBuf>::new(),
        "what has arrived needs no draft"
    );
}

#[test]
fn a_draft_is_kept_where_the_desk_refuses_it() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::open();
    let case = desk.mail("Refused", "x").to_string();
    let editor = editor(desk.folder.path(), "A long story.");
    let line = format!("duly --as {ANNA} reply {case} --kind finding");
    let said = desk.on_a_terminal(&line, &[("VISUAL", &editor)]);
    assert_eq!(said.code, 2, "{said:?}");
    let kept = drafts(desk.folder.path());
    assert_eq!(kept.len(), 1);
    assert!(
        said.out
            .contains(&format!("Your draft is kept in {}.", kept[0].display())),
        "{said:?}"
    );
    let text = std::fs::read_to_string(&kept[0]).expect("the draft");
    assert!(text.contains("A long story."), "{text}");
    let mode = std::fs::metadata(&kept[0]).expect("the draft").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
}

#[test]
fn an_editor_that_fails_or_writes_nothing_sends_nothing() {
    let desk = Desk::open();
    let case = desk.mail("Empty", "x").to_string();
    let line = format!("duly --as {ANNA} reply {case}");
    for (editor, told) in [
        ("true", "Nothing was written, so nothing is sent."),
        ("false", "The editor was left without saving. Your draft is kept in "),
        ("no-such-editor", "no-such-editor cannot be started: "),
    ] {
        let said = desk.on_a_terminal(&line, &[("EDITOR", editor)]);
        assert_ne!(said.code, 0, "{said:?}");
        assert!(said.out.contains(told), "{said:?}");
    }
    let said = desk.anna(&["reply", &case]).ends(2);
    assert!(
        said.contains("Say where the words are: -f FILE"),
        "without a terminal nothing opens: {said}"
    );
}

#[test]
fn words_come_from_a_file_from_standard_input_or_from_the_command() {
    let desk = Desk::open();
    let case = desk.mail("Three ways", "x").to_string();
    let file = desk.folder.path().join("answer.md");
    std::fs::write(&file, "From a file – with an umlaut: ü\n").expect("written");
    let file = file.to_str().expect("UTF-8");
    desk.anna(&["note", &case, "-f", file]).done();
    desk.typed(&["--as", ANNA, "note", &case, "-f", "-"], "Typed: 読む 👋\n".as_bytes())
        .done();
    desk.anna(&["note", &case, "-m", "Said."]).done();
    let shown = desk.duly(&["show", &case]).done();
    for words in ["From a file – with an umlaut: ü", "Typed: 読む 👋", "Said."] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}
