//! What a domain asks of those who send to it (MTA-STS, RFC 8461) is done, and what cannot be had is not asked for again
//! with every mail.

use crate::kit::databases::migrated;
use crate::kit::desk::{ANNA, MONDAY, TestDesk, time};
use crate::kit::mail::mail;
use crate::kit::outside::{Book, Maker, Shelf, outside, quick};
use crate::kit::sink::Sink;
use duly::desk::MIGRATIONS;
use duly::desk::engineer::Role;
use duly::desk::verb::{Answer, Verb};
use duly::mail::send::{Courier, Delivery, Fetch, Https, Policy, Route};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const WAIT: Duration = Duration::from_millis(500);

fn policy(mode: &str, host: &str) -> Policy {
    Policy::parse(&text(mode, host)).expect("a policy")
}

fn text(mode: &str, host: &str) -> String {
    format!("version: STSv1\r\nmode: {mode}\r\nmx: {host}\r\nmax_age: 86400\r\n")
}

async fn deliver(maker: &Maker, at: SocketAddr, policy: Option<&Policy>) -> Delivery {
    let book = Arc::new(Book::default().host("b.example", at));
    let courier = Courier::with(Route::Mx, "desk.example".into(), book, quick(WAIT)).expect("a courier");
    let courier = courier.trusting(maker.believed());
    courier
        .deliver("", "anna@b.example", b"Subject: x\r\n\r\nx\r\n", policy)
        .await
}

/// What a deferral says.
fn words(delivery: &Delivery) -> &str {
    match delivery {
        Delivery::Deferred { reply, .. } => reply,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn mail_under_an_enforced_policy_goes_only_encrypted_to_a_host_that_proves_its_name() {
    let maker = Maker::new();
    let enforced = policy("enforce", "mx.b.example");
    let good = Sink::offering(vec!["SIZE"], Some(maker.server("mx.b.example")), Vec::new()).await;
    let accepted = deliver(&maker, good.address, Some(&enforced)).await;
    assert!(matches!(accepted, Delivery::Accepted { .. }), "{accepted:?}");
    assert!(good.taken()[0].tls);

    let other_name = Sink::offering(vec!["SIZE"], Some(maker.server("mx.c.example")), Vec::new()).await;
    let own_word = duly::mail::listen::self_signed("mx.b.example").expect("a certificate");
    let own_word = Sink::offering(vec!["SIZE"], Some(own_word), Vec::new()).await;
    let in_the_clear = Sink::offering(vec!["SIZE"], None, Vec::new()).await;
    for (sink, why) in [
        (&other_name, "no encryption"),
        (&own_word, "no encryption"),
        (&in_the_clear, "MTA-STS"),
    ] {
        let delivery = deliver(&maker, sink.address, Some(&enforced)).await;
        assert!(words(&delivery).contains(why), "{delivery:?}");
        assert!(sink.taken().is_empty());
        // Whoever only tests, and whoever has no policy, gets the mail as it can be had.
        for policy in [None, Some(&policy("testing", "mx.b.example"))] {
            let delivery = deliver(&maker, sink.address, policy).await;
            assert!(matches!(delivery, Delivery::Accepted { .. }), "{delivery:?}");
        }
    }
}

#[tokio::test]
async fn a_mail_host_that_an_enforced_policy_does_not_name_is_not_called() {
    let maker = Maker::new();
    let sink = Sink::offering(vec!["SIZE"], Some(maker.server("mx.b.example")), Vec::new()).await;
    let delivery = deliver(&maker, sink.address, Some(&policy("enforce", "*.c.example"))).await;
    assert!(words(&delivery).contains("mx.b.example is not among"), "{delivery:?}");
    assert_eq!(sink.connections(), 0);
}

/// Answers every request at an address with these words.
async fn serve(maker: &Maker, words: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let tls = tokio_rustls::TlsAcceptor::from(maker.server("mta-sts.b.example"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = tls.accept(stream).await else {
                continue;
            };
            let mut asked = [0; 1024];
            let read = stream.read(&mut asked).await.unwrap_or(0);
            let asked = &asked[..read];
            assert!(
                asked.starts_with(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
                    || asked.starts_with(b"GET /berlin.ics?years=all HTTP/1.1\r\n")
            );
            let _ = stream.write_all(&words).await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

async fn fetch(maker: &Maker, believed: &Maker, words: &[u8]) -> anyhow::Result<String> {
    let address = serve(maker, words.to_vec()).await;
    let mut book = Book::default();
    book.addresses.insert("mta-sts.b.example".into(), vec![address]);
    let https = Https::new(Arc::new(book), believed.believed()).at_port(address.port());
    https.policy("b.example").await
}

#[tokio::test]
async fn a_policy_is_fetched_from_its_own_name_and_from_nowhere_it_is_sent_to() {
    let maker = Maker::new();
    let text = text("enforce", "mx.b.example");
    let answer = |head: &str| format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into_bytes();
    let good = answer("200 OK\r\nContent-Type: text/plain; charset=utf-8");
    assert_eq!(fetch(&maker, &maker, &good).await.expect("the policy"), text);
    let long = [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n".to_vec(),
        vec![b'x'; 70_000],
    ]
    .concat();
    for refused in [
        answer("301 Moved\r\nLocation: https://elsewhere.example/\r\nContent-Type: text/plain"),
        answer("200 OK\r\nContent-Type: text/html"),
        answer("404 Not Found\r\nContent-Type: text/plain"),
        long,
        b"what?".to_vec(),
        Vec::new(),
    ] {
        assert!(
            fetch(&maker, &maker, &refused).await.is_err(),
            "{}",
            String::from_utf8_lossy(&refused[..20.min(refused.len())])
        );
    }
    assert!(
        fetch(&maker, &Maker::new(), &good).await.is_err(),
        "a certificate that nobody vouches for"
    );
}

#[tokio::test]
async fn a_feed_is_fetched_from_the_address_that_was_entered_and_believed_by_its_certificate_only() {
    let maker = Maker::new();
    let object = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\nContent-Length: {}\r\n\r\n{object}",
        object.len()
    );
    let at = serve(&maker, answer.into_bytes()).await;
    let mut book = Book::default();
    book.addresses.insert("mta-sts.b.example".into(), vec![at]);
    let book = Arc::new(book);
    let of = |believed: &Maker, url: String| {
        let https = Https::new(Arc::clone(&book) as _, believed.believed()).at_port(at.port());
        async move { https.calendar(&url).await }
    };
    let url = "https://mta-sts.b.example/berlin.ics?years=all".to_owned();
    assert_eq!(of(&maker, url.clone()).await.expect("the feed"), object);
    let with_port = format!("https://mta-sts.b.example:{}/berlin.ics?years=all", at.port());
    assert_eq!(of(&maker, with_port).await.expect("the feed"), object);
    assert!(of(&Maker::new(), url.clone()).await.is_err(), "nobody vouches for it");
    assert!(of(&maker, url.replace("https", "http")).await.is_err(), "in the clear");
    assert!(
        of(&maker, url.replace("mta-sts.b", "elsewhere")).await.is_err(),
        "not found"
    );
}

#[test]
fn a_policy_is_believed_as_long_as_it_said_though_its_record_is_gone() {
    for database in migrated(MIGRATIONS) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let maker = Maker::new();
        let plain = runtime.block_on(Sink::offering(vec!["SIZE"], None, Vec::new()));
        let book = Arc::new(Book::default().host("northwind.example", plain.address));
        let shelf: Arc<Shelf> = Arc::default();
        let settings = [("mail", "unverified", "schedule"), ("mail", "relay", "")];
        let world = outside(&book, &shelf, &maker, WAIT);
        let mut desk = TestDesk::open_into(database, &settings, time(MONDAY), Some(world));
        desk.hire(ANNA, "Anna Keller", Role::Lead);
        let write = |desk: &mut TestDesk, subject: &str| {
            let case = desk.receive(&mail("nora@northwind.example", subject)).case();
            desk.page(case).messages[0].delivery[0].clone()
        };
        // No record: nothing is fetched, and the acknowledgement leaves in the clear.
        assert_eq!(write(&mut desk, "one").state, "accepted");
        assert_eq!(shelf.asked.lock().unwrap().len(), 0);
        // A record whose policy cannot be had: asked for once an hour.
        book.say("_mta-sts.northwind.example", "v=STSv1; id=1;");
        assert_eq!(write(&mut desk, "two").state, "accepted");
        assert_eq!(write(&mut desk, "three").state, "accepted");
        assert_eq!(shelf.asked.lock().unwrap().len(), 1, "{}", desk.on);
        // An enforced one keeps mail from a host that does not encrypt, and is not fetched twice.
        shelf.put("northwind.example", &text("enforce", "mx.northwind.example"));
        book.say("_mta-sts.northwind.example", "v=STSv1; id=2;");
        let deferred = write(&mut desk, "four");
        assert_eq!(deferred.state, "deferred", "{}", desk.on);
        assert!(deferred.said.is_some_and(|said| said.contains("MTA-STS")));
        assert_eq!(shelf.asked.lock().unwrap().len(), 2);
        book.txt.lock().unwrap().clear();
        desk.minutes(2);
        let deferred = |desk: &TestDesk| {
            let theirs = "SELECT COUNT(*) FROM outbox WHERE state = 'deferred' AND domain = 'northwind.example'";
            desk.number(theirs, &[])
        };
        assert_eq!(deferred(&desk), 1, "hiding the record does not switch encryption off");
        // A day later it has expired; tries are two hours apart by then.
        desk.minutes(27 * 60);
        assert_eq!(deferred(&desk), 0);
        assert_eq!(shelf.asked.lock().unwrap().len(), 2);
        desk.ends_well();
    }
}

#[test]
fn a_calendar_follows_its_feed_and_says_when_it_cannot_be_read() {
    const FEED: &str = "https://feiertage.example/berlin.ics";
    let object = |days: &[&str]| {
        let days = days
            .iter()
            .map(|day| format!("BEGIN:VEVENT\nDTSTART;VALUE=DATE:{day}\nSUMMARY:A day off\nEND:VEVENT\n"));
        format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", days.collect::<String>())
    };
    for database in migrated(MIGRATIONS) {
        let (book, shelf, maker) = (Arc::new(Book::default()), Arc::<Shelf>::default(), Maker::new());
        let world = outside(&book, &shelf, &maker, WAIT);
        let mut desk = TestDesk::open_into(database, &[], time(MONDAY), Some(world));
        let newest = |desk: &TestDesk| match desk.owner(Verb::Calendar {
            named: Some("berlin".into()),
        }) {
            Ok(Answer::Calendars(rows)) => rows[0].clone(),
            other => panic!("{other:?}"),
        };
        let set = Verb::CalendarSet {
            name: "berlin".into(),
            text: "zone = \"Europe/Berlin\"\nhours = \"mon-fri 09:00-17:00\"\n".into(),
        };
        desk.owner(set).expect("a calendar");
        let follow = |url: Option<&str>| Verb::CalendarFeed {
            name: "berlin".into(),
            url: url.map(str::to_owned),
        };
        assert!(desk.owner(follow(Some("http://feiertage.example/"))).is_err());
        assert!(desk.owner(follow(None)).is_err(), "it follows none");
        shelf.put(FEED, &object(&["20260303"]));
        desk.owner(follow(Some(FEED))).expect("it follows");
        desk.wait_for("the feed", || newest(&desk).version == 2);
        assert_eq!(newest(&desk).special_dates, 1, "{}", desk.on);
        // Nothing new is no trouble, and no version.
        desk.minutes(25 * 60);
        desk.wait_for("a second look", || {
            newest(&desk).feed.is_some_and(|feed| feed.read_at > Some(time(MONDAY)))
        });
        assert_eq!(newest(&desk).version, 2, "{}", desk.on);
        // What is no calendar, and what is not there, changes nothing and is said.
        shelf.put(FEED, "<html>moved</html>");
        desk.minutes(25 * 60);
        desk.wait_for("trouble", || {
            newest(&desk).feed.is_some_and(|feed| feed.trouble.is_some())
        });
        assert_eq!(newest(&desk).version, 2, "{}", desk.on);
        shelf.put(FEED, &object(&["20260303", "20270303"]));
        desk.minutes(61);
        desk.wait_for("the next year", || newest(&desk).version == 3);
        let found = newest(&desk);
        assert_eq!((found.special_dates, found.source.as_str()), (2, "feed"), "{}", desk.on);
        assert_eq!(found.feed.and_then(|feed| feed.trouble), None);
        desk.owner(follow(None)).expect("it ends");
        assert!(newest(&desk).feed.is_none());
        desk.ends_well();
    }
}
