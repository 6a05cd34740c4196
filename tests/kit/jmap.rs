//! A JMAP server for tests (RFC 8620, RFC 8621): two folders in memory, and states that it forgets on demand.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

pub const USER: &str = "desk";
pub const PASSWORD: &str = "pass word";

#[derive(Debug, Clone)]
pub struct Stored {
    pub bytes: Vec<u8>,
    pub at: String,
    pub folder: &'static str,
    pub seen: bool,
    /// The state in which it came to be as it is.
    pub state: u64,
}

/// All mail, by id.
#[derive(Debug, Default)]
pub struct Mail {
    pub mails: Vec<Stored>,
    pub state: u64,
    /// States before this are forgotten.
    pub forgotten: u64,
    /// Mails whose bytes are not given.
    pub refuse: Vec<usize>,
    pub calls: Vec<String>,
}

#[derive(Clone)]
pub struct Jmap {
    pub address: SocketAddr,
    mail: Arc<Mutex<Mail>>,
}

impl Jmap {
    /// A server that ends with the runtime it was started on.
    pub async fn start() -> Jmap {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let jmap = Jmap {
            address: listener.local_addr().expect("its address"),
            mail: Arc::default(),
        };
        let pages = Router::new()
            .route("/.well-known/jmap", get(|| async { Redirect::temporary("/session") }))
            .route("/session", get(session))
            .route("/api", post(api))
            .route("/download/{account}/{blob}/{name}", get(download))
            .with_state(jmap.clone());
        tokio::spawn(async move {
            let _ = axum_serve(listener, pages).await;
        });
        jmap
    }

    pub fn mail(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A mail comes in.
    pub fn put(&self, bytes: &[u8], at: &str) {
        let mut mail = self.mail();
        mail.state += 1;
        let state = mail.state;
        mail.mails.push(Stored {
            bytes: bytes.to_vec(),
            at: at.to_owned(),
            folder: "inbox1",
            seen: false,
            state,
        });
    }
}

/// One connection at a time is enough: the client closes each.
async fn axum_serve(listener: tokio::net::TcpListener, pages: Router) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let service = hyper_util::service::TowerToHyperService::new(pages.clone());
        tokio::spawn(async move {
            let io = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(io, service)
                .await;
        });
    }
}

fn is_known(headers: &HeaderMap) -> bool {
    let expected = format!("Basic {}", BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes()));
    headers
        .get("authorization")
        .is_some_and(|value| value == expected.as_str())
}

async fn session(State(jmap): State<Jmap>, headers: HeaderMap) -> Response {
    if !is_known(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let base = format!("http://{}", jmap.address);
    let session = json!({
        "apiUrl": "/api",
        "downloadUrl": format!("{base}/download/{{accountId}}/{{blobId}}/{{name}}?type={{type}}"),
        "primaryAccounts": {"urn:ietf:params:jmap:mail": "a/1"},
    });
    session.to_string().into_response()
}

async fn download(
    State(jmap): State<Jmap>,
    headers: HeaderMap,
    Path((account, blob, _)): Path<(String, String, String)>,
) -> Response {
    if !is_known(&headers) || account != "a/1" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mail = jmap.mail();
    let at: usize = blob.trim_start_matches('B').parse().unwrap_or(usize::MAX);
    match mail.mails.get(at) {
        Some(_) if mail.refuse.contains(&at) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(stored) => stored.bytes.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn api(State(jmap): State<Jmap>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_known(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let asked: Value = serde_json::from_slice(&body).expect("JSON");
    let call = &asked["methodCalls"][0];
    let name = call[0].as_str().expect("a method");
    let mut mail = jmap.mail();
    mail.calls.push(name.to_owned());
    let (name, answer) = answer(&mut mail, name, &call[1]);
    json!({"methodResponses": [[name, answer, "0"]], "sessionState": "s"})
        .to_string()
        .into_response()
}

fn id(at: usize) -> String {
    format!("M{at}")
}

fn answer<'a>(mail: &mut Mail, name: &'a str, asked: &Value) -> (&'a str, Value) {
    assert_eq!(asked["accountId"], "a/1");
    let state = mail.state.to_string();
    match name {
        "Mailbox/get" => {
            let folder = |id: &str, name: &str, role: Value| json!({"id": id, "name": name, "role": role});
            (
                name,
                json!({"list": [folder("inbox1", "Inbox", json!("inbox")), folder("done1", "Done", Value::Null)]}),
            )
        }
        "Email/get" => {
            let ids = asked["ids"].as_array().expect("ids");
            let list = mail
                .mails
                .iter()
                .enumerate()
                .filter(|(at, _)| ids.contains(&json!(id(*at))));
            let list: Vec<Value> = list
                .map(|(at, one)| {
                    json!({"id": id(at), "blobId": format!("B{at}"), "size": one.bytes.len(), "receivedAt": one.at,
                        "mailboxIds": {one.folder: true}, "from": [{"email": "x@y"}], "subject": "s"})
                })
                .collect();
            (name, json!({"state": state, "list": list, "notFound": []}))
        }
        "Email/query" => {
            let filter = &asked["filter"];
            let found = mail.mails.iter().enumerate().filter(|(_, one)| {
                one.folder == filter["inMailbox"]
                    && (filter["notKeyword"] != "$seen" || !one.seen)
                    && filter["after"].as_str().is_none_or(|after| one.at.as_str() >= after)
            });
            let skip = asked["position"].as_u64().unwrap_or(0) as usize;
            let ids: Vec<String> = found.map(|(at, _)| id(at)).skip(skip).take(2).collect();
            (name, json!({"ids": ids, "queryState": state}))
        }
        "Email/changes" => {
            let since: u64 = asked["sinceState"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0);
            if since < mail.forgotten {
                return ("error", json!({"type": "cannotCalculateChanges"}));
            }
            let mut changed: Vec<(usize, u64)> = mail.mails.iter().map(|one| one.state).enumerate().collect();
            changed.retain(|(_, state)| *state > since);
            changed.sort_by_key(|(_, state)| *state);
            let more = changed.len() > 1;
            changed.truncate(1);
            let new = changed.last().map_or(mail.state, |(_, state)| *state);
            let ids: Vec<String> = changed.iter().map(|(at, _)| id(*at)).collect();
            (
                name,
                json!({"oldState": since.to_string(), "newState": new.to_string(), "hasMoreChanges": more,
                "created": ids, "updated": [], "destroyed": []}),
            )
        }
        "Email/set" => {
            let mut updated = json!({});
            for (named, change) in asked["update"].as_object().expect("an update") {
                let at: usize = named.trim_start_matches('M').parse().expect("an id");
                mail.state += 1;
                let state = mail.state;
                let one = &mut mail.mails[at];
                one.state = state;
                one.seen |= change["keywords/$seen"] == true;
                if change["mailboxIds/done1"] == true && change["mailboxIds/inbox1"].is_null() {
                    one.folder = "done1";
                }
                updated[named] = Value::Null;
            }
            (name, json!({"updated": updated}))
        }
        other => panic!("{other} is not spoken here"),
    }
}
