//! The actions of the buttons. Each records its exact requests and answers.

use std::time::Duration;

use super::keeper::{Renewal, TokenSet, TokenStanding};
use super::session::Desk;
use super::steps::{self, Mood, ShownExchange, Veil};
use super::tour::Stop;
use super::{Registration, SampleApp};
use crate::demo::outgoing::ReceivedResponse;
use crate::demo::world::{Call, ClientAuthentication};

/// A button of the desk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// Method 1: check the expiry, refresh if necessary, call.
    Call,
    /// Send the access token without checking its expiry.
    CallUnchecked,
    CallAltered,
    Expire,
    ExpireRefresh,
    Refresh,
    RefreshTwice,
    Identity,
    Introspect,
    Disconnect,
    OwnToken,
    Clear,
}

impl Action {
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "call" => Self::Call,
            "call-unchecked" => Self::CallUnchecked,
            "call-altered" => Self::CallAltered,
            "expire" => Self::Expire,
            "expire-refresh" => Self::ExpireRefresh,
            "refresh" => Self::Refresh,
            "refresh-twice" => Self::RefreshTwice,
            "identity" => Self::Identity,
            "introspect" => Self::Introspect,
            "disconnect" => Self::Disconnect,
            "own-token" => Self::OwnToken,
            "clear" => Self::Clear,
            _ => return None,
        })
    }
}

/// The context of one action: the app, the registration and one browser's session.
pub(super) struct ActionContext<'a> {
    pub(super) app: &'a SampleApp,
    pub(super) registration: &'a Registration,
    pub(super) desk: &'a mut Desk,
}

impl ActionContext<'_> {
    /// Performs the action of a button. `call` is the index of the chosen API call.
    pub(super) async fn act(&mut self, action: Action, call: usize) {
        let call = self.app.calls.get(call).or(self.app.calls.first()).cloned();
        match (action, call) {
            (Action::Call, Some(call)) => self.call(&call).await,
            (Action::CallUnchecked, Some(call)) => {
                let title = format!("Call {} {} without looking at the expiry", call.method, call.path);
                self.call_once(&call, &title).await;
            }
            (Action::CallAltered, Some(call)) => self.call_altered(&call).await,
            (Action::OwnToken, Some(call)) => self.own_token(&call).await,
            (Action::Expire, _) => self.expire().await,
            (Action::ExpireRefresh, _) => self.expire_refresh().await,
            (Action::Refresh, _) => {
                self.refresh("Refresh now").await;
            }
            (Action::RefreshTwice, _) => self.refresh_twice().await,
            (Action::Identity, _) => self.identity().await,
            (Action::Introspect, _) => self.introspect().await,
            (Action::Disconnect, _) => self.disconnect().await,
            (Action::Clear, _) => self.desk.steps.clear(),
            (_, None) => {}
        }
    }

    /// Exchanges the code (RFC 6749 §4.1.3). Sends `redirect_uri` exactly as in the authorization request, or leaves it
    /// out.
    pub(super) async fn redeem(&mut self, code: &str, verifier: &str) {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
        ];
        form.extend(self.registration.redirect_uri.clone().map(|uri| ("redirect_uri", uri)));
        form.push(("code_verifier", verifier.to_owned()));
        let (shown, answer) = self.post(&self.app.endpoints.token, form).await;
        let tokens = answer.filter(|answer| answer.status == 200);
        let tokens = tokens.and_then(|answer| TokenSet::parse(&answer.body, self.app.clock.now()));
        if let Some(tokens) = tokens {
            self.desk.tokens = Some(tokens);
            self.desk.ended = false;
            self.desk.tour.start();
            let text =
                "The server gave an access token for the code and the client's secret. The code cannot be used again.";
            self.tell(Mood::Good, "Exchange the code for tokens", text, vec![shown]);
        } else {
            let text =
                "No tokens. A code works once, for a short time, and for the app and verifier that it was made for.";
            self.tell(Mood::Refused, "Exchange the code for tokens", text, vec![shown]);
        }
    }

    /// Method 1. If the API refuses a token that has not expired, refreshes once and calls again.
    async fn call(&mut self, call: &Call) {
        if !self.fresh().await {
            return;
        }
        let title = format!("Call {} {}", call.method, call.path);
        let status = self.call_once(call, &title).await;
        if status == Some(401) && self.refresh("The API refused the token: does a refresh help?").await {
            self.call_once(call, &title).await;
        }
    }

    /// Refreshes first if the access token has expired. Returns `false` if there is no access.
    async fn fresh(&mut self) -> bool {
        match self
            .desk
            .tokens
            .as_ref()
            .map(|tokens| tokens.standing(self.app.clock.now()))
        {
            None => false,
            Some(TokenStanding::Good) => true,
            Some(TokenStanding::Expired) => {
                self.refresh("Method 1: the access token has expired, so refresh first")
                    .await
            }
        }
    }

    async fn call_once(&mut self, call: &Call, title: &str) -> Option<u16> {
        let token = self.desk.tokens.as_ref()?.access.clone();
        let (shown, answer) = self.get(call, &token).await;
        let status = answer.map(|answer| answer.status);
        if matches!(status, Some(200..300)) {
            self.desk.tour.reach(Stop::Call);
        }
        let (mood, text) = match status {
            Some(200..300) => (
                Mood::Good,
                "The API asked the server whether the token is good, and answered.",
            ),
            Some(401) => (
                Mood::Refused,
                "The API does not take this token: it has expired, or access was ended.",
            ),
            Some(403) => (
                Mood::Refused,
                "The token is good, but the person did not give this permission.",
            ),
            Some(_) => (Mood::Refused, "The API could not answer this."),
            None => (Mood::Refused, "The API could not be reached."),
        };
        self.tell(mood, title, text, vec![shown]);
        status
    }

    async fn call_altered(&mut self, call: &Call) {
        let Some(token) = self.desk.tokens.as_ref().map(|tokens| altered(&tokens.access)) else {
            return;
        };
        let (shown, _) = self.get(call, &token).await;
        let text = "One letter differs from the real token. Nothing that a server did not make itself is accepted.";
        self.tell(
            Mood::Refused,
            "Call with a token that somebody altered",
            text,
            vec![shown],
        );
    }

    /// Moves the clock of the demo to the moment at which the access token has just expired.
    async fn expire(&mut self) {
        let Some(expires) = self.desk.tokens.as_ref().and_then(|tokens| tokens.expires) else {
            return;
        };
        self.wait_until(expires, "Let the access token expire").await;
        self.desk.tour.reach(Stop::Expire);
    }

    /// Moves the clock of the demo to the moment at which the refresh token has just expired.
    async fn expire_refresh(&mut self) {
        let (Some(lifetime), Some(tokens)) = (self.app.refresh_lifetime, &self.desk.tokens) else {
            return;
        };
        self.wait_until(tokens.received.after(lifetime), "Let the refresh token expire")
            .await;
    }

    async fn wait_until(&mut self, moment: crate::time::Instant, title: &str) {
        let now = self.app.clock.now();
        if moment >= now {
            let span = moment.since(now) + Duration::from_secs(1);
            self.app.clock.advance(span).await;
            let text = format!(
                "Instead of waiting, the clock of this demo was moved forward by {}, for the server, the API and this app.",
                super::moments::span(span)
            );
            self.tell(Mood::Note, title, &text, Vec::new());
        } else {
            self.tell(Mood::Note, title, "It has expired already.", Vec::new());
        }
    }

    /// RFC 6749 §6. Returns `false` if there is no new access token.
    async fn refresh(&mut self, title: &str) -> bool {
        let Some(held) = self.desk.tokens.clone() else {
            return false;
        };
        let Some(form) = refresh_form(&held) else {
            self.over();
            self.tell(
                Mood::Refused,
                title,
                "There is no refresh token: only connecting again helps.",
                Vec::new(),
            );
            return false;
        };
        let (shown, answer) = self.post(&self.app.endpoints.token, form).await;
        let renewal = answer.map(|answer| held.renewed(answer.status, &answer.body, self.app.clock.now()));
        match renewal.unwrap_or(Renewal::Later) {
            Renewal::Renewed(tokens) => {
                let text = match tokens.refresh == held.refresh {
                    true => "A new access token; the refresh token stays the same.",
                    false => "A new access token, and a new refresh token for the next time.",
                };
                self.desk.tokens = Some(tokens);
                self.desk.tour.reach(Stop::Refresh);
                self.tell(Mood::Good, title, text, vec![shown]);
                true
            }
            Renewal::Over => {
                self.over();
                let text = "Access is over: the person ended it, or the refresh token has expired. The app deleted its tokens; the person can connect again.";
                self.tell(Mood::Refused, title, text, vec![shown]);
                false
            }
            Renewal::Later => {
                let text = "The server could not answer. The app keeps its tokens: the same request may be sent again.";
                self.tell(Mood::Refused, title, text, vec![shown]);
                false
            }
        }
    }

    /// Sends two refreshes with the same token, like two tabs or two servers of one app.
    async fn refresh_twice(&mut self) {
        let title = "Refresh twice at the same moment";
        let Some((held, form)) = self
            .desk
            .tokens
            .clone()
            .and_then(|held| Some((held.clone(), refresh_form(&held)?)))
        else {
            return;
        };
        let url = &self.app.endpoints.token;
        let (first, second) = tokio::join!(self.post(url, form.clone()), self.post(url, form));
        let now = self.app.clock.now();
        let renewed =
            |answer: &Option<ReceivedResponse>| match answer.as_ref().map(|a| held.renewed(a.status, &a.body, now)) {
                Some(Renewal::Renewed(tokens)) => Some(tokens),
                _ => None,
            };
        let shown = vec![first.0, second.0];
        match (renewed(&first.1), renewed(&second.1)) {
            (Some(one), Some(two)) => {
                let text = match one.refresh == two.refresh {
                    true => "Both got the same refresh token. Neither is signed out, whichever answer the app keeps.",
                    false => "The two answers carry different refresh tokens.",
                };
                self.desk.tokens = Some(one);
                self.desk.tour.reach(Stop::Refresh);
                self.tell(Mood::Good, title, text, shown);
            }
            (Some(tokens), None) | (None, Some(tokens)) => {
                self.desk.tokens = Some(tokens);
                self.tell(
                    Mood::Refused,
                    title,
                    "Only one of the two was answered with tokens.",
                    shown,
                );
            }
            (None, None) => {
                self.tell(Mood::Refused, title, "Neither was answered with tokens.", shown);
            }
        }
    }

    async fn identity(&mut self) {
        if !self.fresh().await {
            return;
        }
        let Some(token) = self.desk.tokens.as_ref().map(|tokens| tokens.access.clone()) else {
            return;
        };
        let url = &self.app.endpoints.identity;
        let answer = self.app.http.get(url, &token).await.ok();
        let request = steps::request("GET", url, Some(&format!("Bearer {token}")), &[]);
        let shown = self.shown(&request, answer.as_ref(), &[]);
        let (mood, text) = match answer.map(|answer| answer.status) {
            Some(200) => (Mood::Good, "The server says who gave access."),
            _ => (Mood::Refused, "The server does not say who gave access."),
        };
        self.tell(mood, "Ask who gave access", text, vec![shown]);
    }

    /// RFC 7662: an app may ask about its own tokens.
    async fn introspect(&mut self) {
        let Some(token) = self.desk.tokens.as_ref().map(|tokens| tokens.access.clone()) else {
            return;
        };
        let (shown, answer) = self.post(&self.app.endpoints.introspect, vec![("token", token)]).await;
        let (mood, text) = match answer.map(|answer| answer.status) {
            Some(200) => (
                Mood::Good,
                "What the server says of the access token that the app holds.",
            ),
            _ => (Mood::Refused, "The server does not say."),
        };
        self.tell(mood, "Look the access token up", text, vec![shown]);
    }

    /// RFC 7009: to revoke the refresh token ends the grant.
    async fn disconnect(&mut self) {
        let Some(tokens) = self.desk.tokens.clone() else {
            return;
        };
        let (token, hint) = match tokens.refresh {
            Some(refresh) => (refresh, "refresh_token"),
            None => (tokens.access, "access_token"),
        };
        let form = vec![("token", token), ("token_type_hint", hint.to_owned())];
        let (shown, answer) = self.post(&self.app.endpoints.revoke, form).await;
        if answer.is_some_and(|answer| answer.status == 200) {
            self.over();
            let text = "The app ended its own access, and no longer appears in the person's connected apps.";
            self.tell(Mood::Good, "Disconnect", text, vec![shown]);
        } else {
            let text = "The server could not answer; the app keeps its tokens and can try again.";
            self.tell(Mood::Refused, "Disconnect", text, vec![shown]);
        }
    }

    /// RFC 6749 §4.4: this token belongs to no person, so the API returns no person's data for it.
    async fn own_token(&mut self, call: &Call) {
        let title = "A token for the app itself";
        let form = vec![("grant_type", "client_credentials".to_owned())];
        let (shown, answer) = self.post(&self.app.endpoints.token, form).await;
        let now = self.app.clock.now();
        let tokens = answer
            .filter(|answer| answer.status == 200)
            .and_then(|a| TokenSet::parse(&a.body, now));
        let Some(tokens) = tokens else {
            self.tell(Mood::Refused, title, "The server gave no token.", vec![shown]);
            return;
        };
        let (called, _) = self.get(call, &tokens.access).await;
        let text = "No person is involved: the app shows its own id and secret. With this token the API shows nobody's own data.";
        self.tell(Mood::Good, title, text, vec![shown, called]);
    }

    fn over(&mut self) {
        self.desk.tokens = None;
        self.desk.ended = true;
        self.desk.tour.reach(Stop::End);
    }

    /// Posts a form to the server, with the client's id and secret as the preset places them.
    async fn post(
        &self,
        url: &str,
        mut form: Vec<(&'static str, String)>,
    ) -> (ShownExchange, Option<ReceivedResponse>) {
        let credentials = &self.registration.credentials;
        let basic = match self.app.client_authentication {
            ClientAuthentication::Basic => Some(credentials),
            ClientAuthentication::Body => {
                form.push(("client_id", credentials.id.clone()));
                form.push(("client_secret", credentials.secret.clone()));
                None
            }
        };
        let answer = self.app.http.post(url, &form, basic).await.ok();
        let authorization = basic.map(crate::demo::outgoing::Credentials::basic);
        let request = steps::request("POST", url, authorization.as_deref(), &form);
        (self.shown(&request, answer.as_ref(), &form), answer)
    }

    /// Sends a call to the API.
    async fn get(&self, call: &Call, token: &str) -> (ShownExchange, Option<ReceivedResponse>) {
        let url = format!("{}{}", self.app.api_url, call.path);
        let method = http::Method::from_bytes(call.method.as_bytes()).unwrap_or_default();
        let answer = self.app.http.call(&method, &url, token, call.body.as_ref()).await.ok();
        let mut request = steps::request(&call.method, &url, Some(&format!("Bearer {token}")), &[]);
        if let Some(body) = &call.body {
            request += &format!(
                "\nContent-Type: application/json\n\n{}",
                steps::laid_out(&body.to_string())
            );
        }
        (
            self.shown(&request, answer.as_ref(), &[("token", token.to_owned())]),
            answer,
        )
    }

    fn shown(&self, request: &str, answer: Option<&ReceivedResponse>, form: &[(&str, String)]) -> ShownExchange {
        let mut veil = self.veil();
        for (_, value) in form
            .iter()
            .filter(|(name, _)| matches!(*name, "code" | "code_verifier" | "token" | "refresh_token"))
        {
            veil.hide(value);
        }
        if let Some(answer) = answer {
            veil.hide_tokens(&answer.body);
        }
        let answered = answer.map_or_else(|| "No answer came.".to_owned(), steps::render_response);
        ShownExchange {
            request: veil.cover(request),
            answer: veil.cover(&answered),
        }
    }

    /// All secrets in the requests of this app. Credentials that are public stay readable: the text of the API explains its
    /// Basic header with them (HOME-1).
    fn veil(&self) -> Veil {
        let mut veil = Veil::default();
        let credentials = &self.registration.credentials;
        if !credentials.is_public {
            veil.hide(&credentials.secret);
            veil.hide(credentials.basic().trim_start_matches("Basic "));
        }
        if let Some(tokens) = &self.desk.tokens {
            veil.hide(&tokens.access);
            veil.hide(tokens.refresh.as_deref().unwrap_or_default());
        }
        veil
    }

    pub(super) fn tell(&mut self, mood: Mood, title: &str, text: &str, exchanges: Vec<ShownExchange>) {
        let at = super::moments::time(self.app.clock.now());
        self.desk.tell(at, mood, title, text, exchanges);
    }
}

/// The token with its second to last letter changed. The bits of the last letter may not all belong to the token
/// (base64url).
fn altered(token: &str) -> String {
    let mut letters: Vec<char> = token.chars().collect();
    if let Some(letter) = letters.iter_mut().rev().nth(1) {
        *letter = if *letter == 'A' { 'B' } else { 'A' };
    }
    letters.into_iter().collect()
}

fn refresh_form(held: &TokenSet) -> Option<Vec<(&'static str, String)>> {
    let token = held.refresh.clone()?;
    Some(vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", token),
    ])
}
