//! Files that go with a reply, chosen in its form.

use crate::files::{OPEN, page};
use crate::front::closed;
use crate::kit::desk::{TestDesk, with};
use crate::kit::http::{Answer, ask};
use crate::kit::mail::mail;

const PRIYA: &str = "priya@northwind.example";

/// A form with files, as a browser sends it.
fn form(fields: &[(&str, &str)], files: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    for (name, bytes) in files {
        body += &format!(
            "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n{bytes}\r\n"
        );
    }
    body + "--b--\r\n"
}

fn sent(desk: &TestDesk, path: &str, kind: &str, body: &str) -> Answer {
    let origin = format!("http://{}", desk.http());
    let fields = [
        ("Origin", origin.as_str()),
        ("Sec-Fetch-Site", "same-origin"),
        ("Content-Type", kind),
    ];
    ask(desk.http(), "POST", path, &fields, body.as_bytes())
}

const MULTIPART: &str = "multipart/form-data; boundary=b";
const PLAIN: &str = "application/x-www-form-urlencoded";

#[test]
fn a_file_is_attached_with_the_words_kept_and_goes_in_the_mail() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(PRIYA, "Replica lag")).case();
        let fields = [
            ("as", "1"),
            ("draft", ""),
            ("seen", "99999999"),
            ("text", "See the file."),
            ("kind", "answer"),
        ];
        let files = [("notes.txt", "set it to 4"), ("more.txt", "and restart")];
        let came = sent(desk, &format!("/c/{case}/attach"), MULTIPART, &form(&fields, &files));
        assert_eq!(came.status, 303, "{}: {}", desk.on, came.text());
        let shown = page(desk, came.header("location").split('#').next().unwrap_or_default()).text();
        assert!(
            shown.contains("Attached.")
                && shown.contains("See the file.")
                && shown.contains("value=\"notes.txt\" checked"),
            "{shown}"
        );
        let key = |name: &str| {
            let before = shown.split(&format!("\" value=\"{name}\"")).next().unwrap_or_default();
            before.rsplit("name=\"").next().unwrap_or_default().to_owned()
        };
        let body = format!(
            "as=1&draft=1.1&seen=99999999&text=See+the+file.&kind=answer&then=close&resolution=solved&{}=notes.txt",
            key("notes.txt")
        );
        // A file that was chosen and did not come along is no file that was sent.
        let left = sent(
            desk,
            &format!("/c/{case}/reply"),
            PLAIN,
            &format!("{body}&files=late.txt"),
        );
        assert!(
            left.status == 422 && left.text().contains("late.txt was chosen and is not attached yet"),
            "{}",
            left.text()
        );
        let done = sent(desk, &format!("/c/{case}/reply"), PLAIN, &body);
        assert_eq!(done.status, 303, "{}", done.text());
        desk.quiet();
        desk.minutes(1);
        let mails = desk.mails_to(PRIYA);
        let letter = mails
            .iter()
            .map(|mail| mail.text())
            .find(|text| text.contains("notes.txt"))
            .expect("a letter with the file");
        assert!(!letter.contains("more.txt"), "{}: its mark was taken away", desk.on);
    });
}

#[test]
fn a_reply_is_looked_at_before_it_goes_and_nothing_is_sent_by_that() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(PRIYA, "Replica lag")).case();
        let body =
            "as=1&draft=&seen=99999999&text=Set+**it**+to+%3Cb%3E4%3C%2Fb%3E&kind=finding&then=owe&time=fri+12:00";
        let shown = sent(desk, &format!("/c/{case}/preview"), PLAIN, body);
        let text = shown.text();
        assert_eq!(shown.status, 200, "{text}");
        for part in [
            "Set <strong>it</strong> to &lt;b&gt;4&lt;/b&gt;",
            "Set **it** to",
            "value=\"finding\" checked",
        ] {
            assert!(text.contains(part), "{}: {part} is not in {text}", desk.on);
        }
        assert_eq!(desk.number("SELECT COUNT(*) FROM reply", &[]), 0);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM draft", &[]),
            1,
            "and the words are kept"
        );
        assert_eq!(sent(desk, &format!("/c/{case}/nothing"), PLAIN, body).status, 404);
    });
}

#[test]
fn a_form_without_a_file_stores_nothing_and_gives_the_words_back() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(PRIYA, "Replica lag")).case();
        let none = sent(
            desk,
            &format!("/c/{case}/attach"),
            MULTIPART,
            &form(&[("as", "1"), ("text", "Some words.")], &[]),
        );
        assert!(
            none.status == 422 && none.text().contains("No file was chosen"),
            "{}",
            none.text()
        );
        assert!(none.text().contains("Some words."), "{}: {}", desk.on, none.text());
        let plain = sent(desk, &format!("/c/{case}/attach"), PLAIN, "as=1&text=x");
        assert_eq!(plain.status, 422, "{}", plain.text());
        let cross = ask(
            desk.http(),
            "POST",
            &format!("/c/{case}/attach"),
            &[
                ("Origin", "http://evil.example"),
                ("Sec-Fetch-Site", "cross-site"),
                ("Content-Type", MULTIPART),
            ],
            form(&[("as", "1")], &[("a.txt", "x")]).as_bytes(),
        );
        assert_eq!(cross.status, 403, "{}", cross.text());
        assert_eq!(desk.number("SELECT COUNT(*) FROM upload", &[]), 0, "{}", desk.on);
    });
}

#[tokio::test]
async fn a_form_of_another_session_stores_nothing() {
    for front in closed("").await {
        let case = front.mail(PRIYA, "Replica lag", "It lags.").await;
        let anna = front.visitor("anna@acme.example").await;
        let tom = front.visitor("tom@acme.example").await;
        for proof in [tom.proof().await, String::new()] {
            let body = form(&[("form", &proof), ("text", "Some words.")], &[("a.txt", "x")]);
            let refused = anna
                .ask(
                    "POST",
                    &format!("/c/{case}/attach"),
                    &[("Content-Type", MULTIPART)],
                    &body,
                )
                .await;
            assert!(
                refused.status == 403 && refused.text().contains("Some words."),
                "{}: {}",
                front.name,
                refused.text()
            );
        }
        let store = front.store.clone();
        let count = move || store.read(|tx| Ok(tx.one("SELECT COUNT(*) FROM upload", &[])?.int(0)));
        let uploads = tokio::task::spawn_blocking(count).await.expect("no panic");
        assert_eq!(uploads.expect("read"), 0, "{}", front.name);
    }
}
