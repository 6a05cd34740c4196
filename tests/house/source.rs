//! A Rust file as the house rules need it: its words, its texts and where its tests are.
//!
//! A small scanner and not a parser: the rules ask "which path begins here" and "is this in a string", and that is all it
//! answers. Comments are dropped, string and character literals are kept apart from code, so that a rule neither trips
//! over prose nor misses a path behind an odd line break. A real parser (syn) would see macros no better and cost seconds.

use std::path::{Path, PathBuf};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier, keyword or number.
    Word,
    /// A string literal; its text is what stands between the quotes, escapes as written.
    Text,
    /// One punctuation character, or `::`.
    Mark,
}

/// One token of a file.
#[derive(Debug, Clone)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
    /// Whether it stands in a test: under `#[cfg(test)]`, `#[test]`, or in a file of tests.
    pub in_test: bool,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.kind != Kind::Text && self.text == text
    }
}

/// A file of the house.
#[derive(Debug)]
pub struct Source {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    pub text: String,
    pub tokens: Vec<Token>,
}

impl Source {
    /// A file with the given text, as if it stood at `path`.
    pub fn new(path: &str, text: &str) -> Self {
        let mut tokens = scan(text);
        mark_tests(&mut tokens);
        if path.ends_with("/tests.rs") || path.contains("/tests/") {
            tokens.iter_mut().for_each(|token| token.in_test = true);
        }
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
        }
    }

    /// The top-level module the file belongs to: `desk` for `src/desk/case.rs`, `clock` for `src/clock.rs`.
    pub fn room(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let first = inside.split('/').next().unwrap_or(inside);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many modules deep the file is: 0 for `lib.rs` and `main.rs`, 1 for a room, 2 for a file in a room.
    fn depth(&self) -> usize {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let parts = inside.split('/').count();
        let is_folder_head = inside.ends_with("/mod.rs") || inside == "lib.rs" || inside == "main.rs";
        parts - usize::from(is_folder_head)
    }

    /// Every room that a path of this file leads to, with its line: `crate::X`, `duly::X`, `super::…::X` as far as it
    /// climbs to the root, `{…}` groups opened, and the crates of the workspace by name.
    pub fn reaches(&self, crates: &[&str]) -> Vec<(usize, String)> {
        let tokens = &self.tokens;
        let mut found = Vec::new();
        let mut braces = 0_usize;
        let mut modules: Vec<usize> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            if token.is("{") {
                braces += 1;
                if at >= 2 && tokens[at - 2].is("mod") && tokens[at - 1].kind == Kind::Word {
                    modules.push(braces);
                }
            } else if token.is("}") {
                if modules.last() == Some(&braces) {
                    modules.pop();
                }
                braces = braces.saturating_sub(1);
            }
            let begins_path = token.kind == Kind::Word
                && tokens.get(at + 1).is_some_and(|next| next.is("::"))
                && (at == 0 || !tokens[at - 1].is("::"));
            if !begins_path {
                continue;
            }
            let heads_at = match token.text.as_str() {
                "crate" | "duly" => Some(at + 2),
                "super" => self.climbs_to_root(at, self.depth() + modules.len()),
                _ => None,
            };
            if let Some(first) = heads_at {
                found.extend(heads(tokens, first));
            } else if crates.contains(&token.text.as_str()) {
                found.push((token.line, token.text.clone()));
            }
        }
        found
    }

    /// Where the path after a chain of `super::` goes on, if the chain ends at the root of the crate.
    fn climbs_to_root(&self, at: usize, depth: usize) -> Option<usize> {
        let chain = self.tokens[at..]
            .chunks(2)
            .take_while(|pair| pair.len() == 2 && pair[0].is("super") && pair[1].is("::"));
        let supers = chain.count();
        (supers >= depth).then_some(at + 2 * supers)
    }
}

/// The first words of a path or of each path in a group: `desk::case` gives `desk`, `{desk::case, limits}` gives both.
fn heads(tokens: &[Token], first: usize) -> Vec<(usize, String)> {
    let Some(token) = tokens.get(first) else {
        return Vec::new();
    };
    if !token.is("{") {
        return vec![(token.line, token.text.clone())];
    }
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut at_head = false;
    for token in &tokens[first..] {
        match token.text.as_str() {
            "{" => {
                depth += 1;
                at_head = depth == 1;
            }
            "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            "," => at_head = depth == 1,
            _ if at_head => {
                found.push((token.line, token.text.clone()));
                at_head = false;
            }
            _ => {}
        }
    }
    found
}

/// All Rust files under the given folders of the repository, `target` left out.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            let path = file
                .strip_prefix(root)
                .expect("found under the root")
                .to_string_lossy()
                .replace('\\', "/");
            Source::new(&path, &text)
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != "target" {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Marks what stands under an attribute of tests, to the end of the item the attribute is on.
fn mark_tests(tokens: &mut [Token]) {
    let mut at = 0;
    while at + 1 < tokens.len() {
        if !(tokens[at].is("#") && tokens[at + 1].is("[")) {
            at += 1;
            continue;
        }
        let end = closing(tokens, at + 1, "[", "]");
        let words: Vec<&str> = tokens[at + 2..end].iter().map(|token| token.text.as_str()).collect();
        let is_test = words.last() == Some(&"test")
            || (words.first() == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not"));
        if !is_test {
            at = end + 1;
            continue;
        }
        let body = (end..tokens.len())
            .find(|&i| tokens[i].is("{") || tokens[i].is(";"))
            .unwrap_or(tokens.len() - 1);
        let last = if tokens[body].is("{") {
            closing(tokens, body, "{", "}")
        } else {
            body
        };
        tokens[at..=last].iter_mut().for_each(|token| token.in_test = true);
        at = last + 1;
    }
}

/// The index of the mark that closes the one at `open`, or of the last token.
fn closing(tokens: &[Token], open: usize, opens: &str, closes: &str) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is(opens) {
            depth += 1;
        } else if token.is(closes) {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    tokens.len() - 1
}

/// Splits a text into tokens.
fn scan(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let from = at;
        let c = chars[at];
        let next = chars.get(at + 1).copied();
        let mut push = |kind, text: String| {
            tokens.push(Token {
                kind,
                text,
                line,
                in_test: false,
            })
        };
        if c == '/' && next == Some('/') {
            at += chars[at..].iter().take_while(|&&c| c != '\n').count();
        } else if c == '/' && next == Some('*') {
            at = after_block_comment(&chars, at);
        } else if let Some((quote, hashes)) = string_start(&chars, at) {
            let (end, after) = string_end(&chars, quote + 1, hashes);
            push(Kind::Text, chars[quote + 1..end].iter().collect());
            at = after;
        } else if c == '\'' {
            at = after_quote(&chars, at);
        } else if c.is_alphanumeric() || c == '_' {
            let length = chars[at..]
                .iter()
                .take_while(|c| c.is_alphanumeric() || **c == '_')
                .count();
            push(Kind::Word, chars[at..at + length].iter().collect());
            at += length;
        } else if c == ':' && next == Some(':') {
            push(Kind::Mark, "::".into());
            at += 2;
        } else {
            if !c.is_whitespace() {
                push(Kind::Mark, c.into());
            }
            at += 1;
        }
        line += chars[from..at.min(chars.len())].iter().filter(|&&c| c == '\n').count();
    }
    tokens
}

fn after_block_comment(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Where the opening quote of a string that begins at `at` stands, and how many `#` a raw one has (`None`: not raw).
fn string_start(chars: &[char], at: usize) -> Option<(usize, Option<usize>)> {
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    let prefix = chars[at..]
        .iter()
        .take(2)
        .take_while(|c| matches!(c, 'b' | 'c' | 'r'))
        .count();
    if in_word && prefix > 0 {
        return None;
    }
    let raw = prefix > 0 && chars[at + prefix - 1] == 'r';
    let hashes = if raw {
        chars[at + prefix..].iter().take_while(|&&c| c == '#').count()
    } else {
        0
    };
    let quote = at + prefix + hashes;
    (chars.get(quote) == Some(&'"')).then_some((quote, raw.then_some(hashes)))
}

/// Where a string's text ends and what comes after its closing quote.
fn string_end(chars: &[char], from: usize, hashes: Option<usize>) -> (usize, usize) {
    let mut at = from;
    while at < chars.len() {
        match (chars[at], hashes) {
            ('\\', None) => at += 2,
            ('"', None) => return (at, at + 1),
            ('"', Some(n)) if chars[at + 1..].iter().take_while(|&&c| c == '#').count() >= n => {
                return (at, at + 1 + n);
            }
            _ => at += 1,
        }
    }
    (chars.len(), chars.len())
}

/// What comes after a character literal or a lifetime.
fn after_quote(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            let close = chars.iter().skip(at + 3).position(|&c| c == '\'');
            close.map_or(chars.len(), |offset| at + 3 + offset + 1)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text)
            .reaches(&["plan"])
            .into_iter()
            .map(|(_, room)| room)
            .collect()
    }

    #[test]
    fn paths_are_found_in_groups_and_through_super() {
        assert_eq!(
            rooms("src/web/case.rs", "use crate::{desk::{case, promise}, limits};"),
            ["desk", "limits"]
        );
        assert_eq!(
            rooms(
                "src/web/case.rs",
                "fn f() { super::super::mail::send(); super::layout(); }"
            ),
            ["mail"]
        );
        assert_eq!(rooms("src/web/mod.rs", "use super::api::list;"), ["api"]);
        assert_eq!(
            rooms("src/web/mod.rs", "mod tests { use super::*; use super::super::api; }"),
            ["api"]
        );
        assert_eq!(rooms("src/web/mod.rs", "mod tests { } use super::api;"), ["api"]);
        assert_eq!(rooms("src/main.rs", "duly::cli::run(); plan::due();"), ["cli", "plan"]);
        assert_eq!(rooms("src/desk/case.rs", "use\n    crate\n  ::store;"), ["store"]);
    }

    #[test]
    fn comments_and_strings_hold_no_paths() {
        let text = "// crate::web\n/* /* crate::web */ crate::api */ \"crate::cli\"; r#\"crate::\"mail\"#; '\"'; let a: &'a str = \"\\\"crate::x\"; pub(crate) fn f() {}";
        assert_eq!(rooms("src/desk/case.rs", text), Vec::<String>::new());
    }

    #[test]
    fn a_quote_character_does_not_begin_a_string() {
        assert_eq!(
            rooms(
                "src/desk/case.rs",
                r"if c == '\'' || c == '\\' || c == '\u{1F600}' { crate::store::x() }"
            ),
            ["store"]
        );
        assert_eq!(rooms("src/desk/case.rs", "br\"\\\"; crate::store::x()"), ["store"]);
    }

    #[test]
    fn tests_end_where_their_item_ends() {
        let text = "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests { fn b() {} }\nfn c() {}\n#[cfg(not(test))]\nfn d() {}\n#[tokio::test]\nasync fn e() {}";
        let source = Source::new("src/desk/case.rs", text);
        let tested: Vec<_> = source
            .tokens
            .iter()
            .filter(|t| t.in_test && t.text.len() == 1 && t.kind == Kind::Word)
            .collect();
        assert_eq!(
            tested.iter().map(|t| t.text.as_str()).collect::<Vec<_>>(),
            ["x", "b", "e"]
        );
        assert_eq!(tested[1].line, 4);
    }
}
