//! One file for each grant type, and what they share.

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod copied_device;
pub(crate) mod issue;
mod narrow;
pub(crate) mod refresh_token;
pub(crate) mod room;

use crate::audit::Who;
use crate::config::GrantType;
use crate::directory::Client;
use crate::http::respond::Response;
use crate::oauth::endpoints::FormRequest;
use crate::oauth::refusal::Refusal;
use crate::oauth::scopes::{ScopeReason, known_scopes};
use crate::serve::hallpass::Hallpass;
use crate::time::Instant;
use hallpass_wire::{Parameters, Scopes};

/// A request whose client is authenticated and may use the grant type.
pub(crate) struct TokenRequest<'a> {
    /// The request.
    pub form: &'a FormRequest<'a>,
    /// The client.
    pub client: &'a Client,
    /// The body.
    pub body: &'a Parameters<'a>,
    /// The present moment.
    pub now: Instant,
}

/// Answers a request of this grant type.
///
/// # Errors
/// Why it is refused.
pub(crate) async fn handle(
    hallpass: &Hallpass,
    grant_type: GrantType,
    request: &TokenRequest<'_>,
) -> Result<Response, Refusal> {
    match grant_type {
        // Boxed, because their state is large, and each request copies the state of this future.
        GrantType::AuthorizationCode => Box::pin(authorization_code::redeem(hallpass, request)).await,
        GrantType::RefreshToken => Box::pin(refresh_token::refresh(hallpass, request)).await,
        GrantType::ClientCredentials => client_credentials::issue(hallpass, request),
    }
}

/// The parameters of a grant type, besides `grant_type` and those of client authentication, for the OpenAPI document.
#[must_use]
pub(crate) fn parameters(grant_type: GrantType) -> &'static [&'static str] {
    match grant_type {
        GrantType::AuthorizationCode => &["code", "redirect_uri", "code_verifier"],
        GrantType::RefreshToken => &["refresh_token", "scope"],
        GrantType::ClientCredentials => &["scope"],
    }
}

impl TokenRequest<'_> {
    /// The app, for the audit log.
    #[must_use]
    pub(crate) fn who(&self, hallpass: &Hallpass) -> Who {
        self.form.who(hallpass, self.client)
    }

    /// The scopes that the request names; `None` where it names none.
    ///
    /// # Errors
    /// Where the parameter is no list of scopes, or names one that the catalogue does not have.
    pub(crate) fn scopes(&self, hallpass: &Hallpass) -> Result<Option<Scopes>, ScopeReason> {
        self.body
            .get("scope")
            .map(|text| known_scopes(hallpass, text))
            .transpose()
    }
}
