//! The courier against a server that misbehaves on purpose.

use crate::kit::outside::Book;
use crate::kit::sink::{Act, Sink, Taken, Verb};
use duly::mail::send::{Courier, Delivery, Login, NoRoute, Route, Waits};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn quick() -> Waits {
    let wait = Duration::from_millis(300);
    Waits {
        connect: wait,
        reply: wait,
        dot: wait,
    }
}

fn courier(route: Route, book: Book) -> Courier {
    Courier::with(route, "desk.example".to_owned(), Arc::new(book), quick()).expect("a courier")
}

fn relay(sink: &Sink) -> Courier {
    let route = Route::Relay {
        host: "127.0.0.1".to_owned(),
        port: sink.address.port(),
        login: None,
    };
    courier(route, Book::default())
}

/// A courier that finds `hosts` for b.example, in this order.
fn by_mx(hosts: &[(&'static str, SocketAddr)]) -> Courier {
    let mx = hosts
        .iter()
        .enumerate()
        .map(|(at, (host, _))| (10 + at as u16, format!("{host}.")))
        .rev()
        .collect();
    let addresses = hosts
        .iter()
        .map(|(host, address)| ((*host).to_owned(), vec![*address]))
        .collect();
    courier(
        Route::Mx,
        Book {
            mx: [("b.example".to_owned(), Ok(mx))].into(),
            addresses,
            ..Book::default()
        },
    )
}

const RAW: &[u8] = b"Subject: x\r\n\r\n.one\r\n..two\r\n.\r\nend\r\n";

async fn deliver(courier: &Courier) -> Delivery {
    courier.deliver("desk@desk.example", "anna@b.example", RAW, None).await
}

fn deferred(server: Option<&str>, reply: &str, own: bool) -> Delivery {
    Delivery::Deferred {
        server: server.map(str::to_owned),
        reply: reply.to_owned(),
        first_try_reached_customer_server: own,
    }
}

fn failed(server: Option<&str>, reply: &str) -> Delivery {
    Delivery::Failed {
        server: server.map(str::to_owned),
        reply: reply.to_owned(),
    }
}

/// Nobody listens there.
async fn nowhere() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("its address")
}

#[tokio::test]
async fn a_relay_gets_exactly_the_mail() {
    let sink = Sink::start(Vec::new()).await;
    let accepted = Delivery::Accepted {
        server: "127.0.0.1".to_owned(),
        reply: "250 2.0.0 queued as 42".to_owned(),
    };
    let courier = relay(&sink);
    assert_eq!(deliver(&courier).await, accepted);
    let eight_bit = "\u{e9}\r\n".repeat(20_000);
    let raws: [&[u8]; 5] = [b"", b"\r\n", b".\r\n", b"a\r\n\r\n\r\n", eight_bit.as_bytes()];
    for raw in raws {
        assert_eq!(courier.deliver("", "anna@b.example", raw, None).await, accepted);
    }
    assert_eq!(
        courier.deliver("", "anna@b.example", b"no line end", None).await,
        accepted
    );
    let taken = sink.taken();
    assert_eq!(taken[0].raw, RAW);
    assert_eq!(
        taken[0].mail,
        format!("MAIL FROM:<desk@desk.example> SIZE={}", RAW.len())
    );
    assert_eq!(taken[0].rcpt, ["RCPT TO:<anna@b.example>"]);
    assert_eq!(taken[2].raw, b"\r\n");
    assert_eq!(taken[3].raw, b".\r\n");
    assert_eq!(taken[4].raw, b"a\r\n\r\n\r\n");
    assert!(taken[5].raw == eight_bit.as_bytes() && taken[5].mail.ends_with(" BODY=8BITMIME"));
    assert_eq!(taken[6].raw, b"no line end\r\n");
    assert_eq!(taken[1].raw, b"");
}

#[tokio::test]
async fn random_mails_arrive_as_they_left() {
    let sink = Sink::start(Vec::new()).await;
    let courier = relay(&sink);
    let mut dice = crate::desk::Dice(11);
    let pieces = ["\r\n", "\r\n.", ".", "x", "\u{e9}", "\0"];
    let mut sent = Vec::new();
    for _ in 0..200 {
        let text: String = (0..dice.below(80)).map(|_| pieces[dice.below(pieces.len())]).collect();
        sent.push(format!("{text}\r\n").into_bytes());
        assert!(matches!(
            courier.deliver("", "anna@b.example", &sent[sent.len() - 1], None).await,
            Delivery::Accepted { .. }
        ));
    }
    assert!(sink.taken().into_iter().map(|taken: Taken| taken.raw).eq(sent));
}

#[tokio::test]
async fn a_4xx_defers_and_a_5xx_fails_at_each_verb_in_the_servers_words() {
    for verb in [Verb::Mail, Verb::Rcpt, Verb::Data, Verb::Dot] {
        let sink = Sink::start(vec![(verb, Act::Say(b"451 4.7.1 later\x07"))]).await;
        assert_eq!(
            deliver(&relay(&sink)).await,
            deferred(Some("127.0.0.1"), "451 4.7.1 later", false),
            "{verb:?}"
        );
        let sink = Sink::start(vec![(verb, Act::Say(b"550-5.1.1 no\r\n550 5.1.1 such user"))]).await;
        assert_eq!(
            deliver(&relay(&sink)).await,
            failed(Some("127.0.0.1"), "550 5.1.1 no 5.1.1 such user"),
            "{verb:?}"
        );
        assert_eq!(sink.connections(), 1);
        let sink = Sink::start(vec![(verb, Act::Say(b"451 later"))]).await;
        let own = deliver(&by_mx(&[("mx.b.example", sink.address)])).await;
        assert_eq!(own, deferred(Some("mx.b.example"), "451 later", true), "{verb:?}");
    }
    for verb in [Verb::Greeting, Verb::Ehlo] {
        let sink = Sink::start(vec![(verb, Act::Say(b"421 busy"))]).await;
        assert_eq!(
            deliver(&relay(&sink)).await,
            deferred(Some("127.0.0.1"), "421 busy", false),
            "{verb:?}"
        );
    }
    // A relay that has no service for us is the administrator's trouble, not the customer's word.
    let sink = Sink::start(vec![(Verb::Greeting, Act::Say(b"554 go away"))]).await;
    assert_eq!(
        deliver(&relay(&sink)).await,
        deferred(Some("127.0.0.1"), "554 go away", false)
    );
    let sink = Sink::start(vec![(Verb::Greeting, Act::Say(b"554 go away"))]).await;
    assert_eq!(
        deliver(&by_mx(&[("mx.b.example", sink.address)])).await,
        failed(Some("mx.b.example"), "554 go away")
    );
}

#[tokio::test]
async fn words_in_any_charset_are_understood() {
    let sink = Sink::start(vec![(Verb::Rcpt, Act::Say(b"550 bo\xeete pleine"))]).await;
    assert_eq!(
        deliver(&relay(&sink)).await,
        failed(Some("127.0.0.1"), "550 bo\u{fffd}te pleine")
    );
    let sink = Sink::start(vec![(Verb::Dot, Act::Say(b"250 re\xe7u"))]).await;
    assert!(matches!(deliver(&relay(&sink)).await, Delivery::Accepted { .. }));
}

#[tokio::test]
async fn a_server_that_vanishes_before_the_dot_has_taken_nothing() {
    for verb in [Verb::Greeting, Verb::Ehlo, Verb::Mail, Verb::Rcpt, Verb::Data] {
        for act in [Act::Vanish, Act::Wait(Duration::from_secs(30))] {
            let sink = Sink::start(vec![(verb, act)]).await;
            let delivery = deliver(&relay(&sink)).await;
            assert!(
                matches!(delivery, Delivery::Deferred { server: None, .. }),
                "{verb:?}: {delivery:?}"
            );
        }
    }
    let sink = Sink::start(vec![(Verb::Body, Act::Vanish)]).await;
    let large = b"x\r\n".repeat(3_000_000);
    let delivery = relay(&sink).deliver("", "anna@b.example", &large, None).await;
    assert!(
        matches!(delivery, Delivery::Deferred { server: None, .. }),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn a_server_that_has_had_enough_of_a_mail_is_heard() {
    let sink = Sink::start(vec![(Verb::Body, Act::SayAndVanish(b"552 5.3.4 too large"))]).await;
    let large = b"x\r\n".repeat(3_000_000);
    let delivery = relay(&sink).deliver("", "anna@b.example", &large, None).await;
    // A reset may overtake the words; then it is a try that failed, and never a mail that was taken.
    let lost = matches!(delivery, Delivery::Deferred { server: None, .. });
    assert!(
        lost || delivery == failed(Some("127.0.0.1"), "552 5.3.4 too large"),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn a_server_that_vanishes_after_the_dot_leaves_it_unknown_and_no_other_is_tried() {
    for act in [
        Act::Vanish,
        Act::Wait(Duration::from_secs(30)),
        Act::SayAndVanish(b"what?"),
    ] {
        let first = Sink::start(vec![(Verb::Dot, act)]).await;
        let second = Sink::start(Vec::new()).await;
        let delivery = deliver(&by_mx(&[
            ("one.example", first.address),
            ("two.example", second.address),
        ]))
        .await;
        assert!(
            matches!(&delivery, Delivery::Unknown { server, .. } if server == "one.example"),
            "{delivery:?}"
        );
        assert_eq!((first.taken().len(), second.connections()), (1, 0));
    }
}

#[tokio::test]
async fn the_best_mail_host_is_tried_first_and_the_next_when_it_is_dead_or_busy() {
    for act in [
        None,
        Some(Act::Say(b"421 busy")),
        Some(Act::Say(b"554 not from you")),
        Some(Act::Vanish),
    ] {
        let best = Sink::start(act.clone().map(|act| (Verb::Greeting, act)).into_iter().collect()).await;
        let next = Sink::start(Vec::new()).await;
        let delivery = deliver(&by_mx(&[
            ("best.example", best.address),
            ("next.example", next.address),
        ]))
        .await;
        let server = if act.is_some() { "next.example" } else { "best.example" };
        assert!(
            matches!(&delivery, Delivery::Accepted { server: by, .. } if by == server),
            "{delivery:?}"
        );
        assert_eq!(next.connections(), usize::from(act.is_some()));
    }
    let next = Sink::start(Vec::new()).await;
    let delivery = deliver(&by_mx(&[
        ("dead.example", nowhere().await),
        ("next.example", next.address),
    ]))
    .await;
    assert!(matches!(delivery, Delivery::Accepted { .. }));
}

#[tokio::test]
async fn a_5xx_to_the_recipient_ends_it_without_asking_the_next_host() {
    let best = Sink::start(vec![(Verb::Rcpt, Act::Say(b"550 no such user"))]).await;
    let next = Sink::start(Vec::new()).await;
    let delivery = deliver(&by_mx(&[
        ("best.example", best.address),
        ("next.example", next.address),
    ]))
    .await;
    assert_eq!(delivery, failed(Some("best.example"), "550 no such user"));
    assert_eq!(next.connections(), 0);
}

#[tokio::test]
async fn a_domain_without_mx_is_its_own_mail_host() {
    let sink = Sink::start(Vec::new()).await;
    let courier = courier(
        Route::Mx,
        Book {
            addresses: [("b.example".to_owned(), vec![sink.address])].into(),
            ..Book::default()
        },
    );
    assert!(matches!(deliver(&courier).await, Delivery::Accepted { server, .. } if server == "b.example"));
}

#[tokio::test]
async fn a_null_mx_and_an_unknown_domain_fail_and_a_silent_resolver_defers() {
    let with = |answer| {
        courier(
            Route::Mx,
            Book {
                mx: [("b.example".to_owned(), answer)].into(),
                ..Book::default()
            },
        )
    };
    let null = with(Ok(vec![(0, ".".to_owned())]));
    assert_eq!(
        deliver(&null).await,
        failed(None, "b.example says that it takes no mail (null MX)")
    );
    let never = with(Err(NoRoute::Never("no such domain".to_owned())));
    assert_eq!(deliver(&never).await, failed(None, "no such domain"));
    let not_now = with(Err(NoRoute::NotNow("timed out".to_owned())));
    assert_eq!(deliver(&not_now).await, deferred(None, "timed out", false));
}

#[tokio::test]
async fn a_relay_that_is_not_there_defers() {
    let address = nowhere().await;
    let route = Route::Relay {
        host: "127.0.0.1".to_owned(),
        port: address.port(),
        login: None,
    };
    let delivery = deliver(&courier(route, Book::default())).await;
    assert!(
        matches!(delivery, Delivery::Deferred { server: None, .. }),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn a_server_older_than_ehlo_is_greeted_with_helo() {
    let sink = Sink::start(vec![(Verb::Ehlo, Act::Say(b"502 what?"))]).await;
    assert!(matches!(deliver(&relay(&sink)).await, Delivery::Accepted { .. }));
    assert_eq!(
        sink.taken()[0].mail,
        "MAIL FROM:<desk@desk.example>",
        "nothing was offered"
    );
}

#[tokio::test]
async fn addresses_beyond_ascii_go_only_to_servers_that_take_them() {
    let sink = Sink::start(Vec::new()).await;
    let to = "\u{e9}va@b.example";
    assert!(matches!(
        relay(&sink).deliver("", to, RAW, None).await,
        Delivery::Accepted { .. }
    ));
    assert!(sink.taken()[0].mail.ends_with(" SMTPUTF8"));
    let sink = Sink::offering(vec!["SIZE"], None, Vec::new()).await;
    assert!(matches!(
        relay(&sink).deliver("", to, RAW, None).await,
        Delivery::Failed { server: Some(_), .. }
    ));
}

#[tokio::test]
async fn mail_to_a_mail_host_is_encrypted_with_any_certificate() {
    let tls = duly::mail::listen::self_signed("anything.example").expect("a certificate");
    let sink = Sink::offering(vec!["SIZE"], Some(tls), Vec::new()).await;
    assert!(matches!(
        deliver(&by_mx(&[("mx.b.example", sink.address)])).await,
        Delivery::Accepted { .. }
    ));
    assert!(sink.taken()[0].tls);
}

#[tokio::test]
async fn mail_goes_in_the_clear_where_encryption_fails() {
    for act in [
        Act::Say(b"454 not now"),
        Act::SayAndVanish(b"220 go ahead"),
        Act::Say(b"220 go ahead\r\n250 injected"),
    ] {
        let tls = duly::mail::listen::self_signed("mx.b.example").expect("a certificate");
        let sink = Sink::offering(vec!["SIZE"], Some(tls), vec![(Verb::StartTls, act.clone())]).await;
        let delivery = deliver(&by_mx(&[("mx.b.example", sink.address)])).await;
        assert!(matches!(delivery, Delivery::Accepted { .. }), "{act:?}: {delivery:?}");
        assert_eq!((sink.taken()[0].tls, sink.connections()), (false, 2));
    }
}

#[tokio::test]
async fn a_password_is_sent_only_to_a_server_that_proves_who_it_is() {
    for tls in [
        None,
        Some(duly::mail::listen::self_signed("localhost").expect("a certificate")),
    ] {
        let sink = Sink::offering(vec!["AUTH PLAIN"], tls, Vec::new()).await;
        let login = Some(Login {
            name: "desk".to_owned(),
            password: "secret".to_owned(),
        });
        let route = Route::Relay {
            host: "127.0.0.1".to_owned(),
            port: sink.address.port(),
            login,
        };
        let delivery = deliver(&courier(route, Book::default())).await;
        assert!(
            matches!(delivery, Delivery::Deferred { server: None, .. }),
            "{delivery:?}"
        );
        assert!(sink.taken().is_empty());
    }
}

#[tokio::test]
async fn what_is_no_smtp_and_what_never_ends_is_given_up() {
    static ENDLESS: [u8; 200_000] = [b'2'; 200_000];
    for words in [
        &b"HTTP/1.1 400 Bad Request"[..],
        b"99",
        b"2500 x",
        b"999 x",
        &ENDLESS,
        b"220-more\r\n",
    ] {
        let sink = Sink::start(vec![(Verb::Greeting, Act::Say(words))]).await;
        let began = Instant::now();
        let delivery = deliver(&relay(&sink)).await;
        assert!(
            matches!(delivery, Delivery::Deferred { server: None, .. }),
            "{delivery:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

/// TLS with whomever: what the tests' own clients use.
pub fn any_certificate() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth()
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
