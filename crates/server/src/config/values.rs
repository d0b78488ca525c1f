//! Parsers of single values. An error contains the expected form and, unless the value is secret, the value found.

use super::localized::Localized;
use super::tree::{self, Node, Value};
use super::words::Word;
use crate::apps::registration::{
    self, AppName, ClientId, DisplayName, Email, ExternalId, ExternalOrganizationId, RedirectUriFault, Slug,
};
use hallpass_wire::redirect_uri::{Schemes, may_be_listed};
use hallpass_wire::{Origin, RedirectUri, Scope, Scopes};
use ipnet::IpNet;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// Any text, including the empty text.
pub(super) fn text(node: &Node) -> Result<String, String> {
    match &node.value {
        Value::Text(text) | Value::Untyped(text) => Ok(text.clone()),
        other => Err(format!("expected text, found {}", other.kind())),
    }
}

/// A value of the type that `read` makes of a text.
fn parsed<T, E: Display>(node: &Node, read: fn(&str) -> Result<T, E>) -> Result<T, String> {
    read(&text(node)?).map_err(|fault| fault.to_string())
}

/// A name that people read.
pub(super) fn name(node: &Node) -> Result<DisplayName, String> {
    parsed(node, DisplayName::parse)
}

/// The name of an app.
pub(super) fn app_name(node: &Node) -> Result<AppName, String> {
    parsed(node, AppName::declare)
}

/// One line of text that people read.
pub(super) fn line(node: &Node) -> Result<String, String> {
    name(node).map(String::from)
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node) -> Result<bool, String> {
    match &node.value {
        Value::Boolean(value) => Ok(*value),
        Value::Untyped(text) if text == "true" => Ok(true),
        Value::Untyped(text) if text == "false" => Ok(false),
        Value::Untyped(text) => Err(format!("expected true or false, found {text:?}")),
        other => Err(format!("expected true or false, found {}", other.kind())),
    }
}

/// A whole number of at least 1.
pub(super) fn count(node: &Node) -> Result<u32, String> {
    let number = match &node.value {
        Value::Integer(number) => *number,
        Value::Untyped(text) => text.parse().map_err(|_| format!("expected a number, found {text:?}"))?,
        other => return Err(format!("expected a number, found {}", other.kind())),
    };
    match u32::try_from(number) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("expected a number from 1 to {}, found {number}", u32::MAX)),
    }
}

/// A span of time: `30s`, `5m`, `1h`, `14d`, `2w`.
pub(super) fn duration(node: &Node) -> Result<Duration, String> {
    const LONGEST: u64 = 1000 * 365 * 24 * 60 * 60;
    let text = text(node).map_err(|_| format!("expected a time such as \"30s\", found {}", node.value.kind()))?;
    let seconds = ["s", "m", "h", "d", "w"]
        .into_iter()
        .zip([1, 60, 3600, 86_400, 604_800])
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .filter(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|(number, seconds)| number.parse::<u64>().ok()?.checked_mul(seconds));
    match seconds {
        Some(0) => Err(format!("expected a time longer than zero, found {text:?}")),
        Some(seconds) if seconds <= LONGEST => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(format!("{text:?} is longer than a thousand years")),
        None => Err(format!(
            "expected a time such as \"30s\", \"5m\", \"1h\", \"14d\" or \"2w\", found {text:?}"
        )),
    }
}

/// The path of a file or of a folder.
pub(super) fn file_name(node: &Node) -> Result<PathBuf, String> {
    let text = text(node)?;
    if text.is_empty() {
        return Err("expected a path".to_owned());
    }
    if text.contains(char::is_control) {
        return Err(format!(
            "expected a path without line breaks and control characters, found {text:?}"
        ));
    }
    Ok(text.into())
}

/// An address to listen on.
pub(super) fn address(node: &Node) -> Result<SocketAddr, String> {
    let text = text(node)?;
    text.parse()
        .map_err(|_| format!("expected an address such as \"127.0.0.1:8080\", found {text:?}"))
}

/// Networks such as `10.0.0.0/8`, or single addresses, without repetition.
pub(super) fn networks(node: &Node) -> Result<Vec<IpNet>, String> {
    list_of_different(node, |item| {
        let text = text(item)?;
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let network: IpNet = network.map_err(|_| {
            format!("expected an address or a network such as \"10.0.0.0/8\" or \"fd00::/8\", found {text:?}")
        })?;
        if network.prefix_len() == 0 {
            return Err(format!("{text:?} is every address: name a smaller network"));
        }
        if network.trunc() != network {
            return Err(format!(
                "{text:?} is in the network \"{}\": write that, or the address alone",
                network.trunc()
            ));
        }
        Ok(network)
    })
}

/// The most bytes of a base URL and of a path. An address in the metadata has both, and a request to it must fit in the
/// smallest limit on headers.
const LONGEST_URL: usize = 512;
const LONGEST_PATH: usize = 256;

/// A base URL: `http` or `https`, without trailing slash, query and fragment. Clients compare it as text (RFC 8414 §2),
/// so it must be written as URLs are normalised.
pub(super) fn base_url(node: &Node) -> Result<String, String> {
    let text = text(node)?;
    let wrong = |why: &str| Err(format!("{why}, found {text:?}"));
    let url = match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ => return wrong("expected a URL such as \"https://id.example.com\""),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL here has no user name and no password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("expected a URL without query and fragment");
    }
    if text.ends_with('/') {
        return wrong("expected a URL without slash at its end");
    }
    if text.len() > LONGEST_URL {
        return Err(format!("expected a URL of at most {LONGEST_URL} characters"));
    }
    let normal = url.as_str().trim_end_matches('/');
    if text != normal {
        return Err(format!("write it as {normal:?}"));
    }
    Ok(text)
}

/// The path of an endpoint.
pub(super) fn path(node: &Node) -> Result<String, String> {
    let path = text(node)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let Some(below) = path.strip_prefix('/') else {
        return Err(format!("expected a path that starts with a slash, found {path:?}"));
    };
    if path.len() > LONGEST_PATH {
        return Err(format!("expected a path of at most {LONGEST_PATH} characters"));
    }
    let mut segments = below.strip_suffix('/').unwrap_or(below).split('/');
    if !path.bytes().all(fits) || segments.any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(format!(
            "expected a path of letters, digits, \"-\", \".\", \"_\" and \"~\" such as \"/oauth/token\", found {path:?}"
        ));
    }
    Ok(path)
}

/// A word that names a value of `T`.
pub(super) fn word<T: Word>(node: &Node) -> Result<T, String> {
    let text = text(node)?;
    T::from_word(&text).ok_or_else(|| {
        let words: Vec<String> = T::ALL.iter().map(|value| format!("{:?}", value.word())).collect();
        format!("expected {}, found {text:?}", words.join(", "))
    })
}

/// A list. `item` parses each item.
fn list<T>(node: &Node, item: impl Fn(&Node) -> Result<T, String>) -> Result<Vec<T>, String> {
    let from_text = match &node.value {
        Value::Untyped(text) => tree::parse_value(text, &node.origin),
        _ => None,
    };
    match from_text.as_ref().unwrap_or(&node.value) {
        Value::List(items) => {
            let (mut values, mut faults) = (Vec::new(), Vec::new());
            for read in items.iter().map(item) {
                match read {
                    Ok(value) => values.push(value),
                    Err(fault) => faults.push(fault),
                }
            }
            match faults.is_empty() {
                true => Ok(values),
                false => Err(faults.join("; ")),
            }
        }
        other => Err(format!(
            "expected a list such as [\"a\", \"b\"], found {}",
            other.kind()
        )),
    }
}

/// A list without repetition.
fn list_of_different<T: PartialEq>(node: &Node, item: impl Fn(&Node) -> Result<T, String>) -> Result<Vec<T>, String> {
    let items = list(node, item)?;
    let earlier = |position: usize| items[..position].iter().position(|item| *item == items[position]);
    let repeated = (1..items.len()).find_map(|position| Some((position, earlier(position)?)));
    match repeated {
        Some((position, first)) => Err(format!("item {} of the list repeats item {}", position + 1, first + 1)),
        None => Ok(items),
    }
}

/// One value, or a list of them.
pub(super) fn one_or_more<T>(node: &Node, item: impl Fn(&Node) -> Result<T, String>) -> Result<Vec<T>, String> {
    match &node.value {
        Value::List(_) => list(node, item),
        Value::Untyped(text) if text.trim_start().starts_with('[') => list(node, item),
        _ => Ok(vec![item(node)?]),
    }
}

/// Texts without repetition.
pub(super) fn texts(node: &Node) -> Result<Vec<String>, String> {
    list_of_different(node, text)
}

/// Words of `T` without repetition. The list may be empty.
pub(super) fn any_words<T: Word>(node: &Node) -> Result<Vec<T>, String> {
    list_of_different(node, word)
}

/// Words of `T` without repetition, at least one.
pub(super) fn words<T: Word>(node: &Node) -> Result<Vec<T>, String> {
    let words = any_words(node)?;
    if words.is_empty() {
        return Err("expected at least one".to_owned());
    }
    Ok(words)
}

/// Scopes as a list, or as one text with spaces, as in requests (RFC 6749 §3.3).
pub(super) fn scopes(node: &Node) -> Result<Scopes, String> {
    if let Value::Text(text) | Value::Untyped(text) = &node.value
        && !text.trim_start().starts_with('[')
    {
        return Scopes::parse(text).map_err(|error| error.to_string());
    }
    let item = |item: &Node| Scope::parse(&text(item)?).map_err(|error| error.to_string());
    Ok(list_of_different(node, item)?.into_iter().collect())
}

/// The redirect URIs of an app. `judge.rs` checks schemes without a dot, because they depend on other keys.
pub(super) fn redirect_uris(node: &Node) -> Result<Vec<RedirectUri>, String> {
    let texts = texts(node)?;
    let urls = texts.iter().filter_map(|text| Url::parse(text).ok());
    let schemes: Vec<String> = urls.map(|url| url.scheme().to_owned()).collect();
    let any = Schemes {
        listed: &schemes,
        public: true,
    };
    let (uris, faults) = registration::redirect_uris(texts.iter().map(String::as_str), any);
    let mut faults: Vec<_> = faults.into_iter().map(redirect_uri_fault).collect();
    faults.dedup();
    match faults.is_empty() {
        true => Ok(uris),
        false => Err(faults.join("; ")),
    }
}

fn redirect_uri_fault((text, fault): (&str, RedirectUriFault)) -> String {
    match fault {
        RedirectUriFault::TooMany => format!("{fault} redirect URIs"),
        _ => format!("{text:?}: {fault}"),
    }
}

/// Custom schemes without a dot, without repetition.
pub(super) fn schemes(node: &Node) -> Result<Vec<String>, String> {
    list_of_different(node, |item| {
        let scheme = text(item)?;
        if may_be_listed(&scheme) {
            return Ok(scheme);
        }
        Err(format!(
            "expected the scheme of an app such as \"cursor\", in lower case, without dot and colon, found {scheme:?}"
        ))
    })
}

/// Origins without repetition.
pub(super) fn origins(node: &Node) -> Result<Vec<Origin>, String> {
    list_of_different(node, |item| {
        let text = text(item)?;
        Origin::parse(&text).map_err(|error| format!("{text:?}: {error}"))
    })
}

/// The endpoints that need a scope, each `METHOD /path`.
pub(super) fn endpoints(node: &Node) -> Result<Vec<String>, String> {
    list_of_different(node, |item| {
        let text = text(item)?;
        let method = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
        match text.split_once(' ') {
            Some((word, path)) if method(word) && path.starts_with('/') && !path.contains(' ') => Ok(text),
            _ => Err(format!("expected \"METHOD /path\", found {text:?}")),
        }
    })
}

/// A text, or a table of texts by language.
pub(super) fn localized(node: &Node) -> Result<Localized, String> {
    let Value::Table(table) = &node.value else {
        return line(node).map(Localized::Plain);
    };
    if table.is_empty() {
        return Err("expected a text, or a table such as { en = \"Read\", nl = \"Lezen\" }".to_owned());
    }
    let entry = |(tag, node): (&String, &Node)| {
        language_tag(tag)?;
        let text = line(node).map_err(|text| format!("{tag}: {text}"))?;
        Ok((tag.clone(), text))
    };
    table
        .iter()
        .map(entry)
        .collect::<Result<_, String>>()
        .map(Localized::ByLanguage)
}

/// A language tag (RFC 5646) such as `nl` or `pt-BR`.
pub(super) fn language(node: &Node) -> Result<String, String> {
    let tag = text(node)?;
    language_tag(&tag)?;
    Ok(tag)
}

/// Checks a language tag.
pub(crate) fn language_tag(tag: &str) -> Result<(), String> {
    // RFC 5646 also allows languages of four to eight letters; none is registered.
    let code = |tag: &unic_langid::LanguageIdentifier| tag.language.as_str().len() <= 3;
    match tag.parse() {
        // RFC 5646 allows only hyphens; the parser accepts underscores as well.
        Ok(parsed) if code(&parsed) && !tag.contains('_') => Ok(()),
        _ => Err(format!(
            "expected a language tag such as \"en\" or \"nl\", found {tag:?}"
        )),
    }
}

/// The name of an organization in addresses.
pub(super) fn slug(node: &Node) -> Result<Slug, String> {
    parsed(node, Slug::parse)
}

/// An email address.
pub(super) fn email(node: &Node) -> Result<Email, String> {
    parsed(node, Email::parse)
}

/// The site's own id of a person.
pub(super) fn external_id(node: &Node) -> Result<ExternalId, String> {
    parsed(node, ExternalId::parse)
}

/// The site's own id of an organization.
pub(super) fn external_organization_id(node: &Node) -> Result<ExternalOrganizationId, String> {
    parsed(node, ExternalOrganizationId::parse)
}

/// The client identifier of an app.
pub(super) fn client_id(node: &Node) -> Result<ClientId, String> {
    parsed(node, ClientId::parse)
}

/// The identifier of a resource: a URI or a plain name.
pub(super) fn identifier(node: &Node) -> Result<String, String> {
    let id = text(node)?;
    if id.is_empty() || id.len() > 256 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "expected 1 to 256 printable ASCII characters without space, found {id:?}"
        ));
    }
    Ok(id)
}
