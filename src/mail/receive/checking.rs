//! Senders are checked while their mails are being read: a mail gets its place when both are done.
//!
//! Whichever comes first waits for the other, within [`crate::limits::VERIFY_AT_ONCE`] mails and [`crate::limits::VERIFY_BYTES`] bytes, so
//! that a slow name server holds up its own mails only.

use super::Understanding;
use crate::desk::arrival::{self, Waiting};
use crate::desk::message::Incoming;
use crate::desk::origin::Origin;
use crate::desk::{RawId, recheck};
use crate::limits;
use crate::mail::verify::{Mail, Question, Scan};
use crate::refusal::Outcome;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;

/// A mail whose sender is being checked.
pub(super) struct Checking {
    /// The mail, once it is understood.
    pub(super) mail: Option<Incoming>,
    /// The verdict, once it is there.
    origin: Option<Origin>,
    /// Its size.
    bytes: usize,
}

/// What is asked about a mail. A signature covers all of it: of a large one the pieces are read one after the other.
fn question(store: &Store, one: &Waiting) -> Outcome<Question> {
    let mail = match one.body {
        None => Mail::Whole(Arc::new(one.head.clone())),
        Some(body) => {
            let mut scan = Scan::begin();
            scan.feed(&one.head);
            for place in 0.. {
                if !scan.wants_more() {
                    break;
                }
                match store.read(|tx| arrival::piece(tx, body, place))? {
                    Some(piece) => scan.feed(&piece),
                    None => break,
                }
            }
            Mail::Scanned(Arc::new(scan.finish()))
        }
    };
    Ok(Question {
        raw: one.raw.0,
        received_at: one.received_at,
        way: one.way.clone(),
        peer: one.peer.clone(),
        helo: one.helo.clone(),
        from: one.envelope_from.clone(),
        mail,
    })
}

impl Understanding {
    /// Has the sender of a mail looked up while the mail is being read.
    pub(super) fn check(&mut self, one: &Waiting) -> Outcome<()> {
        let Some(verifier) = &self.verifier else { return Ok(()) };
        let question = question(&self.store, one)?;
        let waits = Checking {
            mail: None,
            origin: None,
            bytes: question.mail.beginning().len(),
        };
        self.checking.insert(one.raw.0, waits);
        verifier.ask(question);
        Ok(())
    }

    /// Has those looked up again whose time has come, as many as memory allows at once; whether there were any. On a desk
    /// that believes every sender they wait.
    pub(super) fn check_again(&mut self) -> Outcome<bool> {
        let Some(verifier) = &self.verifier else {
            return Ok(false);
        };
        let due = self.store.read(recheck::waiting)?;
        let mut asked = false;
        for raw in due {
            if self.rechecking.contains_key(&raw.0) {
                continue;
            }
            if self.rechecking.values().sum::<usize>() > limits::VERIFY_BYTES {
                break;
            }
            if let Some(one) = self.store.read(|tx| arrival::found(tx, raw))? {
                let question = question(&self.store, &one)?;
                self.rechecking.insert(raw.0, question.mail.beginning().len());
                verifier.ask(question);
                asked = true;
            }
        }
        Ok(asked)
    }

    /// Records what was found out the second time.
    fn answered_again(&mut self, raw: i64, origin: Origin) {
        self.rechecking.remove(&raw);
        let (desk, now) = (Arc::clone(&self.desk), self.clock.now());
        let kept = self
            .store
            .write(move |tx| recheck::answered(tx, now, &desk, RawId(raw), &origin));
        if let Err(error) = kept {
            tracing::error!(%error, raw, "what was found out about a sender cannot be recorded; the mail waits for a person");
            if let Err(error) = self.store.write(move |tx| recheck::give_up(tx, RawId(raw))) {
                tracing::error!(%error, raw, "and that cannot be recorded either");
            }
        }
    }

    pub(super) fn bytes_in_check(&self) -> usize {
        self.checking.values().map(|one| one.bytes).sum()
    }

    /// Takes the verdicts that are there; waits so long for the first.
    pub(super) fn hear(&mut self, patience: Duration) {
        let mut patience = patience;
        while !(self.checking.is_empty() && self.rechecking.is_empty())
            && let Some((raw, origin)) = self.verifier.as_ref().and_then(|verifier| verifier.answer(patience))
        {
            patience = Duration::ZERO;
            if self.rechecking.contains_key(&raw) {
                self.answered_again(raw, origin);
                continue;
            }
            // A mail that was read anew after a failure may hear its first verdict and then, unasked for, its second.
            let Some(waits) = self.checking.get_mut(&raw) else {
                continue;
            };
            waits.origin = Some(origin);
            self.judged(raw);
        }
    }

    /// Places a mail that is understood and whose sender is checked.
    pub(super) fn judged(&mut self, raw: i64) {
        let is_ready = |one: &Checking| one.mail.is_some() && one.origin.is_some();
        if !self.checking.get(&raw).is_some_and(is_ready) {
            return;
        }
        if let Some(Checking {
            mail: Some(mut mail),
            origin,
            ..
        }) = self.checking.remove(&raw)
        {
            mail.facts.origin = origin;
            self.place(mail);
        }
    }
}
