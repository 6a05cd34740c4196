//! One SMTP or LMTP session as a machine without I/O: bytes in, replies out, and now and then something for the driver to
//! do. LMTP (RFC 2033) is the same but for its greeting and one reply a recipient after the mail.
//!
//! Promises. `250` after a mail is said only when the gate has said that it is durable ([`Gate::take`]). What is taken
//! is byte for byte what was sent: no trace field is added, the peer, its greeting and the parameters stand in the
//! [`Envelope`]. Nothing said before a TLS handshake counts after it. Every list and loop has its bound in
//! [`crate::limits`].
//!
//! Left out on purpose: CHUNKING (a second way to end a mail is a second way to smuggle), AUTH (nobody sends through
//! the desk), DSN parameters, and relaying.
//!
//! `listen` drives it over sockets, the tests and the fuzzer by hand.

mod command;
mod data;
mod reply;
#[cfg(test)]
mod tests;

pub(in crate::mail) use command::is_address;
pub use data::Budget;
pub use reply::Reply;

use crate::limits;
use crate::mail::raw::{Body, Spool};
use command::{Command, Hello, Sender};
use data::{Fed, Receipt, Share};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 5321.
    Smtp,
    /// RFC 2033: with a mail server of the same house, never over the internet.
    Lmtp,
}

/// Who sent a mail to whom and how it came, as said on the connection and never as its header claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Return path; empty for `<>`.
    pub from: String,
    /// Accepted recipients in the order they were named.
    pub to: Vec<String>,
    /// The other end of the connection, IPv4 as IPv4.
    pub peer: IpAddr,
    /// What the peer called itself; a claim.
    pub helo: String,
    /// The sender said SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// The sender said BODY=8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// The connection was encrypted.
    pub tls: bool,
}

/// What the session asks of the desk. The first two are asked inside a session and must not block.
pub trait Gate: Send + Sync + 'static {
    /// Whether mail of this sender is taken now.
    ///
    /// # Errors
    /// The reply to give: 452 while the disk is full, 450 over a rate.
    fn sender(&self, peer: IpAddr, from: &str, declared_size: Option<usize>) -> Result<(), Reply>;

    /// Whether this address is the desk's.
    ///
    /// # Errors
    /// The reply to give: 550 with a sentence that says where to write instead.
    fn recipient(&self, envelope_so_far: &Envelope, to: &str) -> Result<(), Reply>;

    /// Stores the mail. `Ok` means: raw bytes, envelope and receipt time are durable.
    ///
    /// # Errors
    /// The reply to give; the sender keeps the mail.
    fn take(&self, envelope: Envelope, mail: Body) -> impl Future<Output = Result<(), Reply>> + Send;

    /// Where a mail that does not stay in memory grows.
    fn spool(&self) -> Spool {
        Spool::within(std::env::temp_dir())
    }
}

/// What the driver does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Everything was used: send the replies, read more.
    More,
    /// Put these bytes of the mail into its file, then call [`Session::spooled`].
    Spool(Vec<u8>),
    /// Ask the gate to take this mail, of which these are the bytes that were not spooled; then tell the answer to
    /// [`Session::taken`].
    Take(Envelope, Vec<u8>),
    /// Send the replies, shake hands, then call [`Session::secured`].
    Secure,
    /// Send the replies and close.
    Close,
}

#[derive(Debug)]
enum State {
    /// No transaction.
    Idle,
    /// After MAIL.
    Open(Envelope),
    /// After `354`.
    Data(Envelope, Box<Receipt>),
    /// The desk is storing; its memory is still accounted for.
    Taking { _share: Share, replies: usize },
    /// After STARTTLS, before the handshake.
    Handshake,
    /// Nothing is heard any more.
    Over,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    protocol: Protocol,
    host: Arc<str>,
    peer: IpAddr,
    budget: Arc<Budget>,
    state: State,
    helo: String,
    tls: bool,
    tls_offered: bool,
    /// A command line of which only the beginning has come.
    line: Vec<u8>,
    /// The line being read is too long; its rest is not kept.
    overlong: bool,
    errors: usize,
    commands: usize,
    completed: u64,
}

const MANY_ERRORS: Reply = Reply::of(421, "4.7.0", "too many refused commands; closing");
const MANY_COMMANDS: Reply = Reply::of(421, "4.7.0", "too many commands without a mail; closing");
const STOPPING: Reply = Reply::of(421, "4.3.2", "the desk is being stopped; please come again in a minute");
const LATE: Reply = Reply::of(421, "4.4.2", "nothing was heard for too long; closing");
const ENDLESS: Reply = Reply::of(421, "4.3.4", "this mail does not end; closing");
const OVERLONG: Reply = Reply::of(500, "5.5.2", "the command line is too long");
const LINE_END: Reply = Reply::of(500, "5.5.2", "commands end with CR LF, not with LF alone");
const HELLO_FIRST: Reply = Reply::of(503, "5.5.1", "say EHLO first");
const LHLO_FIRST: Reply = Reply::of(503, "5.5.1", "say LHLO first");
const NO_LMTP: Reply = Reply::of(502, "5.5.1", "this command is not offered here");
const IS_LMTP: Reply = Reply::of(500, "5.5.1", "this is LMTP: say LHLO and your host name");

impl Session {
    /// An SMTP session with `peer` of the server called `host`; STARTTLS is offered if `tls_offered`.
    pub fn new(host: Arc<str>, peer: IpAddr, tls_offered: bool, budget: Arc<Budget>) -> Self {
        Session {
            protocol: Protocol::Smtp,
            host,
            peer: peer.to_canonical(),
            budget,
            state: State::Idle,
            helo: String::new(),
            tls: false,
            tls_offered,
            line: Vec::new(),
            overlong: false,
            errors: 0,
            commands: 0,
            completed: 0,
        }
    }

    /// The same session in another protocol.
    pub fn speaking(self, protocol: Protocol) -> Self {
        Session { protocol, ..self }
    }

    /// The greeting, said before anything is heard.
    pub fn greet(&self, out: &mut Vec<u8>) {
        let protocol = match self.protocol {
            Protocol::Smtp => "ESMTP",
            Protocol::Lmtp => "LMTP",
        };
        out.extend_from_slice(format!("220 {} {protocol} Duly\r\n", self.host).as_bytes());
    }

    /// Whether a mail is half received.
    pub fn is_in_data(&self) -> bool {
        matches!(self.state, State::Data(..))
    }

    /// Bytes of the mail that is half received.
    pub fn came(&self) -> usize {
        if let State::Data(_, receipt) = &self.state {
            receipt.came()
        } else {
            0
        }
    }

    /// Commands and mails completed: a session in which this stands still is idle, whatever it dribbles.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Takes bytes from the peer: how many were used, and what to do before more are given.
    ///
    /// With bytes given, either some are used or the turn is [`Turn::Close`].
    pub fn step<G: Gate>(&mut self, gate: &G, input: &[u8], out: &mut Vec<u8>) -> (usize, Turn) {
        let mut used = 0;
        while used < input.len() {
            let (n, turn) = match self.state {
                State::Data(..) => self.receive(&input[used..], out),
                State::Idle | State::Open(_) => self.command_line(gate, &input[used..], out),
                State::Taking { .. } | State::Handshake | State::Over => {
                    return (used, Turn::Close);
                }
            };
            used += n;
            match turn {
                Some(Turn::Secure) if used < input.len() => {
                    // Commands that came with STARTTLS came in the clear: whoever sent them is not to be obeyed after
                    // the handshake, and a peer that does it breaks RFC 3207 §4.1. The 220 is taken back.
                    out.truncate(out.len() - READY.len());
                    self.state = State::Over;
                    Reply::of(
                        554,
                        "5.5.1",
                        "nothing may follow STARTTLS before the handshake; closing",
                    )
                    .say(out);
                    return (used, Turn::Close);
                }
                Some(turn) => return (used, turn),
                None => {}
            }
        }
        (used, Turn::More)
    }

    /// The piece of the last [`Turn::Spool`] is in its file, or why it could not be kept.
    pub fn spooled(&mut self, answer: Result<Vec<u8>, Reply>) {
        if let State::Data(_, receipt) = &mut self.state {
            match answer {
                Ok(piece) => receipt.emptied(piece),
                Err(reply) => receipt.refuse(reply.into_refusal()),
            }
        }
    }

    /// The desk's answer about the mail of the last [`Turn::Take`].
    pub fn taken(&mut self, answer: Result<(), Reply>, out: &mut Vec<u8>) {
        let before = std::mem::replace(&mut self.state, State::Idle);
        let replies = if let State::Taking { replies, .. } = before {
            replies
        } else {
            1
        };
        let reply = match answer {
            Ok(()) => {
                self.commands = 0;
                Reply::of(250, "2.0.0", "taken and stored")
            }
            Err(reply) => reply.into_refusal(),
        };
        for _ in 0..replies {
            reply.say(out);
        }
    }

    /// Replies after a mail: LMTP has one for each recipient that was accepted (RFC 2033 §4.2).
    fn replies(&self, envelope: &Envelope) -> usize {
        match self.protocol {
            Protocol::Smtp => 1,
            Protocol::Lmtp => envelope.to.len(),
        }
    }

    /// The handshake is done: everything the peer said before is forgotten (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        self.tls = true;
        self.state = State::Idle;
        self.helo.clear();
        self.completed += 1;
    }

    /// The peer was silent for too long.
    pub fn late(&mut self, out: &mut Vec<u8>) {
        self.state = State::Over;
        LATE.say(out);
    }

    /// The desk is being stopped.
    pub fn stop(&mut self, out: &mut Vec<u8>) {
        self.state = State::Over;
        STOPPING.say(out);
    }

    fn receive(&mut self, input: &[u8], out: &mut Vec<u8>) -> (usize, Option<Turn>) {
        let State::Data(_, receipt) = &mut self.state else {
            return (0, Some(Turn::Close));
        };
        let (used, fed) = receipt.feed(input);
        if receipt.is_endless() {
            self.state = State::Over;
            ENDLESS.say(out);
            return (used, Some(Turn::Close));
        }
        match fed {
            Fed::More => return (used, None),
            Fed::Full => return (used, Some(Turn::Spool(receipt.piece()))),
            Fed::End => {}
        }
        self.completed += 1;
        let State::Data(envelope, receipt) = std::mem::replace(&mut self.state, State::Idle) else {
            return (used, Some(Turn::Close));
        };
        let replies = self.replies(&envelope);
        match receipt.finish() {
            Ok((raw, share)) => {
                self.state = State::Taking { _share: share, replies };
                (used, Some(Turn::Take(envelope, raw)))
            }
            Err(reply) => {
                for _ in 0..replies {
                    reply.say(out);
                }
                (used, None)
            }
        }
    }

    /// Reads to the next LF and obeys the line, if it is whole.
    fn command_line<G: Gate>(&mut self, gate: &G, input: &[u8], out: &mut Vec<u8>) -> (usize, Option<Turn>) {
        let (piece, ends) = match memchr::memchr(b'\n', input) {
            Some(at) => (&input[..=at], true),
            None => (input, false),
        };
        self.overlong |= self.line.len() + piece.len() > limits::SMTP_COMMAND_BYTES;
        if !ends {
            if self.overlong {
                self.line.clear();
            } else {
                self.line.extend_from_slice(piece);
            }
            return (piece.len(), None);
        }
        self.completed += 1;
        self.commands += 1;
        let mut kept = std::mem::take(&mut self.line);
        let whole = if kept.is_empty() {
            piece
        } else {
            kept.extend_from_slice(piece);
            &kept[..]
        };
        let turn = if std::mem::take(&mut self.overlong) {
            self.refuse(&OVERLONG, out)
        } else if self.commands > limits::SMTP_COMMANDS {
            self.hang_up(&MANY_COMMANDS, out)
        } else {
            match whole.strip_suffix(b"\r\n") {
                None => self.refuse(&LINE_END, out),
                Some(line) => match command::read(line) {
                    Err(reply) => self.refuse(&reply, out),
                    Ok(command) => self.obey(gate, command, out),
                },
            }
        };
        kept.clear();
        self.line = kept;
        (piece.len(), turn)
    }

    fn obey<G: Gate>(&mut self, gate: &G, command: Command<'_>, out: &mut Vec<u8>) -> Option<Turn> {
        match command {
            Command::Hello(name, verb) => self.hello(name, verb, out),
            Command::Mail(sender) => self.mail(gate, &sender, out),
            Command::Rcpt(to) => self.rcpt(gate, to, out),
            Command::Data => self.data(out),
            Command::Rset => {
                self.state = State::Idle;
                self.agree(&Reply::of(250, "2.0.0", "forgotten"), out)
            }
            Command::Noop => self.agree(&Reply::of(250, "2.0.0", "still here"), out),
            Command::Help => self.agree(
                &Reply::of(214, "2.0.0", "write a mail to one of the desk's addresses"),
                out,
            ),
            Command::Vrfy => self.agree(
                &Reply::of(252, "2.5.2", "addresses are not shown; send the mail and see"),
                out,
            ),
            Command::StartTls => self.start_tls(out),
            Command::Quit => self.hang_up(&Reply::of(221, "2.0.0", "good bye"), out),
            Command::Foreign(text) => self.hang_up(&Reply::of(502, "5.5.1", text), out),
        }
    }

    fn hello(&mut self, name: &str, verb: Hello, out: &mut Vec<u8>) -> Option<Turn> {
        match (self.protocol, verb) {
            (Protocol::Smtp, Hello::Lhlo) => return self.refuse(&NO_LMTP, out),
            (Protocol::Lmtp, Hello::Ehlo | Hello::Helo) => return self.refuse(&IS_LMTP, out),
            _ => {}
        }
        self.state = State::Idle;
        name.clone_into(&mut self.helo);
        let host = &self.host;
        if verb == Hello::Helo {
            out.extend_from_slice(format!("250 {host}\r\n").as_bytes());
            return None;
        }
        let start_tls = if self.tls_offered && !self.tls {
            "250-STARTTLS\r\n"
        } else {
            ""
        };
        let size = limits::MESSAGE_BYTES;
        out.extend_from_slice(
            format!(
                "250-{host}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE {size}\r\n250-SMTPUTF8\r\n{start_tls}250 ENHANCEDSTATUSCODES\r\n"
            )
            .as_bytes(),
        );
        None
    }

    fn mail<G: Gate>(&mut self, gate: &G, sender: &Sender<'_>, out: &mut Vec<u8>) -> Option<Turn> {
        if self.helo.is_empty() {
            return match self.protocol {
                Protocol::Smtp => self.refuse(&HELLO_FIRST, out),
                Protocol::Lmtp => self.refuse(&LHLO_FIRST, out),
            };
        }
        if matches!(self.state, State::Open(_)) {
            return self.refuse(
                &Reply::of(503, "5.5.1", "a mail is begun already; RSET forgets it"),
                out,
            );
        }
        if sender.size.is_some_and(|size| size > limits::MESSAGE_BYTES) {
            return self.refuse(&data::too_large(), out);
        }
        if self.budget.left() < sender.size.unwrap_or(1) {
            return self.refuse(&data::out_of_memory(), out);
        }
        if let Err(reply) = gate.sender(self.peer, sender.from, sender.size) {
            return self.refuse(&reply.into_refusal(), out);
        }
        self.state = State::Open(Envelope {
            from: sender.from.to_owned(),
            to: Vec::new(),
            peer: self.peer,
            helo: self.helo.clone(),
            smtputf8: sender.smtputf8,
            eight_bit: sender.eight_bit,
            tls: self.tls,
        });
        self.agree(&Reply::of(250, "2.1.0", "go on"), out)
    }

    fn rcpt<G: Gate>(&mut self, gate: &G, to: &str, out: &mut Vec<u8>) -> Option<Turn> {
        let State::Open(envelope) = &mut self.state else {
            return self.refuse(&Reply::of(503, "5.5.1", "say MAIL first"), out);
        };
        if envelope.to.len() >= limits::RECIPIENTS {
            let text = format!("{} recipients a mail; send the rest again", limits::RECIPIENTS);
            return self.refuse(&Reply::new(452, "4.5.3", text), out);
        }
        if !envelope.smtputf8 && !to.is_ascii() {
            return self.refuse(
                &Reply::of(553, "5.6.7", "an address beyond ASCII needs SMTPUTF8 with MAIL"),
                out,
            );
        }
        if let Err(reply) = gate.recipient(envelope, to) {
            return self.refuse(&reply.into_refusal(), out);
        }
        envelope.to.push(to.to_owned());
        self.agree(&Reply::of(250, "2.1.5", "go on"), out)
    }

    fn data(&mut self, out: &mut Vec<u8>) -> Option<Turn> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Open(envelope) if !envelope.to.is_empty() => {
                self.state = State::Data(envelope, Box::new(Receipt::new(&self.budget)));
                out.extend_from_slice(b"354 send the mail, end it with a dot alone on a line\r\n");
                None
            }
            State::Open(envelope) => {
                self.state = State::Open(envelope);
                let code = match self.protocol {
                    Protocol::Smtp => 554,
                    Protocol::Lmtp => 503, // RFC 2033 §4.2
                };
                self.refuse(&Reply::of(code, "5.5.1", "no recipient was accepted"), out)
            }
            other => {
                self.state = other;
                self.refuse(&Reply::of(503, "5.5.1", "say MAIL and RCPT first"), out)
            }
        }
    }

    fn start_tls(&mut self, out: &mut Vec<u8>) -> Option<Turn> {
        if self.tls {
            return self.refuse(&Reply::of(503, "5.5.1", "this connection is encrypted already"), out);
        }
        if !self.tls_offered {
            return self.refuse(&Reply::of(502, "5.5.1", "encryption is not offered here"), out);
        }
        self.state = State::Handshake;
        out.extend_from_slice(READY);
        Some(Turn::Secure)
    }

    fn agree(&self, reply: &Reply, out: &mut Vec<u8>) -> Option<Turn> {
        reply.say(out);
        None
    }

    fn refuse(&mut self, reply: &Reply, out: &mut Vec<u8>) -> Option<Turn> {
        self.errors += usize::from(reply.is_permanent());
        if self.errors > limits::SMTP_ERRORS {
            return self.hang_up(&MANY_ERRORS, out);
        }
        reply.say(out);
        None
    }

    fn hang_up(&mut self, reply: &Reply, out: &mut Vec<u8>) -> Option<Turn> {
        self.state = State::Over;
        reply.say(out);
        Some(Turn::Close)
    }
}

const READY: &[u8] = b"220 2.0.0 go ahead\r\n";
