//! The message catalogue: every word that the desk says to customers, and by mail to anybody, stands in one file a
//! language, `TAG.ftl`.
//!
//! Promised: [`check`] (called when a desk starts, and by a test) refuses a catalogue in which a language misses a text or
//! a variable, or has one that English has not; after it [`Speech::say`] always has words. A text that a language should
//! miss all the same is said in English rather than not at all.
//!
//! The format is Fluent: translators know it, and its plural rules are CLDR's for every language, which is the part of an
//! own format that would be wrong first. Only its bundle is taken, not the facade crate with its locale fallbacks: which
//! language somebody gets is decided here, in [`choose`] and [`guess`].

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_syntax::ast::{CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

/// Language tag and text of every file.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// The language whose texts the others are compared with, and the last resort.
pub const ENGLISH: &str = "en";

/// Words of a mail that are looked at to know its language.
const GUESS_WORDS: usize = 400;
/// Known words without which nothing is guessed: a line of code has one or two of any language.
const GUESS_LEAST: usize = 4;

struct Language {
    tag: &'static str,
    bundle: FluentBundle<FluentResource>,
    frequent: HashSet<String>,
}

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let languages = FILES.iter().filter_map(|(tag, text)| {
        // What could not be read of a file is what `check` complains of.
        let resource = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(partly, _)| partly);
        let mut bundle = FluentBundle::new_concurrent(vec![tag.parse().ok()?]);
        // Marks around every value, for mixed directions: they would be copied with links and numbers out of mails.
        bundle.set_use_isolating(false);
        let _ = bundle.add_resource(resource);
        let mut language = Language {
            tag,
            bundle,
            frequent: HashSet::new(),
        };
        let words = language
            .format("language-words", &FluentArgs::new())
            .unwrap_or_default();
        language.frequent = words.split_whitespace().map(str::to_owned).collect();
        Some(language)
    });
    languages.collect()
});

impl Language {
    fn format(&self, id: &str, values: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(values), &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}

/// Tags of the languages that there are, in order of the alphabet.
pub fn languages() -> Vec<&'static str> {
    FILES.iter().map(|(tag, _)| *tag).collect()
}

/// The catalogue's language for what somebody asked for: `de-AT` finds `de`, `pt-BR` finds `pt-BR` before `pt`.
pub fn choose(wanted: &str) -> Option<&'static str> {
    let wanted = wanted.trim();
    let base = wanted.split(['-', '_']).next().unwrap_or(wanted);
    let named = |name: &str| {
        FILES
            .iter()
            .map(|(tag, _)| *tag)
            .find(|tag| tag.eq_ignore_ascii_case(name))
    };
    named(&wanted.replace('_', "-")).or_else(|| named(base))
}

/// The language of newly written words, by the frequent words of each language; nothing where they do not decide it.
pub fn guess(text: &str) -> Option<&'static str> {
    let mut votes: Vec<(usize, &'static str)> = LANGUAGES.iter().map(|one| (0, one.tag)).collect();
    let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let longest = LANGUAGES.iter().flat_map(|one| &one.frequent).map(String::len).max();
    let may_be_frequent = |word: &&str| Some(word.len()) <= longest || !word.is_ascii();
    for word in words.take(GUESS_WORDS).filter(may_be_frequent) {
        let word = word.to_lowercase();
        for (place, language) in LANGUAGES.iter().enumerate() {
            votes[place].0 += usize::from(language.frequent.contains(&word));
        }
    }
    votes.sort_by_key(|(count, tag)| (std::cmp::Reverse(*count), *tag));
    let second = votes.get(1).map_or(0, |(count, _)| *count);
    let (most, tag) = *votes.first()?;
    // Half as many again as the next: words that two languages share decide nothing.
    (most >= GUESS_LEAST && most * 2 >= second * 3).then_some(tag)
}

/// A language to write in.
#[derive(Clone, Copy)]
pub struct Speech {
    language: &'static Language,
}

impl Speech {
    /// The language with this tag, else English.
    pub fn of(tag: &str) -> Speech {
        let named = |tag: &str| LANGUAGES.iter().find(|one| one.tag == tag);
        let chosen = choose(tag).and_then(named).or_else(|| named(ENGLISH));
        // There is always one: `check` and the build refuse an empty folder.
        Speech {
            language: chosen.unwrap_or(&LANGUAGES[0]),
        }
    }

    /// Its tag, for `Content-Language` and the HTML twin.
    pub fn tag(self) -> &'static str {
        self.language.tag
    }

    /// The text with this name and these values in it.
    pub fn say(self, id: &str, values: &[(&'static str, Value<'_>)]) -> String {
        let mut given = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            let value = match value {
                Value::Text(text) => FluentValue::from(*text),
                Value::Count(count) => FluentValue::from(*count),
            };
            given.set(*name, value);
        }
        let said = self.language.format(id, &given).or_else(|| {
            tracing::error!(
                id,
                language = self.language.tag,
                "a text of the catalogue cannot be said; English stands in"
            );
            Speech::of(ENGLISH).language.format(id, &given)
        });
        said.unwrap_or_else(|| format!("[{id}]"))
    }
}

/// What is put into a text.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Words.
    Text(&'a str),
    /// A number that plural rules look at.
    Count(u64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Text(text)
    }
}

impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Value::Count(count)
    }
}

/// What is wrong with the catalogue, a sentence each; empty if every language has every text with every variable.
pub fn check() -> Vec<String> {
    compare(FILES)
}

fn compare(files: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut read = BTreeMap::new();
    for (tag, text) in files {
        if tag.parse::<unic_langid::LanguageIdentifier>().is_err() {
            complaints.push(format!("{tag}.ftl: \"{tag}\" is no language tag"));
        }
        match texts_of(text) {
            Ok(texts) => _ = read.insert(*tag, texts),
            Err(cause) => complaints.push(format!("{tag}.ftl: {cause}")),
        }
    }
    let Some(english) = read.get(ENGLISH) else {
        complaints.push(format!("there is no {ENGLISH}.ftl"));
        return complaints;
    };
    for (tag, texts) in &read {
        for (id, variables) in english {
            match texts.get(id) {
                None => complaints.push(format!("{tag}.ftl: the text {id} is missing")),
                Some(theirs) => {
                    for missing in variables.difference(theirs) {
                        complaints.push(format!("{tag}.ftl: {id} does not say ${missing}"));
                    }
                    for odd in theirs.difference(variables) {
                        complaints.push(format!("{tag}.ftl: {id} knows no ${odd}"));
                    }
                }
            }
        }
        for odd in texts.keys().filter(|id| !english.contains_key(*id)) {
            complaints.push(format!("{tag}.ftl: English has no text {odd}"));
        }
    }
    complaints
}

/// Every text of a file, with the variables it uses.
fn texts_of(file: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let parsed = fluent_syntax::parser::parse(file).map_err(|(_, errors)| {
        let first = errors.first();
        first.map_or_else(String::new, |error| {
            let line = file[..error.pos.start.min(file.len())].lines().count();
            format!("line {line}: {}", error.kind)
        })
    })?;
    let mut texts = BTreeMap::new();
    for entry in &parsed.body {
        let Entry::Message(message) = entry else { continue };
        let mut variables = BTreeSet::new();
        let Some(pattern) = &message.value else { continue };
        walk(pattern, &mut variables);
        if texts.insert(message.id.name.to_owned(), variables).is_some() {
            return Err(format!("{} stands twice", message.id.name));
        }
    }
    Ok(texts)
}

/// Patterns nest as deep as our own files do: the bound is their author.
fn walk(pattern: &Pattern<&str>, found: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            walk_expression(expression, found);
        }
    }
}

fn walk_expression(expression: &Expression<&str>, found: &mut BTreeSet<String>) {
    match expression {
        Expression::Inline(inline) => walk_inline(inline, found),
        Expression::Select { selector, variants } => {
            walk_inline(selector, found);
            variants.iter().for_each(|variant| walk(&variant.value, found));
        }
    }
}

fn walk_inline(inline: &InlineExpression<&str>, found: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => _ = found.insert(id.name.to_owned()),
        InlineExpression::FunctionReference {
            arguments: CallArguments { positional, .. },
            ..
        } => {
            positional.iter().for_each(|one| walk_inline(one, found));
        }
        InlineExpression::Placeable { expression } => walk_expression(expression, found),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_with_every_variable() {
        assert_eq!(check(), Vec::<String>::new());
        assert!(
            languages().contains(&"en") && languages().contains(&"de"),
            "{:?}",
            languages()
        );
        for language in LANGUAGES.iter() {
            assert!(language.frequent.len() >= 20, "{}", language.tag);
        }
    }

    #[test]
    fn a_language_that_misses_something_is_told_what() {
        let english =
            "hello = Hello { $name }\nfiles = { $count ->\n    [one] 1 file\n   *[other] { $count } files\n}\n";
        let said = compare(&[("en", english), ("xx", "hello = Salut\nmore = { $x }\n")]);
        assert_eq!(
            said,
            [
                "xx.ftl: the text files is missing",
                "xx.ftl: hello does not say $name",
                "xx.ftl: English has no text more"
            ]
        );
        assert_eq!(compare(&[("en", english), ("xx", english)]), Vec::<String>::new());
        assert!(compare(&[("en", "hello = { $name\n")])[0].starts_with("en.ftl: line "));
        assert!(compare(&[("xx", english)])[0].contains("no en.ftl"));
        assert!(compare(&[("en", english), ("not a tag", english)])[0].contains("no language tag"));
    }

    #[test]
    fn a_language_is_found_by_its_tag_or_its_base() {
        for (wanted, found) in [
            ("de", Some("de")),
            ("de-AT", Some("de")),
            ("DE_ch", Some("de")),
            ("en-GB", Some("en")),
            ("xx", None),
            ("", None),
        ] {
            assert_eq!(choose(wanted), found, "{wanted}");
        }
        assert_eq!(Speech::of("xx").tag(), "en");
    }

    #[test]
    fn the_language_of_a_mail_is_known_by_its_little_words() {
        for (text, language) in [
            (
                "Hello, after the upgrade the replica is behind and we have not changed any of the settings.",
                Some("en"),
            ),
            (
                "Guten Tag, nach dem Update ist die Replik hinten, und wir haben nichts geändert. Wie kann das sein?",
                Some("de"),
            ),
            (
                "ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction",
                None,
            ),
            ("SELECT * FROM orders WHERE id IN (1, 2)", None),
            ("こんにちは。アップグレードの後で遅くなりました。", None),
            ("", None),
        ] {
            assert_eq!(guess(text), language, "{text}");
        }
        assert_eq!(guess(&"x ".repeat(5_000_000)), None, "only the beginning is looked at");
    }

    #[test]
    fn numbers_choose_the_word() {
        let said = |tag: &str, count: u64| Speech::of(tag).say("in-days", &[("count", count.into())]);
        assert_eq!([said("en", 1), said("en", 2)], ["in about 1 day", "in about 2 days"]);
        assert_eq!([said("de", 1), said("de", 2)], ["in etwa 1 Tag", "in etwa 2 Tagen"]);
    }
}
