//! Sends the requests of the model to the server.

use super::nouns::{Access, Caller, Fault, KeyPurpose, Refresh, Request, Scopes};
use super::play::Play;
use super::world::{CLIENTS, ORGANIZATIONS, PEOPLE, REDIRECT_URIS, SOURCES};
use crate::harness::{Answer, Browser, Client, Landing, RESOURCE, VERIFIER};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

impl Play<'_> {
    /// Sends a request.
    pub(super) async fn send(&self, request: &Request) -> Answer {
        match *request {
            Request::Redeem { by, grant, fault } => self.redeem(by, grant, fault).await,
            Request::Refresh {
                by,
                token,
                scopes,
                from,
            } => {
                let scopes = scopes.map(|scopes| scopes.to_string());
                let more: Vec<_> = scopes.iter().map(|scopes| ("scope", scopes.as_str())).collect();
                let client = self.client(by);
                let client = SOURCES[from].map_or(client.clone(), |address| client.from(address));
                client.refresh_with(&self.refresh_token(token), &more).await
            }
            Request::Identity(access) => self.server.identity(self.access_token(&access)).await,
            Request::Introspect(caller, access) => self.introspect(caller, self.access_token(&access)).await,
            Request::IntrospectRefresh(caller, token) => self.introspect(caller, &self.refresh_token(token)).await,
            Request::Revoke(by, access) => self.client(by).revoke(self.access_token(&access)).await,
            Request::RevokeRefresh(by, token) => self.client(by).revoke(&self.refresh_token(token)).await,
            Request::EndAccess {
                user,
                app,
                organization,
            } => self.end_access(user, app, organization).await,
            Request::OperatorEnds(grant) => {
                let path = format!("/grants/{}/end", self.id(grant));
                self.server.operator(Method::POST, &path, None).await
            }
            Request::UserSuspended(user, is) => self.suspend("users", PEOPLE[user].email, is).await,
            Request::AppSuspended(app, is) => self.suspend("apps", CLIENTS[app], is).await,
            Request::OrganizationSuspended(one, is) => self.suspend("organizations", ORGANIZATIONS[one], is).await,
            Request::RotateKeys => {
                self.server
                    .operator(Method::POST, "/keys/rotate", Some(json!({})))
                    .await
            }
            Request::RevokeKey(purpose) => self.revoke_key(purpose).await,
            Request::Member(user, organization, is) => self.member(user, organization, is).await,
        }
    }

    /// The person allows the app. Returns the code.
    pub(super) async fn allow(&self, user: usize, app: usize, scopes: Scopes, organization: &str) -> String {
        let asked = scopes.to_string();
        let query = self.client(app).query(&[("scope", &asked)]);
        let browser = self.browser(user);
        let page = match browser.authorize(&query).await {
            Landing::Login(page) => {
                browser.send_login(&page, PEOPLE[user]).await;
                browser.authorize(&query).await.consent()
            }
            landing => landing.consent(),
        };
        let mut form = page.form("decision");
        let mut typed = vec![("decision", "allow")];
        if form.has("organization") {
            form.fields.retain(|(name, _)| name != "organization");
            typed.push(("organization", organization));
        }
        let answer = browser.submit(&page, &form, &typed).await;
        self.cookies.borrow_mut()[user] = browser.cookies();
        let back: url::Url = answer.header("location").parse().expect("back at the app");
        let code = back.query_pairs().find(|(name, _)| name == "code");
        code.unwrap_or_else(|| panic!("no code: {back}")).1.into_owned()
    }

    /// The row of a grant, as the operator sees it.
    pub(super) async fn row(&self, grant: usize) -> Value {
        let path = format!("/grants/{}", self.id(grant));
        self.server.operator(Method::GET, &path, None).await.json()
    }

    async fn redeem(&self, by: usize, grant: usize, fault: Option<Fault>) -> Answer {
        let verifier = match fault {
            Some(Fault::Verifier) => VERIFIER.replace('d', "e"),
            _ => VERIFIER.to_owned(),
        };
        let redirect_uri = match fault {
            Some(Fault::RedirectUri) => "https://elsewhere.example/callback",
            _ => REDIRECT_URIS[self.model.grants[grant].app],
        };
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", self.codes[grant].as_str()),
            ("redirect_uri", redirect_uri),
        ];
        if fault != Some(Fault::NoVerifier) {
            pairs.push(("code_verifier", &verifier));
        }
        self.client(by).token(&pairs).await
    }

    async fn introspect(&self, caller: Caller, token: &str) -> Answer {
        match caller {
            Caller::App(by) => self.client(by).introspect(token).await,
            Caller::Api => self.server.client(RESOURCE, "").introspect(token).await,
        }
    }

    async fn end_access(&self, user: usize, app: usize, organization: usize) -> Answer {
        let browser = self.browser(user);
        let mut page = browser.open("/account/apps").await;
        if page.forms().iter().any(|form| form.has("password")) {
            browser.send_login(&page, PEOPLE[user]).await;
            page = browser.open("/account/apps").await;
        }
        self.cookies.borrow_mut()[user] = browser.cookies();
        let (app, organization) = (&self.made.apps[app], &self.made.organizations[organization]);
        let of_both = |form: &&crate::harness::Form| {
            form.has("end") && form.value("app") == app && form.value("organization") == organization
        };
        match page.forms().iter().find(of_both) {
            Some(form) => browser.submit(&page, form, &[("end", "1")]).await,
            None => page,
        }
    }

    async fn suspend(&self, nouns: &str, name: &str, is: bool) -> Answer {
        let verb = if is { "suspend" } else { "resume" };
        self.server
            .operator(Method::POST, &format!("/{nouns}/{name}/{verb}"), None)
            .await
    }

    /// Revokes the current key.
    async fn revoke_key(&self, purpose: KeyPurpose) -> Answer {
        let purpose = match purpose {
            KeyPurpose::Access => "access",
            KeyPurpose::Proof => "proof",
        };
        let listed = self.server.operator(Method::GET, "/keys", None).await.json();
        let mut keys = listed["keys"].as_array().expect("keys").iter();
        let key = keys.find(|key| key["purpose"] == purpose && key["state"] == "current");
        let path = format!("/keys/{}/revoke", key.expect("there is always a key")["id"]);
        self.server.operator(Method::POST, &path, None).await
    }

    async fn member(&self, user: usize, organization: usize, is: bool) -> Answer {
        let (organization, email) = (ORGANIZATIONS[organization], PEOPLE[user].email);
        let path = format!("/organizations/{organization}/members/{email}");
        if is {
            let role = json!({ "role": "member" });
            self.server.operator(Method::PUT, &path, Some(role)).await
        } else {
            self.server.operator(Method::DELETE, &path, None).await
        }
    }

    fn browser(&self, user: usize) -> Browser<'_> {
        let browser = self.server.browser();
        browser.set_cookies(&self.cookies.borrow()[user]);
        browser
    }

    fn client(&self, app: usize) -> Client<'_> {
        let client = self.server.client(CLIENTS[app], REDIRECT_URIS[app]);
        if self.model.apps[app].public {
            client.public()
        } else {
            client
        }
    }

    fn access_token(&self, access: &Access) -> &str {
        self.judge.access_token(access)
    }

    /// A forgery has another last byte.
    fn refresh_token(&self, token: Refresh) -> String {
        let genuine = self.judge.refresh_token(&Refresh { forged: false, ..token });
        match token.forged {
            false => genuine.to_owned(),
            true => {
                let (kept, last) = genuine.split_at(genuine.len() - 3);
                format!("{kept}{}", if last == "AAA" { "BBB" } else { "AAA" })
            }
        }
    }

    /// The id of a grant is the first part of its code.
    fn id(&self, grant: usize) -> String {
        let code = self.codes[grant].strip_prefix("hp_ac_").expect("a code");
        let bytes = URL_SAFE_NO_PAD.decode(code).expect("base64url");
        uuid::Uuid::from_slice(&bytes[..16]).expect("16 bytes").to_string()
    }
}
