//! Files over the local socket, in pieces: those that are to go with a reply, and an infected one for somebody who says
//! why.

use super::ledger::Actor;
use super::upload::{self, Sender};
use super::verb::{self, Answer, Done, Principal, Verb};
use super::{CaseId, EngineerId, FileId, case, file};
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde_json::json;

/// Does a verb of these; the door has written the bytes of a piece that came in, and adds those of one that goes out.
pub(super) fn act(tx: &mut Tx<'_>, now: Timestamp, who: &Principal, verb: Verb) -> Outcome<Answer> {
    match verb {
        Verb::Save {
            case,
            file,
            offset,
            because: Some(because),
        } => match is_told(tx, who.actor(), CaseId(case), FileId(file))? && offset > 0 {
            true => Ok(verb::piece(file::find(tx, CaseId(case), FileId(file))?)),
            false => {
                let row = file::overridden(tx, now, who.actor(), CaseId(case), FileId(file), &because)?;
                Ok(verb::piece(row))
            }
        },
        Verb::Stage {
            case,
            key: Some(key),
            name,
            bytes,
            offset,
            ..
        } => piece(tx, now, who.engineer()?.id, CaseId(case), &key, &name, (offset, bytes)),
        _ => Err(Refusal::usage("This is no verb about files.").into()),
    }
}

/// Whether the ledger knows why this person gets this infected file: it does before the first byte is given out.
fn is_told(tx: &mut Tx<'_>, actor: Actor, case: CaseId, file: FileId) -> Outcome<bool> {
    let row = tx.first(
        "SELECT 1 FROM event WHERE kind = 'file.given-out' AND case_id = $1 AND actor = $2 AND data LIKE $3 LIMIT 1",
        &values![case, actor.text(), format!("%\"file\":{},%", file.0)],
    )?;
    Ok(row.is_some())
}

/// A piece has been written: `have` of `bytes` are there. The first one begins the upload.
fn piece(
    tx: &mut Tx<'_>,
    now: Timestamp,
    engineer: EngineerId,
    case: CaseId,
    key: &str,
    name: &str,
    (have, bytes): (u64, u64),
) -> Outcome<Answer> {
    case::find(tx, case)?;
    let upload = match upload::find(tx, case, key) {
        Ok(upload) => upload,
        Err(_) => upload::open(tx, now, case, Sender::Engineer(engineer), key, (name, ""), bytes)?,
    };
    if have > 0 {
        upload::grown(tx, now, upload.id, have)?;
    }
    Ok(Answer::Done(Done {
        case: Some(case.0),
        said: format!("{have} of {bytes} bytes of {name}"),
        data: json!({"key": key}),
    }))
}
