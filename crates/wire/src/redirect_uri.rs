//! Redirect URIs (RFC 6749 §3.1.2, RFC 8252, RFC 9700 §2.1 and §4.1).
//!
//! A registered URI and the URI in a request are compared as text, byte for byte. The only exception is the port of a
//! loopback address: a native app learns its port only when it starts (RFC 8252 §7.3).
//!
//! A URI is checked once, when it is registered. If the rules change later, URIs that were registered before remain valid.

use std::fmt;
use std::net::IpAddr;
use url::{Host, Url};

/// A registered redirect URI.
#[derive(Clone, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

/// The custom schemes without a dot that an app may register: those on the operator's list, for public apps only.
#[derive(Clone, Copy, Default, Debug)]
pub struct Schemes<'a> {
    /// The operator's list, in lower case.
    pub listed: &'a [String],
    /// Whether the app is public: it runs on people's devices (RFC 8252 §8.4).
    pub public: bool,
}

/// The destination of a redirect URI, as pages show it to people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Destination {
    /// A website, by its host.
    Web(String),
    /// A program on the person's own device. Any program of the device may listen there (RFC 8252 §8.6).
    ThisDevice,
    /// The app of the device that opens URLs of this scheme. Any app may claim a scheme (RFC 8252 §8.1).
    Scheme(String),
}

/// Why a text cannot be registered as a redirect URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RedirectUriError {
    /// Not an absolute URI (RFC 6749 §3.1.2).
    #[error("it is not an absolute URI such as https://app.example/callback")]
    NotAbsolute,
    /// It has a fragment (RFC 6749 §3.1.2).
    #[error("it has a fragment (#…)")]
    Fragment,
    /// It carries a user name or password, which can only mislead the reader.
    #[error("it carries a user name or password")]
    UserInfo,
    /// `http` to a host that is not this computer (RFC 9700 §4.1.3).
    #[error("plain http is only for localhost; use https")]
    PlainHttp,
    /// A scheme with which the device runs or reads something, and opens no app.
    #[error("the device runs or reads a URI of this scheme itself, so it opens no app")]
    Scheme,
    /// A scheme without a dot that is not on the operator's list.
    #[error(
        "the scheme of an app must have a dot, such as com.example.app (RFC 8252 §7.1); the operator can allow others in \
         [portal] schemes"
    )]
    SchemeUnlisted,
    /// A scheme of the operator's list, but the app is not public.
    #[error("a scheme without a dot is for public apps only")]
    SchemeNotPublic,
    /// Two URIs with a comma, a semicolon or white space between them.
    #[error("it holds several URIs: give each as an item of its own")]
    Several,
    /// It holds a space, a backslash, a wildcard in the host or another character that a URI cannot have.
    #[error("it holds a character that a redirect URI cannot have")]
    Character,
    /// Longer than 2,000 characters.
    #[error("it is longer than 2,000 characters")]
    TooLong,
}

impl RedirectUri {
    /// Parses a URI for registration. A custom scheme must have a dot (RFC 8252 §7.1).
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        Self::parse_with(text, Schemes::default())
    }

    /// Like [`Self::parse`], but also accepts some schemes without a dot.
    pub fn parse_with(text: &str, schemes: Schemes<'_>) -> Result<Self, RedirectUriError> {
        if text.len() > 2000 {
            return Err(RedirectUriError::TooLong);
        }
        if holds_several(text) {
            return Err(RedirectUriError::Several);
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
            scheme => custom(scheme, schemes)?,
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes a URI that was registered before. It is not checked again.
    pub fn registered(text: String) -> Self {
        Self(text)
    }

    /// The URI as text, as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `sent` names this URI: the same text, or the same loopback URI with another port (RFC 8252 §7.3).
    /// `localhost` has this exception only if the app sets `localhost`: the name may resolve to another address (RFC 8252
    /// §8.3).
    pub fn admits(&self, sent: &str, localhost: bool) -> bool {
        if self.0 == sent {
            return true;
        }
        match (loopback(&self.0, localhost), loopback(sent, localhost)) {
            (Some(registered), Some(sent)) => registered == sent,
            _ => false,
        }
    }

    /// Whether a request may name another port than this URI has. `localhost` has the same meaning as for [`Self::admits`].
    pub fn takes_any_port(&self, localhost: bool) -> bool {
        loopback(&self.0, localhost).is_some()
    }

    /// The origin of a page at this URI, as browsers write it: `scheme://host[:port]` (RFC 6454 §6.2). A native app's
    /// scheme has no origin. A loopback URI has the origin of its own port alone: a page on another port belongs to
    /// somebody else. Any port is allowed only to programs that are not pages.
    pub fn origin(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
    }
}

impl Destination {
    /// The destination of a URL. `None` if no browser would follow it.
    pub fn of(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return Some(Self::Scheme(url.scheme().to_owned()));
        }
        let host = url.host()?;
        Some(if is_this_device(&host) {
            Self::ThisDevice
        } else {
            Self::Web(host.to_string())
        })
    }
}

/// Whether an operator may list this scheme. It must be in lower case and without a dot.
pub fn may_be_listed(scheme: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-');
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(fits)
        && !NEVER.contains(&scheme)
        && !matches!(scheme, "http" | "https")
}

/// Schemes that a browser or the operating system handles itself, so that a code sent there opens no app.
const NEVER: [&str; 22] = [
    "about",
    "blob",
    "chrome",
    "cid",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "mid",
    "resource",
    "sms",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
    "wyciwyg",
];

fn custom(scheme: &str, schemes: Schemes<'_>) -> Result<(), RedirectUriError> {
    if scheme.contains('.') {
        return Ok(());
    }
    if !may_be_listed(scheme) {
        return Err(RedirectUriError::Scheme);
    }
    if !schemes.listed.iter().any(|listed| listed == scheme) {
        return Err(RedirectUriError::SchemeUnlisted);
    }
    if !schemes.public {
        return Err(RedirectUriError::SchemeNotPublic);
    }
    Ok(())
}

/// Adds `pairs` to the query of `uri` and leaves the rest as it is (RFC 6749 §3.1.2: an existing query is kept).
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

/// Also recognizes other spellings: `127.1` and `0x7f000001` are 127.0.0.1 to a browser.
fn is_this_computer(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// Whether a program of the same device can be reached at this host. These are more hosts than may be registered with plain
/// http.
fn is_this_device(host: &Host<&str>) -> bool {
    let local = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    match host {
        Host::Ipv4(address) => local(IpAddr::V4(*address)),
        Host::Ipv6(address) => {
            local(IpAddr::V6(*address)) || address.to_ipv4_mapped().is_some_and(|inner| local(IpAddr::V4(inner)))
        }
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            // RFC 6761 §6.3: browsers and resolvers answer names below `localhost` themselves.
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// The rest of a loopback URI, without its port.
fn loopback(uri: &str, localhost: bool) -> Option<(&'static str, &str)> {
    let hosts = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
    let count = if localhost { 3 } else { 2 };
    for host in hosts.into_iter().take(count) {
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

/// Whether a second URI begins after a comma, a semicolon or white space. A URI may hold the first two, so without this
/// check both would be registered as one URI that no client sends.
fn holds_several(text: &str) -> bool {
    let scheme = |text: &str| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
        !text.is_empty() && text.chars().all(fits)
    };
    let between = |letter: char| matches!(letter, ',' | ';') || letter.is_whitespace();
    text.trim_start_matches(between)
        .split(between)
        .skip(1)
        .any(|part| part.split_once(":/").is_some_and(|(before, _)| scheme(before)))
}

#[cfg(test)]
mod tests;
