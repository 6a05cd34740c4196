//! The mail door: SMTP in, understanding, SMTP out.
//!
//! In: [`listen`] and [`session`] speak SMTP and LMTP, [`lmtp`] brings mail of a pipe, [`fetch`] takes it from mailboxes
//! elsewhere, [`receive`] keeps what was sent, has its sender checked by [`verify`] and has it understood by the [`worker`]
//! process, where [`limit`], [`parse`], [`charset`], [`html`], [`quote`], [`auto`] and [`list`] do their work. Out:
//! [`post`] takes rows of the outbox, [`compose`] and [`texts`] write the letters, [`send`] carries them.

pub mod auto;
mod body;
pub mod bounce;
pub mod calendar;
pub mod charset;
pub mod command;
pub mod compose;
pub mod decode;
pub mod fetch;
pub mod filing;
pub mod forward;
pub mod header;
pub mod html;
pub mod invite;
pub mod letter;
pub mod limit;
pub mod list;
pub mod listen;
pub mod lmtp;
pub mod mark;
pub mod parse;
pub mod post;
pub mod quote;
pub mod raw;
pub mod receive;
pub mod records;
pub mod remark;
pub mod resolver;
pub mod rtf;
pub mod seal;
pub mod send;
pub mod session;
pub mod sign;
pub mod stored;
mod tag;
pub mod texts;
pub mod tnef;
pub mod verify;
pub mod wish;
mod words;
pub mod worker;
