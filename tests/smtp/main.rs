//! Mail in and mail out over real sockets.

#[path = "../kit/mod.rs"]
mod kit;

mod bargain;
mod bounds;
mod desk;
mod forgery;
mod lmtp;
mod policy;
mod queues;
mod receive;
mod sealed;
mod send;
mod verify;
