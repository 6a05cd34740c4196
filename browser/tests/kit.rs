//! The kit itself, on pages of its own: a check that finds nothing on a bad page would find nothing on ours.

use anyhow::Result;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use browser::Browser;

/// No violation, in either colour scheme; wider than 320 pixels only where told.
const CLEAN: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=color-scheme content='light dark'>
    <title>Clean</title><link rel=icon href=data:,><style>@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }
    a { display: inline-block; padding: 8px; color: inherit }</style>
    <main><h1>A clean page</h1><p id=script>without scripts</p><a href=/faulty>Onward</a></main>
    <script>document.getElementById('script').textContent = 'with scripts'</script>";

/// An image without words, grey on grey, and too wide for a small screen.
const FAULTY: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Faulty</title>
    <main><h1>A faulty page</h1><img src=data:,><p style='color: #999; background: #aaa'>grey</p>
    <div style='width: 900px'>wide</div><a href=/clean style='position: absolute; left: -900px'>unseen</a></main>";

/// Says something later by itself, hides something, and is longer than a screen.
const LATE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Late</title><main><h1>the first words</h1>
    <p id=late></p><p style='display: none'>hidden words</p><p style='margin-top: 3000px'>the last words</p></main>
    <script>setTimeout(() => { document.getElementById('late').textContent = 'late words' }, 1000)</script>";

async fn pages() -> Result<String> {
    let routes = Router::new()
        .route("/clean", get(async || Html(CLEAN)))
        .route("/faulty", get(async || Html(FAULTY)))
        .route("/late", get(async || Html(LATE)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(format!("http://{address}"))
}

#[tokio::test]
async fn a_clean_page_has_no_violation_in_either_colour_scheme() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    browser.open(&format!("{}/clean", pages().await?)).await?;
    assert_eq!(browser.axe_violations().await?, []);
    let light = browser.style("body", "background-color").await?;
    browser.dark(true).await?;
    assert_ne!(browser.style("body", "background-color").await?, light);
    assert_eq!(browser.axe_violations().await?, []);
    browser.close().await
}

#[tokio::test]
async fn planted_violations_are_found_and_named() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    browser.open(&format!("{}/faulty", pages().await?)).await?;
    let found = browser.axe_violations().await?;
    let rules: Vec<&str> = found.iter().map(|violation| violation.rule.as_str()).collect();
    assert!(
        rules.contains(&"image-alt") && rules.contains(&"color-contrast"),
        "{rules:?}"
    );
    assert!(
        found.iter().any(|violation| violation.to_string().contains("(img)")),
        "{found:?}"
    );
    browser.close().await
}

#[tokio::test]
async fn a_small_screen_shows_what_is_too_wide_for_it() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let pages = pages().await?;
    browser.open(&format!("{pages}/faulty")).await?;
    assert!(!browser.scrolls_sideways().await?, "1280 pixels are enough");
    browser.size(320, 640).await?;
    assert!(browser.scrolls_sideways().await?);
    browser.open(&format!("{pages}/clean")).await?;
    assert!(!browser.scrolls_sideways().await?);
    browser.close().await
}

#[tokio::test]
async fn scripts_can_be_off_and_the_page_is_still_read() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let clean = format!("{}/clean", pages().await?);
    browser.open(&clean).await?;
    assert!(browser.text().await?.contains("with scripts"));
    browser.javascript(false).await?;
    browser.open(&clean).await?;
    assert!(browser.text().await?.contains("without scripts"));
    browser.click("a").await?;
    assert!(browser.address().await?.ends_with("/faulty"));
    browser.close().await
}

#[tokio::test]
async fn tab_reaches_a_link_and_notices_one_that_is_not_seen() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let pages = pages().await?;
    browser.open(&format!("{pages}/clean")).await?;
    assert!(browser.tab_to("a[href='/faulty']", 3).await?);
    assert!(!browser.tab_to("button", 3).await?);
    browser.open(&format!("{pages}/faulty")).await?;
    assert!(browser.tab_to("a", 3).await.is_err(), "the link is off the screen");
    browser.close().await
}

#[tokio::test]
async fn words_are_awaited_and_are_on_the_first_screen_or_not() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    let pages = pages().await?;
    browser.open(&format!("{pages}/late")).await?;
    assert!(browser.is_on_first_screen("the first words").await?);
    assert!(!browser.is_on_first_screen("the last words").await?, "they stand below");
    assert!(!browser.is_on_first_screen("hidden words").await?, "they are hidden");
    assert!(!browser.is_on_first_screen("no such words").await?);
    assert!(!browser.text().await?.contains("late words"));
    browser.wait_for_text("late words").await?;
    browser.close().await
}

#[tokio::test]
async fn a_page_is_weighed_and_pictured() -> Result<()> {
    let Some(browser) = Browser::start().await? else {
        return Ok(());
    };
    browser.open(&format!("{}/clean", pages().await?)).await?;
    let weight = browser.weight().await?; // a page that names no icon would be asked for one
    assert!(weight.requests == 1 && weight.bytes > CLEAN.len() as u64, "{weight:?}");
    let folder = tempfile::tempdir()?;
    let picture = folder.path().join("clean.png");
    browser.screenshot(&picture).await?;
    assert!(std::fs::read(&picture)?.starts_with(b"\x89PNG"));
    browser.close().await
}
