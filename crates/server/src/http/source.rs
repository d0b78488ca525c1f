//! Where a request comes from: the address of the connection, or the one that trusted proxies name.
//!
//! A header is only as good as who sent it. `X-Forwarded-For` counts where the connection comes from an address in
//! `[server] trusted_proxies`. It is then read from the right, where each proxy appends whom it heard from: the first
//! address that is not itself a trusted proxy is the source. What stands left of it anybody could have written. Of the
//! headers for this purpose it is the one that every proxy writes; `Forwarded` (RFC 7239), `X-Real-IP` and
//! `X-Forwarded-Proto` are not read.

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer(pub IpAddr);

/// The addresses that count as one source.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Network {
    /// An IPv4 address.
    Address(u32),
    /// The first 64 bits of an IPv6 address: a home has all that begin with them.
    Slash64(u64),
    /// Its first 48 bits: a site, or a part of a mobile network.
    Slash48(u64),
}

/// The network of an address, and the larger one around it, which is cheap to have as a whole (IPv6).
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

/// The proxies that may say for whom they speak.
#[derive(Debug)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    /// Whether the log has it that one speaks that is not trusted.
    told: AtomicBool,
}

impl Proxies {
    /// Those in these networks.
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
            // Behind what cannot be read nothing can be believed: the last proxy that was understood stands for it.
            let Some(address) = address(entry.trim()) else { break };
            source = address;
            if !self.trusts(address) {
                break;
            }
        }
        source
    }

    /// Whether it is the address of a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Once: if this is a proxy, all who come through it share one source.
    fn tell(&self, peer: IpAddr, headers: &HeaderMap) {
        if headers.contains_key(FORWARDED_FOR) && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For came from an address that is not in [server] trusted_proxies and is not believed; \
                 if this is your proxy, name it there: until then failed sign-ins of all who come through it count as one's"
            );
        }
    }
}

/// An address as proxies write it: bare, with a port, an IPv6 one in brackets.
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
    fn who_is_not_trusted_is_the_source_whatever_it_says() {
        assert_eq!(source(&[], "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(source(&["10.0.0.0/8"], "11.0.0.1", &["198.51.100.1"]), "11.0.0.1");
        assert_eq!(source(&[], "::ffff:203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_address_that_is_no_trusted_proxy_is_the_source() {
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
            // All of them proxies: the outermost that is known.
            (vec!["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
            (vec![], "10.0.0.1"),
        ] {
            assert_eq!(source(&ours, "10.0.0.1", &lines), expected, "{lines:?}");
        }
        assert_eq!(source(&ours, "::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn behind_what_cannot_be_read_nothing_is_believed() {
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
