//! The buttons about the age of tokens: refresh, let them expire, lose an answer, and the switch between the two methods.

use std::time::Duration;

use hallpass_client::RefreshToken;
use hallpass_client::keeper::{KeeperError, Token};

use super::{ActionContext, OVER};
use crate::demo::app::held::HeldTokens;
use crate::demo::app::keeping::Method;
use crate::demo::app::moments;
use crate::demo::app::steps::Mood;
use crate::demo::app::tour::Stop;
use crate::time::Instant;

impl ActionContext<'_> {
    pub(super) fn choose(&mut self, method: Method) {
        self.desk.keeping.choose(method);
        let (title, text) = match method {
            Method::OnDemand => (
                "Method 1: refresh when the person acts",
                "From now on the app looks at the expiry before each call. The first call after it takes one request more.",
            ),
            Method::Ahead => (
                "Method 2: keep tokens fresh",
                "From now on the app refreshes its token before it expires, also while nobody uses the app. No call has to wait.",
            ),
        };
        self.tell(Mood::Note, title, text, Vec::new());
    }

    /// An access token from the keeper, which refreshes first if that is necessary (Method 1). `None` if there is no access.
    pub(super) async fn fresh(&mut self) -> Option<String> {
        let held = self.desk.held()?;
        let keeping = &self.desk.keeping;
        let outcome = keeping.keeper.token(&keeping.connection).await;
        if let Ok(token) = &outcome
            && token.access.secret() == held.access
        {
            return Some(held.access);
        }
        let title = match self.desk.keeping.method() {
            Method::OnDemand => "Method 1: the access token has expired, so refresh first",
            Method::Ahead => "The access token has expired, so refresh first",
        };
        self.settle(title, &held, outcome).await
    }

    /// Moves the clock of the demo to the moment at which the access token has just expired.
    pub(super) async fn expire(&mut self) {
        let title = "Let the access token expire";
        let Some((held, expires)) = self.desk.held().and_then(|held| Some((held.clone(), held.expires?))) else {
            return;
        };
        let moved = match self.desk.keeping.method() {
            Method::OnDemand => Duration::ZERO,
            Method::Ahead => self.pass_by(&held, expires).await,
        };
        self.wait_until(expires, moved, title).await;
        self.desk.tour.reach(Stop::Expire);
    }

    /// Method 2: on the way to the expiry of `held`, lets the keeper do its work. Returns how far the clock was moved.
    async fn pass_by(&mut self, held: &HeldTokens, expires: Instant) -> Duration {
        let now = self.app.clock.now();
        // The keeper refreshes before nine tenths of the lifetime are over.
        let due = held.received.after(expires.since(held.received) / 10 * 9);
        let span = due.since(now);
        if !span.is_zero() {
            self.app.clock.advance(span).await;
        }
        self.desk.keeping.until_other(&held.access).await;
        let keeping = &self.desk.keeping;
        let outcome = keeping.keeper.token(&keeping.connection).await;
        let title = "Method 2: the token expires soon, so the keeper refreshes by itself";
        self.settle(title, held, outcome).await;
        span
    }

    /// Moves the clock of the demo to the moment at which the refresh token has just expired.
    pub(super) async fn expire_refresh(&mut self) {
        let (Some(lifetime), Some(held)) = (self.app.refresh_lifetime, self.desk.held()) else {
            return;
        };
        let title = "Let the refresh token expire";
        self.wait_until(held.received.after(lifetime), Duration::ZERO, title)
            .await;
    }

    /// `moved`: how far the clock was moved for the same button before.
    async fn wait_until(&mut self, moment: Instant, moved: Duration, title: &str) {
        let now = self.app.clock.now();
        if moment >= now {
            let span = moment.since(now) + Duration::from_secs(1);
            self.app.clock.advance(span).await;
            let mut text = format!(
                "Instead of waiting, the clock of this demo was moved forward by {}, for the server, the API and this app.",
                moments::span(moved + span)
            );
            if !moved.is_zero() {
                text.push_str(
                    " The old access token has expired now, and no call notices it: the app has the new one.",
                );
            }
            self.tell(Mood::Note, title, &text, Vec::new());
        } else {
            self.tell(Mood::Note, title, "It has expired already.", Vec::new());
        }
    }

    pub(super) async fn refresh(&mut self) {
        let Some(held) = self.desk.held() else {
            return;
        };
        let keeping = &self.desk.keeping;
        let outcome = keeping.keeper.renew(&keeping.connection, &held.access).await;
        self.settle("Refresh now", &held, outcome).await;
    }

    /// Refreshes, loses the answer of the server, and waits until the keeper has asked again.
    pub(super) async fn lose(&mut self) {
        let Some(held) = self.desk.held() else {
            return;
        };
        let title = "Lose the answer";
        let keeping = &self.desk.keeping;
        keeping.network.lose_next();
        // The outcome says nothing yet: a keeper whose request was not answered goes on with the tokens that it has.
        drop(keeping.keeper.renew(&keeping.connection, &held.access).await);
        keeping.until_asked_again(&held.access).await;
        let outcome = keeping.keeper.token(&keeping.connection).await;
        let keeping = &self.desk.keeping;
        let (refreshes, same) = keeping.network.successors();
        if refreshes < 2 || keeping.needs_user().await {
            self.settle(title, &held, outcome).await;
            return;
        }
        let shown = self.shown_traffic();
        self.desk.tour.reach(Stop::Refresh);
        match same {
            true => {
                let text = "The server answered the first request, but the answer was lost on its way. A second later the keeper sent the same refresh token again, and the server gave the same tokens again. Nothing is lost.";
                self.tell(Mood::Good, title, text, shown);
            }
            false => {
                let text = "The keeper asked again with the same refresh token, and got another answer.";
                self.tell(Mood::Refused, title, text, shown);
            }
        }
    }

    /// Tells what became of a refresh (RFC 6749 §6). Returns the access token to use, if there is one.
    pub(super) async fn settle(
        &mut self,
        title: &str,
        before: &HeldTokens,
        outcome: Result<Token, KeeperError>,
    ) -> Option<String> {
        let shown = self.shown_traffic();
        if self.desk.keeping.needs_user().await {
            self.over().await;
            let text = match before.refresh {
                Some(_) => OVER,
                None => "There is no refresh token: only connecting again helps.",
            };
            self.tell(Mood::Refused, title, text, shown);
            return None;
        }
        let token = outcome.ok().map(|token| token.access.secret().to_owned());
        if token.as_ref().is_none_or(|token| *token == before.access) {
            let text = "The server could not answer. The app keeps its tokens: the same request may be sent again.";
            self.tell(Mood::Refused, title, text, shown);
            return token;
        }
        let text = match self.desk.held().is_some_and(|held| held.refresh == before.refresh) {
            true => "A new access token; the refresh token stays the same.",
            false => "A new access token, and a new refresh token for the next time.",
        };
        self.desk.tour.reach(Stop::Refresh);
        self.tell(Mood::Good, title, text, shown);
        token
    }

    /// Sends two refreshes with the same token, like two servers of one app that have no keeper in common.
    pub(super) async fn refresh_twice(&mut self) {
        let title = "Refresh twice at the same moment";
        let keeping = &self.desk.keeping;
        let Some(refresh) = self.desk.held().and_then(|held| RefreshToken::new(held.refresh?)) else {
            return;
        };
        let (first, second) = tokio::join!(keeping.client.refresh(&refresh), keeping.client.refresh(&refresh));
        if let Ok(tokens) = second.as_ref().or(first.as_ref()) {
            drop(keeping.keeper.take_over(&keeping.connection, tokens).await);
            keeping.network.hold(tokens);
        }
        let next = |tokens: &hallpass_client::Tokens| tokens.refresh.as_ref().map(|token| token.secret().to_owned());
        let (mood, text) = match (first, second) {
            (Ok(one), Ok(two)) if next(&one) == next(&two) => {
                self.desk.tour.reach(Stop::Refresh);
                (
                    Mood::Good,
                    "Both got the same refresh token. Neither is signed out, whichever answer the app keeps.",
                )
            }
            (Ok(_), Ok(_)) => (Mood::Good, "The two answers carry different refresh tokens."),
            (Err(_), Err(_)) => (Mood::Refused, "Neither was answered with tokens."),
            _ => (Mood::Refused, "Only one of the two was answered with tokens."),
        };
        let shown = self.shown_traffic();
        self.tell(mood, title, text, shown);
    }
}
