//! HTTP/1.1 as JMAP needs it: a request, an answer, nothing kept between two. The secret goes to where the session document
//! says, and never in the clear to another machine.

use crate::limits;
use crate::mail::fetch::account::{Account, Auth};
use crate::mail::fetch::connect::{self, Duplex};
use anyhow::{Context, bail, ensure};
use data_encoding::BASE64;
use http_body_util::Full;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// Path and query.
    pub path: String,
}

impl Url {
    /// Reads an address as it stands in a document that came from `base`.
    ///
    /// # Errors
    /// Anything but http and https, or something in the clear that is not on this machine.
    pub fn read(text: &str, base: &Url) -> anyhow::Result<Url> {
        if text.starts_with('/') && !text.starts_with("//") {
            return Ok(Url {
                path: text.to_owned(),
                ..base.clone()
            });
        }
        let (tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => bail!("the server names an address that is none: {text}"),
        };
        let (server, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        ensure!(!server.contains('@'), "the server names an address with a name in it");
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().context("a port that is none")?),
            _ => (server, if tls { 443 } else { 80 }),
        };
        let url = Url {
            tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            path: path.to_owned(),
        };
        // A server that is itself in the clear is on this machine, and so must be what it names.
        ensure!(
            tls || (!base.tls && url.host == base.host),
            "the server names an address in the clear: {text}"
        );
        Ok(url)
    }
}

/// What is sent with every request of one account.
pub(super) struct Http<'a> {
    pub account: &'a Account,
    pub authorization: String,
}

/// Somebody who takes the bytes of an answer as they come.
pub(super) trait Sink {
    async fn take(&mut self, bytes: Vec<u8>) -> anyhow::Result<()>;
}

/// Everything in memory, within a bound.
struct Whole(Vec<u8>);

impl Sink for Whole {
    async fn take(&mut self, bytes: Vec<u8>) -> anyhow::Result<()> {
        ensure!(
            self.0.len() + bytes.len() <= limits::FETCH_JSON_BYTES,
            "the server's answer is longer than {} bytes",
            limits::FETCH_JSON_BYTES
        );
        self.0.extend(bytes);
        Ok(())
    }
}

impl<'a> Http<'a> {
    pub fn new(account: &'a Account, secret: &str) -> Http<'a> {
        let authorization = match account.auth {
            Auth::Bearer => format!("Bearer {secret}"),
            Auth::Password => format!(
                "Basic {}",
                BASE64.encode(format!("{}:{secret}", account.user).as_bytes())
            ),
        };
        Http { account, authorization }
    }

    /// A JSON document; redirections within the same server are followed.
    pub async fn document(&self, url: &Url) -> anyhow::Result<(Url, serde_json::Value)> {
        let mut url = url.clone();
        for _ in 0..4 {
            let mut whole = Whole(Vec::new());
            let (status, location) = self.ask(&url, None, &mut whole).await?;
            if status.is_redirection() {
                let location = location.context("the server redirects to nowhere")?;
                let next = Url::read(&location, &url)?;
                ensure!(
                    next.host == url.host && next.tls == url.tls,
                    "the server redirects to {}: name that one",
                    next.host
                );
                url = next;
                continue;
            }
            good(status)?;
            let document = serde_json::from_slice(&whole.0).context("the server's answer is no JSON")?;
            return Ok((url, document));
        }
        bail!("the server redirects in circles")
    }

    /// Asks with a JSON document for another.
    pub async fn post(&self, url: &Url, asked: &serde_json::Value) -> anyhow::Result<serde_json::Value> {
        let mut whole = Whole(Vec::new());
        let (status, _) = self.ask(url, Some(serde_json::to_vec(asked)?), &mut whole).await?;
        good(status)?;
        serde_json::from_slice(&whole.0).context("the server's answer is no JSON")
    }

    /// The bytes behind an address; the status, if it is not the good one, is the answer.
    pub async fn download(&self, url: &Url, sink: &mut impl Sink) -> anyhow::Result<Result<(), String>> {
        let (status, _) = self.ask(url, None, sink).await?;
        ensure!(status != StatusCode::UNAUTHORIZED, "the server does not let us in");
        match status {
            StatusCode::OK => Ok(Ok(())),
            other => Ok(Err(format!("the server answers {other}"))),
        }
    }

    async fn ask(
        &self,
        url: &Url,
        body: Option<Vec<u8>>,
        sink: &mut impl Sink,
    ) -> anyhow::Result<(StatusCode, Option<String>)> {
        let to = Account {
            host: url.host.clone(),
            port: url.port,
            ..self.account.clone()
        };
        let stream = connect::plain(&to).await?;
        let stream: Box<dyn Duplex> = match url.tls {
            true => connect::secure(&to, stream).await?,
            false => Box::new(stream),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = self.request(url, body)?;
        let talk = async {
            let response = timeout(patience(), sender.send_request(request))
                .await
                .context("the server fell silent")??;
            let status = response.status();
            let location = response.headers().get(header::LOCATION);
            let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
            if status == StatusCode::OK {
                read(response, sink).await?;
            }
            Ok((status, location))
        };
        tokio::pin!(talk, connection);
        tokio::select! {
            biased;
            done = &mut talk => done,
            // It ends when all of the answer is here; what is left is to read it.
            ended = &mut connection => match ended {
                Ok(()) => talk.await,
                Err(cause) => Err(cause).context("the connection broke"),
            },
        }
    }

    fn request(&self, url: &Url, body: Option<Vec<u8>>) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut value =
            header::HeaderValue::from_str(&self.authorization).context("the secret cannot stand in a header")?;
        value.set_sensitive(true);
        let mut request = Request::builder()
            .method(if body.is_some() { Method::POST } else { Method::GET })
            .uri(url.path.as_str())
            .header(header::HOST, format!("{}:{}", url.host, url.port))
            .header(header::AUTHORIZATION, value)
            .header(header::ACCEPT, "*/*")
            .header(header::CONNECTION, "close");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        Ok(request.body(Full::new(Bytes::from(body.unwrap_or_default())))?)
    }
}

async fn read(response: Response<Incoming>, sink: &mut impl Sink) -> anyhow::Result<()> {
    let mut body = response.into_body();
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let Some(frame) = timeout(patience(), frame).await.context("the server fell silent")? else {
            return Ok(());
        };
        if let Ok(bytes) = frame?.into_data() {
            sink.take(bytes.to_vec()).await?;
        }
    }
}

fn good(status: StatusCode) -> anyhow::Result<()> {
    ensure!(status == StatusCode::OK, "the server answers {status}");
    Ok(())
}

fn patience() -> Duration {
    Duration::from_secs(limits::FETCH_REPLY_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_goes_in_the_clear_to_another_machine() {
        let base = Url {
            tls: true,
            host: "jmap.example".into(),
            port: 443,
            path: "/".into(),
        };
        assert_eq!(Url::read("/api?x=1", &base).unwrap().path, "/api?x=1");
        let other = Url::read("https://files.example:8443/d/{x}", &base).unwrap();
        assert_eq!(
            (other.host.as_str(), other.port, other.path.as_str()),
            ("files.example", 8443, "/d/{x}")
        );
        for bad in ["http://jmap.example/api", "ftp://x/", "//x/y", "https://u:p@x/"] {
            assert!(Url::read(bad, &base).is_err(), "{bad}");
        }
        let here = Url {
            tls: false,
            host: "127.0.0.1".into(),
            ..base
        };
        assert!(Url::read("http://127.0.0.1:8080/api", &here).is_ok());
        assert!(Url::read("http://other.example/api", &here).is_err());
    }
}
