//! The run queue: what is listed, in which order, how much of it.

use crate::front::fronts;
use duly::desk::Unverified;
use jiff::{SignedDuration, Timestamp};

#[tokio::test]
async fn each_case_stands_in_its_group_with_time_and_state() {
    for front in fronts(Unverified::Schedule).await {
        let lag = front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        let urgent = front.mail("tomas@acmedb.example", "Crash", "urgent: it is down").await;
        let page = front.page("/").await;
        assert_eq!(page.status, 200, "{}: {}", front.name, page.body);
        let (first, second) = (
            page.body.find(&format!("href=\"/c/{urgent}\"")),
            page.body.find(&format!("href=\"/c/{lag}\"")),
        );
        assert!(
            first.unwrap() < second.unwrap(),
            "{}: the earliest due stands first",
            front.name
        );
        assert!(
            page.body.contains("class=\"plan\""),
            "{}: planned slices are drawn",
            front.name
        );
        let text = page.text();
        for words in [
            "Replica lag",
            "Crash",
            "Tue 24 Nov 13:00 CET",
            "Wed 25 Nov 11:00 CET",
            "ready",
            "2 promised",
            "1 stopped",
            "Timetable",
            " planned ones",
            " slack",
        ] {
            assert!(text.contains(words), "{}: {words} is not in {text}", front.name);
        }
    }
}

#[tokio::test]
async fn what_is_not_verified_stands_apart() {
    for front in fronts(Unverified::Hold).await {
        let case = front.mail("who@unknown.example", "Hello", "Who am I?").await;
        let text = front.page("/").await.text();
        assert!(
            text.contains("No case is waiting for us.") && text.contains("Unsorted") && text.contains("none promised"),
            "{text}"
        );
        let page = front.page(&format!("/c/{case}")).await;
        assert!(page.text().contains("no time is promised yet"), "{}", page.text());
        let taken = front
            .send(&format!("/c/{case}/release"), &[("as", "anna@acme.example")])
            .await;
        assert_eq!(taken.status, 303, "{}", taken.body);
        assert!(
            front.page(&format!("/c/{case}")).await.text().contains("reply by"),
            "{}",
            front.name
        );
    }
}

#[tokio::test]
async fn a_long_group_goes_on_on_further_pages_and_misses_nobody() {
    for front in fronts(Unverified::Schedule).await {
        let mut all = Vec::new();
        for number in 0..120 {
            let now: Timestamp = crate::front::NOW.parse().unwrap();
            front.clock.set(now + SignedDuration::from_mins(number / 3));
            all.push(
                front
                    .mail(
                        &format!("c{number}@customer{number}.example"),
                        &format!("Subject {number}"),
                        "It lags.",
                    )
                    .await,
            );
        }
        let mut seen = Vec::new();
        let mut next = Some("/".to_owned());
        while let Some(path) = next {
            let page = front.page(&path).await;
            assert_eq!(page.status, 200);
            let links = page
                .body
                .split("href=\"/c/")
                .skip(1)
                .filter_map(|rest| rest.split('"').next()?.parse::<i64>().ok());
            seen.extend(links);
            assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
            next = page
                .body
                .split("href=\"")
                .find(|rest| rest.starts_with("/?more="))
                .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"));
        }
        assert_eq!(seen, all, "{}", front.name);
    }
}

#[tokio::test]
async fn next_gives_a_case_and_opens_it() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        let given = front.send("/next", &[("as", "anna@acme.example")]).await;
        assert_eq!(
            (given.status, given.header("location").split('?').next()),
            (303, Some(format!("/c/{case}").as_str()))
        );
        let text = front.page(given.header("location")).await.text();
        assert!(
            text.contains("Anna Keller is working on it now.") && text.contains("yours for a slice"),
            "{text}"
        );
        assert!(front.page("/").await.text().contains("running"));
        let nobody = front.send("/next", &[("as", "nobody@acme.example")]).await;
        assert!(
            nobody.status == 404 && nobody.text().contains("There is no engineer"),
            "{}",
            nobody.body
        );
    }
}
