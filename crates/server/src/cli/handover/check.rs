//! The checks, in the order in which a browser meets them.

use super::browser::{Browser, End, Trip};
use super::client::SiteAnswer;
use super::report::Report;
use crate::cli::{Failed, print};
use crate::config::is_on_this_computer;
use crate::time::Clock;
use url::Url;

/// What a careless page would show or run.
const MARKUP: &str = "\"><script>hallpass()</script>";
/// As long as the longest request of Hallpass.
const LONG: usize = 2_000;
/// A moment that no page shows by chance.
const AFTER: &str = "1700000017";
/// How far ahead the moment lies since which nobody can have signed in, in seconds.
const AHEAD: i64 = 60 * 60;
/// Files that say which pages a phone opens in the site's app.
const APP_LINKS: [&str; 2] = [
    "/.well-known/apple-app-site-association",
    "/.well-known/assetlinks.json",
];

const FAILS: &str =
    "Its log says why. Often HALLPASS_URL or HALLPASS_HANDOVER_SECRET of the site are not those of this server.";

/// A site to check, and the server that it belongs to.
pub(super) struct Check {
    pub(super) server: Url,
    pub(super) page: Url,
    /// The page that the server sends browsers to.
    pub(super) configured: Url,
    /// The cookies of a test person.
    pub(super) cookies: Vec<(String, String)>,
}

impl Check {
    pub(super) async fn run(&self) -> Result<(), Failed> {
        let mut report = Report::default();
        let server = self.server.as_str().trim_end_matches('/');
        print(&format!("Checking {} with the server {server}\n", self.page))?;
        self.address(&mut report)?;
        self.stranger(&mut report).await?;
        self.hostile(&mut report, "A browser without cookies brings", &[])
            .await?;
        if self.cookies.is_empty() {
            report.begin("A person who is signed in")?;
            report.is_half = true;
            report.note("Not checked. Add --cookie NAME=VALUE: the session cookie of a test person of the site.")?;
        } else {
            self.person(&mut report).await?;
            self.asked_again(&mut report).await?;
            self.hostile(&mut report, "The person's browser brings", &self.cookies)
                .await?;
        }
        self.app_links(&mut report).await?;
        report.end()
    }

    fn address(&self, report: &mut Report) -> Result<(), Failed> {
        report.begin("The address")?;
        match (self.page.scheme(), is_on_this_computer(&self.page)) {
            ("https", _) => report.right("It is https.")?,
            (_, true) => report.right("It is on this computer, so http is enough.")?,
            _ => report.wrong(
                "It is http: everybody on the way can read the sign-in.",
                "Use https. The server accepts http only for this computer.",
            )?,
        }
        if self.page == self.configured {
            return Ok(());
        }
        report.note(&format!("The server sends people to another page: {}", self.configured))
    }

    /// Begins a sign-in at the server in this browser. Returns the request.
    async fn begin(&self, browser: &mut Browser) -> Result<String, Failed> {
        let mut begin = self.server.clone();
        begin.set_path(&format!("{}/handover/begin", self.server.path().trim_end_matches('/')));
        begin.set_query(Some("place=/account"));
        let none = |reason: String| {
            let server = &self.server;
            Failed::Handover(format!(
                "the server at {server} does not begin a sign-in: {reason}. Start it by `hallpass serve` with the same configuration"
            ))
        };
        let answer = browser.open(&begin).await.map_err(none)?;
        let location = answer.location().and_then(|location| Url::parse(location).ok());
        let request = location.and_then(|url| {
            let mut pairs = url.query_pairs();
            pairs
                .find(|(name, _)| name == "handover")
                .map(|(_, value)| value.into_owned())
        });
        request.ok_or_else(|| none(format!("it answers {} without a request for the site", answer.status)))
    }

    /// The page with these parameters beside its own.
    fn page_with(&self, parameters: &[(&str, &str)]) -> Url {
        let mut page = self.page.clone();
        if !parameters.is_empty() {
            page.query_pairs_mut().extend_pairs(parameters);
        }
        page
    }

    /// What a browser without cookies meets: the login, which must bring the parameters back.
    async fn stranger(&self, report: &mut Report) -> Result<(), Failed> {
        report.begin("A browser without cookies")?;
        let mut browser = Browser::default();
        let request = self.begin(&mut browser).await?;
        let page = self.page_with(&[("handover", &request)]);
        let trip = browser.walk(&page, &self.server).await;
        match &trip.end {
            End::Server(back) => return self.unasked(report, &mut browser, back).await,
            End::Circle => report.wrong(
                "The page redirects in a circle.",
                "Open it in a private window to see where.",
            )?,
            End::Failed(reason) => {
                return report.wrong(
                    &format!("{} gives no answer: {reason}", trip.at),
                    "Start the site, or correct the address.",
                );
            }
            End::Page if trip.status() == 404 => {
                return report.wrong(
                    &format!("There is no page {}", trip.at),
                    "Add the page to the site, or correct the address.",
                );
            }
            End::Page if trip.status() >= 500 => {
                return report.wrong(
                    &format!("{} answers {}.", trip.at, trip.status()),
                    "The log of the site says why.",
                );
            }
            End::Page => report.right(&format!("It comes to {} ({}).", without_query(&trip.at), trip.status()))?,
            End::Elsewhere(login) => report.note(&format!(
                "It is sent to another host, {}. This command does not follow there.",
                login.host_str().unwrap_or_default()
            ))?,
        }
        redirects_of_login(report, &trip)?;
        keeps(report, &trip, ("handover", &request))?;
        let page = self.page_with(&[("handover", &request), ("after", AFTER)]);
        keeps(report, &browser.walk(&page, &self.server).await, ("after", AFTER))?;
        let long = "A".repeat(LONG);
        let trip = browser
            .walk(&self.page_with(&[("handover", &long)]), &self.server)
            .await;
        match trip.status() {
            414 | 431 | 500.. => report.wrong(
                &format!("With a `handover` of {LONG} characters it answers {}.", trip.status()),
                "The request of an app can be this long. Raise the limit of the address in the site and in its proxy.",
            ),
            _ => report.right(&format!("A `handover` of {LONG} characters is accepted.")),
        }
    }

    /// The page sent a stranger back to the server.
    async fn unasked(&self, report: &mut Report, browser: &mut Browser, back: &Url) -> Result<(), Failed> {
        match self.signs_in(browser, back).await {
            true => report.wrong(
                "The page signs in a browser that has no cookie: everybody would be this person.",
                "SiteAnswer only for the person of the site's own session.",
            ),
            false => report.note("The page does not show the login: it sends the browser back without a person."),
        }
    }

    /// Whether the server signs somebody in at this address.
    async fn signs_in(&self, browser: &mut Browser, back: &Url) -> bool {
        let answer = browser.open(back).await;
        answer.is_ok_and(|answer| answer.location().is_some_and(|location| location.ends_with("/account")))
    }

    /// What a person who is signed in meets.
    async fn person(&self, report: &mut Report) -> Result<(), Failed> {
        report.begin("The person's browser")?;
        let mut browser = Browser::with(&self.page, &self.cookies);
        let request = self.begin(&mut browser).await?;
        let page = self.page_with(&[("handover", &request)]);
        let trip = browser.walk(&page, &self.server).await;
        let End::Server(back) = &trip.end else {
            return stays(report, &trip);
        };
        report.right("The page sends the browser back to the server.")?;
        redirect(report, &trip)?;
        let answer = browser
            .open(back)
            .await
            .map_err(|reason| Failed::Handover(format!("{back}: {reason}")))?;
        match (answer.location(), answer.status.as_u16()) {
            (Some(to), _) if to.ends_with("/account") => report.right("The server signs the person in.")?,
            (_, 403) => report.note("The site or the server refuses this person: take one who may connect apps.")?,
            (_, status) => report.wrong(
                &format!("The server does not sign the person in: it answers {status}."),
                "Send the parameter `handover` unchanged, and redirect to `redirect_to` unchanged.",
            )?,
        }
        let mut other = Browser::default();
        let trip = other.walk(&page, &self.server).await;
        match &trip.end {
            End::Server(again) if again == back => report.wrong(
                "Another browser gets the same redirect: a cache keeps it.",
                "Send Cache-Control: no-store with it, and take the page out of the cache before the site.",
            ),
            End::Server(_) => report.note("Another browser is sent back without a login."),
            _ => report.right("Another browser with the same address is not signed in."),
        }
    }

    /// A person who is signed in, and must sign in again.
    async fn asked_again(&self, report: &mut Report) -> Result<(), Failed> {
        let mut browser = Browser::with(&self.page, &self.cookies);
        let request = self.begin(&mut browser).await?;
        let after = (Clock::System.now().0 / 1_000 + AHEAD).to_string();
        let page = self.page_with(&[("handover", &request), ("after", &after)]);
        match browser.walk(&page, &self.server).await.end {
            End::Page | End::Elsewhere(_) => report.right("With `after`, the page asks the person to sign in again."),
            End::Server(_) => report.wrong(
                "The page ignores `after`, the moment since which the person must have signed in.",
                "Show the login to a person who signed in before `after`, and send `auth_time`: apps may ask for a new sign-in.",
            ),
            End::Circle => report.wrong(
                "With `after`, the page and the login redirect in a circle.",
                "The login must show its form to a person who is signed in too.",
            ),
            End::Failed(reason) => report.wrong(&format!("With `after` there is no answer: {reason}"), FAILS),
        }
    }

    /// Brings requests that the server did not make.
    async fn hostile(&self, report: &mut Report, who: &str, cookies: &[(String, String)]) -> Result<(), Failed> {
        report.begin(&format!("{who} a `handover` that is no request"))?;
        let long = "A".repeat(LONG);
        for (name, value) in [
            ("an unknown one", Some("not-a-request")),
            ("an empty one", Some("")),
            ("none", None),
            ("a long one", Some(&*long)),
            ("one with markup", Some(MARKUP)),
        ] {
            let parameters = value.map(|value| ("handover", value));
            let page = self.page_with(parameters.as_slice());
            let trip = Browser::with(&self.page, cookies).walk(&page, &self.server).await;
            let shows = trip.answers.iter().any(|answer| answer.body.contains(MARKUP));
            match (&trip.end, trip.status()) {
                (End::Failed(reason), _) => report.wrong(&format!("{name}: {reason}"), "The site must answer in any case.")?,
                (_, status @ 500..) => report.wrong(
                    &format!("{name}: the page answers {status}."),
                    "Send the text to the server in any case. It answers 200 with `redirect_to`, and its page says what to do.",
                )?,
                _ if shows => report.wrong(
                    &format!("{name}: the page repeats it as markup. Everybody could put a script there."),
                    "Escape every parameter that a page shows.",
                )?,
                (End::Page, status) if !cookies.is_empty() => report.note(&format!(
                    "{name}: the page answers {status} itself. Redirect to `redirect_to`: the server's page says what to do."
                ))?,
                (End::Server(_), _) => report.right(&format!("{name}: it is sent back to the server."))?,
                (_, status) => report.right(&format!("{name}: the site answers {status}."))?,
            }
        }
        Ok(())
    }

    async fn app_links(&self, report: &mut Report) -> Result<(), Failed> {
        for path in APP_LINKS {
            let Ok(file) = self.page.join(path) else { continue };
            let answer = Browser::default().open(&file).await;
            let found = answer.is_ok_and(|answer| {
                answer.status == 200 && serde_json::from_str::<serde_json::Value>(&answer.body).is_ok()
            });
            if found {
                report.begin("Links that a phone opens in the site's app")?;
                return report.note(&format!(
                    "The site has them ({path}). Leave {} out: the app does not have the browser's cookies.",
                    self.page.path()
                ));
            }
        }
        Ok(())
    }
}

/// Whether the login brings a parameter back after the sign-in. In a session of the site it cannot be seen.
fn keeps(report: &mut Report, trip: &Trip, (name, value): (&str, &str)) -> Result<(), Failed> {
    let mut cookies = trip.answers.iter().flat_map(SiteAnswer::cookies).peekable();
    let has_cookies = cookies.peek().is_some();
    if trip.keeps(value) || cookies.any(|cookie| cookie.contains(value)) {
        return report.right(&format!("The login keeps `{name}`."));
    }
    if has_cookies {
        return report.note(&format!(
            "The login may keep `{name}` in its session, which cannot be seen. Sign in there once: the page must get it back."
        ));
    }
    report.wrong(
        &format!("The login loses `{name}`: it is not in the address, the form or a cookie."),
        "After the sign-in, the browser must come back to the page with the same query.",
    )
}

/// The redirects on the way to the login.
fn redirects_of_login(report: &mut Report, trip: &Trip) -> Result<(), Failed> {
    let strict = |line: &str| line.to_ascii_lowercase().contains("samesite=strict");
    if trip.answers.iter().any(|answer| answer.cookies().any(strict)) {
        report.note(
            "A cookie of the site is SameSite=Strict. If it is the session's, people who come from an app must sign in again: use Lax.",
        )?;
    }
    let permanent = trip
        .answers
        .iter()
        .any(|answer| answer.location().is_some() && matches!(answer.status.as_u16(), 301 | 308));
    if permanent {
        report.wrong(
            "The site redirects to the login by 301 or 308, which browsers repeat without asking again.",
            "Redirect by 302 or 303.",
        )?;
    }
    Ok(())
}

/// The redirect to the server.
fn redirect(report: &mut Report, trip: &Trip) -> Result<(), Failed> {
    let Some(answer) = trip.answers.last() else {
        return Ok(());
    };
    match answer.status.as_u16() {
        status @ (302 | 303) => report.right(&format!("It redirects by {status}."))?,
        status @ (307 | 308) => report.wrong(
            &format!("It redirects by {status}: after a form, browsers would send the form again, with the password."),
            "Redirect by 302 or 303.",
        )?,
        status => report.wrong(
            &format!("It redirects by {status}, which browsers remember."),
            "Redirect by 302 or 303.",
        )?,
    }
    match answer.is_no_store() {
        true => report.right("The redirect has Cache-Control: no-store."),
        false => report.wrong(
            "The redirect has no Cache-Control: no-store.",
            "Send it: the address is for one person, and works once.",
        ),
    }
}

/// The person's browser does not get to the server.
fn stays(report: &mut Report, trip: &Trip) -> Result<(), Failed> {
    let (at, status) = (without_query(&trip.at), trip.status());
    match &trip.end {
        End::Failed(reason) => report.wrong(&format!("{at} gives no answer: {reason}"), FAILS),
        End::Elsewhere(other) => report.wrong(
            &format!(
                "The browser is sent to another host, {}.",
                other.host_str().unwrap_or_default()
            ),
            "Redirect to `redirect_to` of the answer. If this is the login, the cookie is not that of a session.",
        ),
        End::Page if status >= 500 => report.wrong(&format!("{at} answers {status}."), FAILS),
        _ => report.wrong(
            &format!("The browser stays at {at} ({status})."),
            "Is the cookie that of a person who is signed in? If so, redirect to `redirect_to` of the answer.",
        ),
    }
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}
