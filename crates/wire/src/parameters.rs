//! Request parameters (RFC 6749 §3.1, §3.2 and appendix B).
//!
//! An endpoint names the parameters that it knows. A known parameter may appear once, and its size is limited; one without
//! a value counts as omitted. Unknown parameters are ignored, with any value and any number of times.

use std::borrow::Cow;
use std::fmt;

/// The longest value of one parameter, in bytes after decoding.
pub const LONGEST_VALUE: usize = 4096;

/// The known parameters of a query or of a form body, decoded. `Debug` does not print the values, which may be secrets.
#[derive(Clone, Default)]
pub struct Parameters<'a> {
    values: Vec<(&'static str, Cow<'a, str>)>,
    faults: Vec<ParameterError>,
}

/// A fault of a known parameter. On the wire it is `invalid_request`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParameterError {
    /// The name appears more than once (RFC 6749 §3.1 and §3.2).
    #[error("parameter {0} appears more than once")]
    Repeated(&'static str),
    /// The value is longer than [`LONGEST_VALUE`].
    #[error("parameter {0} is longer than 4096 bytes")]
    TooLong(&'static str),
    /// The value is not UTF-8 after percent-decoding, or holds a NUL.
    #[error("parameter {0} is not UTF-8 text")]
    NotText(&'static str),
}

impl ParameterError {
    /// The name of the parameter with the fault.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repeated(name) | Self::TooLong(name) | Self::NotText(name) => name,
        }
    }
}

impl<'a> Parameters<'a> {
    /// Parses `application/x-www-form-urlencoded` text. Fails if a known parameter has a fault.
    pub fn parse(encoded: &'a [u8], known: &[&'static str]) -> Result<Self, ParameterError> {
        let parameters = Self::read(encoded, known);
        match parameters.faults.first() {
            Some(fault) => Err(*fault),
            None => Ok(parameters),
        }
    }

    /// Reads the known parameters without a fault, and keeps the faults of the others. An authorization endpoint must know
    /// the client before it may report a fault to it (RFC 6749 §4.1.2.1).
    pub fn read(encoded: &'a [u8], known: &[&'static str]) -> Self {
        let mut parameters = Self::default();
        for pair in encoded.split(|byte| *byte == b'&') {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default());
            let Some(name) = name.and_then(|sent| known.iter().copied().find(|name| *name == sent)) else {
                continue;
            };
            parameters.take(name, halves.next().unwrap_or_default());
        }
        parameters
    }

    fn take(&mut self, name: &'static str, encoded: &'a [u8]) {
        let place = self.values.iter().position(|(other, _)| *other == name);
        if place.is_some() || self.faults.iter().any(|fault| fault.name() == name) {
            // Neither value can be relied on: proxies and servers disagree about which of the two counts.
            if let Some(place) = place {
                self.values.remove(place);
                self.faults.push(ParameterError::Repeated(name));
            }
            return;
        }
        match decode(encoded) {
            Some(value) if value.len() > LONGEST_VALUE => self.faults.push(ParameterError::TooLong(name)),
            Some(value) => self.values.push((name, value)),
            None => self.faults.push(ParameterError::NotText(name)),
        }
    }

    /// The value of `name`. `None` if it is absent, empty, or has a fault.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.as_ref())
            .filter(|value| !value.is_empty())
    }

    /// The faults of the other parameters, one for each parameter, in the order found.
    pub fn faults(&self) -> &[ParameterError] {
        &self.faults
    }

    /// Every known pair without a fault, in order. Empty values are included.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_ref()))
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.values.iter().map(|(name, _)| name).collect();
        f.debug_struct("Parameters")
            .field("names", &names)
            .field("faults", &self.faults)
            .finish()
    }
}

/// Every pair of a form, in order (RFC 6749 appendix B). `None` if a name or a value, percent-decoded, is not UTF-8 or
/// holds a NUL.
pub fn pairs(encoded: &[u8]) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    encoded
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            Some((name, decode(halves.next().unwrap_or_default())?))
        })
        .collect()
}

fn decode(encoded: &[u8]) -> Option<Cow<'_, str>> {
    let text = if encoded.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        let spaced: Vec<u8> = encoded
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        let bytes: Vec<u8> = percent_encoding::percent_decode(&spaced).collect();
        Cow::Owned(String::from_utf8(bytes).ok()?)
    } else {
        Cow::Borrowed(std::str::from_utf8(encoded).ok()?)
    };
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["code", "scope", "state"];

    fn parse(encoded: &str) -> Result<Parameters<'_>, ParameterError> {
        Parameters::parse(encoded.as_bytes(), &KNOWN)
    }

    #[test]
    fn values_do_not_print() {
        let printed = format!("{:?}", parse("code=s3cret&state=s3cret").unwrap());
        assert!(printed.contains("code") && !printed.contains("s3cret"), "{printed}");
    }

    #[test]
    fn a_repeated_known_parameter_is_refused() {
        for encoded in ["code=1&scope=2&code=1", "code=1&code=", "%63ode=1&code=2"] {
            assert_eq!(
                parse(encoded).unwrap_err(),
                ParameterError::Repeated("code"),
                "{encoded}"
            );
        }
    }

    #[test]
    fn unknown_parameters_are_ignored_with_any_value() {
        let long = "x".repeat(LONGEST_VALUE + 1);
        let many: String = (0..1000).map(|number| format!("p{number}=1&")).collect();
        for unknown in [
            "x=1&x=2",
            &"n".repeat(129),
            &format!("x={long}"),
            &many,
            "x=%ff",
            "%ff=x",
            "%00=x",
            "=",
            "&&",
        ] {
            let encoded = format!("{unknown}&code=c&{unknown}");
            assert_eq!(parse(&encoded).unwrap().get("code"), Some("c"), "{unknown}");
        }
    }

    #[test]
    fn an_empty_value_counts_as_omitted() {
        let parameters = parse("state=&code=x").unwrap();
        assert_eq!(parameters.get("state"), None);
        assert_eq!(parameters.get("code"), Some("x"));
    }

    #[test]
    fn plus_and_percent_are_decoded_and_bad_utf_8_is_refused() {
        assert_eq!(parse("scope=a+b%20c").unwrap().get("scope"), Some("a b c"));
        for encoded in ["scope=%ff", "scope=%00", "scope=%c3%28"] {
            assert_eq!(
                parse(encoded).unwrap_err(),
                ParameterError::NotText("scope"),
                "{encoded}"
            );
        }
    }

    #[test]
    fn a_value_over_4096_bytes_is_refused() {
        let fits = format!("code={}", "%61".repeat(LONGEST_VALUE));
        assert_eq!(parse(&fits).unwrap().get("code").map(str::len), Some(LONGEST_VALUE));
        let long = format!("code={}", "x".repeat(LONGEST_VALUE + 1));
        assert_eq!(parse(&long).unwrap_err(), ParameterError::TooLong("code"));
    }

    /// RFC 6749 §4.1.2.1: the server can report a fault of one parameter to the client that the other parameters name.
    #[test]
    fn a_parameter_with_a_fault_has_no_value_and_the_others_keep_theirs() {
        let read = Parameters::read(b"state=1&code=c&state=2&scope=%ff&state=3", &KNOWN);
        assert_eq!(read.get("code"), Some("c"));
        assert_eq!((read.get("state"), read.get("scope")), (None, None));
        let faults = [ParameterError::Repeated("state"), ParameterError::NotText("scope")];
        assert_eq!(read.faults(), faults);
        assert_eq!(read.iter().collect::<Vec<_>>(), [("code", "c")]);
    }

    #[test]
    fn a_form_with_a_name_or_value_that_is_not_text_is_refused() {
        let read = pairs(b"name=a+b&&x=%C3%A9&x").unwrap();
        let read: Vec<(&str, &str)> = read.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(read, [("name", "a b"), ("x", "é"), ("x", "")]);
        for encoded in [&b"a=%FF"[..], b"%FF=a", b"a=\xff", b"a=%00"] {
            assert_eq!(pairs(encoded), None);
        }
    }
}
