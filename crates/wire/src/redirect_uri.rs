//! Redirect URIs (RFC 6749 §3.1.2, RFC 8252, RFC 9700 §2.1 and §4.1).
//!
//! A registered URI is compared with the one sent as text, byte for byte. The single exception is the port of a loopback
//! address, which a native app learns only when it starts (RFC 8252 §7.3).

use std::fmt;
use url::Url;

/// A redirect URI that may be registered.
#[derive(Clone, PartialEq, Eq, Hash, Debug, serde::Deserialize, serde::Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

/// Why a text cannot be registered as a redirect URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RedirectUriError {
    /// Not an absolute URI (RFC 6749 §3.1.2).
    #[error("it is not an absolute URI such as https://app.example/callback")]
    NotAbsolute,
    /// It has a fragment (RFC 6749 §3.1.2).
    #[error("it has a fragment (#…)")]
    Fragment,
    /// It carries a user name or password, which serves only to confuse.
    #[error("it carries a user name or password")]
    UserInfo,
    /// `http` to a host that is not this computer (RFC 9700 §4.1.3).
    #[error("plain http is only for localhost; use https")]
    PlainHttp,
    /// A scheme that runs or reads things in the browser.
    #[error("this scheme cannot take a person back to an app")]
    Scheme,
    /// It holds a space, a backslash, a wildcard in the host or a character that a URI cannot have.
    #[error("it holds a character that a redirect URI cannot have")]
    Character,
    /// Longer than 2,000 characters.
    #[error("it is longer than 2,000 characters")]
    TooLong,
}

impl RedirectUri {
    /// Parses a URI for registration. Custom schemes are for native apps and need a dot (RFC 8252 §7.1).
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        if text.len() > 2000 {
            return Err(RedirectUriError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriError::NotAbsolute)?;
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if !text.bytes().all(fits) {
            return Err(RedirectUriError::Character);
        }
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::UserInfo);
        }
        match url.scheme() {
            "http" | "https" => web(text, &url)?,
            scheme if !scheme.contains('.') => return Err(RedirectUriError::Scheme),
            _ => {}
        }
        Ok(Self(text.to_owned()))
    }

    /// The URI as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `sent` names this URI: the same text, or the same loopback URI with another port (RFC 8252 §7.3).
    pub fn admits(&self, sent: &str) -> bool {
        if self.0 == sent {
            return true;
        }
        match (loopback(&self.0), loopback(sent)) {
            (Some(registered), Some(sent)) => registered == sent,
            _ => false,
        }
    }

    /// Whether a browser that follows it stays on the person's own computer, however the address is written.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && is_this_computer(&url))
    }

    /// The host, or the scheme where there is none (a native app's).
    pub fn host(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        Some(
            url.host_str()
                .filter(|host| !host.is_empty())
                .unwrap_or(url.scheme())
                .to_owned(),
        )
    }

    /// The origin of a page at this address, as browsers write it: `scheme://host[:port]` (RFC 6454 §6.2). A native app's
    /// scheme has none. A loopback address has that of its own port alone: any port is for programs that are not pages, and
    /// a page on another port is another's.
    pub fn origin(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
    }
}

/// Adds `pairs` to the query of `uri`, which stays as it was otherwise (RFC 6749 §3.1.2: an existing query is kept).
pub fn with_query(uri: &str, pairs: &[(&str, &str)]) -> String {
    let encoded = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let glue = match uri.find('?') {
        None => "?",
        Some(at) if at + 1 == uri.len() || uri.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{glue}{encoded}")
}

fn web(text: &str, url: &Url) -> Result<(), RedirectUriError> {
    let authority = text.split('/').nth(2).unwrap_or_default();
    if !text
        .get(..url.scheme().len() + 3)
        .is_some_and(|start| start.eq_ignore_ascii_case(&format!("{}://", url.scheme())))
        || authority.is_empty()
    {
        return Err(RedirectUriError::NotAbsolute);
    }
    if authority.split('?').next().is_some_and(|host| host.contains('@')) {
        return Err(RedirectUriError::UserInfo);
    }
    let host = url.host_str().unwrap_or_default();
    if host.contains('*') || host.contains('%') {
        return Err(RedirectUriError::Character);
    }
    if url.scheme() == "http" && !is_this_computer(url) {
        return Err(RedirectUriError::PlainHttp);
    }
    Ok(())
}

/// However it is written: `127.1` and `0x7f000001` are 127.0.0.1 to a browser.
fn is_this_computer(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// What remains of a loopback URI when its port is left out. By address only: `localhost` may resolve elsewhere (RFC 8252 §8.3).
fn loopback(uri: &str) -> Option<(&'static str, &str)> {
    for host in ["http://127.0.0.1", "http://[::1]"] {
        let Some(rest) = uri.strip_prefix(host) else { continue };
        let (port, path) = match rest.strip_prefix(':') {
            Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
            None => ("1", rest),
        };
        let numeric = port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
        let ends = path.is_empty() || path.starts_with(['/', '?']);
        return (numeric && ends).then_some((host, path));
    }
    None
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;
    fn try_from(text: String) -> Result<Self, RedirectUriError> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(registered: &str, sent: &str) -> bool {
        RedirectUri::parse(registered).unwrap().admits(sent)
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
    fn a_loopback_address_takes_any_port_and_localhost_does_not() {
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

    /// RFC 8252 §8.6: the person is warned of an app that any program on the computer could pass for.
    #[test]
    fn this_computer_is_known_however_it_is_written() {
        let is_loopback = |text: &str| RedirectUri::parse(text).unwrap().is_loopback();
        for text in [
            "http://127.0.0.1/cb",
            "http://127.1/cb",
            "http://0x7f000001:8080/cb",
            "http://[0:0::1]:8080/cb",
            "https://LOCALHOST/cb",
        ] {
            assert!(is_loopback(text), "{text}");
        }
        for text in [
            "https://app.example/cb",
            "com.example.app:/cb",
            "com.example.app://localhost/cb",
        ] {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_registered_says_why() {
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
            ("myapp:/cb", E::Scheme),
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
    fn a_query_is_kept_and_added_to() {
        assert_eq!(
            with_query("https://a.example/cb", &[("code", "x y")]),
            "https://a.example/cb?code=x+y"
        );
        assert_eq!(
            with_query("https://a.example/cb?k=v", &[("code", "x")]),
            "https://a.example/cb?k=v&code=x"
        );
    }
}
