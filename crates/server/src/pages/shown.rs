//! What a consent page showed. It is sealed into the page's form, so that a person allows what they read and nothing else.
//!
//! Permissions that the app gained since are not granted, and those that it lost are not either. Where anything else on the
//! page would read differently now (the name of the app, where the answer goes, the organizations), the question is put again.

use super::Visit;
use crate::oauth::authorization::AuthorizationRequest;
use crate::store::model::{GrantId, Organization};
use aws_lc_rs::digest::{Context, SHA256};
use hallpass_wire::Scopes;
use std::sync::Arc;
use uuid::Uuid;

/// Everything that a consent page says about one request.
pub(super) struct Question<'a> {
    /// The request.
    pub(super) request: &'a AuthorizationRequest,
    /// Who made the app.
    pub(super) owner: Option<&'a str>,
    /// The organizations to choose between.
    pub(super) organizations: &'a [Arc<Organization>],
}

/// What a page carried to its form.
pub(super) struct Shown {
    /// The grant to come.
    pub(super) id: GrantId,
    /// The permissions on the page.
    pub(super) scopes: Scopes,
    /// The query of the authorization request.
    pub(super) query: String,
    fingerprint: [u8; 32],
}

impl Question<'_> {
    /// Encodes the question as [`Shown`] reads it.
    pub(super) fn encode(&self, visit: &Visit, id: GrantId, query: &str) -> Vec<u8> {
        let scopes = self.request.scopes.to_string();
        let length = u32::try_from(scopes.len()).unwrap_or(u32::MAX);
        [
            id.0.as_bytes(),
            &self.fingerprint(visit, &self.request.scopes)[..],
            &length.to_be_bytes(),
            scopes.as_bytes(),
            query.as_bytes(),
        ]
        .concat()
    }

    fn fingerprint(&self, visit: &Visit, scopes: &Scopes) -> [u8; 32] {
        let app = &self.request.client.app;
        let mut parts: Vec<&[u8]> = vec![
            app.id.0.as_bytes(),
            app.name.as_bytes(),
            self.owner.unwrap_or_default().as_bytes(),
            if app.trusted { b"reviewed" } else { b"" },
            self.request.target.uri.as_deref().unwrap_or_default().as_bytes(),
        ];
        for organization in self.organizations {
            parts.extend([organization.id.0.as_bytes(), organization.name.as_bytes()]);
        }
        let lines = visit.scope_lines(scopes);
        for line in &lines {
            parts.extend([line.title.as_bytes(), line.description.unwrap_or_default().as_bytes()]);
        }
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(context.finish().as_ref());
        fingerprint
    }
}

impl Shown {
    /// Reads what [`Question::encode`] wrote.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let (id, rest) = payload.split_first_chunk::<16>()?;
        let (fingerprint, rest) = rest.split_first_chunk::<32>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (scopes, query) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        Some(Self {
            id: GrantId(Uuid::from_bytes(*id)),
            scopes: Scopes::parse(std::str::from_utf8(scopes).ok()?).ok()?,
            query: String::from_utf8(query.to_vec()).ok()?,
            fingerprint: *fingerprint,
        })
    }

    /// Whether the page said what this question says, whose permissions are among those of the page.
    pub(super) fn covers(&self, visit: &Visit, question: &Question<'_>) -> bool {
        !question.request.scopes.is_empty() && self.fingerprint == question.fingerprint(visit, &self.scopes)
    }
}
