use crate::config::fields::Fields;
use crate::config::section::{optional, or, required, section};
use crate::config::tree::Node;
use crate::config::values;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;

section! {
    /// `[server]`: the addresses of Hallpass, and its data folder.
    Server {
        /// The address to listen on.
        listen: SocketAddr = required(values::address),
        /// The base URL for people and apps, without trailing slash. It is also the issuer. `None`: `http://localhost:PORT`.
        public_url: Option<String> = optional(values::base_url),
        /// The base URL of the token, introspection, revocation and identity endpoints. `None`: `public_url`.
        api_url: Option<String> = optional(values::base_url),
        /// The data folder. A relative path starts from the folder of the file that names it.
        data: PathBuf = required(data_folder),
        /// The proxies whose `X-Forwarded-For` is trusted.
        trusted_proxies: Vec<IpNet> = or(values::networks, Vec::new()),
    }
    check tls_is_planned();
}

fn data_folder(node: &Node) -> Result<PathBuf, String> {
    let path = values::file_name(node)?;
    let folder = node.origin.layer.folder.clone();
    Ok(folder.unwrap_or_default().join(path))
}

fn tls_is_planned(fields: &mut Fields<'_>) {
    fields.later(&["tls_cert", "tls_key"]);
}
