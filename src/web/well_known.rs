//! `/.well-known/duly-promise-key`: the keys that this desk signs promises and checkpoints with, for everybody.

use super::House;
use axum::extract::State as Given;

/// Where it stands (RFC 8615).
pub const PATH: &str = "/.well-known/duly-promise-key";

/// Shows every key that ever signed here, one a line, the newest last.
pub async fn show(Given(house): Given<House>) -> String {
    house.door.published.clone()
}
