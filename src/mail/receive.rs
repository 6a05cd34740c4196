//! From the wire to a case: keeping what was sent, and having it understood.
//!
//! [`Entrance`] is what the SMTP session asks: it takes mail for the desk's addresses and says yes only when raw bytes,
//! envelope and receipt time are durable. [`Understanding`] is the loop behind it: it hands waiting arrivals to the worker
//! process in batches, and gives each its place in the desk. While one batch is being placed the next is being read, so
//! that writer and worker work at the same time. A mail in whose hands the worker dies is counted before it is tried again,
//! and set aside the second time; what comes after it is not delayed by more than the worker's restart.

mod checking;
mod understood;

pub use understood::incoming;

use super::raw::{Body, Spool, Spooled};
use super::session::{Envelope, Gate, Reply};
use super::verify::Verifier;
use super::worker::{Asked, Verdict, Worker};
use crate::clock::Clock;
use crate::desk::arrival::{self, Waiting};
use crate::desk::message::{self, Incoming};
use crate::desk::repeat::{self, Digest};
use crate::desk::{BodyId, Desk, RawId, Unverified};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Pending, Store, Tx};
use checking::Checking;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the SMTP session asks of the desk.
pub struct Entrance {
    store: Store,
    desk: Arc<Desk>,
    clock: Clock,
    /// Free bytes of the disk under the database, asked anew for each mail; `None` where nobody can say.
    free_space: Box<dyn Fn() -> Option<(u64, u64)> + Send + Sync>,
    /// By which way mail comes in here.
    way: &'static str,
    /// Where large mails grow.
    folder: PathBuf,
    rates: Mutex<HashMap<String, (Timestamp, usize)>>,
}

/// What else is done in the transaction that makes a mail durable, if anything.
pub type Also = Option<Box<dyn FnOnce(&mut Tx<'_>, RawId) -> Outcome<()> + Send>>;

impl Entrance {
    /// An entrance for mail that comes by `way`; large mails grow in `folder`, `free_space` answers (free, total) bytes
    /// of the disk.
    pub fn new(
        way: &'static str,
        folder: PathBuf,
        store: Store,
        desk: Arc<Desk>,
        clock: Clock,
        free_space: impl Fn() -> Option<(u64, u64)> + Send + Sync + 'static,
    ) -> Entrance {
        Entrance {
            store,
            desk,
            clock,
            free_space: Box::new(free_space),
            way,
            folder,
            rates: Mutex::default(),
        }
    }

    /// Whether the disk has room for a mail of this size.
    ///
    /// # Errors
    /// The reply to give.
    pub fn room(&self, size: usize) -> Result<(), Reply> {
        let Some((free, total)) = (self.free_space)() else {
            return Ok(());
        };
        let needed = (size as f64 * 1.5).max(total as f64 * limits::FREE_DISK_SHARE);
        if (free as f64) < needed.min(limits::FREE_DISK_BYTES_MOST) {
            return Err(Reply::of(
                452,
                "4.3.1",
                "the desk's disk is nearly full; your server will try again",
            ));
        }
        Ok(())
    }

    /// Makes a mail durable, with what else its transaction does. A large one is stored piece by piece, in transactions of
    /// which the last makes it be there: nothing that was cut off stands anywhere but among unfinished bodies.
    ///
    /// # Errors
    /// Whatever the store or the mail's file said; nothing was kept.
    pub async fn keep(&self, said: arrival::Envelope, mail: Body, also: Also) -> Outcome<RawId> {
        let now = self.clock.now();
        match mail {
            Body::Here(bytes) => {
                let digest = repeat::digest(&bytes);
                let accept = move |tx: &mut Tx<'_>| arrival::accept(tx, now, &said, &digest, bytes);
                if cfg!(feature = "sabotage-ack-before-commit") {
                    drop(self.store.submit(accept));
                    return Ok(RawId(0));
                }
                match also {
                    None => self.store.append_async(accept).await,
                    Some(also) => {
                        let both = move |tx: &mut Tx<'_>| {
                            let raw = accept(tx)?;
                            also(tx, raw)?;
                            Ok(raw)
                        };
                        self.store.write_async(both).await
                    }
                }
            }
            Body::Spooled(spooled) => {
                let body = self.store.write_async(move |tx| arrival::begin_body(tx, now)).await?;
                let kept = self.keep_spooled(now, said, spooled, body, also).await;
                if kept.is_err() {
                    // Should this fail as well, the next start drops it.
                    let _ = self.store.write_async(move |tx| arrival::drop_body(tx, body)).await;
                }
                kept
            }
        }
    }

    async fn keep_spooled(
        &self,
        now: Timestamp,
        said: arrival::Envelope,
        mut spooled: Spooled,
        body: BodyId,
        also: Also,
    ) -> Outcome<RawId> {
        let (mut digest, mut head, mut place) = (Digest::default(), None, 0);
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let mut pieces = Vec::with_capacity(limits::PIECES_AT_ONCE);
                while pieces.len() < limits::PIECES_AT_ONCE {
                    let piece = spooled.piece()?;
                    if piece.is_empty() {
                        break;
                    }
                    digest.feed(&piece);
                    pieces.push(piece);
                }
                std::io::Result::Ok((spooled, digest, pieces))
            });
            let mut pieces;
            (spooled, digest, pieces) = read.await.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
            if pieces.is_empty() {
                break;
            }
            if head.is_none() {
                head = Some(pieces.remove(0));
            }
            let count = pieces.len() as i64;
            self.store
                .write_async(move |tx| arrival::keep_pieces(tx, body, place, pieces))
                .await?;
            place += count;
        }
        let (head, digest) = (head.unwrap_or_default(), digest.finish());
        self.store
            .write_async(move |tx| {
                let raw = arrival::accept_body(tx, now, &said, &digest, head, body)?;
                also.map_or(Ok(()), |also| also(tx, raw))?;
                Ok(raw)
            })
            .await
    }

    /// Counts mails of senders that are not verified: nobody unknown fills the spool at will.
    fn within_rate(&self, sender: &str) -> bool {
        if self.desk.unverified == Unverified::Schedule {
            return true;
        }
        let now = self.clock.now();
        let Ok(mut rates) = self.rates.lock() else { return true };
        if rates.len() >= limits::RATE_SENDERS {
            rates.retain(|_, (since, _)| now.duration_since(*since) < SignedDuration::from_hours(1));
        }
        let sender = sender.to_lowercase();
        if rates.len() >= limits::RATE_SENDERS && !rates.contains_key(&sender) {
            return false;
        }
        let entry = rates.entry(sender).or_insert((now, 0));
        if now.duration_since(entry.0) >= SignedDuration::from_hours(1) {
            *entry = (now, 0);
        }
        entry.1 += 1;
        entry.1 <= limits::UNVERIFIED_MAILS_PER_HOUR
    }
}

impl Gate for Entrance {
    fn sender(&self, _peer: IpAddr, from: &str, declared_size: Option<usize>) -> Result<(), Reply> {
        self.room(declared_size.unwrap_or(0))?;
        match self.within_rate(from) {
            true => Ok(()),
            false => Err(Reply::of(
                450,
                "4.7.1",
                "too many mails from this sender in an hour; your server will try again",
            )),
        }
    }

    fn recipient(&self, _envelope: &Envelope, to: &str) -> Result<(), Reply> {
        match self.desk.takes(to) || self.desk.is_postmaster(to) {
            true => Ok(()),
            false => Err(Reply::of(
                550,
                "5.1.1",
                "this desk has no such address; see whom you meant to write to",
            )),
        }
    }

    async fn take(&self, envelope: Envelope, mail: Body) -> Result<(), Reply> {
        let said = arrival::Envelope {
            way: self.way.into(),
            from: envelope.from,
            to: envelope.to,
            peer: envelope.peer.to_string(),
            helo: envelope.helo,
        };
        match self.keep(said, mail, None).await {
            Ok(_) => Ok(()),
            Err(fault) => {
                tracing::error!(error = %fault, "a mail could not be stored; its sender keeps it");
                Err(Reply::of(
                    451,
                    "4.3.0",
                    "the mail could not be stored; your server will try again",
                ))
            }
        }
    }

    fn spool(&self) -> Spool {
        Spool::within(self.folder.clone())
    }
}

/// The loop that gives every arrival its place.
pub struct Understanding {
    store: Store,
    desk: Arc<Desk>,
    clock: Clock,
    worker: Worker,
    /// The newest arrival that was handed on: older ones that still wait are in flight or were found at start.
    after: RawId,
    /// Understood, and not yet given to the writer.
    ready: Vec<Incoming>,
    /// Given to the writer, a few mails a job.
    placing: Vec<(Arc<Vec<Incoming>>, Pending<()>)>,
    /// Finds out who wrote a mail; none on a desk that believes every sender.
    verifier: Option<Verifier>,
    /// Mails whose sender is being looked up again, with their size.
    rechecking: HashMap<i64, usize>,
    /// Mails whose sender is being checked, by the number of their bytes: those that are understood, and verdicts that came
    /// before that.
    checking: HashMap<i64, Checking>,
}

impl Understanding {
    /// A loop that has understood nothing yet; counts this start on everything that waits.
    pub fn begin(
        store: Store,
        desk: Arc<Desk>,
        clock: Clock,
        worker: Worker,
        verifier: Option<Verifier>,
    ) -> Outcome<Understanding> {
        store.write(|tx| {
            arrival::drop_unfinished(tx)?;
            arrival::count_start(tx)
        })?;
        Ok(Understanding {
            store,
            desk,
            clock,
            worker,
            after: RawId(0),
            ready: Vec::new(),
            placing: Vec::new(),
            verifier,
            rechecking: HashMap::new(),
            checking: HashMap::new(),
        })
    }

    /// Takes the next batch; false when nothing waits any more. Blocks while the worker reads and the store writes. After
    /// a failure everything that has no place is read again: placing is done once, however often it is asked for.
    pub fn step(&mut self) -> Outcome<bool> {
        let stepped = self.batch();
        if stepped.is_err() {
            self.after = RawId(0);
            self.ready.clear();
            self.placing.clear();
            self.checking.clear();
            self.rechecking.clear();
        }
        stepped
    }

    fn batch(&mut self) -> Outcome<bool> {
        let after = self.after;
        let batch = self.store.read(|tx| arrival::waiting(tx, after, limits::PARSE_BATCH))?;
        let again = self.check_again()?;
        let Some(last) = batch.last() else {
            self.hear(Duration::from_millis(limits::VERDICT_MILLIS));
            self.hand_over();
            self.settle(0)?;
            return Ok(again || !self.checking.is_empty() || !self.rechecking.is_empty());
        };
        self.after = last.raw;
        let (given_up, mut todo): (Vec<_>, Vec<_>) = batch.into_iter().partition(|one| one.given_up().is_some());
        for one in given_up {
            let reason = one.given_up().unwrap_or_default();
            self.place(unreadable(&one, &reason));
        }
        self.hand_over();
        for one in &todo {
            self.check(one)?;
        }
        while !todo.is_empty() {
            todo = self.understand(todo)?;
        }
        // Verdicts are waited for beside reading on, until too many mails wait.
        self.hear(Duration::ZERO);
        while self.checking.len() > limits::VERIFY_AT_ONCE || self.bytes_in_check() > limits::VERIFY_BYTES {
            self.hear(Duration::from_millis(limits::VERDICT_MILLIS));
        }
        self.hand_over();
        Ok(true)
    }

    /// Has mails understood and placed; gives back those that must be tried again after the worker died.
    fn understand(&mut self, mut todo: Vec<Waiting>) -> Outcome<Vec<Waiting>> {
        let mails: Vec<Asked<'_>> = todo.iter().map(|one| asked(&self.store, one)).collect();
        let mut verdicts: HashMap<i64, Verdict> = self.worker.understand(&mails).into_iter().collect();
        drop(mails);
        if verdicts.values().all(|verdict| matches!(verdict, Verdict::NotTried)) {
            return Err(anyhow::anyhow!("the process that reads mail cannot be started").into());
        }
        // What came before is being placed while the worker reads; a batch or two stay with the writer, so that it never
        // waits for the worker, nor the worker for a commit.
        self.settle(limits::PLACE_AHEAD)?;
        let mut again = Vec::new();
        for mut one in todo.drain(..) {
            match verdicts.remove(&one.raw.0) {
                Some(Verdict::Understood(understood)) => {
                    let mail = incoming(&self.desk, &one, *understood);
                    match self.checking.get_mut(&one.raw.0) {
                        Some(waits) => {
                            waits.mail = Some(mail);
                            self.judged(one.raw.0);
                        }
                        None => self.place(mail),
                    }
                }
                Some(Verdict::Died { reason }) => {
                    let raw = one.raw;
                    one.deaths = self.store.write(move |tx| arrival::count_death(tx, raw))?;
                    tracing::warn!(
                        raw = raw.0,
                        deaths = one.deaths,
                        reason,
                        "the worker died with a mail in hand"
                    );
                    match one.given_up() {
                        Some(why) => {
                            self.checking.remove(&one.raw.0);
                            self.place(unreadable(&one, &format!("{why} ({reason})")));
                        }
                        None => again.push(one),
                    }
                }
                Some(Verdict::NotTried) | None => again.push(one),
            }
        }
        self.hand_over();
        // What killed the worker once is tried last and alone: it delays nobody again.
        again.sort_by_key(|one| (one.deaths, one.raw));
        if again.iter().any(|one| one.deaths > 0) && again.len() > 1 {
            let suspects = again.split_off(again.iter().position(|one| one.deaths > 0).unwrap_or(again.len()));
            while !again.is_empty() {
                again = self.understand(again)?;
            }
            for one in suspects {
                let mut alone = vec![one];
                while !alone.is_empty() {
                    alone = self.understand(alone)?;
                }
            }
        }
        Ok(again)
    }

    fn place(&mut self, mail: Incoming) {
        self.ready.push(mail);
        if self.ready.len() >= limits::PLACE_AT_ONCE {
            self.hand_over();
        }
    }

    /// Gives the writer what is ready, as one job.
    fn hand_over(&mut self) {
        if self.ready.is_empty() {
            return;
        }
        let mails = Arc::new(std::mem::take(&mut self.ready));
        for mail in mails.iter() {
            mail.worked_out();
        }
        let (desk, now, job) = (Arc::clone(&self.desk), self.clock.now(), Arc::clone(&mails));
        let pending = self.store.submit(move |tx| {
            for mail in job.iter() {
                message::place(tx, now, &desk, mail)?;
            }
            Ok(())
        });
        self.placing.push((mails, pending));
    }

    /// Waits until what was handed to the writer is durable, but for the newest `ahead` jobs. Of a job that failed each
    /// mail is tried alone; one that could not be placed alone is tried again: while the store works the failure is
    /// counted like a death of the worker, so that it ends as an unreadable mail with a place.
    fn settle(&mut self, ahead: usize) -> Outcome<()> {
        let oldest = self.placing.len().saturating_sub(ahead);
        for (mails, pending) in self.placing.drain(..oldest) {
            let Err(together) = pending.wait() else { continue };
            tracing::warn!(error = %together, mails = mails.len(), "mails could not be placed together; now one by one");
            for mail in mails.iter() {
                let (desk, now, raw, mail) = (Arc::clone(&self.desk), self.clock.now(), RawId(mail.raw), mail.clone());
                if let Err(fault) = self.store.write(move |tx| message::place(tx, now, &desk, &mail)) {
                    tracing::error!(error = %fault, raw = raw.0, "a mail could not be given its place; it is tried again");
                    // First of all: whatever else fails here, it is read again.
                    self.after = RawId(self.after.0.min(raw.0 - 1));
                    self.store.write(move |tx| arrival::count_death(tx, raw))?;
                }
            }
        }
        Ok(())
    }

    /// Ends the worker process of a desk that has been idle for a while.
    pub fn rest(&mut self) {
        self.worker
            .stop_if_idle(std::time::Duration::from_secs(limits::WORKER_IDLE_SECONDS));
    }
}

/// A mail for the worker; what of it lies in pieces is read while it is handed over.
fn asked<'a>(store: &Store, one: &'a Waiting) -> Asked<'a> {
    asked_of(store, one.raw.0, &one.head, one.body, one.size)
}

/// The same by its parts: its number, its first piece, and where the others lie.
pub(super) fn asked_of<'a>(store: &Store, id: i64, head: &'a [u8], body: Option<BodyId>, size: u64) -> Asked<'a> {
    let asked = Asked::whole(id, head);
    let Some(body) = body else { return asked };
    let store = store.clone();
    asked.followed_by(size, move |out| {
        for place in 0.. {
            match store.read(|tx| arrival::piece(tx, body, place))? {
                Some(piece) => out.write_all(&piece)?,
                None => break,
            }
        }
        Ok(())
    })
}

fn unreadable(waiting: &Waiting, reason: &str) -> Incoming {
    Incoming {
        raw: waiting.raw.0,
        received_at: waiting.received_at,
        envelope_from: waiting.envelope_from.clone(),
        trouble: Some(reason.to_owned()),
        ..Incoming::default()
    }
}
