//! What a mail carries beside its words, said in sentences for whoever reads the case: seals, calendars, forwards.
//!
//! Promises: one sentence each, bounded, nothing that decides anything. Leaves out: looks; screens show them as they are.

use crate::limits;
use crate::mail::calendar::{Calendar, Entry, Moment};
use crate::mail::parse::Understood;

/// The sentences, most important first.
pub fn remarks(mail: &Understood) -> Vec<String> {
    let mut said: Vec<String> = mail.seals.iter().map(|seal| seal.said.clone()).collect();
    said.extend(mail.calendar.as_ref().and_then(invitation));
    if let Some(forwarded) = &mail.forwarded {
        let who = match &forwarded.from.name {
            Some(name) => format!("{name} <{}>", forwarded.from.address),
            None => forwarded.from.address.clone(),
        };
        let when = forwarded
            .date
            .as_deref()
            .map(|date| format!(", {date}"))
            .unwrap_or_default();
        said.push(format!(
            "Forwarded; written by {who}{when}, says the forwarder's mail program."
        ));
    }
    said.truncate(limits::NOTES);
    said
}

fn invitation(calendar: &Calendar) -> Option<String> {
    let entry = calendar.entries.first()?;
    let what = entry.summary.as_deref().unwrap_or("without a name");
    let when = entry
        .start
        .as_ref()
        .map(|start| format!(", {}", time(start)))
        .unwrap_or_default();
    let said = match calendar.method.as_str() {
        "REQUEST" => format!("An invitation: {what}{when}."),
        "REPLY" => format!("{}: {what}{when}.", answer(entry)),
        "COUNTER" => format!("Another time is proposed: {what}{when}."),
        "DECLINECOUNTER" => format!("The proposed time was declined: {what}{when}."),
        "CANCEL" => format!("Cancelled: {what}{when}."),
        _ => format!("A calendar entry: {what}{when}."),
    };
    Some(said)
}

fn answer(entry: &Entry) -> String {
    let Some(attendee) = entry.attendees.first() else {
        return "An answer to an invitation".into();
    };
    let who = attendee.who.name.as_deref().unwrap_or(&attendee.who.address);
    let how = match attendee.partstat.as_str() {
        "ACCEPTED" => "accepted",
        "DECLINED" => "declined",
        "TENTATIVE" => "answered \"perhaps\"",
        "DELEGATED" => "sends somebody else",
        _ => "answered",
    };
    format!("{who} {how}")
}

fn time(at: &Moment) -> String {
    match (&at.at, &at.zone) {
        (Some(at), _) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        (None, Some(zone)) => format!("{} ({zone})", at.written),
        (None, None) => at.written.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::parse::understand;

    #[test]
    fn an_answer_to_an_invitation_is_one_sentence() {
        let raw = b"From: j@x.example\nContent-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:1\nSUMMARY:Call\nDTSTART:20261009T130000Z\nATTENDEE;CN=Jane;PARTSTAT=DECLINED:mailto:j@x.example\nCOMMENT:Too early\nEND:VEVENT\nEND:VCALENDAR\n";
        let mail = understand(raw);
        assert_eq!(remarks(&mail), ["Jane declined: Call, 2026-10-09 13:00 UTC."]);
        assert_eq!(mail.new_text, "Too early");
    }
}
