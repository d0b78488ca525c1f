//! Redirect URIs compared with the `url` crate, which parses like browsers do: a browser is only ever sent to the registered address
//! (RFC 9700 §2.1).

use hallpass_wire::RedirectUri;
use hallpass_wire::redirect_uri::{Destination, with_query};
use http::HeaderValue;
use url::Url;

/// The input: a URI to register, and the URI of a request on the second line.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (registered, sent) = text.split_once('\n').unwrap_or((text, text));
    let Ok(uri) = RedirectUri::parse(registered) else {
        return;
    };
    assert_eq!(uri.as_str(), registered);
    let url = registrable(&uri);
    for localhost in [false, true] {
        assert!(uri.admits(registered, localhost));
        followed(&url, registered, false);
        if uri.admits(sent, localhost) {
            followed(&url, sent, sent != registered);
        }
    }
}

/// Checks that a browser, and a person who reads the URI, take it for the same address.
fn registrable(uri: &RedirectUri) -> Url {
    let text = uri.as_str();
    let url = Url::parse(text).expect("a browser parses it");
    assert!(text.len() <= 2000 && url.fragment().is_none(), "{text}");
    assert!(url.username().is_empty() && url.password().is_none(), "{text}");
    let destination = Destination::of(text).expect("it has a destination");
    match url.scheme() {
        "https" | "http" => {
            // A person who reads up to the first slash sees the host that the browser opens.
            let host = url.host_str().expect("a web address has a host");
            match &destination {
                Destination::Web(shown) => assert_eq!(shown, host, "{text}"),
                other => assert_eq!(*other, Destination::ThisDevice, "{text}"),
            }
            assert!(
                url.scheme() == "https" || destination == Destination::ThisDevice,
                "{text}"
            );
        }
        scheme => {
            assert!(scheme.contains('.'), "{text}");
            assert_eq!(destination, Destination::Scheme(scheme.to_owned()), "{text}");
        }
    }
    url
}

fn local(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// Checks that the redirect is the registered address with more parameters. Only the port of a loopback address may differ.
fn followed(registered: &Url, sent: &str, port_may_differ: bool) {
    let pairs = [("code", "hp_ac_x"), ("state", "&=#\r\n é")];
    let location = with_query(sent, &pairs);
    assert!(HeaderValue::from_str(&location).is_ok(), "{location:?}");
    let went = Url::parse(&location).expect("a browser parses it");
    let where_to = |url: &Url| {
        (
            url.scheme().to_owned(),
            url.host_str().map(str::to_owned),
            url.path().to_owned(),
        )
    };
    assert_eq!(where_to(&went), where_to(registered), "{location}");
    if port_may_differ {
        assert!(local(registered) && registered.scheme() == "http", "{location}");
    } else {
        assert_eq!(went.port(), registered.port(), "{location}");
    }
    assert!(went.fragment().is_none() && went.username().is_empty(), "{location}");
    let before: Vec<_> = registered.query_pairs().into_owned().collect();
    let after: Vec<_> = went.query_pairs().into_owned().collect();
    let added = after
        .strip_prefix(before.as_slice())
        .expect("the registered query is kept");
    let added: Vec<_> = added
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(added, pairs, "{location}");
}
