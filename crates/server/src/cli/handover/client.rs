//! HTTP requests to a site that is being checked. They follow no redirect, use no proxy, and are bounded in time and size.

use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// The longest wait for an answer.
const WITHIN: Duration = Duration::from_secs(15);
/// The part of a body that is read, in bytes.
const LARGEST: usize = 1024 * 1024;
const AGENT: &str = concat!("hallpass/", env!("CARGO_PKG_VERSION"), " (handover check)");

/// An answer, with the beginning of its body.
pub(super) struct SiteAnswer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// Gets `url`. The error is for the person who runs the check.
pub(super) async fn get(url: &Url, cookies: Option<String>) -> Result<SiteAnswer, String> {
    let asked = tokio::time::timeout(WITHIN, ask(url, cookies)).await;
    asked.unwrap_or_else(|_| Err(format!("no answer within {} seconds", WITHIN.as_secs())))
}

async fn ask(url: &Url, cookies: Option<String>) -> Result<SiteAnswer, String> {
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err("the address has no host".to_owned());
    };
    let stream = match host {
        // Names below localhost are this computer, whatever the resolver says (RFC 6761 §6.3).
        Host::Domain(name) if name.ends_with(".localhost") => TcpStream::connect(("localhost", port)).await,
        Host::Domain(name) => TcpStream::connect((name, port)).await,
        Host::Ipv4(address) => TcpStream::connect((address, port)).await,
        Host::Ipv6(address) => TcpStream::connect((address, port)).await,
    };
    let stream = stream.map_err(|error| format!("cannot connect: {error}"))?;
    let request = request(url, cookies)?;
    match url.scheme() {
        "https" => exchange(encrypted(url, stream).await?, request).await,
        _ => exchange(stream, request).await,
    }
}

fn request(url: &Url, cookies: Option<String>) -> Result<Request<Empty<Bytes>>, String> {
    let (authority, target) = (
        &url[url::Position::BeforeHost..url::Position::AfterPort],
        &url[url::Position::BeforePath..],
    );
    let mut request = Request::builder()
        .uri(target)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, AGENT)
        .header(header::ACCEPT, "text/html, */*;q=0.8")
        .header(header::ACCEPT_LANGUAGE, "en");
    if let Some(cookies) = cookies {
        request = request.header(header::COOKIE, cookies);
    }
    request.body(Empty::new()).map_err(|error| error.to_string())
}

async fn encrypted(url: &Url, stream: TcpStream) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    connected.map_err(|error: io::Error| format!("https failed: {error}"))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Empty<Bytes>>,
) -> Result<SiteAnswer, String> {
    let failed = |error: hyper::Error| format!("the connection failed: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // It ends with the sender. What went wrong is in the answer.
    tokio::spawn(async move { drop(connection.await) });
    let (parts, body) = sender.send_request(request).await.map_err(failed)?.into_parts();
    Ok(SiteAnswer {
        status: parts.status,
        headers: parts.headers,
        body: beginning(body).await.map_err(failed)?,
    })
}

async fn beginning(mut body: Incoming) -> Result<String, hyper::Error> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            read.extend_from_slice(&data);
        }
        if read.len() > LARGEST {
            read.truncate(LARGEST);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

impl SiteAnswer {
    /// The target of a redirect.
    pub(super) fn location(&self) -> Option<&str> {
        let is_redirect = matches!(self.status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = self.headers.get(header::LOCATION).filter(|_| is_redirect);
        location.and_then(|value| value.to_str().ok())
    }

    /// Whether no cache may keep the answer.
    pub(super) fn is_no_store(&self) -> bool {
        let mut lines = self.headers.get_all(header::CACHE_CONTROL).iter();
        lines.any(|line| directives(line).any(|directive| directive.eq_ignore_ascii_case("no-store")))
    }

    /// The lines of its Set-Cookie headers.
    pub(super) fn cookies(&self) -> impl Iterator<Item = &str> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines.filter_map(|line| line.to_str().ok())
    }
}

fn directives(line: &HeaderValue) -> impl Iterator<Item = &str> {
    line.to_str().unwrap_or_default().split(',').map(str::trim)
}
