//! The claims of a token (RFC 7519 §4.1).

use super::members::Members;
use serde_json::{Map, Value};

/// The claims of a token whose signature, issuer, audience and time were verified.
#[derive(Clone, Debug)]
pub struct Claims {
    members: Members,
    expires_at: i64,
}

/// A claim is absent, or has the wrong type.
pub(super) struct Faulty(pub(super) &'static str);

/// The last second of a NumericDate: beyond it, milliseconds would not fit, nor would a number of JSON.
const LAST_SECOND: i64 = 1 << 43;

impl Claims {
    /// Reads claims. Those with a meaning here must have their type.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Faulty> {
        let members = Members::parse(json).ok_or(Faulty("(the payload as an object, each name once)"))?;
        for name in ["iss", "sub", "jti"] {
            members.text(name).map_err(|_| Faulty(name))?;
        }
        for name in ["nbf", "iat"] {
            moment(&members, name)?;
        }
        let expires_at = moment(&members, "exp")?.ok_or(Faulty("exp"))?;
        let claims = Self { members, expires_at };
        if claims.member("aud").is_some() && claims.audiences().is_empty() {
            return Err(Faulty("aud"));
        }
        Ok(claims)
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// `sub`.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// `aud`: one text, or a list of them. Empty if absent.
    #[must_use]
    pub fn audiences(&self) -> Vec<&str> {
        match self.member("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => {
                let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                texts.unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// `exp`, in milliseconds since the epoch. Every token has one.
    #[must_use]
    pub fn expires_at_ms(&self) -> i64 {
        self.expires_at * 1000
    }

    /// `nbf`, in milliseconds since the epoch.
    #[must_use]
    pub fn not_before_ms(&self) -> Option<i64> {
        moment(&self.members, "nbf").ok().flatten().map(|second| second * 1000)
    }

    /// `iat`, in milliseconds since the epoch.
    #[must_use]
    pub fn issued_at_ms(&self) -> Option<i64> {
        moment(&self.members, "iat").ok().flatten().map(|second| second * 1000)
    }

    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.member(name).and_then(Value::as_str)
    }

    /// Any claim.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// All claims.
    #[must_use]
    pub fn into_members(self) -> Map<String, Value> {
        self.members.into_map()
    }
}

/// A NumericDate, in whole seconds. Fractions are refused: no two libraries round them alike.
fn moment(members: &Members, name: &'static str) -> Result<Option<i64>, Faulty> {
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    let second = value.as_i64().filter(|second| (0..=LAST_SECOND).contains(second));
    second.map(Some).ok_or(Faulty(name))
}
