//! What tests share: databases of both kinds, made for one test and gone after it.
//!
//! Each test binary takes what it needs (`#[path = "../kit/mod.rs"] mod kit;`), hence the allowance below.
#![allow(dead_code)]

pub mod databases;
//! What several test binaries share.

pub mod sink;
