use crate::config::fields::Fields;
use crate::config::secret::Secret;
use crate::config::secrets::{self, Secrets};
use crate::config::section::{optional, or, required, section};
use crate::config::tree::Node;
use crate::config::values;
use crate::store::model::Role;
use ipnet::IpNet;
use std::time::Duration;
use url::{Host, Url};

section! {
    /// `[handover]`: the site whose login Hallpass uses.
    Handover {
        /// The site's page that signs a person in and answers. Hallpass sends browsers there.
        url: String = required(page),
        /// The secrets that the site may send, the new one first while it is changed.
        secret: Vec<Secret> = Secrets(handover_secret),
        /// The site's page that signs a person out. Signing out here leads there.
        sign_out: Option<String> = optional(page),
        /// How long a sign-in opens the pages about the account.
        session: Duration = or(values::duration, Duration::from_secs(10 * 60)),
        /// The networks that the site calls from. None: any.
        sources: Vec<IpNet> = or(values::networks, Vec::new()),
        /// The roles that the site may give. Any other becomes `member`.
        roles: Vec<Role> = or(values::words, vec![Role::Member]),
    }
    check session_is_short(session);
}

/// The shortest secret, in bytes. `openssl rand -hex 32` gives 64.
const SHORTEST_SECRET: usize = 32;
/// The longest time without asking the site again.
const LONGEST_SESSION: Duration = Duration::from_secs(12 * 60 * 60);

fn handover_secret(secret: &str) -> Result<(), String> {
    secrets::client_secret(secret)?;
    if secret.len() < SHORTEST_SECRET {
        return Err(format!(
            "expected at least {SHORTEST_SECRET} bytes, as `openssl rand -hex 32` gives"
        ));
    }
    if secret.contains(' ') {
        return Err("expected no space: the secret is sent as a bearer token".to_owned());
    }
    Ok(())
}

fn session_is_short(fields: &mut Fields<'_>, session: Option<&Duration>) {
    if session.is_some_and(|session| *session > LONGEST_SESSION) {
        fields.problem(
            "session",
            "expected at most \"12h\": the site is asked again after this time",
        );
    }
}

/// A page of the site. Its own query parameters stay.
fn page(node: &Node) -> Result<String, String> {
    page_url(&values::text(node)?)
}

/// The URL of a page of the site, or what is wrong with it.
pub(crate) fn page_url(text: &str) -> Result<String, String> {
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ => {
            return Err(format!(
                "expected a URL such as \"https://www.example.com/connect/sign-in\", found {text:?}"
            ));
        }
    };
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("a URL here has no fragment, no user name and no password".to_owned());
    }
    if url.query_pairs().any(|(name, _)| name == "handover") {
        return Err("the parameter `handover` is added by Hallpass: leave it out".to_owned());
    }
    if url.scheme() == "http" && !is_on_this_computer(&url) {
        return Err(format!(
            "http would show the sign-in to everybody on the way: use https (http only for this computer), found {text:?}"
        ));
    }
    Ok(url.into())
}

/// Whether a site is on this computer (RFC 6761 §6.3 for names below `localhost`).
pub(crate) fn is_on_this_computer(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
