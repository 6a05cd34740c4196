//! The mail of machines: bounces, answers that nobody typed, reports. It is noted where it belongs, else in the spool.
//!
//! It creates no promise, is never answered, and wakes nothing, but for a bounce that is believed ([`bounce`]). What comes
//! in a flood stands behind a brake ([`flood`]).

use super::message::{Incoming, Placed, clues, insert, spool, told};
use super::{Desk, bounce, customer, flood, origin, thread};
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;

/// Automatic mail creates no promise, wakes nothing (but a permanent bounce does), and is never answered.
pub fn place(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming) -> Outcome<Placed> {
    let heard = match &mail.bounce {
        // In shadow mode the desk only looks on.
        Some(said) if !mail.shadow => bounce::heard(tx, now, desk, said, &mail.recipients)?,
        _ => None,
    };
    // What the signed return path vouches for is never part of a flood.
    let vouched = heard.is_some_and(|(_, verdict)| verdict != bounce::Verdict::Disbelieved);
    if !vouched && flood::brakes(tx, now, mail)? {
        let reason = format!(
            "automatic mail ({}), one of many in minutes from its sender",
            mail.auto.text()
        );
        let message = insert(tx, mail, None, None, flood::RULE, false, Some(&reason))?;
        told(tx, now, None, message, "mail.spooled", flood::RULE)?;
        return Ok(Placed { message, case: None });
    }
    if let Some((case, verdict)) = heard {
        let placed = insert(tx, mail, Some(case), None, verdict.rule(), false, verdict.doubt())?;
        // It stands in the spool; nobody is woken by what anybody could have written.
        tx.execute("UPDATE message SET told_at = $1 WHERE id = $2", &values![now, placed])?;
        told(tx, now, Some(case), placed, "mail.bounce", verdict.rule())?;
        return Ok(Placed {
            message: placed,
            case: Some(case),
        });
    }
    match thread::located(tx, desk, &clues(mail))? {
        Some(case) => {
            let contact = match origin::standing(tx, now, desk, mail)?.is_author() {
                true => customer::contact_by_address(tx, &mail.address)?,
                false => None,
            };
            let message = insert(tx, mail, Some(case), contact.as_ref(), "automatic", false, None)?;
            told(tx, now, Some(case), message, "mail.automatic", "located")?;
            Ok(Placed {
                message,
                case: Some(case),
            })
        }
        None => spool(
            tx,
            now,
            mail,
            None,
            &format!("automatic mail ({}) that belongs to no case", mail.auto.text()),
        ),
    }
}
