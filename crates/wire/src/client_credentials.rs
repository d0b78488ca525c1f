//! Client identifier and client secret, as a client sends them (RFC 6749 §2.3.1).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// A client ID with its secret, as presented. `Debug` does not print the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The client ID.
    pub client_id: String,
    /// The secret as sent.
    pub client_secret: String,
}

impl ClientCredentials {
    /// The value of an `Authorization` header for these credentials: both halves form-encoded (RFC 6749 §2.3.1), then Basic.
    #[must_use]
    pub fn to_basic(&self) -> String {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(&self.client_id), encode(&self.client_secret));
        format!("Basic {}", STANDARD.encode(pair))
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The `Authorization` header says Basic, but does not hold a pair of id and secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the Authorization header is not Basic with base64 of client ID, colon, secret")]
pub struct MalformedBasic;

/// A Basic header (RFC 7617), decoded from base64: `id:secret`. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Basic {
    text: String,
    /// The byte position of the first colon.
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

    /// The possible readings of the pair, at most three, without repetition. First, both halves percent-decoded, as RFC
    /// 6749 §2.3.1 demands. Second, both halves as sent: many clients do not encode. Third, the id decoded and the secret
    /// as sent: some clients encode the id alone. The last two differ from the first in a `+` in the secret, which half of
    /// all base64 texts have.
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

    /// The secret, if the header is exactly `identifier`, a colon and a secret. RFC 7617 §2 allows no colon in an id, so
    /// `https://api.example.com:secret` can be split only by someone who knows the identifier.
    pub fn secret_of(&self, identifier: &str) -> Option<&str> {
        self.text.strip_prefix(identifier)?.strip_prefix(':')
    }

    /// Whether a second colon follows the first, so that the header could name an identifier with a colon.
    pub fn has_colon_in_secret(&self) -> bool {
        self.text[self.colon + 1..].contains(':')
    }

    /// The [`name`] of the header's identifier. It is the same wherever the identifier ends and however it is encoded.
    pub fn name(&self) -> String {
        name(&self.text)
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").finish_non_exhaustive()
    }
}

/// The key under which failures of an identifier are counted. It is the same for an identifier in a body, in a Basic header
/// as sent, and in a Basic header encoded.
///
/// The server cannot tell which spelling the client meant. So the text is decoded until nothing is left to decode: `a+b`,
/// `a%2Bb` and `a b` have one name. The name is the text before the first colon or, for a URL, its scheme and host: an
/// identifier with colons cannot be told from the secret behind it, and both share this start.
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

/// Form-decodes until nothing is left to decode. One pass does all of it: the text may be long, and each decoding may
/// reveal another one.
fn decode_all(text: &str) -> String {
    let mut decoded: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        decoded.push(byte);
        while let Some(byte) = encoded_last(&decoded) {
            decoded.truncate(decoded.len() - 3);
            decoded.push(byte);
        }
        if let Some(last @ b'+') = decoded.last_mut() {
            *last = b' ';
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The byte that the last three of the text stand for, if they are `%` and two digits.
fn encoded_last(text: &[u8]) -> Option<u8> {
    match text {
        [.., b'%', high, low] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
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
    fn a_written_header_is_read_back_in_its_first_reading() {
        for (id, secret) in [("123abc", "456def"), ("https://api.example.com", "a b+%c:d\u{e9}")] {
            let credentials = ClientCredentials {
                client_id: id.to_owned(),
                client_secret: secret.to_owned(),
            };
            let header = credentials.to_basic();
            let read = Basic::parse(&header).unwrap().unwrap().readings();
            assert_eq!(read.first(), Some(&credentials));
        }
    }

    #[test]
    fn the_test_vectors_give_the_expected_pairs() {
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
        // A secret that cannot be decoded does not prevent the decoding of the id.
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

    /// The name is the same for any secret and for any encoding of the id.
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

    /// A client sends its id as it is in a body; in a header, it sends the id as it is or encoded.
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
    fn other_schemes_give_none_and_malformed_basic_is_refused() {
        assert_eq!(Basic::parse("Bearer abc"), Ok(None));
        assert_eq!(Basic::parse(""), Ok(None));
        for header in ["Basic", "Basic !!!", "Basic YWJj"] {
            assert_eq!(Basic::parse(header), Err(MalformedBasic), "{header}");
        }
    }
}
