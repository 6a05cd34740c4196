//! Databases for one test: a SQLite file in a folder of its own, and a PostgreSQL database of its own.
//!
//! PostgreSQL is the server named by `DULY_TEST_POSTGRES`, the address of a maintenance database whose user may create
//! databases (`scripts/test` starts one). Where it is absent the test says so and goes on with SQLite; in CI it fails.
//!
//! A migrated PostgreSQL database is cloned from a template that is made once for each text of the migrations and stays on
//! the server: test runners start a process for every test, so nothing in memory would be shared.

use duly::store::{Migration, Store, Target};
use postgres::{Client, NoTls};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// An empty or migrated database; it is gone when this is dropped.
pub struct TestDatabase {
    /// `SQLite` or `PostgreSQL`, for messages of assertions.
    pub name: &'static str,
    target: Target,
    _kept: Kept,
}

enum Kept {
    Folder(TempDir),
    Database(Dropped),
}

/// A PostgreSQL database that is dropped with this.
struct Dropped {
    server: String,
    database: String,
}

impl TestDatabase {
    /// Where it is.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What `store.database` says of it; nothing for SQLite, whose file stands in the data directory.
    pub fn url(&self) -> Option<String> {
        match &self.target {
            Target::Sqlite(_) => None,
            Target::Postgres(url) => Some(url.clone()),
        }
    }

    /// Opens it.
    pub fn open(&self, migrations: &[Migration]) -> Store {
        Store::open(&self.target, migrations).unwrap_or_else(|cause| panic!("{}: {cause:#}", self.name))
    }

    /// Whether this is the one on a server.
    pub fn is_postgres(&self) -> bool {
        matches!(self.target, Target::Postgres(_))
    }
}

/// One empty database of each kind.
pub fn databases() -> Vec<TestDatabase> {
    let postgres = server().map(|server| postgres_database(&server, None));
    std::iter::once(sqlite()).chain(postgres).collect()
}

/// One database of each kind with these migrations done; open it with the same ones.
pub fn migrated(migrations: &[Migration]) -> Vec<TestDatabase> {
    let sqlite = sqlite();
    sqlite.open(migrations).close();
    let postgres = server().map(|server| {
        let template = template(&server, migrations);
        postgres_database(&server, Some(&template))
    });
    std::iter::once(sqlite).chain(postgres).collect()
}

fn sqlite() -> TestDatabase {
    let folder = tempfile::tempdir().expect("a folder for SQLite");
    TestDatabase {
        name: "SQLite",
        target: Target::Sqlite(folder.path().join("desk.db")),
        _kept: Kept::Folder(folder),
    }
}

/// The maintenance database, if the environment names one.
fn server() -> Option<String> {
    match std::env::var("DULY_TEST_POSTGRES") {
        Ok(server) => Some(server),
        Err(_) if std::env::var_os("CI").is_some() => {
            panic!("DULY_TEST_POSTGRES is not set, and in CI it must be")
        }
        Err(_) => {
            eprintln!("PostgreSQL was NOT tested: DULY_TEST_POSTGRES is not set");
            None
        }
    }
}

fn postgres_database(server: &str, template: Option<&str>) -> TestDatabase {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let database = format!(
        "duly_test_{}_{}",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::SeqCst)
    );
    let from = template.unwrap_or("template0");
    administer(
        server,
        &[
            // A process of that number may have died before it could clean up.
            format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
            format!("CREATE DATABASE {database} TEMPLATE {from}"),
        ],
    );
    TestDatabase {
        name: "PostgreSQL",
        target: Target::Postgres(address(server, &database)),
        _kept: Kept::Database(Dropped {
            server: server.to_owned(),
            database,
        }),
    }
}

/// The name of a template with these migrations, made by whoever comes first.
fn template(server: &str, migrations: &[Migration]) -> String {
    let mut hasher = DefaultHasher::new();
    for step in migrations {
        (step.number, step.name, step.sql, step.sqlite, step.postgres).hash(&mut hasher);
    }
    let hash = hasher.finish();
    let template = format!("duly_template_{hash:016x}");
    let mut client = connect(server);
    // Held by this session until its end; processes that want the same template wait here.
    client
        .execute("SELECT pg_advisory_lock($1)", &[&hash.cast_signed()])
        .expect("the lock of the template");
    let made = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&template]);
    if made.expect("the list of databases").is_none() {
        let unfinished = format!("{template}_unfinished");
        administer(
            server,
            &[
                format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)"),
                format!("CREATE DATABASE {unfinished} TEMPLATE template0"),
            ],
        );
        Store::open(&Target::Postgres(address(server, &unfinished)), migrations)
            .expect("the template")
            .close();
        administer(server, &[format!("ALTER DATABASE {unfinished} RENAME TO {template}")]);
    }
    template
}

impl Drop for Dropped {
    fn drop(&mut self) {
        let (server, statement) = (
            self.server.clone(),
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database),
        );
        // On a thread of its own: the blocking client must not be used in a task, and a test may be one.
        let dropped = std::thread::spawn(move || connect(&server).batch_execute(&statement)).join();
        if !matches!(dropped, Ok(Ok(()))) {
            eprintln!("the database {} stays on the server", self.database);
        }
    }
}

fn administer(server: &str, statements: &[String]) {
    let (server, statements) = (server.to_owned(), statements.to_vec());
    let done = std::thread::spawn(move || {
        let mut client = connect(&server);
        for statement in statements {
            client
                .batch_execute(&statement)
                .unwrap_or_else(|cause| panic!("{statement}: {cause}"));
        }
    });
    done.join().expect("the server did as it was told");
}

fn connect(server: &str) -> Client {
    Client::connect(server, NoTls).unwrap_or_else(|cause| panic!("DULY_TEST_POSTGRES cannot be reached: {cause}"))
}

/// The address of another database on the same server.
fn address(server: &str, database: &str) -> String {
    let (address, options) = server
        .split_once('?')
        .map_or((server, ""), |(address, options)| (address, options));
    let host = address.rsplit_once('/').map_or(address, |(host, _)| host);
    let question = if options.is_empty() { "" } else { "?" };
    format!("{host}/{database}{question}{options}")
}
