//! The Cookie header (RFC 6265 §5.4), read as bytes: a browser sends what any program of the host has set, and a cookie of
//! somebody else's, whatever is in it, never costs ours.

use http::{HeaderMap, header};

/// The values of the cookies of this name, in the order in which they came. One that is not text is passed over.
pub fn named<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let members = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    members.filter_map(move |member| {
        let value = member.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        std::str::from_utf8(value).ok()
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
    fn a_cookie_is_found_beside_whatever_others_sent() {
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
