//! The path of a request to an API, read so that no backend can read another one.
//!
//! Proxies, frameworks and file servers differ in what they decode, collapse and cut off. Whatever two of them may read
//! differently is refused, so the call that is checked is the call that is made.

use super::headers::OTHER_METHODS;
use std::borrow::Cow;

/// The longest URI, in bytes.
const LONGEST: usize = 8 * 1024;

/// The path of a request: its segments, percent-decoded. A slash at the end makes no difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Target<'a>(Vec<Cow<'a, str>>);

/// Why a path is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum TargetFault {
    /// It is no path, for instance a whole URL.
    #[error("the URI does not begin with a slash")]
    NoPath,
    /// It is longer than 8 KiB.
    #[error("the URI is too long")]
    TooLong,
    /// A fragment, which no request has (RFC 9112 §3.2). Some backends cut it off.
    #[error("the URI has a fragment")]
    Fragment,
    /// A character that no URI has (RFC 3986 §2), or a backslash, which some backends read as a slash.
    #[error("the path has a character that a path cannot have")]
    Character,
    /// Path parameters after a semicolon, which some backends cut off.
    #[error("the path has a semicolon")]
    Semicolon,
    /// A percent sign without two digits, or bytes that are not UTF-8.
    #[error("the path is not encoded as it should be")]
    Encoding,
    /// An encoded slash, backslash, percent sign, question mark, hash, semicolon or control character. A backend that decodes
    /// first and splits then finds another path.
    #[error("the path has an encoded character that would change its meaning")]
    EncodedDelimiter,
    /// Two slashes in a row, which some backends collapse.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// A segment of dots and blanks alone. Backends resolve `.` and `..`; Windows cuts off dots and blanks, Spring MVC blanks
    /// (CVE-2016-5007), and then nothing or a dot segment is left.
    #[error("the path has a segment of dots or blanks alone")]
    DotSegment,
    /// A member of the query by which some frameworks take another method.
    #[error("the query has a member that names another method")]
    OtherMethod,
}

impl<'a> Target<'a> {
    /// Reads the path of a URI, and leaves out its query.
    ///
    /// # Errors
    /// If backends may read the path differently.
    pub(crate) fn parse(uri: &'a str) -> Result<Self, TargetFault> {
        if uri.len() > LONGEST {
            return Err(TargetFault::TooLong);
        }
        if uri.contains('#') {
            return Err(TargetFault::Fragment);
        }
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        if query.split(['&', ';']).any(names_method) {
            return Err(TargetFault::OtherMethod);
        }
        let path = path.strip_prefix('/').ok_or(TargetFault::NoPath)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            // The root; two slashes are an empty segment.
            return match uri.starts_with("//") {
                true => Err(TargetFault::EmptySegment),
                false => Ok(Self(Vec::new())),
            };
        }
        path.split('/').map(segment).collect::<Result<_, _>>().map(Self)
    }

    /// The segments.
    #[must_use]
    pub(crate) fn segments(&self) -> &[Cow<'a, str>] {
        &self.0
    }
}

/// Whether a member of a query is `_method` or a header that names a method, for some framework: PHP reads `.method` and `+method`
/// as `_method`, and cuts a name off at a bracket or a zero byte. ASP.NET decodes `%u005f` too.
fn names_method(member: &str) -> bool {
    let raw = member.split('=').next().unwrap_or_default();
    if !raw.to_ascii_lowercase().contains("method") && !raw.contains('%') {
        return false;
    }
    let decoded = percent_encoding::percent_decode_str(raw).decode_utf8_lossy();
    let name = decoded.to_ascii_lowercase().replace([' ', '+', '.', '['], "_");
    let plain = name.trim_start_matches('_');
    let is_field = plain.starts_with("method") && plain.len() < name.len();
    let header = plain.replace('_', "-");
    let is_header = OTHER_METHODS.iter().any(|other| header.starts_with(other));
    is_field || is_header || raw.contains("%u")
}

fn segment(raw: &str) -> Result<Cow<'_, str>, TargetFault> {
    if raw.is_empty() {
        return Err(TargetFault::EmptySegment);
    }
    if raw.contains(';') {
        return Err(TargetFault::Semicolon);
    }
    // RFC 3986 §3.3 (pchar), without the semicolon.
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@%".contains(&byte);
    if !raw.bytes().all(fits) {
        return Err(TargetFault::Character);
    }
    let decoded = match raw.contains('%') {
        true => Cow::Owned(decoded(raw)?),
        false => Cow::Borrowed(raw),
    };
    if decoded.chars().all(|letter| letter == '.' || letter.is_whitespace()) {
        return Err(TargetFault::DotSegment);
    }
    Ok(decoded)
}

/// Decodes once.
fn decoded(raw: &str) -> Result<String, TargetFault> {
    let mut pieces = raw.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).ok_or(TargetFault::Encoding)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(TargetFault::Encoding);
        }
        let byte = u8::from_str_radix(digits, 16).map_err(|_| TargetFault::Encoding)?;
        if byte < 0x20 || byte == 0x7f || b"/\\%?#;".contains(&byte) {
            return Err(TargetFault::EncodedDelimiter);
        }
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| TargetFault::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str) -> Result<String, TargetFault> {
        Target::parse(uri).map(|target| target.segments().join("|"))
    }

    #[test]
    fn a_path_is_its_decoded_segments() {
        for (uri, segments) in [
            ("/", ""),
            ("/?a=b", ""),
            ("/orders?method=card&payment_method=sepa&q=%5fmethod", "orders"),
            ("/orders?http-method=a&a%25user=X-HTTP-Method", "orders"),
            ("/orders", "orders"),
            ("/orders/", "orders"),
            ("/orders/17?next=%2F..%2F", "orders|17"),
            ("/%6frders/%C3%A9", "orders|é"),
            ("/a%20b/c:d@e", "a b|c:d@e"),
            ("/...a/.b./%20c", "...a|.b.| c"),
        ] {
            assert_eq!(read(uri).as_deref(), Ok(segments), "{uri}");
        }
    }

    #[test]
    fn a_query_that_may_name_another_method_is_refused() {
        for query in [
            "_method=DELETE",
            "a=b&_METHOD=delete",
            "%5fmethod=DELETE",
            "_m%65thod=DELETE",
            ".method=DELETE",
            "a;_method[]=DELETE",
            "X-HTTP-Method-Override=DELETE",
            "a=b&x-http-method=DELETE",
            "x-method-override=DELETE",
            "X%2DHTTP%2DMethod%2DOverr%69de=DELETE",
            "x_http_method_override=DELETE",
            "+x.http+method[]=DELETE",
            "X-Method-Override%00a=DELETE",
            "%u0058-HTTP-Method-Override=DELETE",
        ] {
            assert_eq!(
                read(&format!("/orders?{query}")),
                Err(TargetFault::OtherMethod),
                "{query}"
            );
        }
    }

    #[test]
    fn whatever_two_backends_may_read_differently_is_refused() {
        use TargetFault as F;
        for (uri, fault) in [
            ("", F::NoPath),
            ("orders", F::NoPath),
            ("*", F::NoPath),
            ("http://api.example/orders", F::NoPath),
            ("?a", F::NoPath),
            ("/public#/../orders", F::Fragment),
            ("/orders?a#b", F::Fragment),
            ("//", F::EmptySegment),
            ("//evil.example/orders", F::EmptySegment),
            ("/orders//17", F::EmptySegment),
            ("/orders//", F::EmptySegment),
            ("/./orders", F::DotSegment),
            ("/public/../orders", F::DotSegment),
            ("/public/..", F::DotSegment),
            ("/public/%2e%2e/orders", F::DotSegment),
            ("/public/.%2E/orders", F::DotSegment),
            ("/orders/%20", F::DotSegment),
            ("/orders/%20/", F::DotSegment),
            ("/%20/orders", F::DotSegment),
            ("/orders/%C2%A0%E2%80%83", F::DotSegment),
            ("/public/.%20/orders", F::DotSegment),
            ("/public/..%20/orders", F::DotSegment),
            ("/public/%20..", F::DotSegment),
            ("/public/.%20./orders", F::DotSegment),
            ("/...", F::DotSegment),
            ("/public/..;/orders", F::Semicolon),
            ("/orders;x=1", F::Semicolon),
            ("/public%2f..%2forders", F::EncodedDelimiter),
            ("/public%5corders", F::EncodedDelimiter),
            ("/orders%00", F::EncodedDelimiter),
            ("/orders%0d%0a", F::EncodedDelimiter),
            ("/%252e%252e/orders", F::EncodedDelimiter),
            ("/orders%23x", F::EncodedDelimiter),
            ("/orders%3fx", F::EncodedDelimiter),
            ("/orders%3bx", F::EncodedDelimiter),
            ("/public\\orders", F::Character),
            ("/or ders", F::Character),
            ("/orders\t", F::Character),
            ("/é", F::Character),
            ("/{id}", F::Character),
            ("/orders%", F::Encoding),
            ("/orders%2", F::Encoding),
            ("/orders%zz", F::Encoding),
            ("/orders%+1", F::Encoding),
            ("/orders%ff", F::Encoding),
            ("/orders%c0%ae", F::Encoding),
        ] {
            assert_eq!(read(uri), Err(fault), "{uri}");
        }
        assert_eq!(read(&format!("/{}", "a".repeat(LONGEST))), Err(F::TooLong));
    }
}
