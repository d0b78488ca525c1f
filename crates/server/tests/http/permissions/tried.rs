//! Tests one row of the table of pages, for each person.

use super::world::*;
use crate::harness::{Answer, Browser, Form, Server};
use reqwest::Method;
use serde_json::json;
use std::collections::HashMap;

/// The people's browsers.
pub(super) struct Tried<'s> {
    pub(super) server: &'s Server,
    pub(super) browsers: HashMap<&'static str, Browser<'s>>,
}

/// The result of a request, in the words of the table.
pub(super) fn word(answer: &Answer) -> &'static str {
    match answer.status {
        _ if answer.forms().iter().any(|form| form.has("password")) => "sign in",
        200 => "yes",
        400 => "refused",
        403 => "forbidden",
        404 => "not there",
        other => panic!("{} answers {other}: {}", answer.url, answer.text()),
    }
}

/// Whether a page has something. If there is no such page, the result instead.
pub(super) fn in_page(page: &Answer, has: impl Fn(&Answer) -> bool) -> &'static str {
    match word(page) {
        "yes" if has(page) => "yes",
        "yes" => "no",
        instead => instead,
    }
}

pub(super) fn links_to(page: &Answer, path: &str) -> bool {
    page.body.contains(&format!("href=\"{path}\""))
}

/// Combines the answer with whether anything changed. Panics if they contradict each other.
pub(super) fn done(answer: &'static str, changed: bool) -> &'static str {
    match (answer, changed) {
        ("yes", true) => "yes",
        ("yes", false) => "nothing",
        (refusal, false) => refusal,
        (refusal, true) => panic!("done, and answered {refusal:?}"),
    }
}

impl<'s> Tried<'s> {
    pub(super) async fn new(server: &'s Server) -> Self {
        let mut browsers = HashMap::from([("", server.browser())]);
        for name in NAMES {
            browsers.insert(name, server.browser_of(person(name)).await);
        }
        Self { server, browsers }
    }

    pub(super) fn browser(&self, name: &str) -> &Browser<'s> {
        &self.browsers[name]
    }

    /// Another signed-in browser of the person, which may be signed out.
    pub(super) async fn another_browser(&self, name: &str) -> Browser<'s> {
        match name {
            "" => self.server.browser(),
            name => self.server.browser_of(person(name)).await,
        }
    }

    pub(super) async fn cell(&self, call: &str, app: &'static str, name: &'static str) -> &'static str {
        let browser = self.browser(name);
        let page_of_app = format!("/developer/apps/{app}");
        let organization = format!("/organizations/{}", slug(app));
        let api = format!("{organization}?tab=api");
        match call {
            "GET /" | "GET /account" | "GET /account/apps" | "GET /developer" | "GET /developer/apps/new" => {
                word(&browser.open(call.trim_start_matches("GET ")).await)
            }
            "GET /login" if browser.open("/login").await.status == 200 => "yes",
            "GET /assets/{name}" => {
                let page = browser.open("/").await;
                let asset = page.body.split("href=\"/assets/").nth(1).unwrap();
                let asset = asset.split('"').next().unwrap();
                word(&browser.open(&format!("/assets/{asset}")).await)
            }
            "GET /developer/apps/{client_id}" => word(&browser.open(&page_of_app).await),
            "GET /developer/apps/{client_id}/change" => word(&browser.open(&format!("{page_of_app}/change")).await),
            "GET /developer/apps/{client_id}/delete" => word(&browser.open(&format!("{page_of_app}/delete")).await),
            "GET /organizations/{slug}" => word(&browser.open(&organization).await),
            "GET [paths] authorize" => self.authorized(browser, app).await.0,
            "link to the developer pages in GET /account" => {
                in_page(&browser.open("/account").await, |page| links_to(page, "/developer"))
            }
            "link to the organization in GET /account" => {
                in_page(&browser.open("/account").await, |page| links_to(page, &organization))
            }
            "the members in GET /organizations/{slug}" => in_page(&browser.open(&organization).await, |page| {
                page.body.contains("max@example.com")
            }),
            "the app in GET /organizations/{slug}?tab=api" => {
                in_page(&browser.open(&api).await, |page| links_to(page, &page_of_app))
            }
            "the button to register in GET /organizations/{slug}?tab=api" => {
                in_page(&browser.open(&api).await, |page| {
                    links_to(page, &format!("/developer/apps/new?organization={}", slug(app)))
                })
            }
            "the app in GET /developer" => {
                in_page(&browser.open("/developer").await, |page| links_to(page, &page_of_app))
            }
            "the button to register in GET /developer" => in_page(&browser.open("/developer").await, |page| {
                links_to(page, "/developer/apps/new")
            }),
            "POST /login" => self.signed_in(name).await,
            "POST /logout" => self.signed_out(name).await,
            "POST /consent" => self.consented(browser, app).await,
            "POST /switch" => self.switched(name, app).await,
            "POST /account/apps" => self.ended(name, app).await,
            "POST /developer/apps/new" => self.registered(browser, name, app).await,
            "POST /developer/apps/{client_id}/secret" => self.secret_changed(browser, app, "reset", "now").await,
            "POST /developer/apps/{client_id}/secret/end" => self.secret_changed(browser, app, "end", "1").await,
            "POST /developer/apps/{client_id}/change" => self.changed(browser, app).await,
            "POST /developer/apps/{client_id}/delete" => self.deleted(browser, app).await,
            other => panic!("the test does not know how to try {other:?}"),
        }
    }

    /// Adds a redirect URI on the form of the app, or else by the form of somebody who may.
    async fn changed(&self, browser: &Browser<'_>, app: &str) -> &'static str {
        let (page, mut form, of) = self.form_of(browser, app, "change", "save").await;
        form.action = form.action.replace(&of, app);
        let before = self.told(app).await.body;
        let number = self.server.sql("SELECT COUNT(*) FROM audit_events");
        let uri = format!("{CALLBACK}/{number}");
        let typed = [("redirect_uris", uri.as_str()), ("save", "1")];
        let answer = browser.submit(&page, &form, &typed).await;
        done(word(&answer), self.told(app).await.body != before)
    }

    /// Deletes an app like this one, of the same owner, organization and team.
    async fn deleted(&self, browser: &Browser<'_>, app: &str) -> &'static str {
        let twin = self.twin(app).await;
        let (page, mut form, of) = self.form_of(browser, &twin, "delete", "delete").await;
        form.action = form.action.replace(&of, &twin);
        let answer = browser.submit(&page, &form, &[("delete", "1")]).await;
        done(word(&answer), self.told(&twin).await.status == 404)
    }

    async fn told(&self, app: &str) -> Answer {
        self.server.operator(Method::GET, &format!("/apps/{app}"), None).await
    }

    /// The form of a page of the app, for somebody who does not see it that of another person, perhaps of another app.
    async fn form_of(&self, browser: &Browser<'_>, app: &str, page: &str, button: &str) -> (Answer, Form, String) {
        let mut tried = vec![(browser, app)];
        tried.extend([(self.browser("olga"), app), (self.browser("nina"), app)]);
        tried.push((self.browser("nina"), "nina-notes"));
        for (browser, of) in tried {
            let found = browser.open(&format!("/developer/apps/{of}/{page}")).await;
            if word(&found) == "yes" {
                let form = found.form(button);
                return (found, form, of.to_owned());
            }
        }
        panic!("nobody sees the {page} of {app}");
    }

    async fn twin(&self, app: &str) -> String {
        let (_, organization, owner) = APPS.into_iter().find(|(id, ..)| *id == app).unwrap();
        let owner = owner.map(|owner| format!("{owner}@example.com"));
        let number = self.server.sql("SELECT COUNT(*) FROM audit_events");
        let made = json!({ "name": format!("Twin {number}"), "organization": organization });
        let made = self.server.operator(Method::POST, "/apps", Some(made)).await;
        let id = made.json()["client_id"].as_str().unwrap().to_owned();
        let owned = Some(json!({ "owner": owner }));
        let owned = self.server.operator(Method::PATCH, &format!("/apps/{id}"), owned).await;
        assert_eq!(owned.status, 200, "{owned:?}");
        self.server.sql(&format!(
            "INSERT INTO app_team (app_id, user_id, added) SELECT twin.id, user_id, 0 FROM app_team \
             JOIN apps ON apps.id = app_id AND apps.client_id = '{app}' JOIN apps AS twin ON twin.client_id = '{id}'"
        ));
        id
    }

    pub(super) async fn authorized(&self, browser: &Browser<'_>, app: &str) -> (&'static str, Answer) {
        let query = self.server.client(app, CALLBACK).query(&[]);
        let answer = browser.open(&format!("/oauth/authorize?{query}")).await;
        (word(&answer), answer)
    }

    pub(super) async fn signed_in(&self, name: &str) -> &'static str {
        let somebody = if name.is_empty() { "eve" } else { name };
        let browser = self.server.browser();
        let answer = browser.log_in(person(somebody)).await;
        done(word(&answer), word(&browser.open("/account").await) == "yes")
    }

    pub(super) async fn signed_out(&self, name: &str) -> &'static str {
        let form_of = if name.is_empty() { "eve" } else { name };
        let signed_in = self.another_browser(form_of).await;
        let page = signed_in.open("/account").await;
        let form = page.forms().into_iter().find(|form| form.action == "/logout").unwrap();
        let stranger = self.server.browser();
        let browser = if name.is_empty() { &stranger } else { &signed_in };
        let answer = browser.submit(&page, &form, &[]).await;
        let gone = word(&signed_in.open("/account").await) == "sign in";
        done(if answer.status < 400 { "yes" } else { word(&answer) }, gone)
    }

    pub(super) async fn consented(&self, browser: &Browser<'_>, app: &str) -> &'static str {
        let (answered, page) = self.authorized(browser, app).await;
        if answered == "yes" {
            browser.decide(&page, "allow").await.callback().code();
            return "yes";
        }
        // With the form of a person who may consent.
        let (_, theirs) = self.authorized(self.browser("dana"), app).await;
        let answer = browser
            .submit(&theirs, &theirs.form("decision"), &[("decision", "allow")])
            .await;
        done(word(&answer), answer.header("location").contains("code="))
    }

    pub(super) async fn switched(&self, name: &str, app: &str) -> &'static str {
        let browser = self.another_browser(name).await;
        let (answered, own) = self.authorized(&browser, app).await;
        let page = match answered {
            "yes" => own,
            _ => self.authorized(self.browser("dana"), app).await.1,
        };
        let form = page.forms().into_iter().find(|form| form.action == "/switch").unwrap();
        let answer = browser.submit(&page, &form, &[]).await;
        let gone = !name.is_empty() && word(&browser.open("/account").await) == "sign in";
        done(if gone { "yes" } else { word(&answer) }, gone)
    }

    /// Ends a connection of the person. A stranger tries it with another person's form.
    pub(super) async fn ended(&self, name: &str, app: &str) -> &'static str {
        let who = self.browser(if name.is_empty() { "eve" } else { name });
        let tokens = self.server.client(app, CALLBACK).connect(who).await;
        let page = who.open("/account/apps").await;
        let answer = self
            .browser(name)
            .submit(&page, &page.form("end"), &[("end", "1")])
            .await;
        done(word(&answer), self.server.identity(&tokens.access).await.status == 401)
    }

    pub(super) async fn registered(&self, browser: &Browser<'_>, name: &str, app: &str) -> &'static str {
        let mut page = browser.open("/developer/apps/new").await;
        if word(&page) != "yes" {
            page = self.browser("nina").open("/developer/apps/new").await;
        }
        let called = format!("By {name} for {}", slug(app));
        let typed = [
            ("name", called.as_str()),
            ("redirect_uris", CALLBACK),
            ("organization", slug(app)),
        ];
        let answer = browser.submit(&page, &page.form("redirect_uris"), &typed).await;
        let apps = self.server.operator(Method::GET, "/apps", None).await.json();
        let apps = apps["apps"].as_array().unwrap();
        let made = apps.iter().find(|app| app["name"] == called.as_str());
        if let Some(made) = made {
            assert_eq!(made["organization"], slug(app));
            assert_eq!(made["owner"], format!("{name}@example.com"));
        }
        done(word(&answer), made.is_some())
    }

    /// Presses a button for the app's secrets, on the app's page. Without access to that page, sends a form of the person's
    /// own app to this app's URL, or else the form of a person who may.
    pub(super) async fn secret_changed(
        &self,
        browser: &Browser<'_>,
        app: &str,
        button: &str,
        value: &str,
    ) -> &'static str {
        for (id, ..) in APPS {
            self.have_two_secrets(id).await;
        }
        let mut found = None;
        for id in [app, "globex-trials", "nina-notes", "acme-reports"] {
            let page = browser.open(&format!("/developer/apps/{id}")).await;
            if found.is_none() && word(&page) == "yes" {
                found = Some((page, id));
            }
        }
        let (page, of) = match found {
            Some(found) => found,
            None => {
                let of = if app == "night-export" { "nina-notes" } else { app };
                let page = self.browser(manager(app)).open(&format!("/developer/apps/{of}")).await;
                (page, of)
            }
        };
        let mut form = page.form(button);
        form.action = form.action.replace(of, app);
        let before = self.secrets(app).await;
        let answer = browser.submit(&page, &form, &[(button, value)]).await;
        done(word(&answer), self.secrets(app).await != before)
    }

    pub(super) async fn secrets(&self, app: &str) -> Vec<String> {
        let path = format!("/apps/{app}/secrets");
        let told = self.server.operator(Method::GET, &path, None).await.json();
        let ids = told["secrets"].as_array().unwrap().iter();
        ids.map(|secret| secret["id"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) async fn have_two_secrets(&self, app: &str) {
        if self.secrets(app).await.len() < 2 {
            let path = format!("/apps/{app}/secrets");
            assert_eq!(self.server.operator(Method::POST, &path, None).await.status, 201);
        }
    }
}
