//! What tests share: databases of both kinds made for one test and gone after it, a mail sink that does as it is told.
//!
//! Each test binary takes what it needs (`#[path = "../kit/mod.rs"] mod kit;`), hence the allowance below.
#![allow(dead_code)]

pub mod databases;
pub mod desk;
pub mod dovecot;
pub mod http;
pub mod imap;
pub mod invariants;
pub mod jmap;
pub mod mail;
pub mod names;
pub mod odd;
pub mod outside;
pub mod seals;
pub mod sink;
pub mod wire;
