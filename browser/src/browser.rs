//! One headless Chromium and what a journey asks of it.
//!
//! Size, colour scheme and scripts are switched through Chrome's own protocol and not through flags: one browser can then
//! look at a page in every way, and a headless window refuses to be as narrow as 320 pixels.

use crate::driver::{Driver, missing, on_path};
use anyhow::{Context, Result, bail, ensure};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// What of axe-core's rules is held: WCAG 2.2 AA, and its own advice on landmarks and headings (UX.md §8).
const AXE_TAGS: &[&str] = &["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// Wait for a page to become what is awaited.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often Chromium may be started for one browser: now and then its process ends before it listens, which says
/// nothing of a page.
const STARTS: usize = 4;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A rule of accessibility that a page breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Name of the rule, such as `image-alt`.
    pub rule: String,
    /// What the rule asks for.
    pub help: String,
    /// CSS selectors of the elements that break it.
    pub elements: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.rule, self.help, self.elements.join(", "))
    }
}

/// What a page cost to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// The page itself and everything it asked for.
    pub requests: u64,
    /// Bytes over the wire, headers included.
    pub bytes: u64,
}

/// A browser with an empty profile.
pub struct Browser {
    client: Client,
    _driver: Driver,
}

impl Browser {
    /// A browser of 1280 × 800, or `None` with a plain word on stderr where Chromium is not installed.
    ///
    /// # Errors
    /// Under CI, where Chromium must be there; and when it does not start, tried several times with a new profile.
    pub async fn start() -> Result<Option<Self>> {
        if let Some(reason) = missing() {
            ensure!(std::env::var_os("CI").is_none(), "{reason}");
            eprintln!("this journey was NOT made: {reason}");
            return Ok(None);
        }
        let mut tries = 1;
        loop {
            match Self::start_once().await {
                Err(error) if tries < STARTS => eprintln!("Chromium did not start, try {tries} of {STARTS}: {error:#}"),
                outcome => return outcome.map(Some),
            }
            tries += 1;
        }
    }

    async fn start_once() -> Result<Self> {
        let driver = Driver::start().await?;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder
            .capabilities(capabilities(driver.profile.path())?)
            .connect(&driver.url)
            .await?;
        let browser = Browser {
            client,
            _driver: driver,
        };
        browser.size(1280, 800).await?;
        Ok(browser)
    }

    /// Opens an address and waits until the page has loaded.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.client.goto(url).await.with_context(|| format!("opening {url}"))
    }

    /// The address of the page that is open.
    pub async fn address(&self) -> Result<String> {
        Ok(self.client.current_url().await?.into())
    }

    /// The title of the page that is open.
    pub async fn title(&self) -> Result<String> {
        Ok(self.client.title().await?)
    }

    /// Waits until the page that is open has a path that ends so; ten seconds at most.
    pub async fn wait_for_address(&self, end: &str) -> Result<()> {
        let began = Instant::now();
        while !self.address().await?.ends_with(end) {
            ensure!(
                began.elapsed() < PATIENCE,
                "still at {}, not at {end}",
                self.address().await?
            );
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Waits until a reader sees these words, as when a page changes by itself; ten seconds at most.
    pub async fn wait_for_text(&self, words: &str) -> Result<()> {
        let began = Instant::now();
        while !self.text().await?.contains(words) {
            ensure!(began.elapsed() < PATIENCE, "{words:?} did not appear");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Whether these words, within one piece of text, are seen before anything is scrolled.
    pub async fn is_on_first_screen(&self, words: &str) -> Result<bool> {
        let script = "const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
            for (let text; (text = texts.nextNode());) {
                const at = text.data.indexOf(arguments[0]);
                if (at < 0) continue;
                range.setStart(text, at), range.setEnd(text, at + arguments[0].length);
                const r = range.getBoundingClientRect();
                if (r.height > 0 && r.top + scrollY >= 0 && r.bottom + scrollY <= innerHeight) return true;
            }
            return false";
        Ok(self.client.execute(script, vec![json!(words)]).await? == true)
    }

    /// The words a reader sees, as laid out: hidden text is not among them.
    pub async fn text(&self) -> Result<String> {
        self.words("return document.body.innerText").await
    }

    /// The words of the first element that matches a CSS selector.
    pub async fn text_of(&self, selector: &str) -> Result<String> {
        let element = self
            .client
            .find(Locator::Css(selector))
            .await
            .with_context(|| format!("looking for {selector}"))?;
        Ok(element.text().await?)
    }

    /// Follows the first link or presses the first button that matches a CSS selector.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let element = self
            .client
            .find(Locator::Css(selector))
            .await
            .with_context(|| format!("looking for {selector}"))?;
        element.click().await.with_context(|| format!("clicking {selector}"))
    }

    /// Chooses a file of this machine in the first file field that matches a CSS selector.
    pub async fn choose_file(&self, selector: &str, path: &str) -> Result<()> {
        let element = self
            .client
            .find(Locator::Css(selector))
            .await
            .with_context(|| format!("looking for {selector}"))?;
        Ok(element.send_keys(path).await?)
    }

    /// Types a text into the first element that matches a CSS selector.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let element = self
            .client
            .find(Locator::Css(selector))
            .await
            .with_context(|| format!("looking for {selector}"))?;
        element
            .send_keys(text)
            .await
            .with_context(|| format!("typing into {selector}"))
    }

    /// Presses and releases one key; [`fantoccini::key::Key`] has the ones without a letter.
    pub async fn press(&self, key: char) -> Result<()> {
        let keys = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        Ok(self.client.perform_actions(keys).await?)
    }

    /// Presses Tab until an element matching the CSS selector has the focus; true if that happened within `presses`.
    ///
    /// # Errors
    /// When a focused element cannot be seen: focus is never hidden (WCAG 2.4.11).
    pub async fn tab_to(&self, selector: &str, presses: usize) -> Result<bool> {
        for _ in 0..presses {
            self.press('\u{E004}').await?; // Tab, in WebDriver's private letters
            let script = "const e = document.activeElement, r = e.getBoundingClientRect();
                const seen = r.width > 0 && r.height > 0 && r.bottom > 0 && r.right > 0
                    && r.top < innerHeight && r.left < innerWidth;
                return [e.matches(arguments[0]), e === document.body || seen, e.outerHTML.slice(0, 200)]";
            let found = self.client.execute(script, vec![json!(selector)]).await?;
            ensure!(
                found[1] == true,
                "the focus is on something that is not seen: {}",
                found[2]
            );
            if found[0] == true {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lays pages out for a screen of this many CSS pixels.
    pub async fn size(&self, width: u32, height: u32) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chrome("Emulation.setDeviceMetricsOverride", metrics).await
    }

    /// Whether the reader prefers a dark page.
    pub async fn dark(&self, dark: bool) -> Result<()> {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.chrome("Emulation.setEmulatedMedia", features).await
    }

    /// Whether pages opened from now on may run scripts; what this kit asks of a page works either way.
    pub async fn javascript(&self, on: bool) -> Result<()> {
        self.chrome("Emulation.setScriptExecutionDisabled", json!({ "value": !on }))
            .await
    }

    /// Whether the page is wider than the screen, so that a reader has to scroll sideways (WCAG 1.4.10).
    pub async fn scrolls_sideways(&self) -> Result<bool> {
        let script = "const e = document.documentElement; return e.scrollWidth > e.clientWidth";
        Ok(self.client.execute(script, Vec::new()).await? == true)
    }

    /// The value of a CSS property as computed for the first element that matches.
    pub async fn style(&self, selector: &str, property: &str) -> Result<String> {
        let element = self
            .client
            .find(Locator::Css(selector))
            .await
            .with_context(|| format!("looking for {selector}"))?;
        Ok(element.css_value(property).await?)
    }

    /// What stands in the first field that matches a CSS selector.
    pub async fn value(&self, selector: &str) -> Result<String> {
        let script = "return document.querySelector(arguments[0])?.value ?? null";
        let found = self.client.execute(script, vec![json!(selector)]).await?;
        found
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("a value of {selector}"))
    }

    /// What the page that is open cost to fetch.
    pub async fn weight(&self) -> Result<Weight> {
        let script = "const all = ['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))
                .filter(e => e.name.startsWith('http')); // data: costs no request
            return [all.length, all.reduce((sum, e) => sum + e.transferSize, 0)]";
        let found = self.client.execute(script, Vec::new()).await?;
        let number = |at: usize| found[at].as_u64().with_context(|| format!("a number, not {found}"));
        Ok(Weight {
            requests: number(0)?,
            bytes: number(1)?,
        })
    }

    /// What axe-core finds wrong with the page that is open; scripts must be on.
    ///
    /// # Errors
    /// Without `DULY_AXE`, the path of axe-core's script.
    pub async fn axe_violations(&self) -> Result<Vec<Violation>> {
        let path = std::env::var("DULY_AXE").context(
            "DULY_AXE names no axe-core: run scripts/test, or `npm install axe-core` and name its axe.min.js",
        )?;
        let axe = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        self.client
            .execute(&axe, Vec::new())
            .await
            .context("axe-core does not load in the page")?;
        let script = "const done = arguments[1];
            axe.run(document, { runOnly: arguments[0] }).then(
                found => done(found.violations.map(v => [v.id, v.help, v.nodes.map(n => n.target.join(' '))])),
                error => done(String(error)))";
        let found = self.client.execute_async(script, vec![json!(AXE_TAGS)]).await?;
        let Some(violations) = found.as_array() else {
            bail!("axe-core: {found}")
        };
        violations.iter().map(violation).collect()
    }

    /// Writes a picture of the whole page as PNG.
    pub async fn screenshot(&self, path: &Path) -> Result<()> {
        let picture = self.client.screenshot().await?;
        std::fs::write(path, picture).with_context(|| format!("writing {}", path.display()))
    }

    /// Ends the session; dropping the browser ends it too, less gently.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }

    async fn words(&self, script: &str) -> Result<String> {
        let found = self.client.execute(script, Vec::new()).await?;
        found
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("words, not {found}"))
    }

    async fn chrome(&self, command: &'static str, parameters: Value) -> Result<()> {
        self.client
            .issue_cmd(Chrome { command, parameters })
            .await
            .with_context(|| command)?;
        Ok(())
    }
}

fn violation(found: &Value) -> Result<Violation> {
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let elements = found[2]
        .as_array()
        .with_context(|| format!("axe-core names no elements: {found}"))?;
    Ok(Violation {
        rule: words(&found[0]),
        help: words(&found[1]),
        elements: elements.iter().map(words).collect(),
    })
}

/// Headless, alone, and silent on the network: Chromium's own requests have no place in a test.
fn capabilities(profile: &Path) -> Result<Capabilities> {
    let mut arguments: Vec<String> = [
        "--headless=new",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--disable-dev-shm-usage", // a container's /dev/shm may be small
        "--no-sandbox",            // its sandbox refuses root and most containers; only our own pages are opened
    ]
    .map(str::to_owned)
    .into();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    let binary = on_path("chromium").context("chromium is gone")?;
    let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": { "binary": binary, "args": arguments } });
    wanted.as_object().cloned().context("capabilities are an object")
}

/// A command of Chrome's own protocol, which ChromeDriver passes on.
#[derive(Debug)]
struct Chrome {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Chrome {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &url::Url) -> (http::Method, Option<String>) {
        (
            http::Method::POST,
            Some(json!({ "cmd": self.command, "params": self.parameters }).to_string()),
        )
    }
}
