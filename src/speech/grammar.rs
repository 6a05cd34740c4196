//! Times as people write them in a language of theirs, for the one grammar of times ([`plan::phrase`]).

/// German words of a time, and the English ones of [`plan::phrase`].
const GERMAN: &[(&str, &str)] = &[
    ("heute", "today"),
    ("morgen", "tomorrow"),
    ("montag", "mon"),
    ("dienstag", "tue"),
    ("mittwoch", "wed"),
    ("donnerstag", "thu"),
    ("freitag", "fri"),
    ("samstag", "sat"),
    ("sonntag", "sun"),
    ("mo", "mon"),
    ("di", "tue"),
    ("mi", "wed"),
    ("do", "thu"),
    ("fr", "fri"),
    ("sa", "sat"),
    ("so", "sun"),
    ("januar", "jan"),
    ("februar", "feb"),
    ("märz", "mar"),
    ("mai", "may"),
    ("juni", "jun"),
    ("juli", "jul"),
    ("oktober", "oct"),
    ("okt", "oct"),
    ("dezember", "dec"),
    ("dez", "dec"),
    ("sept", "sep"),
    ("mittag", "noon"),
];

/// Words of German that a time does without.
const SILENT: &[&str] = &["uhr", "um", "am", "bis", "den", "der", "gegen"];

/// A time as the one grammar of times has it: German words put into English, dates with dots into dates.
pub fn in_one_grammar(written: &str) -> String {
    let lower = written.to_lowercase();
    let marks = ["uhr", "morgen", "heute", "um", "bis", "den"];
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .collect();
    let german = words.iter().any(|word| {
        let bare = word.trim_end_matches('.');
        marks.contains(&bare) || GERMAN.iter().any(|(german, _)| *german == bare) || dotted(word).is_some()
    });
    if !german {
        return written.to_owned();
    }
    let mut said: Vec<String> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let bare = word.trim_end_matches('.');
        let before_uhr = words.get(place + 1).is_some_and(|next| *next == "uhr");
        if SILENT.contains(&bare) {
            continue;
        }
        if let Some((_, english)) = GERMAN.iter().find(|(german, _)| *german == bare) {
            said.push((*english).to_owned());
        } else if let Some(date) = dotted(word).filter(|_| !before_uhr) {
            said.push(date);
        } else if before_uhr && bare.bytes().all(|byte| byte.is_ascii_digit()) {
            said.push(format!("{bare}:00"));
        } else if before_uhr && bare.matches('.').count() == 1 {
            said.push(bare.replace('.', ":"));
        } else {
            said.push(bare.to_owned());
        }
    }
    said.join(" ")
}

/// `25.11.` as `25 nov`, `25.11.2026` as `2026-11-25`.
fn dotted(word: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let parts: Vec<&str> = word.trim_end_matches('.').split('.').collect();
    let number = |text: &str| text.parse::<usize>().ok().filter(|_| text.len() <= 4);
    match parts.as_slice() {
        [day, month] if word.ends_with('.') => {
            let month = number(month).and_then(|month| MONTHS.get(month.checked_sub(1)?))?;
            Some(format!("{} {month}", number(day)?))
        }
        [day, month, year] if year.len() == 4 => {
            Some(format!("{}-{:02}-{:02}", number(year)?, number(month)?, number(day)?))
        }
        _ => None,
    }
}
