//! The addresses of the three parts of the demo: loopback only, each with its own port.
//!
//! All three ports are bound before anything starts, so that no part takes another's. The server binds its port itself, so
//! its listener is closed just before.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use super::DemoError;

/// The default ports.
const SERVER: u16 = 8080;
const API: u16 = 8081;
const APP: u16 = 8082;
const SITE: u16 = 8083;
/// The number of ports that are tried after the wanted one.
const ATTEMPTS: u16 = 100;

/// The three listeners.
pub(super) struct Places {
    pub(super) server: TcpListener,
    pub(super) api: TcpListener,
    pub(super) app: TcpListener,
}

impl Places {
    /// Binds the three listeners. If a port is taken, uses the next free one.
    pub(super) fn bind(
        server: Option<SocketAddr>,
        api: Option<SocketAddr>,
        app: Option<SocketAddr>,
    ) -> Result<Self, DemoError> {
        Ok(Self {
            server: free(server.unwrap_or(local(SERVER)))?,
            api: free(api.unwrap_or(local(API)))?,
            app: free(app.unwrap_or(local(APP)))?,
        })
    }
}

/// Binds the listener of the sample site. If a port is taken, uses the next free one.
pub(super) fn site(wanted: Option<SocketAddr>) -> Result<TcpListener, DemoError> {
    free(wanted.unwrap_or(local(SITE)))
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn free(wanted: SocketAddr) -> Result<TcpListener, DemoError> {
    if !wanted.ip().is_loopback() {
        return Err(DemoError::NotLoopback(wanted));
    }
    let last = wanted
        .port()
        .saturating_add(if wanted.port() == 0 { 0 } else { ATTEMPTS });
    for port in wanted.port()..=last {
        match bound(SocketAddr::new(wanted.ip(), port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(DemoError::Bind(wanted, error)),
            Ok(listener) => return Ok(listener),
        }
    }
    Err(DemoError::NoFreePort(wanted))
}

/// Binds `address` if the same port of the other loopback address is free as well. Browsers try `[::1]` first for
/// `localhost`, and would reach another program there.
fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    let twin = match address.ip() {
        IpAddr::V4(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    match TcpListener::bind((twin, listener.local_addr()?.port())) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        _ => Ok(listener),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_free_port_replaces_a_taken_one() {
        let taken = free(local(0)).unwrap();
        let address = taken.local_addr().unwrap();
        let next = free(address).unwrap().local_addr().unwrap();
        assert!(next.port() > address.port());
    }

    #[test]
    fn a_port_taken_on_the_other_loopback_address_counts_as_taken() {
        let Ok(taken) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
            return; // a machine without IPv6
        };
        let port = taken.local_addr().unwrap().port();
        assert_ne!(free(local(port)).unwrap().local_addr().unwrap().port(), port);
    }

    #[test]
    fn only_loopback_addresses_are_bound() {
        let public = SocketAddr::from(([0, 0, 0, 0], 0));
        assert!(matches!(free(public), Err(DemoError::NotLoopback(_))));
    }
}
