//! Request parameters (RFC 6749 §3.1, §3.2 and appendix B).
//!
//! A parameter may appear once; one sent without a value counts as omitted; unknown ones are ignored. Sizes are bounded.

use std::borrow::Cow;

/// The longest value of one parameter, in bytes after decoding.
pub const LONGEST_VALUE: usize = 4096;
/// How many parameters a request may carry.
pub const MOST_PARAMETERS: usize = 64;

/// The decoded parameters of a query or of a form body.
#[derive(Clone, Default, Debug)]
pub struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// Why a query or a body is no parameter list. The private detail is in the text; the wire says `invalid_request`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParameterError {
    /// The name appears more than once (RFC 6749 §3.1).
    #[error("parameter {0} appears more than once")]
    Repeated(String),
    /// A value is longer than [`LONGEST_VALUE`].
    #[error("parameter {0} is longer than 4096 bytes")]
    TooLong(String),
    /// There are more than [`MOST_PARAMETERS`].
    #[error("more than 64 parameters")]
    TooMany,
    /// Not UTF-8 after percent-decoding, or a NUL.
    #[error("a parameter is not UTF-8 text")]
    NotText,
}

impl<'a> Parameters<'a> {
    /// Parses `application/x-www-form-urlencoded` text.
    pub fn parse(encoded: &'a [u8]) -> Result<Self, ParameterError> {
        let mut list: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::with_capacity(8);
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            if list.iter().any(|(other, _)| *other == name) {
                return Err(ParameterError::Repeated(shown(&name)));
            }
            if value.len() > LONGEST_VALUE || name.len() > 128 {
                return Err(ParameterError::TooLong(shown(&name)));
            }
            if list.len() == MOST_PARAMETERS {
                return Err(ParameterError::TooMany);
            }
            list.push((name, value));
        }
        Ok(Self(list))
    }

    /// The value of `name`; `None` where it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_ref())
            .filter(|value| !value.is_empty())
    }

    /// Every pair, in order, empty values included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The parameters as form-encoded text.
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.iter())
            .finish()
    }
}

fn decode(encoded: &[u8]) -> Result<Cow<'_, str>, ParameterError> {
    let text = if encoded.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        let spaced: Vec<u8> = encoded
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        let bytes: Vec<u8> = percent_encoding::percent_decode(&spaced).collect();
        Cow::Owned(String::from_utf8(bytes).map_err(|_| ParameterError::NotText)?)
    } else {
        Cow::Borrowed(std::str::from_utf8(encoded).map_err(|_| ParameterError::NotText)?)
    };
    if text.contains('\0') {
        Err(ParameterError::NotText)
    } else {
        Ok(text)
    }
}

/// A name as it is told and logged. A body that is no form, such as JSON, is one long name with a secret in it.
fn shown(name: &str) -> String {
    const LONGEST: usize = 32;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
    if name.len() <= LONGEST && name.bytes().all(fits) {
        name.to_owned()
    } else {
        "(not shown)".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_refused_even_when_unknown() {
        let error = Parameters::parse(b"a=1&b=2&a=1").unwrap_err();
        assert_eq!(error, ParameterError::Repeated("a".into()));
    }

    #[test]
    fn a_name_that_may_hold_a_secret_is_not_told() {
        let json = format!(
            "{{\"client_secret\":\"{}\",\"x\":\"{}\"}}",
            "s".repeat(43),
            "x".repeat(99)
        );
        let token = format!("hp_rt_{}", "A".repeat(70));
        for (body, error) in [
            (json, ParameterError::TooLong("(not shown)".into())),
            (
                format!("{token}&{token}"),
                ParameterError::Repeated("(not shown)".into()),
            ),
            ("a%0ab&a%0ab".to_owned(), ParameterError::Repeated("(not shown)".into())),
            ("a[]&a[]".to_owned(), ParameterError::Repeated("a[]".into())),
        ] {
            assert_eq!(Parameters::parse(body.as_bytes()).unwrap_err(), error);
        }
    }

    #[test]
    fn an_empty_value_counts_as_omitted() {
        let parameters = Parameters::parse(b"state=&code=x").unwrap();
        assert_eq!(parameters.get("state"), None);
        assert_eq!(parameters.get("code"), Some("x"));
    }

    #[test]
    fn plus_and_percent_are_decoded_and_bad_utf_8_is_refused() {
        assert_eq!(Parameters::parse(b"scope=a+b%20c").unwrap().get("scope"), Some("a b c"));
        assert_eq!(Parameters::parse(b"a=%ff").unwrap_err(), ParameterError::NotText);
        assert_eq!(Parameters::parse(b"a=%00").unwrap_err(), ParameterError::NotText);
    }

    #[test]
    fn long_values_and_long_lists_are_refused() {
        let long = format!("code={}", "x".repeat(LONGEST_VALUE + 1));
        assert_eq!(
            Parameters::parse(long.as_bytes()).unwrap_err(),
            ParameterError::TooLong("code".into())
        );
        let many: String = (0..65).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(Parameters::parse(many.as_bytes()).unwrap_err(), ParameterError::TooMany);
    }
}
