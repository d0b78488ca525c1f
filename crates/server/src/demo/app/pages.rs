//! The pages of the sample app.

use askama::Template;

use super::actions::ActionContext;
use super::keeping::Method;
use super::steps::{Mood, Step, shortened};
use super::tour::Stop;
use super::{CatalogueRow, Registration, SampleApp, Settings, SignInSite, moments};
use crate::config::GrantType;
use crate::demo::PASSWORD;
use crate::demo::people::Person;
use crate::web::view;

/// The data around every page.
struct Frame<'a> {
    brand: &'a str,
    server: &'a str,
    css: &'a str,
    icon: &'a str,
    clock: String,
    /// How far the demo's clock was moved. Empty if it was not.
    ahead: String,
}

/// The people, settings and scopes of the preset, which every page lists.
struct World<'a> {
    people: &'a [Person],
    password: &'static str,
    settings: &'a [Settings],
    site: Option<&'a SignInSite>,
    scopes: &'a [CatalogueRow],
}

#[derive(Template)]
#[template(path = "demo/start.html")]
struct Start<'a> {
    frame: Frame<'a>,
    registrations: &'a [Registration],
    world: World<'a>,
}

#[derive(Template)]
#[template(path = "demo/desk.html")]
struct DeskPage<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    registration: &'a Registration,
    /// The path of this page. The actions are below it.
    path: String,
    rail: Vec<RailStop>,
    next: Option<Stop>,
    world: World<'a>,
    /// The URL at which a person gets the code to copy. Empty if a redirect returns the code.
    code_address: String,
    held: Option<ShownTokens>,
    ended: bool,
    calls: Vec<(usize, String)>,
    can_expire_refresh: bool,
    own_token: bool,
    refresh_first: bool,
    /// Whether Method 2 is chosen.
    keeps_fresh: bool,
    steps: Vec<&'a Step>,
    alone: bool,
}

/// A stop of the tour in the progress rail.
struct RailStop {
    name: &'static str,
    reached: bool,
    current: bool,
}

/// The tokens, formatted for the page.
struct ShownTokens {
    access: String,
    expired: bool,
    remaining: String,
    refresh: String,
    scope: String,
}

#[derive(Template)]
#[template(path = "demo/problem.html")]
struct Problem<'a> {
    frame: Frame<'a>,
    text: &'a str,
}

/// The list of the app's registrations.
pub(super) fn start(app: &SampleApp) -> Result<String, askama::Error> {
    Start {
        frame: frame(app),
        registrations: &app.registrations,
        world: world(app),
    }
    .render()
}

/// The page of one registration. `code_address` is set if the person copies the code by hand.
pub(super) fn desk(work: &ActionContext<'_>, csrf: &str, code_address: String) -> Result<String, askama::Error> {
    let app = work.app;
    let now = app.clock.now();
    let held = work.desk.held().map(|tokens| ShownTokens {
        access: shortened(&tokens.access),
        expired: tokens.is_expired(now),
        remaining: tokens
            .expires
            .map(|expires| moments::span(expires.since(now)))
            .unwrap_or_default(),
        refresh: tokens.refresh.as_deref().map(shortened).unwrap_or_default(),
        scope: tokens.scope.unwrap_or_default(),
    });
    let tour = work.desk.tour;
    let next = tour.next(held.is_some());
    let page = DeskPage {
        frame: frame(app),
        csrf,
        registration: work.registration,
        path: work.registration.path(),
        rail: Stop::ALL
            .into_iter()
            .map(|stop| RailStop {
                name: stop.name(),
                reached: tour.has_reached(stop),
                current: next == Some(stop),
            })
            .collect(),
        next,
        world: world(app),
        code_address,
        refresh_first: held.as_ref().is_some_and(|held| held.expired),
        keeps_fresh: work.desk.keeping.method() == Method::Ahead,
        held,
        ended: work.desk.ended,
        calls: app
            .calls
            .iter()
            .map(|call| format!("{} {}", call.method, call.path))
            .enumerate()
            .collect(),
        can_expire_refresh: app.refresh_lifetime.is_some(),
        own_token: work.registration.grant_types.contains(&GrantType::ClientCredentials),
        steps: work.desk.steps.iter().rev().collect(),
        alone: app.registrations.len() == 1,
    };
    page.render()
}

/// An error page with a link back.
pub(super) fn problem(app: &SampleApp, text: &str) -> Result<String, askama::Error> {
    Problem {
        frame: frame(app),
        text,
    }
    .render()
}

impl DeskPage<'_> {
    fn is_next(&self, stop: Stop) -> bool {
        self.next == Some(stop)
    }

    fn card(&self, stop: Stop) -> &'static str {
        if self.is_next(stop) { "card next" } else { "card" }
    }

    /// The class of the button that leads to `stop`. The next one stands out.
    fn button(&self, stop: Stop) -> &'static str {
        match stop {
            stop if self.is_next(stop) => "button first",
            Stop::End => "button stop",
            _ => "button",
        }
    }
}

fn world(app: &SampleApp) -> World<'_> {
    World {
        people: &app.people,
        password: PASSWORD,
        settings: &app.settings,
        site: app.site.as_ref(),
        scopes: &app.scopes,
    }
}

fn frame(app: &SampleApp) -> Frame<'_> {
    let ahead = app.clock.ahead();
    Frame {
        brand: &app.brand,
        server: &app.issuer,
        css: view::css_path(),
        icon: view::icon_path(),
        clock: moments::time(app.clock.now()),
        ahead: if ahead.is_zero() {
            String::new()
        } else {
            moments::span(ahead)
        },
    }
}

impl Mood {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "tag",
            Self::Refused => "tag bad",
            Self::Note => "tag test",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Good => "worked",
            Self::Refused => "refused",
            Self::Note => "done",
        }
    }
}
