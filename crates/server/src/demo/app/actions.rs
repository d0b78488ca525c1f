//! The actions of the buttons. Each records its exact requests and answers.

mod refreshing;

use hallpass_client::{AccessToken, AnyToken};

use super::keeping::Method;
use super::network::Recorded;
use super::session::Desk;
use super::steps::{self, Mood, ShownExchange, Veil};
use super::tour::Stop;
use super::{Registration, SampleApp};
use crate::demo::outgoing::ReceivedResponse;
use crate::demo::world::Call;

/// What a refused refresh means.
const OVER: &str = "Access is over: the person ended it, or the refresh token has expired. The app deleted its tokens; the person can connect again.";
/// Stands above an answer that the app did not get.
const LOST: &str = "Lost on its way. The app did not get this answer:";

/// A button of the desk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// Ask the keeper for a token, call.
    Call,
    /// Send the access token without checking its expiry.
    CallUnchecked,
    CallAltered,
    Expire,
    ExpireRefresh,
    Refresh,
    Lose,
    RefreshTwice,
    Identity,
    Introspect,
    Disconnect,
    OwnToken,
    Clear,
    Choose(Method),
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
            "lose" => Self::Lose,
            "refresh-twice" => Self::RefreshTwice,
            "identity" => Self::Identity,
            "introspect" => Self::Introspect,
            "disconnect" => Self::Disconnect,
            "own-token" => Self::OwnToken,
            "clear" => Self::Clear,
            "method-1" => Self::Choose(Method::OnDemand),
            "method-2" => Self::Choose(Method::Ahead),
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
        self.catch_up().await;
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
            (Action::Refresh, _) => self.refresh().await,
            (Action::Lose, _) => self.lose().await,
            (Action::Choose(method), _) => self.choose(method),
            (Action::RefreshTwice, _) => self.refresh_twice().await,
            (Action::Identity, _) => self.identity().await,
            (Action::Introspect, _) => self.introspect().await,
            (Action::Disconnect, _) => self.disconnect().await,
            (Action::Clear, _) => self.desk.steps.clear(),
            (_, None) => {}
        }
    }

    /// Tells what the keeper did since the last action.
    pub(super) async fn catch_up(&mut self) {
        let shown = self.shown_traffic();
        let needs_user = self.desk.keeping.needs_user().await;
        if !needs_user && shown.is_empty() {
            return;
        }
        let title = "Method 2: the keeper refreshes ahead of time, by itself";
        if needs_user {
            self.over().await;
            self.tell(Mood::Refused, title, OVER, shown);
        } else {
            let text = "Nobody pressed anything: the app watches the expiry of its tokens.";
            self.tell(Mood::Good, title, text, shown);
        }
    }

    /// Exchanges a code that the person copied (RFC 6749 §4.1.3).
    pub(super) async fn redeem(&mut self, code: &str) {
        let Some(begun) = self.desk.by_hand.take() else {
            return;
        };
        let keeping = &self.desk.keeping;
        let stored = match keeping.client.redeem(&begun.pending, code).await {
            Ok(tokens) => keeping.keeper.take_over(&keeping.connection, &tokens).await.is_ok(),
            Err(_) => false,
        };
        self.tell_exchange(stored);
    }

    /// Tells of the exchange of a code.
    pub(super) fn tell_exchange(&mut self, stored: bool) {
        let shown = self.shown_traffic();
        let title = "Exchange the code for tokens";
        if stored {
            self.desk.ended = false;
            self.desk.tour.start();
            let text =
                "The server gave an access token for the code and the client's secret. The code cannot be used again.";
            self.tell(Mood::Good, title, text, shown);
        } else {
            let text =
                "No tokens. A code works once, for a short time, and for the app and verifier that it was made for.";
            self.tell(Mood::Refused, title, text, shown);
        }
    }

    /// If the API refuses a token that has not expired, refreshes once and calls again.
    async fn call(&mut self, call: &Call) {
        let Some(token) = self.fresh().await else {
            return;
        };
        let title = format!("Call {} {}", call.method, call.path);
        if self.call_with(call, &token, &title).await != Some(401) {
            return;
        }
        let Some(held) = self.desk.held() else {
            return;
        };
        let keeping = &self.desk.keeping;
        let outcome = keeping.keeper.refused(&keeping.connection, &token).await;
        let title = "The API refused the token: does a refresh help?";
        if let Some(token) = self.settle(title, &held, outcome).await {
            self.call_with(call, &token, &format!("Call {} {}", call.method, call.path))
                .await;
        }
    }

    async fn call_once(&mut self, call: &Call, title: &str) {
        if let Some(held) = self.desk.held() {
            self.call_with(call, &held.access, title).await;
        }
    }

    async fn call_with(&mut self, call: &Call, token: &str, title: &str) -> Option<u16> {
        let (shown, answer) = self.get(call, token).await;
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
        let Some(token) = self.desk.held().map(|held| altered(&held.access)) else {
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

    async fn identity(&mut self) {
        let Some(token) = self.fresh().await else {
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
        let Some(token) = self.desk.held().and_then(|held| AccessToken::new(held.access)) else {
            return;
        };
        let known = self.desk.keeping.client.introspect(AnyToken::Access(&token)).await;
        let (mood, text) = match known {
            Ok(_) => (
                Mood::Good,
                "What the server says of the access token that the app holds.",
            ),
            Err(_) => (Mood::Refused, "The server does not say."),
        };
        let shown = self.shown_traffic();
        self.tell(mood, "Look the access token up", text, shown);
    }

    /// RFC 7009: to revoke the refresh token ends the grant.
    async fn disconnect(&mut self) {
        if self.desk.held().is_none() {
            return;
        }
        let keeping = &self.desk.keeping;
        let ended = keeping.keeper.end(&keeping.connection).await;
        let shown = self.shown_traffic();
        if ended.is_ok() {
            self.over().await;
            let text = "The app ended its own access, and no longer appears in the person's connected apps.";
            self.tell(Mood::Good, "Disconnect", text, shown);
        } else {
            let text = "The server could not answer; the app keeps its tokens and can try again.";
            self.tell(Mood::Refused, "Disconnect", text, shown);
        }
    }

    /// RFC 6749 §4.4: this token belongs to no person, so the API returns no person's data for it.
    async fn own_token(&mut self, call: &Call) {
        let title = "A token for the app itself";
        let answer = self.desk.keeping.client.client_credentials(&[]).await;
        let mut shown = self.shown_traffic();
        let Ok(tokens) = answer else {
            self.tell(Mood::Refused, title, "The server gave no token.", shown);
            return;
        };
        let (called, _) = self.get(call, tokens.access.secret()).await;
        shown.push(called);
        let text = "No person is involved: the app shows its own id and secret. With this token the API shows nobody's own data.";
        self.tell(Mood::Good, title, text, shown);
    }

    async fn over(&mut self) {
        self.desk.keeping.forget().await;
        self.desk.ended = true;
        self.desk.tour.reach(Stop::End);
    }

    /// The requests to the server since the last step, with secrets shortened.
    fn shown_traffic(&self) -> Vec<ShownExchange> {
        let recorded = self.desk.keeping.network.take();
        recorded.iter().map(|recorded| self.shown_recorded(recorded)).collect()
    }

    fn shown_recorded(&self, recorded: &Recorded) -> ShownExchange {
        let form: Vec<_> = recorded
            .form
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let request = steps::request("POST", &recorded.url, recorded.authorization.as_deref(), &form);
        let mut shown = self.shown(&request, recorded.answer.as_ref(), &form);
        if recorded.is_lost {
            shown.answer = format!("{LOST}\n\n{}", shown.answer);
        }
        shown
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
        if let Some(held) = self.desk.held() {
            veil.hide(&held.access);
            veil.hide(held.refresh.as_deref().unwrap_or_default());
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
