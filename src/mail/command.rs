//! The verbs that an engineer's mail may begin with: `#note`, `#wait customer until fri 12:00`, `#close as solved` …
//! (UX.md §2.3).
//!
//! Promised: a line at the top that begins with `#` and a letter is a verb, or the mail does nothing at all; an unknown one
//! gives help, and nothing is sent to the customer. What is understood becomes [`Verb`]s of the desk, the same that every
//! other door builds, with case 0: which case it is about, and whether the writer is who they say, is not known here. One
//! table feeds parser, help and tests. Times are read later, by the desk, in the engineer's zone.

use crate::desk::command::Asked;
use crate::desk::verb::{Bargain, Verb};
use crate::limits;

/// What a word at the top of a mail means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Note,
    Kind,
    Wait,
    Owe,
    Close,
    Severity,
    Nice,
    Promise,
    Wake,
    Next,
    Skip,
    Undo,
    Help,
    /// A word of the design that no desk has yet: refused by its own name, not as a mistake.
    NotYet,
}

/// A verb: its word, how it is written, what it does.
struct Word {
    word: &'static str,
    form: &'static str,
    does: &'static str,
    meaning: Meaning,
}

const fn word(word: &'static str, form: &'static str, does: &'static str, meaning: Meaning) -> Word {
    Word {
        word,
        form,
        does,
        meaning,
    }
}

/// Every verb there is by mail.
const WORDS: &[Word] = &[
    word("note", "#note", "keeps the mail inside", Meaning::Note),
    word(
        "answer",
        "#answer",
        "the reply is an answer (it is, if nothing is said)",
        Meaning::Kind,
    ),
    word("question", "#question", "the reply asks something", Meaning::Kind),
    word(
        "finding",
        "#finding",
        "the reply says what was found; with #owe",
        Meaning::Kind,
    ),
    word(
        "owe",
        "#owe wed 10:00",
        "the reply promises the next word by then",
        Meaning::Owe,
    ),
    word(
        "wait",
        "#wait customer until fri 12:00",
        "after the reply, or now, the case waits; so for engineering, upstream, lab or date: \
         #wait engineering until thu 09:00 because PR 5123 (the words below it tell the customer)",
        Meaning::Wait,
    ),
    word(
        "close",
        "#close as solved",
        "with the reply, or now, the case is closed",
        Meaning::Close,
    ),
    word(
        "severity",
        "#severity 2 because the replica is down too",
        "promises to come are made at it",
        Meaning::Severity,
    ),
    word(
        "nice",
        "#nice -5 because their launch is tomorrow",
        "orders the case among those with the same due time",
        Meaning::Nice,
    ),
    word(
        "promise",
        "#promise wed 10:00 because the test takes four hours",
        "offers the customer another time; the promised one stands until they accept",
        Meaning::Promise,
    ),
    word("wake", "#wake", "ends a wait", Meaning::Wake),
    word("next", "#next", "gives you the next case", Meaning::Next),
    word(
        "skip",
        "#skip needs a storage person",
        "hands your slice back",
        Meaning::Skip,
    ),
    word(
        "undo",
        "#undo",
        "takes back your last reply while it is held",
        Meaning::Undo,
    ),
    word("help", "#help", "this list", Meaning::Help),
    word("take", "", "", Meaning::NotYet),
    word("fork", "", "", Meaning::NotYet),
    word("merge", "", "", Meaning::NotYet),
];

/// What the verbs at the top of a mail add up to.
#[derive(Default)]
struct Draft {
    note: bool,
    kind: Option<&'static str>,
    /// What comes after a reply, as `--then` has it, and the verb that it is without one.
    then: Option<(String, Verb)>,
    /// A wait for somebody who is not the customer: words below it are text E.
    handed_on: bool,
    others: Vec<Verb>,
}

/// Reads the newly written words of an engineer's mail.
pub fn read(text: &str) -> Asked {
    match understand(text) {
        Ok(verbs) => Asked::Do(verbs),
        Err(help) => Asked::Help(help),
    }
}

fn understand(text: &str) -> Result<Vec<Verb>, String> {
    let text = text.trim_matches(['\u{feff}', '\u{a0}']).trim();
    let mut rest = text;
    let mut draft = Draft::default();
    let mut inline = String::new();
    for _ in 0..limits::MAIL_VERBS {
        let (line, later) = rest.split_once('\n').unwrap_or((rest, ""));
        let Some((name, words)) = verb_line(line) else { break };
        let known = WORDS
            .iter()
            .find(|one| one.word == name)
            .ok_or_else(|| help(&format!("\"#{name}\" is no verb.")))?;
        if known.meaning == Meaning::Note && !words.is_empty() {
            inline = words.to_owned();
        }
        draft.take(known, words)?;
        rest = later.trim_start();
    }
    if verb_line(rest.lines().next().unwrap_or_default()).is_some() {
        return Err(help("That are too many verbs for one mail."));
    }
    let words = match inline.is_empty() {
        true => rest.trim().to_owned(),
        false => format!("{inline}\n{rest}").trim().to_owned(),
    };
    draft.verbs(words)
}

/// The verb and its words, if a line is one: `#` and a letter. `# A heading` is none.
fn verb_line(line: &str) -> Option<(String, &str)> {
    let line = line.trim().strip_prefix('#')?;
    if !line.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let (name, words) = line.split_at(end);
    Some((
        name.trim_end_matches([':', '.', ',']).to_ascii_lowercase(),
        words.trim(),
    ))
}

impl Draft {
    fn take(&mut self, known: &Word, words: &str) -> Result<(), String> {
        match known.meaning {
            Meaning::Note => self.note = true,
            Meaning::Kind => {
                if self.kind.replace(known.word).is_some() {
                    return Err(help("The mail says twice what kind of reply it is."));
                }
            }
            Meaning::Owe => {
                let then = format!("owe {}", without(words, "by "));
                // Owed without a word is nothing: only a reply carries a promise.
                self.after(then, Verb::Undo)?;
            }
            Meaning::Wait => self.wait(words)?,
            Meaning::Close => {
                let (resolution, because) = because(without(words, "as "));
                let resolution = (!resolution.is_empty()).then(|| resolution.to_owned());
                let then = resolution
                    .as_ref()
                    .map_or("close".to_owned(), |word| format!("close as {word}"));
                self.after(
                    then,
                    Verb::Close {
                        case: 0,
                        resolution,
                        because,
                    },
                )?;
            }
            Meaning::Severity => {
                let (severity, because) = because(words);
                self.others.push(Verb::Severity {
                    case: 0,
                    severity: severity.to_owned(),
                    because: because.unwrap_or_default(),
                });
            }
            Meaning::Nice => {
                let (nice, because) = because(words);
                self.others.push(Verb::Nice {
                    case: 0,
                    nice: nice
                        .parse()
                        .map_err(|_| help("#nice says a number from -20 (first) to 19 (last)."))?,
                    because: because.unwrap_or_default(),
                });
            }
            Meaning::Promise => {
                let (time, because) = because(words);
                if time.is_empty() {
                    return Err(help("#promise says which time is offered."));
                }
                self.others.push(Verb::Negotiate {
                    case: 0,
                    number: None,
                    bargain: Bargain::Offer,
                    time: Some(time.to_owned()),
                    because,
                    meanwhile: None,
                    sign: None,
                });
            }
            Meaning::Wake => self.others.push(Verb::Wake { case: 0 }),
            Meaning::Next => self.others.push(Verb::Next),
            Meaning::Skip => self.others.push(Verb::Skip {
                reason: words.to_owned(),
            }),
            Meaning::Undo => self.others.push(Verb::Undo),
            Meaning::Help => return Err(help("")),
            Meaning::NotYet => return Err(help(&format!("#{} is not built yet.", known.word))),
        }
        Ok(())
    }

    fn wait(&mut self, words: &str) -> Result<(), String> {
        let (words, because) = because(words);
        let (party, until) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let until = without(until.trim(), "until ").to_owned();
        if until.is_empty() {
            return Err(help("#wait says for whom and until when."));
        }
        let party = party.to_ascii_lowercase();
        self.handed_on = party != "customer";
        let then = format!("wait {until}");
        let verb = Verb::Wait {
            case: 0,
            party,
            until,
            because,
            tell: None,
            anyway: false,
        };
        self.after(then, verb)
    }

    fn after(&mut self, then: String, verb: Verb) -> Result<(), String> {
        match self.then.replace((then, verb)) {
            None => Ok(()),
            Some(_) => Err(help("The mail says twice what comes next.")),
        }
    }

    fn verbs(self, words: String) -> Result<Vec<Verb>, String> {
        let mut verbs = Vec::new();
        match (self.note, words.is_empty(), self.then) {
            (true, true, _) => return Err(help("#note keeps the words below it inside, and there are none.")),
            (true, false, then) => {
                verbs.push(Verb::Note { case: 0, text: words });
                match then {
                    Some((_, Verb::Undo)) => return Err(help("#owe is said with a reply, and #note is none.")),
                    then => verbs.extend(then.map(|(_, verb)| verb)),
                }
            }
            (false, true, Some((_, Verb::Undo))) => return Err(help("#owe is said with a reply: words are missing.")),
            (false, true, Some((_, verb))) => verbs.push(verb),
            (false, true, None) if self.kind.is_some() || self.others.is_empty() => {
                return Err(help("The mail has no words of its own."));
            }
            (false, true, None) => {}
            (false, false, then) if self.handed_on => {
                if self.kind.is_some() {
                    return Err(help(
                        "Words under a #wait for engineering, upstream, lab or date tell the customer of it; they are no reply.",
                    ));
                }
                if let Some((
                    _,
                    Verb::Wait {
                        case,
                        party,
                        until,
                        because,
                        ..
                    },
                )) = then
                {
                    verbs.push(Verb::Wait {
                        case,
                        party,
                        until,
                        because,
                        tell: Some(words),
                        anyway: false,
                    });
                }
            }
            (false, false, None) if !self.others.is_empty() && self.kind.is_none() => {
                return Err(help(
                    "It is not clear whether the words are for the customer: send them as a mail of their own.",
                ));
            }
            (false, false, then) => verbs.push(Verb::Reply {
                case: 0,
                text: words,
                kind: self.kind.unwrap_or("answer").to_owned(),
                then: then.map(|(then, _)| then),
                answers: Vec::new(),
                force_stale: false,
                files: Vec::new(),
            }),
        }
        verbs.extend(self.others);
        Ok(verbs)
    }
}

/// Words without the one that may begin them.
fn without<'a>(words: &'a str, first: &str) -> &'a str {
    match words.get(..first.len()) {
        Some(head) if head.eq_ignore_ascii_case(first) => words[first.len()..].trim_start(),
        _ => words,
    }
}

/// What stands before and behind ` because `.
fn because(words: &str) -> (&str, Option<String>) {
    match words.split_once(" because ") {
        Some((words, because)) => (
            words.trim_end(),
            Some(because.trim().to_owned()).filter(|one| !one.is_empty()),
        ),
        None => (words, None),
    }
}

/// Help: what was wrong, and every verb.
fn help(wrong: &str) -> String {
    let list: Vec<String> = WORDS
        .iter()
        .filter(|one| one.meaning != Meaning::NotYet)
        .map(|one| format!("    {}: {}", one.form, one.does))
        .collect();
    let wrong = if wrong.is_empty() {
        String::new()
    } else {
        format!("{wrong} ")
    };
    format!(
        "{wrong}The first lines of a mail may be:\n\n{}\n\nWithout any of them its words are the reply to the customer.",
        list.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn done(text: &str) -> String {
        match read(text) {
            Asked::Do(verbs) => verbs
                .iter()
                .map(|verb| format!("{verb:?}"))
                .collect::<Vec<_>>()
                .join(" + "),
            Asked::Help(help) => format!("help: {}", help.split(" The first lines").next().unwrap_or_default()),
        }
    }

    #[test]
    fn words_without_a_verb_are_the_reply() {
        let reply = "Reply { case: 0, text: \"# Cause\\n\\nthe key.\", kind: \"answer\", then: None, answers: [], force_stale: false, files: [] }";
        assert_eq!(done("\n# Cause\n\nthe key.\n"), reply, "a heading is no verb");
    }

    #[test]
    fn verbs_above_a_reply_say_what_comes_next() {
        for (text, kind, then) in [
            (
                "#wait customer until fri 12:00\nplease run it",
                "answer",
                "wait fri 12:00",
            ),
            (
                "#question\n#wait customer fri 12:00\n\nplease run it",
                "question",
                "wait fri 12:00",
            ),
            ("#Close\nplease run it", "answer", "close"),
            (
                "#close as fixed upstream because done\nplease run it",
                "answer",
                "close as fixed upstream",
            ),
            ("#finding\n#owe wed 10:00\nplease run it", "finding", "owe wed 10:00"),
        ] {
            let expected = format!(
                "Reply {{ case: 0, text: \"please run it\", kind: {kind:?}, then: Some({then:?}), answers: [], force_stale: false, files: [] }}"
            );
            assert_eq!(done(text), expected, "{text}");
        }
    }

    #[test]
    fn verbs_without_words_act_alone() {
        for (text, said) in [
            ("#next", "Next"),
            ("#undo\n", "Undo"),
            ("#wake", "Wake { case: 0 }"),
            (
                "#promise wed 10:00 because the test takes long",
                "Negotiate { case: 0, number: None, bargain: Offer, time: Some(\"wed 10:00\"), because: Some(\"the test takes long\"), meanwhile: None, sign: None }",
            ),
            (
                "#skip needs a storage person",
                "Skip { reason: \"needs a storage person\" }",
            ),
            (
                "#close as solved because done",
                "Close { case: 0, resolution: Some(\"solved\"), because: Some(\"done\") }",
            ),
            (
                "#wait engineering until thu 09:00 because PR 5123",
                "Wait { case: 0, party: \"engineering\", until: \"thu 09:00\", because: Some(\"PR 5123\"), tell: None, anyway: false }",
            ),
            (
                "#severity 2 because the replica is down too\n#nice -5 because launch",
                "Severity { case: 0, severity: \"2\", because: \"the replica is down too\" } + Nice { case: 0, nice: -5, because: \"launch\" }",
            ),
            (
                "#note core matches 118234",
                "Note { case: 0, text: \"core matches 118234\" }",
            ),
            (
                "#note\ncore matches\n\n#118234",
                "Note { case: 0, text: \"core matches\\n\\n#118234\" }",
            ),
            (
                "#note seen\n#wait date until thu 09:00 because holiday",
                "Note { case: 0, text: \"seen\" } + Wait { case: 0, party: \"date\", until: \"thu 09:00\", because: Some(\"holiday\"), tell: None, anyway: false }",
            ),
        ] {
            assert_eq!(done(text), said, "{text}");
        }
        assert!(
            done("#wait upstream until thu 09:00 because PR\nIt is with them.")
                .ends_with("tell: Some(\"It is with them.\"), anyway: false }")
        );
    }

    #[test]
    fn what_is_unclear_does_nothing_and_says_why() {
        for (text, why) in [
            ("#cloes\nplease run it", "\"#cloes\" is no verb."),
            ("#include <stdio.h>\nint main", "\"#include\" is no verb."),
            (
                "#nice soon because urgent",
                "#nice says a number from -20 (first) to 19 (last).",
            ),
            ("#promise", "#promise says which time is offered."),
            ("#take", "#take is not built yet."),
            ("#note", "#note keeps the words below it inside, and there are none."),
            ("#owe wed 10:00", "#owe is said with a reply: words are missing."),
            (
                "#note x\n#owe wed 10:00",
                "#owe is said with a reply, and #note is none.",
            ),
            (
                "#close\n#wait customer until fri 12:00\nx",
                "The mail says twice what comes next.",
            ),
            ("#answer\n#question\nx", "The mail says twice what kind of reply it is."),
            ("#wait customer", "#wait says for whom and until when."),
            (
                "#next\nplease run it",
                "It is not clear whether the words are for the customer: send them as a mail of their own.",
            ),
            ("#question", "The mail has no words of its own."),
            ("", "The mail has no words of its own."),
        ] {
            assert_eq!(done(text), format!("help: {why}"), "{text}");
        }
        assert!(done(&"#wake\n".repeat(50)).contains("too many verbs"));
        let Asked::Help(list) = read("#help") else {
            panic!("help is help")
        };
        for one in WORDS.iter().filter(|one| one.meaning != Meaning::NotYet) {
            assert!(list.contains(one.form), "{}", one.word);
        }
    }

    proptest! {
        #[test]
        fn a_mail_whose_first_line_is_no_known_verb_never_reaches_the_customer(name in "[a-z]{1,12}", rest in "[ -~\n]{0,80}") {
            prop_assume!(!WORDS.iter().any(|one| one.word == name));
            let text = format!("#{name}\n{rest}");
            prop_assert!(matches!(read(&text), Asked::Help(_)));
        }

        #[test]
        fn no_words_make_it_stumble(text in any::<String>()) {
            let _ = read(&text);
            let _ = read(&format!("#{text}"));
        }
    }
}
