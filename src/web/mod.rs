//! stub
use crate::{clock::Clock, desk::Desk, refusal::Refusal, store::Store};
use std::{net::SocketAddr, sync::Arc};
/// stub
pub struct Door {
    /// x
    pub store: Store,
    /// x
    pub desk: Arc<Desk>,
    /// x
    pub clock: Clock,
    /// x
    pub open: bool,
}
/// stub
pub fn may_open(_: SocketAddr) -> Result<(), Refusal> {
    Ok(())
}
/// stub
pub async fn serve(_l: tokio::net::TcpListener, _d: Arc<Door>, mut stop: tokio::sync::watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}
