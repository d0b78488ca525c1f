//! Who may ask. On the Unix socket the file's permissions decide. Over TCP each program has a secret, limited to providers.
//!
//! A keeper on loopback is in reach of every page in a browser on that machine, and of names that lead there (DNS rebinding).
//! So `Host` must be a known name, and what a page of another site sends is refused whatever it carries.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use subtle::{Choice, ConstantTimeEq as _};

use super::Service;
use super::answers::fault;
use crate::config::{ConfigError, Program, Serve};

/// The names of this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The checks before every request.
pub(crate) struct Guard {
    hosts: Vec<String>,
    programs: Vec<Known>,
    is_socket: bool,
}

struct Known {
    name: String,
    secret: Digest,
    rights: Rights,
}

/// The providers that a caller may use.
#[derive(Clone)]
pub(crate) enum Rights {
    All,
    Only(Arc<BTreeSet<String>>),
}

impl Rights {
    pub(crate) fn allow(&self, provider: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(providers) => providers.contains(provider),
        }
    }
}

impl Guard {
    /// # Errors
    /// If nobody could ask over TCP, or two programs cannot be told apart.
    pub(crate) fn new(serve: &Serve, programs: &[Program], is_socket: bool) -> Result<Self, ConfigError> {
        if programs.is_empty() && !is_socket {
            return Err(ConfigError::new(
                "`listen` needs [[programs]]: nobody else may ask over TCP",
            ));
        }
        let names: BTreeSet<&str> = programs.iter().map(|program| program.name.as_str()).collect();
        if names.len() < programs.len() {
            return Err(ConfigError::new("programs: two of them have one name"));
        }
        for (number, program) in programs.iter().enumerate() {
            let secret = program.secret.expose().as_bytes();
            let same = |other: &&Program| bool::from(other.secret.expose().as_bytes().ct_eq(secret));
            if let Some(other) = programs.iter().take(number).find(same) {
                let names = format!("`{}` and `{}`", other.name, program.name);
                return Err(ConfigError::new(format!("programs: {names} have one secret")));
            }
        }
        let known = programs.iter().map(|program| Known {
            name: program.name.clone(),
            secret: digest(&SHA256, program.secret.expose().as_bytes()),
            rights: Rights::Only(Arc::new(program.providers.iter().cloned().collect())),
        });
        Ok(Self {
            hosts: LOOPBACK
                .into_iter()
                .map(str::to_owned)
                .chain(serve.hosts.iter().cloned())
                .collect(),
            programs: known.collect(),
            is_socket,
        })
    }

    fn check(&self, headers: &HeaderMap) -> Result<Rights, Refusal> {
        if headers.contains_key(ORIGIN) {
            return Err(Refusal::Browser);
        }
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        // A browser that names the target or the mode of a request names the site too, unless something took it away. The
        // `fetch` of Node names the mode `cors` alone; with that, a browser sends `Origin` to another site.
        let mode = headers.get("sec-fetch-mode").map(HeaderValue::as_bytes);
        let is_browser = headers.contains_key("sec-fetch-dest") || mode.is_some_and(|mode| mode != b"cors");
        match site {
            None if !is_browser => {}
            Some(b"none" | b"same-origin") => {}
            _ => return Err(Refusal::Browser),
        }
        if self.is_socket {
            return Ok(Rights::All);
        }
        let host = headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let name = without_port(host).to_ascii_lowercase();
        if !self.hosts.contains(&name) {
            return Err(Refusal::Host);
        }
        self.program(headers).ok_or(Refusal::Credentials)
    }

    /// The program of the credentials: `Bearer SECRET`, or `Basic` with name and secret, so that a browser can show the page.
    fn program(&self, headers: &HeaderMap) -> Option<Rights> {
        let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, credentials) = header.split_once(' ')?;
        let (name, secret) = if scheme.eq_ignore_ascii_case("bearer") {
            (None, credentials.trim().to_owned())
        } else if scheme.eq_ignore_ascii_case("basic") {
            let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
            let (name, secret) = decoded.split_once(':')?;
            (Some(name.to_owned()), secret.to_owned())
        } else {
            return None;
        };
        let sent = digest(&SHA256, secret.as_bytes());
        // Every secret is compared, so that the time says nothing.
        let mut found = None;
        for known in &self.programs {
            let same: Choice = known.secret.as_ref().ct_eq(sent.as_ref());
            if bool::from(same) && name.as_ref().is_none_or(|name| *name == known.name) {
                found = Some(known.rights.clone());
            }
        }
        found
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    Browser,
    Host,
    Credentials,
}

/// Checks a request, and hands the caller's rights on.
pub(super) async fn guard(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    match service.guard.check(request.headers()) {
        Ok(rights) => {
            request.extensions_mut().insert(rights);
            next.run(request).await
        }
        Err(refusal) => {
            let (status, code, text) = match refusal {
                Refusal::Browser => (
                    StatusCode::FORBIDDEN,
                    "browser",
                    "a page of another site sent this request",
                ),
                Refusal::Host => (
                    StatusCode::MISDIRECTED_REQUEST,
                    "host",
                    "the Host is not a name of this keeper: add it to `hosts` in [serve]",
                ),
                Refusal::Credentials => (
                    StatusCode::UNAUTHORIZED,
                    "credentials",
                    "send `Authorization: Bearer SECRET` with the secret of a program",
                ),
            };
            // Counted; a line for each would let anybody fill the log.
            tracing::debug!(refusal = code, "a request was refused");
            service.metrics.request("refused", status.as_u16());
            let mut answer = fault(status, code, text).into_response();
            if refusal == Refusal::Credentials {
                let challenge = HeaderValue::from_static("Basic realm=\"hallpass-keeper\", charset=\"UTF-8\"");
                answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            answer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn guard(is_socket: bool) -> Guard {
        let serve = Serve {
            place: None,
            hosts: vec!["keeper.internal".to_owned()],
            redirect_uri: None,
        };
        let program = Program {
            name: "shop".to_owned(),
            secret: Secret::new(SECRET.to_owned()),
            providers: vec!["one".to_owned()],
        };
        Guard::new(&serve, &[program], is_socket).unwrap()
    }

    fn check(is_socket: bool, headers: &[(&'static str, &str)]) -> Result<(bool, bool), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let rights = guard(is_socket).check(&map)?;
        Ok((rights.allow("one"), rights.allow("two")))
    }

    #[test]
    fn a_program_needs_its_secret_and_gets_its_providers() {
        let bearer = format!("Bearer {SECRET}");
        let basic = |name: &str| format!("Basic {}", STANDARD.encode(format!("{name}:{SECRET}")));
        for authorization in [&bearer, &basic("shop"), &bearer.to_ascii_lowercase()] {
            let headers = [("host", "localhost:8070"), ("authorization", authorization)];
            assert_eq!(check(false, &headers), Ok((true, false)), "{authorization}");
        }
        for authorization in [&basic("other"), "Bearer x", "Bearer", "Digest x", ""] {
            let headers = [("host", "localhost:8070"), ("authorization", authorization)];
            assert_eq!(check(false, &headers), Err(Refusal::Credentials), "{authorization}");
        }
    }

    #[test]
    fn a_name_that_only_leads_to_this_machine_is_refused() {
        let bearer = format!("Bearer {SECRET}");
        let host = |host| check(false, &[("host", host), ("authorization", &bearer)]);
        for name in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8070",
            "[::1]:8070",
            "keeper.internal",
        ] {
            assert!(host(name).is_ok(), "{name}");
        }
        for name in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8070",
            "",
            "[::1",
            "::1",
        ] {
            assert_eq!(host(name), Err(Refusal::Host), "{name}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_refused_on_the_socket_too() {
        let bearer = format!("Bearer {SECRET}");
        for is_socket in [false, true] {
            let sent = |header| check(is_socket, &[("host", "localhost"), ("authorization", &bearer), header]);
            for header in [
                ("origin", "https://evil.example"),
                ("origin", "null"),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-site", "same-site"),
                ("sec-fetch-mode", "no-cors"),
                ("sec-fetch-dest", "image"),
            ] {
                assert_eq!(sent(header), Err(Refusal::Browser), "{header:?}");
            }
            for site in ["none", "same-origin"] {
                assert!(sent(("sec-fetch-site", site)).is_ok(), "{site}");
            }
            assert!(
                sent(("sec-fetch-mode", "cors")).is_ok(),
                "as a program in Node sends it"
            );
        }
        assert_eq!(check(true, &[]), Ok((true, true)));
    }
}
