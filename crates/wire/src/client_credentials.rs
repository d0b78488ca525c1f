//! How a client names and proves itself (RFC 6749 §2.3.1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// A client id with its secret, as presented. The secret does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The client id.
    pub client_id: String,
    /// The secret as sent.
    pub client_secret: String,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// An `Authorization` header that is Basic but not a pair of id and secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the Authorization header is not Basic with base64 of client id, colon, secret")]
pub struct MalformedBasic;

/// The ways to read a Basic header: percent-decoded, as RFC 6749 §2.3.1 demands, first; as sent, which many clients mean,
/// second and only where it differs. Other schemes give an empty list.
pub fn basic(header: &str) -> Result<Vec<ClientCredentials>, MalformedBasic> {
    let Some((scheme, encoded)) = header.split_once(' ') else {
        return if header.eq_ignore_ascii_case("basic") {
            Err(MalformedBasic)
        } else {
            Ok(Vec::new())
        };
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(Vec::new());
    }
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| MalformedBasic)?;
    let text = String::from_utf8(bytes).map_err(|_| MalformedBasic)?;
    let (id, secret) = text.split_once(':').ok_or(MalformedBasic)?;
    let raw = ClientCredentials {
        client_id: id.to_owned(),
        client_secret: secret.to_owned(),
    };
    let decoded = form_decode(id)
        .zip(form_decode(secret))
        .map(|(client_id, client_secret)| ClientCredentials {
            client_id,
            client_secret,
        });
    Ok(match decoded {
        Some(decoded) if decoded != raw => vec![decoded, raw],
        _ => vec![raw],
    })
}

fn form_decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(|decoded| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(header: &str) -> Vec<(String, String)> {
        basic(header)
            .unwrap()
            .into_iter()
            .map(|pair| (pair.client_id, pair.client_secret))
            .collect()
    }

    #[test]
    fn the_vectors_of_the_seed_are_read() {
        assert_eq!(
            pairs("Basic MTIzYWJjOjQ1NmRlZg=="),
            [("123abc".into(), "456def".into())]
        );
        assert_eq!(pairs("basic MTIzOmFiYw=="), [("123".into(), "abc".into())]);
    }

    #[test]
    fn a_percent_encoded_pair_is_tried_decoded_then_raw() {
        let header = format!("Basic {}", STANDARD.encode("https%3A%2F%2Fapi:a%2Bb"));
        assert_eq!(
            pairs(&header),
            [
                ("https://api".into(), "a+b".into()),
                ("https%3A%2F%2Fapi".into(), "a%2Bb".into())
            ]
        );
    }

    #[test]
    fn other_schemes_are_not_ours_and_broken_ones_are_refused() {
        assert!(pairs("Bearer abc").is_empty());
        for header in ["Basic", "Basic !!!", "Basic YWJj"] {
            assert_eq!(basic(header), Err(MalformedBasic), "{header}");
        }
    }
}
