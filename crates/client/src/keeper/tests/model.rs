//! A token endpoint in memory with Hallpass's rule for refresh tokens: rotation, repetition within the grace, replacement
//! while the successor is unseen, and the end at reuse.

use super::super::provider::{AnswerFuture, Endpoints, Variables};
use super::super::record::tests::tokens;
use crate::{AnyToken, Client, OAuthError, ProviderError, RefreshToken, TokenError, Tokens};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) const GRACE: i64 = 30_000;
pub(super) const RETRY: i64 = 3_600_000;
pub(super) const ACCESS: i64 = 3_600_000;

/// What happens to one request.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It is answered.
    Fair,
    /// It never reaches the server.
    NotSent,
    /// It is answered, without an access token.
    Incomplete,
    /// It reaches the server and its answer is lost.
    AnswerLost,
    /// It is lost on its way, and the client cannot tell.
    RequestLost,
    /// The server says "later".
    Busy(Option<Duration>),
    /// The answer takes this long.
    Slow(Duration),
    /// It is answered, with a `Date` that is so far from the client's clock.
    Dated(i64),
    /// The server refuses with this code and text.
    Refused(&'static str, Option<&'static str>),
}

#[derive(Clone, Debug, Default)]
struct Grant {
    current: u32,
    previous: Option<u32>,
    rotated_at: i64,
    seen: bool,
    ended: bool,
    /// When it ends whatever is refreshed. Each answer says so.
    ends_at: Option<i64>,
    /// A lost answer was asked for again later than the server gives it.
    too_late: bool,
    in_flight: usize,
}

#[derive(Default)]
struct Inner {
    grants: HashMap<String, Grant>,
    fates: VecDeque<Fate>,
    /// The names of all grants that were asked about, in order.
    asked: Vec<String>,
    /// The tokens that were to be revoked, in order.
    revoked: Vec<String>,
    /// More than one refresh of one grant was in flight.
    doubled: bool,
    repeats: bool,
}

/// The model. A clone is the same server.
#[derive(Clone)]
pub(super) struct Model {
    inner: Arc<Mutex<Inner>>,
    clock: Arc<dyn crate::Clock>,
}

/// Counts a request as in flight until it is dropped.
struct InFlight<'a>(&'a Model, String);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.grant(&self.1, |grant| grant.in_flight -= 1);
    }
}

impl Model {
    pub(super) fn new(clock: Arc<dyn crate::Clock>) -> Self {
        let inner = Inner {
            repeats: true,
            ..Inner::default()
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            clock,
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap())
    }

    fn grant<T>(&self, name: &str, work: impl FnOnce(&mut Grant) -> T) -> T {
        self.with(|inner| work(inner.grants.get_mut(name).unwrap()))
    }

    fn now(&self) -> i64 {
        self.clock.now_millis()
    }

    /// The server never repeats an answer: a second use of a refresh token is refused, and ends nothing.
    pub(super) fn never_repeats(&self) {
        self.with(|inner| inner.repeats = false);
    }

    /// A new grant, redeemed now.
    pub(super) fn connect(&self, name: &str) -> Tokens {
        let now = self.now();
        self.with(|inner| {
            let grant = Grant {
                current: 1,
                rotated_at: now,
                ..Grant::default()
            };
            inner.grants.insert(name.to_owned(), grant);
        });
        self.issue(name, 1)
    }

    /// As [`Model::connect`], with a grant that ends at this moment.
    pub(super) fn connect_until(&self, name: &str, ends_at: i64) -> Tokens {
        drop(self.connect(name));
        self.grant(name, |grant| grant.ends_at = Some(ends_at));
        self.issue(name, 1)
    }

    /// The next requests have these fates; later ones are answered.
    pub(super) fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        self.with(|inner| inner.fates.extend(fates));
    }

    pub(super) fn end(&self, name: &str) {
        self.grant(name, |grant| grant.ended = true);
    }

    /// The number of requests so far.
    pub(super) fn requests(&self) -> usize {
        self.with(|inner| inner.asked.len())
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.with(|inner| inner.asked.clone())
    }

    pub(super) fn revoked(&self) -> Vec<String> {
        self.with(|inner| inner.revoked.clone())
    }

    pub(super) fn is_ended(&self, name: &str) -> bool {
        self.grant(name, |grant| grant.ended)
    }

    /// Whether the keeper had no chance: the time in which the server repeats an answer was over.
    pub(super) fn is_too_late(&self, name: &str) -> bool {
        self.grant(name, |grant| grant.too_late)
    }

    pub(super) fn generation(&self, name: &str) -> u32 {
        self.grant(name, |grant| grant.current)
    }

    /// Whether two refreshes of one grant were ever in flight at once.
    pub(super) fn doubled(&self) -> bool {
        self.with(|inner| inner.doubled)
    }

    /// The API sees an access token. Returns whether it is good.
    pub(super) fn call(&self, access: &str) -> bool {
        let (name, generation) = parts(access);
        let now = self.now();
        self.grant(&name, |grant| {
            let current = generation == grant.current;
            grant.seen |= current;
            !grant.ended && (!current || now < grant.rotated_at + ACCESS)
        })
    }

    fn issue(&self, name: &str, generation: u32) -> Tokens {
        let (access, refresh) = (format!("at.{name}.{generation}"), format!("rt.{name}.{generation}"));
        let sent_at = self.clock.now_millis();
        let mut issued = tokens(sent_at, &access, Some(&refresh), (Some(ACCESS), Some(14 * 24 * ACCESS)));
        issued.clock_skew = Some(0);
        // The wire says the rest of the life in whole seconds.
        let ends_at = self.with(|inner| inner.grants.get(name).and_then(|grant| grant.ends_at));
        issued.grant_expires_at = ends_at.map(|end| sent_at + (end - sent_at) / 1000 * 1000);
        issued
    }

    /// `crates/server/src/tokens/refresh.rs`, as a client sees it.
    fn present(&self, refresh: &str) -> Result<Tokens, TokenError> {
        let (name, presented) = parts(refresh);
        let now = self.now();
        let repeats = self.with(|inner| inner.repeats);
        let issued = self.grant(&name, |grant| {
            if grant.ended {
                return None;
            }
            if presented == grant.current {
                grant.previous = Some(presented);
            } else if !repeats {
                return None;
            } else if grant.previous != Some(presented) {
                grant.ended = true;
                return None;
            } else if now - grant.rotated_at <= GRACE {
                return Some(grant.current);
            } else if grant.seen || now - grant.rotated_at > RETRY {
                grant.too_late = !grant.seen;
                grant.ended = true;
                return None;
            }
            grant.current += 1;
            (grant.rotated_at, grant.seen) = (now, false);
            Some(grant.current)
        });
        match issued {
            Some(generation) => Ok(self.issue(&name, generation)),
            None => Err(refusal("invalid_grant", None)),
        }
    }

    async fn answer(&self, refresh: &str) -> Result<Tokens, TokenError> {
        let (name, _) = parts(refresh);
        let fate = self.with(|inner| {
            inner.asked.push(name.clone());
            let grant = inner.grants.get_mut(&name).unwrap();
            grant.in_flight += 1;
            inner.doubled |= grant.in_flight > 1;
            inner.fates.pop_front().unwrap_or(Fate::Fair)
        });
        let _in_flight = InFlight(self, name);
        tokio::task::yield_now().await;
        let lost = || Err(TokenError::Unanswered("reset".to_owned()));
        match fate {
            Fate::Fair => {
                let answer = self.present(refresh);
                tokio::task::yield_now().await;
                answer
            }
            Fate::NotSent => Err(TokenError::NotSent("refused".to_owned())),
            Fate::Incomplete => Err(TokenError::Incomplete {
                status: 200,
                refresh: self.present(refresh)?.refresh.unwrap(),
            }),
            Fate::AnswerLost => {
                drop(self.present(refresh));
                tokio::task::yield_now().await;
                lost()
            }
            Fate::RequestLost => lost(),
            Fate::Busy(retry_after) => Err(TokenError::Unavailable {
                retry_after,
                status: 429,
                may_have_counted: false,
            }),
            Fate::Slow(span) => {
                let answer = self.present(refresh);
                tokio::time::sleep(span).await;
                answer
            }
            Fate::Dated(skew) => {
                let mut answer = self.present(refresh)?;
                answer.clock_skew = Some(skew);
                Ok(answer)
            }
            Fate::Refused(code, description) => Err(refusal(code, description)),
        }
    }
}

impl Endpoints for Model {
    fn client(&self, _: &Variables) -> Result<Client, ProviderError> {
        Err(ProviderError::Missing("token_endpoint"))
    }

    fn check(&self, variables: &Variables) -> Result<(), ProviderError> {
        match variables.get("tenant").map(String::as_str) {
            Some("bad") => Err(ProviderError::Value("tenant".to_owned())),
            _ => Ok(()),
        }
    }

    fn place(&self, variables: &Variables) -> String {
        variables.get("tenant").cloned().unwrap_or_default()
    }

    fn refresh<'a>(&'a self, variables: &'a Variables, token: &'a RefreshToken) -> AnswerFuture<'a, Tokens> {
        Box::pin(async move {
            self.check(variables)
                .map_err(|error| TokenError::NotSent(error.to_string()))?;
            self.answer(token.secret()).await
        })
    }

    fn revoke<'a>(&'a self, _: &'a Variables, token: AnyToken<'a>) -> AnswerFuture<'a, ()> {
        Box::pin(async move {
            let AnyToken::Refresh(token) = token else {
                return Ok(());
            };
            let (name, _) = parts(token.secret());
            self.with(|inner| inner.revoked.push(token.secret().to_owned()));
            match self.with(|inner| inner.fates.pop_front()) {
                None | Some(Fate::Fair) => {
                    self.end(&name);
                    Ok(())
                }
                Some(Fate::Slow(span)) => {
                    self.end(&name);
                    tokio::time::sleep(span).await;
                    Ok(())
                }
                Some(Fate::Refused(code, text)) => Err(refusal(code, text)),
                Some(_) => Err(TokenError::NotSent("refused".to_owned())),
            }
        })
    }
}

fn refusal(code: &str, description: Option<&str>) -> TokenError {
    let error = OAuthError {
        code: code.to_owned(),
        description: description.map(str::to_owned),
        status: 400,
    };
    TokenError::Refused(error)
}

/// Grant and generation of a token.
fn parts(token: &str) -> (String, u32) {
    let (name, generation) = token.get(3..).unwrap().rsplit_once('.').unwrap();
    (name.to_owned(), generation.parse().unwrap())
}
