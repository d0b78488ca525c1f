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

/// A Basic header (RFC 7617), decoded from base64: `id:secret`. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Basic {
    text: String,
    /// Where the first colon is.
    colon: usize,
}

impl Basic {
    /// Parses the value of an `Authorization` header. Other schemes give `None`.
    pub fn parse(header: &str) -> Result<Option<Self>, MalformedBasic> {
        let Some((scheme, encoded)) = header.split_once(' ') else {
            return if header.eq_ignore_ascii_case("basic") {
                Err(MalformedBasic)
            } else {
                Ok(None)
            };
        };
        if !scheme.eq_ignore_ascii_case("basic") {
            return Ok(None);
        }
        let bytes = STANDARD.decode(encoded.trim()).map_err(|_| MalformedBasic)?;
        let text = String::from_utf8(bytes).map_err(|_| MalformedBasic)?;
        let colon = text.find(':').ok_or(MalformedBasic)?;
        Ok(Some(Self { text, colon }))
    }

    /// The ways to read the pair, at most three, each once: both halves percent-decoded, as RFC 6749 §2.3.1 demands; both as
    /// sent, which many clients mean; the id decoded and the secret as sent, for clients that encode the id alone. A `+` in a
    /// secret, which half of all base64 has, tells the last two from the first.
    pub fn readings(&self) -> Vec<ClientCredentials> {
        let (id, secret) = (&self.text[..self.colon], &self.text[self.colon + 1..]);
        let reading = |(client_id, client_secret): (&str, &str)| ClientCredentials {
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
        };
        if !self.text.contains(['+', '%']) {
            return vec![reading((id, secret))];
        }
        let (decoded_id, decoded_secret) = (form_decode(id), form_decode(secret));
        let ways = [
            decoded_id.as_deref().zip(decoded_secret.as_deref()),
            Some((id, secret)),
            decoded_id.as_deref().zip(Some(secret)),
        ];
        let mut readings: Vec<ClientCredentials> = Vec::with_capacity(ways.len());
        for way in ways.into_iter().flatten().map(reading) {
            if !readings.contains(&way) {
                readings.push(way);
            }
        }
        readings
    }

    /// The secret of `identifier`, where the header is that identifier as it is, a colon and a secret. RFC 7617 §2 has no
    /// colon in an id, so a header such as `https://api.example.com:secret` cannot be split without knowing what it names.
    pub fn secret_of(&self, identifier: &str) -> Option<&str> {
        self.text.strip_prefix(identifier)?.strip_prefix(':')
    }

    /// Whether the header could name an identifier with a colon: there is another one behind the first.
    pub fn has_colon_in_secret(&self) -> bool {
        self.text[self.colon + 1..].contains(':')
    }

    /// What the header names, whichever identifier it turns out to be, however that is encoded: [`name`] of it.
    pub fn name(&self) -> String {
        name(&self.text)
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").finish_non_exhaustive()
    }
}

/// What failures of an identifier are counted by: the same for its text in a body, and in a Basic header as it is or encoded.
///
/// Which of these was meant cannot be told, so whatever can be decoded is, and again, until nothing can: `a+b`, `a%2Bb` and
/// `a b` are one name. Of that it is what stands before the first colon or, in an address, its scheme and host: a secret behind
/// an identifier with colons cannot be told from the identifier, and both share this start.
pub fn name(identifier: &str) -> String {
    let mut text = decode_all(identifier);
    let end = text.find(':').map(|colon| {
        if !text[colon..].starts_with("://") {
            return colon;
        }
        let host = colon + "://".len();
        text[host..].find([':', '/']).map_or(text.len(), |end| host + end)
    });
    text.truncate(end.unwrap_or(text.len()));
    text
}

/// Form-decodes until there is nothing left to decode. In one pass: the text may be long, and each decoding reveal another one.
fn decode_all(text: &str) -> String {
    let mut decoded: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        decoded.push(byte);
        while let [.., b'%', high, low] = decoded[..]
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            decoded.truncate(decoded.len() - 3);
            decoded.push(high << 4 | low);
        }
        if let Some(last @ b'+') = decoded.last_mut() {
            *last = b' ';
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
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

    fn sent(text: &str) -> Basic {
        Basic::parse(&format!("Basic {}", STANDARD.encode(text)))
            .unwrap()
            .unwrap()
    }

    fn pairs(basic: &Basic) -> Vec<(String, String)> {
        let readings = basic.readings().into_iter();
        readings.map(|pair| (pair.client_id, pair.client_secret)).collect()
    }

    fn owned<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(id, secret)| (id.to_owned(), secret.to_owned())).to_vec()
    }

    #[test]
    fn the_vectors_of_the_seed_are_read() {
        for (header, id, secret) in [
            ("Basic MTIzYWJjOjQ1NmRlZg==", "123abc", "456def"),
            ("basic MTIzOmFiYw==", "123", "abc"),
        ] {
            let basic = Basic::parse(header).unwrap().unwrap();
            assert_eq!(pairs(&basic), owned([(id, secret)]));
        }
    }

    #[test]
    fn a_percent_encoded_pair_is_tried_decoded_then_raw_then_with_the_id_alone_decoded() {
        assert_eq!(
            pairs(&sent("https%3A%2F%2Fapi:a%2Bb")),
            owned([
                ("https://api", "a+b"),
                ("https%3A%2F%2Fapi", "a%2Bb"),
                ("https://api", "a%2Bb"),
            ])
        );
    }

    #[test]
    fn a_plus_in_a_raw_secret_is_a_plus_in_the_second_reading() {
        assert_eq!(pairs(&sent("app:a+b")), owned([("app", "a b"), ("app", "a+b")]));
        let id_alone = pairs(&sent("my%20app:a+b"));
        assert_eq!(id_alone[2], ("my app".to_owned(), "a+b".to_owned()));
        // A secret that cannot be decoded costs the id nothing.
        assert!(pairs(&sent("my%20app:%ff")).contains(&("my app".to_owned(), "%ff".to_owned())));
    }

    #[test]
    fn an_identifier_with_colons_is_found_by_its_name() {
        let basic = sent("https://api.example.com:8443:se:cret");
        assert_eq!(basic.secret_of("https://api.example.com:8443"), Some("se:cret"));
        assert_eq!(basic.secret_of("https://api.example.com"), Some("8443:se:cret"));
        assert_eq!(basic.secret_of("https://api.example"), None);
        assert_eq!(basic.secret_of("https://api.example.com:8443:se:cret"), None);
    }

    /// Whatever the secret is, and however the id is encoded.
    #[test]
    fn the_name_does_not_depend_on_the_secret() {
        for (text, expected) in [
            ("app:a:b", "app"),
            ("app:", "app"),
            ("my%20app:x", "my app"),
            ("https://api.example.com:x", "https://api.example.com"),
            ("https://api.example.com:x/y:z", "https://api.example.com"),
            ("https://api.example.com/v1:x", "https://api.example.com"),
            ("https%3A%2F%2Fapi.example.com%2Fv1:x", "https://api.example.com"),
            ("urn:example:api:x", "urn"),
            ("urn%3Aexample%3Aapi:x", "urn"),
            ("my+app:x+y", "my app"),
            ("my%2Bapp:%2B", "my app"),
            ("my%252Bapp:x", "my app"),
            ("50%:x", "50%"),
            ("50%25:x", "50%"),
            ("%f:a0", "%f"),
        ] {
            assert_eq!(sent(text).name(), expected, "{text}");
        }
        assert_eq!(name("https://api.example.com/v1"), "https://api.example.com");
        assert_eq!([name("odd/one"), name("urn:example:api")], ["odd/one", "urn"]);
    }

    /// A client sends its id as it is in a body, and as it is or encoded in a header.
    #[test]
    fn every_spelling_of_an_identifier_has_one_name() {
        for id in [
            "a+b",
            "a%2Bb",
            "a b",
            "%",
            "%%",
            "100%",
            "%2",
            "%2525",
            "%2%35",
            "%25%32%46",
            "+%",
            "\u{e9}%C3%A9",
            "%ff",
        ] {
            let encoded: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
            let names = [
                name(id),
                sent(&format!("{id}:x")).name(),
                sent(&format!("{encoded}:x")).name(),
            ];
            assert!(names.iter().all(|other| *other == names[0]), "{id} {names:?}");
        }
        assert_ne!(name("a-b"), name("a+b"));
        let nested = format!("%{}2B", "25".repeat(100_000));
        assert_eq!(name(&nested), " ");
    }

    #[test]
    fn other_schemes_are_not_ours_and_broken_ones_are_refused() {
        assert_eq!(Basic::parse("Bearer abc"), Ok(None));
        assert_eq!(Basic::parse(""), Ok(None));
        for header in ["Basic", "Basic !!!", "Basic YWJj"] {
            assert_eq!(Basic::parse(header), Err(MalformedBasic), "{header}");
        }
    }
}
