//! The store keeps its word, on both databases.

#[path = "../kit/mod.rs"]
mod kit;

mod groups;
mod opening;
mod search;
mod sequences;
mod values;

use duly::store::{Migration, Store};

/// A table to write to.
const NOTES: Migration = Migration {
    number: 1,
    name: "notes",
    sql: "CREATE TABLE note (id {id}, number BIGINT, words TEXT, raw {bytes})",
    sqlite: "",
    postgres: "",
};

/// How many notes a reader sees.
fn notes(store: &Store) -> i64 {
    store
        .read(|tx| Ok(tx.one("SELECT count(*) FROM note", &[])?.int(0)))
        .expect("a count")
}
