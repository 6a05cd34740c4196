//! The commands that we say to an IMAP server, one after the other.
//!
//! What the server refuses (`NO`) is a value, for the next mail goes on; what breaks the conversation is an error. The
//! password or token is said to the server and nowhere else.

use super::wire::{Piece, Response, Token, Wire};
use super::words::{internal_date, quoted, utf7};
use super::{Body, Fetch, Folder, Known};
use crate::limits;
use crate::mail::fetch::account::{Account, Auth, Scheme};
use crate::mail::fetch::connect::{self, Duplex};
use anyhow::{Context, bail, ensure};
use data_encoding::BASE64;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// What a server refused, in its words.
type Said<T> = Result<T, String>;

pub(super) struct Client {
    stream: Box<dyn Duplex>,
    wire: Wire,
    tag: u32,
    /// The server told of mail since the folder was last searched: it tells once, with whatever it is answering.
    news: bool,
    offers: HashSet<String>,
}

/// What to do with a literal that is coming.
enum Literals<'a> {
    /// Into the response, if it is small.
    Keep,
    /// Into the mail that is being fetched.
    Grow(&'a Fetch, &'a mut Growing),
}

/// A mail that is being fetched.
struct Growing {
    /// Its first bytes, for its return path.
    head: Vec<u8>,
    rest: Vec<u8>,
    spool: Option<crate::mail::raw::Spool>,
    whole: bool,
}

impl Client {
    /// A connection on which we are signed in.
    pub async fn sign_in(account: &Account) -> anyhow::Result<Client> {
        let Scheme::Imap { tls } = account.scheme else {
            bail!("this mailbox is not spoken to in IMAP");
        };
        let stream = connect::plain(account).await?;
        let mut client = match tls {
            true => Client::over(connect::secure(account, stream).await?),
            false => Client::in_the_clear(account, stream).await?,
        };
        if tls {
            client.greeting().await?;
        }
        client.ask_offers().await?;
        let secret = account.secret().await?;
        let said = match account.auth {
            Auth::Bearer => client.sign_in_with_token(account, &secret).await?,
            Auth::Password => client.sign_in_with_password(account, &secret).await?,
        };
        if let Err(said) = said {
            bail!("the server does not let {} in: {said}", account.user);
        }
        // What is offered may change with who asks.
        client.ask_offers().await?;
        Ok(client)
    }

    /// A connection that is encrypted by STARTTLS, or stays on this machine.
    async fn in_the_clear(account: &Account, stream: tokio::net::TcpStream) -> anyhow::Result<Client> {
        let mut talk = Client::over(Box::new(stream));
        talk.greeting().await?;
        talk.ask_offers().await?;
        if account.is_local() {
            return Ok(talk);
        }
        ensure!(
            talk.offers.contains("STARTTLS"),
            "the server offers no encryption, and what follows is a secret: use imaps://"
        );
        drop(talk);
        // Begun anew, so that nothing said in the clear can be mistaken for something said after.
        let mut stream = connect::plain(account).await?;
        let mut wire = Wire::default();
        starttls(&mut stream, &mut wire).await?;
        let mut client = Client::over(connect::secure(account, stream).await?);
        client.ask_offers().await?;
        Ok(client)
    }

    fn over(stream: Box<dyn Duplex>) -> Client {
        Client {
            stream,
            wire: Wire::default(),
            tag: 0,
            news: false,
            offers: HashSet::new(),
        }
    }

    async fn greeting(&mut self) -> anyhow::Result<()> {
        let said = self.response(Literals::Keep).await?;
        ensure!(
            said.word(0) == "*" && said.word(1) == "OK",
            "the server greets with: {}",
            said.text
        );
        Ok(())
    }

    async fn ask_offers(&mut self) -> anyhow::Result<()> {
        let (said, answers) = self.command("CAPABILITY").await?;
        said.map_err(|said| anyhow::anyhow!("the server does not say what it can: {said}"))?;
        self.offers = answers
            .iter()
            .filter(|one| one.word(1) == "CAPABILITY")
            .flat_map(|one| (2..one.tokens.len()).map(|at| one.word(at)))
            .collect();
        Ok(())
    }

    async fn sign_in_with_password(&mut self, account: &Account, secret: &str) -> anyhow::Result<Said<()>> {
        if self.offers.contains("AUTH=PLAIN") {
            let answer = BASE64.encode(format!("\0{}\0{secret}", account.user).as_bytes());
            return self.authenticate("PLAIN", &answer, "*").await;
        }
        ensure!(
            !self.offers.contains("LOGINDISABLED"),
            "the server takes no password here"
        );
        let plain = |text: &str| text.bytes().all(|b| matches!(b, b' '..=b'~'));
        ensure!(
            plain(&account.user) && plain(secret),
            "name or password are beyond ASCII, and the server offers no way to say them"
        );
        let line = format!("LOGIN {} {}", quoted(&account.user), quoted(secret));
        Ok(self.command(&line).await?.0)
    }

    async fn sign_in_with_token(&mut self, account: &Account, token: &str) -> anyhow::Result<Said<()>> {
        let user = &account.user;
        if self.offers.contains("AUTH=OAUTHBEARER") {
            // RFC 7628 §3.1; in the name `,` and `=` are written as in RFC 5801.
            let name = user.replace('=', "=3D").replace(',', "=2C");
            let text = format!(
                "n,a={name},\u{1}host={}\u{1}port={}\u{1}auth=Bearer {token}\u{1}\u{1}",
                account.host, account.port
            );
            return self
                .authenticate("OAUTHBEARER", &BASE64.encode(text.as_bytes()), "AQ==")
                .await;
        }
        ensure!(self.offers.contains("AUTH=XOAUTH2"), "the server takes no bearer token");
        let text = format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}");
        self.authenticate("XOAUTH2", &BASE64.encode(text.as_bytes()), "").await
    }

    /// Signs in; `give_up` answers a challenge that explains a refusal.
    async fn authenticate(&mut self, way: &str, answer: &str, give_up: &str) -> anyhow::Result<Said<()>> {
        let tag = self.say(&format!("AUTHENTICATE {way}")).await?;
        let mut next = answer;
        for _ in 0..10 {
            let said = self.response(Literals::Keep).await?;
            if said.word(0) == "+" {
                self.line(next).await?;
                next = give_up;
            } else if said.word(0) == tag {
                return Ok(verdict(&said));
            }
        }
        bail!("signing in does not end")
    }

    /// Opens a folder: for looking only, or such that mails can be marked.
    pub async fn open(&mut self, folder: &str, changes: bool) -> anyhow::Result<Folder> {
        let verb = if changes { "SELECT" } else { "EXAMINE" };
        let (said, answers) = self.command(&format!("{verb} {}", quoted(&utf7(folder)))).await?;
        said.map_err(|said| anyhow::anyhow!("the folder {folder} cannot be opened: {said}"))?;
        let code = |name| answers.iter().find_map(|one| one.code(name));
        let validity = code("UIDVALIDITY").context("the server does not number mails for good (no UIDVALIDITY)")?;
        let next = match code("UIDNEXT") {
            Some(next) => next,
            None => self.search("ALL").await?.into_iter().max().unwrap_or(0) + 1,
        };
        Ok(Folder { validity, next })
    }

    /// UIDs of the mails for which a condition holds.
    pub async fn search(&mut self, condition: &str) -> anyhow::Result<Vec<u64>> {
        self.news = false;
        let (said, answers) = self.command(&format!("UID SEARCH {condition}")).await?;
        said.map_err(|said| anyhow::anyhow!("the server does not search: {said}"))?;
        let found = answers.iter().filter(|one| one.word(1) == "SEARCH");
        Ok(found
            .flat_map(|one| (2..one.tokens.len()).filter_map(|at| one.number(at)))
            .collect())
    }

    /// Size and date of some mails; those that are gone are missing.
    pub async fn look(&mut self, uids: &[u64]) -> anyhow::Result<BTreeMap<u64, Known>> {
        if uids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let set: Vec<String> = uids.iter().map(u64::to_string).collect();
        let (said, answers) = self
            .command(&format!("UID FETCH {} (RFC822.SIZE INTERNALDATE)", set.join(",")))
            .await?;
        let mut known = BTreeMap::new();
        for one in answers.iter().filter(|one| one.word(2) == "FETCH") {
            let word = |name| match one.attribute(name) {
                Some(Token::Word(word)) => Some(word.as_str()),
                _ => None,
            };
            if let (Some(uid), Some(size)) = (word("UID"), word("RFC822.SIZE"))
                && let (Ok(uid), Ok(size)) = (uid.parse(), size.parse())
            {
                let received_at = word("INTERNALDATE").and_then(internal_date);
                known.insert(uid, Known { size, received_at });
            }
        }
        // A NO beside answers speaks of single mails; alone it is about the conversation.
        if let Err(said) = said
            && known.is_empty()
        {
            bail!("the server does not say what is there: {said}");
        }
        Ok(known)
    }

    /// One mail, whole: its beginning, and all of it. It is not marked as read.
    pub async fn mail(&mut self, fetch: &Fetch, uid: u64) -> anyhow::Result<Said<(Vec<u8>, Body)>> {
        let mut growing = Growing {
            head: Vec::new(),
            rest: Vec::new(),
            spool: None,
            whole: false,
        };
        let tag = self.say(&format!("UID FETCH {uid} (BODY.PEEK[])")).await?;
        let mut short = None;
        loop {
            let said = self.response(Literals::Grow(fetch, &mut growing)).await?;
            if said.word(0) == tag {
                if let Err(said) = verdict(&said) {
                    return Ok(Err(said));
                }
                break;
            }
            ended(&said)?;
            // A short mail may come as a text in quotes.
            if let Some(Token::Word(text)) = said.attribute("BODY[]")
                && !text.eq_ignore_ascii_case("NIL")
            {
                short = Some(text.clone().into_bytes());
            }
        }
        if !growing.whole {
            return Ok(match short {
                Some(bytes) => Ok((bytes.clone(), Body::Here(bytes))),
                None => Err("the server answered without the mail".to_owned()),
            });
        }
        let body = match growing.spool {
            None => Body::Here(growing.rest),
            Some(spool) => tokio::task::spawn_blocking(move || spool.end(growing.rest)).await??,
        };
        Ok(Ok((growing.head, body)))
    }

    /// The header of a mail that is too large.
    pub async fn header(&mut self, uid: u64) -> anyhow::Result<Said<Vec<u8>>> {
        let most = limits::FETCH_HEADER_BYTES;
        let (said, answers) = self
            .command(&format!("UID FETCH {uid} (BODY.PEEK[HEADER]<0.{most}>)"))
            .await?;
        let header = answers
            .into_iter()
            .flat_map(|one| one.tokens)
            .find_map(|token| match token {
                Token::Literal(bytes) => Some(bytes),
                _ => None,
            });
        Ok(said.and_then(|()| header.ok_or_else(|| "the server answered without the header".to_owned())))
    }

    /// Marks a mail.
    pub async fn flag(&mut self, uid: u64, flag: &str) -> anyhow::Result<Said<()>> {
        Ok(self
            .command(&format!("UID STORE {uid} +FLAGS.SILENT ({flag})"))
            .await?
            .0)
    }

    /// Moves a mail. Where the server cannot, it is copied and marked as deleted; it is wiped only where that wipes nothing
    /// else.
    pub async fn move_to(&mut self, uid: u64, folder: &str) -> anyhow::Result<Said<()>> {
        let folder = quoted(&utf7(folder));
        if self.offers.contains("MOVE") || self.offers.contains("IMAP4REV2") {
            return Ok(self.command(&format!("UID MOVE {uid} {folder}")).await?.0);
        }
        let mut steps = vec![
            format!("UID COPY {uid} {folder}"),
            format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"),
        ];
        if self.offers.contains("UIDPLUS") {
            steps.push(format!("UID EXPUNGE {uid}"));
        }
        for step in steps {
            if let Err(said) = self.command(&step).await?.0 {
                return Ok(Err(said));
            }
        }
        Ok(Ok(()))
    }

    /// Returns when the folder may have changed, or after the time; by asking now and then where the server does not tell.
    pub async fn wait_for_news(&mut self, most: Duration) -> anyhow::Result<()> {
        if std::mem::take(&mut self.news) {
            return Ok(());
        }
        if !self.offers.contains("IDLE") {
            tokio::time::sleep(Duration::from_secs(limits::FETCH_POLL_SECONDS)).await;
            return self.command("NOOP").await.map(drop);
        }
        let tag = self.say("IDLE").await?;
        let told = timeout(most, async {
            loop {
                let said = self.response_whenever().await?;
                if said.word(0) == tag || said.word(2) == "EXISTS" {
                    return anyhow::Ok(said.word(0) == tag);
                }
                ended(&said)?;
            }
        });
        // Dropped in the middle of a read it loses nothing: what came stays in the wire.
        if let Ok(over) = told.await
            && over?
        {
            bail!("the server does not idle");
        }
        self.line("DONE").await?;
        self.answer(&tag).await.map(drop)
    }

    /// One command, and all that is said until its answer.
    async fn command(&mut self, line: &str) -> anyhow::Result<(Said<()>, Vec<Response>)> {
        let tag = self.say(line).await?;
        self.answer(&tag).await
    }

    async fn answer(&mut self, tag: &str) -> anyhow::Result<(Said<()>, Vec<Response>)> {
        let mut answers = Vec::new();
        loop {
            let said = self.response(Literals::Keep).await?;
            if said.word(0) == tag {
                return Ok((verdict(&said), answers));
            }
            ended(&said)?;
            ensure!(
                answers.len() < limits::FETCH_EXPECTED,
                "the server's answer does not end"
            );
            answers.push(said);
        }
    }

    async fn say(&mut self, line: &str) -> anyhow::Result<String> {
        self.tag += 1;
        let tag = format!("A{}", self.tag);
        self.line(&format!("{tag} {line}")).await?;
        Ok(tag)
    }

    async fn line(&mut self, line: &str) -> anyhow::Result<()> {
        ensure!(!line.contains(['\r', '\n']), "a line break stands in a command");
        let said = async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.write_all(b"\r\n").await?;
            self.stream.flush().await
        };
        timeout(patience(), said)
            .await
            .context("the server does not listen")??;
        Ok(())
    }

    async fn response(&mut self, literals: Literals<'_>) -> anyhow::Result<Response> {
        self.whole_response(literals, patience()).await
    }

    /// A response for which nobody waits: the caller has a patience of their own.
    async fn response_whenever(&mut self) -> anyhow::Result<Response> {
        self.whole_response(Literals::Keep, Duration::from_secs(2 * limits::FETCH_IDLE_SECONDS))
            .await
    }

    async fn whole_response(&mut self, mut literals: Literals<'_>, patience: Duration) -> anyhow::Result<Response> {
        let mut response = Response::default();
        let mut left = 0_u64;
        let mut literal = Vec::new();
        loop {
            let Some(piece) = self.wire.next_piece()? else {
                self.more(patience).await?;
                continue;
            };
            match piece {
                Piece::Text(text, announced) => {
                    response.push_text(&text);
                    ensure!(
                        response.text.len() <= limits::FETCH_LINE_BYTES,
                        "the server's answer is too long"
                    );
                    let Some(bytes) = announced else {
                        self.news |= response.word(0) == "*" && response.word(2) == "EXISTS";
                        return Ok(response);
                    };
                    left = bytes;
                    let is_mail = response
                        .tokens
                        .last()
                        .is_some_and(|last| matches!(last, Token::Word(word) if word.eq_ignore_ascii_case("BODY[]")));
                    if let (Literals::Grow(_, growing), true) = (&mut literals, is_mail) {
                        ensure!(
                            bytes <= limits::MESSAGE_BYTES as u64,
                            "the mail is larger than the server said"
                        );
                        growing.whole = true;
                    } else {
                        ensure!(
                            bytes <= limits::FETCH_LINE_BYTES as u64,
                            "the server's answer is too long"
                        );
                    }
                    if left == 0 {
                        response.tokens.push(Token::Literal(Vec::new()));
                    }
                }
                Piece::Literal(bytes) => {
                    left = left.saturating_sub(bytes.len() as u64);
                    match &mut literals {
                        Literals::Grow(fetch, growing) if growing.whole => growing.take(fetch, bytes).await?,
                        _ => literal.extend(bytes),
                    }
                    if left == 0 {
                        response.tokens.push(Token::Literal(std::mem::take(&mut literal)));
                    }
                }
            }
        }
    }

    /// Reads once.
    async fn more(&mut self, patience: Duration) -> anyhow::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        let read = timeout(patience, self.stream.read(&mut buffer))
            .await
            .context("the server fell silent")??;
        ensure!(read > 0, "the server hung up");
        self.wire.feed(&buffer[..read]);
        Ok(())
    }
}

impl Growing {
    async fn take(&mut self, fetch: &Fetch, bytes: Vec<u8>) -> anyhow::Result<()> {
        let room = limits::HEADER_BLOCK_BYTES - self.head.len().min(limits::HEADER_BLOCK_BYTES);
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.rest.extend(bytes);
        if self.rest.len() >= limits::SPOOL_BYTES {
            let spool = self.spool.take().unwrap_or_else(|| fetch.spool());
            self.spool = Some(fetch.grow(spool, std::mem::take(&mut self.rest)).await?);
        }
        Ok(())
    }
}

/// STARTTLS on a connection of its own; what came with the answer is no answer to anything said later.
async fn starttls(stream: &mut tokio::net::TcpStream, wire: &mut Wire) -> anyhow::Result<()> {
    let talk = async {
        let mut buffer = [0; 1024];
        stream.write_all(b"S1 STARTTLS\r\n").await?;
        loop {
            let read = stream.read(&mut buffer).await?;
            ensure!(read > 0, "the server hung up before encryption");
            wire.feed(&buffer[..read]);
            while let Some(piece) = wire.next_piece()? {
                let Piece::Text(text, None) = piece else {
                    bail!("the server's answer to STARTTLS is none")
                };
                let mut said = Response::default();
                said.push_text(&text);
                if said.word(0) == "S1" {
                    ensure!(said.word(1) == "OK", "the server does not encrypt: {}", said.text);
                    ensure!(
                        wire.next_piece()?.is_none() && wire.is_empty(),
                        "the server spoke before encryption"
                    );
                    return Ok(());
                }
            }
        }
    };
    timeout(patience(), talk).await.context("encryption does not begin")?
}

fn patience() -> Duration {
    Duration::from_secs(limits::FETCH_REPLY_SECONDS)
}

fn verdict(said: &Response) -> Said<()> {
    match said.word(1) == "OK" {
        true => Ok(()),
        false => Err(said
            .text
            .split_once(' ')
            .map_or(said.text.as_str(), |(_, rest)| rest)
            .chars()
            .take(300)
            .collect()),
    }
}

fn ended(said: &Response) -> anyhow::Result<()> {
    ensure!(
        !(said.word(0) == "*" && said.word(1) == "BYE"),
        "the server ended it: {}",
        said.text
    );
    Ok(())
}
