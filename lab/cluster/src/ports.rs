//! Ports for programs that cannot choose one by themselves and say which.

use crate::Outcome;
use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};
use std::sync::{Mutex, PoisonError};

/// Below the ports that Linux gives to outgoing connections (`ip_local_port_range`, from 32768 on): no connection of
/// another test takes one of these between its choice and its use.
const PORTS: Range<u16> = 11_000..32_768;

/// What says to other processes of the tests that a port is taken, as long as this process lives.
static TAKEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A port of loopback that nobody listens on, IPv4 and IPv6, and that no other process of the tests is given.
///
/// # Errors
/// Where there is none left.
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

/// An abstract socket: it has no file, and goes with its process however that ends.
fn mark(port: u16) -> Option<UnixListener> {
    let name = UnixAddress::from_abstract_name(format!("hallpass-test-port-{port}")).ok()?;
    UnixListener::bind_addr(&name).ok()
}

fn is_free(port: u16) -> bool {
    let addresses = [
        SocketAddr::from(([127, 0, 0, 1], port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    // A machine without IPv6 has no other listener there either.
    addresses
        .into_iter()
        .all(|address| TcpListener::bind(address).map_or_else(|error| error.kind() != ErrorKind::AddrInUse, |_| true))
}
