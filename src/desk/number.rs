//! The other desk's number: what a customer's own ticket system writes into its subjects (`[ACME #12345]`, `INC0012345`).
//!
//! It is learned, never configured: when two mails of one customer in one case bear the same number, it stands for that
//! case, for that customer alone. It must be shaped like a ticket number and rare: one that was seen with another
//! customer, or in two cases, stands for none (a model number, a date, a number of ours). Learned only from mail that
//! earned its place. Leaves out: whether the sender may join.

use super::{CaseId, CustomerId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};

/// Words that stand before a ticket number, lower case.
#[rustfmt::skip]
const BEFORE: &[&str] = &[
    "ticket", "tickets", "case", "incident", "request", "issue", "ref", "reference", "id", "no", "nr", "number", "sr", "rt", "otrs", "servicenow",
    "vorgang", "anfrage", "fall", "störung", "auftrag", "vorgangsnummer", "ticketnummer", "dossier", "demande", "caso", "solicitud", "richiesta",
    "chamado", "solicitação", "zaak", "melding", "ärende", "sag", "sak", "zgłoszenie", "sprawa", "заявка", "обращение", "запрос", "talep",
    "受付番号", "案件", "工单", "工單", "문의",
];

/// Prefixes that ticket systems glue to their numbers, lower case.
#[rustfmt::skip]
const GLUED: &[&str] = &[
    "inc", "req", "ritm", "chg", "prb", "task", "sr", "cs", "case", "sd", "rt", "tkt", "ticket", "wo", "srq", "im", "rf", "call", "hd", "cas", "int",
];

/// Numbers of one subject that are looked at.
const NUMBERS: usize = 4;

/// What in a subject is shaped like a ticket number, upper case; at most [`NUMBERS`].
pub fn in_subject(subject: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut before, mut brackets) = (String::new(), 0_i32);
    for word in subject.split_whitespace().take(100) {
        let opens = word.chars().filter(|c| matches!(c, '[' | '(')).count() as i32;
        let closes = word.chars().filter(|c| matches!(c, ']' | ')')).count() as i32;
        let inside = brackets + opens > 0;
        brackets = (brackets + opens - closes).max(0);
        for piece in word.split(['[', ']', '(', ')', '{', '}', '<', '>', ',', ';', ':', '/', '|']) {
            let piece = piece.trim_matches(['.', '!', '?', '"', '\'', '-', '_', '*']);
            if piece.is_empty() {
                continue;
            }
            if let Some(number) = shaped(piece, &before, inside)
                && !found.contains(&number)
                && found.len() < NUMBERS
            {
                found.push(number);
            }
            before = piece.trim_end_matches(['#', '°', '.']).to_lowercase();
        }
    }
    found
}

/// The number in a word, if it is shaped like one: `#123`, `INC0012345`, `[ABC-1234]`, `Ticket 12345`, `[12345]`.
fn shaped(word: &str, before: &str, inside: bool) -> Option<String> {
    let digits_from = word.find(|c: char| c.is_ascii_digit())?;
    let (head, digits) = word.split_at(digits_from);
    if !(3..=20).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hash = head.ends_with('#');
    let letters = head.trim_end_matches(['#', '-', '_']).to_lowercase();
    let dashed = head.ends_with(['-', '_']);
    if !letters.chars().all(char::is_alphanumeric) || letters.chars().count() > 12 {
        return None;
    }
    let known = GLUED.contains(&letters.as_str());
    let fits = match letters.is_empty() {
        true => {
            hash || (BEFORE.contains(&before) && digits.len() >= 4 && !is_a_day(digits))
                || (inside && digits.len() >= 5 && !is_a_day(digits))
        }
        false => hash || (known && digits.len() >= 4) || (inside && (dashed || digits.len() >= 5)) || digits.len() >= 7,
    };
    let mark = if letters.is_empty() {
        "#".to_owned()
    } else {
        letters.to_uppercase()
    };
    fits.then(|| format!("{mark}{digits}"))
}

/// `2026`, `20260302`: a year or a day.
fn is_a_day(digits: &str) -> bool {
    matches!(digits.len(), 4 | 6 | 8) && (digits.starts_with("19") || digits.starts_with("20"))
}

/// A mail that earned its place in a case bears this subject.
pub fn seen(tx: &mut Tx<'_>, customer: CustomerId, case: CaseId, subject: &str) -> Outcome<()> {
    for number in in_subject(subject) {
        tx.execute(
            "INSERT INTO foreign_number (number, customer, case_id, seen) VALUES ($1, $2, $3, 1)
             ON CONFLICT (number, customer, case_id) DO UPDATE SET seen = foreign_number.seen + 1",
            &values![number, customer, case],
        )?;
    }
    Ok(())
}

/// The case that a number in this subject stands for, for this customer.
pub fn case_of(tx: &mut Tx<'_>, customer: CustomerId, subject: &str) -> Outcome<Option<CaseId>> {
    for number in in_subject(subject) {
        let rows = tx.query(
            "SELECT customer, case_id, seen FROM foreign_number WHERE number = $1 LIMIT 2",
            &values![number],
        )?;
        if let [row] = rows.as_slice()
            && row.int(0) == customer.0
            && row.int(2) >= limits::NUMBER_SEEN
        {
            return Ok(Some(CaseId(row.int(1))));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_numbers_of_many_desks_are_known_by_their_shape() {
        for (subject, numbers) in [
            ("Re: [ACME #12345] Replica stops", vec!["#12345"]),
            ("INC0012345 - Replica stops", vec!["INC0012345"]),
            ("[ABC-1234] Replica", vec!["ABC1234"]),
            ("AW: Ticket 4711815: Replica", vec!["#4711815"]),
            ("Vorgang Nr. 88123 Replica", vec!["#88123"]),
            ("[Ticket#2026030210000123] Replica", vec!["TICKET2026030210000123"]),
            ("Fwd: (CS0001234) Replica [12345]", vec!["CS0001234", "#12345"]),
        ] {
            assert_eq!(in_subject(subject), numbers, "{subject}");
        }
    }

    #[test]
    fn versions_models_dates_and_codes_are_no_ticket_numbers() {
        for subject in [
            "UHD 4.0.0.0 on X310",
            "USRP-2974 stops at 200e6 samples",
            "ORA-00600 after upgrade to 19.8",
            "Report of 2026-03-02",
            "Error 500 since 20260302",
            "Case study of 2025",
            "Port 8080 refused, 192.168.10.2",
            "B210 with GPSDO (2019)",
        ] {
            assert_eq!(in_subject(subject), Vec::<String>::new(), "{subject}");
        }
    }
}
