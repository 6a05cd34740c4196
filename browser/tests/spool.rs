//! The spool, `/spool`: all mail that needs a look, with its reason and its button (UX.md §1.6 of the design).

use anyhow::Result;
use browser::{Browser, Desk, Mail};

/// A mail of a machine to which no case belongs.
const AWAY: Mail<'_> = Mail {
    from: "bo@northwind.example",
    name: "Bo Away",
    subject: "Automatic reply: Nightly report",
    text: "I am out of the office until Monday.\n",
};

async fn spooled() -> Result<Option<(Browser, Desk)>> {
    let Some(browser) = Browser::start().await? else {
        return Ok(None);
    };
    let desk = Desk::start()?;
    browser.open(&desk.url("/spool")).await?;
    assert!(browser.text().await?.contains("Nothing stands here"));
    assert_eq!(browser.axe_violations().await?, [], "empty");
    desk.send(&AWAY)?;
    for _ in 0..120 {
        browser.open(&desk.url("/spool")).await?;
        if browser.text().await?.contains("Nightly report") {
            return Ok(Some((browser, desk)));
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    anyhow::bail!("the mail does not stand in the spool: {}", browser.text().await?)
}

#[tokio::test]
async fn it_says_why_to_everybody_by_day_and_by_night_and_on_a_telephone() -> Result<()> {
    let Some((browser, _desk)) = spooled().await? else {
        return Ok(());
    };
    let words = browser.text().await?;
    for one in [
        "Mail in",
        "automatic mail",
        "Make a case of it",
        "matcher",
        "their server",
    ] {
        assert!(words.contains(one), "{one} is not in: {words}");
    }
    for dark in [false, true] {
        browser.dark(dark).await?;
        assert_eq!(browser.axe_violations().await?, [], "dark: {dark}");
    }
    browser.size(320, 640).await?;
    assert!(!browser.scrolls_sideways().await?);
    assert_eq!(browser.axe_violations().await?, [], "on a telephone");
    browser.close().await
}

#[tokio::test]
async fn a_row_is_marked_and_released_by_keys_alone() -> Result<()> {
    let Some((browser, _desk)) = spooled().await? else {
        return Ok(());
    };
    browser.press('j').await?;
    browser.press('x').await?;
    assert!(browser.tab_to("#spool button.main", 12).await?);
    browser.press('\u{E007}').await?;
    browser.wait_for_text("is released and has a promise").await?;
    browser.close().await
}

#[tokio::test]
async fn a_mail_is_taken_on_without_scripts() -> Result<()> {
    let Some((browser, desk)) = spooled().await? else {
        return Ok(());
    };
    browser.javascript(false).await?;
    browser.open(&desk.url("/spool")).await?;
    browser.click(".spool button").await?;
    let words = browser.text().await?;
    assert!(
        words.contains("Released.") && words.contains("Nothing stands here"),
        "{words}"
    );
    browser.close().await
}
