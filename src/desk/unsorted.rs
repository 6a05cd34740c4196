//! The place of mail that nobody vouches for: held, marked, without any effect, until a person or the button of text I
//! releases it (`spool`), or until name servers that did not answer vouch for it (`recheck`).
//!
//! It joins nothing by a Message-ID, which others may know: that is an offer. It belongs to no contact and to no customer of
//! the desk, since the name in its From is all that it has.

use super::message::{self, Auto, Facts, Incoming, Placed};
use super::negotiation::hear::Wish;
use super::origin::Finding;
use super::thread::{self, Match};
use super::{Desk, MessageNo, automatic, customer, recheck};
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;

/// Why mail of a list stands in the spool.
pub const FOREIGN_LIST: &str = "it came through a list that this desk does not serve";

/// A mail that nobody vouches for: appended to the case whose reply address was made for its sender, else a case of its
/// own under nobody's name. It wakes nothing, adds nobody, teaches no Message-ID but its own, and belongs to no contact.
pub fn place(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming, answerable: bool) -> Outcome<Placed> {
    let (appended, offer) = match thread::find_unverified(tx, desk, &message::clues(mail), &mail.address)? {
        Match::Join(case, rule) => (Some(case), (None, rule)),
        Match::Offer(case, rule, why) => (None, (Some((case.0, why)), rule)),
        Match::New => (None, (None, "new")),
    };
    let (offer, rule) = offer;
    let (offer, offer_why) = offer.unzip();
    let mail = Incoming {
        facts: Facts {
            offer,
            offer_why,
            answer_to: None,
            // A wish has no effect yet, and is not lost: releasing the mail asks for it. Every other word needs more.
            wish: mail
                .wish
                .as_ref()
                .map(|asked| &asked.wish)
                .filter(|wish| matches!(wish, Wish::Time { .. }))
                .cloned(),
            ..mail.facts.clone()
        },
        ..mail.clone()
    };
    let id = match appended {
        Some(case) => case,
        None => {
            let customer = customer::nobody(tx, now)?;
            let id = message::open_case(tx, now, desk, &mail, customer)?;
            thread::learn(tx, id, mail.message_id.as_deref(), &[])?;
            id
        }
    };
    let foreign_list = mail.auto == Auto::List && mail.served_list.is_none();
    let reason = match foreign_list {
        _ if mail.shadow => message::IN_SHADOW.to_owned(),
        true => FOREIGN_LIST.to_owned(),
        false => doubt(&mail),
    };
    let number = message::insert(tx, &mail, Some(id), None, rule, false, Some(&reason))?;
    message::told(tx, now, Some(id), number, "mail.in", rule)?;
    recheck::expect(tx, now, number, &mail)?;
    let is_open = mail
        .facts
        .origin
        .as_ref()
        .is_some_and(|one| one.finding == Finding::Trouble);
    if mail.shadow {
        waits_for_none(tx, now, number)?;
    } else if answerable && !foreign_list && !is_open {
        automatic::tell_unverified(tx, now, desk, id, number, &mail)?;
    }
    Ok(Placed {
        message: number,
        case: Some(id),
    })
}

/// Leads hear of mail that waits for a decision; this waits for none.
pub fn waits_for_none(tx: &mut Tx<'_>, now: Timestamp, message: MessageNo) -> Outcome<()> {
    tx.execute("UPDATE message SET told_at = $1 WHERE id = $2", &values![now, message])?;
    Ok(())
}

/// Why a mail stands in the spool that nobody vouches for, as a sentence.
pub(super) fn doubt(mail: &Incoming) -> String {
    match mail.facts.origin.as_ref().map(|origin| origin.reason.as_str()) {
        None | Some("") => "its sender is not verified".to_owned(),
        Some(reason) => format!("its sender is not verified: {reason}"),
    }
}
