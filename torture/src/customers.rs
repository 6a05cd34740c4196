//! Customers who write all the time, and remember exactly what they were told.
//!
//! A mail is *answered* when its 250 was heard; that is put on disk as a line of the customers' own ledger before the
//! next mail is sent. Everything else is *open*: refused, cut off, or taken and never answered. Open mails are sent again
//! at the end, byte for byte and with the same envelope, as every mail server would.

use crate::desk::signal;
use crate::dice::Dice;
use crate::mail::{self, Form, Mail};
use crate::smtp::{Said, Session, source};
use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How much is written, and when it ends.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Sessions at once.
    pub sessions: usize,
    /// Mails a second over all sessions.
    pub rate: u64,
    /// What ends it.
    pub end: End,
}

/// What ends a load.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// A moment.
    After(Duration),
    /// So many answers, however long a slow machine takes for them (two minutes at most).
    Answers(u64),
    /// The answer with this number: whoever hears it ends the desk's process at once, before doing anything else.
    AtAnswer(u64, u32),
}

/// Everybody who writes, over all cycles of a campaign.
pub struct Customers {
    dice: Dice,
    book: Mutex<Book>,
    ledger: File,
    number: AtomicU64,
}

/// What was sent.
#[derive(Default)]
pub struct Book {
    /// Mails whose 250 was heard.
    pub answered: Vec<Mail>,
    /// All others.
    pub open: Vec<Mail>,
    /// Sentences other than 250 that were heard.
    pub refusals: Vec<String>,
}

/// Customers that there are; each writes many mails.
const CUSTOMERS: u64 = 400;
/// A mail in so many is left without hearing its answer.
const DEAF: u64 = 25;
/// A mail in so many goes to two addresses of the desk.
const TWO_RECIPIENTS: u64 = 6;
/// Mails of one session at most.
const MAILS_A_SESSION: u64 = 8;

impl Customers {
    /// Customers who have written nothing yet; their ledger is a file in `folder`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(dice: Dice, folder: &Path) -> Result<Customers> {
        Ok(Customers {
            dice,
            book: Mutex::default(),
            ledger: File::create(folder.join("answered.txt"))?,
            number: AtomicU64::new(0),
        })
    }

    /// What was sent so far.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until the load ends; how many answers were heard. Who ended the desk is seen by its process being gone.
    pub fn write(&self, desk: SocketAddr, load: Load) -> u64 {
        let (heard, over) = (AtomicU64::new(0), AtomicBool::new(false));
        let began = Instant::now();
        std::thread::scope(|scope| {
            for place in 0..load.sessions {
                let dice = self.dice.fork(self.number.fetch_add(1, Ordering::Relaxed) + 1);
                let (heard, over) = (&heard, &over);
                scope.spawn(move || self.one(desk, load, place, dice, began, heard, over));
            }
            let until = match load.end {
                End::After(span) => span,
                End::Answers(_) => Duration::from_secs(120),
                End::AtAnswer(..) => Duration::from_secs(30), // a desk that answers nobody ends the load as well
            };
            while began.elapsed() < until && !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            over.store(true, Ordering::Relaxed);
            // Sessions that wait for an answer would wait for the desk's end: whoever called ends it, or answers them.
        });
        heard.into_inner()
    }

    #[expect(clippy::too_many_arguments, reason = "what the threads of one load share, each once")]
    fn one(
        &self,
        desk: SocketAddr,
        load: Load,
        place: usize,
        mut dice: Dice,
        began: Instant,
        heard: &AtomicU64,
        over: &AtomicBool,
    ) {
        let every = Duration::from_secs(load.sessions as u64) / (load.rate.max(1) as u32);
        let mut turn = every.mul_f64(dice.between(0, 999) as f64 / 1000.0);
        let mut session: Option<Session> = None;
        while !over.load(Ordering::Relaxed) {
            std::thread::sleep(turn.saturating_sub(began.elapsed()).min(Duration::from_millis(20)));
            if began.elapsed() < turn {
                continue;
            }
            turn += every;
            let mail = self.compose(&mut dice);
            let told = self.deliver(desk, place, &mut dice, &mut session, &mail);
            if matches!(told, Ok(Some(Said::Taken))) {
                let count = heard.fetch_add(1, Ordering::SeqCst) + 1;
                match load.end {
                    End::AtAnswer(number, pid) if count == number => {
                        // Gone already is as good.
                        let _ = signal(pid, Signal::KILL);
                        over.store(true, Ordering::Relaxed);
                    }
                    End::Answers(number) if count >= number => over.store(true, Ordering::Relaxed),
                    End::After(_) | End::AtAnswer(..) | End::Answers(_) => {}
                }
            }
            self.note(mail, told);
        }
    }

    fn deliver(
        &self,
        desk: SocketAddr,
        place: usize,
        dice: &mut Dice,
        session: &mut Option<Session>,
        mail: &Mail,
    ) -> Result<Option<Said>> {
        let mut open = match session.take() {
            Some(open) => open,
            None => Session::open(desk, source(place))?,
        };
        if dice.one_in(DEAF) {
            open.send_deaf(mail)?;
            return Ok(None);
        }
        let said = open.send(mail)?;
        if dice.one_in(MAILS_A_SESSION) {
            let _ = open.quit();
        } else {
            *session = Some(open);
        }
        Ok(Some(said))
    }

    fn note(&self, mail: Mail, told: Result<Option<Said>>) {
        if let Ok(Some(Said::Taken)) = told {
            let mut line = mail.message_id.clone();
            line.push('\n');
            let kept = (&self.ledger)
                .write_all(line.as_bytes())
                .and_then(|()| self.ledger.sync_data());
            assert!(kept.is_ok(), "the customers' own ledger cannot be written: {kept:?}");
            self.book().answered.push(mail);
            return;
        }
        let mut book = self.book();
        if let Ok(Some(Said::Refused(words))) = told {
            book.refusals.push(words);
        }
        book.open.push(mail);
    }

    fn compose(&self, dice: &mut Dice) -> Mail {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let form = *dice.choose(&[Form::Plain, Form::Alternative, Form::Plain, Form::HtmlOnly]);
        let bytes = dice.between(2_000, 20_000) as usize;
        let mut mail = mail::write(dice, number, number % CUSTOMERS, bytes, form);
        if dice.one_in(TWO_RECIPIENTS) {
            mail.to.push(mail::DESK.replace('@', "+second@"));
        }
        mail
    }

    /// Sends everything that is open again, until it is taken; how many mails that were.
    ///
    /// # Errors
    /// If the desk refuses one, or cannot be reached.
    pub fn retry(&self, desk: SocketAddr) -> Result<usize> {
        let open = std::mem::take(&mut self.book().open);
        let count = open.len();
        let mut session = Session::open(desk, source(0))?;
        for mail in open {
            let said = session.send(&mail).context("sending again")?;
            ensure!(said == Said::Taken, "sent again and refused: {said:?}");
            self.note(mail, Ok(Some(said)));
        }
        session.quit()?;
        Ok(count)
    }
}
