//! People, `/people`: who works when, load and holes, and what would be (UX.md §1.8 of the design).

use anyhow::Result;
use browser::{Browser, Desk, Mail};

const LAG: Mail<'_> = Mail {
    from: "priya@northwind.example",
    name: "Priya Nair",
    subject: "Replica lag after 8.4 upgrade",
    text: "Hello,\n\nsince Monday's upgrade the replica is 40 minutes behind.\nWhat should we look at first?\n\nPriya\n",
};

#[tokio::test]
async fn everybody_can_read_it_by_day_by_night_and_on_a_telephone() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let desk = Desk::start()?;
    desk.receive(&LAG)?;
    browser.open(&desk.url("/people?add=fault")).await?;
    let words = browser.text().await?;
    assert!(
        words.contains("Load") && words.contains("A new normal case could be promised by"),
        "{words}"
    );
    assert_eq!(browser.axe_violations().await?, []);
    browser.dark(true).await?;
    assert_eq!(browser.axe_violations().await?, []);
    browser.size(320, 640).await?;
    assert!(!browser.scrolls_sideways().await?);
    assert_eq!(browser.axe_violations().await?, []);
    let weight = browser.weight().await?;
    assert!(weight.requests <= 4 && weight.bytes <= 30_000, "{weight:?}");
    browser.close().await
}
