//! Who is inside: sessions counted in all and by address, and whether it is crowded.

use super::Bounds;
use crate::mail::session::Reply;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts sessions, in all and by address.
#[derive(Debug)]
pub(super) struct Door {
    sessions: usize,
    sessions_per_address: usize,
    crowded: usize,
    inside: Mutex<(usize, HashMap<IpAddr, usize>)>,
}

impl Door {
    pub(super) fn new(bounds: &Bounds) -> Arc<Self> {
        Arc::new(Door {
            sessions: bounds.sessions,
            sessions_per_address: bounds.sessions_per_address,
            crowded: bounds.crowded,
            inside: Mutex::new((0, HashMap::new())),
        })
    }

    /// Whether more are inside than honest peers explain.
    pub(super) fn is_crowded(&self) -> bool {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).0 > self.crowded
    }

    /// Lets a peer in, or says why not.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Reply> {
        let source = source(peer);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_source) = &mut *inside;
        if *all >= self.sessions {
            return Err(Reply::of(
                421,
                "4.3.2",
                "too many sessions; please come again in a minute",
            ));
        }
        let here = by_source.entry(source).or_insert(0);
        if *here >= self.sessions_per_address {
            return Err(Reply::of(
                421,
                "4.7.0",
                "too many sessions from your address; please end one first",
            ));
        }
        *here += 1;
        *all += 1;
        Ok(Place {
            door: self.clone(),
            source,
        })
    }
}

/// A peer's source as counted: IPv6 users own a /64 and can change the rest at will.
fn source(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// One session's place, given back when dropped.
pub(super) struct Place {
    door: Arc<Door>,
    source: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.0 = inside.0.saturating_sub(1);
        if let Some(here) = inside.1.get_mut(&self.source) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                inside.1.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_of_ipv6_is_one_source() {
        let ip = |text: &str| source(text.parse().expect("an address"));
        assert_eq!(ip("2001:db8:0:1::1"), ip("2001:db8:0:1:ffff::2"));
        assert_ne!(ip("2001:db8:0:1::1"), ip("2001:db8:0:2::1"));
        assert_eq!(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
        assert_ne!(ip("192.0.2.1"), ip("192.0.2.2"));
    }

    #[test]
    fn a_place_is_free_again_when_its_session_has_ended() {
        let door = Door::new(&Bounds {
            sessions: 3,
            sessions_per_address: 2,
            ..Bounds::default()
        });
        let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = door.enter(one);
        let _second = door.enter(one);
        assert_eq!(door.enter(one).err().map(|r| r.enhanced), Some("4.7.0"));
        let _third = door.enter(two);
        assert_eq!(door.enter(two).err().map(|r| r.enhanced), Some("4.3.2"));
        drop(first);
        assert!(door.enter(one).is_ok());
    }
}
