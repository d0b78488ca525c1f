//! What a good token allows.

use crate::refused::Refused;
use hallpass_wire::Scopes;
use hallpass_wire::jose::Claims;
use serde_json::{Map, Value};
use std::time::Duration;

/// The access that a good token gives. It does not hold the token.
#[derive(Clone, PartialEq, Debug)]
pub struct Access {
    scopes: Scopes,
    audiences: Vec<String>,
    expires_at_ms: Option<i64>,
    /// Whether the server of the token gives a `sub` to people alone.
    subjects_are_people: bool,
    members: Map<String, Value>,
}

impl Access {
    /// The scopes of the token.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The APIs that the token is meant for (`aud`). Empty only if the builder accepts answers without `aud`.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// When the token expires, in milliseconds since the epoch; `None` if the server does not say.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.expires_at_ms
    }

    /// `sub`: the person, or the organization, for whom the app acts. An app's own token has none at Hallpass; at other servers it
    /// may be the app's id.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `client_id`: the app.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.text("client_id")
    }

    /// `username`: a name of the person for people to read. Decide nothing by it.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.text("username")
    }

    /// The organization whose data the token opens. Hallpass says it.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.text("organization")
    }

    /// `live` or `sandbox`. Hallpass says it.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.text("environment")
    }

    /// `acr`: how the person signed in (RFC 9470 §6).
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.text("acr")
    }

    /// `auth_time`: when the person signed in, in milliseconds since the epoch (RFC 9470 §6).
    #[must_use]
    pub fn signed_in_at_ms(&self) -> Option<i64> {
        self.members
            .get("auth_time")
            .and_then(second)
            .map(|second| second * 1000)
    }

    /// Whether the token acts for a person, and not for an app or an organization.
    ///
    /// A token with a `username` does, as every token of a person at Hallpass. Other servers need not send one, and the `sub` of an
    /// app's own token only has to identify the app (RFC 9068 §2.2): it may be any text. So a token without `username` acts for a
    /// person only if [`Builder::subjects_are_people`](crate::Builder::subjects_are_people) says so and its `sub` is not the
    /// `client_id`.
    #[must_use]
    pub fn acts_for_person(&self) -> bool {
        match (self.username(), self.organization()) {
            (Some(_), _) => true,
            (None, Some(_)) => false,
            (None, None) => self.subjects_are_people && self.subject().is_some() && self.subject() != self.client_id(),
        }
    }

    /// A member that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.member(name).and_then(Value::as_str)
    }

    /// Any member of the introspection answer or of the claims.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The same access, of a server that gives a `sub` to people alone, or not.
    pub(crate) fn of_people(self, subjects_are_people: bool) -> Self {
        Self {
            subjects_are_people,
            ..self
        }
    }

    /// Whether the time of the token is over.
    pub(crate) fn is_over(&self, now_ms: i64, leeway: Duration) -> bool {
        let leeway = i64::try_from(leeway.as_millis()).unwrap_or(i64::MAX);
        self.expires_at_ms
            .is_some_and(|end| now_ms >= end.saturating_add(leeway))
    }

    /// Reads the members of an active answer (RFC 7662 §2.2).
    pub(crate) fn introspected(members: Map<String, Value>) -> Result<Self, Refused> {
        let expires_at_ms = match members.get("exp") {
            None | Some(Value::Null) => None,
            Some(value) => Some(second(value).ok_or_else(|| invalid("its `exp` is no moment"))? * 1000),
        };
        let audiences = audiences(members.get("aud"))?;
        Self::checked(members, audiences, expires_at_ms)
    }

    /// Reads verified claims (RFC 9068 §2.2).
    pub(crate) fn claimed(claims: Claims) -> Result<Self, Refused> {
        let audiences = claims.audiences().into_iter().map(str::to_owned).collect();
        let expires_at_ms = Some(claims.expires_at_ms());
        Self::checked(claims.into_members(), audiences, expires_at_ms)
    }

    fn checked(
        members: Map<String, Value>,
        audiences: Vec<String>,
        expires_at_ms: Option<i64>,
    ) -> Result<Self, Refused> {
        // A bound token is worth nothing without the proof of its key, which nobody here checks (RFC 7800 §3, RFC 9449 §7).
        if members.contains_key("cnf") {
            return Err(invalid("it is bound to a key, and is no bearer token"));
        }
        let scopes = match members.get("scope") {
            None | Some(Value::Null) => Scopes::default(),
            Some(value) => value
                .as_str()
                .and_then(|text| Scopes::parse(text).ok())
                .ok_or_else(|| invalid("its `scope` is no list of scopes"))?,
        };
        Ok(Self {
            scopes,
            audiences,
            expires_at_ms,
            subjects_are_people: false,
            members,
        })
    }
}

/// `aud`: a text or a list of texts (RFC 7519 §4.1.3).
fn audiences(aud: Option<&Value>) -> Result<Vec<String>, Refused> {
    let list = match aud {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(one)) => Some(vec![one.clone()]),
        Some(Value::Array(list)) => list.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    list.ok_or_else(|| invalid("its `aud` is no text and no list of texts"))
}

/// Seconds since the epoch, as far as milliseconds fit into a number of JSON.
fn second(value: &Value) -> Option<i64> {
    value.as_i64().filter(|second| (0..=1 << 43).contains(second))
}

fn invalid(reason: &str) -> Refused {
    Refused::Invalid(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(members: &Value) -> Result<Access, Refused> {
        Access::introspected(members.as_object().cloned().expect("an object"))
    }

    #[test]
    fn members_are_read_as_the_rfc_has_them() {
        let access = read(&json!({
            "active": true, "scope": "a b", "client_id": "c", "username": "ada", "sub": "s", "exp": 7, "aud": ["x", "y"],
            "organization": "o", "environment": "live", "acr": "high", "auth_time": 3, "more": 1
        }))
        .unwrap();
        assert_eq!(access.scopes().to_string(), "a b");
        assert_eq!(access.audiences(), ["x", "y"]);
        assert_eq!(
            (access.expires_at_ms(), access.signed_in_at_ms()),
            (Some(7000), Some(3000))
        );
        assert_eq!((access.subject(), access.client_id()), (Some("s"), Some("c")));
        assert_eq!((access.organization(), access.environment()), (Some("o"), Some("live")));
        assert_eq!(access.member("more"), Some(&json!(1)));
        let bare = read(&json!({"active": true})).unwrap();
        assert!(bare.scopes().is_empty() && bare.audiences().is_empty() && bare.expires_at_ms().is_none());
    }

    #[test]
    fn a_person_is_told_from_an_app_and_from_an_organization() {
        for (members, by_default, if_subjects_are_people) in [
            (json!({"username": "ada", "sub": "s", "organization": "o"}), true, true),
            (
                json!({"sub": "org_1", "client_id": "c", "organization": "o"}),
                false,
                false,
            ),
            (json!({"client_id": "c", "organization": "o"}), false, false),
            (json!({"sub": "s", "client_id": "c"}), false, true),
            (json!({"sub": "c@clients", "client_id": "c"}), false, true),
            (json!({"sub": "c", "client_id": "c"}), false, false),
            (json!({"client_id": "c"}), false, false),
        ] {
            let access = read(&members).unwrap();
            assert_eq!(access.acts_for_person(), by_default, "{members}");
            let told = access.of_people(true).acts_for_person();
            assert_eq!(told, if_subjects_are_people, "{members}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (name, value) in [
            ("scope", json!(["a"])),
            ("scope", json!("a\"b")),
            ("aud", json!(7)),
            ("aud", json!(["a", 7])),
            ("exp", json!("7")),
            ("exp", json!(-1)),
            ("cnf", json!({"jkt": "x"})),
        ] {
            assert!(
                matches!(read(&json!({"active": true, name: value})), Err(Refused::Invalid(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn a_token_is_over_at_its_expiry_plus_the_leeway() {
        let access = read(&json!({"exp": 10})).unwrap();
        assert!(!access.is_over(9_999, Duration::ZERO) && access.is_over(10_000, Duration::ZERO));
        assert!(!access.is_over(14_999, Duration::from_secs(5)) && access.is_over(15_000, Duration::from_secs(5)));
        assert!(!read(&json!({})).unwrap().is_over(i64::MAX, Duration::ZERO));
    }
}
