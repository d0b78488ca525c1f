//! The addresses of a demo, and the URLs at which a browser reaches them.

use std::net::SocketAddr;

/// The addresses that the configuration refers to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) server: SocketAddr,
    pub(super) app: SocketAddr,
}

/// The URL of the server at `address`. The server is `localhost`, the app has an IP address. So a browser sees two sites,
/// as in production, and neither gets the other's cookies.
pub(super) fn public_url(address: SocketAddr) -> String {
    format!("http://localhost:{}", address.port())
}

/// The URL of the sample app.
pub(super) fn app_url(address: SocketAddr) -> String {
    format!("http://{address}")
}
