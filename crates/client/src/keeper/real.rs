//! The endpoints of a provider in the world. Those that only its metadata names are asked for at the first use.

use super::provider::{AnswerFuture, Endpoints, Variables};
use crate::http::HttpClient;
use crate::{Client, Clock, DiscoveryError, ProviderError, TokenError, discover};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The longest wait between two requests for metadata. The first one is a second.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The most servers of one provider whose clock is remembered.
const CLOCKS: usize = 10_000;

/// The endpoints that a [`crate::Provider`] names, which may have variables, or that its issuer does.
pub(crate) struct Real {
    provider: crate::Provider,
    http: HttpClient,
    clock: Arc<dyn Clock>,
    found: OnceLock<crate::Provider>,
    search: Mutex<Search>,
    /// How far each server's clock is from ours: clients come and go, and an assertion must live by the clock of its server.
    skews: std::sync::Mutex<HashMap<String, Arc<AtomicI64>>>,
}

/// The requests for metadata that failed.
#[derive(Default)]
struct Search {
    failures: u32,
    last: Option<(Instant, TokenError)>,
}

impl Search {
    /// The last error, while it is too early to ask again.
    fn rests(&self) -> Option<&TokenError> {
        let (at, error) = self.last.as_ref()?;
        let wait = Duration::from_secs(1 << self.failures.saturating_sub(1).min(6)).min(LONGEST_WAIT);
        (at.elapsed() < wait).then_some(error)
    }
}

impl Real {
    pub(crate) fn new(provider: crate::Provider, http: HttpClient, clock: Arc<dyn Clock>) -> Self {
        Self {
            provider,
            http,
            clock,
            found: OnceLock::new(),
            search: Mutex::default(),
            skews: std::sync::Mutex::default(),
        }
    }

    fn skew(&self, place: String) -> Arc<AtomicI64> {
        let mut skews = self.skews.lock().unwrap_or_else(PoisonError::into_inner);
        if skews.len() >= CLOCKS && !skews.contains_key(&place) {
            skews.clear();
        }
        skews.entry(place).or_default().clone()
    }

    fn provider(&self) -> &crate::Provider {
        self.found.get().unwrap_or(&self.provider)
    }

    /// The issuer whose metadata is missing.
    fn unknown(&self) -> Option<&str> {
        let known = self.provider();
        let is_missing = self.found.get().is_none() && known.token_endpoint.is_none();
        known.issuer.as_deref().filter(|_| is_missing)
    }

    /// Asks for the metadata. Callers share one request, and its failure for a while.
    async fn find(&self) -> Result<(), TokenError> {
        let mut search = self.search.lock().await;
        let Some(issuer) = self.unknown() else { return Ok(()) };
        if let Some(error) = search.rests() {
            return Err(error.clone());
        }
        match discover(&self.http, issuer).await {
            Ok(metadata) => {
                let mut found = self.provider.clone();
                found.adopt(&metadata);
                // Nobody else sets it: the search is locked.
                drop(self.found.set(found));
                Ok(())
            }
            Err(error) => {
                let error = TokenError::from(error);
                search.failures = search.failures.saturating_add(1);
                search.last = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl Endpoints for Real {
    fn ready(&self) -> AnswerFuture<'_, ()> {
        Box::pin(async {
            match self.unknown() {
                None => Ok(()),
                Some(_) => self.find().await,
            }
        })
    }

    fn known(&self) -> Result<(), TokenError> {
        if self.unknown().is_none() {
            return Ok(());
        }
        // While somebody searches, the search is locked.
        let search = self.search.try_lock().ok();
        let last = search.and_then(|search| Some(search.last.as_ref()?.1.clone()));
        Err(last.unwrap_or_else(|| {
            let tried = "the issuer, which has not answered yet".to_owned();
            TokenError::Metadata(DiscoveryError::NotFound { tried })
        }))
    }

    fn shift(&self, step: i64) {
        // Of several servers it is not known which of them have answered since.
        if !self.has_variables() {
            self.skew(String::new()).fetch_add(step, Ordering::Relaxed);
        }
    }

    fn client(&self, variables: &Variables) -> Result<Client, ProviderError> {
        let provider = self.provider().with_variables(variables)?;
        let client = Client::new(provider, self.http.clone(), self.clock.clone())?;
        Ok(client.with_skew(self.skew(self.place(variables))))
    }

    fn check(&self, variables: &Variables) -> Result<(), ProviderError> {
        match self.unknown() {
            // That is seen when its metadata is there.
            Some(_) => Ok(()),
            None => self.client(variables).map(drop),
        }
    }

    fn has_variables(&self) -> bool {
        self.provider().has_variables()
    }

    fn variables_choose_server(&self) -> bool {
        self.provider().variables_choose_server()
    }

    fn place(&self, variables: &Variables) -> String {
        // A connection may have variables that the token endpoint does not.
        if !self.has_variables() {
            return String::new();
        }
        let filled = self.provider().with_variables(variables).ok();
        let endpoint = filled.and_then(|provider| provider.token_endpoint?.parse::<http::Uri>().ok());
        let authority = endpoint.and_then(|uri| Some(uri.authority()?.as_str().to_ascii_lowercase()));
        authority.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClientAuth, SystemClock};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// A server that has its metadata from the third request on. Counts the requests.
    async fn server() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (own, count) = (issuer.clone(), asked.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let status = if count.fetch_add(1, Ordering::SeqCst) < 2 {
                    404
                } else {
                    200
                };
                let body = format!(
                    r#"{{"issuer":"{own}","authorization_endpoint":"{own}/a","token_endpoint":"{own}/t","response_types_supported":["code"]}}"#
                );
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                stream.write_all((head + &body).as_bytes()).await.unwrap();
            }
        });
        (issuer, asked)
    }

    #[test]
    fn variables_that_the_token_endpoint_does_not_have_name_no_server() {
        let variables = [("shop".to_owned(), "one".to_owned())].into();
        for (endpoint, place) in [("https://a.example/t", ""), ("https://{shop}.example/t", "one.example")] {
            let mut provider = crate::Provider::new("app", ClientAuth::None);
            provider.token_endpoint = Some(endpoint.to_owned());
            let http = HttpClient::builder().without_native_roots().build().unwrap();
            let real = Real::new(provider, http, Arc::new(SystemClock));
            assert_eq!(real.place(&variables), place);
        }
    }

    #[tokio::test]
    async fn metadata_is_asked_for_at_the_first_use_and_again_after_a_wait() {
        let (issuer, asked) = server().await;
        let mut provider = crate::Provider::new("app", ClientAuth::None);
        provider.issuer = Some(issuer.clone());
        let http = HttpClient::builder().without_native_roots().build().unwrap();
        let real = Real::new(provider, http, Arc::new(SystemClock));
        let none = Variables::new();
        assert_eq!((real.check(&none), asked.load(Ordering::SeqCst)), (Ok(()), 0));
        let error = real.ready().await.unwrap_err();
        assert!(error.to_string().starts_with("no metadata at http"), "{error}");
        let unknown = real.client(&none).unwrap();
        assert_eq!(unknown.provider().token_endpoint, None);
        assert!(real.ready().await.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 2, "two addresses, once each");
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::time::resume();
        for _ in 0..2 {
            assert_eq!(real.ready().await, Ok(()));
        }
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        let found = real.client(&none).unwrap();
        assert_eq!(found.provider().token_endpoint, Some(format!("{issuer}/t")));
        let mut provider = crate::Provider::new("app", ClientAuth::None);
        provider.issuer = Some(format!("{issuer}/"));
        let http = HttpClient::builder().without_native_roots().build().unwrap();
        let error = Real::new(provider, http, Arc::new(SystemClock)).ready().await;
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with(&format!("write `issuer = \"{issuer}\"`")), "{error}");
    }
}
