//! The promise ledger, `/ledger`: the book of what we said and what we did (UX.md §1.5 of the design).

use anyhow::Result;
use browser::{Browser, Desk, Mail};

const LAG: Mail<'_> = Mail {
    from: "priya@northwind.example",
    name: "Priya Nair",
    subject: "Replica lag after 8.4 upgrade",
    text: "Hello,\n\nthe replica is 40 minutes behind.\n\nPriya\n",
};
const CRASH: Mail<'_> = Mail {
    from: "tomas@acmedb.example",
    name: "Tomáš Novák",
    subject: "Crash in ALTER TABLE",
    text: "The server stops with signal 11.\n",
};

/// A browser looking at the ledger of a desk with one promise kept and one open; `None` where there is no Chromium.
async fn a_book() -> Result<Option<(Browser, Desk)>> {
    let Some(browser) = Browser::start().await? else {
        return Ok(None);
    };
    let desk = Desk::start()?;
    let lag = desk.receive(&LAG)?.to_string();
    desk.receive(&CRASH)?;
    let reply = [
        "--as",
        "anna@acme.example",
        "reply",
        &lag,
        "-m",
        "Set parallel workers to 4.",
        "--kind",
        "answer",
    ];
    desk.run(&[&reply[..], &["--then", "close"]].concat())?;
    browser.open(&desk.url("/ledger")).await?;
    for _ in 0..120 {
        if browser.text().await?.contains("kept 1 of 1") {
            break;
        }
        // A reply is held ten seconds, and figures are counted every five.
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        browser.open(&desk.url("/ledger")).await?;
    }
    Ok(Some((browser, desk)))
}

#[tokio::test]
async fn it_says_what_was_kept_to_everybody_by_day_and_by_night_and_on_a_telephone() -> Result<()> {
    let Some((browser, _desk)) = a_book().await? else {
        return Ok(());
    };
    let words = browser.text().await?;
    for one in [
        "kept 1 of 1",
        "moved by us 0 of",
        "findings 0 of 1",
        "Anna Keller",
        "early",
    ] {
        assert!(words.contains(one), "{one} is not in: {words}");
    }
    assert_eq!(browser.axe_violations().await?, []);
    if let Some(folder) = std::env::var_os("DULY_SCREENSHOTS") {
        browser
            .screenshot(&std::path::Path::new(&folder).join("ledger.png"))
            .await?;
    }
    browser.dark(true).await?;
    assert_eq!(browser.axe_violations().await?, []);
    if let Some(folder) = std::env::var_os("DULY_SCREENSHOTS") {
        browser
            .screenshot(&std::path::Path::new(&folder).join("ledger-dark.png"))
            .await?;
    }
    browser.size(320, 640).await?;
    assert!(!browser.scrolls_sideways().await?);
    assert_eq!(browser.axe_violations().await?, []);
    if let Some(folder) = std::env::var_os("DULY_SCREENSHOTS") {
        browser
            .screenshot(&std::path::Path::new(&folder).join("ledger-320.png"))
            .await?;
    }
    browser.close().await
}

#[tokio::test]
async fn a_customers_view_and_the_way_back_work_without_scripts() -> Result<()> {
    let Some((browser, desk)) = a_book().await? else {
        return Ok(());
    };
    browser.javascript(false).await?;
    browser.open(&desk.url("/ledger?by=customer")).await?;
    browser.click("a[href*='customer=']").await?;
    let words = browser.text().await?;
    let shows = |who: &str| words.contains(who);
    assert!(words.contains("Ledger of"), "{words}");
    assert!(shows(LAG.name) != shows(CRASH.name), "one customer's alone: {words}");
    browser
        .click("a[href^='/ledger?week=']:not([href*='customer'])")
        .await?;
    assert!(browser.text().await?.contains("Case"), "everybody's again");
    browser.close().await
}
