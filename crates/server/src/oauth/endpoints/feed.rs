//! The feed for APIs: what ended or changed, for those that keep answers of introspection (docs/guide/resource-feed.md).
//!
//! A request waits until something happens, for a second at most. A server that does not know the newest state answers 503: an
//! API must not take silence for peace.

use crate::directory::feed::{Event, Gap, Position, Subject};
use crate::http::query;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::clients::authenticate_resource;
use crate::oauth::endpoints::FormRequest;
use crate::oauth::refusal::Refusal;
use crate::oauth::resource_feed::{Crowded, Tags};
use crate::serve::hallpass::Hallpass;
use crate::store::model::Resource;
use crate::time::Instant;
use crate::tokens::revoked::Entry;
use hallpass_dialect::Dialect;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// How long a request waits.
const WAIT: Duration = Duration::from_secs(1);
/// The most tags of what ended before, in a snapshot.
const ENDED: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedQuery {
    after: Option<String>,
}

/// Why an API gets no events. The texts are not those of a dialect: no other server has a feed.
enum FeedFailure {
    /// The request does not authenticate, or the server cannot answer.
    Refused(Refusal),
    /// The query has something else than one position.
    Malformed,
    /// Not everything after the position is known.
    Gap,
    /// Too many requests wait.
    Crowded(Crowded),
}

impl<R: Into<Refusal>> From<R> for FeedFailure {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal.into())
    }
}

#[derive(Serialize)]
struct Events {
    position: String,
    events: Vec<TaggedEvent>,
}

#[derive(Serialize)]
struct Snapshot {
    #[serde(flatten)]
    recent: Events,
    ended: Vec<String>,
    whole: bool,
}

#[derive(Serialize)]
struct TaggedEvent {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    tags: Vec<String>,
}

/// Answers a request for the feed.
pub(crate) async fn feed(hallpass: &Hallpass, request: &FormRequest<'_>, sent: Option<&str>, now: Instant) -> Response {
    match handle(hallpass, request, sent, now).await {
        Ok(response) => response,
        Err(failure) => failed(&failure, request),
    }
}

async fn handle(
    hallpass: &Hallpass,
    request: &FormRequest<'_>,
    sent: Option<&str>,
    now: Instant,
) -> Result<Response, FeedFailure> {
    let resource = authenticate_resource(hallpass, request, now).await?;
    let FeedQuery { after } = query::read(sent).map_err(|_| FeedFailure::Malformed)?;
    let tags = hallpass.resource_feed.tags(&resource.identifier);
    hallpass.feed.fresh().await?;
    let Some(after) = after else {
        return Ok(snapshot(hallpass, &tags, now));
    };
    let after = Position::parse(&after).ok_or(FeedFailure::Malformed)?;
    if after.epoch != tags.epoch() {
        return Err(FeedFailure::Gap);
    }
    wait(hallpass, &resource, &tags, &after).await?;
    // Again, because the database may have gone away meanwhile: silence must mean that nothing happened.
    hallpass.feed.fresh().await?;
    let answer = events(hallpass, &tags, &after)?;
    Ok(answered(&answer))
}

/// Resolves when something has happened that concerns the resource, and after a second at the latest.
async fn wait(hallpass: &Hallpass, resource: &Resource, tags: &Tags, after: &Position) -> Result<(), FeedFailure> {
    let mut more = hallpass.feed.log().subscribe();
    let happened = async {
        while events(hallpass, tags, after)?.events.is_empty() {
            if more.changed().await.is_err() {
                break;
            }
        }
        Ok(())
    };
    let _place = hallpass
        .resource_feed
        .readers
        .enter(&resource.identifier)
        .map_err(FeedFailure::Crowded)?;
    timeout(WAIT, happened).await.unwrap_or(Ok(()))
}

fn events(hallpass: &Hallpass, tags: &Tags, after: &Position) -> Result<Events, FeedFailure> {
    let (events, position) = hallpass.feed.after(after).map_err(|Gap| FeedFailure::Gap)?;
    Ok(tagged(events, &position, tags))
}

fn snapshot(hallpass: &Hallpass, tags: &Tags, now: Instant) -> Response {
    // In this order: what ends in between is in both.
    let (events, position) = hallpass.feed.snapshot(tags.epoch());
    let (ended, whole) = hallpass.revoked.entries(ENDED, now);
    answered(&Snapshot {
        recent: tagged(events, &position, tags),
        ended: ended.into_iter().map(|entry| tags.of_answer(&subject(entry))).collect(),
        whole,
    })
}

fn subject(entry: Entry) -> Subject {
    match entry {
        Entry::Grant(grant) => Subject::Grant(grant),
        Entry::Generation(grant, generation) => Subject::Generation(grant, generation),
        Entry::Token(serial) => Subject::Token(serial),
    }
}

fn tagged(events: Vec<Event>, position: &Position, tags: &Tags) -> Events {
    let tagged = events.into_iter().filter_map(|event| {
        let tags = tags.of_event(&event.subject);
        let id = event.id.filter(|_| event.reflected).map(|id| id.to_string());
        (!tags.is_empty()).then_some(TaggedEvent { id, tags })
    });
    Events {
        events: tagged.collect(),
        position: position.to_string(),
    }
}

fn answered(body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => respond::json(200, body),
        Err(error) => {
            tracing::error!(%error, "failed to write an answer of the feed");
            respond::json(500, r#"{"error":"server_error"}"#)
        }
    }
}

fn failed(failure: &FeedFailure, request: &FormRequest<'_>) -> Response {
    let (status, error, description) = match failure {
        FeedFailure::Refused(refusal) => {
            tracing::info!(endpoint = "feed", reason = refusal.word(), %refusal, "refused");
            let refused = Dialect::STANDARD.introspection_refusal(&refusal.public(), request.scheme());
            return respond::rendered(refused);
        }
        FeedFailure::Malformed => (
            400,
            "invalid_request",
            "after must be one position that this server gave",
        ),
        FeedFailure::Gap => (
            409,
            "gap",
            "this server does not know everything after this position: forget all answers and begin again without after",
        ),
        FeedFailure::Crowded(Crowded::Resource) => (
            429,
            "too_many_requests",
            "32 requests of this resource are waiting: one for each process is enough",
        ),
        FeedFailure::Crowded(Crowded::Server) => (503, "temporarily_unavailable", "too many requests are waiting"),
    };
    tracing::info!(endpoint = "feed", status, error, "refused");
    let body = json!({ "error": error, "error_description": description });
    let mut response = respond::json(status, body.to_string());
    if matches!(failure, FeedFailure::Crowded(_)) {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::source::Peer;
    use http::HeaderMap;

    #[test]
    fn a_reader_that_finds_no_place_is_told_when_to_come_back() {
        let headers = HeaderMap::new();
        let request = FormRequest {
            peer: Peer([127, 0, 0, 1].into()),
            headers: &headers,
            body: &[],
        };
        for (crowded, status) in [(Crowded::Resource, 429), (Crowded::Server, 503)] {
            let answer = failed(&FeedFailure::Crowded(crowded), &request);
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        }
    }
}
