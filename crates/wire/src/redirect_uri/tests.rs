use super::*;

fn admits(registered: &str, sent: &str) -> bool {
    RedirectUri::parse(registered).unwrap().admits(sent, false)
}

fn parse(text: &str, listed: &[&str], public: bool) -> Result<RedirectUri, RedirectUriError> {
    let listed: Vec<String> = listed.iter().map(|scheme| (*scheme).to_owned()).collect();
    RedirectUri::parse_with(
        text,
        Schemes {
            listed: &listed,
            public,
        },
    )
}

#[test]
fn several_uris_in_one_text_are_refused() {
    for between in [",", ";", " ", ", ", "\n", "\t"] {
        for second in ["https://b.example/cb", "com.example.app:/cb", "http://127.0.0.1/cb"] {
            let text = format!("https://a.example/cb{between}{second}");
            assert_eq!(RedirectUri::parse(&text), Err(RedirectUriError::Several), "{text:?}");
        }
    }
    // White space before a URI is another fault.
    assert_eq!(
        RedirectUri::parse(" https://a.example/cb"),
        Err(RedirectUriError::Character)
    );
    for one in [
        "https://a.example/cb;v=1,2",
        "https://a.example/cb?next=https://a.example/",
    ] {
        assert!(RedirectUri::parse(one).is_ok(), "{one}");
    }
}

#[test]
fn only_the_same_text_is_admitted() {
    let registered = "https://app.example/cb";
    assert!(admits(registered, registered));
    for sent in [
        "https://app.example/cb/",
        "https://app.example/cb?x=1",
        "https://app.example/CB",
        "https://APP.example/cb",
        "https://app.example:443/cb",
        "https://app.example/cb;x",
        "https://app.example/cb#x",
        "https://app.example@evil.example/cb",
        "https://app.example/x/../cb",
        "http://app.example/cb",
        "https://app.example/cb%2f",
    ] {
        assert!(!admits(registered, sent), "{sent}");
    }
}

#[test]
fn a_loopback_address_admits_any_port_and_localhost_does_not() {
    assert!(admits("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"));
    assert!(admits("http://127.0.0.1:9/cb", "http://127.0.0.1/cb"));
    assert!(admits("http://[::1]:9/cb", "http://[::1]:51004/cb"));
    for sent in [
        "http://127.0.0.1:1/other",
        "http://127.0.0.1:1@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:+80/cb",
        "http://[::1]:1/cb",
    ] {
        assert!(!admits("http://127.0.0.1/cb", sent), "{sent}");
    }
    assert!(!admits("http://localhost:1/cb", "http://localhost:2/cb"));
}

#[test]
fn localhost_admits_any_port_if_the_app_allows_it() {
    let registered = RedirectUri::parse("http://localhost/cb").unwrap();
    assert!(registered.admits("http://localhost:49152/cb", true));
    assert!(registered.takes_any_port(true) && !registered.takes_any_port(false));
    for sent in [
        "http://127.0.0.1:49152/cb",
        "http://localhost:49152/other",
        "http://localhost:49152@evil.example/cb",
        "http://localhost.evil.example:49152/cb",
        "http://localhost.:49152/cb",
        "http://LOCALHOST:49152/cb",
        "https://localhost:49152/cb",
    ] {
        assert!(!registered.admits(sent, true), "{sent}");
    }
    let secure = RedirectUri::parse("https://localhost/cb").unwrap();
    assert!(!secure.admits("https://localhost:49152/cb", true));
}

#[test]
fn a_scheme_without_a_dot_is_for_public_apps_of_the_operators_list() {
    use RedirectUriError as E;
    let listed = ["cursor", "vscode"];
    for text in ["cursor://anysphere.cursor/cb", "Cursor:/cb", "vscode:cb"] {
        assert!(parse(text, &listed, true).is_ok(), "{text}");
        assert_eq!(parse(text, &listed, false).unwrap_err(), E::SchemeNotPublic, "{text}");
        assert_eq!(parse(text, &[], true).unwrap_err(), E::SchemeUnlisted, "{text}");
    }
    for text in [
        "javascript:evil()",
        "data:text/html,x",
        "file:///x",
        "urn:ietf:wg:oauth:2.0:oob",
    ] {
        let scheme = text.split(':').next().unwrap();
        assert_eq!(parse(text, &[scheme], true).unwrap_err(), E::Scheme, "{text}");
    }
    for scheme in ["javascript", "https", "Cursor", "com.example", "1a", "", "a b", "a:"] {
        assert!(!may_be_listed(scheme), "{scheme}");
    }
    assert!(may_be_listed("vscode-insiders"));
}

#[test]
fn a_registered_uri_is_not_checked_again() {
    let uri = RedirectUri::registered("myapp:/cb".to_owned());
    assert!(uri.admits("myapp:/cb", false));
    assert!(!uri.admits("myapp:/cb2", false));
}

/// RFC 8252 §8.6: any program on the device could receive the answer, so the page warns the person.
#[test]
fn each_spelling_of_this_device_is_recognized() {
    for text in [
        "http://127.0.0.1:49152/cb",
        "http://127.1/cb",
        "http://0x7f000001:8080/cb",
        "http://[0:0::1]:8080/cb",
        "https://127.8.8.8/cb",
        "https://[::ffff:127.0.0.1]/cb",
        "https://0.0.0.0/cb",
        "https://[::]/cb",
        "https://LOCALHOST/cb",
        "https://localhost./cb",
        "https://app.localhost/cb",
    ] {
        assert_eq!(Destination::of(text), Some(Destination::ThisDevice), "{text}");
    }
}

#[test]
fn a_custom_scheme_is_never_a_web_address() {
    for (text, scheme) in [
        ("https.evil.example:/", "https.evil.example"),
        ("com.example.app:/cb", "com.example.app"),
        ("com.example.app://accounts.bank.example/cb", "com.example.app"),
        ("com.example.app://localhost/cb", "com.example.app"),
        ("cursor://cursor.com/cb", "cursor"),
    ] {
        assert_eq!(
            Destination::of(text),
            Some(Destination::Scheme(scheme.to_owned())),
            "{text}"
        );
    }
    for (text, host) in [
        ("https://App.Example:8443/cb", "app.example"),
        ("https://localhost.evil.example/cb", "localhost.evil.example"),
        ("https://b\u{fc}cher.example/cb", "xn--bcher-kva.example"),
    ] {
        assert_eq!(Destination::of(text), Some(Destination::Web(host.to_owned())), "{text}");
    }
}

#[test]
fn a_refused_redirect_uri_gives_its_reason() {
    use RedirectUriError as E;
    for (text, error) in [
        ("app.example/cb", E::NotAbsolute),
        ("/cb", E::NotAbsolute),
        ("https:app.example/cb", E::NotAbsolute),
        ("https://app.example/cb#x", E::Fragment),
        ("https://a:b@app.example/cb", E::UserInfo),
        ("https://@app.example/cb", E::UserInfo),
        ("com.example.app://a@b/cb", E::UserInfo),
        ("http://app.example/cb", E::PlainHttp),
        ("javascript:alert(1)", E::Scheme),
        ("data:text/html,x", E::Scheme),
        ("myapp:/cb", E::SchemeUnlisted),
        ("https://*.example/cb", E::Character),
        ("https://app.example/c b", E::Character),
        ("https://app.example\\@evil.example/", E::Character),
    ] {
        assert_eq!(RedirectUri::parse(text).unwrap_err(), error, "{text}");
    }
    assert!(RedirectUri::parse("com.example.app:/cb").is_ok());
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    for (uri, origin) in [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("https://App.Example:443/cb", "https://app.example"),
        ("https://app.example:8443/cb", "https://app.example:8443"),
        ("http://localhost:3000/cb", "http://localhost:3000"),
        ("http://127.0.0.1/cb", "http://127.0.0.1"),
        ("http://[::1]:9/cb", "http://[::1]:9"),
    ] {
        assert_eq!(RedirectUri::parse(uri).unwrap().origin().as_deref(), Some(origin));
    }
    for uri in ["com.example.app:/cb", "com.example.app://app.example/cb"] {
        assert_eq!(RedirectUri::parse(uri).unwrap().origin(), None, "{uri}");
    }
}

#[test]
fn an_existing_query_is_kept_and_extended() {
    assert_eq!(
        with_query("https://a.example/cb", &[("code", "x y")]),
        "https://a.example/cb?code=x+y"
    );
    assert_eq!(
        with_query("https://a.example/cb?k=v", &[("code", "x")]),
        "https://a.example/cb?k=v&code=x"
    );
}
