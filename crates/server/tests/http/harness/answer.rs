//! An answer with its whole body, and methods for tests to examine it.

use super::html::{self, Form};
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

/// The headers that snapshots show, if present.
const SHOWN: [&str; 7] = [
    "content-type",
    "location",
    "www-authenticate",
    "cache-control",
    "pragma",
    "allow",
    "retry-after",
];

/// An answer of the server.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: String,
    /// The requested URL, as seen from outside.
    pub(crate) url: Url,
}

/// A text without its random values, which are runs of at least 32 characters of base64url. A sealed state of 600 characters
/// holds any given word of four letters once in 28,000 times, and one of three letters once in 440 times.
pub(crate) fn readable(text: &str) -> String {
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let pieces = text.split_inclusive(|c| !is_base64url(c));
    let kept = pieces.map(|piece| {
        let run = piece.trim_end_matches(|c| !is_base64url(c));
        match run.len() {
            0..32 => piece,
            _ => piece.strip_prefix(run).unwrap_or(piece),
        }
    });
    kept.collect()
}

/// A pair of tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tokens {
    /// The access token.
    pub(crate) access: String,
    /// The refresh token. Empty if there is none.
    pub(crate) refresh: String,
}

impl Answer {
    pub(super) async fn read(url: Url, response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            url,
            body: response.text().await.expect("the body arrives"),
        }
    }

    /// The value of a header. Empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.transpose().expect("headers are text").unwrap_or_default()
    }

    /// The body without its random values.
    pub(crate) fn readable(&self) -> String {
        readable(&self.body)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The tokens of a token answer.
    pub(crate) fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{}", self.body);
        let json = self.json();
        let member = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Tokens {
            access: member("access_token"),
            refresh: member("refresh_token"),
        }
    }

    /// Status and error code of a refusal, such as `400 invalid_grant`.
    pub(crate) fn refusal(&self) -> String {
        let json = serde_json::from_str(&self.body).unwrap_or(Value::Null);
        let error = json["error"].as_str().or(json["ErrorCode"].as_str());
        format!("{} {}", self.status, error.unwrap_or("without an error"))
    }

    /// Status, important headers and body, for snapshots. Tokens and URLs, which differ each time, are replaced by names.
    pub(crate) fn shown(&self) -> String {
        let mut shown = self.status.to_string();
        for name in SHOWN {
            for value in self.headers.get_all(name) {
                let value = value.to_str().expect("headers are text");
                shown.push_str(&format!("\n{name}: {value}"));
            }
        }
        if !self.body.is_empty() {
            shown.push_str(&format!("\n\n{}", self.body));
        }
        let origin = self.url.origin().ascii_serialization();
        let named = shown.replace(&origin, "<server>");
        ["hp_at_", "hp_rt_", "hp_ac_"]
            .into_iter()
            .fold(named, |text, prefix| named_tokens(&text, prefix))
    }

    /// The text that a person reads.
    pub(crate) fn text(&self) -> String {
        html::text(&self.body)
    }

    /// The text of the element with this id.
    pub(crate) fn by_id(&self, id: &str) -> Option<String> {
        html::by_id(&self.body, id)
    }

    /// The forms of the page.
    pub(crate) fn forms(&self) -> Vec<Form> {
        html::forms(&self.body)
    }

    /// The form that has a field or a button with this name.
    pub(crate) fn form(&self, name: &str) -> Form {
        let form = self.forms().into_iter().find(|form| form.has(name));
        form.unwrap_or_else(|| panic!("no form has {name}: {} {} {}", self.url, self.status, self.text()))
    }
}

/// `text` in which every token with `prefix` is replaced by the prefix and dots.
fn named_tokens(text: &str, prefix: &str) -> String {
    let mut pieces = text.split(prefix);
    let mut named = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        named.push_str(prefix);
        named.push('…');
        named.push_str(&piece[end.unwrap_or(piece.len())..]);
    }
    named
}
