//! The token endpoint (RFC 6749 §3.2).

use crate::config::GrantType;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::clients::authenticate;
use crate::oauth::endpoints::FormRequest;
use crate::oauth::grants::{self, TokenRequest};
use crate::oauth::refusal::{Reason, Refusal, RequestReason};
use crate::serve::hallpass::Hallpass;
use crate::time::Instant;
use hallpass_wire::PublicError;
use hallpass_wire::public_error::GrantTypeFault;

/// Why the grant type is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenReason {
    /// The preset does not offer this grant type.
    #[error("the grant type {0:?} is not offered")]
    UnsupportedGrantType(String),
    /// The app may not use this grant type.
    #[error("this app may not use the grant type {0}")]
    GrantTypeNotAllowed(&'static str),
}

impl Reason for TokenReason {
    fn word(&self) -> &'static str {
        match self {
            Self::UnsupportedGrantType(_) => "unsupported_grant_type",
            Self::GrantTypeNotAllowed(_) => "grant_type_not_allowed",
        }
    }

    fn public(&self) -> PublicError {
        PublicError::GrantType(match self {
            Self::UnsupportedGrantType(name) => GrantTypeFault::NotOffered(name.clone()),
            Self::GrantTypeNotAllowed(name) => GrantTypeFault::NotAllowed(name),
        })
    }
}

/// Answers a token request.
pub async fn token(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Response {
    match handle(hallpass, request, now).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::info!(endpoint = "token", reason = refusal.word(), %refusal, "refused");
            respond::rendered(hallpass.dialect.token_refusal(&refusal.public(), request.scheme()))
        }
    }
}

async fn handle(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Result<Response, Refusal> {
    let body = request.parameters()?;
    let name = body
        .get("grant_type")
        .ok_or(RequestReason::MissingParameter("grant_type"))?;
    let grant_type = GrantType::from_text(name).filter(|grant_type| hallpass.offers(*grant_type));
    // Only its beginning is sent back and logged: it may be a token that was pasted into the wrong field.
    let grant_type = grant_type.ok_or_else(|| TokenReason::UnsupportedGrantType(name.chars().take(24).collect()))?;
    let client = authenticate(hallpass, request, &body, now).await?;
    if !client.may_use(grant_type) {
        client.check_live()?;
        return Err(TokenReason::GrantTypeNotAllowed(grant_type.as_str()).into());
    }
    let request = TokenRequest {
        form: request,
        client: &client,
        body: &body,
        now,
    };
    grants::handle(hallpass, grant_type, &request).await
}
