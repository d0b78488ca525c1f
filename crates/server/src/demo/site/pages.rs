//! The pages of the sample site.

use askama::Template;

use super::hallpass::Grant;
use super::{SampleSite, SitePerson};
use crate::demo::PASSWORD;
use crate::web::view;

/// The data around every page.
struct Frame<'a> {
    css: &'a str,
    icon: &'a str,
    person: Option<&'a SitePerson>,
}

#[derive(Template)]
#[template(path = "demo/site/home.html")]
struct Home<'a> {
    frame: Frame<'a>,
    people: &'a [SitePerson],
    password: &'static str,
}

#[derive(Template)]
#[template(path = "demo/site/login.html")]
struct Login<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    username: &'a str,
    wrong: bool,
    people: &'a [SitePerson],
    password: &'static str,
}

#[derive(Template)]
#[template(path = "demo/site/logout.html")]
struct Logout<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "demo/site/apps.html")]
struct ConnectedApps<'a> {
    frame: Frame<'a>,
    csrf: &'a str,
    grants: &'a [Grant],
}

#[derive(Template)]
#[template(path = "demo/site/problem.html")]
struct Problem<'a> {
    frame: Frame<'a>,
    text: &'a str,
}

type Rendered = Result<String, askama::Error>;

pub(super) fn home(site: &SampleSite, person: Option<&SitePerson>) -> Rendered {
    Home {
        frame: frame(person),
        people: &site.people,
        password: PASSWORD,
    }
    .render()
}

/// The login. `wrong`: the name or the password was not right.
pub(super) fn login(site: &SampleSite, csrf: &str, username: &str, wrong: bool) -> Rendered {
    Login {
        frame: frame(None),
        csrf,
        username,
        wrong,
        people: &site.people,
        password: PASSWORD,
    }
    .render()
}

pub(super) fn logout(person: Option<&SitePerson>, csrf: &str) -> Rendered {
    Logout {
        frame: frame(person),
        csrf,
    }
    .render()
}

/// The site's own page of connected apps.
pub(super) fn connected_apps(person: &SitePerson, grants: &[Grant], csrf: &str) -> Rendered {
    ConnectedApps {
        frame: frame(Some(person)),
        csrf,
        grants,
    }
    .render()
}

pub(super) fn problem(text: &str) -> Rendered {
    Problem {
        frame: frame(None),
        text,
    }
    .render()
}

fn frame(person: Option<&SitePerson>) -> Frame<'_> {
    Frame {
        css: view::css_path(),
        icon: view::icon_path(),
        person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::view::gallery::check_untranslated;
    use serde_json::json;

    #[test]
    fn names_of_connected_apps_are_never_translated() {
        let person = SitePerson {
            id: "1001".to_owned(),
            email: "john@doe.com".to_owned(),
            name: "John Doe".to_owned(),
            locale: None,
            organizations: None,
        };
        let grant = json!({
            "id": "7",
            "app": { "name": "Acme Reports" },
            "organization": { "name": "North Stall" },
            "scopes": [{ "title": "Read your orders" }],
        });
        let html = connected_apps(&person, &[serde_json::from_value(grant).unwrap()], "csrf").unwrap();
        assert!(html.contains("Acme Reports") && html.contains("North Stall"), "{html}");
        check_untranslated("connected apps", &html, &["John Doe", "Acme Reports", "North Stall"]);
    }
}
