//! Ports for programs that cannot choose a free one and report it.

use crate::Outcome;
use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};
use std::sync::{Mutex, PoisonError};

/// Lower than the ports that Linux uses for outgoing connections (`ip_local_port_range`, from 32768 on). So no connection
/// of another test can take a port between its choice and its use.
const PORTS: Range<u16> = 11_000..32_768;

/// Marks the taken ports for other test processes, as long as this process lives.
static TAKEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A loopback port, IPv4 and IPv6, on which no program listens and that no other test process gets.
///
/// # Errors
/// If no port is left.
pub fn free_port() -> Outcome<u16> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    for port in PORTS {
        if let Some(mark) = mark(port)
            && is_free(port)
        {
            taken.push(mark);
            return Ok(port);
        }
    }
    Err("no port is free".to_owned())
}

/// An abstract socket: it has no file, and the system removes it when its process ends in any way.
fn mark(port: u16) -> Option<UnixListener> {
    let name = UnixAddress::from_abstract_name(format!("hallpass-test-port-{port}")).ok()?;
    UnixListener::bind_addr(&name).ok()
}

fn is_free(port: u16) -> bool {
    let addresses = [
        SocketAddr::from(([127, 0, 0, 1], port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    // A machine without IPv6 has no other listener there.
    addresses
        .into_iter()
        .all(|address| TcpListener::bind(address).map_or_else(|error| error.kind() != ErrorKind::AddrInUse, |_| true))
}
