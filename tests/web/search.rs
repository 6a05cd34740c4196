//! Search: what is found, with which line, how it is narrowed, and that nothing is counted that was not looked at.

use crate::front::{Front, NOW, fronts};
use duly::desk::Unverified;
use duly::limits;
use jiff::{SignedDuration, Timestamp};

/// A desk on which three customers wrote in two months.
async fn written(front: &Front) -> [i64; 3] {
    let lag = front
        .mail(
            "priya@northwind.example",
            "Replica lag",
            "Hello,\n\nit says ORA-00600 [kcbgcur] there.\nIt lags.\n",
        )
        .await;
    let disk = front
        .mail(
            "tomas@acmedb.example",
            "Disk is full",
            "The disk is full.\nfull the disk was not, says the log.\n",
        )
        .await;
    let now: Timestamp = NOW.parse().expect("a time");
    front.clock.set(now + SignedDuration::from_hours(24 * 20));
    let late = front
        .mail(
            "eve@elsewhere.example",
            "Again",
            "ORA-00600 after <script>alert(1)</script> it lags\n",
        )
        .await;
    [lag, disk, late]
}

/// The cases whose hits a page lists, in its order.
fn cases(body: &str) -> Vec<i64> {
    let links = body.split("<ol class=\"hits\">").nth(1).unwrap_or_default();
    let links = links.split("href=\"/c/").skip(1);
    links
        .filter_map(|rest| rest.split(['#', '"']).next()?.parse().ok())
        .collect()
}

#[tokio::test]
async fn a_hit_has_its_line_and_leads_to_its_message() {
    for front in fronts(Unverified::Schedule).await {
        let [lag, _, late] = written(&front).await;
        let page = front.page("/s?q=ora-00600").await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert_eq!(cases(&page.body), [late, lag], "{}: newest first", front.name);
        for words in [
            "it says <mark>ORA-00600</mark> [kcbgcur] there.",
            "<mark>ORA-00600</mark> after &lt;script&gt;alert(1)&lt;/script&gt; it lags",
            &format!("href=\"/c/{lag}#m"),
            "2 messages",
        ] {
            let found = page.body.contains(words) || page.text().contains(words);
            assert!(found, "{}: {words} is not in {}", front.name, page.body);
        }
    }
}

#[tokio::test]
async fn words_in_quotes_stand_together_and_a_person_is_found() {
    for front in fronts(Unverified::Schedule).await {
        let [lag, disk, late] = written(&front).await;
        assert_eq!(cases(&front.page("/s?q=%22disk+is+full%22").await.body), [disk]);
        assert_eq!(cases(&front.page("/s?q=%22full+disk%22").await.body), [] as [i64; 0]);
        assert_eq!(cases(&front.page("/s?q=from:tomas").await.body), [disk]);
        assert_eq!(
            cases(&front.page("/s?q=lags+from:eve%40elsewhere.example").await.body),
            [late]
        );
        assert_eq!(cases(&front.page("/s?q=lags").await.body), [late, lag]);
    }
}

#[tokio::test]
async fn what_was_found_is_narrowed_by_customer_state_and_month() {
    for front in fronts(Unverified::Schedule).await {
        let [lag, disk, late] = written(&front).await;
        let page = front.page("/s?q=lags").await;
        for link in [
            "/s?q=lags%20state%3Aready",
            "month%3A2026-11",
            "month%3A2026-12",
            "Hits over time",
        ] {
            assert!(
                page.body.contains(link),
                "{}: {link} is not in {}",
                front.name,
                page.body
            );
        }
        assert_eq!(cases(&front.page("/s?q=lags+month:2026-11").await.body), [lag]);
        assert_eq!(cases(&front.page("/s?q=lags+month:2026-12").await.body), [late]);
        let closed = front
            .send(
                &format!("/c/{disk}/close"),
                &[("as", "anna@acme.example"), ("resolution", "answered")],
            )
            .await;
        assert!(matches!(closed.status, 303 | 409), "{}", closed.body);
        assert_eq!(cases(&front.page("/s?q=lags+state:open").await.body), [late, lag]);
        assert_eq!(cases(&front.page("/s?q=lags+state:closed").await.body), [] as [i64; 0]);
        // Everybody of these tests writes under one name, and has a customer of that name.
        let mut all = cases(&front.page("/s?q=customer:Nair").await.body);
        // Without a word the desk's own letters of these cases stand there too.
        all.dedup();
        assert_eq!(all, [late, disk, lag], "{}", front.name);
        assert_eq!(
            cases(&front.page("/s?q=lags+customer:nobody").await.body),
            [] as [i64; 0]
        );
    }
}

#[tokio::test]
async fn nothing_found_says_what_would_be_and_nonsense_is_refused_with_the_query_kept() {
    for front in fronts(Unverified::Schedule).await {
        written(&front).await;
        let none = front.page("/s?q=lags+unheard").await;
        assert!(
            none.status == 200 && none.text().contains("Alone: lags (2)"),
            "{}: {}",
            front.name,
            none.text()
        );
        let refused = front.page("/s?q=lags+state:asleep").await;
        assert_eq!(refused.status, 422);
        assert!(
            refused.text().contains("is no state of a case") && refused.body.contains("value=\"lags state:asleep\""),
            "{}",
            refused.body
        );
        let long = "a+".repeat(limits::QUERY_TERMS + 1);
        let refused = front.page(&format!("/s?q={long}")).await;
        assert!(
            refused.status == 422 && refused.text().contains("too long"),
            "{}",
            refused.text()
        );
        assert_eq!(
            front
                .page(&format!("/s?q={}", "a+".repeat(limits::QUERY_TERMS)))
                .await
                .status,
            200
        );
        let empty = front.page("/s").await;
        assert!(empty.status == 200 && empty.text().contains("Every mail and every note is found"));
    }
}

#[tokio::test]
async fn further_pages_miss_nobody_and_repeat_nobody() {
    for front in fronts(Unverified::Schedule).await {
        let count = limits::PAGE_ROWS as usize * 2 + 3;
        let mut all = Vec::new();
        for number in 0..count {
            let from = format!("c{number}@customer{number}.example");
            all.push(front.mail(&from, "A subject", "zebra").await);
        }
        all.reverse();
        let (mut seen, mut next) = (Vec::new(), Some("/s?q=zebra".to_owned()));
        while let Some(path) = next {
            let page = front.page(&path).await;
            assert!(page.text().contains(&format!("{count} messages")), "{}", page.text());
            seen.extend(cases(&page.body));
            let more = page.body.split("rel=\"next\" href=\"").nth(1);
            next = more.map(|rest| rest.split('"').next().unwrap_or_default().replace("&amp;", "&"));
        }
        assert_eq!(seen, all, "{}", front.name);
    }
}
