//! `WWW-Authenticate` (RFC 9110 §11.6.1), and the characters that it may have.

use std::borrow::Cow;

/// A Bearer challenge (RFC 6750 §3), its parameters in order. The separator differs between originals.
pub(crate) fn bearer(separator: &str, parameters: &[(&str, &str)]) -> String {
    let mut challenge = String::from("Bearer ");
    for (position, (name, value)) in parameters.iter().enumerate() {
        if position > 0 {
            challenge.push_str(separator);
        }
        challenge.push_str(name);
        challenge.push_str("=\"");
        challenge.push_str(&printable(value));
        challenge.push('"');
    }
    challenge
}

/// Replaces the characters that an `error_description` may not have (RFC 6749 §5.2, RFC 6750 §3): all but printable ASCII, quote
/// and backslash.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let fits = |character: char| matches!(character, ' '..='~') && character != '"' && character != '\\';
    if text.chars().all(fits) {
        return Cow::Borrowed(text);
    }
    let replaced = text.chars().map(|character| match character {
        '"' => '\'',
        other if fits(other) => other,
        _ => '?',
    });
    Cow::Owned(replaced.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_quoted_value() {
        let challenge = bearer(
            ", ",
            &[("realm", "api"), ("error_description", "a \"b\"\\\r\nSet-Cookie: é")],
        );
        assert_eq!(
            challenge,
            r#"Bearer realm="api", error_description="a 'b'???Set-Cookie: ?""#
        );
    }
}
