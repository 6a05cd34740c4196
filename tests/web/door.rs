//! Who comes in, for how long, and what a screen hears.

use crate::front::{fronts, heard, nowhere};
use duly::desk::Unverified;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

#[tokio::test]
async fn an_open_door_to_the_world_is_not_served() {
    for front in fronts(Unverified::Schedule).await {
        let Ok(listener) = TcpListener::bind("0.0.0.0:0").await else {
            continue;
        };
        let door = duly::web::Door {
            store: front.store.clone(),
            desk: front.desk.clone(),
            clock: front.clock.clone(),
            open: true,
            url: String::new(),
            files: nowhere(),
            smtp: ([127, 0, 0, 1], 2525).into(),
            published: String::new(),
        };
        let (_stop, stopped) = watch::channel(false);
        let refused = duly::web::serve(listener, door.into(), stopped).await.unwrap_err();
        assert!(refused.to_string().contains("web.open"), "{refused}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_and_the_door_stays_open() {
    for front in fronts(Unverified::Schedule).await {
        let long = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nX: {}\r\n\r\n",
            front.address,
            "x".repeat(20_000)
        );
        let answer = heard(&front.raw(long.as_bytes()).await);
        assert!((400..500).contains(&answer.status), "{}", answer.head);
        assert_eq!(front.page("/").await.status, 200, "{}", front.name);
    }
}

#[tokio::test]
async fn a_form_that_is_too_long_is_told_so_in_words() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail("priya@northwind.example", "Lag", "It lags.").await;
        let answer = front
            .send(
                &format!("/c/{case}/note"),
                &[("as", "anna"), ("note", &"x".repeat(400_000))],
            )
            .await;
        // The other side may have closed before it read everything: then there is no answer to read.
        assert!(
            answer.status == 413 && answer.body.contains("longer than 1 MB") || answer.status == 0,
            "{}",
            answer.head
        );
    }
}

#[tokio::test]
async fn a_screen_hears_of_a_change_and_of_the_end() {
    for front in fronts(Unverified::Schedule).await {
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        let head = format!("GET /live HTTP/1.1\r\nHost: {}\r\n\r\n", front.address);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut words = String::new();
        let mut buffer = [0; 4096];
        while !words.contains("retry:") {
            let count = stream.read(&mut buffer).await.unwrap();
            words.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        assert!(
            words.contains("text/event-stream") && !words.contains("event: changed"),
            "{words}"
        );
        front.mail("priya@northwind.example", "Lag", "It lags.").await;
        let news = async {
            while !words.contains("event: changed") {
                let count = stream.read(&mut buffer).await.unwrap();
                assert!(count > 0, "it ended: {words}");
                words.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        };
        timeout(Duration::from_secs(10), news)
            .await
            .expect("news of the new case");
        front.stop.send(true).unwrap();
        timeout(Duration::from_secs(10), front.server)
            .await
            .expect("the door closes")
            .unwrap()
            .unwrap();
    }
}
