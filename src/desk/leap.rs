//! The machine's clock leapt: the ledger says so, and the leads hear of it, since only people know which clock is right.

use super::automatic::{self, Automatic, may_get_automatic};
use super::ledger::{self, Actor, event};
use super::letter::{Content, Letter};
use super::{Desk, engineer};
use crate::clock::Leap;
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde_json::json;

/// Records a leap and writes to every lead what followed from it.
pub fn tell(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, leap: Leap) -> Outcome<()> {
    let data = json!({"expected": leap.expected.to_string(), "said": leap.said.to_string()});
    ledger::record(tx, now, event("clock.leapt", Actor::Desk).with(data))?;
    let text = match leap.said < leap.expected {
        true => format!(
            "The clock of the desk's machine was at {} and then said {}. Times of promises never run backwards: the desk's time \
             stands still until the clock has come to where it was. Until then nothing falls due. Look whether the clock is \
             right now.",
            plan::say::stamp(leap.expected, &desk.zone),
            plan::say::stamp(leap.said, &desk.zone)
        ),
        false => {
            let between = tx.one(
                "SELECT COUNT(*) FROM promise WHERE state = 'open' AND due > $1 AND due <= $2",
                &values![leap.expected, leap.said],
            )?;
            format!(
                "The clock of the desk's machine was at {} and then said {}, and said so for a minute; the machine may have slept. \
                 {} promises fell due in between and count as broken at their own time. Look whether the clock is right now.",
                plan::say::stamp(leap.expected, &desk.zone),
                plan::say::stamp(leap.said, &desk.zone),
                between.int(0)
            )
        }
    };
    for lead in engineer::leads(tx)? {
        if may_get_automatic(tx, now, desk, &lead.address, limits::NOTES_PER_LEAD_PER_DAY)? {
            let letter = letter_to(desk, &lead, &text);
            let what = Automatic {
                kind: "lead",
                case: None,
                contact: None,
                recipient: &lead.address,
                letter,
            };
            automatic::put(tx, now, desk, &what)?;
        }
    }
    Ok(())
}

fn letter_to(desk: &Desk, lead: &engineer::Engineer, text: &str) -> Letter {
    Letter {
        from_name: desk.name.clone(),
        from: desk.address().to_owned(),
        reply_to: None,
        calendar: None,
        to: vec![lead.address.clone()],
        cc: Vec::new(),
        subject: "The desk's clock leapt".into(),
        is_reply: false,
        in_reply_to: None,
        chain: Vec::new(),
        thread_index: None,
        thread_topic: None,
        zone: lead.zone.to_string(),
        language: desk.language.clone(),
        case: 0,
        content: Content::Note { text: text.to_owned() },
    }
}
