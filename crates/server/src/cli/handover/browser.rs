//! A browser that walks through a site: it keeps cookies, and follows redirects on the host of the site only.

use super::client::{SiteAnswer, get};
use crate::config::is_on_this_computer;
use std::collections::BTreeMap;
use url::Url;

/// The most redirects that are followed, as in browsers.
const MOST_REDIRECTS: usize = 20;

/// A browser with its own cookies.
#[derive(Default)]
pub(super) struct Browser {
    /// The cookies of each host. A host sends them to every port (RFC 6265 §8.5).
    jars: BTreeMap<String, BTreeMap<String, String>>,
}

/// The way of a browser through the site.
pub(super) struct Trip {
    /// The answers of the site, the last one last.
    pub(super) answers: Vec<SiteAnswer>,
    /// The address that was opened last.
    pub(super) at: Url,
    pub(super) end: End,
}

/// How a way through the site ends.
pub(super) enum End {
    /// At a page of the site.
    Page,
    /// At a redirect to the server.
    Server(Url),
    /// At a redirect to another host, which is not followed.
    Elsewhere(Url),
    /// After too many redirects.
    Circle,
    /// Without an answer, and why.
    Failed(String),
}

impl Browser {
    /// A browser that has these cookies of the host of `url`.
    pub(super) fn with(url: &Url, cookies: &[(String, String)]) -> Self {
        let mut browser = Self::default();
        browser.jar(url).extend(cookies.iter().cloned());
        browser
    }

    /// The cookies of the host of `url`.
    pub(super) fn jar(&mut self, url: &Url) -> &mut BTreeMap<String, String> {
        self.jars
            .entry(url.host_str().unwrap_or_default().to_owned())
            .or_default()
    }

    /// Opens one address.
    pub(super) async fn open(&mut self, url: &Url) -> Result<SiteAnswer, String> {
        let jar = self.jar(url);
        let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = get(url, Some(pairs.join("; ")).filter(|pairs| !pairs.is_empty())).await?;
        for line in answer.cookies() {
            keep(jar, line);
        }
        Ok(answer)
    }

    /// Opens a page of the site, and follows its redirects up to the one that leads to the server.
    pub(super) async fn walk(&mut self, page: &Url, server: &Url) -> Trip {
        let mut trip = Trip {
            answers: Vec::new(),
            at: page.clone(),
            end: End::Circle,
        };
        while trip.answers.len() <= MOST_REDIRECTS {
            let answer = match self.open(&trip.at).await {
                Ok(answer) => answer,
                Err(reason) => {
                    trip.end = End::Failed(reason);
                    return trip;
                }
            };
            let next = answer.location().map(|location| trip.at.join(location));
            trip.answers.push(answer);
            match next {
                None => trip.end = End::Page,
                Some(Err(_)) => trip.end = End::Failed("it redirects to something that is no address".to_owned()),
                Some(Ok(next)) if is_of_server(&next, server) => trip.end = End::Server(next),
                Some(Ok(next)) if !is_of_site(&next, page) => trip.end = End::Elsewhere(next),
                Some(Ok(next)) => {
                    trip.at = next;
                    continue;
                }
            }
            return trip;
        }
        trip
    }
}

impl Trip {
    /// The status of the last answer. 0 without one.
    pub(super) fn status(&self) -> u16 {
        self.answers.last().map_or(0, |answer| answer.status.as_u16())
    }

    /// Whether the place where the person signs in still has this text: in its address or its form.
    pub(super) fn keeps(&self, text: &str) -> bool {
        let address = match &self.end {
            End::Elsewhere(address) => address,
            _ => &self.at,
        };
        address.as_str().contains(text) || self.answers.last().is_some_and(|answer| answer.body.contains(text))
    }
}

fn is_of_server(url: &Url, server: &Url) -> bool {
    let below = server.path().trim_end_matches('/');
    url.origin() == server.origin()
        && url
            .path()
            .strip_prefix(below)
            .is_some_and(|rest| rest.starts_with("/handover/"))
}

/// The site may redirect to other ports of its own host; a site on this computer to other names of it.
fn is_of_site(url: &Url, page: &Url) -> bool {
    let is_http = matches!(url.scheme(), "http" | "https");
    is_http && (url.host() == page.host() || (is_on_this_computer(url) && is_on_this_computer(page)))
}

/// Keeps or deletes a cookie (RFC 6265 §5.3). Only `Max-Age=0` and an empty value delete one here.
fn keep(jar: &mut BTreeMap<String, String>, line: &str) {
    let mut parts = line.split(';').map(str::trim);
    let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
        return;
    };
    let ends = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
    match value.is_empty() || ends {
        true => jar.remove(name),
        false => jar.insert(name.to_owned(), value.to_owned()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn redirects_are_followed_on_the_host_of_the_site_only() {
        for (page, next, followed) in [
            ("https://www.example.com/a", "https://www.example.com/login", true),
            ("https://www.example.com/a", "https://login.example.com/", false),
            ("https://www.example.com/a", "http://127.0.0.1/", false),
            ("http://localhost:9500/a", "http://127.0.0.1:9501/", true),
            ("http://localhost:9500/a", "http://10.0.0.1/", false),
            ("http://localhost:9500/a", "file:///etc/passwd", false),
        ] {
            assert_eq!(is_of_site(&url(next), &url(page)), followed, "{page} to {next}");
        }
        let server = url("https://auth.example.com/sub");
        assert!(is_of_server(
            &url("https://auth.example.com/sub/handover/return?a=b"),
            &server
        ));
        assert!(!is_of_server(&url("https://auth.example.com/handover/return"), &server));
        assert!(!is_of_server(
            &url("https://auth.example.com.evil.example/sub/handover/return"),
            &server
        ));
    }

    #[test]
    fn cookies_are_kept_until_they_are_deleted() {
        let mut jar = BTreeMap::new();
        keep(&mut jar, "a=1; Path=/; HttpOnly");
        keep(&mut jar, "b=2=3");
        keep(&mut jar, "a=; Path=/");
        keep(&mut jar, "c=1; max-age=0");
        assert_eq!(jar, BTreeMap::from([("b".to_owned(), "2=3".to_owned())]));
    }
}
