//! From what the worker read to what the desk needs: whose mail it is, where it says it belongs, what screens show of it.

use crate::desk::Desk;
use crate::desk::address;
use crate::desk::arrival::Waiting;
use crate::desk::command;
use crate::desk::message::{Auto, Bounce, Facts, Failed, File, Incoming, clip_bytes};
use crate::limits;
use crate::mail::auto;
use crate::mail::list;
use crate::mail::parse::{Mailbox, Understood};
use crate::mail::remark;
use crate::mail::wish;
use crate::speech;
use std::sync::OnceLock;

/// What the desk needs of a mail that was understood.
pub fn incoming(desk: &Desk, waiting: &Waiting, mail: Understood) -> Incoming {
    let auto = auto::with_envelope(mail.auto, &waiting.envelope_from);
    let through = list::author(&mail, &desk.lists);
    let (author, served_list) = match &through {
        Some(through) => (Some(through.author.clone()), Some(through.list.clone())),
        None => (mail.from.clone(), None),
    };
    let address = author
        .as_ref()
        .map(|author| author.address.clone())
        .filter(|address| address.contains('@'));
    let trouble = match &address {
        Some(_) => None,
        None if auto_of(auto) != Auto::No && auto_of(auto) != Auto::List => None,
        None => Some("it names no sender who could be answered".to_owned()),
    };
    let named: Vec<String> = mail.to.iter().chain(&mail.cc).map(|one| one.address.clone()).collect();
    let mut recipients = waiting.envelope_to.clone();
    recipients.extend(named.iter().cloned());
    recipients.extend(mail.delivered_to.iter().cloned());
    let mut chain = mail.references.clone();
    chain.extend(
        mail.in_reply_to
            .iter()
            .filter(|id| !mail.references.contains(id))
            .cloned(),
    );
    let language = language_of(&mail);
    let asked = recipients
        .iter()
        .any(|recipient| command::is_personal(desk, recipient))
        .then(|| crate::mail::command::read(&mail.new_text));
    let (answer_to, answer_remark) = answers(desk, author.as_ref(), &mail.reply_to, through.is_some());
    let mut remarks = remark::remarks(&mail);
    remarks.extend(answer_remark);
    let facts = Facts {
        to: mail.to.iter().map(shown).collect(),
        cc: mail.cc.iter().map(shown).collect(),
        files: mail
            .attachments
            .iter()
            .map(|file| File {
                name: file.name.clone().unwrap_or_else(|| "(without a name)".into()),
                content_type: file.content_type.clone(),
                size: file.size,
            })
            .collect(),
        remarks,
        answer_to,
        errors: mail.errors.clone(),
        thread_index: mail.thread_index.clone(),
        thread_topic: mail.thread_topic.clone(),
        list: served_list.clone(),
        looks_like: None,
        offer: None,
        offer_why: None,
        wish: None,
        origin: None,
        date: mail.date.map(|date| date.to_string()),
    };
    let answered = mail.calendar.as_ref();
    let wish = answered
        .and_then(|calendar| wish::of_calendar(calendar, &mail.new_text))
        .or_else(|| {
            wish::read(
                &mail.new_text,
                author.as_ref().and_then(|one| one.name.as_deref()).unwrap_or_default(),
            )
        });
    let folded = [mail.signature.as_str(), mail.quoted_text.as_str(), mail.beside.as_str()]
        .join("\n")
        .trim()
        .to_owned();
    Incoming {
        raw: waiting.raw.0,
        received_at: waiting.received_at,
        address: address.unwrap_or_else(|| waiting.envelope_from.clone()),
        name: author.and_then(|author| author.name),
        envelope_from: waiting.envelope_from.clone(),
        recipients,
        copies: mail
            .to
            .iter()
            .chain(&mail.cc)
            .filter(|one| one.address.contains('@'))
            .map(|one| (one.name.clone(), one.address.clone()))
            .collect(),
        message_id: mail.message_id.clone(),
        chain,
        maybe_chain: mail.maybe_in_reply_to.clone(),
        subject: mail.subject.clone(),
        text: clip_bytes(
            if mail.new_text.trim().is_empty() {
                &mail.body_text
            } else {
                &mail.new_text
            },
            limits::TEXT_BYTES,
        )
        .to_owned(),
        folded: clip_bytes(&folded, limits::TEXT_BYTES).to_owned(),
        auto: auto_of(auto),
        served_list,
        bounce: mail.bounce.map(bounce_of),
        mail_zone: mail
            .date_offset_minutes
            .and_then(plan::Zone::fixed)
            .map(|zone| zone.to_string()),
        language,
        asked,
        facts,
        entry: address::entry_of(&desk.entries, waiting.envelope_to.iter().chain(&named)),
        severity: None,
        wish,
        shadow: waiting.shadow,
        trouble,
        worked_out: OnceLock::new(),
    }
}

/// Where answers to a mail go, if its author asks for another address than their own (`Reply-To`, RFC 5322 §3.6.2): followed
/// within the author's domain, for that domain is what vouched for the mail. Anything else is said and not followed: one
/// field in a mail must not lead a private case elsewhere without a person's look.
fn answers(
    desk: &Desk,
    author: Option<&Mailbox>,
    asked: &[Mailbox],
    is_list: bool,
) -> (Option<String>, Option<String>) {
    let Some(author) = author.filter(|_| !is_list) else {
        return (None, None);
    };
    let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    let others: Vec<&Mailbox> = asked
        .iter()
        .filter(|one| one.address.contains('@') && !one.address.eq_ignore_ascii_case(&author.address))
        .collect();
    match others.as_slice() {
        [] => (None, None),
        [one] if asked.len() == 1 && domain(&one.address) == domain(&author.address) && !desk.takes(&one.address) => {
            (Some(one.address.to_lowercase()), None)
        }
        [first, ..] => {
            let said = format!(
                "Asks for answers at {}, outside the author's domain or at several addresses: they go to {}. `duly participant add` puts somebody on the case.",
                first.address, author.address
            );
            (None, Some(said))
        }
    }
}

/// The language a mail is written in. The author's own words decide where they can: programs say the language they were
/// installed in, and many say English whatever is written with them.
fn language_of(mail: &Understood) -> Option<String> {
    let said = || mail.languages.iter().find_map(|tag| speech::choose(tag));
    speech::guess(&mail.new_text).or_else(said).map(str::to_owned)
}

fn bounce_of(bounce: auto::Bounce) -> Bounce {
    let failed = bounce.failures.into_iter().map(|one| Failed {
        recipient: one.recipient,
        permanent: one.permanent,
        is_about_address: one.reason.is_about_address(),
        reason: one.reason.words().to_owned(),
        said: one.said,
    });
    Bounce {
        about: bounce.about_message_id,
        permanent: bounce.permanent,
        complaint: bounce.complaint,
        failed: failed.collect(),
    }
}

fn shown(one: &Mailbox) -> String {
    match &one.name {
        Some(name) if !name.is_empty() => format!("{name} <{}>", one.address),
        _ => one.address.clone(),
    }
}

fn auto_of(auto: auto::Auto) -> Auto {
    match auto {
        auto::Auto::No => Auto::No,
        auto::Auto::List => Auto::List,
        auto::Auto::AutoReplied => Auto::Replied,
        auto::Auto::AutoGenerated => Auto::Generated,
        auto::Auto::Bounce => Auto::Bounce,
    }
}
