//! What a person meets in a browser: journeys through Duly's pages in headless Chromium.
//!
//! A test starts a [`Desk`] (the program itself, in a folder of its own), writes to it by SMTP and looks at its pages with
//! a [`Browser`]: what is on them, at 320 pixels, in the dark, by keyboard, without scripts, and what axe-core says.
//! Left out: what needs no browser. Whether a page holds the right words for the right case is a test of `web`.
//!
//! Chromium and its driver are Debian's; axe-core comes from npm and is named by `DULY_AXE`. `scripts/test` installs all
//! three. Where Chromium is missing a journey says so and ends well, except under CI, where that is a failure.

#![forbid(unsafe_code)]

mod browser;
mod desk;
mod driver;
mod names;
mod smtp;

pub use browser::{Browser, Violation, Weight};
pub use desk::Desk;
pub use smtp::Mail;
