//! What an API needs to follow the feed over HTTP: names of what ended or changed that only this API can read, and a place
//! among those who wait (docs/guide/resource-feed.md, docs/decisions/0084).

mod readers;
mod tags;

pub(crate) use readers::{Crowded, Readers};
pub(crate) use tags::Tags;

use crate::config::Config;
use aws_lc_rs::{digest, hmac};
use quick_cache::sync::Cache;
use std::sync::Arc;

/// The most resources whose keys are kept. Others compute theirs at each request.
const RESOURCES: usize = 1_000;

/// The feed for APIs.
pub(crate) struct ResourceFeed {
    /// The key from which each resource's own is derived.
    key: hmac::Key,
    /// A digest of what answers depend on and the feed does not tell.
    configuration: [u8; 32],
    tags: Cache<String, Arc<Tags>>,
    /// The requests that wait.
    pub(crate) readers: Readers,
}

impl ResourceFeed {
    /// The feed of a server. All servers of a deployment have the same `key`.
    #[must_use]
    pub(crate) fn new(key: &hmac::Key, config: &Config) -> Self {
        // The text is the same for the same configuration and version. Where it differs, readers begin again.
        let configuration = format!(
            "{:?} {:?} {:?} {:?}",
            config.scopes, config.products, config.wire, config.server.public_url
        );
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, configuration.as_bytes()).as_ref());
        Self {
            key: key.clone(),
            configuration: bytes,
            tags: Cache::new(RESOURCES),
            readers: Readers::default(),
        }
    }

    /// The tags of a resource.
    #[must_use]
    pub(crate) fn tags(&self, identifier: &str) -> Arc<Tags> {
        if let Some(tags) = self.tags.get(identifier) {
            return tags;
        }
        let tags = Arc::new(Tags::of(&self.key, &self.configuration, identifier));
        self.tags.insert(identifier.to_owned(), tags.clone());
        tags
    }
}
