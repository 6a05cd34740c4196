//! A desk behind a listening door, and a browser that is a socket.

use crate::kit::databases::{TestDatabase, migrated};
use duly::clock::Clock;
use duly::desk::arrival::{self, Envelope};
use duly::desk::engineer::{self, NewEngineer, Role};
use duly::desk::ledger::Actor;
use duly::desk::message::{Incoming, place};
use duly::desk::{self, CaseId, Desk, Unverified, session};
use duly::store::Store;
use duly::web::{Door, serve};
use jiff::Timestamp;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A Tuesday, 11:00 in Berlin.
pub const NOW: &str = "2026-11-24T10:00:00Z";

/// A desk, served.
pub struct Front {
    /// Which database it stands on.
    pub name: &'static str,
    pub store: Store,
    pub desk: Arc<Desk>,
    pub clock: Clock,
    pub address: SocketAddr,
    pub stop: watch::Sender<bool>,
    pub server: JoinHandle<anyhow::Result<()>>,
    _database: TestDatabase,
}

/// A place for files that nobody sends in these tests.
pub fn nowhere() -> Arc<duly::files::Files> {
    let folder = std::env::temp_dir().join("duly-no-files");
    let place = duly::files::Place::Folder(folder.clone());
    Arc::new(duly::files::Files::open(&place, folder, None).expect("a folder"))
}

/// An answer.
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Heard {
    /// A header's value, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let line = self
            .head
            .lines()
            .find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)));
        line.map_or("", |(_, value)| value.trim())
    }

    /// What a person reads of the page: its text without tags.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut outside = true;
        for one in self.body.chars() {
            match one {
                '<' => outside = false,
                '>' => outside = true,
                one if outside => text.push(one),
                _ => {}
            }
        }
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    }
}

/// One open front for each database.
pub async fn fronts(unverified: Unverified) -> Vec<Front> {
    made(unverified, true, "").await
}

/// One front for each database at which one signs in, with `web.url`.
pub async fn closed(url: &str) -> Vec<Front> {
    made(Unverified::Schedule, false, url).await
}

async fn made(unverified: Unverified, open: bool, url: &str) -> Vec<Front> {
    let mut fronts = Vec::new();
    for database in tokio::task::spawn_blocking(|| migrated(desk::MIGRATIONS))
        .await
        .unwrap()
    {
        let store = database.open(desk::MIGRATIONS);
        let now: Timestamp = NOW.parse().unwrap();
        for (name, address) in [("Anna Keller", "anna@acme.example"), ("Tom Berg", "tom@acme.example")] {
            let new = NewEngineer {
                address: address.into(),
                name: name.into(),
                zone: "Europe/Berlin".into(),
                hours: "mon-fri 08:00-18:00".into(),
                layer: 2,
                lanes: Vec::new(),
                role: Role::Engineer,
            };
            store.write_async(move |tx| engineer::add(tx, now, &new)).await.unwrap();
        }
        let desk = Arc::new(Desk {
            language: "en".into(),
            languages: vec!["en".into()],
            name: "Acme Support".into(),
            addresses: vec!["support@acme.example".into()],
            entries: Default::default(),
            zone: "Europe/Berlin".parse().unwrap(),
            calendar: plan::Calendar::from_text("Europe/Berlin", "mon-fri 08:00-18:00").unwrap(),
            targets: plan::Targets::default(),
            own: Default::default(),
            unverified,
            lists: Vec::new(),
            web: String::new(),
            key: [7; 64],
        });
        let clock = Clock::hand(now);
        let door = Door {
            store: store.clone(),
            desk: desk.clone(),
            clock: clock.clone(),
            open,
            url: url.to_owned(),
            files: nowhere(),
            smtp: ([127, 0, 0, 1], 2525).into(),
            published: String::new(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve(listener, Arc::new(door), stopped));
        fronts.push(Front {
            name: database.name,
            store,
            desk,
            clock,
            address,
            stop,
            server,
            _database: database,
        });
    }
    fronts
}

impl Front {
    /// A mail arrives and gets its place; the number of its case.
    pub async fn mail(&self, from: &str, subject: &str, text: &str) -> i64 {
        self.mail_with(Incoming {
            address: from.into(),
            subject: subject.into(),
            text: text.into(),
            ..Incoming::default()
        })
        .await
    }

    /// As [`Front::mail`], with everything said.
    pub async fn mail_with(&self, mail: Incoming) -> i64 {
        let (desk, now) = (self.desk.clone(), self.clock.now());
        let placed = self.store.write_async(move |tx| {
            let to = vec!["support@acme.example".to_owned()];
            let envelope = Envelope {
                way: "smtp".into(),
                from: mail.address.clone(),
                to: to.clone(),
                peer: "192.0.2.1".into(),
                helo: "mx.example".into(),
            };
            let waiting = tx.one("SELECT COUNT(*) FROM raw", &[])?.int(0);
            let raw = arrival::accept(tx, now, &envelope, &waiting.to_be_bytes(), b"raw".to_vec())?;
            let mail = Incoming {
                raw: raw.0,
                received_at: now,
                envelope_from: mail.address.clone(),
                recipients: to,
                message_id: Some(format!("{}@customer.example", raw.0)),
                name: Some("Priya Nair".into()),
                ..mail
            };
            place(tx, now, &desk, &mail)
        });
        placed
            .await
            .unwrap()
            .and_then(|placed| placed.case)
            .map(|CaseId(case)| case)
            .expect("a case")
    }

    /// Says bytes, hears everything until the other side closes.
    pub async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        heard
    }

    /// Somebody comes to the desk.
    pub async fn hire(&self, address: &str, name: &str, role: Role) {
        let now = self.clock.now();
        let new = NewEngineer {
            address: address.into(),
            name: name.into(),
            zone: "Europe/Berlin".into(),
            hours: "mon-fri 08:00-18:00".into(),
            layer: 2,
            lanes: Vec::new(),
            role,
        };
        let added = self.store.write_async(move |tx| engineer::add(tx, now, &new));
        added.await.expect("they are on the desk");
    }

    /// The secret of a sign-in link, as `duly cpu link` makes one.
    pub async fn link(&self, address: &'static str) -> String {
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (now, secret) = (self.clock.now(), format!("duly_link_of_a_test_{number:052}"));
        let kept = secret.clone();
        let made = self.store.write_async(move |tx| {
            let engineer = engineer::find(tx, address)?;
            session::link(tx, now, Actor::Owner, &engineer, &kept)
        });
        made.await.expect("a link");
        secret
    }

    /// Somebody who signed in at a browser of their own.
    pub async fn visitor(&self, address: &'static str) -> Visitor<'_> {
        let link = self.link(address).await;
        let begun = self.send("/sign-in", &[("link", &link)]).await;
        assert_eq!(begun.status, 303, "{}: {}", self.name, begun.body);
        Visitor::of(self, &begun)
    }

    /// Asks with the headers of a browser on a page of the desk and those given; an empty value takes one away.
    pub async fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Heard {
        let (host, origin) = (self.address.to_string(), format!("http://{}", self.address));
        let usual = [
            ("Host", host.as_str()),
            ("Origin", &origin),
            ("Sec-Fetch-Site", "same-origin"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let named = |name: &str| fields.iter().any(|(one, _)| one.eq_ignore_ascii_case(name));
        let all = usual.iter().filter(|(name, _)| !named(name)).chain(fields);
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in all.filter(|(_, value)| !value.is_empty()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        heard(&self.raw(head.as_bytes()).await)
    }

    /// Asks for a page.
    pub async fn page(&self, path: &str) -> Heard {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        );
        heard(&self.raw(head.as_bytes()).await)
    }

    /// Sends a form from a page of the desk.
    pub async fn send(&self, path: &str, form: &[(&str, &str)]) -> Heard {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body: Vec<_> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let body = body.join("&");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {1}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        heard(&self.raw(head.as_bytes()).await)
    }
}

/// Somebody signed in.
pub struct Visitor<'a> {
    pub front: &'a Front,
    /// What their browser brings.
    pub cookie: String,
}

impl<'a> Visitor<'a> {
    /// Who was given a session by this answer.
    pub fn of(front: &'a Front, begun: &Heard) -> Visitor<'a> {
        let cookie = begun.header("set-cookie").split(';').next().unwrap_or_default();
        Visitor {
            front,
            cookie: cookie.to_owned(),
        }
    }

    /// As [`Front::ask`], with the cookie.
    pub async fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Heard {
        let mut all = fields.to_vec();
        all.push(("Cookie", &self.cookie));
        self.front.ask(method, path, &all, body).await
    }

    /// Asks for a page.
    pub async fn page(&self, path: &str) -> Heard {
        self.ask("GET", path, &[], "").await
    }

    /// What the forms of this session carry.
    pub async fn proof(&self) -> String {
        let page = self.page("/me").await;
        let from = page.body.split("name=\"form\" value=\"").nth(1).unwrap_or_default();
        from.split('"').next().unwrap_or_default().to_owned()
    }

    /// Sends a form of a page of theirs.
    pub async fn send(&self, path: &str, form: &[(&str, &str)]) -> Heard {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let mut body = format!("form={}", self.proof().await);
        for (name, value) in form {
            body.push_str(&format!("&{name}={}", encode(value)));
        }
        self.ask("POST", path, &[], &body).await
    }
}

/// Reads an answer that has its length.
pub fn heard(bytes: &[u8]) -> Heard {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    Heard {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
