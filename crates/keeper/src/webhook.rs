//! Sends events to the program, signed as Standard Webhooks says (standardwebhooks.com, specification 1.0).
//!
//! One event is under way at a time. It leaves the vault only when the next one is asked for, so the queue is the vault, and a
//! crash sends the event again with the same id.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hallpass_client::http::HttpClient;
use hallpass_client::keeper::{Event, Events, Happening, Keeper, VaultError};
use hallpass_client::{Clock, SystemClock};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use serde_json::json;
use tokio::sync::watch;

use crate::config::{ConfigError, Secret, Webhook};
use crate::metrics::Metrics;

/// The waits after each failed try but the last: 41 minutes together. Then the event is dropped, and the log says so. The
/// vault counts the tries, so a restart does not begin anew.
const WAITS: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
    Duration::from_secs(1_400),
];
/// How long to wait after the vault failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends events to one address.
pub(crate) struct Sender {
    http: HttpClient,
    url: String,
    key: hmac::Key,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
}

/// What to do with an event after a try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Done,
    /// Try again after this wait.
    Wait(Duration),
    Drop,
}

/// What an attempt led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attempt {
    Delivered,
    /// The receiver is away, or says that it can take the event later.
    Later,
    /// 410 Gone: the receiver wants no events.
    Gone,
}

impl Sender {
    pub(crate) fn new(webhook: &Webhook, http: HttpClient, metrics: Metrics) -> Result<Self, ConfigError> {
        Request::get(&webhook.url)
            .body(())
            .map_err(|error| ConfigError::new(format!("webhook: `url` cannot be used: {error}")))?;
        Ok(Self {
            http,
            url: webhook.url.clone(),
            key: signing_key(&webhook.secret)?,
            metrics,
            clock: Arc::new(SystemClock),
        })
    }

    /// Delivers one event, with retries. At a stop, the event goes to the next reader.
    async fn deliver(&self, event: &Event, events: &mut Events, stopped: &mut watch::Receiver<bool>) {
        let mut tries = event.tries;
        while let Next::Wait(wait) = self.once(event, tries).await {
            tries = tries.saturating_add(1);
            // Another keeper would send it too.
            match events.failed(wait).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "an event cannot be kept; another keeper may send it too"),
            }
            if !pause(wait, stopped).await {
                if let Err(error) = events.leave().await {
                    tracing::warn!(%error, "an event cannot be left to another keeper; it is sent after its wait");
                }
                return;
            }
            // A newer event may have taken its place, or the connection was deleted.
            match events.is_there().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "the vault fails; an event that is gone may be sent"),
            }
        }
    }

    /// Tries once, after so many failed tries.
    async fn once(&self, event: &Event, tries: u32) -> Next {
        let id = id(event);
        let attempt = self.attempt(&id, &body(event)).await;
        let next = next(attempt, tries, self.clock.now_millis().saturating_sub(event.at));
        self.metrics.webhook(match next {
            Next::Done => "delivered",
            Next::Wait(_) => "later",
            Next::Drop => "dropped",
        });
        if next == Next::Drop {
            let connection = &event.connection;
            tracing::error!(%id, %connection, "an event could not be delivered and was dropped");
        }
        next
    }

    async fn attempt(&self, id: &str, body: &str) -> Attempt {
        let timestamp = self.clock.now_millis() / 1000;
        let request = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", sign(&self.key, id, timestamp, body))
            .body(Bytes::copy_from_slice(body.as_bytes()));
        let Ok(request) = request else { return Attempt::Gone };
        match self.http.send(request).await {
            Ok(answer) if answer.status().is_success() => Attempt::Delivered,
            Ok(answer) if answer.status() == StatusCode::GONE => Attempt::Gone,
            Ok(answer) => {
                tracing::warn!(%id, status = answer.status().as_u16(), "the webhook was refused; it is sent again");
                Attempt::Later
            }
            Err(error) => {
                tracing::warn!(%id, %error, "the webhook could not be sent; it is sent again");
                Attempt::Later
            }
        }
    }
}

/// Reads the events of the vault until it is stopped, logs them, and sends them if there is somebody to send them to.
pub(crate) async fn tell(keeper: Keeper, sender: Option<Sender>, metrics: Metrics, mut stopped: watch::Receiver<bool>) {
    let mut events = keeper.events();
    loop {
        let next = tokio::select! {
            // First: what a stop left to others must not be read again.
            biased;
            () = is_set(&mut stopped) => break,
            next = events.next() => next,
        };
        match next {
            Ok(event) => {
                let (connection, happening) = (&event.connection, event.happening.word());
                tracing::info!(%connection, happening, "event");
                metrics.event(connection.provider(), happening);
                if let Some(sender) = &sender {
                    sender.deliver(&event, &mut events, &mut stopped).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "events cannot be read; trying again");
                pause(PATIENCE, &mut stopped).await;
            }
        }
    }
    if let Err(error) = events.done().await {
        tracing::warn!(%error, "an event that was delivered comes again");
    }
}

/// Waits. `false` if a stop ended it.
async fn pause(span: Duration, stopped: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(span) => true,
        () = is_set(stopped) => false,
    }
}

/// Returns at a stop.
async fn is_set(stopped: &mut watch::Receiver<bool>) {
    // Without a sender there is nobody left who could go on.
    drop(stopped.wait_for(|is_set| *is_set).await);
}

/// Sends the events that wait, each once. The first one that is not taken stays for the next time, and so do those behind it.
pub(crate) async fn tell_waiting(keeper: &Keeper, sender: &Sender) -> Result<(), VaultError> {
    let mut events = keeper.events();
    while let Some(event) = events.try_next().await? {
        if let Next::Wait(_) = sender.once(&event, event.tries).await {
            return events.give_back().await;
        }
    }
    Ok(())
}

/// What follows from a try, after so many failed ones. An event is dropped after eight tries or more over 41 minutes or more:
/// a timer may try each minute.
fn next(attempt: Attempt, tries: u32, age_millis: i64) -> Next {
    let longest: Duration = WAITS.iter().sum();
    let is_old = u128::try_from(age_millis).is_ok_and(|age| age >= longest.as_millis());
    let wait = usize::try_from(tries).ok().and_then(|tries| WAITS.get(tries));
    match (attempt, wait) {
        (Attempt::Delivered, _) => Next::Done,
        (Attempt::Gone, _) => Next::Drop,
        (Attempt::Later, Some(wait)) => Next::Wait(*wait),
        (Attempt::Later, None) if is_old => Next::Drop,
        (Attempt::Later, None) => Next::Wait(WAITS[WAITS.len() - 1]),
    }
}

fn id(event: &Event) -> String {
    format!("evt_{}", hex(&event.id))
}

fn body(event: &Event) -> String {
    let at = |millis| jiff::Timestamp::from_millisecond(millis).map(|at| at.to_string()).ok();
    let mut data = json!({
        "connection": event.connection.to_string(),
        "provider": event.connection.provider(),
        "reference": event.connection.reference(),
    });
    match &event.happening {
        Happening::NeedsUser(reason) | Happening::Paused(reason) => data["reason"] = json!(reason),
        Happening::EndsOn(end) => data["ends_at"] = json!(end / 1000),
        _ => {}
    }
    let kind = format!("connection.{}", event.happening.word());
    json!({"type": kind, "timestamp": at(event.at), "data": data}).to_string()
}

/// The command that makes a secret.
pub(crate) const MAKE_SECRET: &str = "(umask 077; (printf whsec_; openssl rand -base64 32) > webhook.secret)";

/// The key of a secret: `whsec_` and base64. The libraries of Standard Webhooks decode a text without `whsec_` too, so no other
/// key than the decoded one verifies there.
fn signing_key(secret: &Secret) -> Result<hmac::Key, ConfigError> {
    let encoded = secret.expose().strip_prefix("whsec_");
    let bytes = encoded
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .ok_or_else(|| {
            ConfigError::new(format!(
                "webhook: the secret is not `whsec_` and base64: make one with `{MAKE_SECRET}`"
            ))
        })?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn sign(key: &hmac::Key, id: &str, timestamp: i64, body: &str) -> String {
    let signed = hmac::sign(key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(signed))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_client::http::{Transport, TransportFuture};
    use hallpass_client::keeper::{Care, Connection, MemoryVault, VaultKey};
    use hallpass_client::{AccessToken, ClientAuth, Provider, Tokens};
    use std::sync::atomic::{AtomicUsize, Ordering};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// A receiver that takes nothing, and counts.
    #[derive(Default)]
    struct Busy(AtomicUsize);

    impl Transport for Busy {
        fn send(&self, _: Request<Bytes>) -> TransportFuture<'_> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let answer = http::Response::builder().status(503).body(Bytes::new());
            Box::pin(async move { Ok(answer.unwrap()) })
        }
    }

    /// A keeper with one event, whose first try has failed, and the task that would try again.
    async fn tried_once(receiver: &Arc<Busy>) -> (Keeper, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let http = HttpClient::over(receiver.clone());
        let (vault, key) = (Arc::new(MemoryVault::new()), VaultKey::from_bytes(&[7; 32]).unwrap());
        let provider = Provider::new("app", ClientAuth::None);
        let keeper = Keeper::builder(vault, key, Arc::new(SystemClock))
            .provider("shop", provider, http.clone(), Care::default())
            .build();
        let mut tokens = Tokens::new(AccessToken::new("at").unwrap(), 0);
        tokens.expires_at = Some(1);
        keeper.take_over(&one(), &tokens).await.unwrap();
        keeper.keep_due().await.unwrap();
        let webhook = Webhook {
            url: "http://127.0.0.1/hook".to_owned(),
            secret: Secret::new(SECRET.to_owned()),
        };
        let sender = Sender::new(&webhook, http, Metrics::default()).unwrap();
        let (stop, stopped) = watch::channel(false);
        let telling = tokio::spawn(tell(keeper.clone(), Some(sender), Metrics::default(), stopped));
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(receiver.0.load(Ordering::SeqCst), 1);
        (keeper, stop, telling)
    }

    fn one() -> Connection {
        "shop/one".parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_is_gone_after_a_wait_is_not_sent() {
        let receiver = Arc::<Busy>::default();
        let (keeper, stop, telling) = tried_once(&receiver).await;
        assert!(keeper.forget(&one()).await.unwrap());
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(receiver.0.load(Ordering::SeqCst), 1);
        stop.send_replace(true);
        telling.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_leaves_a_waiting_event_to_the_next_keeper_and_counts_no_try() {
        let (keeper, stop, telling) = tried_once(&Arc::default()).await;
        let mut events = keeper.events();
        assert_eq!(events.try_next().await.unwrap(), None, "another reader has it");
        stop.send_replace(true);
        telling.await.unwrap();
        let event = events.try_next().await.unwrap().unwrap();
        assert_eq!((event.connection, event.tries), (one(), 1));
    }

    /// The vector that the libraries of Standard Webhooks test against.
    #[test]
    fn a_signature_is_that_of_the_published_vector() {
        let key = signing_key(&Secret::new(SECRET.to_owned())).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = sign(&key, id, 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_the_libraries_would_read_as_another_key_is_refused() {
        for secret in [
            "0123456789abcdef0123456789abcdef",
            "whsec_0123456789abcdef-123456789abcdef",
        ] {
            let refused = signing_key(&Secret::new(secret.to_owned())).err().unwrap().to_string();
            assert!(refused.contains("printf whsec_"), "{refused}");
        }
    }

    #[test]
    fn an_event_is_dropped_after_eight_tries_over_41_minutes() {
        let old = 2_456_000;
        let later = |tries, age| next(Attempt::Later, tries, age);
        assert_eq!(later(0, 10 * old), Next::Wait(Duration::from_secs(1)));
        assert_eq!(later(6, 10 * old), Next::Wait(Duration::from_secs(1_400)));
        assert_eq!(later(7, old), Next::Drop);
        assert_eq!(later(40, old - 1), Next::Wait(Duration::from_secs(1_400)));
        assert_eq!(later(u32::MAX, old), Next::Drop);
        assert_eq!(next(Attempt::Gone, 0, 0), Next::Drop);
        assert_eq!(next(Attempt::Delivered, 7, old), Next::Done);
    }

    #[test]
    fn a_body_names_connection_cause_and_moment() {
        let event = Event {
            id: [7; 16],
            connection: "shop/customer-17".parse().unwrap(),
            at: 1_800_000_000_000,
            happening: Happening::NeedsUser("invalid_grant".to_owned()),
            tries: 0,
        };
        assert_eq!(
            body(&event),
            r#"{"type":"connection.needs_user","timestamp":"2027-01-15T08:00:00Z","data":{"connection":"shop/customer-17","provider":"shop","reference":"customer-17","reason":"invalid_grant"}}"#
        );
    }
}
