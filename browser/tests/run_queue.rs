//! The run queue, `/`: at one glance, is every promise safe, and what comes next (UX.md §1.1 of the design).

use anyhow::Result;
use browser::{Browser, Desk, Mail};

const LAG: Mail<'_> = Mail {
    from: "priya@northwind.example",
    name: "Priya Nair",
    subject: "Replica lag after 8.4 upgrade",
    text: "Hello,\n\nsince Monday's upgrade the replica is 40 minutes behind.\nWhat should we look at first?\n\nPriya\n",
};
const CRASH: Mail<'_> = Mail {
    from: "tomas@acmedb.example",
    name: "Tomáš Novák",
    subject: "Crash in ALTER TABLE",
    text: "The server stops with signal 11 while ALTER TABLE runs. The core file is 12 GB; where can it go?\n",
};

/// A browser looking at the run queue of a desk with two cases; `None` where there is no Chromium.
async fn two_cases() -> Result<Option<(Browser, Desk, i64)>> {
    let Some(browser) = Browser::start().await? else {
        return Ok(None);
    };
    let desk = Desk::start()?;
    let lag = desk.receive(&LAG)?;
    desk.receive(&CRASH)?;
    browser.open(&desk.url("/")).await?;
    Ok(Some((browser, desk, lag)))
}

#[tokio::test]
async fn each_case_is_listed_with_its_subject_and_its_time() -> Result<()> {
    let Some((browser, desk, lag)) = two_cases().await? else {
        return Ok(());
    };
    let words = browser.text().await?;
    assert!(words.contains(LAG.subject) && words.contains(CRASH.subject), "{words}");
    let berlin = desk.reply_by(lag)?.in_tz("Europe/Berlin")?;
    let time = berlin.strftime("%a %-d %b %H:%M").to_string();
    let short = berlin.strftime("%a %H:%M").to_string();
    assert!(
        words.contains(&time) || words.contains(&short),
        "neither {time} nor {short} in: {words}"
    );
    browser.close().await
}

#[tokio::test]
async fn an_empty_queue_says_what_to_do_next() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::start()?;
    browser.open(&desk.url("/")).await?;
    assert!(browser.text().await?.contains("No case is waiting for us."));
    assert_eq!(browser.axe_violations().await?, []);
    browser.close().await
}

#[tokio::test]
async fn everybody_can_read_it_by_day_and_by_night() -> Result<()> {
    let Some((browser, _desk, _)) = two_cases().await? else {
        return Ok(());
    };
    assert_eq!(browser.axe_violations().await?, []);
    let light = browser.style("body", "background-color").await?;
    browser.dark(true).await?;
    assert_ne!(
        browser.style("body", "background-color").await?,
        light,
        "there is no dark page"
    );
    assert_eq!(browser.axe_violations().await?, []);
    browser.close().await
}

#[tokio::test]
async fn a_telephone_shows_it_without_scrolling_sideways() -> Result<()> {
    let Some((browser, _desk, _)) = two_cases().await? else {
        return Ok(());
    };
    browser.size(320, 640).await?;
    assert!(!browser.scrolls_sideways().await?);
    assert!(browser.text().await?.contains(LAG.subject));
    assert_eq!(browser.axe_violations().await?, []);
    browser.close().await
}

#[tokio::test]
async fn a_keyboard_is_enough_to_open_a_case() -> Result<()> {
    let Some((browser, _desk, lag)) = two_cases().await? else {
        return Ok(());
    };
    assert!(
        browser.tab_to(&format!("a[href='/c/{lag}']"), 40).await?,
        "Tab does not reach the case"
    );
    browser.press('\u{E007}').await?; // Enter
    browser.wait_for_address(&format!("/c/{lag}")).await?;
    browser.close().await
}

#[tokio::test]
async fn without_scripts_it_is_read_and_cases_open() -> Result<()> {
    let Some((browser, desk, lag)) = two_cases().await? else {
        return Ok(());
    };
    browser.javascript(false).await?;
    browser.open(&desk.url("/")).await?;
    assert!(browser.text().await?.contains(LAG.subject));
    browser.click(&format!("a[href='/c/{lag}']")).await?;
    browser.wait_for_address(&format!("/c/{lag}")).await?;
    browser.close().await
}

#[tokio::test]
async fn a_first_visit_is_light() -> Result<()> {
    let Some((browser, _desk, _)) = two_cases().await? else {
        return Ok(());
    };
    let weight = browser.weight().await?;
    assert!(weight.requests <= 4 && weight.bytes <= 30_000, "{weight:?}");
    browser.close().await
}

#[tokio::test]
async fn a_new_case_appears_without_a_reload() -> Result<()> {
    let Some((browser, desk, _)) = two_cases().await? else {
        return Ok(());
    };
    let late = Mail {
        subject: "Backup tool skips views",
        ..CRASH
    };
    desk.receive(&late)?;
    browser.wait_for_text(late.subject).await?;
    browser.close().await
}
