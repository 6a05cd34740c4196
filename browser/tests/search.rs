//! Search, `/s`: find the sentence, the error code, the last time this happened (UX.md §1.7 of the design).

use anyhow::Result;
use browser::{Browser, Desk, Mail};

const LAG: Mail<'_> = Mail {
    from: "priya@northwind.example",
    name: "Priya Nair",
    subject: "Replica lag after 8.4 upgrade",
    text: "Hello,\n\nthe log says ORA-00600 [kcbgcur].\n\nPriya\n",
};
const CRASH: Mail<'_> = Mail {
    from: "tomas@acmedb.example",
    name: "Tomáš Novák",
    subject: "Crash in ALTER TABLE",
    text: "The server stops with signal 11.\n",
};

#[tokio::test]
async fn a_key_leads_to_it_and_an_error_code_is_found_by_everybody() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::start()?;
    let case = desk.receive(&LAG)?;
    desk.receive(&CRASH)?;
    browser.open(&desk.url("/")).await?;
    browser.press('/').await?;
    browser.wait_for_address("/s#q").await?;
    browser.wait_for_text("Every mail and every note is found").await?;
    assert_eq!(browser.axe_violations().await?, [], "empty");
    browser.type_into("#q:focus", "ora-00600\u{E007}").await?;
    browser.wait_for_text("[kcbgcur]").await?;
    let words = browser.text().await?;
    assert!(words.contains("the log says ORA-00600 [kcbgcur]."), "{words}");
    assert!(words.contains(LAG.subject) && !words.contains(CRASH.subject), "{words}");
    for dark in [false, true] {
        browser.dark(dark).await?;
        assert_eq!(browser.axe_violations().await?, [], "dark: {dark}");
    }
    browser.size(320, 640).await?;
    assert!(!browser.scrolls_sideways().await?);
    assert_eq!(browser.axe_violations().await?, [], "on a telephone");
    browser.size(1280, 800).await?;
    browser.press('j').await?;
    browser.press('o').await?;
    browser.wait_for_text("reply by").await?;
    assert!(browser.address().await?.contains(&format!("/c/{case}#m")));
    browser.close().await
}

#[tokio::test]
async fn it_is_narrowed_without_scripts() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::start()?;
    desk.receive(&LAG)?;
    desk.receive(&CRASH)?;
    browser.javascript(false).await?;
    browser.open(&desk.url("/s?q=the")).await?;
    browser.click(".facets a[href*='customer']").await?;
    let words = browser.text().await?;
    assert!(words.contains(LAG.subject) != words.contains(CRASH.subject), "{words}");
    assert!(browser.value("#q").await?.starts_with("the customer:"));
    browser.close().await
}
