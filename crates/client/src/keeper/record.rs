//! What the vault keeps of a connection, sealed.
//!
//! All moments are milliseconds since 1970 by the **provider's** clock. Several keepers with different clocks, each of which
//! knows its distance from the provider's, then mean the same moment.

use super::provider::Variables;
use super::seal::{NotSealed, Purpose, VaultKey};
use super::vault::{State, Summary};
use super::{Connection, VaultError};
use crate::{AccessToken, RefreshToken, TokenType, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use zeroize::Zeroizing;

/// The user is told this long before a connection ends for good.
const NOTICE: i64 = 7 * 24 * 3_600_000;

/// Ends that are closer together than this are one: a server says the rest of a life in whole seconds.
const SAME_END: i64 = 60_000;

/// An access token younger than this is given, although it says that it is over: another one would say the same.
const YOUNG: i64 = 10_000;

/// A connection's tokens, and what happened to them.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) access: Option<Access>,
    pub(crate) refresh: Option<Refresh>,
    /// When the tokens were first had.
    pub(crate) connected_at: i64,
    /// When the grant ends whatever is refreshed.
    pub(crate) grant_expires_at: Option<i64>,
    pub(crate) standing: Standing,
    /// Failed refreshes in a row.
    pub(crate) attempts: u32,
    /// The next refresh of Method 2.
    pub(crate) next_at: i64,
    /// The last refresh that failed. Without a refresh token: the last refusal of the access token that counted.
    #[serde(default)]
    pub(crate) failed_at: i64,
    /// Why the last refresh failed, if it did: an error code or a word of the keeper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// No refresh before this moment, also not on demand.
    pub(crate) not_before: i64,
    /// New access tokens in a row that the API refused at once. Without a refresh token: the refusals of the one there is.
    pub(crate) refusals: u32,
    /// The end that the user was told of.
    pub(crate) told_end: Option<i64>,
    /// Values for the variables of the provider's endpoints.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub(crate) variables: Variables,
    /// The leases after the first of these, up to the second, sent nothing that can have counted. A lease whose holder
    /// disappeared is never among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quiet: Option<(i64, i64)>,
}

/// An access token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Access {
    #[serde(with = "access_text")]
    pub(crate) token: AccessToken,
    pub(crate) token_type: String,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) scope: Option<String>,
    pub(crate) extra: Map<String, Value>,
    /// Whether the API refused it.
    pub(crate) refused: bool,
}

/// A refresh token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Refresh {
    #[serde(with = "refresh_text")]
    pub(crate) token: RefreshToken,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: Option<i64>,
}

/// Whether tokens can be had.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Standing {
    Ready,
    Paused { since: i64, reason: String },
    NeedsUser { since: i64, reason: String },
}

impl Record {
    /// The record of new tokens. `skew` is the provider's clock minus the clock of the tokens.
    pub(crate) fn new(tokens: &Tokens, skew: i64) -> Self {
        let mut record = Self {
            access: None,
            refresh: None,
            connected_at: tokens.requested_at.saturating_add(skew),
            grant_expires_at: None,
            standing: Standing::Ready,
            attempts: 0,
            next_at: 0,
            failed_at: 0,
            failure: None,
            not_before: 0,
            refusals: 0,
            told_end: None,
            variables: Variables::new(),
            quiet: None,
        };
        record.accept(tokens, skew);
        record
    }

    /// Takes over the tokens of an answer. Without a new refresh token, the one before stays valid (RFC 6749 §6).
    pub(crate) fn accept(&mut self, tokens: &Tokens, skew: i64) {
        let shift = |moment: i64| moment.saturating_add(skew);
        let before = self.access.take();
        self.access = Some(Access {
            token: tokens.access.clone(),
            token_type: tokens.token_type.as_str().to_owned(),
            issued_at: shift(tokens.requested_at),
            expires_at: tokens.expires_at.map(shift),
            // An answer without `scope` means the same as before (§5.1); so does one without an extra member.
            scope: tokens
                .scope
                .clone()
                .or_else(|| before.as_ref().and_then(|before| before.scope.clone())),
            extra: match before {
                Some(mut before) => {
                    before.extra.extend(tokens.extra.clone());
                    before.extra
                }
                None => tokens.extra.clone(),
            },
            refused: false,
        });
        if let Some(token) = &tokens.refresh {
            self.refresh = Some(Refresh {
                token: token.clone(),
                issued_at: shift(tokens.requested_at),
                expires_at: tokens.refresh_expires_at.map(shift),
            });
        }
        self.grant_expires_at = tokens.grant_expires_at.map(shift).or(self.grant_expires_at);
        self.standing = Standing::Ready;
        self.attempts = 0;
        self.failure = None;
        self.not_before = 0;
        self.quiet = None;
    }

    /// Notes that the lease `fence` sent nothing that can have counted.
    pub(crate) fn note_quiet(&mut self, fence: i64) {
        let before = self.quiet.filter(|(_, last)| last.saturating_add(1) == fence);
        let after = before.map_or(fence.saturating_sub(1), |(after, _)| after);
        self.quiet = Some((after, fence));
    }

    /// The last lease up to which nobody sent the refresh token, if nobody did up to the lease `fence`.
    pub(crate) fn quiet_until(&self, fence: i64) -> i64 {
        match self.quiet {
            Some((after, last)) if after <= fence => last.max(fence),
            _ => fence,
        }
    }

    /// The access token, if it is good for `margin` from `now` on and the API did not refuse it.
    pub(crate) fn live(&self, now: i64, margin: Duration) -> Option<&Access> {
        let margin = i64::try_from(margin.as_millis()).unwrap_or(i64::MAX);
        let is_live = |access: &&Access| {
            let remaining = access.expires_at.map(|end| end.saturating_sub(now));
            !access.refused && remaining.is_none_or(|remaining| remaining > margin)
        };
        self.access.as_ref().filter(is_live)
    }

    /// The access token that a caller gets: a live one, or a new one that the provider gave for less than some seconds.
    /// Without the latter, each request of a program would cost a refresh.
    pub(crate) fn usable(&self, now: i64) -> Option<&Access> {
        let is_young = |access: &&Access| {
            let age = now.saturating_sub(access.issued_at);
            let was_good = access.expires_at.is_none_or(|end| end > access.issued_at);
            !access.refused && was_good && (0..YOUNG).contains(&age)
        };
        self.live(now, Duration::ZERO)
            .or_else(|| self.access.as_ref().filter(is_young))
    }

    /// Whether a refresh must wait. A failure in the future was written by a clock that was wrong, and so was the wait.
    pub(crate) fn waits(&self, now: i64) -> bool {
        self.not_before > now && !is_ahead(self.failed_at, now)
    }

    /// Whether the access token need not be refreshed before use: it is live for `margin`, or for a tenth of its lifetime.
    pub(crate) fn is_fresh(&self, now: i64, margin: Duration) -> bool {
        let life = self
            .access
            .as_ref()
            .and_then(|access| Some(access.expires_at?.saturating_sub(access.issued_at)));
        let tenth = life.map_or(Duration::MAX, |life| {
            Duration::from_millis(u64::try_from(life / 10).unwrap_or(0))
        });
        let is_over = self.live(now, Duration::ZERO).is_none();
        self.live(now, margin.min(tenth)).is_some() || (is_over && self.usable(now).is_some())
    }

    /// When the connection ends for good whatever the keeper does, if that is known.
    pub(crate) fn ends_at(&self) -> Option<i64> {
        let access = self.access.as_ref();
        let fixed = self.refresh.as_ref().filter(|refresh| {
            // The last answer brought no new refresh token, so refreshing does not move its end.
            access.is_some_and(|access| access.issued_at > refresh.issued_at)
        });
        let ends = [self.grant_expires_at, fixed.and_then(|refresh| refresh.expires_at)];
        ends.into_iter().flatten().min()
    }

    /// When the user should hear of the end, unless that was done.
    pub(crate) fn tell_end_at(&self) -> Option<i64> {
        let is_told = |end: i64| self.told_end.is_some_and(|told| (told - end).abs() <= SAME_END);
        let end = self.ends_at().filter(|end| !is_told(*end))?;
        let notice = (end.saturating_sub(self.connected_at) / 5).clamp(0, NOTICE);
        Some(end.saturating_sub(notice))
    }

    /// What a list shows.
    pub(crate) fn summary(&self) -> Summary {
        let (state, since, reason) = match &self.standing {
            Standing::Ready => (State::Ready, self.connected_at, self.failure.clone()),
            Standing::Paused { since, reason } => (State::Paused, *since, Some(reason.clone())),
            Standing::NeedsUser { since, reason } => (State::NeedsUser, *since, Some(reason.clone())),
        };
        Summary {
            state,
            reason,
            since,
            expires_at: self.access.as_ref().and_then(|access| access.expires_at),
        }
    }

    /// Seals the record for its connection.
    pub(crate) fn seal(&self, key: &VaultKey, connection: &Connection) -> Result<Vec<u8>, VaultError> {
        let plain = serde_json::to_vec(self).map(Zeroizing::new);
        let plain = plain.map_err(|error| VaultError::Failed(error.to_string()))?;
        key.seal(&Purpose::Record(connection), &plain)
            .map_err(|NotSealed| VaultError::Failed(format!("failed to seal {connection}")))
    }

    /// Opens the record of a connection.
    pub(crate) fn open(key: &VaultKey, connection: &Connection, sealed: &[u8]) -> Result<Self, VaultError> {
        let failed = || VaultError::Sealed(connection.to_string());
        let plain = key
            .open(&Purpose::Record(connection), sealed)
            .map_err(|NotSealed| failed())?;
        serde_json::from_slice(&plain).map_err(|_| failed())
    }
}

/// Whether a moment that has passed lies in the future: a clock was wrong when it was written.
pub(crate) fn is_ahead(past: i64, now: i64) -> bool {
    past > now.saturating_add(5000)
}

impl Access {
    /// The word for the header `Authorization`.
    pub(crate) fn token_type(&self) -> TokenType {
        TokenType::from_word(&self.token_type)
    }
}

mod access_text {
    use crate::AccessToken;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(token: &AccessToken, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(token.secret())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<AccessToken, D::Error> {
        AccessToken::new(String::deserialize(from)?).ok_or_else(|| D::Error::custom("no access token"))
    }
}

mod refresh_text {
    use crate::RefreshToken;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(token: &RefreshToken, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(token.secret())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<RefreshToken, D::Error> {
        RefreshToken::new(String::deserialize(from)?).ok_or_else(|| D::Error::custom("no refresh token"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Tokens issued at `at` with these lifetimes.
    pub(crate) fn tokens(at: i64, access: &str, refresh: Option<&str>, lives: (Option<i64>, Option<i64>)) -> Tokens {
        Tokens {
            access: AccessToken::new(access).unwrap(),
            token_type: TokenType::Bearer,
            expires_at: lives.0.map(|life| at + life),
            refresh: refresh.map(|text| RefreshToken::new(text).unwrap()),
            refresh_expires_at: lives.1.map(|life| at + life),
            grant_expires_at: None,
            scope: None,
            extra: Map::new(),
            requested_at: at,
            clock_skew: None,
            has_odd_date: false,
        }
    }

    pub(crate) fn record(at: i64, access: Option<i64>, refresh: Option<i64>) -> Record {
        Record::new(&tokens(at, "access", Some("refresh"), (access, refresh)), 0)
    }

    #[test]
    fn an_answer_without_a_refresh_token_keeps_the_one_before() {
        let mut record = record(0, Some(1000), Some(10_000));
        record.accept(&tokens(500, "next", None, (Some(1000), None)), 0);
        assert_eq!(record.refresh.as_ref().unwrap().token.secret(), "refresh");
        assert_eq!(record.access.as_ref().unwrap().token.secret(), "next");
        assert_eq!(record.ends_at(), Some(10_000));
    }

    #[test]
    fn moments_are_kept_by_the_providers_clock() {
        let record = Record::new(&tokens(0, "a", Some("r"), (Some(1000), None)), 300_000);
        assert!(record.live(300_999, Duration::ZERO).is_some());
        assert!(record.live(301_000, Duration::ZERO).is_none());
    }

    #[test]
    fn a_refused_access_token_is_not_live() {
        let mut record = record(0, Some(1000), None);
        assert!(record.live(0, Duration::from_millis(999)).is_some());
        assert!(record.live(0, Duration::from_millis(1000)).is_none());
        record.access.as_mut().unwrap().refused = true;
        assert!(record.live(0, Duration::ZERO).is_none());
    }

    #[test]
    fn a_token_that_lives_a_second_is_given_for_some_and_not_when_it_was_over_from_the_start() {
        let second = record(0, Some(1000), None);
        assert!(second.is_fresh(9_999, Duration::ZERO) && second.usable(9_999).is_some());
        assert!(!second.is_fresh(10_000, Duration::ZERO) && second.usable(10_000).is_none());
        let mut refused = second;
        refused.access.as_mut().unwrap().refused = true;
        assert!(refused.usable(0).is_none());
        assert!(record(5, Some(-5), None).usable(5).is_none(), "it stands for no token");
    }

    #[test]
    fn the_end_is_told_a_week_before_or_a_fifth_of_a_short_life_before() {
        const DAY: i64 = 86_400_000;
        let mut record = record(0, Some(1000), None);
        record.grant_expires_at = Some(100 * DAY);
        assert_eq!(record.tell_end_at(), Some(93 * DAY));
        record.grant_expires_at = Some(10 * DAY);
        assert_eq!(record.tell_end_at(), Some(8 * DAY));
        for (told, tells) in [(0, None), (60_000, None), (60_001, Some(8 * DAY))] {
            for told_end in [10 * DAY - told, 10 * DAY + told] {
                record.told_end = Some(told_end);
                assert_eq!(record.tell_end_at(), tells, "{told}");
            }
        }
    }

    #[test]
    fn a_wait_that_a_wrong_clock_wrote_is_over() {
        let mut record = record(0, Some(1000), None);
        (record.failed_at, record.not_before) = (3_600_000, 3_610_000);
        assert!(record.waits(3_600_001));
        assert!(record.waits(3_596_000), "clocks differ a little");
        assert!(!record.waits(3_610_000));
        assert!(!record.waits(10_000), "the failure is an hour ahead");
    }

    #[test]
    fn quiet_leases_after_one_whose_holder_disappeared_do_not_hide_it() {
        let mut record = record(0, Some(1000), None);
        // The lease 1 is ours, and nobody knows what the holder of 2 sent.
        record.note_quiet(3);
        record.note_quiet(4);
        assert_eq!((record.quiet_until(1), record.quiet_until(2)), (1, 4));
    }

    #[test]
    fn a_record_survives_sealing() {
        let key = VaultKey::from_bytes(&[3; 32]).unwrap();
        let connection = "shop/1".parse().unwrap();
        let sealed = record(7, Some(9), None).seal(&key, &connection).unwrap();
        let opened = Record::open(&key, &connection, &sealed).unwrap();
        assert_eq!(opened.access.unwrap().token.secret(), "access");
        assert_eq!(opened.refresh.unwrap().issued_at, 7);
        assert!(matches!(
            Record::open(&key, &"shop/2".parse().unwrap(), &sealed),
            Err(VaultError::Sealed(_))
        ));
    }
}
