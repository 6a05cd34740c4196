//! One process: starts every worker of the desk, and stops them in order. The only place that spawns.
//!
//! Start: database, local socket, SMTP, understanding, post, alarms, pages. Stop: nothing new is taken; mails that are being
//! received end; what was acknowledged is given its place; what is being sent is finished; then the database is closed.

mod feeds;
mod files;
pub mod keys;
mod outside;
mod prove;
mod ring;
mod settings;
mod ways;

pub use files::files_of;
pub use outside::Outside;
pub use settings::{checkpoint_file_of, domain_of, host_of};

use crate::api::local::{self, LocalDoor};
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::receipt::Signer as Receipts;
use crate::desk::{self, ARRIVED, Desk, FILES, OUTBOX, Unverified};
use crate::files::Files;
use crate::limits;
use crate::mail::filing::Filer;
use crate::mail::listen;
use crate::mail::post::{Policies, Post, Round, Traffic};
use crate::mail::receive::{Entrance, Understanding};
use crate::mail::resolver;
use crate::mail::send::{Courier, Login, Route};
use crate::mail::sign::Signer;
use crate::mail::verify::{self, Checks};
use crate::mail::worker::Worker;
use crate::refusal::{Outcome, Refusal};
use crate::speech;
use crate::store::{Store, Target};
use crate::web;
use anyhow::Context;
use plan::{Calendar, Targets};
use prove::Notary;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;
use ways::Ways;

/// What a desk is started with.
pub struct Start {
    /// The data directory.
    pub dir: PathBuf,
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The program that is executed again as the worker, and its arguments.
    pub worker: (PathBuf, Vec<String>),
    /// The world that mail leaves into; none: the real one.
    pub outside: Option<Outside>,
}

/// A running desk.
pub struct Running {
    /// The database.
    pub store: Store,
    /// The rules.
    pub desk: Arc<Desk>,
    /// The time by which it acts.
    pub clock: Clock,
    /// Where mail comes in.
    pub smtp: SocketAddr,
    /// Where pages are.
    pub http: SocketAddr,
    stop: watch::Sender<bool>,
    doors: JoinSet<()>,
    workers: JoinSet<()>,
    stop_workers: watch::Sender<bool>,
}

/// Opens the database that the settings name.
pub fn open_store(dir: &Path, config: &Config) -> anyhow::Result<Store> {
    let target = match config.text("store", "database") {
        "" => Target::Sqlite(dir.join("duly.db")),
        url => Target::Postgres(url.to_owned()),
    };
    if let Some(seal) = keys::seal_of(dir)? {
        return Store::open_sealed(&target, desk::MIGRATIONS, Some(seal));
    }
    let (secret, seal) = keys::new_seal()?;
    let store = Store::open_sealed(&target, desk::MIGRATIONS, Some(seal))?;
    keys::seal_all(dir, &store, &secret)?;
    Ok(store)
}

/// The rules of the desk out of its settings and its key.
pub fn desk_of(dir: &Path, config: &Config) -> anyhow::Result<Desk> {
    let wrong = |cause: String| Refusal::usage(format!("Settings: {cause}"));
    let (addresses, entries) = ways::addresses_of(&config.list("desk", "addresses")).map_err(wrong)?;
    let holidays = settings::holidays_of(dir, &config.list("desk", "holidays")).map_err(wrong)?;
    let calendar = Calendar::from_text(config.text("desk", "zone"), config.text("desk", "hours"))
        .map_err(|cause| wrong(format!("{cause}.")))?
        .with_holidays(holidays)
        .map_err(|cause| wrong(format!("{cause}.")))?;
    let unverified = match config.text("mail", "unverified") {
        "hold" => Unverified::Hold,
        "schedule" => Unverified::Schedule,
        other => return Err(wrong(format!("mail.unverified is \"hold\" or \"schedule\", not \"{other}\".")).into()),
    };
    let key = std::fs::read(dir.join("duly.key")).context("read duly.key, which `duly init` made")?;
    Ok(Desk {
        name: config.text("desk", "name").to_owned(),
        addresses,
        entries,
        language: language_of(config.text("desk", "language")).map_err(wrong)?,
        languages: speech::languages().into_iter().map(str::to_owned).collect(),
        zone: calendar.zone().clone(),
        targets: targets_of(&config.list("desk", "targets")).map_err(wrong)?,
        own: Default::default(),
        calendar,
        unverified,
        lists: config
            .list("mail", "lists")
            .iter()
            .map(|one| one.to_lowercase())
            .collect(),
        web: settings::web_address(config)?,
        key: key
            .try_into()
            .map_err(|_| anyhow::anyhow!("duly.key does not hold 64 bytes"))?,
    })
}

/// What the settings say of targets and hours, as the version that promises name. Before the first mail is taken.
fn enter_agreement(store: &Store, desk: &Arc<Desk>, now: jiff::Timestamp) -> anyhow::Result<()> {
    let rules = Arc::clone(desk);
    let entered = store.write(move |tx| desk::agreement::enter_own(tx, now, &rules));
    let own = entered.map_err(|fault| anyhow::anyhow!("{fault}").context("enter the desk's own agreement"))?;
    // A desk is started once; whoever starts it again with the same rules enters the same rows.
    let _ = desk.own.set(own);
    Ok(())
}

/// The catalogue is whole, and has this language.
fn language_of(tag: &str) -> Result<String, String> {
    if let Some(complaint) = speech::check().first() {
        return Err(format!("the message catalogue is not whole: {complaint}."));
    }
    let known = || {
        format!(
            "desk.language is one of {}, not \"{tag}\".",
            speech::languages().join(", ")
        )
    };
    speech::choose(tag).map(str::to_owned).ok_or_else(known)
}

fn targets_of(texts: &[String]) -> Result<Targets, String> {
    let minutes: Option<Vec<u32>> = texts
        .iter()
        .map(
            |text| match text.trim().split_at_checked(text.trim().len().saturating_sub(1)) {
                Some((number, "h")) => number.parse::<u32>().ok()?.checked_mul(60),
                Some((number, "m")) => number.parse::<u32>().ok(),
                _ => None,
            },
        )
        .collect();
    let minutes: [u32; 4] = minutes
        .and_then(|list| list.try_into().ok())
        .ok_or("desk.targets is a list of four spans as \"2h\" or \"30m\", for severity 1 to 4.")?;
    Ok(Targets {
        first_reply_minutes: minutes,
        follow_up_minutes: minutes,
    })
}

impl Running {
    /// Starts every worker; returns when mail and pages are served.
    pub async fn start(start: Start) -> anyhow::Result<Running> {
        let Start {
            dir,
            config,
            clock,
            worker,
            outside,
        } = start;
        let desk = Arc::new(desk_of(&dir, &config)?);
        let url = settings::web_url(&config)?;
        let files = Arc::new(files_of(&dir, &config)?);
        let store = open_store(&dir, &config)?;
        let clock = {
            let (config, store) = (config.clone(), store.clone());
            tokio::task::spawn_blocking(move || settings::steady_of(&config, &store, clock)).await??
        };
        enter_agreement(&store, &desk, clock.now())?;
        // Before the ports: whoever finds those open may ask at once.
        let socket = local_socket(&dir)?;
        let http = bind(config.text("web", "http"), "web.http").await?;
        let open = config.flag("web", "open");
        if open {
            web::may_open(http.local_addr()?)?;
        }
        let smtp = bind(config.text("mail", "smtp"), "mail.smtp").await?;
        let (smtp_at, http_at) = (smtp.local_addr()?, http.local_addr()?);
        let mail_doors = Ways::listen(&dir, &config, &desk, smtp).await?;
        let host = host_of(&config, &desk);
        let resolver = resolver::resolver(config.text("mail", "resolver"))?;
        let outside = match outside {
            Some(outside) => outside,
            None => Outside::real(resolver.clone())?,
        };
        let route = route_of(&dir, &config)?;
        let courier =
            Courier::with(route, host.clone(), Arc::clone(&outside.directory), outside.waits)?.trusting(outside.tls);
        let fetch = Arc::clone(&outside.fetch);
        let policies = Policies::new(store.clone(), outside.directory, outside.fetch);
        let signer = settings::signer_of(&dir, &config, &desk)?;
        let receipts = Arc::new(keys::signer_of(&dir, settings::domain_of(&desk))?);
        let published = settings::published_of(&dir)?;
        let checks = match desk.unverified {
            Unverified::Hold => Some(settings::checks_of(&config, resolver, host.clone())?),
            Unverified::Schedule => None,
        };
        let (stop, stopped) = watch::channel(false);
        let (stop_workers, workers_stopped) = watch::channel(false);
        let mut running = Running {
            store: store.clone(),
            desk: Arc::clone(&desk),
            clock: clock.clone(),
            smtp: smtp_at,
            http: http_at,
            stop,
            doors: JoinSet::new(),
            workers: JoinSet::new(),
            stop_workers,
        };
        let (program, args) = worker;
        let keys = dir.join("keys");
        let worker = || Worker::new(program.clone(), args.clone()).with_keys(keys.clone(), clock.clone());
        running.file(&clock, &files, worker(), workers_stopped.clone()).await?;
        running
            .work(
                &clock,
                worker(),
                &files,
                (courier, policies, (signer, Arc::clone(&receipts)), keys.clone()),
                checks,
                workers_stopped.clone(),
            )
            .await?;
        let feeds = feeds::follow(store.clone(), fetch, clock.clone(), workers_stopped.clone());
        running.workers.spawn(feeds);
        let notary = Notary {
            store: store.clone(),
            desk: Arc::clone(&desk),
            signer: receipts,
            file: settings::checkpoint_file_of(&dir, &config),
            to: settings::checkpoint_address_of(&config)?,
        };
        running
            .workers
            .spawn(prove::prove(notary, clock.clone(), workers_stopped));
        let local = LocalDoor {
            store: store.clone(),
            desk: Arc::clone(&desk),
            clock: clock.clone(),
            files: Arc::clone(&files),
            owner: owner_of(&dir)?,
            pages: match url.is_empty() {
                true if http_at.ip().is_unspecified() => format!("http://127.0.0.1:{}", http_at.port()),
                true => format!("http://{http_at}"),
                false => url.clone(),
            },
        };
        running
            .doors
            .spawn(local::serve(socket, Arc::new(local), stopped.clone()));
        let door = web::Door {
            store: store.clone(),
            desk: Arc::clone(&desk),
            clock: clock.clone(),
            files,
            open,
            url,
            smtp: smtp_at,
            published,
        };
        let pages = web::serve(http, Arc::new(door), stopped.clone());
        running.doors.spawn(async {
            if let Err(error) = pages.await {
                tracing::error!(%error, "pages are not served");
            }
        });
        let entrance = |way| {
            let disk = dir.clone();
            let free = move || free_space(&disk);
            let (store, desk) = (running.store.clone(), Arc::clone(&running.desk));
            Arc::new(Entrance::new(way, dir.clone(), store, desk, clock.clone(), free))
        };
        let tls = tls_of(&config, &host)?;
        let mut doors = std::mem::take(&mut running.doors);
        mail_doors.open(&mut doors, entrance, (&running.store, &clock), &host, tls, &stopped);
        running.doors = doors;
        Ok(running)
    }

    async fn file(
        &mut self,
        clock: &Clock,
        files: &Arc<Files>,
        worker: Worker,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let (store, desk, for_filer) = (self.store.clone(), Arc::clone(&self.desk), clock.clone());
        let files = Arc::clone(files);
        let bell = store.bell(FILES);
        let filer = tokio::task::spawn_blocking(move || Filer::begin(store, desk, for_filer, files, worker)).await??;
        self.workers
            .spawn(files::file(Arc::new(filer), clock.clone(), bell, stop));
        Ok(())
    }

    async fn work(
        &mut self,
        clock: &Clock,
        worker: Worker,
        files: &Arc<Files>,
        (courier, policies, (signer, receipts), keys): (Courier, Policies, (Option<Signer>, Arc<Receipts>), PathBuf),
        checks: Option<Checks>,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let verifier = checks.map(|checks| {
            let (verifier, work) = verify::begin(checks);
            // Ends when the understanding of mail, which asks it, has ended.
            self.workers.spawn(work.run());
            verifier
        });
        let (store, desk, files) = (self.store.clone(), Arc::clone(&self.desk), Arc::clone(files));
        let (for_read, for_post) = (clock.clone(), clock.clone());
        let (understanding, post) = tokio::task::spawn_blocking(move || {
            let understanding = Understanding::begin(store.clone(), Arc::clone(&desk), for_read, worker, verifier)?;
            let post = Post::begin(store, desk, for_post, (courier, policies), signer, files)?
                .with_keys(keys)
                .with_receipts(receipts);
            Ok::<_, crate::refusal::Fault>((understanding, post))
        })
        .await??;
        self.workers
            .spawn(understand(understanding, self.store.bell(ARRIVED), stop.clone()));
        self.workers.spawn(send(
            Arc::new(post),
            clock.clone(),
            self.store.bell(OUTBOX),
            stop.clone(),
        ));
        self.workers.spawn(ring::ring(
            self.store.clone(),
            Arc::clone(&self.desk),
            clock.clone(),
            stop,
        ));
        Ok(())
    }

    /// Ends when the database may no longer be trusted (a failed sync is never retried): then the process should end.
    pub async fn broken(&self) {
        while !self.store.poisoned() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Stops in order; what was acknowledged is finished.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.doors.join_next().await.is_some() {}
        let _ = self.stop_workers.send(true);
        while self.workers.join_next().await.is_some() {}
        let store = self.store.clone();
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }
}

async fn bind(address: &str, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|cause| {
        Refusal::usage(format!(
            "{key} = \"{address}\" cannot be listened on: {cause}. Choose another."
        ))
        .into()
    })
}

fn local_socket(dir: &Path) -> anyhow::Result<UnixListener> {
    let path = dir.join(local::SOCKET);
    // The database is locked by us: whoever left this socket behind is gone.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("bind {}", path.display()))?;
    // Everybody may knock; who has no token must be the owner.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

fn owner_of(dir: &Path) -> anyhow::Result<u32> {
    Ok(std::fs::metadata(dir)
        .with_context(|| format!("look at {}", dir.display()))?
        .uid())
}

fn route_of(dir: &Path, config: &Config) -> anyhow::Result<Route> {
    let relay = config.text("mail", "relay");
    if relay.is_empty() {
        return Ok(Route::Mx);
    }
    let wrong = || Refusal::usage(format!("mail.relay is \"host:port\", not \"{relay}\"."));
    let (host, port) = relay.rsplit_once(':').ok_or_else(wrong)?;
    let login = match config.text("mail", "relay_login") {
        "" => None,
        name => {
            let password = std::fs::read_to_string(dir.join("relay.password")).context("read relay.password")?;
            Some(Login {
                name: name.to_owned(),
                password: password.trim_end().to_owned(),
            })
        }
    };
    Ok(Route::Relay {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: port.parse().map_err(|_| wrong())?,
        login,
    })
}

fn tls_of(config: &Config, host: &str) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let (chain, key) = (config.text("mail", "tls_certificate"), config.text("mail", "tls_key"));
    match chain.is_empty() || key.is_empty() {
        true => listen::self_signed(host),
        false => listen::from_files(Path::new(chain), Path::new(key)),
    }
}

fn free_space(dir: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some((
        disk.f_bavail.saturating_mul(disk.f_frsize),
        disk.f_blocks.saturating_mul(disk.f_frsize),
    ))
}

/// Waits until the desk is stopped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// The longest pause before a look at the rows again: a clock that was set by hand on the machine is noticed by then.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A pause until an instant; a hand-moved clock ends it whenever it is moved.
async fn pause(clock: &Clock, until: Option<jiff::Timestamp>) {
    // Listened to before the time is read: a movement between the two is not missed.
    let moved = clock.moved();
    let wait = until.map_or(LONGEST_PAUSE, |at| {
        Duration::try_from(at.duration_since(clock.now()))
            .unwrap_or_default()
            .min(LONGEST_PAUSE)
    });
    match moved {
        Some(mut moved) if !wait.is_zero() => _ = moved.changed().await,
        _ => tokio::time::sleep(wait).await,
    }
}

/// What gives mails their place, a batch at a time.
trait Rounds: Send + 'static {
    /// Takes a batch; false when none waited.
    fn step(&mut self) -> Outcome<bool>;
    /// Lets go of what only work needs.
    fn rest(&mut self);
}

impl Rounds for Understanding {
    fn step(&mut self) -> Outcome<bool> {
        Understanding::step(self)
    }

    fn rest(&mut self) {
        Understanding::rest(self);
    }
}

async fn understand(understanding: impl Rounds, mut bell: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
    let understanding = Arc::new(Mutex::new(understanding));
    loop {
        bell.mark_unchanged();
        // Read before the look, not after it: a mail may be committed between a look that finds none and the stop.
        let stopping = *stop.borrow();
        let step = Arc::clone(&understanding);
        let more = tokio::task::spawn_blocking(move || match step.lock() {
            Ok(mut understanding) => understanding.step(),
            Err(_) => Err(anyhow::anyhow!("understanding has panicked before").into()),
        })
        .await;
        match more {
            Ok(Ok(true)) => continue,
            Ok(Ok(false)) if stopping => return,
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "mail waits to be understood; tried again in a second, or at the next start");
                if stopping {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "the understanding of mail has ended; restart the desk. Nothing is lost");
                return;
            }
        }
        let idle = tokio::time::timeout(Duration::from_secs(limits::WORKER_IDLE_SECONDS + 1), async {
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => {}
                _ = bell.changed() => {}
            }
        })
        .await
        .is_err();
        if idle && let Ok(mut understanding) = understanding.lock() {
            understanding.rest();
        }
    }
}

async fn send(post: Arc<Post>, clock: Clock, mut bell: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
    let mut under_way = JoinSet::new();
    let traffic: Arc<Mutex<Traffic>> = Arc::default();
    loop {
        bell.mark_unchanged();
        let (look, now) = (Arc::clone(&post), lock(&traffic).clone());
        let found = tokio::task::spawn_blocking(move || look.round(&now)).await;
        let round = match found {
            Ok(Ok(round)) => round,
            Ok(Err(error)) => {
                tracing::error!(%error, "the outbox cannot be read; tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                Round::default()
            }
            Err(panic) => {
                tracing::error!(error = %panic, "reading the outbox panicked; tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                Round::default()
            }
        };
        for (row, to) in round.rows {
            let id = row.id;
            lock(&traffic).begin(id, to);
            let (post, traffic) = (Arc::clone(&post), Arc::clone(&traffic));
            under_way.spawn(async move {
                if let Err(error) = post.send(row).await {
                    tracing::error!(%error, outbox = id.0, "a mail could not be sent or recorded");
                    // The row is due still: without a pause it would be taken again at once.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                lock(&traffic).end(id);
            });
        }
        // Everything that may begin has begun. What is due beside it waits for a place, and each place that comes free
        // and each row that is claimed wakes this.
        let (busy, mut gather) = (!under_way.is_empty(), false);
        tokio::select! {
            () = stopped(&mut stop) => break,
            _ = bell.changed() => gather = true,
            Some(_) = under_way.join_next(), if busy => {}
            () = pause(&clock, round.next) => {}
        }
        if gather {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    while under_way.join_next().await.is_some() {}
}

fn lock(traffic: &Mutex<Traffic>) -> std::sync::MutexGuard<'_, Traffic> {
    traffic.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
