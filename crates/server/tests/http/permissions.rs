//! Who may do what: `docs/permissions.md`, tried cell by cell (DESIGN §4).

use crate::harness::{Answer, Browser, Person, RESOURCE, SECRET, Server, Tokens};
use reqwest::Method;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

const TABLES: &str = include_str!("../../../../docs/permissions.md");
const ROUTER: &str = include_str!("../../src/router.rs");
const ADMIN: &str = include_str!("../../src/admin/api.rs");

const PASSWORD: &str = "a password of their own";
const NAMES: [&str; 11] = [
    "eve", "nina", "noor", "tess", "dana", "dirk", "tim", "max", "olga", "gus", "gita",
];
const CALLBACK: &str = "https://app.example/callback";
const NOBODY: &str = "—";

/// Everything but the people.
const WORLD: &str = r#"
[[organizations]]
slug = "acme"
name = "Acme"
members = [
    "dana@example.com:developer", "dirk@example.com:developer", "tim@example.com:developer",
    "max@example.com:member", "olga@example.com:owner",
]

[[organizations]]
slug = "globex"
name = "Globex"
members = ["gus@example.com:owner", "gita@example.com:developer"]

[[resources]]
identifier = "https://api.example"
name = "The API"
secret = "a-secret-of-43-characters-as-hallpass-makes"

[[apps]]
name = "Native"
client_id = "native"
type = "public"
redirect_uris = ["http://127.0.0.1/callback"]
"#;

/// Client id, organization and owner of the apps; all are confidential.
const APPS: [(&str, Option<&str>, Option<&str>); 5] = [
    ("acme-reports", Some("acme"), Some("dana")),
    ("acme-declared", Some("acme"), None),
    ("nina-notes", None, Some("nina")),
    ("night-export", None, None),
    ("globex-trials", Some("globex"), Some("gus")),
];
const TEAMS: [(&str, &str); 3] = [
    ("acme-reports", "tim"),
    ("nina-notes", "tess"),
    ("globex-trials", "gita"),
];

fn world(portal: &str) -> String {
    let mut text = format!("{portal}\n{WORLD}");
    for name in NAMES {
        let developer = matches!(name, "nina" | "noor");
        let _ = writeln!(
            text,
            "[[users]]\nemail = \"{name}@example.com\"\nname = \"{name}\"\npassword = \"{PASSWORD}\"\ndeveloper = {developer}"
        );
    }
    for (id, organization, owner) in APPS {
        let _ = writeln!(
            text,
            "[[apps]]\nname = \"{id}\"\nclient_id = \"{id}\"\nclient_secret = \"{SECRET}\"\nredirect_uris = [\"{CALLBACK}\"]"
        );
        if let Some(organization) = organization {
            let _ = writeln!(text, "organization = \"{organization}\"");
        }
        if let Some(owner) = owner {
            let _ = writeln!(text, "owner = \"{owner}@example.com\"");
        }
    }
    text
}

async fn started(portal: &str) -> Server {
    let server = Server::library("default", &world(portal)).await;
    for (app, person) in TEAMS {
        server.sql(&format!(
            "INSERT INTO app_team (app_id, user_id, added) SELECT apps.id, users.id, 0 FROM apps, users \
             WHERE apps.client_id = '{app}' AND users.email = '{person}@example.com'"
        ));
    }
    server
}

fn person(name: &str) -> Person {
    Person {
        email: format!("{name}@example.com").leak(),
        password: PASSWORD,
    }
}

/// A row of a table.
struct Row {
    /// The first column.
    call: String,
    /// The others.
    cells: Vec<String>,
}

/// The rows of the table under a heading whose header begins with `first`.
fn rows(heading: &str, first: &str) -> Vec<Row> {
    let section = TABLES
        .split("\n## ")
        .find(|section| section.starts_with(heading))
        .unwrap();
    let plain = section.replace('`', "");
    let lines = plain
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| {first} |")));
    let lines = lines.skip(2).take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
        Row {
            call: cells.next().unwrap(),
            cells: cells.collect(),
        }
    };
    lines.map(row).collect()
}

/// Who stands in the columns of the first table, for the app of a row.
fn people(app: &str) -> [Option<&'static str>; 9] {
    let (owner, developer, team) = match app {
        "acme-reports" => (Some("dana"), "dirk", Some("tim")),
        "acme-declared" => (None, "dirk", None),
        "nina-notes" => (Some("nina"), "noor", Some("tess")),
        "night-export" => (None, "noor", None),
        other => panic!("there is no app {other}"),
    };
    let others = [Some("max"), Some("olga"), Some("gus"), Some("gita")];
    let [member, org_owner, other_org, other_team] = others;
    let first = [Some(""), Some("eve"), owner, Some(developer), team];
    let [stranger, end_user, owner, developer, team] = first;
    [
        stranger, end_user, owner, developer, team, member, org_owner, other_org, other_team,
    ]
}

fn client_id(app: &str) -> &'static str {
    match app {
        "Acme's" => "acme-reports",
        "Acme's declared" => "acme-declared",
        "Nina's" => "nina-notes",
        "operator's" => "night-export",
        other => panic!("the test knows no app {other:?}"),
    }
}

/// The organization of an app, as forms name it.
fn slug(app: &str) -> &'static str {
    let (_, organization, _) = APPS.into_iter().find(|(id, ..)| *id == app).unwrap();
    organization.unwrap_or("default")
}

/// Who manages an app whatever happens, if anybody does.
fn manager(app: &str) -> &'static str {
    match app {
        "acme-reports" | "acme-declared" => "olga",
        // The operator's own has nobody: a form of another app has to do.
        _ => "nina",
    }
}

/// The people in their browsers.
struct Tried<'s> {
    server: &'s Server,
    browsers: HashMap<&'static str, Browser<'s>>,
}

/// What became of a request, in the words of the table.
fn word(answer: &Answer) -> &'static str {
    match answer.status {
        _ if answer.forms().iter().any(|form| form.has("password")) => "sign in",
        200 => "yes",
        400 => "refused",
        403 => "forbidden",
        404 => "not there",
        other => panic!("{} answers {other}: {}", answer.url, answer.text()),
    }
}

/// Whether a page has something; where there is no such page, what there is instead.
fn in_page(page: &Answer, has: impl Fn(&Answer) -> bool) -> &'static str {
    match word(page) {
        "yes" if has(page) => "yes",
        "yes" => "no",
        instead => instead,
    }
}

fn links_to(page: &Answer, path: &str) -> bool {
    page.body.contains(&format!("href=\"{path}\""))
}

/// Whether anything changed has to go with what is answered.
fn done(answer: &'static str, changed: bool) -> &'static str {
    match (answer, changed) {
        ("yes", true) => "yes",
        ("yes", false) => "nothing",
        (refusal, false) => refusal,
        (refusal, true) => panic!("done, and answered {refusal:?}"),
    }
}

impl<'s> Tried<'s> {
    async fn new(server: &'s Server) -> Self {
        let mut browsers = HashMap::from([("", server.browser())]);
        for name in NAMES {
            browsers.insert(name, server.browser_of(person(name)).await);
        }
        Self { server, browsers }
    }

    fn browser(&self, name: &str) -> &Browser<'s> {
        &self.browsers[name]
    }

    /// A browser of the person's that may be signed out.
    async fn another_browser(&self, name: &str) -> Browser<'s> {
        match name {
            "" => self.server.browser(),
            name => self.server.browser_of(person(name)).await,
        }
    }

    async fn cell(&self, call: &str, app: &'static str, name: &'static str) -> &'static str {
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
            other => panic!("the test does not know how to try {other:?}"),
        }
    }

    async fn authorized(&self, browser: &Browser<'_>, app: &str) -> (&'static str, Answer) {
        let query = self.server.client(app, CALLBACK).query(&[]);
        let answer = browser.open(&format!("/oauth/authorize?{query}")).await;
        (word(&answer), answer)
    }

    async fn signed_in(&self, name: &str) -> &'static str {
        let somebody = if name.is_empty() { "eve" } else { name };
        let browser = self.server.browser();
        let answer = browser.log_in(person(somebody)).await;
        done(word(&answer), word(&browser.open("/account").await) == "yes")
    }

    async fn signed_out(&self, name: &str) -> &'static str {
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

    async fn consented(&self, browser: &Browser<'_>, app: &str) -> &'static str {
        let (answered, page) = self.authorized(browser, app).await;
        if answered == "yes" {
            browser.decide(&page, "allow").await.callback().code();
            return "yes";
        }
        // By the form of somebody who may.
        let (_, theirs) = self.authorized(self.browser("dana"), app).await;
        let answer = browser
            .submit(&theirs, &theirs.form("decision"), &[("decision", "allow")])
            .await;
        done(word(&answer), answer.header("location").contains("code="))
    }

    async fn switched(&self, name: &str, app: &str) -> &'static str {
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

    /// Ends what the person connected; a stranger tries it with somebody's form.
    async fn ended(&self, name: &str, app: &str) -> &'static str {
        let who = self.browser(if name.is_empty() { "eve" } else { name });
        let tokens = self.server.client(app, CALLBACK).connect(who).await;
        let page = who.open("/account/apps").await;
        let answer = self
            .browser(name)
            .submit(&page, &page.form("end"), &[("end", "1")])
            .await;
        done(word(&answer), self.server.identity(&tokens.access).await.status == 401)
    }

    async fn registered(&self, browser: &Browser<'_>, name: &str, app: &str) -> &'static str {
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

    /// Presses a button for the app's secrets: on the app's page; else on another app's page of the person's own, sent to
    /// this app's address; else with the form of somebody who may.
    async fn secret_changed(&self, browser: &Browser<'_>, app: &str, button: &str, value: &str) -> &'static str {
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

    async fn secrets(&self, app: &str) -> Vec<String> {
        let path = format!("/apps/{app}/secrets");
        let told = self.server.operator(Method::GET, &path, None).await.json();
        let ids = told["secrets"].as_array().unwrap().iter();
        ids.map(|secret| secret["id"].as_str().unwrap().to_owned()).collect()
    }

    async fn have_two_secrets(&self, app: &str) {
        if self.secrets(app).await.len() < 2 {
            let path = format!("/apps/{app}/secrets");
            assert_eq!(self.server.operator(Method::POST, &path, None).await.status, 201);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_does_for_each_person_what_the_table_says() {
    let server = started("").await;
    let tried = Tried::new(&server).await;
    let mut wrong = String::new();
    for row in rows("Pages", "page or call") {
        let (app, cells) = row.cells.split_first().unwrap();
        let app = client_id(app);
        let people = people(app);
        assert_eq!(cells.len(), people.len(), "{}", row.call);
        for (cell, name) in cells.iter().zip(people) {
            let told = match name {
                Some(name) => tried.cell(&row.call, app, name).await,
                None => NOBODY,
            };
            if told != cell {
                let who = name.filter(|name| !name.is_empty()).unwrap_or("a stranger");
                let _ = writeln!(
                    wrong,
                    "{} of {app} by {who}: {told}, and the table says {cell}",
                    row.call
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Method and path of each page of the router, and of each endpoint that machines call.
fn addresses() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let (endpoints, pages) = ROUTER.split_once("pub fn pages").unwrap();
    for route in pages.split(".route(\"").skip(1) {
        let (path, handlers) = route.split_once("\", ").unwrap();
        for (name, method) in [("get(", "GET"), ("post(", "POST")] {
            if handlers.contains(name) {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    for endpoint in endpoints.split("is(&paths.").skip(1) {
        let name = endpoint.split(')').next().unwrap();
        let method = if matches!(name, "authorize" | "identity") {
            "GET"
        } else {
            "POST"
        };
        found.insert(format!("{method} [paths] {name}"));
    }
    for path in endpoints
        .split('"')
        .filter(|text| text.starts_with('/') && !text.starts_with("//") && !text.ends_with('/'))
    {
        found.insert(format!("GET {path}"));
    }
    found
}

/// Method and path of each call of the admin API.
fn operators_calls() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for route in ADMIN.split(".route(").skip(1) {
        let route = route.split(';').next().unwrap();
        let path = route.split('"').nth(1).unwrap();
        for (name, method) in [
            ("get(", "GET"),
            ("post(", "POST"),
            ("suspension::", "POST"),
            ("put(", "PUT"),
            ("patch(", "PATCH"),
            ("delete(", "DELETE"),
        ] {
            if route.contains(name) {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    found
}

#[test]
fn each_address_has_a_row() {
    let tables = [
        rows("Pages", "page or call"),
        rows("What machines call", "call"),
        rows("The operator", "call"),
    ];
    let rows: BTreeSet<String> = tables.into_iter().flatten().map(|row| row.call).collect();
    let mut addresses = addresses();
    let calls = operators_calls();
    assert!(calls.len() > 35, "{calls:?}");
    addresses.extend(calls);
    assert!(addresses.len() > 20, "{addresses:?}");
    let missing: Vec<_> = addresses.difference(&rows).collect();
    assert!(missing.is_empty(), "docs/permissions.md has no row for {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_are_registered_by_whom_the_configuration_says() {
    for row in rows("Who registers apps", "register") {
        let server = started(&format!("[portal]\nregister = \"{}\"", row.call)).await;
        let people = ["eve", "nina", "max", "dana", "olga"];
        assert_eq!(row.cells.len(), people.len());
        for (cell, name) in row.cells.iter().zip(people) {
            let browser = server.browser_of(person(name)).await;
            let page = browser.open("/developer/apps/new").await;
            assert_eq!(word(&page), cell, "{} {name}", row.call);
            // What is offered is what can be done.
            let list = browser.open("/developer").await;
            assert_eq!(
                links_to(&list, "/developer/apps/new"),
                cell == "yes",
                "{} {name}",
                row.call
            );
            let registers = matches!(name, "dana" | "olga") && cell == "yes";
            let organization = browser.open("/organizations/acme?tab=api").await;
            let button = links_to(&organization, "/developer/apps/new?organization=acme");
            assert_eq!(button, registers, "{} {name}", row.call);
        }
    }
}

/// One call of a machine with a token of the app's, in the words of the table.
async fn machine(server: &Server, call: &str, caller: &str, tokens: &Tokens) -> &'static str {
    let client = match caller {
        "nobody" => None,
        "the app" => Some(server.client("night-export", CALLBACK)),
        "another app" => Some(server.client("nina-notes", CALLBACK)),
        "a public app" => Some(server.client("native", "http://127.0.0.1/callback").public()),
        "a resource" => Some(server.client(RESOURCE, "")),
        other => panic!("the test knows no caller {other:?}"),
    };
    let answer = match (call, &client) {
        ("POST [paths] token", Some(client)) => client.refresh(&tokens.refresh).await,
        ("POST [paths] introspect", Some(client)) => client.introspect(&tokens.access).await,
        ("POST [paths] revoke", Some(client)) => client.revoke(&tokens.access).await,
        ("GET [paths] identity", Some(_)) => server.identity(&tokens.access).await,
        ("GET [paths] identity", None) => server.get("/oauth/userinfo").await,
        ("POST [paths] token", None) => {
            let form = [("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)];
            server.post("/oauth/token", &form).await
        }
        ("POST [paths] introspect", None) => server.post("/oauth/introspect", &[("token", &tokens.access)]).await,
        ("POST [paths] revoke", None) => server.post("/oauth/revoke", &[("token", &tokens.access)]).await,
        (path, None) => server.get(path.trim_start_matches("GET ")).await,
        (other, Some(_)) => panic!("the test does not know how to try {other:?}"),
    };
    let inactive = call.ends_with("introspect") && answer.status == 200 && answer.json()["active"] == false;
    let told = match answer.status {
        200 if inactive => "no",
        200 => "yes",
        400 => "refused",
        401 => "401",
        404 => "not there",
        other => panic!("{call} {caller}: {other} {}", answer.body),
    };
    if call.ends_with("revoke") {
        let ended = server.identity(&tokens.access).await.status == 401;
        assert_eq!(ended, told == "yes", "{call} {caller}");
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_does_for_each_machine_what_the_table_says() {
    let server = started("").await;
    let eve = server.browser_of(person("eve")).await;
    let callers = ["nobody", "the app", "another app", "a public app", "a resource"];
    for row in rows("What machines call", "call") {
        assert_eq!(row.cells.len(), callers.len(), "{}", row.call);
        for (cell, caller) in row.cells.iter().zip(callers).filter(|(cell, _)| *cell != NOBODY) {
            let tokens = server.client("night-export", CALLBACK).connect(&eve).await;
            let told = machine(&server, &row.call, caller, &tokens).await;
            assert_eq!(told, cell, "{} by {caller}", row.call);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_of_the_operators_is_at_the_public_address() {
    let server = started("").await;
    let (stranger, olga) = (server.browser(), server.browser_of(person("olga")).await);
    let paths = ADMIN
        .split('"')
        .filter(|text| text.starts_with('/') && !text.contains("admin"));
    let paths: BTreeSet<&str> = paths.collect();
    assert!(paths.len() > 15, "{paths:?}");
    for row in rows("The operator", "call") {
        assert_eq!(row.cells[1], "not there", "{}", row.call);
    }
    for path in paths {
        for prefix in ["", "/admin/api/v1"] {
            let url = server.at(&format!("{prefix}{}", path.replace(['{', '}'], "")));
            for browser in [&stranger, &olga] {
                for method in [Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
                    let request = server.request(method, &url).header("cookie", browser.cookies());
                    let answer = server.send(&url, request).await;
                    // A page of the portal has one of these names: it is no operator's.
                    let is_page = prefix.is_empty() && path.starts_with("/organizations/");
                    assert!(answer.status == 404 || is_page, "{url}: {}", answer.status);
                }
            }
        }
    }
}

/// Every link that a person is shown leads to a page that they may see.
#[tokio::test(flavor = "multi_thread")]
async fn no_link_leads_where_a_person_may_not_go() {
    for register in ["everyone", "developers", "nobody"] {
        let server = started(&format!("[portal]\nregister = \"{register}\"")).await;
        for name in NAMES.into_iter().chain([""]) {
            let browser = match name {
                "" => server.browser(),
                name => server.browser_of(person(name)).await,
            };
            let mut seen = BTreeSet::new();
            let mut due = vec!["/".to_owned(), "/account".to_owned(), "/developer".to_owned()];
            while let Some(path) = due.pop() {
                if !seen.insert(path.clone()) {
                    continue;
                }
                let page = browser.open(&path).await;
                assert_eq!(page.status, 200, "{register}: {name:?} is led to {path}");
                let links = page.body.split("href=\"/").skip(1);
                let links = links.map(|rest| format!("/{}", rest.split('"').next().unwrap()));
                due.extend(links.filter(|path| !path.starts_with("/assets/")));
            }
            assert!(seen.len() > 3, "{name:?} {seen:?}");
        }
    }
}

/// An organization's app stays with it: who made it and left, or is a mere member now, manages it no longer.
#[tokio::test(flavor = "multi_thread")]
async fn who_left_an_organization_manages_its_apps_no_longer() {
    let server = started("").await;
    for name in ["dana", "tim"] {
        let browser = server.browser_of(person(name)).await;
        let member = format!("/organizations/acme/members/{name}@example.com");
        let page = browser.open("/developer/apps/acme-reports").await;
        assert_eq!(page.status, 200, "{name}");
        for role in [Some("member"), None] {
            let (method, body) = match role {
                Some(role) => (Method::PUT, Some(serde_json::json!({ "role": role }))),
                None => (Method::DELETE, None),
            };
            assert_eq!(server.operator(method, &member, body).await.status, 200);
            assert_eq!(
                browser.open("/developer/apps/acme-reports").await.status,
                404,
                "{name} {role:?}"
            );
            let reset = browser.submit(&page, &page.form("reset"), &[("reset", "now")]).await;
            assert_eq!(reset.status, 404, "{name} {role:?}");
            assert!(!browser.open("/developer").await.text().contains("acme-reports"));
        }
    }
    let acme = server.client("acme-reports", CALLBACK);
    assert_eq!(
        acme.client_credentials(&[]).await.status,
        200,
        "the secret is as it was"
    );
}

/// Apps of no organization have nobody else: whoever is named no longer keeps what they own, and registers no more.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_developer_any_more_keeps_their_own_apps() {
    let server = started("").await;
    let nina = server.browser_of(person("nina")).await;
    let body = Some(serde_json::json!({"developer": false}));
    let changed = server.operator(Method::PATCH, "/users/nina@example.com", body).await;
    assert_eq!(changed.status, 200);
    assert_eq!(nina.open("/developer/apps/new").await.status, 403);
    assert_eq!(nina.open("/developer/apps/nina-notes").await.status, 200);
}

/// In each preset: a person who was made nothing else manages no app, and sees no address but their own.
#[tokio::test(flavor = "multi_thread")]
async fn in_every_preset_an_ordinary_person_manages_nothing() {
    for preset in [
        "default",
        "common-controls-hub",
        "connected-home",
        "house-check",
        "apicbase",
    ] {
        let organization = match preset {
            "connected-home" => "[[organizations]]\nslug = \"connectedhome\"\nname = \"Home\"\n",
            _ => "",
        };
        let server = Server::library(preset, &world(organization)).await;
        let (eve, max) = (
            server.browser_of(person("eve")).await,
            server.browser_of(person("max")).await,
        );
        for browser in [&eve, &max] {
            for (id, ..) in APPS {
                assert!(!browser.open("/developer").await.text().contains(id), "{preset} {id}");
                let page = browser.open(&format!("/developer/apps/{id}")).await;
                assert_eq!(page.status, 404, "{preset} {id}");
            }
            assert_eq!(browser.open("/developer/apps/new").await.status, 403, "{preset}");
            for slug in ["acme", "connectedhome", "default"] {
                let page = browser.open(&format!("/organizations/{slug}")).await;
                assert_eq!(page.status, 404, "{preset} {slug}");
            }
            assert!(!browser.open("/account").await.body.contains("olga@"), "{preset}");
        }
    }
}
