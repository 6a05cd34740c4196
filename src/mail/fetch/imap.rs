//! One IMAP mailbox: what is new is fetched in the order of its numbers, then the server is asked to tell of more (IDLE).
//!
//! The place in a folder is its UIDVALIDITY and the last UID that was dealt with. When a server numbers a folder anew
//! (another UIDVALIDITY), nothing known of its numbers holds: every mail in it is fetched again, those that the desk has are
//! repeats, and one that it does not have but that lay there before is only shown (shadow), for it may be years old.
//!
//! The client is our own: a mail is never whole in memory, its bytes are counted by the server's own literal, and the parser
//! of what servers say is fuzzed. It says a dozen commands, one after the other.

mod client;
pub mod wire;
mod words;

use super::account::{After, Since};
use super::{Body, Fetch, Found};
use crate::desk::mailbox;
use crate::limits;
use anyhow::{Context, bail};
use client::Client;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The folder as it stands at the server.
#[derive(Debug, Clone, Copy)]
struct Folder {
    validity: u64,
    /// The UID that the next new mail will have, or one beyond the last.
    next: u64,
}

/// What is known of a mail before it is fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub size: u64,
    pub received_at: Option<Timestamp>,
}

/// One connection, from signing in until it breaks.
pub(super) async fn attend(fetch: &Fetch, pause: &mut u64) -> anyhow::Result<()> {
    let account = &fetch.account;
    let mut client = Client::sign_in(account).await?;
    // Only looking leaves no trace, not even of having looked (\Recent).
    let changes = account.live && account.after.is_something();
    let folder = client.open(&account.folder, changes).await?;
    begin(fetch, &mut client, folder).await?;
    for name in fetch.todo().await? {
        tell(fetch, &mut client, folder.validity, &name).await?;
    }
    loop {
        news(fetch, &mut client, folder.validity).await?;
        again(fetch, &mut client, folder.validity).await?;
        *pause = limits::FETCH_PAUSE_SECONDS;
        client.wait_for_news(fetch.patience().await?).await?;
    }
}

fn place(validity: u64, uid: u64) -> String {
    format!("{validity} {uid}")
}

fn name(validity: u64, uid: u64) -> String {
    format!("{validity}/{uid}")
}

fn numbers(text: &str, between: char) -> Option<(u64, u64)> {
    let (validity, uid) = text.split_once(between)?;
    Some((validity.parse().ok()?, uid.parse().ok()?))
}

/// The first look, or the look after the server numbered anew: what of the folder is to be fetched.
async fn begin(fetch: &Fetch, client: &mut Client, folder: Folder) -> anyhow::Result<()> {
    let mailbox = fetch.account.mailbox();
    let known = fetch.reading().await?;
    let (wanted, older_than) = match &known {
        Some(reading) => match numbers(&reading.place, ' ') {
            Some((validity, _)) if validity == folder.validity => return Ok(()),
            _ => {
                tracing::warn!(
                    mailbox,
                    "the server numbered the folder anew: all of it is looked through again"
                );
                (
                    client.search(&since(fetch, reading.first_at)).await?,
                    Some(reading.seen_at),
                )
            }
        },
        None => match fetch.account.since {
            Since::New => (Vec::new(), None),
            Since::Unseen => (client.search("UNSEEN").await?, None),
            Since::All => (client.search("ALL").await?, None),
        },
    };
    let last = folder.next.saturating_sub(1);
    let mut wanted: Vec<u64> = wanted.into_iter().filter(|uid| *uid <= last).collect();
    if wanted.len() > limits::FETCH_EXPECTED {
        bail!("the folder holds {} mails, more than are taken at once", wanted.len());
    }
    wanted.sort_unstable();
    tracing::info!(
        mailbox,
        mails = wanted.len(),
        "mails that were there before are fetched"
    );
    let names: Vec<String> = wanted.iter().map(|uid| name(folder.validity, *uid)).collect();
    let reached = place(folder.validity, last);
    fetch
        .note(move |tx, now, mailbox| {
            mailbox::expect(tx, mailbox, &names, older_than)?;
            mailbox::reach(tx, now, mailbox, &reached)
        })
        .await
}

/// What is looked through after the server numbered anew: not what lay there before the first look, where that was not
/// wanted. Two days back, for servers compare dates without time and zone.
fn since(fetch: &Fetch, first: Timestamp) -> String {
    let date = (first - SignedDuration::from_hours(48))
        .strftime("%d-%b-%Y")
        .to_string();
    match fetch.account.since {
        Since::New => format!("SINCE {date}"),
        Since::Unseen => format!("OR UNSEEN SINCE {date}"),
        Since::All => "ALL".to_owned(),
    }
}

/// Fetches what came since the last look.
async fn news(fetch: &Fetch, client: &mut Client, validity: u64) -> anyhow::Result<()> {
    let reading = fetch.reading().await?.context("the mailbox has a place")?;
    let (_, last) = numbers(&reading.place, ' ').context("the place is one of ours")?;
    // `5:*` names the last mail also where it is the fourth (RFC 9051 §9, seq-range).
    let mut uids = client.search(&format!("UID {}:*", last + 1)).await?;
    uids.retain(|uid| *uid > last);
    uids.sort_unstable();
    for some in uids.chunks(limits::FETCH_BATCH) {
        let known = client.look(some).await?;
        for &uid in some {
            let found = Found {
                name: name(validity, uid),
                received_at: None,
                before: None,
                place: Some(place(validity, uid)),
            };
            one(fetch, client, uid, known.get(&uid), found).await?;
        }
    }
    Ok(())
}

/// Fetches what lay there before, and what could not be fetched before and may be tried again now.
async fn again(fetch: &Fetch, client: &mut Client, validity: u64) -> anyhow::Result<()> {
    // Each round fetches, forgets or puts off every one of them, so it ends.
    for _ in 0..limits::FETCH_EXPECTED {
        let pending = fetch.pending().await?;
        if pending.is_empty() {
            return Ok(());
        }
        let mut uids = BTreeMap::new();
        for one in pending {
            match numbers(&one.name, '/') {
                Some((of, uid)) if of == validity => drop(uids.insert(uid, one)),
                _ => {
                    // Of a numbering that is no more: it is expected under its new name.
                    fetch
                        .note(move |tx, _, mailbox| mailbox::gone(tx, mailbox, &one.name))
                        .await?;
                }
            }
        }
        let known = client.look(&uids.keys().copied().collect::<Vec<_>>()).await?;
        for (uid, pending) in uids {
            let found = Found {
                name: pending.name,
                received_at: None,
                before: pending.before,
                place: None,
            };
            one(fetch, client, uid, known.get(&uid), found).await?;
        }
    }
    Ok(())
}

/// Fetches one mail, or notes why not. An error is the connection's: the mail is noted as well, and tried again last.
async fn one(
    fetch: &Fetch,
    client: &mut Client,
    uid: u64,
    known: Option<&Known>,
    mut found: Found,
) -> anyhow::Result<()> {
    let Some(known) = known else {
        // Somebody took it away between two looks.
        return fetch
            .note(move |tx, now, mailbox| {
                mailbox::gone(tx, mailbox, &found.name)?;
                match &found.place {
                    Some(place) => mailbox::reach(tx, now, mailbox, place),
                    None => Ok(()),
                }
            })
            .await;
    };
    fetch.has_room(known.size)?;
    found.received_at = known.received_at;
    let got = match known.size > limits::MESSAGE_BYTES as u64 {
        true => client.header(uid).await.map(|header| {
            header.map(|header| {
                let letter = fetch.instead(&header, known.size, &found.name);
                (letter.clone(), Body::Here(letter))
            })
        }),
        false => client.mail(fetch, uid).await,
    };
    let (head, body) = match got {
        Ok(Ok(mail)) => mail,
        Ok(Err(said)) => return fetch.failed(&found, &said).await,
        Err(broken) => {
            // Should this mail be what breaks connections, it must not be the first of the next one again.
            fetch.failed(&found, &format!("{broken:#}")).await?;
            return Err(broken);
        }
    };
    let name = found.name.clone();
    if fetch.take(found, &head, body).await? {
        let validity = numbers(&name, '/').map_or(0, |(validity, _)| validity);
        tell(fetch, client, validity, &name).await?;
    }
    Ok(())
}

/// Tells the server of a mail that is durable here; what it refuses is tried again at the next connection.
async fn tell(fetch: &Fetch, client: &mut Client, validity: u64, named: &str) -> anyhow::Result<()> {
    let said = match numbers(named, '/') {
        Some((of, uid)) if of == validity && fetch.account.live => match &fetch.account.after {
            After::Keep => Ok(()),
            After::Flag(flag) => client.flag(uid, flag).await?,
            After::Move(folder) => client.move_to(uid, folder).await?,
        },
        // Numbered anew, or no longer wanted.
        _ => Ok(()),
    };
    match said {
        Ok(()) => fetch.told(named).await,
        Err(said) => {
            let mailbox = fetch.account.mailbox();
            tracing::warn!(
                mailbox,
                name = named,
                said,
                "a mail was taken, but the server does not mark it"
            );
            Ok(())
        }
    }
}
