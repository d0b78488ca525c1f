//! Runs Debian's Chromium through its driver, each window with its own port and profile. Also has the checks of every page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hallpass_cluster::free_port;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::common::capabilities::chrome::ChromeCapabilities;
use thirtyfour::extensions::cdp::ChromeDevTools;
use thirtyfour::prelude::*;

use crate::process::{e2e, first_line};

const DESK: u32 = 1440;
const PHONE: u32 = 360;
const PATIENCE: Duration = Duration::from_secs(15);
const GLANCE: Duration = Duration::from_millis(50);

/// A browser window.
#[derive(Clone)]
pub(crate) struct Chromium {
    pub(crate) driver: WebDriver,
    axe: Arc<str>,
}

/// The driver's process and the browser's profile. Both are removed when this value is dropped.
struct Process {
    child: Child,
    _profile: TempDir,
}

/// Opens a window, runs the walk, and closes the window, even if the walk failed.
pub(crate) async fn browse<Walk, Steps>(walk: Walk)
where
    Walk: FnOnce(Chromium) -> Steps,
    Steps: Future<Output = WebDriverResult<()>> + Send + 'static,
{
    browse_with(json!({}), walk).await;
}

/// The same in a browser whose settings block all cookies.
pub(crate) async fn browse_without_cookies<Walk, Steps>(walk: Walk)
where
    Walk: FnOnce(Chromium) -> Steps,
    Steps: Future<Output = WebDriverResult<()>> + Send + 'static,
{
    const BLOCK: u8 = 2;
    browse_with(json!({"profile.default_content_setting_values.cookies": BLOCK}), walk).await;
}

async fn browse_with<Walk, Steps>(settings: Value, walk: Walk)
where
    Walk: FnOnce(Chromium) -> Steps,
    Steps: Future<Output = WebDriverResult<()>> + Send + 'static,
{
    let (chromium, _process) = Chromium::start(settings).await;
    let walked = tokio::spawn(walk(chromium.clone())).await;
    if !matches!(walked, Ok(Ok(()))) {
        // The page at which the walk failed.
        println!(
            "{:?}\n{}",
            chromium.driver.current_url().await,
            chromium.text().await.unwrap_or_default()
        );
    }
    let closed = chromium.driver.quit().await;
    match walked {
        Ok(steps) => steps.expect("the walk comes to its end"),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
    closed.expect("the window closes");
}

impl Chromium {
    async fn start(settings: Value) -> (Self, Process) {
        // The driver listens on IPv4 and IPv6. A port that it chooses itself may be in use on one of them.
        let port = free_port().expect("a free port");
        let mut child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver starts");
        first_line(&mut child, "was started successfully").expect("chromedriver is ready");
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let capabilities = capabilities(profile.path(), settings).expect("the flags are text");
        let process = Process {
            child,
            _profile: profile,
        };
        let url = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::new(url, capabilities).await;
        let axe = fs::read_to_string(e2e("node/node_modules/axe-core/axe.min.js"));
        let chromium = Self {
            driver: driver.expect("Chromium starts"),
            axe: axe.expect("axe-core is readable").into(),
        };
        (chromium, process)
    }

    /// Checks the page as it is: in both colour schemes, wide and narrow, axe finds nothing and nothing scrolls sideways. Saves
    /// pictures in `target/tmp/pages`, one of them in forced colours.
    pub(crate) async fn inspect(&self, page: &str) -> WebDriverResult<()> {
        // Through the debugger: the content security policy forbids every script tag that is not the server's own.
        let load = format!("if (typeof axe === 'undefined') {{ {} }}", self.axe);
        self.evaluate(&load).await?;
        for scheme in ["light", "dark"] {
            self.colour_scheme(scheme).await?;
            for width in [DESK, PHONE] {
                self.width(width).await?;
                let view = format!("{page}-{scheme}-{width}");
                self.driver.screenshot(&pictures().join(view.clone() + ".png")).await?;
                self.axe_finds_nothing(&view).await?;
                let wide = self.evaluate("document.documentElement.scrollWidth").await?;
                assert!(
                    wide.as_u64() <= Some(width.into()),
                    "{view} scrolls sideways: {wide} px"
                );
            }
        }
        self.force_colours().await?;
        let picture = pictures().join(format!("{page}-forced-{PHONE}.png"));
        self.driver.screenshot(&picture).await?;
        self.width(DESK).await?;
        self.colour_scheme("light").await
    }

    /// Checks that on a phone the button to allow is above the button to deny, and as wide.
    pub(crate) async fn allow_comes_first_on_a_phone(&self) -> WebDriverResult<()> {
        self.width(PHONE).await?;
        let boxes = "['allow', 'deny'].map(value => {
            const box = document.querySelector(`[name=decision][value=${value}]`).getBoundingClientRect();
            return [box.top, box.bottom, box.width];
        })";
        let boxes = self.evaluate(boxes).await?;
        let number = |button: usize, side: usize| boxes[button][side].as_f64().expect("a number");
        assert!(number(0, 1) <= number(1, 0), "above: {boxes}");
        assert!(number(0, 2) >= number(1, 2), "as wide: {boxes}");
        self.width(DESK).await
    }

    /// Checks that on a phone each link and button at the top of the page can be seen and pressed: it is in the window and at
    /// least 24 px high (WCAG 2.5.8), and overlaps no other.
    pub(crate) async fn top_fits_on_a_phone(&self) -> WebDriverResult<()> {
        self.width(PHONE).await?;
        let boxes = "[...document.querySelectorAll('.top a, .top button')].map(control => {
            const box = control.getBoundingClientRect();
            return [control.checkVisibility() && box.width, box.left, box.right, box.top, box.bottom];
        })";
        let boxes = self.evaluate(boxes).await?;
        let number = |side: &Value| side.as_f64().unwrap_or_default();
        let controls = boxes.as_array().expect("a list");
        let controls: Vec<Vec<f64>> = controls
            .iter()
            .map(|sides| sides.as_array().expect("a box").iter().map(number).collect())
            .collect();
        assert!(controls.len() >= 5, "brand, two places, person and sign-out: {boxes}");
        for (position, one) in controls.iter().enumerate() {
            assert!(one[0] > 0.0 && one[4] - one[3] >= 24.0, "{position} is small: {boxes}");
            assert!(
                one[1] >= 0.0 && one[2] <= f64::from(PHONE),
                "{position} is outside: {boxes}"
            );
            for other in &controls[..position] {
                let beside = one[1] >= other[2] || other[1] >= one[2];
                let below = one[3] >= other[4] || other[3] >= one[4];
                assert!(beside || below, "{position} overlaps: {boxes}");
            }
        }
        self.width(DESK).await
    }

    /// Checks that in forced colours the first element of each selector has this style.
    pub(crate) async fn forced_colours_show(&self, expected: &[(&str, &str, &str)]) -> WebDriverResult<()> {
        self.force_colours().await?;
        for (selector, property, value) in expected {
            let style = format!("getComputedStyle(document.querySelector('{selector}')).{property}");
            assert_eq!(self.evaluate(&style).await?, json!(value), "{property} of {selector}");
        }
        self.colour_scheme("light").await
    }

    /// Presses Tab until the control with this name (and value, if one is given) has the focus, and a person can see that.
    pub(crate) async fn tab_to(&self, name: &str, value: Option<&str>) -> WebDriverResult<()> {
        for _ in 0..40 {
            let focused = self.driver.active_element().await?;
            let named = focused.attr("name").await?.as_deref() == Some(name);
            if named && (value.is_none() || focused.attr("value").await?.as_deref() == value) {
                return self.focus_shows(name).await;
            }
            self.press(Key::Tab).await?;
        }
        panic!("Tab never reaches `{name}`");
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) -> WebDriverResult<()> {
        self.driver.action_chain().send_keys(keys).perform().await
    }

    /// Waits for an element, and returns it.
    pub(crate) async fn find(&self, by: By) -> WebDriverResult<WebElement> {
        self.driver.query(by).wait(PATIENCE, GLANCE).first().await
    }

    /// Waits for a button or link with this text, whatever the case of its letters.
    pub(crate) async fn control(&self, says: &str) -> WebDriverResult<WebElement> {
        let text = "translate(normalize-space(.), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')";
        let says = says.to_lowercase();
        self.find(By::XPath(format!(
            "//*[self::button or self::a][contains({text}, '{says}')]"
        )))
        .await
    }

    /// Presses the button with this name and value.
    pub(crate) async fn press_button(&self, name: &str, value: &str) -> WebDriverResult<()> {
        let button = format!("button[name={name}][value='{value}']");
        self.find(By::Css(button)).await?.click().await
    }

    /// Presses the button that sends the form of this field.
    pub(crate) async fn press_submit(&self, field: &str) -> WebDriverResult<()> {
        let button = format!("//*[@name='{field}']/ancestor::form//button[not(@type='button')]");
        self.find(By::XPath(button)).await?.click().await
    }

    /// What a person reads on the page.
    pub(crate) async fn text(&self) -> WebDriverResult<String> {
        self.find(By::Tag("body")).await?.text().await
    }

    /// Replaces the text of a field.
    pub(crate) async fn fill(&self, name: &str, text: &str) -> WebDriverResult<()> {
        let field = self.find(By::Name(name)).await?;
        field.clear().await?;
        field.send_keys(text).await
    }

    /// Asks for pages in this language.
    pub(crate) async fn reads(&self, language: &str) -> WebDriverResult<()> {
        self.debugger("Network.enable", json!({})).await?;
        let headers = json!({"headers": {"Accept-Language": language}});
        self.debugger("Network.setExtraHTTPHeaders", headers).await.map(drop)
    }

    /// Turns the pages' own scripts off.
    pub(crate) async fn without_scripts(&self) -> WebDriverResult<()> {
        self.debugger("Emulation.setScriptExecutionDisabled", json!({"value": true}))
            .await
            .map(drop)
    }

    /// From the next page on, notes violations of the content security policy, and every dialog that is opened.
    pub(crate) async fn watch(&self) -> WebDriverResult<()> {
        let source = "window.seen = [];
            addEventListener('securitypolicyviolation', event => seen.push(event.violatedDirective + ' ' + event.blockedURI));
            for (const dialog of ['alert', 'confirm', 'prompt']) window[dialog] = () => seen.push(dialog);";
        self.debugger("Page.enable", json!({})).await?;
        let parameters = json!({ "source": source });
        self.debugger("Page.addScriptToEvaluateOnNewDocument", parameters)
            .await
            .map(drop)
    }

    /// Checks that nothing was noted on this page, and that no text on it became an element that could run.
    pub(crate) async fn nothing_ran(&self, page: &str) -> WebDriverResult<()> {
        let seen = self.evaluate("window.seen").await?;
        assert_eq!(seen, json!([]), "{page}");
        let made = "[...document.querySelectorAll('img, script:not([src]), [onerror]')].map(found => found.outerHTML)";
        assert_eq!(self.evaluate(made).await?, json!([]), "{page}");
        Ok(())
    }

    async fn axe_finds_nothing(&self, view: &str) -> WebDriverResult<()> {
        let run = "axe.run().then(found => found.violations.flatMap(rule =>
            rule.nodes.map(node => rule.id + ': ' + node.html + ' ' + node.failureSummary)))";
        let found = self.evaluate(run).await?;
        assert!(found == json!([]), "axe on {view}: {found:#}");
        Ok(())
    }

    async fn focus_shows(&self, name: &str) -> WebDriverResult<()> {
        let style = "getComputedStyle(document.activeElement)";
        let shows = format!("{style}.outlineStyle !== 'none' || {style}.boxShadow !== 'none'");
        let shows = self.evaluate(&shows).await?;
        assert_eq!(shows, json!(true), "the focus on `{name}` cannot be seen");
        Ok(())
    }

    async fn force_colours(&self) -> WebDriverResult<()> {
        let features = json!([{"name": "forced-colors", "value": "active"}]);
        self.debugger("Emulation.setEmulatedMedia", json!({"features": features}))
            .await
            .map(drop)
    }

    async fn colour_scheme(&self, scheme: &str) -> WebDriverResult<()> {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.debugger("Emulation.setEmulatedMedia", json!({"features": features}))
            .await
            .map(drop)
    }

    pub(crate) async fn width(&self, width: u32) -> WebDriverResult<()> {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.debugger("Emulation.setDeviceMetricsOverride", metrics)
            .await
            .map(drop)
    }

    /// Runs a script in the page. Returns its value.
    pub(crate) async fn evaluate(&self, expression: &str) -> WebDriverResult<Value> {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.debugger("Runtime.evaluate", parameters).await?;
        let failed = answer.get("exceptionDetails");
        assert!(failed.is_none(), "in the page: {failed:#?}");
        Ok(answer["result"]["value"].clone())
    }

    async fn debugger(&self, method: &str, parameters: Value) -> WebDriverResult<Value> {
        let tools = ChromeDevTools::new(self.driver.handle.clone());
        tools.execute_cdp_with_params(method, parameters).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn capabilities(profile: &Path, settings: Value) -> WebDriverResult<ChromeCapabilities> {
    let mut capabilities = DesiredCapabilities::chrome();
    for flag in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en",
        "--window-size=1440,900",
    ] {
        capabilities.add_arg(flag)?;
    }
    capabilities.add_experimental_option("prefs", settings)?;
    capabilities.add_arg(&format!("--user-data-dir={}", profile.display()))?;
    Ok(capabilities)
}

fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&folder).expect("a folder for the pictures");
    folder
}
