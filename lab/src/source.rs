//! Client addresses. A server lets one source hold 256 connections, so many clients come from many addresses of this machine.

use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpSocket, TcpStream};

/// How many clients share an address.
const EACH: usize = 200;

/// Connects as the client of this number, from an address of 127.1.0.0/16 where the server listens on IPv4's loopback.
pub(crate) async fn connect(address: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let IpAddr::V4(ip) = address.ip() else {
        return TcpStream::connect(address).await;
    };
    if !ip.is_loopback() {
        return TcpStream::connect(address).await;
    }
    let [.., high, low] = u32::try_from(number / EACH + 1).unwrap_or(1).to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    // Without it each address has the few ports that no connection of late has used.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 1, high, low], 0)))?;
    socket.connect(address).await
}
