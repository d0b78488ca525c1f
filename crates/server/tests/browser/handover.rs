//! The sample sites of `examples/handover` beside a server: one story for each, from the first sign-in to the deletion of a person.
//!
//! Ann and Ben share a browser. Cleo is of the site's staff. Dan may connect no apps.

use std::time::Duration;

use serde_json::Value;
use thirtyfour::prelude::*;

use crate::arrived;
use crate::chromium::{Chromium, browse};
use crate::process::Server;
use crate::site::{Address, Kind, SITE_SECRET, Site};
use crate::third_party::{CHALLENGE, ThirdParty, VERIFIER};

#[tokio::test(flavor = "multi_thread")]
async fn a_php_site_signs_its_people_in_and_tells_what_happens_later() {
    tells_its_story(Kind::Php).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_django_site_signs_its_people_in_and_tells_what_happens_later() {
    tells_its_story(Kind::Django).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_express_site_signs_its_people_in_and_tells_what_happens_later() {
    tells_its_story(Kind::Express).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flask_site_signs_its_people_in_and_tells_what_happens_later() {
    tells_its_story(Kind::Flask).await;
}

async fn tells_its_story(kind: Kind) {
    let address = Address::free();
    let server = Server::start("default", &configuration(&address.url()));
    let site = Site::start(kind, &address, &server.url);
    let (at_site, at_server) = (address.url(), server.url.clone());
    browse(async move |browser: Chromium| {
        let story = Story {
            browser,
            app: ThirdParty::listen().redirect_uri.replace("/cb", "/callback"),
            site: at_site,
            server: at_server,
        };
        let anns = story.ann_connects().await?;
        story.ben_takes_over_the_browser().await?;
        story.both_sign_out().await?;
        story.dan_is_refused().await?;
        story.cleo_changes_ann(anns).await
    })
    .await;
    drop(site);
    server.stop();
}

/// The configuration of the samples, with the addresses of this test.
fn configuration(site: &str) -> String {
    let text = include_str!("../../../../examples/handover/hallpass.toml");
    let (_, text) = text.split_once("[handover]").expect("a section");
    let secret = format!("secret = \"{SITE_SECRET}\"");
    let replaced = [
        ("http://localhost:9500", site),
        ("secret_file = \"handover.secret\"", &secret),
    ];
    let text = replaced.into_iter().fold(text.to_owned(), |text, (shown, ours)| {
        assert!(text.contains(shown), "{shown}");
        text.replace(shown, ours)
    });
    format!("[handover]{text}")
}

struct Story {
    browser: Chromium,
    /// The redirect URI of the app.
    app: String,
    site: String,
    server: String,
}

impl Story {
    /// Without a session the site asks for a password, and the query survives. The consent names the organizations of the site.
    async fn ann_connects(&self) -> WebDriverResult<Tokens> {
        self.connect().await?;
        self.sign_in("ann").await?;
        self.consent_names("Ann Archer").await?;
        let choice = By::XPath("//select[@name='organization']/option[.='North Stall']");
        self.browser.find(choice).await?.click().await?;
        let tokens = self.allow().await?;
        self.opens("/connected-apps", "North Stall").await?;
        Ok(tokens)
    }

    /// The consent of a signed-in person asks for no password. "Not you?" makes the site ask for one, and the site's own page ends
    /// the access.
    async fn ben_takes_over_the_browser(&self) -> WebDriverResult<()> {
        self.connect().await?;
        self.consent_names("Ann Archer").await?;
        // Sites compare whole seconds: Ann's sign-in must be older than the wish for another one.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.browser.find(By::Css("button[form=switch]")).await?.click().await?;
        self.sign_in("ben").await?;
        self.consent_names("Ben Baker").await?;
        let mut tokens = self.allow().await?;
        assert_eq!(tokens.refresh().await, "ok");
        self.opens("/connected-apps", "South Stall").await?;
        self.browser.find(By::Name("end")).await?.click().await?;
        self.says("No app has access").await?;
        assert!(tokens.refresh().await.starts_with("ended"), "Ben ended it");
        Ok(())
    }

    /// A sign-out at the site ends the session here, and ours goes on to the site's. So the next person gets nobody's pages.
    async fn both_sign_out(&self) -> WebDriverResult<()> {
        let own = format!("{}/account/apps", self.server);
        self.browser.driver.goto(&own).await?;
        self.browser.find(By::Css("button[form=sign-out]")).await?;
        self.sign_out_at_site().await?;
        self.browser.driver.goto(&own).await?;
        self.sign_in("ann").await?;
        self.says("Order reports").await?;
        self.browser
            .find(By::Css("button[form=sign-out]"))
            .await?
            .click()
            .await?;
        self.says("Sign out?").await?;
        self.press("Sign out").await?;
        self.says("You are signed out").await?;
        self.browser.driver.goto(&own).await?;
        self.browser.find(By::Name("password")).await.map(drop)
    }

    async fn dan_is_refused(&self) -> WebDriverResult<()> {
        self.connect().await?;
        self.sign_in("dan").await?;
        assert_eq!(arrived(&self.browser).await?["error"], "access_denied");
        self.sign_out_at_site().await
    }

    async fn cleo_changes_ann(&self, mut anns: Tokens) -> WebDriverResult<()> {
        self.open("/login").await?;
        self.sign_in("cleo").await?;
        self.says("You are signed in").await?;
        self.open("/people").await?;
        self.staff("suspend", "[.//button[@value='resume']]").await?;
        assert!(anns.refresh().await.contains("paused: person_suspended"));
        self.staff("resume", "[.//button[@value='suspend']]").await?;
        assert_eq!(anns.refresh().await, "ok");
        self.staff("leave 10", "[not(.//button[@value='leave 10'])]").await?;
        assert!(anns.refresh().await.contains("paused: not_a_member"));
        let delete = format!("{ANN}//button[@value='delete']");
        self.browser.find(By::XPath(delete)).await?.click().await?;
        self.browser.find(By::XPath(format!("//main[not({ANN})]"))).await?;
        assert!(anns.refresh().await.starts_with("ended"), "Ann was deleted");
        Ok(())
    }

    /// Opens the app's authorization request.
    async fn connect(&self) -> WebDriverResult<()> {
        let pkce = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
        let query = format!("response_type=code&client_id=reports&redirect_uri={}&{pkce}", self.app);
        self.browser
            .driver
            .goto(format!("{}/oauth/authorize?{query}", self.server))
            .await
    }

    /// Signs in on the page of the site.
    async fn sign_in(&self, username: &str) -> WebDriverResult<()> {
        self.browser.find(By::Name("password")).await?;
        let address = self.browser.driver.current_url().await?;
        assert!(address.as_str().starts_with(&self.site), "{address}");
        self.browser.fill("username", username).await?;
        self.browser.fill("password", "correct horse").await?;
        self.browser.press(Key::Enter).await
    }

    async fn consent_names(&self, person: &str) -> WebDriverResult<()> {
        self.browser.find(By::Name("decision")).await?;
        let text = self.browser.text().await?;
        assert!(text.contains(person) && text.contains("Order reports"), "{text}");
        Ok(())
    }

    async fn allow(&self) -> WebDriverResult<Tokens> {
        self.browser.press_button("decision", "allow").await?;
        let code = arrived(&self.browser).await?["code"].clone();
        Ok(Tokens::redeem(&self.server, &self.app, &code).await)
    }

    async fn sign_out_at_site(&self) -> WebDriverResult<()> {
        self.open("/logout").await?;
        self.press("Sign out").await?;
        self.says("You are signed out").await
    }

    /// Presses a button about Ann on the page of the staff, and waits until her form is so.
    async fn staff(&self, what: &str, then: &str) -> WebDriverResult<()> {
        let button = format!("{ANN}//button[@value='{what}']");
        self.browser.find(By::XPath(button)).await?.click().await?;
        self.browser.find(By::XPath(format!("{ANN}{then}"))).await.map(drop)
    }

    /// Opens a page of the site.
    async fn open(&self, path: &str) -> WebDriverResult<()> {
        self.browser.driver.goto(format!("{}{path}", self.site)).await
    }

    async fn opens(&self, path: &str, text: &str) -> WebDriverResult<()> {
        self.open(path).await?;
        self.says(text).await
    }

    async fn press(&self, button: &str) -> WebDriverResult<()> {
        let button = format!("//main//button[.='{button}']");
        self.browser.find(By::XPath(button)).await?.click().await
    }

    /// Waits until the page says so.
    async fn says(&self, text: &str) -> WebDriverResult<()> {
        let main = format!("//main[contains(., '{text}')]");
        self.browser.find(By::XPath(main)).await.map(drop)
    }
}

/// Ann's form on the page of the staff.
const ANN: &str = "//form[.//input[@name='person'][@value='1']]";

/// The tokens of the app.
struct Tokens {
    server: String,
    refresh_token: String,
}

impl Tokens {
    async fn redeem(server: &str, redirect_uri: &str, code: &str) -> Self {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        let answer = token(server, &form).await;
        Self {
            server: server.to_owned(),
            refresh_token: answer["refresh_token"]
                .as_str()
                .unwrap_or_else(|| panic!("{answer}"))
                .to_owned(),
        }
    }

    /// What a refresh says: `ok`, or why it is refused. An access that has ended is told from one that is paused.
    async fn refresh(&mut self) -> String {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", self.refresh_token.as_str()),
        ];
        let answer = token(&self.server, &form).await;
        if let Some(next) = answer["refresh_token"].as_str() {
            self.refresh_token = next.to_owned();
            return "ok".to_owned();
        }
        match answer["error"].as_str() {
            Some("invalid_grant") => format!("ended: {answer}"),
            _ => answer["error_description"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

async fn token(server: &str, form: &[(&str, &str)]) -> Value {
    let form: Vec<_> = form.iter().copied().chain([("client_id", "reports")]).collect();
    let client = reqwest::Client::builder().no_proxy().build();
    let request = client.expect("a client").post(format!("{server}/oauth/token"));
    let answer = request.form(&form).send().await.expect("the server answers");
    answer.json().await.expect("JSON")
}
