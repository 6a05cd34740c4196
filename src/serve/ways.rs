//! Ways in: which doors for mail the settings ask for, and their opening.
//!
//! SMTP is always there, and so is the socket of `duly mail deliver` in the data directory. LMTP listens where `mail.lmtp`
//! says, on loopback or a Unix socket only: whoever may connect may hand over mail as coming from anybody.

use crate::clock::Clock;
use crate::config::Config;
use crate::desk::Desk;
use crate::desk::address::{self, Entry};
use crate::limits;
use crate::mail::fetch::{Account, Fetch};
use crate::mail::listen::{self, Bounds, Listener};
use crate::mail::lmtp;
use crate::mail::receive::Entrance;
use crate::refusal::Refusal;
use crate::store::Store;
use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The addresses of `desk.addresses` in their order, and what they say of new cases.
pub(super) fn addresses_of(texts: &[String]) -> Result<(Vec<String>, BTreeMap<String, Entry>), String> {
    if texts.is_empty() {
        return Err("desk.addresses names no mail address.".into());
    }
    let (mut addresses, mut entries) = (Vec::new(), BTreeMap::new());
    for text in texts {
        let (address, entry) = address::read(text).map_err(|cause| format!("desk.addresses: {cause}."))?;
        if addresses.contains(&address) {
            return Err(format!("desk.addresses names {address} twice."));
        }
        if entry != Entry::default() {
            entries.insert(address.clone(), entry);
        }
        addresses.push(address);
    }
    Ok((addresses, entries))
}

/// The doors for mail, listening.
pub(super) struct Ways {
    smtp: TcpListener,
    lmtp: Option<Listener>,
    pipe: Listener,
    mailboxes: Vec<Account>,
}

impl Ways {
    /// Listens on every door that the settings name.
    pub(super) async fn listen(dir: &Path, config: &Config, desk: &Desk, smtp: TcpListener) -> anyhow::Result<Ways> {
        let mailboxes = mailboxes_of(&config.list("mail", "fetch"), dir, desk)
            .map_err(|cause| Refusal::usage(format!("Settings: mail.fetch: {cause}.")))?;
        Ok(Ways {
            mailboxes,
            smtp,
            lmtp: lmtp_door(config.text("mail", "lmtp")).await?,
            pipe: unix(&dir.join(lmtp::SOCKET))?,
        })
    }

    /// Takes mail at every door until told to stop; `entrance` is made once for each way.
    pub(super) fn open(
        self,
        doors: &mut JoinSet<()>,
        entrance: impl Fn(&'static str) -> Arc<Entrance>,
        (store, clock): (&Store, &Clock),
        host: &str,
        tls: Arc<rustls::ServerConfig>,
        stop: &watch::Receiver<bool>,
    ) {
        let bounds = Bounds {
            sessions: sessions(),
            ..Bounds::default()
        };
        let (smtp, to_smtp) = (self.smtp, entrance("smtp"));
        doors.spawn(listen::serve_within(
            bounds,
            smtp,
            to_smtp,
            host.to_owned(),
            Some(tls),
            stop.clone(),
        ));
        doors.spawn(listen::serve_lmtp(
            self.pipe,
            entrance("pipe"),
            host.to_owned(),
            stop.clone(),
        ));
        for account in self.mailboxes {
            let fetch = Fetch::new(account, store.clone(), clock.clone(), entrance("fetch"));
            doors.spawn(fetch.run(stop.clone()));
        }
        if let Some(lmtp) = self.lmtp {
            doors.spawn(listen::serve_lmtp(
                lmtp,
                entrance("lmtp"),
                host.to_owned(),
                stop.clone(),
            ));
        }
    }
}

fn mailboxes_of(texts: &[String], dir: &Path, desk: &Desk) -> Result<Vec<Account>, String> {
    let mut mailboxes: Vec<Account> = Vec::new();
    for text in texts {
        let account = Account::read(text, dir, desk.address())?;
        if !desk.takes(&account.to) {
            return Err(format!(
                "{} is no address of this desk; add it to desk.addresses",
                account.to
            ));
        }
        if mailboxes.iter().any(|one| one.mailbox() == account.mailbox()) {
            return Err(format!(
                "two mailboxes are called \"{}\"; say name=… with each",
                account.name
            ));
        }
        mailboxes.push(account);
    }
    Ok(mailboxes)
}

async fn lmtp_door(text: &str) -> anyhow::Result<Option<Listener>> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with('/') {
        return unix(Path::new(text)).map(Some);
    }
    let wrong = |cause: String| Refusal::usage(format!("mail.lmtp = \"{text}\" cannot be listened on: {cause}."));
    let listener = TcpListener::bind(text)
        .await
        .map_err(|cause| wrong(format!("{cause}; write \"127.0.0.1:2424\" or \"/run/duly/lmtp.sock\"")))?;
    if !listener.local_addr()?.ip().is_loopback() {
        return Err(wrong("LMTP is for mail servers of this machine, on loopback or a Unix socket".into()).into());
    }
    Ok(Some(Listener::Tcp(listener)))
}

/// A socket in the file system; who may reach it is decided by its folder.
fn unix(path: &Path) -> anyhow::Result<Listener> {
    // The desk is locked by us: whoever left this socket behind is gone. Nothing but a socket is removed.
    if std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        let _ = std::fs::remove_file(path);
    }
    let listener = UnixListener::bind(path).with_context(|| format!("listen on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    Ok(Listener::Unix(listener))
}

/// SMTP sessions that the open files of this process allow, after asking for as many as the system grants.
fn sessions() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(cause) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%cause, "the limit of open files stays as it is");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let sessions = files.saturating_sub(limits::FILES_FOR_THE_REST).max(files / 2);
    usize::try_from(sessions)
        .unwrap_or(usize::MAX)
        .min(limits::SMTP_SESSIONS)
}
