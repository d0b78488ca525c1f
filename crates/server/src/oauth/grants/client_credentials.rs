//! The client credentials grant (RFC 6749 §4.4): a token for the app itself, in the organization that owns it.

use super::issue;
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::oauth::grants::TokenRequest;
use crate::oauth::scopes::grantable_scopes;
use crate::random;
use crate::serve::hallpass::Hallpass;

/// Issues an access token to the authenticated client. Nothing is written, and there is no refresh token (RFC 6749 §4.4.3).
///
/// # Errors
/// Where the app is paused, or the scopes are not the client's to have.
pub(crate) fn issue(hallpass: &Hallpass, request: &TokenRequest<'_>) -> Result<Response, Refusal> {
    request.client.check_live()?;
    let scopes = grantable_scopes(hallpass, request.scopes(hallpass)?, request.client)?;
    Ok(issue::for_app(hallpass, request, scopes, random::bytes())?)
}
