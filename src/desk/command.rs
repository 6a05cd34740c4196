//! Engineers by mail: whose mail it is, and what it asks (UX.md §2.3, SECURITY.md §5.4 "speak as the vendor").
//!
//! An engineer's mail speaks for the vendor only if both hold: it came to that engineer's personal address, signed for the
//! engineer, their mail address and the case; and DMARC passed for the address it is from. Anything less is kept as an
//! internal draft, and nothing is sent to the customer. What is proven is a row first and is done in a transaction of its
//! own, so that a refusal leaves nothing half done and no mail is obeyed twice. Every command is answered, with what was
//! done or why nothing was.

use super::act::act;
use super::case;
use super::engineer::{self, Engineer};
use super::ledger::{self, Actor, event};
use super::message::{self, Incoming, Placed};
use super::notice;
use super::origin;
use super::outbox;
use super::upload;
use super::verb::{Answer, Principal, Verb};
use super::{ALARM, CaseId, Desk, EngineerId, MessageNo, RawId, thread};
use crate::limits;
use crate::refusal::{Fault, Outcome, Refusal};
use crate::store::{Store, Tx, values};
use data_encoding::BASE32_NOPAD;
use hmac::Mac;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Bytes of the engineer's number in a personal address.
const ENGINEER_BYTES: usize = 4;
/// Bytes of the case's number.
const CASE_BYTES: usize = 6;
/// Bytes of the MAC: 80 bits (SECURITY.md §5.6).
const MAC_BYTES: usize = 10;
/// All of them; a case's reply address has 18.
const TOKEN_BYTES: usize = ENGINEER_BYTES + CASE_BYTES + MAC_BYTES;

/// What a mail asks, as the mail door understood it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// These verbs, in order; their case is 0.
    Do(Vec<Verb>),
    /// Nothing: the words say why, and what can be said.
    Help(String),
}

/// The address that an engineer's answers about a case go to; case 0 is the desk as a whole.
pub fn personal_address(desk: &Desk, engineer: &Engineer, case: CaseId) -> String {
    let mut token = (engineer.id.0 as u32).to_be_bytes().to_vec();
    token.extend_from_slice(&case.0.to_be_bytes()[8 - CASE_BYTES..]);
    let tag = mac(desk, &token, &engineer.address).finalize().into_bytes();
    token.extend_from_slice(&tag[..MAC_BYTES]);
    let (local, domain) = desk.address().rsplit_once('@').unwrap_or((desk.address(), ""));
    format!("{local}+{}@{domain}", BASE32_NOPAD.encode(&token).to_lowercase())
}

/// Whether an address has the form of a personal one, or is `next@`: only then is a mail read for verbs.
pub fn is_personal(desk: &Desk, address: &str) -> bool {
    desk.is_next(address) || token_of(desk, address).is_some()
}

fn token_of(desk: &Desk, recipient: &str) -> Option<Vec<u8>> {
    if !desk.is_own(recipient) {
        return None;
    }
    let (local, _) = recipient.rsplit_once('@')?;
    let (_, token) = local.split_once('+')?;
    let bytes = BASE32_NOPAD.decode(token.to_uppercase().as_bytes()).ok()?;
    (bytes.len() == TOKEN_BYTES).then_some(bytes)
}

fn mac(desk: &Desk, token: &[u8], address: &str) -> thread::KeyedHash {
    let mut make = thread::new_mac(desk);
    make.update(b"duly engineer address 1\n");
    make.update(token);
    make.update(address.to_lowercase().as_bytes());
    make
}

/// An engineer's mail: whose, about which case, and whether it speaks for them.
struct Claim {
    engineer: Engineer,
    case: Option<CaseId>,
    proven: bool,
}

/// Whose mail this is, if it is an engineer's.
fn claim(tx: &mut Tx<'_>, desk: &Desk, mail: &Incoming) -> Outcome<Option<Claim>> {
    let from = engineer::by_address(tx, &mail.address)?;
    for recipient in mail.recipients.iter().take(limits::ADDRESSES) {
        let Some(token) = token_of(desk, recipient) else {
            continue;
        };
        let (body, tag) = token.split_at(ENGINEER_BYTES + CASE_BYTES);
        let id = EngineerId(i64::from(u32::from_be_bytes(
            body[..ENGINEER_BYTES].try_into().unwrap_or_default(),
        )));
        let case = body[ENGINEER_BYTES..]
            .iter()
            .fold(0i64, |number, byte| number << 8 | i64::from(*byte));
        let Some(engineer) = engineer::on_the_desk(tx, id)? else {
            continue;
        };
        // The number and the address are signed together: a token of another engineer proves nothing.
        if mac(desk, body, &engineer.address).verify_truncated_left(tag).is_err() {
            continue;
        }
        let case = match case {
            0 => None,
            number => tx
                .first("SELECT id FROM cases WHERE id = $1", &values![number])?
                .map(|row| CaseId(row.int(0))),
        };
        let theirs = from.as_ref().is_some_and(|from| from.id == engineer.id);
        return Ok(Some(Claim {
            engineer,
            case,
            proven: theirs && origin::passed_dmarc(mail),
        }));
    }
    let Some(engineer) = from else { return Ok(None) };
    if mail.recipients.iter().any(|recipient| desk.is_next(recipient)) {
        return Ok(Some(Claim {
            proven: origin::passed_dmarc(mail),
            engineer,
            case: None,
        }));
    }
    // An answer to a notice whose personal address was lost: never a customer's mail, and never proven.
    let case = thread::located(tx, desk, &message::clues(mail))?;
    Ok(case.map(|case| Claim {
        engineer,
        case: Some(case),
        proven: false,
    }))
}

/// Gives an engineer's mail its place: a command to be done, or a draft. None if it is nobody's of ours.
pub fn place(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming) -> Outcome<Option<Placed>> {
    let Some(claim) = claim(tx, desk, mail)? else {
        return Ok(None);
    };
    let to_next = mail.recipients.iter().any(|recipient| desk.is_next(recipient));
    let asked = match (to_next, &mail.asked) {
        (true, _) => Asked::Do(vec![Verb::Next]),
        (false, Some(asked)) => asked.clone(),
        (false, None) => Asked::Help(String::new()),
    };
    if !claim.proven {
        return draft(tx, now, desk, mail, &claim).map(Some);
    }
    let text = match &asked {
        Asked::Do(verbs) => verbs.iter().map(Verb::name).collect::<Vec<_>>().join(", "),
        Asked::Help(_) => "nothing that was understood".to_owned(),
    };
    let text = format!("By mail: {text}.");
    let message = insert(
        tx,
        mail,
        claim.case,
        &claim.engineer,
        "command",
        &claim.engineer.name,
        &text,
    )?;
    tx.execute(
        "INSERT INTO command (message, engineer, case_id, asked, made_at) VALUES ($1, $2, $3, $4, $5)",
        &values![
            message,
            claim.engineer.id,
            claim.case,
            serde_json::to_string(&asked).map_err(anyhow::Error::from)?,
            now
        ],
    )?;
    told(
        tx,
        now,
        claim.case,
        message,
        "mail.command",
        Actor::Engineer(claim.engineer.id),
    )?;
    tx.ring(ALARM);
    Ok(Some(Placed {
        message,
        case: claim.case,
    }))
}

/// What is not proven is kept inside, as a note that says so; its supposed writer hears of it.
fn draft(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming, claim: &Claim) -> Outcome<Placed> {
    let author = format!("{} (not proven)", claim.engineer.name);
    let text = format!(
        "Unverified draft: this came in the name of {}, without a DMARC pass and their personal address together. Nothing \
         was sent.\n\n{}",
        claim.engineer.name, mail.text
    );
    let message = insert(tx, mail, claim.case, &claim.engineer, "draft", &author, &text)?;
    told(tx, now, claim.case, message, "mail.draft", Actor::Desk)?;
    if let Some(case) = claim.case {
        let case = case::find(tx, case)?;
        notice::not_proven(tx, now, desk, &claim.engineer, &case)?;
    }
    Ok(Placed {
        message,
        case: claim.case,
    })
}

/// An engineer's mail is internal: a note with its raw bytes. Without a case it stands in the spool, as every mail must.
fn insert(
    tx: &mut Tx<'_>,
    mail: &Incoming,
    case: Option<CaseId>,
    engineer: &Engineer,
    kind: &'static str,
    author: &str,
    text: &str,
) -> Outcome<MessageNo> {
    let facts = serde_json::to_string(&mail.facts).map_err(anyhow::Error::from)?;
    let number = tx.insert(
        "INSERT INTO message (case_id, way, kind, at, engineer, author, address, message_id, chain, subject, text, folded,
             facts, auto, matched_by, verified, spool_reason, raw)
         VALUES ($1, 'note', $2, $3, $4, $5, $6, $7, '[]', $8, $9, '', $10, 'no', 'engineer', $11, $12, $13)",
        &values![
            case,
            kind,
            mail.received_at,
            engineer.id,
            author,
            mail.address.as_str(),
            mail.message_id.as_deref(),
            message::clipped(&mail.subject),
            text,
            facts,
            kind == "command",
            (case.is_none() && kind == "draft").then_some("an engineer's mail that is not proven"),
            RawId(mail.raw)
        ],
    )?;
    let message = MessageNo(number);
    tx.index_text(message.0, message::clip_bytes(text, limits::INDEX_BYTES))?;
    if !mail.facts.files.is_empty() {
        super::file::came(tx, mail.received_at, message, case.is_none())?;
    }
    Ok(message)
}

fn told(
    tx: &mut Tx<'_>,
    now: Timestamp,
    case: Option<CaseId>,
    message: MessageNo,
    kind: &'static str,
    by: Actor,
) -> Outcome<()> {
    let mut entry = event(kind, by).message(message);
    if let Some(case) = case {
        entry = entry.of(case);
    }
    ledger::record(tx, now, entry)?;
    Ok(())
}

/// A command that waits to be done.
#[derive(Debug, Clone)]
pub struct Waiting {
    message: MessageNo,
    engineer: EngineerId,
    case: Option<CaseId>,
    asked: String,
}

/// Files of its mail are still on their way to their place, and a reply in it is to take them along.
const HAS_FILES: &str = "EXISTS (SELECT 1 FROM filing n WHERE n.message = command.message AND n.next_at IS NOT NULL)";

/// When the next command that waits can be done: at once, or when its files have been waited for long enough.
pub fn next(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    let patience = 1000 * limits::COMMAND_FILES_SECONDS;
    let row = tx.one(
        &format!("SELECT MIN(made_at + CASE WHEN {HAS_FILES} THEN $1 ELSE 0 END) FROM command WHERE done_at IS NULL"),
        &values![patience],
    )?;
    Ok(row.opt_instant(0))
}

/// Does what waits, each in a transaction of its own; how many there were. Blocks.
pub fn obey(store: &Store, desk: &Arc<Desk>, now: Timestamp) -> Outcome<usize> {
    let waiting = store.read(|tx| {
        let rows = tx.query(
            &format!(
                "SELECT message, engineer, case_id, asked FROM command
                 WHERE done_at IS NULL AND (made_at <= $1 OR NOT {HAS_FILES}) ORDER BY message LIMIT $2"
            ),
            &values![
                now - SignedDuration::from_secs(limits::COMMAND_FILES_SECONDS),
                limits::ALARMS_AT_ONCE
            ],
        )?;
        let waiting = rows.iter().map(|row| Waiting {
            message: MessageNo(row.int(0)),
            engineer: EngineerId(row.int(1)),
            case: row.opt_int(2).map(CaseId),
            asked: row.text(3).to_owned(),
        });
        Ok(waiting.collect::<Vec<_>>())
    })?;
    for one in &waiting {
        let (rules, command) = (Arc::clone(desk), one.clone());
        let done = store.write(move |tx| run(tx, now, &rules, &command));
        if let Err(fault) = done {
            let refusal = why(fault)?;
            let (rules, command) = (Arc::clone(desk), one.clone());
            store.write(move |tx| refuse(tx, now, &rules, &command, &refusal))?;
        }
    }
    Ok(waiting.len())
}

/// The words of a refusal; what is no refusal is the desk's own trouble, and the command waits.
fn why(fault: Fault) -> Outcome<String> {
    match fault {
        Fault::Refused(refusal) => Ok(refusal.text),
        other => Err(other),
    }
}

fn run(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, command: &Waiting) -> Outcome<()> {
    if !take(tx, now, command)? {
        return Ok(());
    }
    let engineer = engineer::by_id(tx, command.engineer)?;
    let asked: Asked = serde_json::from_str(&command.asked).map_err(anyhow::Error::from)?;
    let verbs = match asked {
        Asked::Help(help) => return Err(Refusal::usage(help).into()),
        Asked::Do(verbs) => verbs,
    };
    let who = Principal::Engineer(Box::new(engineer.clone()));
    let (mut said, mut undo, mut about) = (Vec::new(), None, command.case);
    let mut sent = 0;
    for verb in verbs {
        let mut verb = match (verb.needs_case(), command.case) {
            (false, _) => verb,
            (true, Some(case)) => verb.about(case),
            (true, None) => {
                return Err(Refusal::usage(
                    "Say this in an answer to a notice about a case: this address is the desk's as a whole.",
                )
                .into());
            }
        };
        if let (Verb::Reply { files, .. }, Some(case)) = (&mut verb, command.case) {
            *files = upload::of_mail(tx, now, desk, (case, engineer.id, command.message))?;
            sent = files.len();
        }
        match act(tx, now, desk, &who, verb)? {
            Answer::Slice(slice) => {
                let case = case::find(tx, CaseId(slice.row.case))?;
                return notice::hand_out(tx, now, desk, &engineer, &case, &slice.why);
            }
            Answer::Written(written, words) => {
                let until = hold_longer(tx, now, MessageNo(written.message))?;
                undo = Some(until);
                // "Held 10 s, `duly undo`" is the command line's; by mail it is longer, and undone by mail.
                said.push(words.split(" Mail: held").next().unwrap_or(&words).to_owned());
            }
            Answer::Done(done) => {
                about = about.or(done.case.map(CaseId));
                said.push(done.said);
            }
            _ => {}
        }
    }
    if undo.is_some() {
        said.extend(files_told(tx, command.message, sent)?);
    }
    let case = about.map(|case| case::find(tx, case)).transpose()?;
    notice::done(tx, now, desk, &engineer, case.as_ref(), &said.join(" "), undo)
}

/// What became of the files of a mail that was a reply: its writer must know.
fn files_told(tx: &mut Tx<'_>, command: MessageNo, sent: usize) -> Outcome<Option<String>> {
    let row = tx.one("SELECT facts FROM message WHERE id = $1", &values![command])?;
    let facts: message::Facts = serde_json::from_str(row.text(0)).unwrap_or_default();
    let names: Vec<&str> = facts.files.iter().take(5).map(|file| file.name.as_str()).collect();
    let names = names.join(", ");
    Ok(match (facts.files.len(), sent) {
        (0, _) => None,
        (all, sent) if sent == all => Some(format!("The files of your mail go with it: {names}.")),
        (_, 0) => Some(format!(
            "The files of your mail could not be taken out of it in time and were not sent, only its words: {names}."
        )),
        (all, sent) => Some(format!(
            "{sent} of the {all} files of your mail go with it; the others could not be taken out of it in time. They were: {names}."
        )),
    })
}

fn refuse(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, command: &Waiting, why: &str) -> Outcome<()> {
    if !take(tx, now, command)? {
        return Ok(());
    }
    let engineer = engineer::by_id(tx, command.engineer)?;
    let case = command.case.map(|case| case::find(tx, case)).transpose()?;
    let mut entry = event("command.refused", Actor::Engineer(engineer.id))
        .message(command.message)
        .with(json!({"why": why}));
    if let Some(case) = &case {
        entry = entry.of(case.id);
    }
    ledger::record(tx, now, entry)?;
    notice::refused(tx, now, desk, &engineer, case.as_ref(), why)
}

/// Marks a command as done, in the transaction that does it: it is obeyed once.
fn take(tx: &mut Tx<'_>, now: Timestamp, command: &Waiting) -> Outcome<bool> {
    let taken = tx.execute(
        "UPDATE command SET done_at = $1 WHERE message = $2 AND done_at IS NULL",
        &values![now, command.message],
    )?;
    Ok(taken > 0)
}

/// A reply given by mail is held long enough for an undo by mail, unless that would endanger a promise that it keeps.
fn hold_longer(tx: &mut Tx<'_>, now: Timestamp, reply: MessageNo) -> Outcome<Timestamp> {
    let wanted = now + SignedDuration::from_secs(limits::HOLD_BY_MAIL_SECONDS);
    let row = tx.one(
        "SELECT MIN(o.not_before), MIN(k.reply_by) FROM outbox o JOIN cases k ON k.id = o.case_id WHERE o.message = $1",
        &values![reply],
    )?;
    let held = row.opt_instant(0).unwrap_or(now);
    let margin = SignedDuration::from_secs(5 * limits::HOLD_BY_MAIL_SECONDS);
    if row.opt_instant(1).is_some_and(|due| due < now + margin) {
        return Ok(held);
    }
    outbox::hold_until(tx, reply, wanted)?;
    Ok(wanted)
}
