use crate::config::fields::Fields;
use crate::config::secret::Secret;
use crate::config::secrets::{self, OptionalSecret};
use crate::config::section::{or, section};
use crate::config::tree::Node;
use crate::config::values;
use http::HeaderName;
use ipnet::IpNet;

section! {
    /// `[forward_auth]`: lets a proxy ask about each request of an API.
    ForwardAuth {
        /// The proxies that may ask. None: any that have the secret.
        trusted_proxies: Vec<IpNet> = or(values::networks, Vec::new()),
        /// The secret that the proxy sends. None: any of `trusted_proxies` may ask.
        secret: Option<Secret> = OptionalSecret(proxy_secret),
        /// The header in which the proxy puts the method of the request.
        method_header: String = or(header, "x-forwarded-method".to_owned()),
        /// The header in which the proxy puts the URI of the request, as the client sent it.
        uri_header: String = or(header, "x-forwarded-uri".to_owned()),
    }
    check somebody_may_ask(trusted_proxies);
    check headers_differ(method_header, uri_header);
}

/// The shortest secret, in bytes.
const SHORTEST_SECRET: usize = 32;

/// Headers that clients send for other purposes, or that connections use.
const NEVER: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-forwarded-for",
];

fn proxy_secret(secret: &str) -> Result<(), String> {
    secrets::client_secret(secret)?;
    if secret.len() < SHORTEST_SECRET || secret.contains(' ') {
        return Err(format!(
            "expected at least {SHORTEST_SECRET} bytes without a space, as `openssl rand -hex 32` gives"
        ));
    }
    Ok(())
}

/// The name of a header, in lower case. An underscore is refused: proxies drop such headers, or take them for others.
fn header(node: &Node) -> Result<String, String> {
    let text = values::text(node)?;
    let wrong = |why: &str| {
        Err(format!(
            "expected the name of a header such as \"X-Forwarded-Uri\", {why} {text:?}"
        ))
    };
    let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
        return wrong("found");
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !name.as_str().bytes().all(fits) {
        return wrong("with letters, digits and hyphens alone, found");
    }
    if NEVER.contains(&name.as_str()) || name.as_str().starts_with("hallpass-") {
        return wrong("which has another purpose, found");
    }
    Ok(name.as_str().to_owned())
}

fn somebody_may_ask(fields: &mut Fields<'_>, trusted: Option<&Vec<IpNet>>) {
    let nobody = trusted.is_some_and(Vec::is_empty);
    if nobody && !secrets::is_given(fields, "secret") {
        fields.missing(
            "trusted_proxies",
            "nobody may ask: name the proxies here, or give a `secret_file`",
        );
    }
}

fn headers_differ(fields: &mut Fields<'_>, method: Option<&String>, uri: Option<&String>) {
    if method.is_some() && method == uri {
        fields.problem("uri_header", "the same header as `method_header`");
    }
}
