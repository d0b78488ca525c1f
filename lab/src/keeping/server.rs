//! A bare token endpoint: the same answer for every refresh, with new tokens.

use crate::Outcome;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

/// A running endpoint.
pub(super) struct Server {
    address: SocketAddr,
    answered: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let answered = Arc::<AtomicUsize>::default();
        let counted = answered.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counted = counted.clone();
                let service = service_fn(move |request| answer(counted.clone(), request));
                tokio::spawn(async move {
                    // The end of a killed keeper's connection is no error.
                    drop(
                        http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
            }
        });
        Ok(Self { address, answered })
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}/token", self.address)
    }

    pub(super) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

/// An access token as long as Hallpass's.
pub(super) fn access(number: usize) -> String {
    format!("hp_at_{number:0>150}")
}

/// A refresh token as long as Hallpass's.
pub(super) fn refresh(number: usize) -> String {
    format!("hp_rt_{number:0>72}")
}

async fn answer(counted: Arc<AtomicUsize>, request: Request<Incoming>) -> Outcome<Response<Full<Bytes>>> {
    request.into_body().collect().await?;
    let number = counted.fetch_add(1, Ordering::SeqCst);
    let body = format!(
        r#"{{"access_token":"{}","token_type":"Bearer","expires_in":3600,"scope":"read","refresh_token":"{}"}}"#,
        access(number),
        refresh(number)
    );
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    Ok(response.body(Full::new(Bytes::from(body)))?)
}
