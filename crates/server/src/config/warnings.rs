//! Warnings: settings that are valid but probably not intended.

use super::problems::join;
use super::sections::Lifetime;
use super::{Config, Secret};
use crate::config::is_on_this_computer;
use std::time::Duration;
use url::Url;

/// The methods of RFC 9110 §9.3 and RFC 5789 that an API answers.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// The longest life of a code that RFC 6749 §4.1.2 recommends.
const LONGEST_CODE: Duration = Duration::from_secs(600);
/// The fewest characters of a secret that is hard to guess.
const SHORTEST_SECRET: usize = 16;

/// All warnings, one line each, with the key. `is_of_preset` says whether the preset wrote the value at a path.
pub(super) fn of(config: &Config, is_of_preset: impl Fn(&str) -> bool) -> Vec<String> {
    let tokens = &config.tokens;
    let mut warnings = Vec::new();
    let urls = [
        ("public_url", &config.server.public_url),
        ("api_url", &config.server.api_url),
    ];
    for (key, url) in urls {
        if url.as_deref().is_some_and(is_clear_to_others) {
            warnings.push(format!(
                "server.{key}: http to a host that is not this computer: tokens and passwords can be read on the way; use https"
            ));
        }
    }
    if matches!(tokens.refresh, Lifetime::For(refresh) if refresh < tokens.access) {
        warnings.push("tokens.refresh: shorter than `access`: a refresh token ends before it is needed".to_owned());
    }
    if tokens.refresh_idle.is_some_and(|idle| idle < tokens.access) {
        warnings
            .push("tokens.refresh_idle: shorter than `access`: a refresh token ends before it is needed".to_owned());
    }
    if tokens.refresh_absolute.is_some_and(|absolute| absolute < tokens.access) {
        let text = "shorter than `access`: the grant and its access token end before a refresh is needed";
        warnings.push(format!("tokens.refresh_absolute: {text}"));
    }
    if tokens.code > LONGEST_CODE {
        warnings.push("tokens.code: longer than ten minutes, the most that RFC 6749 §4.1.2 recommends".to_owned());
    }
    if tokens.grace > tokens.code {
        warnings.push("tokens.grace: longer than `code`: a stolen refresh token can be used for that long".to_owned());
    }
    let resources = config.resources.iter().enumerate();
    let resources = resources.map(|(n, one)| (format!("resources[{n}].secret"), &one.secret));
    let apps = config.apps.iter().enumerate();
    let apps = apps.filter_map(|(n, one)| Some((format!("apps[{n}].client_secret"), one.client_secret.as_ref()?)));
    for (path, secret) in resources.chain(apps) {
        if is_short(secret) {
            warnings.push(format!(
                "{path}: fewer than {SHORTEST_SECRET} characters can be guessed"
            ));
        }
    }
    warnings.extend(unusual_methods(config));
    warnings.extend(opened_by_preset(config, is_of_preset));
    warnings
}

/// A method that HTTP does not have is probably a slip: then no request matches the endpoint.
fn unusual_methods(config: &Config) -> impl Iterator<Item = String> {
    let endpoints = config.scopes.iter().flat_map(|(scope, entry)| {
        let of_scope = entry.endpoints.iter();
        of_scope.map(move |endpoint| (scope, endpoint))
    });
    endpoints.filter_map(|(scope, endpoint)| {
        let (method, _) = endpoint.split_once(' ')?;
        let path = format!("{}.endpoints", join("scopes", scope.as_str()));
        let text = format!(
            "{path}: {endpoint:?}: {method} is not one of the methods {}",
            METHODS.join(", ")
        );
        (!METHODS.contains(&method)).then_some(text)
    })
}

/// The catalogue of a preset is that of the API that it imitates. With `[forward_auth]` it decides about the operator's API.
fn opened_by_preset(config: &Config, is_of_preset: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let asked = config.forward_auth.iter();
    asked.flat_map(|_| &config.scopes).filter_map(move |(scope, entry)| {
        let path = format!("{}.endpoints", join("scopes", scope.as_str()));
        let opens = !entry.endpoints.is_empty() && is_of_preset(&path);
        opens.then(|| {
            let calls = entry.endpoints.join(", ");
            format!(
                "{path}: the preset lets this scope open {calls} of your API: write your own list, or endpoints = []"
            )
        })
    })
}

fn is_short(secret: &Secret) -> bool {
    secret.expose().len() < SHORTEST_SECRET
}

fn is_clear_to_others(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "http" && !is_on_this_computer(&url))
}
