//! The command line as people and scripts meet it: the real program against a real `duly serve`.
//!
//! Every desk stands in a folder of its own, on free ports, with an environment that holds nothing of whoever runs the
//! tests. Mail that it sends goes to the kit's sink.

#[path = "../letters/bombs.rs"]
mod bombs;
#[path = "../kit/mod.rs"]
mod kit;

mod agreed;
mod bad;
mod deliver;
mod desk;
mod help;
mod letters;
mod people;
mod setup;
mod shapes;
mod simulate;
mod upload;
mod verbs;
mod words;
