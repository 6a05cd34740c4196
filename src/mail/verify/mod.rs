//! Who wrote this: SPF, DKIM, DMARC and ARC of a mail that came in (RFC 7208, 6376, 9989, 8617).
//!
//! Promises: nothing is looked up before the mail is durable; a slow name server delays the mails of its own domain for
//! [`limits::VERIFY_SECONDS`] at most and others hardly at all; trouble with names is *no verdict*, never a loss; a mail of
//! any shape gets an answer. The work needs the network, so it happens in this process and not in the worker: what it reads
//! of a mail is the header, within bounds (`author`), and hashes of the body (`body`), which a large mail is never held whole for. Signatures and records are mail-auth's
//! business; who the author is (`author`), which gateways are believed (`results`) and what follows (`judge`) is ours.
//! Leaves out: what a verdict is worth (`desk::origin`), and reports to other domains.

mod author;
mod body;
mod checks;
mod judge;
mod results;

pub use body::{Scan, Scanned};
pub use checks::{Checks, Networks};

use crate::desk::origin::{Finding, Origin};
use crate::limits;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// One mail to be checked, with what was said about it on the wire.
#[derive(Debug, Clone)]
pub struct Question {
    /// Number of its raw bytes.
    pub raw: i64,
    /// When it was received.
    pub received_at: Timestamp,
    /// By which way it came.
    pub way: String,
    /// Address of the host that handed it over.
    pub peer: String,
    /// What that host calls itself.
    pub helo: String,
    /// Return path.
    pub from: String,
    /// What is read of it.
    pub mail: Mail,
}

/// A mail as it is checked.
#[derive(Debug, Clone)]
pub enum Mail {
    /// All of it.
    Whole(Arc<Vec<u8>>),
    /// One that is not held whole: its header, and the hashes of its body.
    Scanned(Arc<Scanned>),
}

impl Mail {
    /// Its bytes from the beginning, the header at least.
    pub fn beginning(&self) -> &[u8] {
        match self {
            Mail::Whole(bytes) => bytes,
            Mail::Scanned(scanned) => &scanned.head,
        }
    }
}

/// Asks, and hears the answers: the end of the loop that gives mails their place.
pub struct Verifier {
    questions: UnboundedSender<(Question, Answer)>,
    answers: Receiver<(i64, Origin)>,
    to_us: Sender<(i64, Origin)>,
}

/// Sends one answer, whatever happens: a check that panics leaves "no verdict".
struct Answer {
    raw: i64,
    to: Sender<(i64, Origin)>,
    origin: Origin,
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Nobody listens any more when the desk stops.
        let _ = self.to.send((self.raw, std::mem::take(&mut self.origin)));
    }
}

impl Verifier {
    /// Has a mail checked; its answer comes later.
    pub fn ask(&self, question: Question) {
        let answer = Answer {
            raw: question.raw,
            to: self.to_us.clone(),
            origin: trouble("it could not be checked"),
        };
        // If the checks have stopped, the answer is dropped here, and so given.
        let _ = self.questions.send((question, answer));
    }

    /// The next answer, if one comes within this time.
    pub fn answer(&self, patience: Duration) -> Option<(i64, Origin)> {
        self.answers.recv_timeout(patience).ok()
    }
}

/// What does the checking: `run` is the worker that `serve` starts.
pub struct Work {
    checks: Arc<Checks>,
    questions: UnboundedReceiver<(Question, Answer)>,
}

/// The two ends of the checking.
pub fn begin(checks: Checks) -> (Verifier, Work) {
    let (questions, asked) = unbounded_channel();
    let (to_us, answers) = std::sync::mpsc::channel();
    let verifier = Verifier {
        questions,
        answers,
        to_us,
    };
    let work = Work {
        checks: Arc::new(checks),
        questions: asked,
    };
    (verifier, work)
}

impl Work {
    /// Checks mails side by side until nobody asks any more.
    pub async fn run(mut self) {
        let mut under_way = JoinSet::new();
        let slow: Arc<Slow> = Arc::default();
        loop {
            tokio::select! {
                asked = self.questions.recv(), if under_way.len() < limits::VERIFY_AT_ONCE => match asked {
                    Some((question, answer)) => {
                        under_way.spawn(check(Arc::clone(&self.checks), Arc::clone(&slow), question, answer));
                    }
                    None => break,
                },
                Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }
}

async fn check(checks: Arc<Checks>, slow: Arc<Slow>, question: Question, mut answer: Answer) {
    let domain = checks::author_domain(question.mail.beginning());
    if let Some(domain) = &domain
        && slow.remembers(domain)
    {
        answer.origin = trouble(&format!("the name servers of {domain} do not answer"));
        return;
    }
    let patience = Duration::from_secs(limits::VERIFY_SECONDS);
    answer.origin = match tokio::time::timeout(patience, checks.origin(&question)).await {
        Ok(origin) => origin,
        Err(_) => {
            let domain = domain.unwrap_or_default();
            let said = trouble(&format!("the name servers of {domain} did not answer in time"));
            slow.remember(domain);
            said
        }
    };
}

fn trouble(why: &str) -> Origin {
    Origin {
        finding: Finding::Trouble,
        reason: why.to_owned(),
        ..Origin::default()
    }
}

/// Domains whose name servers kept us waiting: for a while their mails are not made to wait again.
#[derive(Default)]
struct Slow(Mutex<HashMap<String, Instant>>);

impl Slow {
    fn remembers(&self, domain: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(domain).is_some_and(|until| *until > Instant::now())
    }

    fn remember(&self, domain: String) {
        let now = Instant::now();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, until| *until > now);
        if known.len() < limits::SLOW_DOMAINS {
            known.insert(domain, now + Duration::from_secs(limits::SLOW_DOMAIN_SECONDS));
        }
    }
}
