//! The task that holds a request of the feed open.

use super::Feed;
use super::events::News;
use super::position::Position;
use crate::kept::Kept;
use crate::refused::Unavailable;
use crate::upstream::{Upstream, retry_after};
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::{Request, Response, StatusCode};
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
enum Next {
    Now,
    After(Duration),
    /// The request failed.
    Failed {
        reason: String,
        /// How long to wait; without it, the pause grows with each failure.
        pause: Option<Duration>,
        /// Whether what is remembered of the feed holds no longer.
        forget: bool,
    },
}

/// Follows the feed until `feed` is gone.
pub(crate) async fn follow(source: Source, feed: Weak<Feed>) {
    // A task before this one may have ended; what happened since then is unknown.
    if let Some(feed) = feed.upgrade() {
        feed.lose(&source.kept);
    }
    let mut position = None;
    let mut growing = FIRST_PAUSE;
    let mut failing = false;
    loop {
        let next = step(&source, &feed, &mut position).await;
        let Some(feed) = feed.upgrade() else { return };
        let pause = match next {
            Next::Failed { reason, pause, forget } => {
                if forget {
                    feed.lose(&source.kept);
                    position = None;
                }
                feed.fail(&reason);
                if !failing {
                    tracing::warn!(%reason, "failed to read the revocation feed; the authorization server is asked at every call");
                }
                failing = true;
                let pause = pause.unwrap_or(growing);
                growing = (growing * 2).min(LONGEST_PAUSE);
                pause
            }
            Next::Now | Next::After(_) => {
                if failing {
                    tracing::info!("the revocation feed answers again");
                }
                failing = false;
                growing = FIRST_PAUSE;
                match next {
                    Next::After(pause) => pause,
                    _ => continue,
                }
            }
        };
        // The wait must not keep the feed alive.
        drop(feed);
        tokio::time::sleep(pause).await;
    }
}

/// One request, and what it means.
async fn step(source: &Source, feed: &Weak<Feed>, position: &mut Option<Position>) -> Next {
    let Ok(request) = request(source, position.as_ref()) else {
        return failed("its address is no URL".to_owned(), None, true);
    };
    let sent = source.upstream.moment();
    let answer = match source.upstream.send_within(TIMEOUT, request).await {
        Ok(answer) => answer,
        // The feed may go on from its position. Until then its silence stops the use of what is kept.
        Err(Unavailable { reason, .. }) => return failed(reason, None, false),
    };
    if answer.status() != StatusCode::OK {
        return refused(&answer, position.is_some());
    }
    let Some(news) = News::read(answer.body(), position.is_none()) else {
        return failed("its answer cannot be read".to_owned(), None, true);
    };
    let Some(feed) = feed.upgrade() else { return Next::Now };
    let now = source.upstream.moment();
    let quick = news.is_empty() && now.steady.saturating_sub(sent.steady) < LEAST;
    *position = Some(news.position.clone());
    feed.take(news, sent, now, &source.kept);
    if quick { Next::After(LEAST) } else { Next::Now }
}

/// The table of statuses in docs/guide/resource-feed.md.
fn refused(answer: &Response<Vec<u8>>, has_position: bool) -> Next {
    let status = answer.status();
    let reason = format!("it answered with status {}", status.as_u16());
    let asked = Some(retry_after(answer.headers()));
    match status {
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT if has_position => failed(reason, Some(FIRST_PAUSE), true),
        StatusCode::TOO_MANY_REQUESTS => failed(reason, asked, false),
        StatusCode::SERVICE_UNAVAILABLE => failed(reason, asked, true),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failed(
            "it refused the credentials of this API".to_owned(),
            Some(REFUSED_PAUSE),
            true,
        ),
        _ => failed(reason, None, true),
    }
}

fn failed(reason: String, pause: Option<Duration>, forget: bool) -> Next {
    Next::Failed { reason, pause, forget }
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
