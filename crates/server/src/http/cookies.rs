//! The Cookie header (RFC 6265 §5.4), read as bytes. A browser also sends cookies of other programs on the host; a
//! malformed one must not hide our cookies.

use http::{HeaderMap, header};
use url::Url;

/// The name of the session cookie for the server at `address`. A host sends its cookies to every port (RFC 6265 §8.5). So
/// with http the name includes the port: several servers on one host are common on a developer's machine. With https the
/// prefix `__Host-` prevents other hosts of the domain from setting the cookie.
#[must_use]
pub(crate) fn session_name(address: &str) -> String {
    let url = Url::parse(address).ok();
    match url.as_ref().is_some_and(|url| url.scheme() == "https") {
        true => "__Host-hallpass".to_owned(),
        false => {
            let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
            format!("hallpass-{port}")
        }
    }
}

/// The values of the cookies with this name, in the order of the header. A value that is not text is skipped.
pub(crate) fn named<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    below(headers, name).filter_map(|(rest, value)| rest.is_empty().then_some(value))
}

/// The cookies whose names begin with `prefix`: the rest of each name, and the value.
pub(crate) fn below<'a>(headers: &'a HeaderMap, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines = headers.get_all(header::COOKIE).iter();
    let members = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    members.filter_map(move |member| {
        let rest = member.trim_ascii().strip_prefix(prefix.as_bytes())?;
        std::str::from_utf8(rest).ok()?.split_once('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn values(lines: &[&[u8]], name: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        named(&headers, name).map(str::to_owned).collect()
    }

    #[test]
    fn servers_on_one_host_have_different_session_cookies() {
        for (address, name) in [
            ("http://localhost:8080", "hallpass-8080"),
            ("http://localhost:8081/auth", "hallpass-8081"),
            ("http://id.example", "hallpass-80"),
            ("http://[::1]:9000", "hallpass-9000"),
            ("https://id.example", "__Host-hallpass"),
            ("https://id.example:443/auth", "__Host-hallpass"),
            ("https://id.example:8443", "__Host-hallpass"),
        ] {
            assert_eq!(session_name(address), name, "{address}");
        }
    }

    #[test]
    fn a_cookie_is_found_beside_malformed_cookies_of_others() {
        for line in [
            b"ours=1".as_slice(),
            b"theirs=\xe4\xf6; ours=1",
            b"ours=1; theirs=\xff",
            b"\xc3\xa4=2;ours=1;",
            b"=; ;;a; ours=1 ; theirs=\"x; y\"",
            b"OURS=2; ours2=3; ours=1",
        ] {
            assert_eq!(values(&[line], "ours"), ["1"], "{}", String::from_utf8_lossy(line));
        }
        assert_eq!(
            values(&[b"a=\xff", b"ours=1; ours=2", b"ours=a=b"], "ours"),
            ["1", "2", "a=b"]
        );
        assert_eq!(values(&[b"ours=\xff; ours=2"], "ours"), ["2"]);
        assert!(values(&[b"ours", b"xours=1"], "ours").is_empty());
    }
}
