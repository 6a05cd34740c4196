//! Senders are checked while their mails are being read: a mail gets its place when both are done.
//!
//! Whichever comes first waits for the other, within [`crate::limits::VERIFY_AT_ONCE`] mails and [`crate::limits::VERIFY_BYTES`] bytes, so
//! that a slow name server holds up its own mails only.

use super::Understanding;
use crate::desk::arrival::{self, Waiting};
use crate::desk::message::Incoming;
use crate::desk::origin::Origin;
use crate::mail::verify::Question;
use crate::refusal::Outcome;
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

impl Understanding {
    /// Has the sender of a mail looked up while the mail is being read.
    pub(super) fn check(&mut self, one: &Waiting) -> Outcome<()> {
        let Some(verifier) = &self.verifier else { return Ok(()) };
        let raw = one.raw;
        // A signature covers the whole mail: of a large one the rest is read as well.
        let bytes = match one.body {
            None => one.head.clone(),
            Some(_) => self.store.read(|tx| arrival::raw(tx, raw))?,
        };
        let waits = Checking {
            mail: None,
            origin: None,
            bytes: bytes.len(),
        };
        self.checking.insert(raw.0, waits);
        verifier.ask(Question {
            raw: one.raw.0,
            received_at: one.received_at,
            way: one.way.clone(),
            peer: one.peer.clone(),
            helo: one.helo.clone(),
            from: one.envelope_from.clone(),
            bytes: Arc::new(bytes),
        });
        Ok(())
    }

    pub(super) fn bytes_in_check(&self) -> usize {
        self.checking.values().map(|one| one.bytes).sum()
    }

    /// Takes the verdicts that are there; waits so long for the first.
    pub(super) fn hear(&mut self, patience: Duration) {
        let mut patience = patience;
        while !self.checking.is_empty()
            && let Some((raw, origin)) = self.verifier.as_ref().and_then(|verifier| verifier.answer(patience))
        {
            patience = Duration::ZERO;
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
