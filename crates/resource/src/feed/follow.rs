//! The task that holds a request of the feed open.

use super::Feed;
use super::events::News;
use super::position::Position;
use crate::kept::Kept;
use crate::refused::Unavailable;
use crate::upstream::{Upstream, retry_after};
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::{Request, StatusCode};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// How long a request may take: Hallpass answers within one second, and the feed is dead after three.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The pause after a failure, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The pause after wrong credentials: a person must mend them.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);
/// The least time for an answer without news. A server that answers at once must not be asked in a tight loop.
const LEAST: Duration = Duration::from_millis(200);

/// Where the feed is, and what it drops.
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) authorization: HeaderValue,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) kept: Arc<Mutex<Kept>>,
}

/// What the next request waits for.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Now,
    After(Duration),
    /// A failure whose pause grows.
    Backoff(String),
}

/// Follows the feed until `feed` is gone.
pub(crate) async fn follow(source: Source, feed: Weak<Feed>) {
    let mut position = None;
    let mut pause = FIRST_PAUSE;
    let mut failing = false;
    loop {
        let next = step(&source, &feed, &mut position).await;
        if feed.strong_count() == 0 {
            return;
        }
        match next {
            Next::Backoff(reason) => {
                if !failing {
                    tracing::warn!(%reason, "the revocation feed does not answer; the authorization server is asked at every call");
                }
                failing = true;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            next => {
                if failing {
                    tracing::info!("the revocation feed answers again");
                }
                failing = false;
                pause = FIRST_PAUSE;
                if let Next::After(pause) = next {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

/// One request, and what it means.
async fn step(source: &Source, feed: &Weak<Feed>, position: &mut Option<Position>) -> Next {
    let Ok(request) = request(source, position.as_ref()) else {
        return Next::Backoff("the address of the feed is no URL".to_owned());
    };
    let sent = source.upstream.moment();
    let answer = match source.upstream.send_within(TIMEOUT, request).await {
        Ok(answer) => answer,
        Err(Unavailable { reason, .. }) => return Next::Backoff(reason),
    };
    let Some(feed) = feed.upgrade() else { return Next::Now };
    let status = answer.status();
    if status == StatusCode::OK {
        let Some(news) = News::read(answer.body(), position.is_none()) else {
            return lost(
                source,
                &feed,
                position,
                Next::Backoff("its answer cannot be read".to_owned()),
            );
        };
        let now = source.upstream.moment();
        let quick = position.is_some() && news.is_empty() && now.steady.saturating_sub(sent.steady) < LEAST;
        *position = Some(news.position.clone());
        feed.take(news, sent, now, &source.kept);
        return if quick { Next::After(LEAST) } else { Next::Now };
    }
    let reason = format!("it answered with status {}", status.as_u16());
    match status {
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT if position.is_some() => {
            lost(source, &feed, position, Next::After(FIRST_PAUSE))
        }
        StatusCode::TOO_MANY_REQUESTS => Next::After(retry_after(answer.headers())),
        StatusCode::SERVICE_UNAVAILABLE => lost(source, &feed, position, Next::After(retry_after(answer.headers()))),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            tracing::warn!("the revocation feed refused the credentials of this API; no answer is kept");
            lost(source, &feed, position, Next::After(REFUSED_PAUSE))
        }
        _ => lost(source, &feed, position, Next::Backoff(reason)),
    }
}

/// Forgets what is kept: the next answer is a snapshot.
fn lost(source: &Source, feed: &Feed, position: &mut Option<Position>, next: Next) -> Next {
    feed.lose(&source.kept);
    *position = None;
    next
}

fn request(source: &Source, position: Option<&Position>) -> http::Result<Request<Vec<u8>>> {
    let url = match position {
        // Its characters need no encoding.
        Some(position) => format!("{}?after={}", source.url, position.as_str()),
        None => source.url.clone(),
    };
    Request::get(url)
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, source.authorization.clone())
        .body(Vec::new())
}
