//! The case page, `/c/1`: understand in 20 seconds, act in one key (UX.md §1.3 of the design).

use anyhow::Result;
use browser::{Browser, Desk, Mail};

const FIRST: Mail<'_> = Mail {
    from: "priya@northwind.example",
    name: "Priya Nair",
    subject: "Replica lag after 8.4 upgrade",
    text: "Hello,\n\nsince Monday's upgrade the replica is 40 minutes behind.\n\n    Seconds_Behind_Source: 2412\n\nPriya\n",
};
const NEWEST: &str = "It has become worse: 55 minutes now.";

/// A browser looking at a case of one mail; `None` where there is no Chromium.
async fn one_case() -> Result<Option<(Browser, Desk, i64)>> {
    let Some(browser) = Browser::start().await? else {
        return Ok(None);
    };
    let desk = Desk::start()?;
    let case = desk.receive(&FIRST)?;
    browser.open(&desk.url(&format!("/c/{case}"))).await?;
    Ok(Some((browser, desk, case)))
}

#[tokio::test]
async fn subject_promise_and_newest_words_stand_in_this_order() -> Result<()> {
    let Some((browser, _desk, _)) = one_case().await? else {
        return Ok(());
    };
    let words = browser.text().await?;
    let place = |what: &str| {
        words
            .find(what)
            .unwrap_or_else(|| panic!("{what:?} is not on the page: {words}"))
    };
    let (subject, promise, newest) = (
        place(FIRST.subject),
        place("reply by"),
        place("Seconds_Behind_Source: 2412"),
    );
    assert!(subject < promise && promise < newest, "{words}");
    assert_eq!(browser.text_of("h1").await?.matches(FIRST.subject).count(), 1);
    browser.close().await
}

#[tokio::test]
async fn the_promise_line_says_time_zone_distance_state_and_owner() -> Result<()> {
    let Some((browser, desk, case)) = one_case().await? else {
        return Ok(());
    };
    let words = browser.text().await?;
    let line = words.lines().find(|line| line.contains("reply by")).unwrap_or_default();
    let due = desk.reply_by(case)?;
    // reply by Tue 24 Nov 15:00 CET (14:00 UTC) · in 3 h 10 min · offered · Anna
    let here = due.in_tz("Europe/Berlin")?.strftime("%a %-d %b %H:%M %Z").to_string();
    let utc = due.strftime("%H:%M UTC").to_string();
    assert!(line.contains(&here), "{here} is not in: {line}");
    assert!(line.contains(&utc), "{utc} is not in: {line}");
    assert!(line.contains(" · in ") && line.contains("offered"), "{line}");
    browser.close().await
}

#[tokio::test]
async fn the_newest_words_of_the_customer_are_on_the_first_screen() -> Result<()> {
    let Some((browser, desk, case)) = one_case().await? else {
        return Ok(());
    };
    let (long, again) = (
        "A line of a long report.\n".repeat(300),
        format!("Re: {}", FIRST.subject),
    );
    // Not joined by subject (that is only ever an offer): each is a case of its own, and shows its own words first.
    let other = desk.receive(&Mail {
        subject: &again,
        text: &format!("{NEWEST}\n\n{long}"),
        ..FIRST
    })?;
    assert_ne!(other, case);
    browser.open(&desk.url(&format!("/c/{other}"))).await?;
    assert!(browser.is_on_first_screen(NEWEST).await?);
    browser.close().await
}

#[tokio::test]
async fn everybody_can_read_it_by_day_and_by_night() -> Result<()> {
    let Some((browser, _desk, _)) = one_case().await? else {
        return Ok(());
    };
    for dark in [false, true] {
        browser.dark(dark).await?;
        assert_eq!(browser.axe_violations().await?, [], "dark: {dark}");
    }
    browser.close().await
}

#[tokio::test]
async fn a_telephone_shows_it_without_scrolling_sideways() -> Result<()> {
    let Some((browser, desk, _)) = one_case().await? else {
        return Ok(());
    };
    browser.size(320, 640).await?;
    assert!(!browser.scrolls_sideways().await?);
    // The longest word a log can hold must not widen the page either.
    let path = format!("/var/lib/{}\n", "x".repeat(400));
    let case = desk.receive(&Mail {
        subject: "A long path",
        text: &path,
        ..FIRST
    })?;
    browser.open(&desk.url(&format!("/c/{case}"))).await?;
    assert!(!browser.scrolls_sideways().await?);
    browser.close().await
}

#[tokio::test]
async fn it_is_read_without_scripts() -> Result<()> {
    let Some((browser, desk, case)) = one_case().await? else {
        return Ok(());
    };
    browser.javascript(false).await?;
    browser.open(&desk.url(&format!("/c/{case}"))).await?;
    let words = browser.text().await?;
    assert!(
        words.contains(FIRST.subject) && words.contains("reply by") && words.contains("2412"),
        "{words}"
    );
    browser.close().await
}

#[tokio::test]
async fn a_subject_with_markup_is_text() -> Result<()> {
    let Some((browser, desk, _)) = one_case().await? else {
        return Ok(());
    };
    let subject = "<img src=x onerror=\"document.title='taken'\"> & <b>bold</b>";
    let case = desk.receive(&Mail {
        subject,
        text: "<script>document.title = 'taken'</script>\n",
        ..FIRST
    })?;
    browser.open(&desk.url(&format!("/c/{case}"))).await?;
    let words = browser.text().await?;
    assert!(words.contains(subject) && words.contains("<script>"), "{words}");
    assert_ne!(browser.title().await?, "taken", "the markup ran");
    browser.close().await
}

#[tokio::test]
async fn a_case_that_is_not_there_says_so() -> Result<()> {
    let Some((browser, desk, _)) = one_case().await? else {
        return Ok(());
    };
    browser.open(&desk.url("/c/4711")).await?;
    let words = browser.text().await?;
    assert!(
        words.contains("4711") && words.split_whitespace().count() > 4,
        "{words}"
    );
    assert_eq!(browser.axe_violations().await?, []);
    browser.close().await
}
