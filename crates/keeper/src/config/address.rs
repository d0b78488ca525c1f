//! Addresses of other machines. They are judged at the start: the HTTP client would refuse each request, one by one.

use std::net::IpAddr;

use http::Uri;

use super::ConfigError;

/// An absolute URL, which may have `{variables}`: https, unless it leads to this machine or `plain_http` allows more.
pub(super) fn check(key: &str, url: &str, plain_http: bool) -> Result<(), ConfigError> {
    let wrong = |what: &str| ConfigError::new(format!("`{key}` {what}"));
    let no_url = || wrong("is no https URL");
    let parsed: Uri = filled(url).parse().map_err(|_| no_url())?;
    let host = parsed.host().filter(|host| !host.is_empty()).ok_or_else(no_url)?;
    if url.contains(['#', '@']) {
        return Err(wrong("may have no fragment and no user"));
    }
    match parsed.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if plain_http || is_here(host) => Ok(()),
        Some("http") => Err(wrong(
            "is plain http to another machine: use https, or write `plain_http = true` in [outgoing]",
        )),
        _ => Err(no_url()),
    }
}

/// As [`check`], without a query: something is added to the path.
pub(super) fn check_base(key: &str, url: &str, plain_http: bool) -> Result<(), ConfigError> {
    check(key, url, plain_http)?;
    match url.contains('?') {
        true => Err(ConfigError::new(format!("`{key}` may have no query"))),
        false => Ok(()),
    }
}

/// With a value for each variable.
fn filled(url: &str) -> String {
    let mut inside = false;
    let mut filled = String::with_capacity(url.len());
    for character in url.chars() {
        match character {
            '{' if !inside => inside = true,
            '}' if inside => {
                inside = false;
                filled.push('x');
            }
            _ if inside => {}
            other => filled.push(other),
        }
    }
    filled
}

fn is_here(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let ip = name.parse();
    name == "localhost" || name.ends_with(".localhost") || ip.is_ok_and(is_loopback)
}

pub(super) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
