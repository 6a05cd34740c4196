//! Signing in by a link, a case, one's sessions, signing out: as a person does it, with and without scripts.

use anyhow::{Context, Result};
use browser::{Browser, Desk, Mail};
use std::path::Path;

const LAG: Mail<'_> = Mail {
    from: "priya@northwind.example",
    name: "Priya Nair",
    subject: "Replica lag after 8.4 upgrade",
    text: "Hello,\n\nsince Monday's upgrade the replica is 40 minutes behind.\n\nPriya\n",
};

/// A link for Anna.
fn link(desk: &Desk) -> Result<String> {
    let said = desk.run(&["cpu", "link", "anna@acme.example"])?;
    Ok(said.split_whitespace().last().context("a link")?.to_owned())
}

/// The button of a link is pressed, and the run queue is there: a page that is left too early sends nothing.
async fn pressed(browser: &Browser) -> Result<()> {
    browser.click("button").await?;
    browser.wait_for_text("Run queue").await
}

/// Holds a page to the rules by day, by night and on a telephone, and keeps pictures where `DULY_PICTURES` says.
async fn held(browser: &Browser, name: &str) -> Result<()> {
    let folder = std::env::var("DULY_PICTURES");
    for (dark, width, end) in [(false, 1280, ""), (true, 1280, "-dark"), (false, 320, "-320")] {
        browser.dark(dark).await?;
        browser.size(width, 800).await?;
        assert_eq!(browser.axe_violations().await?, [], "{name}{end}");
        assert!(!browser.scrolls_sideways().await?, "{name}{end} is too wide");
        if ["queue-signed-in", "case-signed-in", "me"].contains(&name) {
            let words = browser.text().await?;
            assert!(
                words.contains("Anna Keller") && words.contains("Sign out"),
                "{name}{end}: {words}"
            );
        }
        if let Ok(folder) = &folder {
            browser
                .screenshot(&Path::new(folder).join(format!("{name}{end}.png")))
                .await?;
        }
    }
    browser.size(1280, 800).await
}

#[tokio::test]
async fn from_a_link_to_the_run_queue_a_case_and_out_again() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::closed()?;
    let case = desk.receive(&LAG)?;
    browser.open(&desk.url("/")).await?;
    browser.wait_for_address("/sign-in").await?;
    assert!(browser.text().await?.contains("duly cpu link"));
    held(&browser, "sign-in").await?;
    browser.open(&link(&desk)?).await?;
    assert!(browser.text().await?.contains("Anna Keller"));
    held(&browser, "sign-in-link").await?;
    pressed(&browser).await?;
    browser.wait_for_text(LAG.subject).await?;
    let weight = browser.weight().await?;
    assert!(weight.requests <= 4 && weight.bytes <= 30_000, "{weight:?}");
    held(&browser, "queue-signed-in").await?;
    // By keyboard alone: who one is, and the way out.
    assert!(
        browser.tab_to("a[href='/me']", 12).await?,
        "Tab does not reach one's own page"
    );
    assert!(browser.tab_to("form[action='/sign-out'] button", 3).await?);
    browser.click(&format!("a[href='/c/{case}']")).await?;
    browser.wait_for_address(&format!("/c/{case}")).await?;
    assert!(browser.text().await?.contains("40 minutes behind"));
    held(&browser, "case-signed-in").await?;
    browser.click("#act-note summary").await?;
    browser.open(&link(&desk)?).await?;
    pressed(&browser).await?;
    browser.open(&desk.url("/me")).await?;
    let words = browser.text().await?;
    assert!(
        words.contains("Chrome on Linux") && words.contains("this one"),
        "{words}"
    );
    held(&browser, "me").await?;
    browser.click("form[action='/sign-out'] button").await?;
    browser.wait_for_text("You are signed out.").await?;
    held(&browser, "signed-out").await?;
    browser.open(&desk.url(&format!("/c/{case}"))).await?;
    browser.wait_for_address("/sign-in").await?;
    assert!(!browser.text().await?.contains("40 minutes behind"));
    browser.close().await
}

#[tokio::test]
async fn without_scripts_one_signs_in_answers_and_signs_out() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::closed()?;
    let case = desk.receive(&LAG)?;
    browser.javascript(false).await?;
    browser.open(&link(&desk)?).await?;
    pressed(&browser).await?;
    browser.click("form[action='/next'] button").await?;
    browser.wait_for_text("Anna Keller is working on it now.").await?;
    assert!(browser.address().await?.contains(&format!("/c/{case}?done=next")));
    browser.click("form[action='/sign-out'] button").await?;
    browser.wait_for_text("You are signed out.").await?;
    browser.close().await
}

#[tokio::test]
async fn a_page_whose_session_was_ended_elsewhere_says_so_and_keeps_what_was_typed() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::closed()?;
    let case = desk.receive(&LAG)?;
    browser.open(&link(&desk)?).await?;
    pressed(&browser).await?;
    browser.open(&desk.url(&format!("/c/{case}"))).await?;
    browser.click("#text").await?;
    for key in "Precious".chars() {
        browser.press(key).await?;
    }
    desk.run(&["cpu", "sessions", "anna@acme.example", "--end"])?;
    browser
        .wait_for_text("You are signed out: what stands here is old")
        .await?;
    browser.click("button.main").await?;
    browser.wait_for_text("nothing was sent or changed").await?;
    assert_eq!(browser.value("textarea").await?, "Precious");
    held(&browser, "words-kept").await?;
    browser.close().await
}
