//! Scopes that a request names, within those that it may have (RFC 6749 §3.3).

use crate::directory::Client;
use crate::oauth::Refusal;
use crate::serve::hallpass::Hallpass;
use crate::tokens::sealed::LONGEST_SCOPES;
use hallpass_wire::Scopes;

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
/// [`Refusal::ScopesTooLong`].
pub fn fitting(scopes: Scopes) -> Result<Scopes, Refusal> {
    match scopes.text_length() {
        length if length > LONGEST_SCOPES => Err(Refusal::ScopesTooLong(length)),
        _ => Ok(scopes),
    }
}
