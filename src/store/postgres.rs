//! PostgreSQL: the same jobs on a server, for desks of several nodes or with a database department.
//!
//! A lost connection is nobody's fault: the group it took along is answered as failed and another connection is made.
//! The writer holds an advisory lock, so that one desk writes at a time. TLS is used when the address asks for it
//! (`sslmode=require`, `verify-ca`, `verify-full`), and then the server's name is always checked against the system's
//! roots: a half check helps nobody. The blocking client drives a runtime of its own: never call it inside a task.

use super::engine::{Dialect, Engine, Unsure};
use super::value::{Row, Value};
use crate::limits;
use crate::refusal::{Kind, Refusal};
use anyhow::{Context, bail};
use postgres::config::SslMode;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{FromSql, Type};
use postgres::{Client, Config, NoTls, Statement};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The advisory lock of a desk that writes; advisory locks are per database. The letters `DULY`.
const LOCK: i64 = 0x4455_4c59;

/// One connection to the server.
pub(super) struct Postgres {
    client: Client,
    /// Prepared statements by their text. Emptied when full: the desk's statements fit, so that is a rarity not worth
    /// a list of ages.
    prepared: HashMap<String, Statement>,
    in_transaction: bool,
}

impl Postgres {
    /// The connection that writes: takes the lock of the desk, or says who must go first.
    pub(super) fn writer(url: &str) -> anyhow::Result<Postgres> {
        let mut postgres = Self::open(url)?;
        postgres.take_lock()?;
        postgres.insist_on_durability()?;
        Ok(postgres)
    }

    /// A connection that reads.
    pub(super) fn reader(url: &str) -> anyhow::Result<Postgres> {
        Self::open(url)
    }

    fn open(url: &str) -> anyhow::Result<Postgres> {
        let (config, encrypted) = settings(url)?;
        let client = if encrypted {
            config.connect(tls()?)
        } else {
            config.connect(NoTls)
        };
        let client = client.context("connecting to PostgreSQL")?;
        Ok(Postgres {
            client,
            prepared: HashMap::new(),
            in_transaction: false,
        })
    }

    fn take_lock(&mut self) -> anyhow::Result<()> {
        let patience = Instant::now() + Duration::from_millis(limits::POSTGRES_LOCK_MILLIS);
        loop {
            let row = self.client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK])?;
            if row.try_get::<_, bool>(0)? {
                return Ok(());
            }
            if Instant::now() >= patience {
                bail!(Refusal::new(
                    Kind::Conflict,
                    "Another process has this desk's PostgreSQL database open. Nothing was changed and its promises \
                     are safe. Stop that process, or use the commands of the running desk.",
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What is answered as done must survive a crash of the server, whatever its configuration prefers.
    fn insist_on_durability(&mut self) -> anyhow::Result<()> {
        let row = self.client.query_one(
            "SELECT current_setting('synchronous_commit'), current_setting('fsync')",
            &[],
        )?;
        if row.try_get::<_, &str>(0)? == "off" {
            self.client.batch_execute("SET synchronous_commit TO on")?;
        }
        if row.try_get::<_, &str>(1)? == "off" {
            tracing::warn!("PostgreSQL runs with fsync off: a crash of its machine can lose accepted mail");
        }
        Ok(())
    }

    fn statement(&mut self, sql: &str) -> anyhow::Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        if self.prepared.len() >= limits::STATEMENTS {
            self.prepared.clear();
        }
        let statement = self.client.prepare(sql)?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Engine for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        let statement = self.statement(sql)?;
        let mut rows = self.client.query_raw(&statement, values)?;
        while rows.next()?.is_some() {}
        Ok(rows.rows_affected().unwrap_or(0))
    }

    fn insert(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<i64> {
        let rows = self.query(&format!("{sql} RETURNING id"), values, 1)?;
        let row = rows.first().context("an INSERT of one row inserted none")?;
        Ok(row.int(0))
    }

    fn query(&mut self, sql: &str, values: &[Value], most: usize) -> anyhow::Result<Vec<Row>> {
        let statement = self.statement(sql)?;
        let mut rows = self.client.query_raw(&statement, values)?;
        let mut found = Vec::new();
        // Every row is fetched, or an error after the first ones would be lost.
        while let Some(row) = rows.next()? {
            if found.len() < most {
                found.push(Row((0..row.len())
                    .map(|column| cell(&row, column))
                    .collect::<anyhow::Result<_>>()?));
            }
        }
        Ok(found)
    }

    fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
        Ok(self.client.batch_execute(sql)?)
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        self.batch("BEGIN")?;
        self.in_transaction = true;
        Ok(())
    }

    fn begin_reading(&mut self) -> anyhow::Result<()> {
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        self.in_transaction = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Unsure> {
        self.in_transaction = false;
        self.client.batch_execute("COMMIT").map_err(|cause| {
            let lost = self.client.is_closed() || cause.is_closed();
            let doing = if lost {
                "committing to PostgreSQL, whose answer was lost"
            } else {
                "committing to PostgreSQL"
            };
            Unsure {
                cause: anyhow::Error::new(cause).context(doing),
                poison: false,
            }
        })
    }

    fn rollback(&mut self) -> anyhow::Result<()> {
        self.in_transaction = false;
        self.batch("ROLLBACK")
    }

    fn in_transaction(&self) -> bool {
        self.in_transaction && !self.client.is_closed()
    }

    fn is_lost(&self) -> bool {
        self.client.is_closed()
    }

    fn tidy(&mut self) -> Result<(), Unsure> {
        Ok(())
    }

    fn rest(&mut self) {}

    fn finish(&mut self) {}
}

/// The configuration of an address, and whether it asks for TLS.
fn settings(url: &str) -> anyhow::Result<(Config, bool)> {
    // The client knows no `verify-…`; our `require` checks as much as they do.
    let url = url
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    // The cause is left out: it may quote the password.
    let mut config: Config = url.parse().map_err(|_| {
        Refusal::usage(
            "The address of the PostgreSQL database is not understood. The desk cannot start. \
             Write it as postgres://user:password@host:port/database?sslmode=verify-full.",
        )
    })?;
    let encrypted = config.get_ssl_mode() == SslMode::Require;
    if config.get_application_name().is_none() {
        config.application_name("duly");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(limits::POSTGRES_CONNECT_SECONDS));
    }
    if config.get_tcp_user_timeout().is_none() {
        // A peer that is unplugged would hold the writer, and with it the desk, for a quarter of an hour.
        config.tcp_user_timeout(Duration::from_secs(30));
    }
    config.keepalives_idle(Duration::from_secs(30));
    Ok((config, encrypted))
}

fn tls() -> anyhow::Result<MakeRustlsConnect> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        bail!("no trusted certificates were found on this system ({:?})", found.errors);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn cell(row: &postgres::Row, column: usize) -> anyhow::Result<Value> {
    let Some(described) = row.columns().get(column) else {
        bail!("there is no column {column}")
    };
    let kind = described.type_();
    Ok(match *kind {
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.into(),
        Type::INT4 => row.try_get::<_, Option<i32>>(column)?.into(),
        Type::INT2 => row.try_get::<_, Option<i16>>(column)?.map(i32::from).into(),
        Type::BOOL => row.try_get::<_, Option<bool>>(column)?.into(),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.into(),
        _ if <String as FromSql>::accepts(kind) => row.try_get::<_, Option<String>>(column)?.into(),
        _ => bail!(
            "column {:?} is {kind}: cast it to BIGINT, TEXT or BYTEA",
            described.name()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_asks_for_tls_or_does_not() {
        for (query, encrypted) in [
            ("", false),
            ("?sslmode=disable", false),
            ("?sslmode=require", true),
            ("?sslmode=verify-full", true),
        ] {
            assert_eq!(
                settings(&format!("postgres://duly@db.example/duly{query}")).unwrap().1,
                encrypted,
                "{query}"
            );
        }
    }

    #[test]
    fn a_wrong_address_does_not_show_its_password() {
        let cause = settings("postgres://duly:s3cret@db.example/duly?nonsense=1").unwrap_err();
        assert!(!format!("{cause:#}").contains("s3cret"));
    }

    #[test]
    fn tls_finds_one_provider() {
        // Fails only where a machine has no roots at all, which is said in words.
        if let Err(cause) = tls() {
            assert!(cause.to_string().contains("no trusted certificates"), "{cause:#}");
        }
    }
}
