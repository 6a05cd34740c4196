//! Signing in by a link, and what a session is: whose it is, how long it lives, what ends it, where it counts.

use crate::front::{Front, Heard, Visitor, closed};
use duly::desk::SessionId;
use duly::desk::engineer::Role;
use duly::desk::ledger::Actor;
use duly::desk::session::{self, Which};
use duly::desk::verb::{Principal, Verb, perform};
use duly::limits;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const ANNA: &str = "anna@acme.example";
const TOM: &str = "tom@acme.example";

fn later(front: &Front, minutes: i64) {
    front.clock.set(front.clock.now() + SignedDuration::from_mins(minutes));
}

/// The button behind a link, pressed.
async fn press(front: &Front, link: &str) -> Heard {
    front.send("/sign-in", &[("link", link)]).await
}

async fn sessions(front: &Front, address: &'static str) -> Vec<SessionId> {
    let (store, now) = (front.store.clone(), front.clock.now());
    let read = move || {
        store.read(|tx| {
            let engineer = duly::desk::engineer::find(tx, address)?;
            let rows = session::list(tx, now, engineer.id)?;
            Ok(rows.iter().map(|row| SessionId(row.session)).collect())
        })
    };
    tokio::task::spawn_blocking(read).await.unwrap().unwrap()
}

/// Does a verb as the owner of the data directory.
async fn owner(front: &Front, verb: Verb) {
    let (store, desk, now) = (front.store.clone(), front.desk.clone(), front.clock.now());
    let done = tokio::task::spawn_blocking(move || perform(&store, &desk, now, Principal::Owner, verb).map(|_| ()));
    done.await.unwrap().unwrap();
}

#[tokio::test]
async fn looking_at_a_link_uses_nothing_up_and_its_button_signs_in_once() {
    for front in closed("").await {
        let link = front.link(ANNA).await;
        for method in ["GET", "HEAD"].repeat(20) {
            let heard = front.ask(method, &format!("/sign-in/{link}"), &[], "").await;
            assert_eq!(heard.status, 200, "{}: {}", front.name, heard.head);
            assert_eq!(heard.header("set-cookie"), "", "{}", heard.head);
        }
        let page = front.page(&format!("/sign-in/{link}")).await;
        assert!(page.text().contains("Anna Keller"), "{}", page.body);
        assert_eq!(page.body.matches("<form").count(), 1);
        assert_eq!(page.body.matches("<button").count(), 1);
        assert!(
            page.body
                .contains(&format!("<input type=\"hidden\" name=\"link\" value=\"{link}\">"))
        );
        let begun = press(&front, &link).await;
        assert_eq!((begun.status, begun.header("location")), (303, "/"), "{}", begun.body);
        let cookie = begun.header("set-cookie");
        assert!(cookie.starts_with("duly=duly_session_"), "{cookie}");
        assert!(
            cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800") && !cookie.contains("Secure"),
            "{cookie}"
        );
        let anna = Visitor::of(&front, &begun);
        assert!(anna.page("/").await.text().contains("Sign out"));
        for heard in [
            press(&front, &link).await,
            front.page(&format!("/sign-in/{link}")).await,
        ] {
            assert_eq!(heard.status, 409, "{}", front.name);
            assert!(heard.text().contains("was used already") && heard.text().contains("duly cpu link"));
            assert_eq!(heard.header("set-cookie"), "");
        }
        assert_eq!(sessions(&front, ANNA).await.len(), 1);
    }
}

#[tokio::test]
async fn of_many_who_press_at_once_one_is_signed_in() {
    for front in closed("").await {
        let link = front.link(ANNA).await;
        let all = (0..50).map(|_| press(&front, &link));
        let mut begun = 0;
        for heard in futures(all).await {
            match heard.status {
                303 => begun += 1,
                status => assert_eq!((status, heard.header("set-cookie")), (409, ""), "{}", heard.body),
            }
        }
        assert_eq!((begun, sessions(&front, ANNA).await.len()), (1, 1), "{}", front.name);
    }
}

/// Waits for all of them, asked at the same time.
async fn futures(all: impl Iterator<Item = impl Future<Output = Heard>>) -> Vec<Heard> {
    let mut waiting: Vec<_> = all.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(heard) => {
                done.push(heard);
                false
            }
            std::task::Poll::Pending => true,
        });
        match waiting.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done
}

#[tokio::test]
async fn a_link_that_does_nothing_says_why() {
    for front in closed("").await {
        let unknown = press(&front, "duly_link_guessed").await;
        assert!(
            unknown.status == 404 && unknown.text().contains("is not known"),
            "{}",
            unknown.body
        );
        assert_eq!(press(&front, "").await.status, 404);
        let link = front.link(ANNA).await;
        later(&front, limits::SIGN_IN_MINUTES);
        for heard in [
            press(&front, &link).await,
            front.page(&format!("/sign-in/{link}")).await,
        ] {
            assert_eq!(heard.status, 409);
            assert!(heard.text().contains("older than 15 minutes"), "{}", heard.body);
        }
        let link = front.link(TOM).await;
        let kept = front.link(ANNA).await;
        owner(&front, Verb::CpuRemove { address: TOM.into() }).await;
        assert!(press(&front, &link).await.status >= 400, "{}", front.name);
        later(&front, limits::SIGN_IN_MINUTES - 1);
        assert_eq!(
            press(&front, &kept).await.status,
            303,
            "a minute before its end it works"
        );
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_after_seven_days_in_any_case() {
    for front in closed("").await {
        let anna = front.visitor(ANNA).await;
        let idle = limits::SESSION_IDLE_HOURS * 60;
        later(&front, idle - 1);
        assert_eq!(anna.page("/").await.status, 200, "{}", front.name);
        later(&front, idle - 1);
        // A page that keeps itself fresh is no person.
        assert_eq!(
            anna.ask("GET", "/", &[("Sec-Fetch-Dest", "empty")], "").await.status,
            200
        );
        later(&front, 1);
        assert_eq!(anna.page("/").await.header("location"), "/sign-in", "{}", front.name);
        let anna = front.visitor(ANNA).await;
        let steps = limits::SESSION_DAYS * 24 / (limits::SESSION_IDLE_HOURS - 1);
        for _ in 0..steps {
            later(&front, idle - 60);
            assert_eq!(anna.page("/").await.status, 200, "{}", front.name);
        }
        later(&front, idle - 60);
        assert_eq!(anna.page("/").await.status, 303, "{}", front.name);
        assert_eq!(sessions(&front, ANNA).await, []);
    }
}

#[tokio::test]
async fn the_last_use_is_written_down_once_a_minute() {
    for front in closed("").await {
        let anna = front.visitor(ANNA).await;
        let commits = front.store.commits();
        for _ in 0..5 {
            anna.page("/").await;
        }
        assert_eq!(front.store.commits(), commits, "{}", front.name);
        later(&front, 1);
        for _ in 0..5 {
            anna.page("/").await;
        }
        assert_eq!(front.store.commits(), commits + 1, "{}", front.name);
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_only_the_cookie() {
    for front in closed("").await {
        let (anna, other) = (front.visitor(ANNA).await, front.visitor(ANNA).await);
        let out = anna.send("/sign-out", &[]).await;
        assert_eq!(
            (out.status, out.header("location")),
            (303, "/sign-in?out"),
            "{}",
            out.body
        );
        assert!(out.header("set-cookie").starts_with("duly=;") && out.header("set-cookie").contains("Max-Age=0"));
        assert_eq!(anna.page("/").await.status, 303, "its cookie opens nothing");
        assert_eq!(
            other.page("/").await.status,
            200,
            "{}: another browser stays",
            front.name
        );
        assert!(front.page("/sign-in?out").await.text().contains("You are signed out."));
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_and_by_nobody_else() {
    for front in closed("").await {
        let (anna, other, tom) = (
            front.visitor(ANNA).await,
            front.visitor(ANNA).await,
            front.visitor(TOM).await,
        );
        let page = anna.page("/me").await;
        assert!(
            page.text().contains("Where you are signed in") && page.body.matches("End it").count() == 1,
            "{}",
            page.body
        );
        let all = sessions(&front, ANNA).await;
        let own = all.iter().min().unwrap().0.to_string();
        let second = all.iter().max().unwrap().0.to_string();
        let foreign = tom.send("/me/end", &[("session", &second)]).await;
        assert_eq!(foreign.status, 404, "{}", foreign.body);
        assert_eq!(other.page("/").await.status, 200);
        assert_eq!(
            anna.send("/me/end", &[("session", &own)]).await.status,
            422,
            "that is signing out"
        );
        assert_eq!(anna.send("/me/end", &[("session", &second)]).await.status, 303);
        assert_eq!(other.page("/").await.status, 303, "{}: at once", front.name);
        let third = front.visitor(ANNA).await;
        assert_eq!(anna.send("/me/others", &[]).await.status, 303);
        assert_eq!(third.page("/").await.status, 303);
        assert_eq!((anna.page("/").await.status, tom.page("/").await.status), (200, 200));
        owner(
            &front,
            Verb::CpuSessions {
                address: TOM.into(),
                end: true,
            },
        )
        .await;
        assert_eq!(tom.page("/").await.status, 303, "an administrator ended it");
    }
}

#[tokio::test]
async fn who_leaves_is_signed_out_everywhere_at_once_and_back_with_nothing() {
    for front in closed("").await {
        let tom = front.visitor(TOM).await;
        front.mail("priya@northwind.example", "Lag", "It lags.").await;
        assert_eq!(tom.send("/next", &[]).await.status, 303);
        owner(&front, Verb::CpuRemove { address: TOM.into() }).await;
        assert_eq!(tom.page("/").await.status, 303, "{}", front.name);
        let anna = front.visitor(ANNA).await;
        let given = anna.send("/next", &[]).await;
        assert!(
            given.header("location").starts_with("/c/1"),
            "{}: their slice is free",
            given.head
        );
        front.hire(TOM, "Tom Berg", Role::Engineer).await;
        assert_eq!(
            tom.page("/").await.status,
            303,
            "{}: the old session is gone",
            front.name
        );
    }
}

#[tokio::test]
async fn the_oldest_session_makes_room_where_there_are_too_many() {
    for front in closed("").await {
        let first = front.visitor(ANNA).await;
        for _ in 0..limits::SESSIONS {
            later(&front, 1);
            front.visitor(ANNA).await;
        }
        assert_eq!(
            sessions(&front, ANNA).await.len() as i64,
            limits::SESSIONS,
            "{}",
            front.name
        );
        assert_eq!(first.page("/").await.status, 303);
    }
}

#[tokio::test]
async fn whoever_signs_in_over_a_session_gets_a_number_of_their_own_and_the_end_is_written_down() {
    for front in closed("").await {
        let anna = front.visitor(ANNA).await;
        let first = sessions(&front, ANNA).await[0];
        let link = front.link(TOM).await;
        let begun = anna.send("/sign-in", &[("link", &link)]).await;
        assert_eq!(begun.status, 303, "{}: {}", front.name, begun.body);
        assert!(sessions(&front, ANNA).await.is_empty(), "{}", front.name);
        assert!(sessions(&front, TOM).await[0] != first, "{}", front.name);
        let store = front.store.clone();
        let ended = tokio::task::spawn_blocking(move || {
            store.read(|tx| {
                Ok(tx
                    .one("SELECT COUNT(*) FROM event WHERE kind = 'session.ended'", &[])?
                    .int(0))
            })
        });
        assert_eq!(ended.await.unwrap().unwrap(), 1, "{}", front.name);
    }
}

#[tokio::test]
async fn a_secret_that_could_be_guessed_signs_in_nobody() {
    for front in closed("").await {
        for secret in ["", "a", "duly_link_short"] {
            let (store, desk, now) = (front.store.clone(), front.desk.clone(), front.clock.now());
            let verb = Verb::CpuLink {
                address: ANNA.into(),
                secret: secret.into(),
            };
            let asked =
                tokio::task::spawn_blocking(move || perform(&store, &desk, now, Principal::Owner, verb).map(|_| ()));
            assert!(asked.await.unwrap().is_err(), "{}: {secret:?}", front.name);
            assert_eq!(press(&front, secret).await.status, 404, "{}", front.name);
        }
    }
}

#[tokio::test]
async fn nothing_in_a_request_changes_who_acts() {
    for front in closed("").await {
        let case = front.mail("priya@northwind.example", "Lag", "It lags.").await;
        let anna = front.visitor(ANNA).await;
        let path = format!("/c/{case}/note?as=tom");
        let noted = anna.send(&path, &[("as", TOM), ("note", "who am I")]).await;
        assert_eq!(noted.status, 303, "{}", noted.body);
        assert_eq!(noted.header("location"), format!("/c/{case}?done=note"));
        let page = anna.page(&format!("/c/{case}?as=2")).await.text();
        let note = page.find("who am I").expect("the note");
        let before = &page[..note];
        assert!(before.rfind("Anna Keller") > before.rfind("Tom Berg"), "{page}");
        anna.send("/next", &[("as", TOM)]).await;
        assert!(
            anna.page(&format!("/c/{case}"))
                .await
                .text()
                .contains("Anna Keller is working on it now."),
            "{}",
            front.name
        );
        let page = anna.page(&format!("/c/{case}")).await.body;
        assert!(!page.contains("name=\"as\""), "nobody is asked who they are");
    }
}

#[tokio::test]
async fn a_form_of_another_page_or_another_sign_in_changes_nothing_and_gives_the_words_back() {
    for front in closed("").await {
        let case = front.mail("priya@northwind.example", "Lag", "It lags.").await;
        let (anna, tom) = (front.visitor(ANNA).await, front.visitor(TOM).await);
        let path = format!("/c/{case}/note");
        let form = |proof: &str| format!("note=precious+words&form={proof}");
        for (fields, body) in [
            (vec![], form("")),
            (vec![], form(&tom.proof().await)),
            (vec![], "note=precious+words".to_owned()),
            (vec![("Origin", "https://evil.example")], form(&anna.proof().await)),
            (vec![("Sec-Fetch-Site", "cross-site")], form(&anna.proof().await)),
            (vec![("Origin", ""), ("Sec-Fetch-Site", "")], form(&anna.proof().await)),
        ] {
            let told = anna.ask("POST", &path, &fields, &body).await;
            assert_eq!(told.status, 403, "{fields:?} {body}");
            if fields.is_empty() {
                assert!(told.text().contains("precious words"), "{}", told.body);
            }
        }
        let (cookie, proof) = (anna.cookie.clone(), anna.proof().await);
        anna.send("/sign-out", &[]).await;
        let late = Visitor { front: &front, cookie }
            .ask("POST", &path, &[], &form(&proof))
            .await;
        assert_eq!(late.status, 401, "{}", late.head);
        assert!(
            late.text().contains("precious words") && late.text().contains("duly cpu link"),
            "{}",
            late.body
        );
        assert!(
            !tom.page(&format!("/c/{case}")).await.text().contains("precious"),
            "{}",
            front.name
        );
    }
}

#[tokio::test]
async fn a_program_without_a_session_gets_a_number_and_a_person_a_page() {
    for front in closed("").await {
        assert_eq!(front.page("/").await.header("location"), "/sign-in");
        for fields in [&[("Sec-Fetch-Dest", "empty")][..], &[("Accept", "application/json")]] {
            assert_eq!(front.ask("GET", "/", fields, "").await.status, 401, "{fields:?}");
        }
        assert_eq!(front.ask("GET", "/live", &[], "").await.status, 401);
        let page = front.page("/sign-in").await;
        assert!(
            page.status == 200 && page.text().contains("duly cpu link"),
            "{}",
            page.body
        );
        let anna = front.visitor(ANNA).await;
        assert_eq!(anna.page("/sign-in").await.header("location"), "/");
    }
}

#[tokio::test]
async fn behind_a_proxy_it_is_reached_under_its_own_name_only_and_the_cookie_is_bound_to_it() {
    for front in closed("https://desk.acme.example").await {
        front.hire("root@acme.example", "Root", Role::Administrator).await;
        let link = front.link(ANNA).await;
        let own = [
            ("Host", "desk.acme.example"),
            ("X-Forwarded-For", "192.0.2.7"),
            ("Origin", "https://desk.acme.example"),
        ];
        let begun = front.ask("POST", "/sign-in", &own, &format!("link={link}")).await;
        assert_eq!(begun.status, 303, "{}: {}", front.name, begun.body);
        let cookie = begun.header("set-cookie").to_owned();
        assert!(
            cookie.starts_with("__Host-duly=") && cookie.ends_with("; Secure"),
            "{cookie}"
        );
        let brought = cookie.split(';').next().unwrap().to_owned();
        let with = |fields: &[(&'static str, &'static str)]| {
            let mut all: Vec<(&str, String)> = fields
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect();
            all.push(("Cookie", brought.clone()));
            all
        };
        let ask = async |fields: &[(&'static str, &'static str)]| {
            let all = with(fields);
            let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
            front.ask("GET", "/", &all, "").await.status
        };
        assert_eq!(ask(&own).await, 200);
        assert_eq!(ask(&[("Host", "desk.acme.example:443")]).await, 200);
        for host in [
            "evil.example",
            "desk.acme.example.evil.example",
            "desk.acme.example:444",
            "",
        ] {
            assert_eq!(ask(&[("Host", host)]).await, 403, "{host}");
        }
        // A proxy that does not pass the name on is no way round the name.
        assert_eq!(ask(&[("Via", "1.1 proxy")]).await, 403, "{}", front.name);
        // On this machine the cookie of the other address counts for nothing.
        assert_eq!(ask(&[]).await, 303);
        let foreign = front
            .ask(
                "POST",
                "/sign-in",
                &[own[0], ("Origin", "http://desk.acme.example")],
                "link=x",
            )
            .await;
        assert_eq!(foreign.status, 403);
        let link = front.link("root@acme.example").await;
        let strict = front.ask("POST", "/sign-in", &own, &format!("link={link}")).await;
        assert!(
            strict.header("set-cookie").contains("SameSite=Strict"),
            "{}",
            strict.head
        );
    }
}

#[tokio::test]
async fn a_stream_of_news_ends_with_its_session() {
    for front in closed("").await {
        let anna = front.visitor(ANNA).await;
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        let head = format!(
            "GET /live HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nSec-Fetch-Dest: empty\r\nConnection: close\r\n\r\n",
            front.address, anna.cookie
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(String::from_utf8_lossy(&buffer[..count]).starts_with("HTTP/1.1 200"));
        let (now, id) = (front.clock.now(), sessions(&front, ANNA).await[0]);
        let end = front.store.write_async(move |tx| {
            let engineer = duly::desk::engineer::find(tx, ANNA)?.id;
            session::end(tx, now, Actor::Owner, engineer, Which::One(id))
        });
        assert_eq!(end.await.unwrap(), 1);
        // The end of a session is an entry of the ledger, which is news.
        let rest = async {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            String::from_utf8_lossy(&rest).into_owned()
        };
        let rest = timeout(Duration::from_secs(20), rest).await.expect("the stream ends");
        assert!(!rest.contains("event: changed"), "{}: {rest}", front.name);
        assert_eq!(
            anna.ask("GET", "/live", &[("Sec-Fetch-Dest", "empty")], "")
                .await
                .status,
            401
        );
    }
}

#[tokio::test]
async fn the_tables_hold_no_secret_that_opens_anything() {
    for front in closed("").await {
        let link = front.link(ANNA).await;
        let anna = Visitor::of(&front, &press(&front, &link).await);
        let secret = anna.cookie.split_once('=').unwrap().1.to_owned();
        let store = front.store.clone();
        let now: Timestamp = front.clock.now();
        let found = tokio::task::spawn_blocking(move || {
            store.read(|tx| {
                let hashes = tx.query(
                    "SELECT hash FROM session UNION ALL SELECT hash FROM sign_in LIMIT 10",
                    &[],
                )?;
                assert_eq!(hashes.len(), 2);
                for row in &hashes {
                    let text = String::from_utf8_lossy(row.bytes(0)).into_owned();
                    assert!(!text.contains("duly_") && row.bytes(0).len() == 32);
                    // What stands in the table is not what opens the door.
                    assert!(session::find(tx, now, &text)?.is_none());
                }
                assert!(session::find(tx, now, &secret)?.is_some());
                let events = tx.query("SELECT data FROM event LIMIT 100", &[])?;
                assert!(events.iter().all(|row| !row.text(0).contains("duly_")));
                Ok(())
            })
        });
        found.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn one_lands_on_the_page_that_one_wanted_and_never_elsewhere() {
    for front in closed("").await {
        let case = front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        let path = format!("/c/{case}?messages=100");
        let asked = front.page(&path).await;
        assert_eq!(
            (asked.status, asked.header("location")),
            (303, "/sign-in"),
            "{}",
            front.name
        );
        let note = asked
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned();
        for (cookie, lands) in [
            (note.as_str(), path.as_str()),
            ("duly-wanted=%2F%2Fevil.example", "/"),
            ("", "/"),
        ] {
            let link = front.link("anna@acme.example").await;
            let begun = front
                .ask("POST", "/sign-in", &[("Cookie", cookie)], &format!("link={link}"))
                .await;
            assert_eq!((begun.status, begun.header("location")), (303, lands), "{cookie}");
            assert!(
                begun.head.contains("duly-wanted=; Path=/sign-in"),
                "it is forgotten: {}",
                begun.head
            );
        }
    }
}
