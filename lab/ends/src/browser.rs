//! A browser for servers that sign everybody in without asking: it follows redirects and keeps cookies.

use std::collections::BTreeMap;

use bytes::Bytes;
use hallpass_client::http::HttpClient;
use http::Request;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

/// Follows redirects from `start` until one leads to `redirect_uri`, and returns that address.
///
/// # Panics
/// If a page asks something, or after sixteen redirects.
pub async fn follow(start: &str, redirect_uri: &str) -> String {
    let http = HttpClient::builder().without_native_roots().build().expect("a client");
    let mut cookies = BTreeMap::new();
    let mut url = Url::parse(start).expect("an address");
    for _ in 0..16 {
        let sent: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::get(url.as_str()).header(COOKIE, sent.join("; "));
        let answer = http.send(request.body(Bytes::new()).expect("a request")).await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        for set in answer.headers().get_all(SET_COOKIE) {
            let pair = set.to_str().expect("a cookie is text").split(';').next();
            let (name, value) = pair.and_then(|pair| pair.split_once('=')).expect("a cookie has a name");
            cookies.insert(name.to_owned(), value.to_owned());
        }
        let Some(location) = answer.headers().get(LOCATION) else {
            let page = String::from_utf8_lossy(answer.body());
            panic!("{url} answers {}:\n{page}", answer.status());
        };
        url = url
            .join(location.to_str().expect("an address is text"))
            .expect("an address");
        if url.as_str().starts_with(redirect_uri) {
            return url.into();
        }
    }
    panic!("no redirect to {redirect_uri}");
}
