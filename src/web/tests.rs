//! The door as a whole, without a socket: every path answers, every answer is dressed, and the guard lets nobody past.

use super::{Door, House, ROUTES, asset, confirm, layout, routes, sign_in, tus};
use crate::clock::Clock;
use crate::desk::engineer::{self, NewEngineer, Role};
use crate::desk::{self, Desk, Unverified};
use crate::files::Files;
use crate::refusal::Refusal;
use crate::store::{Store, Target};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

/// A place for files that nobody sends in these tests.
fn nowhere() -> Files {
    let folder = std::env::temp_dir().join("duly-no-files");
    Files::open(&crate::files::Place::Folder(folder.clone()), folder, None).unwrap()
}

/// An empty desk with one engineer behind the door.
struct Front {
    router: axum::Router,
    _stop: watch::Sender<bool>,
    _folder: TempDir,
}

struct Heard {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Front {
    fn new(open: bool) -> Front {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Target::Sqlite(folder.path().join("desk.db")), desk::MIGRATIONS).unwrap();
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let anna = NewEngineer {
            address: "anna@acme.example".into(),
            name: "Anna Keller".into(),
            zone: "Europe/Berlin".into(),
            hours: "mon-sun 00:00-24:00".into(),
            layer: 1,
            lanes: Vec::new(),
            role: Role::Engineer,
        };
        store.write(move |tx| engineer::add(tx, now, &anna)).unwrap();
        let calendar = store.read(|tx| engineer::find(tx, "anna")?.calendar()).unwrap();
        let desk = Arc::new(Desk {
            language: "en".into(),
            languages: vec!["en".into()],
            name: "Acme <Support>".into(),
            addresses: vec!["support@acme.example".into()],
            entries: Default::default(),
            zone: "Europe/Berlin".parse().unwrap(),
            calendar,
            targets: Default::default(),
            own: Default::default(),
            unverified: Unverified::Hold,
            lists: Vec::new(),
            web: String::new(),
            key: [7; 64],
        });
        let (stop, stopped) = watch::channel(false);
        let door = Arc::new(Door {
            store,
            desk,
            clock: Clock::hand(now),
            open,
            url: String::new(),
            files: Arc::new(nowhere()),
            smtp: ([127, 0, 0, 1], 2525).into(),
            published: String::new(),
        });
        Front {
            router: routes(House {
                door,
                stop: stopped,
                writing: tus::Writing::default(),
            }),
            _stop: stop,
            _folder: folder,
        }
    }

    /// Asks with the headers of a browser on this machine and those given; an empty value takes one away.
    async fn ask(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Heard {
        let own = [
            ("host", "127.0.0.1:8025"),
            ("origin", "http://127.0.0.1:8025"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in own
            .iter()
            .filter(|(name, _)| !fields.iter().any(|(other, _)| other == name))
            .chain(fields)
        {
            if !value.is_empty() {
                request = request.header(*name, *value);
            }
        }
        let service = TowerToHyperService::new(self.router.clone());
        let answer = service.call(request.body(Body::from("as=1")).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let endless = head
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        let bytes = if endless {
            Default::default()
        } else {
            to_bytes(body, 10_000_000).await.unwrap()
        };
        Heard {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// Paths of the table with something put in for what varies.
fn paths() -> Vec<String> {
    let style = asset::STYLE.path.strip_prefix(asset::PATH).unwrap();
    ROUTES
        .iter()
        .map(|route| {
            route
                .path
                .replace("{case}", "7")
                .replace("{act}", "note")
                .replace("{name}", style)
        })
        .collect()
}

/// Pages that customers reach from anywhere: their links are their keys.
fn for_customers(path: &str) -> bool {
    [
        asset::PATH,
        confirm::PATH,
        super::offer::PATH,
        super::offer::UNDO_PATH,
        super::well_known::PATH,
        "/t/",
    ]
    .iter()
    .any(|begin| path.starts_with(begin))
}

#[tokio::test]
async fn every_path_of_the_table_answers_and_is_dressed() {
    let front = Front::new(true);
    let others = [
        "/nowhere",
        "/c/x",
        "/c/99999999999999999999",
        "/a/none.css",
        "/?more=promised&from=x",
    ]
    .map(str::to_owned);
    for path in paths().into_iter().chain(others) {
        for method in ["GET", "HEAD", "POST", "DELETE"] {
            let heard = front.ask(method, &path, &[]).await;
            assert!(!heard.status.is_server_error(), "{method} {path}: {}", heard.status);
            let csp = heard.headers["content-security-policy"].to_str().unwrap();
            assert!(
                csp.starts_with("default-src 'none'") && !csp.contains("unsafe"),
                "{method} {path}"
            );
            for name in [
                "cross-origin-opener-policy",
                "cross-origin-resource-policy",
                "referrer-policy",
            ] {
                assert_eq!(heard.headers[name], "same-origin", "{method} {path}");
            }
            assert_eq!(heard.headers["x-content-type-options"], "nosniff");
            assert!(heard.headers.contains_key("permissions-policy") && heard.headers.contains_key("cache-control"));
            if heard.status.is_client_error() && method != "HEAD" {
                assert!(
                    heard.text.contains("<h1>"),
                    "{method} {path} says only {}",
                    heard.status
                );
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_was_bound_to_this_machine_is_refused() {
    let front = Front::new(true);
    for host in ["evil.example", "evil.example:8025", "127.0.0.1.evil.example", ""] {
        for path in paths().into_iter().filter(|path| !for_customers(path)) {
            let heard = front.ask("GET", &path, &[("host", host)]).await;
            assert_eq!(heard.status, StatusCode::FORBIDDEN, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn a_forwarded_request_is_refused_with_a_sentence() {
    let front = Front::new(true);
    for name in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-anything",
        "x-real-ip",
        "via",
    ] {
        let heard = front.ask("GET", "/", &[(name, "1.1 proxy")]).await;
        assert_eq!(heard.status, StatusCode::FORBIDDEN, "{name}");
        assert!(
            heard.text.contains("through a proxy") && heard.text.contains("web.open"),
            "{}",
            heard.text
        );
    }
}

#[tokio::test]
async fn an_act_of_another_page_is_refused() {
    let front = Front::new(true);
    for fields in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("origin", "http://evil.example")],
        &[("origin", "null"), ("sec-fetch-site", "")],
        &[("origin", ""), ("sec-fetch-site", "")],
    ] {
        for path in ["/next", "/c/1/note", "/nowhere"] {
            let heard = front.ask("POST", path, fields).await;
            assert_eq!(heard.status, StatusCode::FORBIDDEN, "{path} {fields:?}");
        }
    }
}

#[tokio::test]
async fn a_desk_that_is_not_open_asks_to_sign_in_and_is_dressed() {
    let front = Front::new(false);
    let ours = |path: &String| !for_customers(path) && !path.starts_with(sign_in::PATH);
    for path in paths().into_iter().filter(ours).chain(["/nowhere".to_owned()]) {
        for method in ["GET", "POST", "DELETE"] {
            let heard = front.ask(method, &path, &[]).await;
            match (method, path.as_str()) {
                ("GET", "/live") | ("POST" | "DELETE", _) => {
                    assert_eq!(heard.status, StatusCode::UNAUTHORIZED, "{method} {path}");
                    assert!(heard.text.contains("duly cpu link"), "{path}: {}", heard.text);
                }
                _ => {
                    assert_eq!(heard.status, StatusCode::SEE_OTHER, "{method} {path}");
                    assert_eq!(heard.headers["location"], sign_in::PATH);
                }
            }
            assert!(heard.headers.contains_key("content-security-policy"));
            assert_eq!(heard.headers["cache-control"], "no-store");
        }
    }
    assert_eq!(front.ask("GET", &asset::STYLE.path, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_empty_queue_says_what_to_do_next() {
    let heard = Front::new(true).ask("GET", "/", &[]).await;
    assert!(heard.text.contains("No case is waiting for us.") && heard.text.contains("support@acme.example"));
    assert!(heard.text.contains("Acme &lt;Support&gt;"), "{}", heard.text);
}

#[tokio::test]
async fn next_without_work_says_so_on_the_run_queue() {
    let heard = Front::new(true).ask("POST", "/next", &[]).await;
    assert_eq!(heard.status, StatusCode::OK);
    assert!(heard.text.contains("Nothing needs you now"), "{}", heard.text);
}

#[tokio::test]
async fn files_are_kept_for_a_year_under_the_hash_of_their_bytes() {
    let front = Front::new(true);
    for asset in [&*asset::STYLE, &*asset::SCRIPT, &*asset::ICON] {
        let heard = front.ask("GET", &asset.path, &[]).await;
        assert_eq!(heard.headers["cache-control"], "public, max-age=31536000, immutable");
        let zipped = front.ask("GET", &asset.path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(zipped.headers["content-encoding"], "gzip");
    }
}

#[test]
fn every_route_is_declared_in_the_one_table() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    let mut builders = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let is_test = path.ends_with("tests.rs");
        let count = [".route(", ".nest(", ".route_service(", ".nest_service(", ".fallback("]
            .iter()
            .map(|word| code.matches(word).count())
            .sum::<usize>();
        // The builder itself: the table folded into a router, and the page for what is not in it.
        builders += if is_test { 0 } else { count };
        assert!(is_test || count == 0 || path.ends_with("mod.rs"), "{}", path.display());
    }
    assert_eq!(builders, 2, "a route is made beside the table");
}

#[test]
fn no_page_carries_handlers_or_styles_of_its_own() {
    let page = layout::refusal(&Refusal::usage("<script>onload=1</script>")).into_string();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
    assert!(!page.contains(" style=") && !page.contains(" onclick"), "{page}");
}
