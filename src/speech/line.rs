//! Words of others in one line of ours.

/// One line without control characters, blanks around it cut; line and paragraph separators count as controls.
pub fn one_line(text: &str) -> String {
    let blank = |c: char| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        }
    };
    text.chars().map(blank).collect::<String>().trim().to_owned()
}

/// The first `most` characters of one line, with an ellipsis where something was cut.
pub fn clip(text: &str, most: usize) -> String {
    let line = one_line(text);
    match line.char_indices().nth(most) {
        Some((place, _)) => format!("{}…", line[..place].trim_end()),
        None => line,
    }
}
