//! LMTP over a port (RFC 2033): its own greeting, and one answer a recipient after the mail.

use crate::desk::{Book, Client};
use duly::mail::listen::{Listener, serve_lmtp};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[tokio::test]
async fn every_recipient_that_was_accepted_has_an_answer_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let book = Arc::new(Book::default());
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(serve_lmtp(
        Listener::Tcp(listener),
        book.clone(),
        "desk.example".to_owned(),
        stopped,
    ));
    let stream = TcpStream::connect(address).await.expect("the desk listens");
    let mut client = Client { stream };
    assert!(client.words(1).await.contains("LMTP"));
    assert_eq!(
        client.ask("MAIL FROM:<>\r\nEHLO c\r\nHELO c\r\n", 3).await,
        [503, 500, 500]
    );
    let offers = {
        client.say("LHLO c\r\n").await;
        client.words(1).await
    };
    assert!(
        offers.contains("PIPELINING") && !offers.contains("STARTTLS"),
        "{offers}"
    );
    let begin =
        "MAIL FROM:<a@b>\r\nRCPT TO:<one@desk.example>\r\nRCPT TO:<no@where>\r\nRCPT TO:<two@desk.example>\r\nDATA\r\n";
    assert_eq!(client.ask(begin, 5).await, [250, 250, 550, 250, 354]);
    assert_eq!(client.ask("x\r\n.\r\nNOOP\r\n", 3).await, [250, 250, 250]);
    assert_eq!(
        book.taken.lock().expect("no panic inside").len(),
        1,
        "one mail for both"
    );
    let begin = "MAIL FROM:<a@b>\r\nRCPT TO:<one@desk.example>\r\nRCPT TO:<two@desk.example>\r\nDATA\r\n";
    assert_eq!(client.ask(begin, 4).await, [250, 250, 250, 354]);
    let long = "y".repeat(70_000);
    assert_eq!(
        client.ask(format!("{long}\r\n.\r\n"), 2).await,
        [554, 554],
        "refused for each"
    );
    assert_eq!(
        client.ask("MAIL FROM:<a@b>\r\nDATA\r\nQUIT\r\n", 3).await,
        [250, 503, 221]
    );
    stop.send(true).expect("the desk runs");
    server.await.expect("it ends");
}
