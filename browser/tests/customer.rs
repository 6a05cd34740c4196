//! Pages that customers reach by the links in our mails: sending files, asking for another time, and the button by which
//! they say that a held mail is theirs.

use anyhow::{Context, Result};
use browser::{Browser, Desk, Mail};
use std::path::Path;

const PRIYA: &str = "priya@northwind.example";
const LAG: Mail<'_> = Mail {
    from: PRIYA,
    name: "Priya Nair",
    subject: "Replica lag after 8.4 upgrade",
    text: "Hello,\n\nsince Monday's upgrade the replica is 40 minutes behind.\n\nPriya\n",
};

/// Holds a page to the rules by day, by night and on a telephone, and keeps pictures where `DULY_PICTURES` says.
async fn held(browser: &Browser, name: &str) -> Result<()> {
    for (dark, width, end) in [(false, 1280, ""), (true, 1280, "-dark"), (false, 320, "-320")] {
        browser.dark(dark).await?;
        browser.size(width, 800).await?;
        assert_eq!(browser.axe_violations().await?, [], "{name}{end}");
        assert!(!browser.scrolls_sideways().await?, "{name}{end} is too wide");
        if let Ok(folder) = std::env::var("DULY_PICTURES") {
            let picture = Path::new(&folder).join(format!("{name}{end}.png"));
            browser.screenshot(&picture).await?;
        }
    }
    browser.size(1280, 800).await
}

/// A file of a customer, in a folder that goes with it.
fn file(words: &str) -> Result<(tempfile::TempDir, String)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("replica.log");
    std::fs::write(&path, words)?;
    Ok((folder, path.to_str().context("a plain path")?.to_owned()))
}

#[tokio::test]
async fn a_file_is_sent_by_the_link_with_a_script_and_without_one() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::start()?;
    let case = desk.receive(&LAG)?;
    let link = desk.link_to(PRIYA, "/up")?;
    browser.open(&link).await?;
    assert!(!browser.text().await?.contains("40 minutes"), "no word of the case");
    held(&browser, "upload").await?;
    assert!(browser.tab_to("#file", 12).await?, "Tab does not reach the field");
    let (_folder, path) = file("2026-03-02 lag 2400 s\n")?;
    browser.choose_file("#file", &path).await?;
    browser.click("button.main").await?;
    browser.wait_for_text("replica.log").await?;
    browser.javascript(false).await?;
    browser.open(&link).await?;
    let (_other, path) = file("2026-03-02 lag 2500 s\n")?;
    browser.choose_file("#file", &path).await?;
    browser.click("button.main").await?;
    browser.wait_for_text("The file has arrived whole.").await?;
    browser.javascript(true).await?;
    let case = case.to_string();
    for _ in 0..200 {
        if desk.run(&["files", &case])?.matches("replica.log").count() == 2 {
            return browser.close().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("the files of the case: {}", desk.run(&["files", &case])?)
}

#[tokio::test]
async fn another_time_is_asked_for_and_agreed_by_the_link_without_scripts() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::start()?;
    let case = desk.receive(&LAG)?;
    let before = desk.reply_by(case)?;
    browser.open(&desk.link_to(PRIYA, "/time")?).await?;
    held(&browser, "another-time").await?;
    browser.javascript(false).await?;
    browser.click("form:has(input[name=at]) button").await?;
    browser.wait_for_text("Agreed").await?;
    assert_ne!(desk.reply_by(case)?, before, "nothing moved");
    browser.javascript(true).await?;
    held(&browser, "another-time-agreed").await?;
    browser.close().await
}

#[tokio::test]
async fn the_button_of_a_held_mail_gives_it_its_promise() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::holding()?;
    let case = desk.receive(&LAG)?;
    assert!(desk.reply_by(case).is_err(), "held mail has no promise");
    let link = desk.link_to(PRIYA, "/confirm/")?;
    browser.open(&link).await?;
    let words = browser.text().await?;
    assert!(!words.contains("Replica"), "nothing that anybody wrote: {words}");
    held(&browser, "confirm").await?;
    assert!(desk.reply_by(case).is_err(), "looking changes nothing");
    assert!(browser.tab_to("button", 12).await?, "Tab does not reach the button");
    browser.javascript(false).await?;
    browser.click("button").await?;
    browser.wait_for_text("Thank you").await?;
    browser.javascript(true).await?;
    desk.reply_by(case).context("the promise")?;
    held(&browser, "confirmed").await?;
    browser.open(&link).await?;
    browser.wait_for_text("This link was used already").await?;
    browser.close().await
}
