//! One JMAP mailbox (RFC 8620, RFC 8621): what changed since a state of the server is fetched, then it is asked again.
//!
//! A mail's id never changes, so what was taken is known by it whatever becomes of states. Where the server can no longer say
//! what changed, everything that came since the first look is looked through; what is not known and is older than the last
//! look is only shown (shadow). New mail is asked for every [`limits::FETCH_POLL_SECONDS`]; push is left out.

mod http;

use super::account::{After, Since};
use super::{Body, Fetch, Found};
use crate::desk::mailbox;
use crate::limits;
use anyhow::{Context, bail, ensure};
use http::{Http, Sink, Url};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const CORE: &str = "urn:ietf:params:jmap:core";
const MAIL: &str = "urn:ietf:params:jmap:mail";

/// A server that let us in.
struct Server<'a> {
    http: Http<'a>,
    api: Url,
    /// Template of addresses of raw mails.
    download: String,
    account: String,
    /// The folder that is fetched from.
    folder: String,
    /// Where mails go afterwards, if anywhere.
    target: Option<String>,
}

/// A mail as the server describes it.
struct Known {
    id: String,
    blob: String,
    size: u64,
    received_at: Option<Timestamp>,
    here: bool,
    from: String,
    subject: String,
}

/// Why a method was not done: the server's own type.
type Refused = String;

/// From signing in until something breaks.
pub(super) async fn attend(fetch: &Fetch, pause: &mut u64) -> anyhow::Result<()> {
    let secret = fetch.account.secret().await?;
    let server = Server::open(fetch, &secret).await?;
    begin(fetch, &server).await?;
    for name in fetch.todo().await? {
        tell(fetch, &server, &name).await?;
    }
    loop {
        again(fetch, &server).await?;
        news(fetch, &server).await?;
        *pause = limits::FETCH_PAUSE_SECONDS;
        tokio::time::sleep(Duration::from_secs(limits::FETCH_POLL_SECONDS)).await;
    }
}

impl<'a> Server<'a> {
    async fn open(fetch: &'a Fetch, secret: &str) -> anyhow::Result<Server<'a>> {
        let account = &fetch.account;
        let super::Scheme::Jmap { tls } = account.scheme else {
            bail!("this mailbox is not spoken to in JMAP");
        };
        let http = Http::new(account, secret);
        let known = Url {
            tls,
            host: account.host.clone(),
            port: account.port,
            path: "/.well-known/jmap".into(),
        };
        let (base, session) = http.document(&known).await.context("open a session")?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("the session lacks something");
        let mut server = Server {
            http,
            api: Url::read(&text(&session["apiUrl"])?, &base)?,
            download: text(&session["downloadUrl"])?,
            account: text(&session["primaryAccounts"][MAIL]).context("the server has no mail for us")?,
            folder: String::new(),
            target: None,
        };
        let folders = server
            .call(
                "Mailbox/get",
                json!({"ids": null, "properties": ["id", "name", "role"]}),
            )
            .await?;
        let folders = folders.map_err(|kind| anyhow::anyhow!("the server lists no folders: {kind}"))?;
        let find = |name: &str| {
            let list = folders["list"].as_array()?;
            let is_it = |one: &&Value| {
                (name == "INBOX" && one["role"] == "inbox") || one["name"].as_str().is_some_and(|given| given == name)
            };
            list.iter().find(is_it)?["id"].as_str().map(str::to_owned)
        };
        server.folder = find(&account.folder).with_context(|| format!("there is no folder {}", account.folder))?;
        if let (After::Move(folder), true) = (&account.after, account.live) {
            server.target = Some(find(folder).with_context(|| format!("there is no folder {folder}"))?);
        }
        // Downloads go where the session says, as the API does.
        Url::read(&server.download, &server.api)?;
        Ok(server)
    }

    /// Calls one method.
    async fn call(&self, method: &str, mut arguments: Value) -> anyhow::Result<Result<Value, Refused>> {
        arguments["accountId"] = json!(self.account);
        let asked = json!({"using": [CORE, MAIL], "methodCalls": [[method, arguments, "0"]]});
        let answer = self
            .http
            .post(&self.api, &asked)
            .await
            .with_context(|| method.to_owned())?;
        let answer = &answer["methodResponses"][0];
        match answer[0].as_str() {
            Some("error") => Ok(Err(answer[1]["type"]
                .as_str()
                .unwrap_or("error")
                .chars()
                .take(100)
                .collect())),
            Some(name) if name == method => Ok(Ok(answer[1].clone())),
            _ => bail!("the server does not answer {method}"),
        }
    }

    async fn must(&self, method: &str, arguments: Value) -> anyhow::Result<Value> {
        let done = self.call(method, arguments).await?;
        done.map_err(|kind| anyhow::anyhow!("the server refuses {method}: {kind}"))
    }

    /// The state of all mail now.
    async fn state(&self) -> anyhow::Result<String> {
        let answer = self.must("Email/get", json!({"ids": [], "properties": ["id"]})).await?;
        answer["state"]
            .as_str()
            .map(str::to_owned)
            .context("the server has no state")
    }

    /// Ids of the mails in the folder for which a condition holds.
    async fn search(&self, mut condition: Value) -> anyhow::Result<Vec<String>> {
        condition["inMailbox"] = json!(self.folder);
        let mut found: Vec<String> = Vec::new();
        loop {
            let asked = json!({"filter": condition, "sort": [{"property": "receivedAt", "isAscending": true}],
                "position": found.len(), "limit": limits::FETCH_BATCH});
            let answer = self.must("Email/query", asked).await?;
            let ids = names(&answer["ids"]);
            if ids.is_empty() {
                return Ok(found);
            }
            found.extend(ids);
            ensure!(
                found.len() <= limits::FETCH_EXPECTED,
                "the folder holds more mails than are taken at once"
            );
        }
    }

    /// What the server says of some mails; those that are gone are missing.
    async fn look(&self, ids: &[String]) -> anyhow::Result<BTreeMap<String, Known>> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let properties = ["id", "blobId", "size", "receivedAt", "mailboxIds", "from", "subject"];
        let answer = self
            .must("Email/get", json!({"ids": ids, "properties": properties}))
            .await?;
        let list = answer["list"].as_array().map_or(&[][..], Vec::as_slice);
        let known = list.iter().filter_map(|one| {
            let id = one["id"].as_str()?.to_owned();
            let known = Known {
                id: id.clone(),
                blob: one["blobId"].as_str()?.to_owned(),
                size: one["size"].as_u64().unwrap_or(0),
                received_at: one["receivedAt"].as_str().and_then(|at| at.parse().ok()),
                here: one["mailboxIds"][&self.folder] == true,
                from: one["from"][0]["email"].as_str().unwrap_or_default().to_owned(),
                subject: one["subject"].as_str().unwrap_or_default().to_owned(),
            };
            Some((id, known))
        });
        Ok(known.collect())
    }

    fn address_of(&self, blob: &str) -> anyhow::Result<Url> {
        let filled = self
            .download
            .replace("{accountId}", &encoded(&self.account))
            .replace("{blobId}", &encoded(blob))
            .replace("{type}", "message%2Frfc822")
            .replace("{name}", "mail.eml");
        Url::read(&filled, &self.api)
    }
}

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// For a path or a query (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

async fn begin(fetch: &Fetch, server: &Server<'_>) -> anyhow::Result<()> {
    if fetch.reading().await?.is_some() {
        return Ok(());
    }
    // First the state: what comes meanwhile is then in both, and taken once.
    let state = server.state().await?;
    let wanted = match fetch.account.since {
        Since::New => Vec::new(),
        Since::Unseen => server.search(json!({"notKeyword": "$seen"})).await?,
        Since::All => server.search(json!({})).await?,
    };
    let (mailbox, mails) = (fetch.account.mailbox(), wanted.len());
    tracing::info!(mailbox, mails, "mails that were there before are fetched");
    fetch
        .note(move |tx, now, mailbox| {
            mailbox::expect(tx, mailbox, &wanted, None)?;
            mailbox::reach(tx, now, mailbox, &state)
        })
        .await
}

/// Fetches what changed since the last look.
async fn news(fetch: &Fetch, server: &Server<'_>) -> anyhow::Result<()> {
    loop {
        let reading = fetch.reading().await?.context("the mailbox has a place")?;
        let asked = json!({"sinceState": reading.place, "maxChanges": limits::FETCH_BATCH});
        let changes = match server.call("Email/changes", asked).await? {
            Ok(changes) => changes,
            Err(kind) if kind == "cannotCalculateChanges" => return look_through(fetch, server).await,
            Err(kind) => bail!("the server does not say what changed: {kind}"),
        };
        let state = changes["newState"]
            .as_str()
            .context("the server has no state")?
            .to_owned();
        let mut ids = names(&changes["created"]);
        // What was moved into the folder is an update of an old mail.
        ids.extend(names(&changes["updated"]));
        for (_, known) in server.look(&ids).await? {
            if known.here {
                one(fetch, server, known, None).await?;
            }
        }
        let more = changes["hasMoreChanges"] == true;
        if state != reading.place {
            fetch
                .note(move |tx, now, mailbox| mailbox::reach(tx, now, mailbox, &state))
                .await?;
        }
        if !more {
            return Ok(());
        }
    }
}

/// The server forgot what changed: everything since the first look is expected; what was taken is known by its id.
async fn look_through(fetch: &Fetch, server: &Server<'_>) -> anyhow::Result<()> {
    let reading = fetch.reading().await?.context("the mailbox has a place")?;
    let mailbox = fetch.account.mailbox();
    tracing::warn!(
        mailbox,
        "the server cannot say what changed: the folder is looked through again"
    );
    let state = server.state().await?;
    let first = Timestamp::from_second(reading.first_at.as_second())?;
    let wanted = server.search(json!({"after": first.to_string()})).await?;
    fetch
        .note(move |tx, now, mailbox| {
            mailbox::expect(tx, mailbox, &wanted, Some(reading.seen_at))?;
            mailbox::reach(tx, now, mailbox, &state)
        })
        .await?;
    again(fetch, server).await
}

/// Fetches what was there before, and what could not be fetched before.
async fn again(fetch: &Fetch, server: &Server<'_>) -> anyhow::Result<()> {
    for _ in 0..limits::FETCH_EXPECTED {
        let pending = fetch.pending().await?;
        if pending.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = pending.iter().map(|one| one.name.clone()).collect();
        let mut known = server.look(&ids).await?;
        for pending in pending {
            match known.remove(&pending.name) {
                Some(known) => one(fetch, server, known, pending.before).await?,
                None => {
                    fetch
                        .note(move |tx, _, mailbox| mailbox::gone(tx, mailbox, &pending.name))
                        .await?
                }
            }
        }
    }
    Ok(())
}

/// The bytes of a mail as they come.
struct Growing<'a> {
    fetch: &'a Fetch,
    head: Vec<u8>,
    rest: Vec<u8>,
    spool: Option<crate::mail::raw::Spool>,
    size: usize,
}

impl Sink for Growing<'_> {
    async fn take(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.size += bytes.len();
        ensure!(
            self.size <= limits::MESSAGE_BYTES,
            "the mail is larger than the server said"
        );
        let room = limits::HEADER_BLOCK_BYTES - self.head.len().min(limits::HEADER_BLOCK_BYTES);
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.rest.extend(bytes);
        if self.rest.len() >= limits::SPOOL_BYTES {
            let spool = self.spool.take().unwrap_or_else(|| self.fetch.spool());
            self.spool = Some(self.fetch.grow(spool, std::mem::take(&mut self.rest)).await?);
        }
        Ok(())
    }
}

/// Fetches one mail, or notes why not; one that was taken is left alone.
async fn one(fetch: &Fetch, server: &Server<'_>, known: Known, before: Option<Timestamp>) -> anyhow::Result<()> {
    let id = known.id.clone();
    if fetch
        .look(move |tx, mailbox| mailbox::is_taken(tx, mailbox, &id))
        .await?
    {
        return Ok(());
    }
    fetch.has_room(known.size)?;
    let found = Found {
        name: known.id.clone(),
        received_at: known.received_at,
        before,
        place: None,
    };
    let (head, body) = if known.size > limits::MESSAGE_BYTES as u64 {
        let line = |text: &str| text.replace(['\r', '\n'], " ");
        let header = format!(
            "From: {}\r\nSubject: {}\r\n\r\n",
            line(&known.from),
            line(&known.subject)
        );
        let letter = fetch.instead(header.as_bytes(), known.size, &known.id);
        (letter.clone(), Body::Here(letter))
    } else {
        let mut growing = Growing {
            fetch,
            head: Vec::new(),
            rest: Vec::new(),
            spool: None,
            size: 0,
        };
        match server
            .http
            .download(&server.address_of(&known.blob)?, &mut growing)
            .await
        {
            Ok(Ok(())) => {}
            Ok(Err(said)) => return fetch.failed(&found, &said).await,
            Err(broken) => {
                fetch.failed(&found, &format!("{broken:#}")).await?;
                return Err(broken);
            }
        }
        let body = match growing.spool {
            None => Body::Here(growing.rest),
            Some(spool) => tokio::task::spawn_blocking(move || spool.end(growing.rest)).await??,
        };
        (growing.head, body)
    };
    if fetch.take(found, &head, body).await? {
        tell(fetch, server, &known.id).await?;
    }
    Ok(())
}

/// Tells the server of a mail that is durable here; what it refuses is tried again at the next connection.
async fn tell(fetch: &Fetch, server: &Server<'_>, id: &str) -> anyhow::Result<()> {
    let change = match (&fetch.account.after, &server.target) {
        _ if !fetch.account.live => None,
        (After::Keep, _) => None,
        (After::Flag(flag), _) if flag == "\\Seen" => Some(json!({"keywords/$seen": true})),
        (After::Flag(flag), _) => Some(json!({format!("keywords/{}", flag.to_lowercase()): true})),
        (After::Move(_), Some(target)) => {
            Some(json!({format!("mailboxIds/{}", server.folder): null, format!("mailboxIds/{target}"): true}))
        }
        (After::Move(_), None) => None,
    };
    if let Some(change) = change {
        let done = server.call("Email/set", json!({"update": {id: change}})).await?;
        let refused = match done {
            Ok(answer) if answer["updated"].get(id).is_some() => None,
            // It is gone: nothing is left to be said about it.
            Ok(answer) if answer["notUpdated"][id]["type"] == "notFound" => None,
            Ok(answer) => Some(
                answer["notUpdated"][id]["type"]
                    .as_str()
                    .unwrap_or("no answer")
                    .to_owned(),
            ),
            Err(kind) => Some(kind),
        };
        if let Some(said) = refused {
            let mailbox = fetch.account.mailbox();
            tracing::warn!(mailbox, id, said, "a mail was taken, but the server does not mark it");
            return Ok(());
        }
    }
    fetch.told(id).await
}
