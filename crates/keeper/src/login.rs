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

/// A browser that hangs up during the exchange does not take its result away from the command.
async fn back(State(waiting): State<Waiting>, uri: Uri) -> Response {
    let finished = tokio::spawn(finish(waiting, uri)).await;
    finished.unwrap_or_else(|_| http::StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// A wrong way back leaves the sign-in as it is: any page can open this address.
async fn finish(waiting: Waiting, uri: Uri) -> Response {
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
                ConnectError::Denied { .. }
                    | ConnectError::Callback(CallbackError::Token(_))
                    | ConnectError::NotStored(_)
            ) {
                drop(waiting.done.try_send(Err(error.to_string())));
            }
            (http::StatusCode::BAD_REQUEST, format!("Not connected: {error}\n")).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_client::http::{HttpClient, Transport, TransportFuture};
    use hallpass_client::keeper::{Care, MemoryVault, VaultKey};
    use hallpass_client::{ClientAuth, Provider, SystemClock};

    /// A token endpoint that takes five seconds.
    struct Slow;

    impl Transport for Slow {
        fn send(&self, _: http::Request<bytes::Bytes>) -> TransportFuture<'_> {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                let body = r#"{"access_token":"at","token_type":"Bearer"}"#;
                let answer = http::Response::builder().header("content-type", "application/json");
                Ok(answer.body(body.into()).unwrap())
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_browser_that_hangs_up_during_the_exchange_ends_the_wait_all_the_same() {
        let base = "http://127.0.0.1:9";
        let mut provider = Provider::new("app", ClientAuth::None);
        provider.authorization_endpoint = Some("http://127.0.0.1/authorize".to_owned());
        provider.token_endpoint = Some("http://127.0.0.1/token".to_owned());
        let key = VaultKey::from_bytes(&[7; 32]).unwrap();
        let keeper = Keeper::builder(Arc::new(MemoryVault::new()), key, Arc::new(SystemClock))
            .provider("shop", provider, HttpClient::over(Arc::new(Slow)), Care::default())
            .redirect_uri(&format!("{base}/callback"))
            .build();
        let one: Connection = "shop/one".parse().unwrap();
        let url = keeper.begin(&ConnectRequest::new(one.clone())).await.unwrap();
        let (_, state) = url.split_once("state=").unwrap();
        let state = state.split('&').next().unwrap();
        let uri: Uri = format!("/callback/shop?code=c&state={state}").parse().unwrap();
        let (done, mut outcome) = mpsc::channel(1);
        let waiting = Waiting {
            keeper,
            base: base.into(),
            reference: "one".into(),
            done,
        };
        let browser = back(State(waiting.clone()), uri);
        assert!(tokio::time::timeout(Duration::from_secs(1), browser).await.is_err());
        let outcome = tokio::time::timeout(Duration::from_secs(60), outcome.recv()).await;
        assert_eq!(outcome.unwrap().unwrap().unwrap().connection, one);
    }
}
