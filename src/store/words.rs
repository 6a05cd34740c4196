//! Words of a text, for the index and for the question alike.
//!
//! We cut and fold ourselves, so that SQLite and PostgreSQL find the same: letters are folded (NFKC, lower case, accents
//! of Latin, Greek, Cyrillic, Hebrew and Arabic dropped), and everything that is neither letter nor digit separates.
//! `ORA-00600` is therefore two words that stand together, in the message and in the question.
//!
//! Scripts written without spaces are cut into pairs of letters: 日本語 is 日本 本語 語. The last letter stands alone
//! as well, so that one letter, asked as the beginning of a word, is found wherever it stands. No dictionary and no
//! stemming: people search for error codes, names and versions more than for prose.

use crate::limits;
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text as it is indexed. Whoever has a text before the writer is asked makes this there: all wait for the writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(pub(super) String);

impl Words {
    /// The words of a text. Only its first [`limits::INDEX_BYTES`] bytes and [`limits::INDEX_WORDS`] words count.
    pub fn of(text: &str) -> Words {
        Words(index(text))
    }
}

/// A stretch of one kind of writing.
#[derive(Debug, PartialEq, Eq)]
enum Run {
    /// A word between separators.
    Word(String),
    /// Letters of a script without spaces.
    Dense(Vec<char>),
}

/// The text of the query language's one construct: words that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    /// The words in order; never empty.
    pub words: Vec<String>,
    /// The last one is only the beginning of a word.
    pub open: bool,
}

/// The words of a message in order, a space between two; `_` holds the place of one that is too frequent to be indexed
/// once more. One string and not a list: a long mail has a thousand words, and each would be allocated twice.
pub(super) fn index(text: &str) -> String {
    let text = cut(text, limits::INDEX_BYTES);
    let mut row = String::with_capacity(text.len());
    let mut count = 0;
    // No word reaches over a blank, and what is ASCII needs no table to be folded.
    'pieces: for piece in text.split_ascii_whitespace() {
        if piece.is_ascii() {
            for word in piece.split(|letter: char| !letter.is_ascii_alphanumeric()) {
                if word.is_empty() {
                    continue;
                }
                let from = append(&mut row, &word[..word.len().min(limits::INDEX_WORD_BYTES)]);
                row[from..].make_ascii_lowercase();
                count += 1;
                if count >= limits::INDEX_WORDS {
                    break 'pieces;
                }
            }
        } else {
            let mut words = Vec::new();
            for run in runs(piece) {
                match run {
                    Run::Word(word) => words.push(word),
                    Run::Dense(letters) => pairs(&letters, true, &mut words),
                }
            }
            for word in words {
                append(&mut row, &word);
                count += 1;
                if count >= limits::INDEX_WORDS {
                    break 'pieces;
                }
            }
        }
    }
    match may_repeat_too_often(&row) {
        true => without_repeats(&row),
        false => row,
    }
}

/// Appends a word; where it begins.
fn append(row: &mut String, word: &str) -> usize {
    if !row.is_empty() {
        row.push(' ');
    }
    row.push_str(word);
    row.len() - word.len()
}

/// Whether any word may stand in the row more often than it is indexed: counted in few places by a hash, so that the
/// answer "no", which nearly every mail gets, is cheap and certain.
fn may_repeat_too_often(row: &str) -> bool {
    const PLACES: usize = 1024;
    let mut counts = [0_u16; PLACES];
    row.split(' ').any(|word| {
        let hash = word.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let count = &mut counts[hash as usize % PLACES];
        *count = count.saturating_add(1);
        *count > limits::INDEX_REPEATS
    })
}

fn without_repeats(row: &str) -> String {
    let mut seen: HashMap<&str, u16> = HashMap::new();
    let mut kept = String::with_capacity(row.len());
    for word in row.split(' ') {
        let times = seen.entry(word).or_default();
        *times = times.saturating_add(1);
        append(&mut kept, if *times <= limits::INDEX_REPEATS { word } else { "_" });
    }
    kept
}

/// The phrases of a question: quoted ones, and single terms, which are phrases too (`foo_bar`). All must be found. A quote
/// that is not closed ends with the question. At most one more than [`limits::QUERY_TERMS`], so that the caller sees it.
pub(super) fn question(text: &str) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    for (place, piece) in text.split(['"', '\u{201c}', '\u{201d}', '\u{201e}']).enumerate() {
        let quoted = place % 2 == 1;
        let terms: Vec<&str> = if quoted {
            vec![piece]
        } else {
            piece.split_whitespace().collect()
        };
        phrases.extend(terms.into_iter().filter_map(phrase).take(limits::QUERY_TERMS + 1));
        if phrases.len() > limits::QUERY_TERMS {
            break;
        }
    }
    phrases
}

fn phrase(text: &str) -> Option<Phrase> {
    let mut words = Vec::new();
    let mut open = false;
    let mut runs = runs(text).into_iter().peekable();
    while let Some(run) = runs.next() {
        let last = runs.peek().is_none();
        match run {
            Run::Word(word) => words.push(word),
            Run::Dense(letters) => {
                open = last && letters.len() == 1;
                // Before another word the single last letter stands in the index as well.
                pairs(&letters, !last || letters.len() == 1, &mut words);
            }
        }
    }
    (!words.is_empty()).then_some(Phrase { words, open })
}

fn pairs(letters: &[char], with_last: bool, words: &mut Vec<String>) {
    words.extend(letters.windows(2).map(|pair| pair.iter().collect::<String>()));
    if with_last {
        words.extend(letters.last().map(char::to_string));
    }
}

/// The stretches of a text, folded. As long as the text at most: every one has a letter of it.
fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut current: Option<Run> = None;
    for letter in fold(text) {
        let mark = is_combining_mark(letter);
        if letter.is_alphanumeric() || mark && current.is_some() {
            let dense = if mark {
                matches!(current, Some(Run::Dense(_)))
            } else {
                is_dense(letter)
            };
            match (&mut current, dense) {
                (Some(Run::Word(word)), false) => {
                    if word.len() + letter.len_utf8() <= limits::INDEX_WORD_BYTES {
                        word.push(letter);
                    }
                }
                (Some(Run::Dense(letters)), true) => letters.push(letter),
                (_, dense) => {
                    let begun = if dense {
                        Run::Dense(vec![letter])
                    } else {
                        Run::Word(letter.into())
                    };
                    runs.extend(current.replace(begun));
                }
            }
        } else {
            runs.extend(current.take());
        }
    }
    runs.extend(current);
    runs
}

fn fold(text: &str) -> impl Iterator<Item = char> {
    let bare = text
        .nfkd()
        .flat_map(char::to_lowercase)
        .filter(|letter| !is_accent(*letter));
    bare.map(|letter| if letter == 'ς' { 'σ' } else { letter }).nfc()
}

/// Marks that people leave out when they search.
fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

/// Scripts in which words follow each other without a space, and Korean, whose particles stick to the word.
fn is_dense(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}'         // Thai, Lao
        | '\u{1000}'..='\u{109f}'     // Burmese
        | '\u{1780}'..='\u{17ff}'     // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // kana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Han
        | '\u{20000}'..='\u{3ffff}'
        | '\u{ac00}'..='\u{d7af}') // Hangul
}

fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What [`index`] says, the long way: every letter folded by the tables, every word a string of its own.
    fn folded(text: &str) -> String {
        let mut words = Vec::new();
        for run in runs(text) {
            match run {
                Run::Word(word) => words.push(word),
                Run::Dense(letters) => pairs(&letters, true, &mut words),
            }
        }
        words.join(" ")
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_finds_the_words_of_the_long_way(text in "([a-zA-Z0-9 .\\r\\n_-]|\\PC|[ \u{301}é日ß]){0,200}") {
            proptest::prop_assert_eq!(index(&text), folded(&text));
        }
    }

    #[test]
    fn codes_accents_and_scripts_are_cut_as_people_search_for_them() {
        for (text, cut) in [
            ("ORA-00600: internal error", "ora 00600 internal error"),
            ("foo_bar 0x1F 1.5e-3", "foo bar 0x1f 1 5e 3"),
            ("Café ÉCOLE naïve Straße", "cafe ecole naive straße"),
            ("ﬁle ① Ⅳ", "file 1 iv"),
            ("Ὀδυσσεύς ΟΔΥΣΣΕΥΣ", "οδυσσευσ οδυσσευσ"),
            ("日本語でOK", "日本 本語 語で で ok"),
            ("パスワード", "パス スワ ワー ード ド"),
            ("कि हिन्दी", "कि हिन्दी"),
            ("  \u{301}\u{301} -- ", ""),
        ] {
            assert_eq!(index(text), cut, "{text}");
        }
    }

    #[test]
    fn a_question_is_phrases() {
        let read = |text: &str| {
            question(text)
                .into_iter()
                .map(|p| (p.words.join(" "), p.open))
                .collect::<Vec<_>>()
        };
        let said = |text: &str| (text.to_owned(), false);
        assert_eq!(read("disk ORA-00600"), [said("disk"), said("ora 00600")]);
        assert_eq!(read("\"disk full\" now"), [said("disk full"), said("now")]);
        assert_eq!(read("\"not closed"), [said("not closed")]);
        assert_eq!(read("日本"), [said("日本")]);
        assert_eq!(read("日"), [("日".to_owned(), true)]);
        assert_eq!(read("日本x"), [said("日本 本 x")]);
        assert_eq!(read("' OR * NEAR( ^"), [said("or"), said("near")]);
        assert_eq!(read("\"\" -- ()"), []);
        assert_eq!(question(&"a ".repeat(2000)).len(), limits::QUERY_TERMS + 1);
    }

    #[test]
    fn every_text_stays_within_the_bounds_of_a_tsvector() {
        for text in [
            "a ".repeat(100_000),
            "x".repeat(100_000),
            "日".repeat(100_000),
            "\u{fdfa}".repeat(50_000),
        ] {
            let found = index(&text);
            assert!(found.split(' ').count() <= limits::INDEX_WORDS);
            assert!(found.split(' ').all(|word| word.len() <= limits::INDEX_WORD_BYTES));
        }
        let all = index(&"a ".repeat(1_000));
        let indexed = all.split(' ').filter(|word| *word == "a").count();
        assert_eq!(indexed, usize::from(limits::INDEX_REPEATS));
        assert_eq!(all.split(' ').count(), 1_000);
    }
}
