//! A trace: the customer mails of a desk, each with the minutes that its answer took.
//!
//! The text is CSV with a head line. These columns must be there, in any order, others are passed over:
//!
//! | column | what |
//! |---|---|
//! | `case` | whatever names the case; rows of one case need not stand together |
//! | `turn` | 0 for the first mail of the case, then 1, 2 … |
//! | `arrival` | when the mail came, `2012-05-07T09:30:00`, in the time of the customer's calendar; `Z` at the end is passed over |
//! | `work_min` | minutes that people worked for its answer, such as `12` or `12.5` |
//!
//! A desk exports its own history in the same form, a row for each customer mail. Cases are put in the order of their
//! first arrival, then of their name, so the order of the file means nothing.

use crate::limits;
use jiff::civil::DateTime;
use std::collections::BTreeMap;

/// Minutes of a week.
pub const WEEK: i64 = 7 * 24 * 60;

/// One customer mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// Minutes since the Monday, 00:00, of the week in which the case began.
    pub offset_minutes: i64,
    /// 0 for the first mail of its case.
    pub number: u32,
    /// Minutes of work, at least 1.
    pub work_minutes: i64,
}

/// All mails of one case, by arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Minutes from 1970-01-01 to the Monday, 00:00, of the week in which it began.
    pub week_minute: i64,
    /// Its mails; never empty.
    pub turns: Vec<Turn>,
}

impl Case {
    fn began(&self) -> i64 {
        self.week_minute + self.turns.first().map_or(0, |turn| turn.offset_minutes)
    }
}

/// Why a text is no trace; the sentence names the line and the column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTrace {
    /// Not text.
    #[error("line {0}: this is not UTF-8 text")]
    Text(usize),
    /// The head line lacks a column.
    #[error("line 1: there is no column \"{0}\"; a trace has the columns case, turn, arrival, work_min")]
    Column(&'static str),
    /// The head line names a column twice.
    #[error("line 1: the column \"{0}\" stands there twice")]
    Twice(&'static str),
    /// A row ends before a column.
    #[error("line {line}, column {column}: the row ends before it")]
    Short {
        /// Counted from 1; the head is line 1.
        line: usize,
        /// The missing column.
        column: &'static str,
    },
    /// A value that cannot be read.
    #[error("line {line}, column {column}: \"{value}\" is no {wanted}")]
    Value {
        /// Counted from 1; the head is line 1.
        line: usize,
        /// The column at fault.
        column: &'static str,
        /// What stands there, cut to 40 characters.
        value: String,
        /// What should.
        wanted: &'static str,
    },
    /// Too much.
    #[error("line {line}: a trace has at most {most} rows")]
    Long {
        /// The first line that is too many.
        line: usize,
        /// How many are taken.
        most: usize,
    },
    /// A head and nothing else.
    #[error("there is no mail in this trace")]
    Empty,
}

/// The columns that must be there.
const COLUMNS: [&str; 4] = ["case", "turn", "arrival", "work_min"];

/// Reads a trace.
///
/// # Errors
/// The first line that cannot be read: a trace with a hole would be another load than its reader believes.
pub fn read(bytes: &[u8]) -> Result<Vec<Case>, NoTrace> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let (_, head) = lines.next().ok_or(NoTrace::Empty)?;
    let places = places(&fields(text(1, head)?))?;
    let mut cases: BTreeMap<String, Vec<(i64, u32, i64)>> = BTreeMap::new();
    let mut rows = 0;
    for (index, line) in lines {
        let number = index + 1;
        let line = text(number, line)?;
        if line.trim().is_empty() {
            continue;
        }
        rows += 1;
        if rows > limits::TRACE_ROWS {
            return Err(NoTrace::Long {
                line: number,
                most: limits::TRACE_ROWS,
            });
        }
        let (case, turn) = row(number, &fields(line), places)?;
        cases.entry(case).or_default().push(turn);
    }
    let mut cases: Vec<Case> = cases.into_values().map(case).collect();
    cases.sort_by_key(Case::began);
    if cases.is_empty() {
        Err(NoTrace::Empty)
    } else {
        Ok(cases)
    }
}

fn text(line: usize, bytes: &[u8]) -> Result<&str, NoTrace> {
    let text = std::str::from_utf8(bytes).map_err(|_| NoTrace::Text(line))?;
    Ok(text.strip_suffix('\r').unwrap_or(text))
}

/// Where each of [`COLUMNS`] stands.
fn places(head: &[String]) -> Result<[usize; 4], NoTrace> {
    let mut places = [0; 4];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let mut found = head.iter().enumerate().filter(|(_, name)| name.trim() == column);
        *place = found.next().ok_or(NoTrace::Column(column))?.0;
        if found.next().is_some() {
            return Err(NoTrace::Twice(column));
        }
    }
    Ok(places)
}

/// The fields of a line; a field in double quotes may hold commas, and a doubled quote stands for one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                push(&mut fields, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => push(&mut fields, other),
        }
    }
    fields
}

fn push(fields: &mut [String], letter: char) {
    if let Some(field) = fields.last_mut() {
        field.push(letter);
    }
}

/// One row: its case, and arrival minute, number and minutes of its mail.
fn row(line: usize, fields: &[String], places: [usize; 4]) -> Result<(String, (i64, u32, i64)), NoTrace> {
    let field = |column: usize| {
        let short = NoTrace::Short {
            line,
            column: COLUMNS[column],
        };
        fields.get(places[column]).map(|field| field.trim()).ok_or(short)
    };
    let wrong = |column: usize, value: &str, wanted| NoTrace::Value {
        line,
        column: COLUMNS[column],
        value: value.chars().take(40).collect(),
        wanted,
    };
    let case = field(0)?;
    if case.is_empty() {
        return Err(wrong(0, case, "name of a case"));
    }
    let (turn, arrival, work) = (field(1)?, field(2)?, field(3)?);
    let number = turn.parse::<u32>().map_err(|_| wrong(1, turn, "number of a turn"))?;
    let minute = minute(arrival).ok_or_else(|| wrong(2, arrival, "time such as 2012-05-07T09:30:00"))?;
    let work = work_minutes(work).ok_or_else(|| wrong(3, work, "number of minutes from 0 to 10000"))?;
    Ok((case.to_string(), (minute, number, work)))
}

/// Minutes from 1970-01-01 to a civil time.
fn minute(text: &str) -> Option<i64> {
    let at: DateTime = text.strip_suffix('Z').unwrap_or(text).parse().ok()?;
    let since = at.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    Some(since.as_secs().div_euclid(60))
}

/// Whole minutes of `12` or `12.5`, rounded to the nearest and at least 1.
fn work_minutes(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(());
    digits(whole)?;
    digits(part)?;
    let up = i64::from(part.as_bytes()[0] >= b'5');
    let minutes: i64 = whole.parse().ok()?;
    (minutes <= limits::WORK_MINUTES).then(|| (minutes + up).max(1))
}

fn case(mut mails: Vec<(i64, u32, i64)>) -> Case {
    mails.sort_unstable();
    let began = mails.first().map_or(0, |mail| mail.0);
    // 1970-01-05 was a Monday.
    let monday = 4 * 24 * 60;
    let week_minute = began - (began - monday).rem_euclid(WEEK);
    let turns = mails.into_iter().map(|(minute, number, work_minutes)| Turn {
        offset_minutes: minute - week_minute,
        number,
        work_minutes,
    });
    Case {
        week_minute,
        turns: turns.collect(),
    }
}

/// A trace in two: cases from whose minutes budgets are learnt, and cases that are replayed. No case is in both.
///
/// A trace of a quarter or more is cut in the middle by time, as a desk would have learnt; of a shorter one every other
/// case is taken, because its halves would not be alike. What "lasts" is from the 5th to the 95th of a hundred first mails.
pub fn halves(cases: Vec<Case>) -> (Vec<Case>, Vec<Case>) {
    let at = |percent: usize| cases.get(cases.len() * percent / 100).map_or(0, Case::began);
    if at(95) - at(5) >= 13 * WEEK {
        let mut earlier = cases;
        let later = earlier.split_off(earlier.len() / 2);
        return (earlier, later);
    }
    let (mut odd, mut even) = (Vec::new(), Vec::new());
    for (index, case) in cases.into_iter().enumerate() {
        if index % 2 == 0 { &mut even } else { &mut odd }.push(case);
    }
    (odd, even)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "case,turn,arrival,last_event,work_min,lane";

    fn refused(rows: &str) -> String {
        read(format!("{HEAD}\n{rows}").as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn rows_become_cases_by_their_first_arrival() {
        let text = format!(
            "\u{feff}{HEAD}\r\n\"b, \"\"2\"\"\",1,2012-05-09T10:00:59,x,12.5,\r\nb,0,2012-05-06T23:59:00Z,x,0.2,\n\n\"b, \"\"2\"\"\",0,2012-05-07T09:30:00,x,3,\n"
        );
        let cases = read(text.as_bytes()).unwrap();
        let turn = |offset_minutes, number, work_minutes| Turn {
            offset_minutes,
            number,
            work_minutes,
        };
        assert_eq!(cases[0].turns, [turn(WEEK - 1, 0, 1)]);
        assert_eq!(cases[1].turns, [turn(570, 0, 3), turn(2 * 1440 + 600, 1, 13)]);
        assert_eq!(cases[1].week_minute - cases[0].week_minute, WEEK);
    }

    #[test]
    fn a_bad_row_is_refused_by_line_and_column() {
        assert_eq!(
            refused("a,0,2012-05-07T09:30:00,x,3,\na,one,2012-05-07T09:30:00,x,3,"),
            "line 3, column turn: \"one\" is no number of a turn"
        );
        assert_eq!(refused("a,0"), "line 2, column arrival: the row ends before it");
        assert!(refused("a,0,yesterday,x,3,").starts_with("line 2, column arrival: \"yesterday\" is no time"));
        for minutes in [
            "",
            "-3",
            "1e3",
            "12,5",
            "12.",
            "99999999",
            "NaN",
            "99999999999999999999999",
        ] {
            let said = refused(&format!("a,0,2012-05-07T09:30:00,x,\"{minutes}\","));
            assert!(said.starts_with("line 2, column work_min"), "{minutes}: {said}");
        }
        assert_eq!(
            refused(",0,2012-05-07T09:30:00,x,3,"),
            "line 2, column case: \"\" is no name of a case"
        );
    }

    #[test]
    fn a_head_without_a_column_is_refused() {
        let said = |text: &[u8]| read(text).unwrap_err().to_string();
        assert!(
            said(b"case,turn,arrival\na,0,2012-05-07T09:30:00").starts_with("line 1: there is no column \"work_min\"")
        );
        assert!(said(b"case,turn,turn,arrival,work_min\n").contains("twice"));
        assert!(said(b"").starts_with("line 1"));
        assert_eq!(said(HEAD.as_bytes()), "there is no mail in this trace");
        assert_eq!(
            said(b"case,turn,arrival,work_min\n\xff\xfe"),
            "line 2: this is not UTF-8 text"
        );
    }

    #[test]
    fn a_long_trace_is_cut_by_time_and_a_short_one_by_turns() {
        let trace = |days: i64| {
            let rows = (0..200).map(|n| {
                let at =
                    DateTime::constant(2012, 1, 2, 9, 0, 0, 0) + jiff::SignedDuration::from_hours(n * days * 24 / 200);
                format!("c{n},0,{at},{}\n", n + 1)
            });
            let text = format!("case,turn,arrival,work_min\n{}", rows.collect::<String>());
            let (learnt, replayed) = halves(read(text.as_bytes()).unwrap());
            let first = |cases: &[Case]| cases[0].turns[0].work_minutes;
            (learnt.len(), first(&learnt), replayed.len(), first(&replayed))
        };
        assert_eq!(trace(400), (100, 1, 100, 101));
        assert_eq!(trace(30), (100, 2, 100, 1));
    }
}
