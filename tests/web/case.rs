//! The case page: the customer's words first, every act through the desk, nothing typed is lost.

use crate::front::{NOW, fronts};
use duly::desk::Unverified;
use duly::desk::message::{Facts, File, Incoming};
use jiff::{SignedDuration, Timestamp};

#[tokio::test]
async fn subject_promise_and_newest_words_stand_in_this_order() {
    for front in fronts(Unverified::Schedule).await {
        let case = front
            .mail(
                "priya@northwind.example",
                "Replica lag",
                "It lags.\n\n    Seconds_Behind_Source: 2412\n",
            )
            .await;
        let page = front.page(&format!("/c/{case}")).await;
        assert_eq!(page.status, 200, "{}: {}", front.name, page.body);
        let text = page.text();
        let text = &text[text.find("Keys").unwrap()..];
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is not in {text}"));
        let (subject, promise, newest) = (
            place("Replica lag"),
            place("reply by"),
            place("Seconds_Behind_Source: 2412"),
        );
        assert!(subject < promise && promise < newest && newest < 3_000, "{text}");
        assert!(
            text.contains("reply by Wed 25 Nov 11:00 CET (10:00 UTC) · in 1 d · offered · nobody yet"),
            "{text}"
        );
        assert!(
            text.contains("Why this time: 10 business hours for a first reply at severity 3"),
            "{text}"
        );
        let h1 = page.body.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap();
        assert_eq!(h1.matches("Replica lag").count(), 1);
    }
}

#[tokio::test]
async fn markup_of_a_customer_is_text_everywhere() {
    for front in fronts(Unverified::Schedule).await {
        let evil = "<img src=x onerror=\"alert(1)\"> & <script>alert(2)</script>";
        let file = File {
            name: evil.into(),
            content_type: evil.into(),
            size: 9,
        };
        let facts = Facts {
            files: vec![file],
            errors: vec![evil.into()],
            ..Facts::default()
        };
        let mail = Incoming {
            address: "priya@northwind.example".into(),
            subject: evil.into(),
            text: evil.into(),
            folded: evil.into(),
            facts,
            ..Incoming::default()
        };
        let case = front.mail_with(mail).await;
        for path in [
            "/".to_owned(),
            format!("/c/{case}"),
            format!("/c/{case}?as=\"><script>&done=<script>&whole=<b>"),
        ] {
            let page = front
                .page(&path.replace('"', "%22").replace('<', "%3C").replace('>', "%3E"))
                .await;
            assert_eq!(page.status, 200, "{path}");
            let scripts = page.body.matches("<script").count();
            assert!(scripts == 1 && !page.body.contains("<img"), "{path}: {}", page.body);
            assert!(page.text().contains(evil), "{path}");
        }
    }
}

#[tokio::test]
async fn a_reply_is_written_held_and_taken_back_with_its_words() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        let reply = [
            ("as", "anna"),
            ("text", "Which version?\r\nWe ask because 8.4.1 had this."),
            ("kind", "question"),
            ("then", "wait"),
            ("time", "fri 12:00"),
            ("resolution", "answered"),
        ];
        let sent = front.send(&format!("/c/{case}/reply"), &reply).await;
        assert_eq!(sent.status, 303, "{}: {}", front.name, sent.body);
        let text = front.page(sent.header("location")).await.text();
        for words in [
            "The reply is written.",
            "A reply is under way.",
            "held until",
            "We ask because 8.4.1 had this.",
            "Take it back",
        ] {
            assert!(text.contains(words), "{}: {words} is not in {text}", front.name);
        }
        let back = front.send(&format!("/c/{case}/undo"), &[("as", "anna")]).await;
        assert_eq!(back.status, 200, "{}", back.body);
        assert!(
            back.body.contains("<textarea") && back.body.contains("\nWhich version?\nWe ask because"),
            "{}",
            back.body
        );
        assert!(
            !front
                .page(&format!("/c/{case}"))
                .await
                .text()
                .contains("A reply is under way.")
        );
    }
}

#[tokio::test]
async fn a_refusal_stands_on_the_page_with_what_was_typed() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        let finding = [
            ("as", "tom"),
            ("text", "We found <something>."),
            ("kind", "finding"),
            ("then", "close"),
            ("time", "someday"),
            ("resolution", "solved"),
        ];
        let refused = front.send(&format!("/c/{case}/reply"), &finding).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        let text = refused.text();
        assert!(
            text.contains("Refused. A finding says when the next word comes.")
                && text.contains("We found <something>."),
            "{text}"
        );
        assert!(
            refused.body.contains("value=\"someday\"") && refused.body.contains("value=\"finding\" checked"),
            "{}",
            refused.body
        );
        let nobody = front
            .send(&format!("/c/{case}/note"), &[("as", ""), ("note", "keep me")])
            .await;
        assert!(
            nobody.status >= 400 && nobody.text().contains("keep me"),
            "{}",
            nobody.body
        );
        let closed = front
            .send(&format!("/c/{case}/close"), &[("as", "tom"), ("resolution", "solved")])
            .await;
        assert!(
            closed.status >= 400 && closed.text().contains("Refused."),
            "an open promise stops closing: {}",
            closed.body
        );
    }
}

#[tokio::test]
async fn notes_waits_and_wakes_go_through_the_desk() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        let act = async |act: &str, form: &[(&str, &str)]| {
            let done = front.send(&format!("/c/{case}/{act}"), form).await;
            assert_eq!(done.status, 303, "{} {act}: {}", front.name, done.text());
            front.page(done.header("location")).await.text()
        };
        let text = act("note", &[("as", "anna"), ("note", "Bug 118234?")]).await;
        assert!(text.contains("internal note") && text.contains("Bug 118234?"), "{text}");
        let text = act(
            "wait",
            &[
                ("as", "anna"),
                ("party", "upstream"),
                ("until", "wed 09:00"),
                ("because", "PR 5123"),
            ],
        )
        .await;
        assert!(
            text.contains("waiting for upstream (PR 5123) until Wed 25 Nov 09:00 CET, next word"),
            "{text}"
        );
        let text = act("wake", &[("as", "anna")]).await;
        assert!(
            text.contains("ours and ready") && !text.contains("waiting for upstream"),
            "{text}"
        );
        assert_eq!(
            front
                .send(&format!("/c/{case}/explode"), &[("as", "anna")])
                .await
                .status,
            404
        );
        assert_eq!(
            front.page(&format!("/c/{case}/note")).await.status,
            303,
            "a GET changes nothing"
        );
    }
}

#[tokio::test]
async fn severity_and_nice_are_set_with_a_reason_and_move_no_promise() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        let path = |act: &str| format!("/c/{case}/{act}");
        let nice = [("as", "anna"), ("nice", "-5"), ("because", "their launch is tomorrow")];
        let done = front.send(&path("nice"), &nice).await;
        assert_eq!(done.status, 303, "{}", done.text());
        let text = front.page(done.header("location")).await.text();
        assert!(
            text.contains(" · nice -5 · lane ") && text.contains("no promise moved"),
            "{text}"
        );
        assert!(text.contains("reply by Wed 25 Nov 11:00 CET"), "{text}");
        let done = front
            .send(&path("estimate"), &[("as", "anna"), ("minutes", "90")])
            .await;
        assert_eq!(done.status, 303, "{}", done.text());
        let text = front.page(done.header("location")).await.text();
        assert!(text.contains("The plan reckons with your estimate"), "{text}");
        let severity = |because| [("as", "anna"), ("severity", "2"), ("because", because)];
        let refused = front.send(&path("severity"), &severity("")).await;
        assert!(
            refused.status >= 400 && refused.text().contains("with a reason"),
            "{}",
            refused.text()
        );
        let done = front
            .send(&path("severity"), &severity("the replica is down too"))
            .await;
        let text = front.page(done.header("location")).await.text();
        assert!(
            text.contains("reply by Wed 25 Nov 11:00 CET") && text.contains("those that are made stand"),
            "{text}"
        );
        let none = front
            .send(&path("nice"), &[("as", "anna"), ("nice", "low"), ("because", "x")])
            .await;
        assert_eq!(none.status, 404);
    }
}

#[tokio::test]
async fn a_long_case_shows_its_newest_messages_and_the_way_to_the_others() {
    for front in fronts(Unverified::Schedule).await {
        let case = front
            .mail("priya@northwind.example", "Replica lag", "Message number 0.")
            .await;
        let now: Timestamp = NOW.parse().unwrap();
        for number in 1..=60 {
            front.clock.set(now + SignedDuration::from_secs(number));
            let mail = Incoming {
                address: "priya@northwind.example".into(),
                subject: "Re: Replica lag".into(),
                text: format!("Message number {number}."),
                chain: vec!["1@customer.example".into()],
                ..Incoming::default()
            };
            assert_eq!(front.mail_with(mail).await, case, "{}", front.name);
        }
        let page = front.page(&format!("/c/{case}")).await;
        assert!(
            page.text().contains("Message number 60.") && !page.text().contains("Message number 5."),
            "{}",
            front.name
        );
        assert!(page.text().contains("Older messages:"), "{}", front.name);
        let more = front.page(&format!("/c/{case}?messages=130")).await;
        assert!(more.text().contains("Message number 0."), "{}", front.name);
    }
}

#[tokio::test]
async fn a_case_that_is_not_there_says_so() {
    for front in fronts(Unverified::Schedule).await {
        let page = front.page("/c/4711").await;
        assert!(
            page.status == 404 && page.text().contains("4711") && page.text().split_whitespace().count() > 4,
            "{}",
            page.text()
        );
    }
}
