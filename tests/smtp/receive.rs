//! What goes in comes out as it was, once, however it is cut and whatever else is tried.

use crate::desk::{BEGIN, Book, Client, Desk, Dice, stuffed};
use crate::kit::sink::unstuffed;
use duly::mail::listen::Bounds;
use duly::mail::session::Reply;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

const MAIL: &[u8] = b"Subject: x\r\n\r\n.dot at the start\r\n..two\r\nend\r\n";

#[tokio::test]
async fn a_mail_in_one_packet_and_byte_by_byte_is_the_same_mail() {
    let desk = Desk::open().await;
    let whole = [BEGIN.as_bytes(), &stuffed(MAIL), b"QUIT\r\n"].concat();
    let mut client = desk.client().await;
    assert_eq!(client.ask(&whole, 6).await, [250, 250, 250, 354, 250, 221]);
    assert!(client.is_over().await);
    let mut client = desk.client().await;
    for byte in &whole {
        client.say([*byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.hear(6).await, [250, 250, 250, 354, 250, 221]);
    let taken = desk.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].1, MAIL);
    assert_eq!(taken[0].1, taken[1].1);
    assert_eq!(taken[0].0, taken[1].0);
}

/// Ends of a mail for some servers, of no mail for us.
const FALSE_ENDS: [&str; 24] = [
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\r",
    "\n.\r",
    "\r.\n",
    "\n\n.\n\n",
    "\n\r.\n\r",
    "\r\n.\r\r\n",
    "\r\n.\0\r\n",
    "\r\n\0.\r\n",
    "\r\n.\r\0\n",
    "\r\n..\r\n",
    "\r\n...\r\n",
    "\r\n.\t\r\n",
    "\r\n. \r\n",
    "\r\n .\r\n",
    "\r\n\u{b}.\r\n",
    "\u{85}.\u{85}",
    "\u{2028}.\u{2028}",
    "\r\n\u{ff0e}\r\n",
    "\r\n=2E\r\n",
];

const SMUGGLED: &str =
    "MAIL FROM:<ceo@desk.example>\r\nRCPT TO:<help@desk.example>\r\nDATA\r\nSubject: smuggled\r\n\r\npay\r\n";

#[tokio::test]
async fn no_false_end_makes_two_mails_of_one() {
    let desk = Desk::open().await;
    let mut sent = Vec::new();
    for end in FALSE_ENDS {
        for way in 0..4 {
            let mail = match way {
                0 | 1 => format!("Subject: outer\r\n\r\nhello{end}{SMUGGLED}"),
                2 => format!("{}{SMUGGLED}", end.trim_start_matches("\r\n")),
                _ => format!("Subject: outer\r\n\r\n{end}{end}{SMUGGLED}{end}\r\n"),
            };
            let wire = format!("{BEGIN}{mail}.\r\nQUIT\r\n");
            let mut client = desk.client().await;
            if way == 1 {
                for byte in wire.as_bytes() {
                    client.say([*byte]).await;
                }
            } else {
                client.say(&wire).await;
            }
            assert_eq!(
                client.hear(6).await,
                [250, 250, 250, 354, 250, 221],
                "{end:?} way {way}"
            );
            sent.push(unstuffed(mail.as_bytes()));
        }
    }
    let taken: Vec<Vec<u8>> = desk.taken().into_iter().map(|(_, raw)| raw).collect();
    assert_eq!(taken.len(), 96);
    assert!(taken == sent, "what was taken is what was sent");
    assert!(desk.taken().iter().all(|(envelope, _)| envelope.from == "a@b.example"));
}

#[tokio::test]
async fn no_mix_of_bdat_and_data_makes_a_mail_of_a_chunk() {
    let desk = Desk::open().await;
    let inside = format!("{SMUGGLED}.\r\n");
    let chunk = |last: &str| format!("BDAT {}{last}\r\n{inside}", inside.len());
    let begun = BEGIN.trim_end_matches("DATA\r\n");
    let mixes = [
        format!("EHLO c\r\n{}", chunk(" LAST")),
        format!("{begun}{}", chunk(" LAST")),
        format!("{begun}{}{}", chunk(""), chunk(" LAST")),
        format!("{begun}BDAT 0\r\nDATA\r\n{inside}"),
        format!("{begun}BDAT 99999999999999999999 LAST\r\n{inside}"),
        format!("{begun}bdat -1 last\r\n{inside}"),
        format!("{begun}BDAT\r\n{inside}"),
        format!("{begun}{}DATA\r\n{inside}QUIT\r\n", chunk("")),
    ];
    for mix in mixes {
        for step in [1, 7, 100_000] {
            let mut client = desk.client().await;
            for piece in mix.as_bytes().chunks(step) {
                // The desk hangs up amid the chunk.
                if client.stream.write_all(piece).await.is_err() {
                    break;
                }
            }
            let heard = client.words(10).await;
            assert!(heard.contains("502 5.5.1 BDAT is not offered"), "{mix:?}: {heard}");
            assert!(!heard.contains("354"), "{mix:?}: {heard}");
        }
    }
    assert!(desk.taken().is_empty());
}

#[tokio::test]
async fn eight_bit_and_nul_bytes_are_taken_as_they_are() {
    let desk = Desk::open().await;
    let all: Vec<u8> = (0..=255)
        .flat_map(|byte| [byte, b'\r', b'\n', byte, byte])
        .chain(*b"\r\n")
        .collect();
    let mut client = desk.client().await;
    client.begin().await;
    assert_eq!(client.ask(stuffed(&all), 1).await, [250]);
    assert_eq!(desk.taken()[0].1, all);
}

#[tokio::test]
async fn ten_thousand_random_mails_come_out_as_they_went_in() {
    let desk = Desk::open().await;
    let mut dice = Dice(7);
    let mut client = desk.client().await;
    client.say("EHLO c.example\r\n").await;
    client.hear(1).await;
    let pieces: [&[u8]; 8] = [b"\r\n", b"\r\n.", b".", b"\r", b"\n", b"text", b"\0", b"\xff\xfe"];
    for round in 0..10_000 {
        let mut raw: Vec<u8> = (0..dice.below(60))
            .flat_map(|_| pieces[dice.below(pieces.len())].to_vec())
            .collect();
        raw.extend_from_slice(b"\r\n");
        let wire = [
            &b"MAIL FROM:<>\r\nRCPT TO:<help@desk.example>\r\nDATA\r\n"[..],
            &stuffed(&raw),
        ]
        .concat();
        let cut = dice.below(wire.len());
        client.say(&wire[..cut]).await;
        assert_eq!(client.ask(&wire[cut..], 4).await, [250, 250, 354, 250], "round {round}");
        let (_, taken) = desk.book.taken.lock().expect("no panic inside").pop().expect("a mail");
        assert!(taken == raw, "round {round}");
    }
}

/// A client that takes any certificate, as mail servers do.
async fn secured(
    client: Client<tokio::net::TcpStream>,
) -> Client<tokio_rustls::client::TlsStream<tokio::net::TcpStream>> {
    let connector = tokio_rustls::TlsConnector::from(Arc::new(crate::send::any_certificate()));
    let name = rustls::pki_types::ServerName::try_from("desk.example").expect("a name");
    Client {
        stream: connector.connect(name, client.stream).await.expect("a handshake"),
    }
}

#[tokio::test]
async fn a_mail_over_starttls_is_taken_and_marked() {
    let desk = Desk::open().await;
    let mut client = desk.client().await;
    assert!(
        client
            .ask("EHLO c.example\r\nMAIL FROM:<before@b.example>\r\n", 2)
            .await
            == [250, 250]
    );
    assert_eq!(client.ask("STARTTLS\r\n", 1).await, [220]);
    let mut client = secured(client).await;
    assert_eq!(
        client.ask("RCPT TO:<help@desk.example>\r\nMAIL FROM:<>\r\n", 2).await,
        [503, 503],
        "nothing is remembered"
    );
    client.say("EHLO c.example\r\n").await;
    assert!(!client.words(1).await.contains("STARTTLS"));
    let wire = [
        &b"MAIL FROM:<a@b.example>\r\nRCPT TO:<help@desk.example>\r\nDATA\r\n"[..],
        &stuffed(MAIL),
        b"QUIT\r\n",
    ]
    .concat();
    assert_eq!(client.ask(&wire, 5).await, [250, 250, 354, 250, 221]);
    let (envelope, raw) = &desk.taken()[0];
    assert!(envelope.tls);
    assert_eq!((envelope.from.as_str(), raw.as_slice()), ("a@b.example", MAIL));
}

#[tokio::test]
async fn commands_in_the_packet_of_starttls_are_refused() {
    let desk = Desk::open().await;
    let mut client = desk.client().await;
    let attack = format!("EHLO c\r\nSTARTTLS\r\n{SMUGGLED}.\r\n");
    assert_eq!(client.ask(&attack, 3).await, [250, 554]);
    assert!(desk.taken().is_empty());
}

#[tokio::test]
async fn commands_between_starttls_and_the_handshake_end_the_session() {
    let desk = Desk::open().await;
    let mut client = desk.client().await;
    assert_eq!(client.ask("EHLO c\r\nSTARTTLS\r\n", 2).await, [250, 220]);
    client.say("EHLO c\r\nMAIL FROM:<>\r\n").await;
    let heard = client.words(1).await;
    assert!(!heard.contains("250"), "{heard:?}");
    assert!(desk.taken().is_empty());
}

#[tokio::test]
async fn what_the_gate_refuses_is_said_in_its_words_and_not_taken() {
    let refuse = Some(Reply::of(452, "4.3.1", "the disk is full"));
    let desk = Desk::with(
        Book {
            refuse,
            ..Book::default()
        },
        Bounds::default(),
    )
    .await;
    let mut client = desk.client().await;
    client.say("EHLO c\r\nMAIL FROM:<flood@b.example>\r\nMAIL FROM:<>\r\nRCPT TO:<x@y.example>\r\nRCPT TO:<help@desk.example>\r\n").await;
    assert_eq!(client.hear(5).await, [250, 450, 250, 550, 250]);
    client.say("DATA\r\nx\r\n.\r\n").await;
    assert!(client.words(2).await.ends_with("452 4.3.1 the disk is full\r\n"));
}

#[tokio::test]
async fn nothing_is_acknowledged_before_a_slow_desk_has_stored_it() {
    let slow = Duration::from_millis(300);
    let desk = Desk::with(
        Book {
            slow,
            ..Book::default()
        },
        Bounds::default(),
    )
    .await;
    let mut client = desk.client().await;
    client.begin().await;
    let began = std::time::Instant::now();
    assert_eq!(client.ask(stuffed(MAIL), 1).await, [250]);
    assert!(began.elapsed() >= slow);
    assert_eq!(desk.taken().len(), 1);
}

#[tokio::test]
async fn a_desk_that_cannot_store_in_time_tells_the_sender_to_come_again() {
    let bounds = Bounds {
        take: Duration::from_millis(50),
        ..Bounds::default()
    };
    let desk = Desk::with(
        Book {
            slow: Duration::from_secs(60),
            ..Book::default()
        },
        bounds,
    )
    .await;
    let mut client = desk.client().await;
    client.begin().await;
    assert_eq!(client.ask(stuffed(MAIL), 1).await, [451]);
}

#[tokio::test]
async fn a_client_that_vanishes_in_its_mail_has_sent_none() {
    let desk = Desk::open().await;
    for end in ["", "half a line", "a line\r\n", "a line\r\n.", "a line\r\n.\r"] {
        let mut client = desk.client().await;
        client.begin().await;
        client.say(end).await;
        drop(client);
    }
    let mut client = desk.client().await;
    assert_eq!(
        client.ask([BEGIN.as_bytes(), &stuffed(MAIL)].concat(), 5).await.last(),
        Some(&250)
    );
    assert_eq!(desk.taken().len(), 1);
}
