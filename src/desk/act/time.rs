//! Acts about people's time: what is said of a person, absences, calendars. The plan is made anew from rows at each event, so
//! each of these holds at once; what it puts in danger is said, and time off that is still to come is not entered silently
//! over what was promised.

use crate::desk::engineer::{self, Change, Engineer};
use crate::desk::ledger::{self, event};
use crate::desk::schedule::danger::{self, AtRisk, Remedy};
use crate::desk::schedule::touch;
use crate::desk::verb::people::day_or_time;
use crate::desk::verb::{Answer, Done, Principal, Verb};
use crate::desk::{CaseId, Desk, absence, agenda, policy, slice};
use crate::limits;
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::Tx;
use jiff::Timestamp;
use plan::{Zone, say};
use serde_json::{Value as Json, json};

/// Does a verb about people's time.
pub(super) fn act(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
    match verb {
        Verb::CpuSet { address, change } => set(tx, now, desk, who, &address, &change),
        Verb::CpuAway {
            address,
            until,
            from,
            because,
            anyway,
        } => {
            let asked = Away {
                address: &address,
                from: from.as_deref(),
                until: &until,
                because: because.as_deref().unwrap_or_default().trim(),
                anyway,
            };
            away(tx, now, desk, who, &asked)
        }
        Verb::CpuBack { address } => {
            let engineer = who.own_or(policy::Least::Lead, tx, &address)?;
            match absence::end(tx, now, who.actor(), &engineer)? {
                0 => {
                    Err(Refusal::conflict(format!("{} is not away, and no absence is to come.", engineer.name)).into())
                }
                _ => Ok(done(
                    format!("{} is back: the plan counts their hours again.", engineer.name),
                    json!({}),
                )),
            }
        }
        Verb::CpuCalendar {
            address,
            text,
            remove,
            anyway,
        } => {
            let engineer = who.own_or(policy::Least::Lead, tx, &address)?;
            match (remove, text) {
                (false, Some(text)) => calendar(tx, now, desk, who, &engineer, &text, anyway),
                (true, text) => forget(tx, now, who, &engineer, text.as_deref()),
                (false, None) => Err(Refusal::usage("Say which file, or --remove.").into()),
            }
        }
        other => Err(anyhow::anyhow!("{other:?} is not about people's time").into()),
    }
}

struct Away<'a> {
    address: &'a str,
    from: Option<&'a str>,
    until: &'a str,
    because: &'a str,
    anyway: bool,
}

/// Somebody is away: their slice ends, the plan goes without them at once, and what is at risk now is said with whom to ask.
/// Who is ill is away whatever was promised; leave that is to come waits until the customers were asked, or for `--anyway`.
fn away(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, asked: &Away<'_>) -> Outcome<Answer> {
    let engineer = who.own_or(policy::Least::Lead, tx, asked.address)?;
    let zone = who.zone(desk);
    let from = asked.from.map_or(Ok(now), |text| day_or_time(text, now, zone))?;
    let until = day_or_time(asked.until, now, zone)?;
    if asked.because.chars().count() > limits::OFFER_REASON_CHARS {
        return Err(Refusal::usage("The reason is one sentence of at most 300 letters.").into());
    }
    let before = match from > now && !asked.anyway {
        true => Some(danger::outlook(tx, now, zone)?.at_risk),
        false => None,
    };
    absence::enter(tx, now, who.actor(), &engineer, (from, until), asked.because)?;
    if from <= now {
        end_slice(tx, now, who, &engineer, until, zone)?;
    }
    let harm = Harm::look(tx, now, zone)?;
    harm.insist(before.as_deref(), now, zone)?;
    let time = |at| say::short(at, zone, now);
    let said = match from > now {
        true => format!("{} is away from {} until {}.", engineer.name, time(from), time(until)),
        false => format!("{} is away until {}.", engineer.name, time(until)),
    };
    let data = json!({"engineer": engineer.id.0, "from": from.to_string(), "until": until.to_string()});
    Ok(done(said + &harm.said(now, zone), harm.with(data)))
}

/// Somebody's own calendar is read.
fn calendar(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    engineer: &Engineer,
    text: &str,
    anyway: bool,
) -> Outcome<Answer> {
    let zone = who.zone(desk);
    let before = match anyway {
        true => None,
        false => Some(danger::outlook(tx, now, zone)?.at_risk),
    };
    let entered = agenda::enter(tx, now, who.actor(), engineer, text)?;
    let taken = agenda::planned(tx, now)?;
    let own = taken.iter().filter(|one| one.engineer == engineer.id);
    if let Some(until) = agenda::on_leave_until(own, now) {
        end_slice(tx, now, who, engineer, crate::desk::schedule::instant(until), zone)?;
    }
    let harm = Harm::look(tx, now, zone)?;
    harm.insist(before.as_deref(), now, zone)?;
    let hours = say::left(jiff::SignedDuration::from_mins(entered.minutes));
    let events = match entered.events {
        1 => "One event".to_owned(),
        count => format!("{count} events"),
    };
    let said = format!(
        "{events} of {}, entered as far as {}: time is taken {} times, {hours} of the hours of the next {} days.",
        engineer.name,
        say::short(entered.until, zone, now),
        entered.times,
        limits::TAKEN_SAID_DAYS,
    );
    let data = json!({
        "engineer": engineer.id.0,
        "events": entered.events,
        "times": entered.times,
        "minutes": entered.minutes,
        "until": entered.until.to_string(),
    });
    Ok(done(said + &harm.said(now, zone), harm.with(data)))
}

fn forget(
    tx: &mut Tx<'_>,
    now: Timestamp,
    who: &Principal,
    engineer: &Engineer,
    text: Option<&str>,
) -> Outcome<Answer> {
    match agenda::remove(tx, now, who.actor(), engineer, text)? {
        0 => Err(Refusal::conflict(format!(
            "Nothing that is to come was entered from it for {}.",
            engineer.name
        ))
        .into()),
        removed => Ok(done(
            format!(
                "The calendar of {} takes no time any more: the plan counts their hours again.",
                engineer.name
            ),
            json!({"engineer": engineer.id.0, "removed": removed}),
        )),
    }
}

/// What is said of a person: own hours, zone and mail are one's own to set; name, lanes, depth and role are a lead's.
fn set(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    address: &str,
    change: &Change,
) -> Outcome<Answer> {
    let engineer = who.own_or(policy::Least::Lead, tx, address)?;
    if change.needs_lead() {
        policy::require(who, policy::Least::Lead)?;
    }
    if let Some(role) = change.role {
        // Whoever could make an administrator could make themselves one; and nobody takes more away than they have.
        policy::require(who, policy::least_of(role).max(policy::least_of(engineer.role)))?;
    }
    let mut said = Vec::new();
    let mut harm = None;
    if change.is_planned() {
        let changed = engineer::set(tx, &engineer, change)?;
        touch::unable(tx, &changed)?;
        let data = json!({"engineer": engineer.id.0, "to": change});
        ledger::record(tx, now, event("engineer.set", who.actor()).with(data))?;
        said.push(format!("{}.", changed.said()));
        if changed.by_mail {
            engineer::set_digest(tx, now, &changed)?;
        }
        harm = Some(Harm::look(tx, now, who.zone(desk))?);
    }
    if let Some(mail) = change.mail {
        engineer::set_mail(tx, now, &engineer, mail)?;
        said.push(match mail {
            true => format!("{} gets notices, and a digest when their hours begin.", engineer.name),
            false => format!("{} gets no notices and no digest.", engineer.name),
        });
    }
    if said.is_empty() {
        let text = "Say what to set: --hours, --zone, --lane, --layer, --role, --name or --mail.";
        return Err(Refusal::usage(text).into());
    }
    let said = said.join(" ");
    Ok(match harm {
        Some(harm) => done(
            said + &harm.said(now, who.zone(desk)),
            harm.with(json!({"engineer": engineer.id.0})),
        ),
        None => done(said, json!({"engineer": engineer.id.0})),
    })
}

fn end_slice(
    tx: &mut Tx<'_>,
    now: Timestamp,
    who: &Principal,
    engineer: &Engineer,
    until: Timestamp,
    zone: &Zone,
) -> Outcome<()> {
    let Some((_, case, _)) = slice::open_of(tx, engineer.id)? else {
        return Ok(());
    };
    let note = format!("{} is away until {}.", engineer.name, say::short(until, zone, now));
    slice::end(tx, now, engineer.id, case, who.actor(), "away", &note)
}

/// What is at risk after a change, and which dates to move so that all others are kept.
struct Harm {
    at_risk: Vec<AtRisk>,
    remedy: Remedy,
}

impl Harm {
    fn look(tx: &mut Tx<'_>, now: Timestamp, zone: &Zone) -> Outcome<Harm> {
        let (at_risk, remedy) = danger::least_harm(tx, now, zone)?;
        Ok(Harm { at_risk, remedy })
    }

    /// Refuses what puts promises at risk that were not `before`; the transaction is taken back with it.
    fn insist(&self, before: Option<&[AtRisk]>, now: Timestamp, zone: &Zone) -> Outcome<()> {
        let Some(before) = before else { return Ok(()) };
        let was = |one: &AtRisk| before.iter().any(|other| other.promise == one.promise);
        let new = self.at_risk.iter().filter(|one| !was(one)).count();
        let what = match new {
            0 => return Ok(()),
            1 => "One promise that can be kept now would be at risk.".to_owned(),
            _ => format!("{new} promises that can be kept now would be at risk."),
        };
        Err(Refusal::new(
            Kind::Dishonest,
            format!(
                "{what} Nothing was entered.{}\nAsk these customers first, or say --anyway.",
                self.said(now, zone)
            ),
        )
        .into())
    }

    fn said(&self, now: Timestamp, zone: &Zone) -> String {
        let time = |at| say::short(at, zone, now);
        let mut said = match self.at_risk.is_empty() {
            true => " Every promise can still be kept.".to_owned(),
            false => " At risk now:".to_owned(),
        };
        for one in &self.at_risk {
            let trouble = one.trouble.said(zone, now);
            said.push_str(&format!(
                "\n  case {}, promised by {}: {trouble}",
                one.case.0,
                time(one.due)
            ));
        }
        if !self.remedy.moves.is_empty() {
            said.push_str("\nLeast harm, so that all others are kept:");
        }
        for (case, was, to) in &self.remedy.moves {
            let step = match to {
                Some(to) => format!(
                    "to move from {} to {}:  duly promise {} --ask --because REASON",
                    time(*was),
                    time(*to),
                    case.0
                ),
                None => format!("about {}: no later time is free in the next six weeks", time(*was)),
            };
            said.push_str(&format!("\n  ask the customer of case {} {step}", case.0));
        }
        for case in &self.remedy.lost {
            said.push_str(&format!(
                "\n  case {} stays late whatever is moved: a person decides",
                case.0
            ));
        }
        said
    }

    /// The same for scripts, beside what the act itself tells.
    fn with(&self, mut data: Json) -> Json {
        let row = |one: &AtRisk| json!({"case": one.case.0, "promise": one.promise.0, "due": one.due.to_string(), "trouble": one.trouble});
        let step = |(case, was, to): &(CaseId, Timestamp, Option<Timestamp>)| json!({"case": case.0, "due": was.to_string(), "to": to.map(|to| to.to_string())});
        data["at_risk"] = self.at_risk.iter().map(row).collect();
        data["ask"] = self.remedy.moves.iter().map(step).collect();
        data["lost"] = self.remedy.lost.iter().map(|case| case.0).collect();
        data
    }
}

fn done(said: String, data: Json) -> Answer {
    Answer::Done(Done { case: None, said, data })
}
