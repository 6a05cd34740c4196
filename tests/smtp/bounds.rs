//! Each bound over a real socket, at its limit and one beyond; and the end of the desk.

use crate::desk::{BEGIN, Book, Desk, stuffed};
use duly::limits;
use duly::mail::listen::Bounds;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A mail of exactly so many bytes, in lines of 76.
fn mail_of(bytes: usize) -> Vec<u8> {
    let mut raw = Vec::with_capacity(bytes);
    while raw.len() + 80 < bytes {
        raw.extend_from_slice(&[b'x'; 76]);
        raw.extend_from_slice(b"\r\n");
    }
    raw.resize(bytes - 2, b'y');
    raw.extend_from_slice(b"\r\n");
    raw
}

#[tokio::test]
async fn a_mail_of_the_largest_size_is_taken_and_one_byte_more_is_not() {
    let desk = Desk::open().await;
    let mut client = desk.client().await;
    let largest = mail_of(limits::MESSAGE_BYTES);
    client.begin().await;
    client.say(&largest).await;
    assert_eq!(client.ask(".\r\n", 1).await, [250]);
    assert!(desk.taken()[0].1 == largest);
    client.begin().await;
    client.say(mail_of(limits::MESSAGE_BYTES + 1)).await;
    assert_eq!(client.ask(".\r\nNOOP\r\n", 2).await, [552, 250], "the session goes on");
    assert_eq!(desk.taken().len(), 1);
    // Behind one that is refused, in the same packet, comes another.
    client.begin().await;
    let next = [&b".\r\n"[..], BEGIN.as_bytes(), b"small\r\n.\r\n"].concat();
    client.say([mail_of(limits::MESSAGE_BYTES + 1), next].concat()).await;
    assert_eq!(client.hear(6).await, [552, 250, 250, 250, 354, 250]);
    assert_eq!(desk.taken()[1].1, b"small\r\n", "nothing of the refused mail is in it");
}

#[tokio::test]
async fn a_size_declared_too_large_is_refused_before_it_is_sent() {
    let desk = Desk::open().await;
    let mut client = desk.client().await;
    let began = Instant::now();
    assert_eq!(
        client.ask("EHLO c\r\nMAIL FROM:<> SIZE=100000000\r\n", 2).await,
        [250, 552]
    );
    assert!(began.elapsed() < Duration::from_millis(50));
}

#[tokio::test]
async fn a_line_at_the_limit_is_taken_and_one_byte_more_is_not() {
    let desk = Desk::open().await;
    let mut client = desk.client().await;
    for (length, code) in [(limits::LINE_BYTES, 250), (limits::LINE_BYTES + 1, 554)] {
        client.begin().await;
        assert_eq!(client.ask(format!("{}\r\n.\r\n", "x".repeat(length)), 1).await, [code]);
    }
}

#[tokio::test]
async fn recipients_commands_and_errors_have_their_limits() {
    let desk = Desk::open().await;
    let mut client = desk.client().await;
    client.say("EHLO c\r\nMAIL FROM:<>\r\n").await;
    client.hear(2).await;
    let codes = client
        .ask(
            "RCPT TO:<help@desk.example>\r\n".repeat(limits::RECIPIENTS + 1),
            limits::RECIPIENTS + 1,
        )
        .await;
    assert_eq!(codes.iter().filter(|code| **code == 250).count(), limits::RECIPIENTS);
    assert_eq!(codes.last(), Some(&452));
    let line = |length: usize| format!("NOOP {}\r\n", "x".repeat(length - 7));
    assert_eq!(client.ask(line(limits::SMTP_COMMAND_BYTES), 1).await, [250]);
    assert_eq!(client.ask(line(limits::SMTP_COMMAND_BYTES + 1), 1).await, [500]);
    let errors = client
        .ask("WIZ\r\n".repeat(limits::SMTP_ERRORS), limits::SMTP_ERRORS)
        .await;
    assert_eq!(
        errors.iter().filter(|code| **code == 500).count(),
        limits::SMTP_ERRORS - 1
    );
    assert_eq!(errors.last(), Some(&421));
    assert!(client.is_over().await);
}

#[tokio::test]
async fn the_session_beyond_the_limit_of_its_address_hears_421() {
    let desk = Desk::open().await;
    let mut inside = Vec::new();
    for _ in 0..limits::SMTP_SESSIONS_PER_ADDRESS {
        inside.push(desk.client().await);
    }
    let stream = TcpStream::connect(desk.address).await.expect("the desk listens");
    let mut beyond = crate::desk::Client { stream };
    assert!(beyond.words(1).await.starts_with("421 4.7.0 "));
    assert!(beyond.is_over().await);
    inside.pop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    desk.client().await;
}

#[tokio::test]
async fn the_session_beyond_the_limit_of_all_hears_421() {
    let desk = Desk::with(
        Book::default(),
        Bounds {
            sessions: 2,
            ..Bounds::default()
        },
    )
    .await;
    let _inside = (desk.client().await, desk.client().await);
    let stream = TcpStream::connect(desk.address).await.expect("the desk listens");
    assert!(crate::desk::Client { stream }.words(1).await.starts_with("421 4.3.2 "));
}

#[tokio::test]
async fn mail_beyond_the_memory_for_mail_is_told_to_come_again() {
    let desk = Desk::with(
        Book::default(),
        Bounds {
            bytes_in_flight: 300_000,
            ..Bounds::default()
        },
    )
    .await;
    let mut first = desk.client().await;
    first.begin().await;
    first.say(&mail_of(140_000)[..130_000]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut second = desk.client().await;
    second.begin().await;
    assert_eq!(
        second.ask([mail_of(200_000), b".\r\n".to_vec()].concat(), 1).await,
        [452]
    );
    drop(first);
    tokio::time::sleep(Duration::from_millis(50)).await;
    second.begin().await;
    assert_eq!(
        second.ask([mail_of(140_000), b".\r\n".to_vec()].concat(), 1).await,
        [250]
    );
}

#[tokio::test]
async fn a_silent_peer_is_told_and_gone() {
    let short = Duration::from_millis(100);
    let desk = Desk::with(
        Book::default(),
        Bounds {
            command: short,
            data: short * 3,
            ..Bounds::default()
        },
    )
    .await;
    let mut client = desk.client().await;
    assert!(client.words(1).await.starts_with("421 4.4.2 "));
    let mut client = desk.client().await;
    client.begin().await;
    let began = Instant::now();
    client.say("half").await;
    assert!(client.words(1).await.starts_with("421 4.4.2 "));
    assert!(began.elapsed() >= short * 3, "a mail has its own patience");
    assert!(desk.taken().is_empty());
}

#[tokio::test]
async fn while_it_is_crowded_the_silent_are_gone_sooner() {
    let desk = Desk::with(
        Book::default(),
        Bounds {
            crowded: 2,
            crowded_patience: Duration::from_millis(200),
            ..Bounds::default()
        },
    )
    .await;
    let mut first = desk.client().await;
    let mut second = desk.client().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(first.ask("NOOP\r\n", 1).await, [250], "two are no crowd");
    let _third = desk.client().await;
    let began = Instant::now();
    assert!(second.words(1).await.starts_with("421 4.4.2 "), "it was silent longest");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_peer_that_dribbles_is_gone_in_the_end() {
    let idle = Duration::from_millis(400);
    let desk = Desk::with(
        Book::default(),
        Bounds {
            idle,
            ..Bounds::default()
        },
    )
    .await;
    for begin in [None, Some(BEGIN)] {
        let mut client = desk.client().await;
        if let Some(begin) = begin {
            assert_eq!(client.ask(begin, 4).await.len(), 4);
        }
        let began = Instant::now();
        let mut bytes = 0;
        while client.stream.try_read(&mut [0; 256]).is_err() {
            client.say("x").await;
            bytes += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert!(bytes < 200, "still there");
        }
        assert!(began.elapsed() >= idle - Duration::from_millis(20));
    }
}

#[tokio::test]
async fn on_stop_a_mail_half_sent_is_finished_and_the_idle_hear_421() {
    let desk = Desk::open().await;
    let mut idle = desk.client().await;
    let mut open = desk.client().await;
    assert_eq!(open.ask("EHLO c\r\nMAIL FROM:<>\r\n", 2).await, [250, 250]);
    let mut sending = desk.client().await;
    sending.begin().await;
    sending.say("first half\r\n").await;
    desk.stop.send(true).expect("the desk runs");
    assert_eq!(idle.hear(1).await, [421]);
    assert_eq!(open.hear(1).await, [421]);
    assert!(
        TcpStream::connect(desk.address).await.is_err(),
        "nobody is let in any more"
    );
    assert!(!desk.server.is_finished());
    assert_eq!(sending.ask("second half\r\n.\r\n", 2).await, [250, 421]);
    drop((idle, open, sending));
    tokio::time::timeout(Duration::from_secs(5), desk.server)
        .await
        .expect("it ends")
        .expect("without panic");
    assert_eq!(
        desk.book.taken.lock().expect("no panic inside")[0].1,
        b"first half\r\nsecond half\r\n"
    );
}

#[tokio::test]
async fn on_stop_a_mail_that_does_not_end_is_waited_for_only_so_long() {
    let desk = Desk::with(
        Book::default(),
        Bounds {
            finish: Duration::from_millis(200),
            ..Bounds::default()
        },
    )
    .await;
    let mut client = desk.client().await;
    client.begin().await;
    desk.stop.send(true).expect("the desk runs");
    client.say("never whole").await;
    assert_eq!(client.hear(1).await, [421]);
    tokio::time::timeout(Duration::from_secs(5), desk.server)
        .await
        .expect("it ends")
        .expect("without panic");
    assert!(desk.book.taken.lock().expect("no panic inside").is_empty());
}

#[tokio::test]
async fn a_mail_that_the_desk_is_storing_is_answered_although_it_stops() {
    let desk = Desk::with(
        Book {
            slow: Duration::from_millis(300),
            ..Book::default()
        },
        Bounds::default(),
    )
    .await;
    let mut client = desk.client().await;
    client.begin().await;
    client.say(stuffed(b"x\r\n")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    desk.stop.send(true).expect("the desk runs");
    assert_eq!(client.hear(2).await, [250, 421]);
}
