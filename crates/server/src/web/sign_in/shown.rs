//! What a consent page showed. It is sealed into the page's form, so that a person allows what they read and nothing else.
//!
//! Permissions that the app gained or lost since then are not granted. If anything else on the page has changed (the name of
//! the app, the target of the answer, the organizations), the person is asked again.

use crate::oauth::authorize::request::AuthorizationRequest;
use crate::store::model::{ActsAs, GrantId, Organization};
use crate::web::Visit;
use crate::web::view::Part;
use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass_wire::Scopes;
use std::sync::Arc;
use uuid::Uuid;

/// Everything that a consent page says about one request.
pub(in crate::web) struct Question<'a> {
    /// The request.
    pub(in crate::web) request: &'a AuthorizationRequest,
    /// The maker of the app.
    pub(in crate::web) owner: Option<&'a str>,
    /// The organizations to choose between.
    pub(in crate::web) organizations: &'a [Arc<Organization>],
}

/// The state that a page gave to its form.
pub(in crate::web) struct ShownConsent {
    /// The id of the future grant.
    pub(in crate::web) id: GrantId,
    /// The permissions on the page.
    pub(in crate::web) scopes: Scopes,
    /// The query of the authorization request.
    pub(in crate::web) query: String,
    print: [u8; 32],
}

/// The parts of the page.
const PARTS: [Part; 4] = [Part::App, Part::Target, Part::Organizations, Part::Permissions];
/// The number of bytes that are kept of the hash of a part. They only select a sentence.
const SHORT: usize = 6;

impl Question<'_> {
    /// Encodes the question as [`ShownConsent`] reads it. While servers are replaced, the version before reads and writes the same.
    pub(in crate::web) fn encode(&self, visit: &Visit, id: GrantId, query: &str) -> Vec<u8> {
        let scopes = self.request.scopes.to_string();
        let length = u32::try_from(scopes.len()).unwrap_or(u32::MAX);
        [
            id.0.as_bytes(),
            &print(&self.texts(visit, &self.request.scopes).concat())[..],
            &length.to_be_bytes(),
            scopes.as_bytes(),
            query.as_bytes(),
        ]
        .concat()
    }

    /// A short hash of each part, which travels beside the sealed state. It says which part changed, and decides nothing.
    pub(in crate::web) fn parts(&self, visit: &Visit) -> String {
        URL_SAFE_NO_PAD.encode(self.short_prints(visit, &self.request.scopes).as_flattened())
    }

    fn short_prints(&self, visit: &Visit, scopes: &Scopes) -> [[u8; SHORT]; 4] {
        self.texts(visit, scopes).map(|texts| {
            let mut short = [0; SHORT];
            short.copy_from_slice(&print(&texts)[..SHORT]);
            short
        })
    }

    /// The text of each part, in the order of [`PARTS`].
    fn texts<'a>(&'a self, visit: &'a Visit, scopes: &Scopes) -> [Vec<&'a [u8]>; 4] {
        let app = &self.request.client.app;
        let reviewed: &[u8] = if app.trusted { b"reviewed" } else { b"" };
        let owner = self.owner.unwrap_or_default().as_bytes();
        let target = self.request.target.uri.as_deref().unwrap_or_default().as_bytes();
        let organizations = self.organizations.iter();
        let organizations = organizations.flat_map(|one| [one.id.0.as_bytes().as_slice(), one.name.as_bytes()]);
        let lines = visit.scope_lines(scopes).into_iter();
        let lines = lines.flat_map(|line| [line.title.as_bytes(), line.description.unwrap_or_default().as_bytes()]);
        let mut of_app: Vec<&[u8]> = vec![app.id.0.as_bytes(), app.name.as_bytes(), owner, reviewed];
        // The version before knows no such apps, and its pages of others must stay valid here.
        if app.acts_as == ActsAs::Organization {
            of_app.push(app.acts_as.as_str().as_bytes());
        }
        [of_app, vec![target], organizations.collect(), lines.collect()]
    }
}

fn print(texts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text);
    }
    let mut print = [0; 32];
    print.copy_from_slice(context.finish().as_ref());
    print
}

impl ShownConsent {
    /// Reads what [`Question::encode`] wrote.
    pub(in crate::web) fn decode(payload: &[u8]) -> Option<Self> {
        let (id, rest) = payload.split_first_chunk::<16>()?;
        let (print, rest) = rest.split_first_chunk::<32>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (scopes, query) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        Some(Self {
            id: GrantId(Uuid::from_bytes(*id)),
            scopes: Scopes::parse(std::str::from_utf8(scopes).ok()?).ok()?,
            query: String::from_utf8(query.to_vec()).ok()?,
            print: *print,
        })
    }

    /// The parts of the page that have changed. `None` if nothing has changed. The list is empty if `parts`, as
    /// [`Question::parts`] wrote it, is absent or damaged. The question's permissions are among those of the page.
    pub(in crate::web) fn changed(
        &self,
        visit: &Visit,
        question: &Question<'_>,
        parts: Option<&str>,
    ) -> Option<Vec<Part>> {
        let none_left = question.request.scopes.is_empty();
        if !none_left && self.print == print(&question.texts(visit, &self.scopes).concat()) {
            return None;
        }
        let now = question.short_prints(visit, &self.scopes);
        let shown = parts.and_then(read_parts).unwrap_or(now);
        let parts = PARTS.into_iter().zip(shown.iter().zip(now));
        Some(
            parts
                .filter(|(part, (shown, now))| *shown != now || (none_left && *part == Part::Permissions))
                .map(|(part, _)| part)
                .collect(),
        )
    }
}

fn read_parts(text: &str) -> Option<[[u8; SHORT]; 4]> {
    let mut bytes = [0; 4 * SHORT];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    let (parts, _) = bytes.as_chunks::<SHORT>();
    parts.try_into().ok().filter(|_| length == bytes.len())
}
