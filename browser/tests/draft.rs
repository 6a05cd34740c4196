//! Writing a reply: no typed word is lost, whatever happens to the browser, the window or the desk (UX.md §1.0.6 of the design).

use anyhow::Result;
use browser::{Browser, Desk, Mail};

const LAG: Mail<'_> = Mail {
    from: "priya@northwind.example",
    name: "Priya Nair",
    subject: "Replica lag after 8.4 upgrade",
    text: "Hello,\n\nthe replica is 40 minutes behind.\n\nPriya\n",
};
const KEPT: &str = "Draft, kept by the desk.";

#[tokio::test]
async fn a_browser_that_was_killed_and_a_desk_that_was_killed_lose_no_word() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let mut desk = Desk::start()?;
    let case = desk.receive(&LAG)?;
    let page = desk.url(&format!("/c/{case}"));
    browser.open(&page).await?;
    browser.type_into("#text", "Set slave_parallel_workers").await?;
    browser.wait_for_text(KEPT).await?;
    assert_eq!(browser.axe_violations().await?, []);
    // The desk is killed while the next words are typed, and the reply is sent into the void.
    desk.kill()?;
    browser.type_into("#text", " to 4.").await?;
    browser.wait_for_text("it is tried again by itself").await?;
    browser.click("#reply button.main").await?;
    browser.wait_for_text("Nothing was sent").await?;
    assert_eq!(browser.value("#text").await?, "Set slave_parallel_workers to 4.");
    desk.start_again()?;
    browser.wait_for_text(KEPT).await?;
    // And the browser with all its memory.
    browser.close().await?;
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    browser.open(&page).await?;
    assert_eq!(browser.value("#text").await?, "Set slave_parallel_workers to 4.");
    browser.click("#reply button.main").await?;
    browser.wait_for_text("The reply is written.").await?;
    assert_eq!(browser.value("#text").await?, "", "what was sent is no draft");
    browser.close().await
}

#[tokio::test]
async fn a_window_that_is_left_in_the_middle_of_a_word_keeps_it() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::start()?;
    let case = desk.receive(&LAG)?;
    let page = desk.url(&format!("/c/{case}"));
    browser.open(&page).await?;
    browser.type_into("#text", "Set sla").await?;
    browser.open(&desk.url("/ledger")).await?;
    for _ in 0..40 {
        browser.open(&page).await?;
        if browser.value("#text").await? == "Set sla" {
            return browser.close().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("the words are gone: {}", browser.value("#text").await?)
}

#[tokio::test]
async fn a_draft_is_kept_by_a_button_without_scripts_and_what_is_new_stands_beside_it() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::start()?;
    let case = desk.receive(&LAG)?;
    let page = desk.url(&format!("/c/{case}"));
    browser.javascript(false).await?;
    browser.open(&page).await?;
    browser.type_into("#text", "Set slave_parallel_workers to 4.").await?;
    browser.click("#reply p.send button[formaction$='/draft']").await?;
    assert!(browser.text().await?.contains("Your words are kept."));
    let who = ["cpu", "add", "li@acme.example", "--name", "Li Wei"];
    desk.run(&[&who[..], &["--zone", "Asia/Shanghai", "--hours", "mon-sun 00:00-24:00"]].concat())?;
    desk.run(&[
        "--as",
        "li@acme.example",
        "note",
        &case.to_string(),
        "-m",
        "It is the disk.",
    ])?;
    browser.click("#reply button.main").await?;
    let words = browser.text().await?;
    for one in ["New since you began", "Li Wei noted", "It is the disk.", "Send anyway"] {
        assert!(words.contains(one), "{one} is not in: {words}");
    }
    assert_eq!(browser.value("#text").await?, "Set slave_parallel_workers to 4.");
    // Opened again, with scripts, the page says so before anything is sent.
    browser.javascript(true).await?;
    browser.open(&page).await?;
    browser.wait_for_text("New since you began").await?;
    for dark in [false, true] {
        browser.dark(dark).await?;
        assert_eq!(browser.axe_violations().await?, [], "dark: {dark}");
    }
    browser.size(320, 640).await?;
    assert!(!browser.scrolls_sideways().await?);
    browser.click("#reply button.main").await?;
    browser.wait_for_text("The reply is written.").await?;
    browser.close().await
}
