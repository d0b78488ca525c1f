//! What an API needs to keep an answer of introspection: the tags of everything that the answer depends on, and the position in
//! the feed at which it was computed (docs/guide/resource-feed.md).

use crate::directory::feed::{Position, ShortName, Subject};
use crate::http::respond::Response;
use crate::oauth::access::Access;
use crate::oauth::clients::Caller;
use crate::oauth::resource_feed::Tags;
use crate::serve::hallpass::Hallpass;
use crate::store::model::ActsAs;
use crate::tokens::sealed;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// By this header of a request an API says that it follows the feed.
const FEED: HeaderName = HeaderName::from_static("hallpass-feed");
const TAGS: HeaderName = HeaderName::from_static("hallpass-tags");
const POSITION: HeaderName = HeaderName::from_static("hallpass-position");

/// An API that follows the feed, and what was known when it asked.
pub(super) struct Follower {
    tags: Arc<Tags>,
    position: Position,
}

/// The present position, without its epoch. `None` if the request does not say that its sender follows the feed. Must be read before
/// everything that the answer depends on.
pub(super) fn position(hallpass: &Hallpass, headers: &HeaderMap) -> Option<Position> {
    let follows = headers.get(FEED).is_some_and(|value| value == "1");
    follows.then(|| hallpass.feed.position(ShortName::default()))
}

impl Follower {
    /// `None` if the caller does not follow the feed.
    pub(super) fn of(hallpass: &Hallpass, caller: &Caller, position: Option<Position>) -> Option<Box<Self>> {
        match (caller, position) {
            (Caller::Resource(resource), Some(mut position)) => {
                let tags = hallpass.resource_feed.tags(&resource.identifier);
                position.epoch = tags.epoch();
                Some(Box::new(Self { tags, position }))
            }
            _ => None,
        }
    }

    /// Adds the headers to the answer about this token.
    pub(super) fn mark(&self, response: &mut Response, token: &str, access: &Access) {
        let subjects = subjects(access, sealed::key_of(token));
        let tags: Vec<String> = subjects.iter().map(|subject| self.tags.of_answer(subject)).collect();
        // Both or neither: without the position an old answer would be kept.
        let values = [tags.join(", "), self.position.to_string()].map(|value| HeaderValue::try_from(value).ok());
        if let [Some(tags), Some(position)] = values {
            let headers = response.headers_mut();
            headers.insert(TAGS, tags);
            headers.insert(POSITION, position);
        }
    }
}

/// Everything that the answer about an access token depends on.
fn subjects(access: &Access, key: Option<u32>) -> Vec<Subject> {
    let claims = &access.claims;
    let mut subjects = vec![
        Subject::Token(claims.serial),
        Subject::App(claims.app.0),
        Subject::Organization(claims.organization.0),
    ];
    let owner = access.client.app.organization;
    if owner != claims.organization {
        subjects.push(Subject::Organization(owner.0));
    }
    subjects.extend(key.map(Subject::Key));
    if let Some(grant) = claims.grant {
        subjects.extend([
            Subject::Grant(grant.id.0),
            Subject::Generation(grant.id.0, grant.generation),
            Subject::Person(grant.user.0),
            Subject::Key(grant.key),
            match grant.acts_as {
                ActsAs::Person => Subject::Member(grant.user.0, claims.organization.0),
                ActsAs::Organization => Subject::Owners(claims.organization.0),
            },
        ]);
    }
    subjects
}
