//! From a template to a mail's text: choices are made, facts filled in, paragraphs wrapped.
//!
//! `[[one||other]]` is a choice by chance; `{host}` is a fact of the scene. Braces around anything else stay, so that
//! configuration and metrics can be quoted. Indented lines (logs, plans, code) keep their shape; the rest is wrapped.

use super::dice::Dice;
use super::scene::Scene;

/// Columns of wrapped prose, as mail clients have them.
const COLUMNS: usize = 74;

/// The template with its choices made, its facts in place and its paragraphs wrapped, without a final line feed.
pub(super) fn write(dice: &mut Dice, scene: &Scene, template: &str) -> String {
    wrap(&line(dice, scene, template))
}

/// The same without wrapping: subjects.
pub(super) fn line(dice: &mut Dice, scene: &Scene, template: &str) -> String {
    fill(scene, &choose(dice, template))
}

fn choose(dice: &mut Dice, template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("[[") {
        let Some((inside, behind)) = after.split_once("]]") else {
            break;
        };
        text.push_str(before);
        let words: Vec<&str> = inside.split("||").collect();
        text.push_str(dice.pick(&words));
        rest = behind;
    }
    text.push_str(rest);
    text
}

fn fill(scene: &Scene, template: &str) -> String {
    let mut text = String::with_capacity(template.len() * 5 / 4);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let fact = after
            .split_once('}')
            .and_then(|(name, behind)| Some((scene.fact(name)?, behind)));
        match fact {
            Some((fact, behind)) => {
                text.push_str(fact);
                rest = behind;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

fn wrap(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    for line in text.lines() {
        let item = line.starts_with("- ")
            || line
                .split_once(". ")
                .is_some_and(|(n, _)| n.len() == 1 && n.as_bytes()[0].is_ascii_digit());
        // Three spaces go on with an item of a list; four are a log, a plan or code.
        let goes_on = line.starts_with("   ") && !line.starts_with("    ") && !words.is_empty();
        let verbatim = line.starts_with(' ') && !goes_on || line.starts_with('>');
        if verbatim || item || line.trim().is_empty() {
            flow(&mut words, &mut lines);
        }
        if verbatim {
            lines.push(line.trim_end().to_owned());
        } else if line.trim().is_empty() {
            if lines.last().is_some_and(|last| !last.is_empty()) {
                lines.push(String::new());
            }
        } else {
            words.extend(line.split_whitespace());
        }
    }
    flow(&mut words, &mut lines);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n")
}

/// Writes the words gathered so far as lines; items of a list hang by the width of their mark.
fn flow(words: &mut Vec<&str>, lines: &mut Vec<String>) {
    let hang = match words.first() {
        Some(&"-") => "  ",
        Some(word) if word.len() == 2 && word.ends_with('.') && word.as_bytes()[0].is_ascii_digit() => "   ",
        _ => "",
    };
    let mut line = String::new();
    for word in words.drain(..) {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(std::mem::take(&mut line));
            line.push_str(hang);
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_keep_their_shape_and_prose_is_wrapped() {
        let prose = "word ".repeat(40);
        let text = wrap(&format!("{prose}\n\n    03:12  kept   as is\n- one item {prose}"));
        assert!(text.contains("\n\n    03:12  kept   as is\n- one item"));
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS));
        assert!(text.ends_with("word") && text.contains("\n  word"));
    }

    #[test]
    fn braces_that_name_no_fact_stay() {
        let scene = Scene::default();
        let mut dice = Dice::new(1, 1);
        assert_eq!(line(&mut dice, &scene, r#"up{job="x"} [[a||a]]"#), r#"up{job="x"} a"#);
    }
}
