//! The spool: why each mail stands there, its button, several at once, and the way of mail.

use crate::files::{OPEN, page};
use crate::front::{Front, fronts};
use crate::kit::desk::with;
use crate::kit::http::ask;
use crate::kit::mail::mail;
use crate::kit::sink::{Act, Verb as At};
use duly::desk::Unverified;

/// What the form of a marked row is called.
fn marks(body: &str) -> Vec<String> {
    let names = body.split("name=\"mark-").skip(1);
    names
        .filter_map(|rest| Some(rest.split('"').next()?.to_owned()))
        .collect()
}

async fn unsorted(front: &Front) -> Vec<i64> {
    let mut cases = Vec::new();
    for who in ["ada", "bob", "cyd"] {
        cases.push(
            front
                .mail(
                    &format!("{who}@unknown.example"),
                    &format!("Hello of {who}"),
                    "Who am I?",
                )
                .await,
        );
    }
    cases
}

#[tokio::test]
async fn a_mail_says_why_it_stands_there_and_is_released_by_its_button() {
    for front in fronts(Unverified::Hold).await {
        let cases = unsorted(&front).await;
        let text = front.page("/spool").await.text();
        for words in [
            "Hello of ada",
            "Who am I?",
            "unsorted",
            "Take it on",
            "Mail path",
            "matcher",
            "their server",
        ] {
            assert!(text.contains(words), "{}: {words} is not in {text}", front.name);
        }
        assert!(!text.contains("duly spool"), "a page names no commands: {text}");
        let number = cases[0].to_string();
        let who = ("as", "anna@acme.example");
        let done = front.send("/spool/release", &[who, ("what", &number)]).await;
        assert_eq!(done.status, 303, "{}", done.body);
        let page = front.page(done.header("location")).await;
        assert!(
            page.text().contains("Released.") && !page.text().contains("Hello of ada"),
            "{}",
            page.text()
        );
        assert!(front.page(&format!("/c/{number}")).await.text().contains("reply by"));
        let again = front.send("/spool/release", &[who, ("what", &number)]).await;
        assert!(
            again.status == 404 && again.text().contains("does not stand in the spool"),
            "{}",
            again.text()
        );
    }
}

#[tokio::test]
async fn marked_rows_are_released_each_with_its_own_outcome() {
    for front in fronts(Unverified::Hold).await {
        let cases = unsorted(&front).await;
        let names = marks(&front.page("/spool").await.body);
        assert_eq!(names.len(), 3, "{names:?}");
        let (first, second) = (format!("mark-{}", cases[0]), format!("mark-{}", cases[1]));
        let who = ("as", "anna@acme.example");
        let form = [who, (&*first, "1"), (&*second, "1"), ("mark-m999999", "1")];
        let done = front.send("/spool/marked", &form).await;
        let text = done.text();
        assert_eq!(done.status, 200, "{text}");
        for words in [
            "2 rows are released, 1 not.".to_owned(),
            format!("{}: Case {} is released and has a promise.", cases[0], cases[0]),
            "m999999: \"m999999\" does not stand in the spool.".to_owned(),
            "Hello of cyd".to_owned(),
        ] {
            assert!(text.contains(&words), "{}: {words} is not in {text}", front.name);
        }
        assert_eq!(marks(&done.body), [cases[2].to_string()], "only the third is left");
        let nothing = front.send("/spool/marked", &[who]).await;
        assert!(
            nothing.status == 422 && nothing.text().contains("Nothing is marked."),
            "{}",
            nothing.text()
        );
    }
}

#[tokio::test]
async fn holding_all_mail_is_a_leads_and_is_said_on_every_page() {
    for front in fronts(Unverified::Hold).await {
        front
            .hire("lead@acme.example", "Lea Lead", duly::desk::engineer::Role::Lead)
            .await;
        let refused = front.send("/spool/hold", &[("as", "anna@acme.example")]).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        let held = front.send("/spool/hold", &[("as", "lead@acme.example")]).await;
        assert_eq!(held.status, 303, "{}", held.text());
        assert!(front.page("/").await.text().contains("MAIL HELD."));
        assert!(front.page("/spool").await.text().contains("Let mail leave again"));
        let on = front.send("/spool/go-on", &[("as", "lead@acme.example")]).await;
        assert_eq!(on.status, 303, "{}", on.text());
        assert!(!front.page("/").await.text().contains("MAIL HELD."));
        assert_eq!(
            front.send("/spool/delete", &[("as", "lead@acme.example")]).await.status,
            404
        );
    }
}

#[test]
fn a_mail_that_their_server_refused_is_sent_again_by_its_button() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail("nora@northwind.example", "The daemon stops")).case();
        // The acknowledgement has left; the reply is refused.
        desk.sink.next(At::Rcpt, Act::Say(b"550 5.1.1 no such user"));
        desk.answered(case, "close");
        let shown = page(desk, "/spool").text();
        for words in ["Mail out", "550 5.1.1 no such user", "Send again", "failed"] {
            assert!(shown.contains(words), "{}: {words} is not in {shown}", desk.on);
        }
        let row = desk.number("SELECT id FROM outbox WHERE state = 'failed'", &[]);
        let origin = format!("http://{}", desk.http());
        let fields = [
            ("Origin", origin.as_str()),
            ("Sec-Fetch-Site", "same-origin"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let form = format!("as=anna%40acme.example&what=o{row}");
        let done = ask(desk.http(), "POST", "/spool/retry", &fields, form.as_bytes());
        assert_eq!(done.status, 303, "{}", done.text());
        desk.quiet();
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM outbox WHERE state = 'failed'", &[]),
            0
        );
        assert!(
            page(desk, "/spool").text().contains("Nothing stands here"),
            "{}",
            desk.on
        );
    });
}
