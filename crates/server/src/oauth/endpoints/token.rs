//! The token endpoint (RFC 6749 §3.2).

use crate::audit::Who;
use crate::config::GrantType;
use crate::directory::Client;
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::oauth::clients::authenticate;
use crate::oauth::endpoints::FormRequest;
use crate::oauth::grants::{authorization_code, client_credentials, refresh_token};
use crate::serve::hallpass::Hallpass;
use crate::time::Instant;
use crate::tokens::sealed::LONGEST_SCOPES;
use hallpass_wire::{Parameters, Scopes};

/// A request whose client is authenticated and may use the grant type.
pub struct TokenRequest<'a> {
    /// The request.
    pub form: &'a FormRequest<'a>,
    /// The client.
    pub client: &'a Client,
    /// The body.
    pub body: &'a Parameters<'a>,
    /// The present moment.
    pub now: Instant,
}

/// Answers a token request.
pub async fn token(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Response {
    match answer(hallpass, request, now).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::info!(endpoint = "token", reason = refusal.word(), %refusal, "refused");
            hallpass.dialect.token_refusal(&refusal, request.scheme())
        }
    }
}

async fn answer(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Result<Response, Refusal> {
    let body = request.parameters()?;
    let name = body.get("grant_type").ok_or(Refusal::MissingParameter("grant_type"))?;
    let grant_type = GrantType::from_text(name).filter(|grant_type| hallpass.offers(*grant_type));
    // Only its beginning is told and logged: it may be a token that was pasted into the wrong field.
    let grant_type = grant_type.ok_or_else(|| Refusal::UnsupportedGrantType(name.chars().take(24).collect()))?;
    let client = authenticate(hallpass, request, &body, now).await?;
    if !client.may_use(grant_type) {
        client.check_live()?;
        return Err(Refusal::GrantTypeNotAllowed(grant_type.as_str()));
    }
    let request = TokenRequest {
        form: request,
        client: &client,
        body: &body,
        now,
    };
    match grant_type {
        // Boxed: their state is large, and each request copies what is not.
        GrantType::AuthorizationCode => Box::pin(authorization_code::redeem(hallpass, &request)).await,
        GrantType::RefreshToken => Box::pin(refresh_token::refresh(hallpass, &request)).await,
        GrantType::ClientCredentials => client_credentials::issue(hallpass, &request),
    }
}

impl TokenRequest<'_> {
    /// The app, for the audit log.
    #[must_use]
    pub fn who(&self, hallpass: &Hallpass) -> Who {
        self.form.who(hallpass, self.client)
    }

    /// The scopes that the request names; `None` where it names none.
    ///
    /// # Errors
    /// Where the parameter is no list of scopes, or names one that the catalogue does not have.
    pub fn scopes(&self, hallpass: &Hallpass) -> Result<Option<Scopes>, Refusal> {
        self.body
            .get("scope")
            .map(|text| known_scopes(hallpass, text))
            .transpose()
    }
}

/// Parses scopes that the catalogue has.
///
/// # Errors
/// Where the text is no list of scopes, or names another.
pub fn known_scopes(hallpass: &Hallpass, text: &str) -> Result<Scopes, Refusal> {
    let scopes = Scopes::parse(text).map_err(|_| Refusal::ScopeMalformed)?;
    match scopes.iter().find(|scope| !hallpass.config.scopes.contains_key(*scope)) {
        Some(unknown) => Err(Refusal::UnknownScope(unknown.clone())),
        None => Ok(scopes),
    }
}

/// The scopes asked for within those allowed; the defaults where none are asked for (RFC 6749 §3.3).
///
/// # Errors
/// Where the client may not have one of them, there is no default, or a token has no room for them.
pub fn grantable_scopes(hallpass: &Hallpass, asked: Option<Scopes>, client: &Client) -> Result<Scopes, Refusal> {
    if client.scopes.is_empty() {
        return Err(Refusal::ClientWithoutScopes);
    }
    let asked = match asked {
        // Before the app's own scopes: the answer speaks of the request alone.
        Some(asked) if !asked.is_empty() => fitting(asked)?,
        _ => {
            let defaults = hallpass.default_scopes(&client.scopes);
            return if defaults.is_empty() {
                Err(Refusal::ScopeMissing)
            } else {
                fitting(defaults)
            };
        }
    };
    match asked.iter().find(|scope| !client.scopes.contains(scope)) {
        Some(beyond) => Err(Refusal::ScopeBeyondClient(beyond.clone())),
        None => Ok(asked),
    }
}

/// The scopes, if an access token has room for them: a longer token could be neither used nor revoked.
///
/// # Errors
/// Where it has not.
pub fn fitting(scopes: Scopes) -> Result<Scopes, Refusal> {
    match scopes.text_length() {
        length if length > LONGEST_SCOPES => Err(Refusal::ScopesTooLong(length)),
        _ => Ok(scopes),
    }
}
