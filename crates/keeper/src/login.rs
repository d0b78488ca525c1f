//! `hallpass-keeper login`: a connection by a browser on this computer, which comes back to a port of loopback (RFC 8252 §7.3).

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hallpass_client::keeper::{ConnectError, ConnectRequest, Connected, Connection, Keeper};
use hallpass_client::{CallbackError, own_redirect_uri};
use http::Uri;
use tokio::sync::{mpsc, watch};

use crate::config::{Config, Place};
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::open::{Wanted, open};
use crate::output::{Fault, say};

/// How long the person may take.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// How long the end waits for the browser.
const DRAIN: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Waiting {
    keeper: Keeper,
    base: Arc<str>,
    reference: Arc<str>,
    done: mpsc::Sender<Result<Connected, String>>,
}

/// Prints the address for the browser, and waits until the person is back.
pub(crate) async fn login(
    config: &Config,
    connection: Connection,
    scopes: Vec<String>,
    port: u16,
) -> Result<(), Fault> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = Listener::bind(&Place::Tcp { address, tls: None }).await?;
    let base: Arc<str> = listener.address().into();
    let keeper = open(
        config,
        Wanted::One(connection.provider()),
        Some(&format!("{base}/callback")),
        &Metrics::default(),
    )
    .await?;
    let reference = connection.reference().into();
    let redirect_uri = own_redirect_uri(&format!("{base}/callback"), connection.provider(), None);
    let mut request = ConnectRequest::new(connection);
    request.scopes = scopes;
    let url = keeper.begin(&request).await?;
    say(&format!("redirect URI, which the provider must know: {redirect_uri}"))?;
    say(&format!("open this address in a browser on this computer:\n\n{url}\n"))?;
    let (done, mut outcome) = mpsc::channel(1);
    let waiting = Waiting {
        keeper,
        base,
        reference,
        done,
    };
    let router = Router::new()
        .route("/callback/{provider}", get(back))
        .with_state(waiting);
    let (stop, stopped) = watch::channel(false);
    let mut serving = pin!(listener.run(router, stopped));
    let connected = tokio::select! {
        () = serving.as_mut() => None,
        connected = outcome.recv() => connected,
        () = tokio::time::sleep(PATIENCE) => None,
    };
    // Until the browser has its page.
    stop.send_replace(true);
    drop(tokio::time::timeout(DRAIN, serving).await);
    let connected = connected.ok_or("nobody came back within an hour")??;
    say(&format!("connected: {}", connected.connection))?;
    Ok(())
}

/// A wrong way back leaves the sign-in as it is: any page can open this address.
async fn back(State(waiting): State<Waiting>, uri: Uri) -> Response {
    let callback = format!("{}{uri}", waiting.base);
    match waiting.keeper.complete(&callback, &waiting.reference).await {
        Ok(connected) => {
            drop(waiting.done.try_send(Ok(connected)));
            "You are connected. You may close this page.\n".into_response()
        }
        Err(error) => {
            tracing::error!("{error}");
            // The provider's answer ends the sign-in. What any page could have sent does not.
            if matches!(
                error,
                ConnectError::Denied { .. } | ConnectError::Callback(CallbackError::Token(_))
            ) {
                drop(waiting.done.try_send(Err(error.to_string())));
            }
            (http::StatusCode::BAD_REQUEST, format!("Not connected: {error}\n")).into_response()
        }
    }
}
