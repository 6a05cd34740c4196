//! The policies by name, and one replay under one of them.

use crate::desk::{Desk, Ways};
use crate::floor;
use crate::learnt::Learnt;
use crate::ledger::{Figures, Promise};
use crate::peers::{Peer, PeerDesk};
use crate::world::World;
use std::fmt;
use std::str::FromStr;

/// A policy under which a trace can be lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// The desk as it is specified: admission, bounded promises, certified timetable, moves in time.
    Duly,
    /// What other desks do.
    Peer(Peer),
}

/// No policy has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is no policy; there are {all}", name = .0, all = names())]
pub struct NoPolicy(String);

fn names() -> String {
    Named::all()
        .map(|policy| policy.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

impl Named {
    /// All of them, Duly first.
    pub fn all() -> impl Iterator<Item = Named> {
        std::iter::once(Named::Duly).chain(Peer::ALL.into_iter().map(Named::Peer))
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Duly => f.write_str("duly"),
            Named::Peer(peer) => peer.fmt(f),
        }
    }
}

impl FromStr for Named {
    type Err = NoPolicy;

    fn from_str(text: &str) -> Result<Named, NoPolicy> {
        let found = Named::all().find(|policy| policy.to_string() == text);
        found.ok_or_else(|| NoPolicy(text.chars().take(40).collect()))
    }
}

/// Lives a world under a policy: its figures, and the promises that they count.
pub fn replay(policy: Named, world: &World, learnt: &Learnt, ways: Ways) -> (Figures, Vec<Promise>) {
    let ledger = match policy {
        Named::Duly => floor::live(world, &mut Desk::new(world, learnt, ways)),
        Named::Peer(peer) => floor::live(world, &mut PeerDesk::new(peer, world, learnt.mean_minutes())),
    };
    let figures = Figures::new(&policy.to_string(), &ledger, world);
    (figures, ledger.counted(world).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_found_by_its_name() {
        for policy in Named::all() {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        let said = "lifo".parse::<Named>().unwrap_err().to_string();
        assert!(
            said.starts_with("\"lifo\" is no policy; there are duly, push-fifo, push-severity"),
            "{said}"
        );
    }
}
