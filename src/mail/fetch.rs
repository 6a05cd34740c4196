//! Mail that the desk fetches from mailboxes elsewhere, by IMAP or JMAP.
//!
//! Promises. A mail and the mark that it was taken are one transaction: nothing is taken twice, nothing is left out, wherever
//! the connection breaks. Nothing on the server changes by looking (PEEK, EXAMINE). One mail that cannot be fetched is noted
//! and tried again later, and those behind it do not wait.
//!
//! **Shadow mode** is how every mailbox begins: its mail is taken in and stands as unsorted cases that say so, and nothing
//! follows by itself: no promise, no letter to anybody, no note to leads, nothing on the server. So a desk can run beside
//! the one it will replace, on the same mailbox, and harm neither customers nor colleagues. The word `live` in the setting
//! ends it, for mail that comes after; what was taken in shadow stays as it is until a person releases or declines it.
//!
//! The first look takes nothing that was there before (`from=new`): a mailbox may hold years of answered mail, and each
//! would be a case. `from=unseen` and `from=all` take more.
//!
//! Time counts from the moment the desk has a mail, as on every way: what another server claims moves no promise.

pub mod account;
mod connect;
pub mod imap;
pub mod jmap;
#[cfg(test)]
mod tests;

pub use account::{Account, Scheme};

use crate::clock::Clock;
use crate::desk::arrival;
use crate::desk::mailbox::{self, Pending, Reading};
use crate::limits;
use crate::mail::raw::{Body, Spool};
use crate::mail::receive::Entrance;
use crate::mail::session::Gate;
use crate::mail::stored;
use crate::refusal::Outcome;
use crate::store::{Store, Tx};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// One mailbox and what it needs of the desk.
pub struct Fetch {
    account: Account,
    store: Store,
    clock: Clock,
    entrance: Arc<Entrance>,
}

/// Where a mail stands on its server, and what is to be noted of it when it is taken.
struct Found {
    /// How the server calls it.
    name: String,
    /// When the server received it, if it says so.
    received_at: Option<Timestamp>,
    /// See [`Pending::before`].
    before: Option<Timestamp>,
    /// How far the mailbox has been read with it; none for one that was tried before.
    place: Option<String>,
}

impl Fetch {
    /// A mailbox that has not been looked into.
    pub fn new(account: Account, store: Store, clock: Clock, entrance: Arc<Entrance>) -> Fetch {
        Fetch {
            account,
            store,
            clock,
            entrance,
        }
    }

    /// Fetches until told to stop. What goes wrong is logged, and tried again after a pause that doubles.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mailbox = self.account.mailbox();
        let mode = if self.account.live { "live" } else { "shadow" };
        tracing::info!(mailbox, mode, "mail is fetched");
        let mut pause = limits::FETCH_PAUSE_SECONDS;
        loop {
            // Dropped on stop wherever it is: what is durable is marked, what is not is fetched again.
            let broken = tokio::select! {
                () = stopped(&mut stop) => return,
                broken = self.connection(&mut pause) => broken,
            };
            if let Err(cause) = broken {
                let cause = format!("{cause:#}");
                tracing::warn!(
                    mailbox,
                    cause,
                    pause,
                    "fetching broke off; it is tried again after a pause"
                );
            }
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = tokio::time::sleep(Duration::from_secs(pause)) => {}
            }
            pause = (pause * 2).min(limits::FETCH_PAUSE_SECONDS_MOST);
        }
    }

    async fn connection(&self, pause: &mut u64) -> anyhow::Result<()> {
        match self.account.scheme {
            Scheme::Imap { .. } => imap::attend(self, pause).await,
            Scheme::Jmap { .. } => jmap::attend(self, pause).await,
        }
    }

    /// A read of the store, outside of the task.
    async fn look<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>, &str) -> Outcome<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (store, mailbox) = (self.store.clone(), self.account.mailbox());
        let read = tokio::task::spawn_blocking(move || store.read(|tx| job(tx, &mailbox)));
        Ok(read.await??)
    }

    async fn note<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>, Timestamp, &str) -> Outcome<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (now, mailbox) = (self.clock.now(), self.account.mailbox());
        Ok(self.store.write_async(move |tx| job(tx, now, &mailbox)).await?)
    }

    async fn reading(&self) -> anyhow::Result<Option<Reading>> {
        self.look(mailbox::reading).await
    }

    async fn pending(&self) -> anyhow::Result<Vec<Pending>> {
        let now = self.clock.now();
        self.look(move |tx, mailbox| mailbox::pending(tx, now, mailbox, limits::FETCH_TRIES, limits::FETCH_BATCH))
            .await
    }

    /// How long to wait for news: not long where a mail waits to be tried again.
    async fn patience(&self) -> anyhow::Result<Duration> {
        let waits = self
            .look(|tx, mailbox| mailbox::waits(tx, mailbox, limits::FETCH_TRIES))
            .await?;
        Ok(Duration::from_secs(if waits {
            limits::FETCH_POLL_SECONDS
        } else {
            limits::FETCH_IDLE_SECONDS
        }))
    }

    async fn todo(&self) -> anyhow::Result<Vec<String>> {
        self.look(|tx, mailbox| mailbox::todo(tx, mailbox, limits::FETCH_BATCH))
            .await
    }

    async fn told(&self, name: &str) -> anyhow::Result<()> {
        let name = name.to_owned();
        self.note(move |tx, _, mailbox| mailbox::told(tx, mailbox, &name)).await
    }

    fn spool(&self) -> Spool {
        self.entrance.spool()
    }

    /// Appends to a mail that is being fetched, outside of the task.
    async fn grow(&self, mut spool: Spool, bytes: Vec<u8>) -> anyhow::Result<Spool> {
        let grown = tokio::task::spawn_blocking(move || spool.append(&bytes).map(|()| spool));
        Ok(grown.await??)
    }

    /// Takes a mail that was fetched, and marks it as taken, in one transaction. Whether the server is to be told.
    async fn take(&self, found: Found, head: &[u8], mail: Body) -> anyhow::Result<bool> {
        let shadow =
            !self.account.live || matches!((found.before, found.received_at), (Some(before), Some(at)) if at < before);
        let todo = !shadow && self.account.after.is_something();
        let said = arrival::Envelope {
            way: self.account.mailbox().into(),
            from: stored::return_path(head),
            to: vec![self.account.to.clone()],
            peer: self.account.host.clone(),
            helo: String::new(),
        };
        let (now, mailbox) = (self.clock.now(), self.account.mailbox());
        let also = move |tx: &mut Tx<'_>, raw| {
            if shadow {
                arrival::in_shadow(tx, raw)?;
            }
            mailbox::took(tx, &mailbox, &found.name, raw, todo)?;
            match &found.place {
                Some(place) => mailbox::reach(tx, now, &mailbox, place),
                None => Ok(()),
            }
        };
        self.entrance.keep(said, mail, Box::new(also)).await?;
        Ok(todo)
    }

    /// Notes that a mail could not be fetched, and goes past it.
    async fn failed(&self, found: &Found, cause: &str) -> anyhow::Result<()> {
        let (name, place, said) = (found.name.clone(), found.place.clone(), cause.to_owned());
        let tries = self
            .note(move |tx, now, mailbox| {
                if let Some(place) = &place {
                    mailbox::reach(tx, now, mailbox, place)?;
                }
                mailbox::failed(tx, now, mailbox, &name, &said)
            })
            .await?;
        let (mailbox, name) = (self.account.mailbox(), &found.name);
        if tries >= limits::FETCH_TRIES {
            tracing::error!(
                mailbox,
                name,
                cause,
                "a mail could not be fetched and is not tried again: look at it there"
            );
        } else {
            tracing::warn!(
                mailbox,
                name,
                cause,
                tries,
                "a mail could not be fetched; it is tried again later"
            );
        }
        Ok(())
    }

    /// A mail that is larger than the desk takes: its place is taken by a letter that says so, for somebody waits for an
    /// answer to it.
    fn instead(&self, header: &[u8], size: u64, name: &str) -> Vec<u8> {
        let known = crate::mail::parse::understand(header);
        let line = |text: &str| text.replace(['\r', '\n'], " ");
        let from = known.from.map(|one| one.address).unwrap_or_default();
        format!(
            "From: {}\r\nTo: {}\r\nSubject: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             This mail has {size} bytes, and the desk takes up to {}. It was not fetched and stays in {} as {name}.\r\n\
             Look at it there; the sender waits for an answer.\r\n",
            line(&from),
            line(&self.account.to),
            line(&known.subject),
            limits::MESSAGE_BYTES,
            line(&self.account.shown()),
        )
        .into_bytes()
    }

    /// Whether the disk has room for a mail of this size.
    fn has_room(&self, size: u64) -> anyhow::Result<()> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.entrance
            .room(size)
            .map_err(|reply| anyhow::anyhow!("{}", reply.text))
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
