//! The limits of requests in flight: bytes of bodies and answers, connections, HTTP/2 connections. Each has a limit for the
//! whole server and one for each source, so that no client can take all of it (decision 62).
//!
//! A source is an IPv4 address or the /64 of an IPv6 address. A /48 is cheap to have, so it counts as a source too, with more
//! room. Trusted proxies have only the limit of the whole server: many people use one proxy.

use crate::http::source;
use crate::http::source::{Network, Proxies};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A kind of resource that has limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeldKind {
    /// Memory for bodies that arrive and for answers that are being sent.
    Bytes,
    /// Connections.
    Connections,
    /// Connections that speak HTTP/2. Each takes more memory than others.
    Http2,
}

/// A limit for each kind, in the order of [`HeldKind`].
type Amounts = [usize; 3];

/// For the whole server. The limit of connections is elsewhere: beyond it, a connection waits in the kernel (`descriptors.rs`).
const WHOLE: Amounts = [16 * 1024 * 1024, usize::MAX, 512];
/// For a source: a quarter of the whole, and 256 connections.
const SOURCE: Amounts = [WHOLE[0] / 4, 256, WHOLE[2] / 4];
/// For a /48.
const SITE: Amounts = [WHOLE[0] / 2, 1024, WHOLE[2] / 2];

/// The amounts that are held now.
#[derive(Debug, Default)]
pub struct InFlight {
    held: Mutex<Holdings>,
}

#[derive(Debug, Default)]
struct Holdings {
    whole: Amounts,
    /// The sources that hold something; others have no entry.
    sources: HashMap<Network, Amounts>,
}

/// The networks that an amount counts for: those of a source; none for a trusted proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceNetworks([Option<Network>; 2]);

impl SourceNetworks {
    /// The source at this address.
    #[must_use]
    pub fn of(address: IpAddr, proxies: &Proxies) -> Self {
        let address = address.to_canonical();
        if proxies.trusts(address) {
            return Self([None; 2]);
        }
        let (network, around) = source::networks(address);
        Self([Some(network), around])
    }
}

fn bounds(network: Network) -> &'static Amounts {
    match network {
        Network::Address(_) | Network::Slash64(_) => &SOURCE,
        Network::Slash48(_) => &SITE,
    }
}

/// An amount that a request holds. It is given back when this value is dropped.
#[derive(Debug)]
pub struct HeldAmount {
    in_flight: Arc<InFlight>,
    source: SourceNetworks,
    kind: HeldKind,
    amount: usize,
}

impl InFlight {
    /// Takes an amount for a source. `None` if the source or the whole server has reached its limit.
    #[must_use]
    pub fn take(self: &Arc<Self>, source: SourceNetworks, kind: HeldKind, amount: usize) -> Option<HeldAmount> {
        let mut held = HeldAmount {
            in_flight: self.clone(),
            source,
            kind,
            amount: 0,
        };
        held.grow(amount).then_some(held)
    }

    /// Takes an amount even above the limit: a change that was made cannot be undone for lack of memory.
    #[must_use]
    pub fn take_anyway(self: &Arc<Self>, source: SourceNetworks, kind: HeldKind, amount: usize) -> HeldAmount {
        self.lock().add(source, kind, amount);
        HeldAmount {
            in_flight: self.clone(),
            source,
            kind,
            amount,
        }
    }

    /// The amounts that all sources hold together.
    #[must_use]
    pub fn held(&self, kind: HeldKind) -> usize {
        self.lock().whole[kind as usize]
    }

    /// A poisoned lock is usable: a thread that panicked while it held the lock left nothing half done.
    fn lock(&self) -> MutexGuard<'_, Holdings> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldAmount {
    /// The size of this amount.
    #[must_use]
    pub fn amount(&self) -> usize {
        self.amount
    }

    /// Adds to this amount. Leaves it unchanged if a limit is reached.
    pub fn grow(&mut self, more: usize) -> bool {
        let mut held = self.in_flight.lock();
        let fits = held.fits(self.source, self.kind, more);
        if fits {
            held.add(self.source, self.kind, more);
            self.amount += more;
        }
        fits
    }
}

impl Drop for HeldAmount {
    fn drop(&mut self) {
        self.in_flight.lock().subtract(self.source, self.kind, self.amount);
    }
}

impl Holdings {
    fn fits(&self, source: SourceNetworks, kind: HeldKind, more: usize) -> bool {
        let kind = kind as usize;
        let below = |held: usize, bound: usize| held.checked_add(more).is_some_and(|sum| sum <= bound);
        let mut networks = source.0.into_iter().flatten();
        below(self.whole[kind], WHOLE[kind])
            && networks.all(|network| {
                let held = self.sources.get(&network).map_or(0, |held| held[kind]);
                below(held, bounds(network)[kind])
            })
    }

    fn add(&mut self, source: SourceNetworks, kind: HeldKind, more: usize) {
        self.whole[kind as usize] += more;
        for network in source.0.into_iter().flatten() {
            self.sources.entry(network).or_default()[kind as usize] += more;
        }
    }

    fn subtract(&mut self, source: SourceNetworks, kind: HeldKind, less: usize) {
        self.whole[kind as usize] -= less;
        for network in source.0.into_iter().flatten() {
            if let Entry::Occupied(mut held) = self.sources.entry(network) {
                held.get_mut()[kind as usize] -= less;
                if *held.get() == Amounts::default() {
                    held.remove();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> SourceNetworks {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        SourceNetworks::of(address.parse().unwrap(), &proxies)
    }

    fn taken(in_flight: &Arc<InFlight>, address: &str, kind: HeldKind, amount: usize) -> Vec<HeldAmount> {
        std::iter::from_fn(|| in_flight.take(source(address), kind, amount)).collect()
    }

    #[test]
    fn a_source_holds_a_quarter_of_the_bytes_and_256_connections() {
        let in_flight = Arc::new(InFlight::default());
        let kib = 1024;
        let bytes = taken(&in_flight, "192.0.2.1", HeldKind::Bytes, 64 * kib);
        assert_eq!(bytes.len(), 64);
        assert_eq!(taken(&in_flight, "192.0.2.1", HeldKind::Connections, 1).len(), 256);
        assert_eq!(taken(&in_flight, "192.0.2.1", HeldKind::Http2, 1).len(), 128);
        // As IPv6 writes it, it is the same source.
        assert!(in_flight.take(source("::ffff:192.0.2.1"), HeldKind::Bytes, 1).is_none());
        assert_eq!(taken(&in_flight, "192.0.2.2", HeldKind::Bytes, 64 * kib).len(), 64);
    }

    #[test]
    fn all_sources_together_hold_16_mib_and_512_http_2_connections() {
        let in_flight = Arc::new(InFlight::default());
        let addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "10.0.0.1", "192.0.2.4"];
        let all = addresses.map(|address| taken(&in_flight, address, HeldKind::Bytes, 1024 * 1024));
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4, 4, 0]);
        let http2 = addresses.map(|address| taken(&in_flight, address, HeldKind::Http2, 1));
        assert_eq!(http2.iter().map(Vec::len).sum::<usize>(), 512);
    }

    #[test]
    fn a_trusted_proxy_is_bounded_by_the_whole_alone() {
        let in_flight = Arc::new(InFlight::default());
        let bytes = taken(&in_flight, "10.1.2.3", HeldKind::Bytes, 1024 * 1024);
        assert_eq!(bytes.len(), 16);
        let connections = (0..10_000).map(|_| in_flight.take(source("10.1.2.3"), HeldKind::Connections, 1));
        assert!(connections.collect::<Vec<_>>().iter().all(Option::is_some));
    }

    #[test]
    fn ipv6_sources_count_by_64_and_by_48() {
        let in_flight = Arc::new(InFlight::default());
        let first = taken(&in_flight, "2001:db8:1:1::1", HeldKind::Connections, 1);
        assert_eq!(first.len(), 256);
        assert!(
            in_flight
                .take(source("2001:db8:1:1:ffff::2"), HeldKind::Connections, 1)
                .is_none()
        );
        let others: Vec<_> = (2..9)
            .map(|n| taken(&in_flight, &format!("2001:db8:1:{n}::1"), HeldKind::Connections, 1))
            .collect();
        assert_eq!(others.iter().map(Vec::len).sum::<usize>(), 1024 - 256);
        assert!(
            in_flight
                .take(source("2001:db8:2:1::1"), HeldKind::Connections, 1)
                .is_some()
        );
    }

    #[test]
    fn what_is_dropped_is_given_back_and_nothing_is_remembered() {
        let in_flight = Arc::new(InFlight::default());
        let mut held = in_flight.take(source("192.0.2.1"), HeldKind::Bytes, 1000).unwrap();
        assert!(held.grow(2000));
        assert!(!held.grow(SOURCE[0]));
        let more = in_flight.take_anyway(source("192.0.2.1"), HeldKind::Bytes, WHOLE[0]);
        assert_eq!(in_flight.held(HeldKind::Bytes), 3000 + WHOLE[0]);
        assert!(in_flight.take(source("192.0.2.2"), HeldKind::Bytes, 1).is_none());
        drop((held, more));
        assert_eq!(in_flight.held(HeldKind::Bytes), 0);
        assert!(in_flight.lock().sources.is_empty());
    }
}
