//! Email addresses.

use super::text::read_as_text;

/// A text that may be an email address, as far as that can be judged without sending to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

/// A text that cannot be an email address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected an email address, found {0:?}")]
pub struct NoEmail(String);

impl Email {
    /// The most bytes (RFC 5321 §4.5.3.1.3).
    const LONGEST: usize = 254;

    /// Reads an address.
    ///
    /// # Errors
    /// If the text cannot be an address.
    pub fn parse(text: &str) -> Result<Self, NoEmail> {
        let parts = text.split_once('@');
        let is_whole = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        let odd = |letter: char| letter.is_control() || letter.is_whitespace();
        if !is_whole || text.len() > Self::LONGEST || text.contains(odd) {
            return Err(NoEmail(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

read_as_text!(Email);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_host_and_no_space() {
        assert!(Email::parse("john@doe.com").is_ok());
        let long = format!("{}@doe.com", "j".repeat(247));
        for text in [
            "",
            "john",
            "@doe.com",
            "john@",
            "john @doe.com",
            "john@doe.com\n",
            &long,
        ] {
            assert_eq!(Email::parse(text), Err(NoEmail(text.to_owned())));
        }
    }
}
