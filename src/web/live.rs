//! `/live`: one stream of news that a screen has changed. The page then fetches itself again; no content goes this way.
//!
//! At most one news a second, a heartbeat when there is none, and the end when the desk stops. The browser comes back
//! by itself; what it missed is in the page that it fetches then. A session that ends ends its streams.

use super::acting::Acting;
use super::{Door, House, listen};
use crate::desk::{self, SessionId, session};
use crate::limits;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_stream::Stream;

/// Answers with the stream.
pub async fn changes(State(house): State<House>, acting: Acting) -> Response {
    let news = News {
        bell: house.door.store.bell(desk::CHANGED),
        stop: house.stop,
        session: acting.signed().map(|session| session.signed.id),
        door: house.door,
    };
    let stream = Changes {
        next: Box::pin(async { Some((news, "retry: 3000\n\n")) }),
    };
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream)).into_response()
}

struct News {
    bell: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    door: Arc<Door>,
    /// Whose screen it is; none on an open desk.
    session: Option<SessionId>,
}

impl News {
    /// Whether whoever listens may still hear: a session that was ended ends its streams with the next news.
    async fn may_hear(&self) -> bool {
        let Some(id) = self.session else { return true };
        let (door, now) = (Arc::clone(&self.door), self.door.clock.now());
        let alive = listen::blocking(move || door.store.read(|tx| session::is_alive(tx, now, id))).await;
        alive.unwrap_or(false)
    }

    /// Waits for the next words to say; nothing more when the desk stops.
    async fn next(mut self) -> Option<(News, &'static str)> {
        let heartbeat = Duration::from_secs(limits::LIVE_HEARTBEAT_SECONDS);
        let said = tokio::select! {
            biased;
            () = listen::stopped(&mut self.stop) => return None,
            rung = timeout(heartbeat, self.bell.changed()) => match rung {
                Ok(Ok(())) => "event: changed\ndata: .\n\n",
                Ok(Err(_)) => return None, // the store is closed
                Err(_) => ": still here\n\n",
            },
        };
        self.may_hear().await.then_some((self, said))
    }

    /// Lets a burst pass: what rings meanwhile is one news afterwards.
    async fn after_a_pause(mut self) -> Option<(News, &'static str)> {
        tokio::select! {
            () = listen::stopped(&mut self.stop) => None,
            () = sleep(Duration::from_millis(limits::LIVE_MILLIS)) => self.next().await,
        }
    }
}

type Next = Pin<Box<dyn Future<Output = Option<(News, &'static str)>> + Send>>;

/// The news as a stream.
struct Changes {
    next: Next,
}

impl Stream for Changes {
    type Item = Result<&'static str, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let said = ready!(self.next.as_mut().poll(context));
        Poll::Ready(said.map(|(news, words)| {
            self.next = match words.starts_with("event") {
                true => Box::pin(news.after_a_pause()),
                false => Box::pin(news.next()),
            };
            Ok(words)
        }))
    }
}
