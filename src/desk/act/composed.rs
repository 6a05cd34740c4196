//! Verbs about what is being written: keeping it, throwing it away, and sending it with everything in view.

use super::{draft as draft_of_verb, reply};
use crate::desk::Desk;
use crate::desk::draft;
use crate::desk::verb::{Answer, Done, Principal, Verb};
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use jiff::Timestamp;
use serde_json::json;

/// Does a verb of these.
pub fn act(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
    let engineer = who.engineer()?;
    match verb {
        Verb::Draft(typed) => {
            let kept = draft::keep(tx, now, engineer.id, &typed)?;
            Ok(Answer::Done(Done {
                case: Some(typed.case),
                said: match kept {
                    Some(_) => format!("Your words to case {} are kept.", typed.case),
                    None => "There is nothing to keep.".into(),
                },
                data: json!({"draft": kept.map(|one| one.0), "version": kept.map(|one| one.1)}),
            }))
        }
        Verb::DraftDrop { draft } => {
            draft::drop(tx, engineer.id, draft)?;
            Ok(Answer::Done(Done {
                case: None,
                said: "The draft is thrown away.".into(),
                data: json!({}),
            }))
        }
        Verb::Composed {
            reply: verb,
            seen,
            draft,
        } => {
            let mut words = draft_of_verb(now, desk, who, *verb)?;
            draft::insist(tx, words.case, seen, engineer)?;
            // Whoever has seen everything that happened needs no second check of who replied since.
            words.force_stale = true;
            let answer = reply(tx, now, desk, who, &words)?;
            if let Some(draft) = draft {
                draft::drop(tx, engineer.id, draft)?;
            }
            Ok(answer)
        }
        _ => Err(Refusal::usage("This is no verb about a draft.").into()),
    }
}
