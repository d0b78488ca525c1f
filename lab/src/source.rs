//! Client addresses. A server allows 256 connections per source, so many clients use many addresses of this machine.

use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpSocket, TcpStream};

/// The number of clients that share an address.
const EACH: usize = 200;

/// Connects as the client of this number, from an address of 127.1.0.0/16 if the server listens on IPv4 loopback.
pub(crate) async fn connect(address: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let IpAddr::V4(ip) = address.ip() else {
        return TcpStream::connect(address).await;
    };
    if !ip.is_loopback() {
        return TcpStream::connect(address).await;
    }
    let [.., high, low] = u32::try_from(number / EACH + 1).unwrap_or(1).to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    // Otherwise each address has only the few ports that no recent connection has used.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 1, high, low], 0)))?;
    socket.connect(address).await
}
