//! The source of a request: the address of the connection, or the address that trusted proxies report.
//!
//! `X-Forwarded-For` counts only if the connection comes from an address in `[server] trusted_proxies`. It is read from the
//! right, because each proxy appends the address that it received the request from. The first address that is not a trusted
//! proxy is the source: anybody could have written the entries left of it. `X-Forwarded-For` is the header that every proxy
//! writes, so `Forwarded` (RFC 7239), `X-Real-IP` and `X-Forwarded-Proto` are not read.

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub IpAddr);

/// A group of addresses that counts as one source.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Network {
    /// An IPv4 address.
    Address(u32),
    /// The first 64 bits of an IPv6 address: one home usually has all addresses with this start.
    Slash64(u64),
    /// The first 48 bits of an IPv6 address: a site, or a part of a mobile network.
    Slash48(u64),
}

/// The network of an address and, for IPv6, the larger network around it, all of which is cheap to get.
#[must_use]
pub fn networks(address: IpAddr) -> (Network, Option<Network>) {
    match address.to_canonical() {
        IpAddr::V4(address) => (Network::Address(address.to_bits()), None),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments().map(u64::from);
            let site = a << 32 | b << 16 | c;
            (Network::Slash64(site << 16 | d), Some(Network::Slash48(site)))
        }
    }
}

/// The proxies whose `X-Forwarded-For` is trusted.
#[derive(Debug)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    /// Whether the warning about an untrusted proxy was logged.
    told: AtomicBool,
}

impl Proxies {
    /// Trusts the proxies in these networks.
    #[must_use]
    pub fn new(trusted: Vec<IpNet>) -> Self {
        Self {
            trusted,
            told: AtomicBool::new(false),
        }
    }

    /// The source of a request.
    pub fn source(&self, peer: Peer, headers: &HeaderMap) -> IpAddr {
        let peer = peer.0.to_canonical();
        if !self.trusts(peer) {
            self.tell(peer, headers);
            return peer;
        }
        let mut source = peer;
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let entries = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        for entry in entries {
            // An entry that cannot be parsed ends the chain of trust: the last trusted proxy counts as the source.
            let Some(address) = address(entry.trim()) else { break };
            source = address;
            if !self.trusts(address) {
                break;
            }
        }
        source
    }

    /// Whether `address` is a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Warns once about an untrusted `X-Forwarded-For`: if the peer is a proxy, everyone behind it shares one source.
    fn tell(&self, peer: IpAddr, headers: &HeaderMap) {
        if headers.contains_key(FORWARDED_FOR) && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For came from an address that is not in [server] trusted_proxies, and is ignored. \
                 If this address is your proxy, add it there: until then the failed sign-ins of everyone behind it count as one source"
            );
        }
    }
}

/// Parses an address as proxies write it: bare, with a port, or an IPv6 address in brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let parsed = bare.unwrap_or(entry).parse::<IpAddr>();
    let parsed = parsed.or_else(|_| entry.parse::<SocketAddr>().map(|address| address.ip()));
    parsed.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn source(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let peer = Peer(peer.parse().unwrap());
        Proxies::new(trusted).source(peer, &headers).to_string()
    }

    #[test]
    fn an_untrusted_peer_is_the_source_whatever_header_it_sends() {
        assert_eq!(source(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(source(&["10.0.0.0/8"], "11.0.0.1", &["198.51.100.1"]), "11.0.0.1");
        assert_eq!(source(&[], "::ffff:203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn the_rightmost_address_that_is_not_a_trusted_proxy_is_the_source() {
        let ours = ["10.0.0.0/8", "2001:db8::/32"];
        for (lines, expected) in [
            (vec!["198.51.100.1"], "198.51.100.1"),
            (vec!["8.8.8.8, 198.51.100.1"], "198.51.100.1"),
            (vec!["8.8.8.8, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
            (vec!["8.8.8.8", "198.51.100.1,10.1.2.3", "2001:db8::7"], "198.51.100.1"),
            (vec!["198.51.100.1:4711"], "198.51.100.1"),
            (vec!["[2001:470::1]:4711, 10.1.2.3"], "2001:470::1"),
            (vec!["[2001:470::1]"], "2001:470::1"),
            (vec!["::ffff:198.51.100.1"], "198.51.100.1"),
            // All of them are proxies: the outermost trusted one is the source.
            (vec!["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
            (vec![], "10.0.0.1"),
        ] {
            assert_eq!(source(&ours, "10.0.0.1", &lines), expected, "{lines:?}");
        }
        assert_eq!(source(&ours, "::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn entries_left_of_a_malformed_one_are_ignored() {
        for garbage in [
            "unknown",
            "",
            ",",
            "198.51.100.1;",
            "_hidden",
            "1.2.3",
            "é",
            "[::1",
            "::1]:80",
        ] {
            let line = format!("8.8.8.8, {garbage}");
            assert_eq!(source(&["10.0.0.0/8"], "10.0.0.1", &[&line]), "10.0.0.1", "{garbage}");
            let line = format!("8.8.8.8, {garbage}, 10.1.2.3");
            assert_eq!(
                source(&["10.0.0.0/8"], "10.0.0.1", &[&line]),
                if garbage == "é" { "10.0.0.1" } else { "10.1.2.3" }
            );
        }
    }
}
