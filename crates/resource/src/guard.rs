//! What a route needs of its callers.

use crate::access::Access;
use crate::refused::{Refused, StepUp};
use crate::verifier::Verifier;
use hallpass_wire::Scopes;
use http::HeaderMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A tower layer that lets a caller through only if the token has what the route needs. It puts the [`Access`] into the
/// request's extensions as `Arc<Access>`.
///
/// Guards may stand inside each other: the token is checked once for each request.
#[derive(Clone, Debug)]
pub struct Guard {
    verifier: Verifier,
    needs: Arc<Needs>,
}

#[derive(Clone, Default, Debug)]
struct Needs {
    scopes: Scopes,
    audience: Option<String>,
    person: bool,
    step_up: StepUp,
}

/// Why a guard cannot be made.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum GuardError {
    /// The text is no list of scopes (RFC 6749 §3.3), or is empty.
    Scopes(String),
    /// The text is no list of authentication context classes, or is empty.
    AcrValues(String),
}

impl Verifier {
    /// A guard that needs a good token and nothing more. Add further needs with its methods.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard {
            verifier: self.clone(),
            needs: Arc::default(),
        }
    }
}

impl Guard {
    /// Needs all of these scopes, separated by spaces.
    ///
    /// # Errors
    /// [`GuardError::Scopes`].
    pub fn scopes(mut self, scopes: &str) -> Result<Self, GuardError> {
        let parsed = Scopes::parse(scopes).ok().filter(|scopes| !scopes.is_empty());
        self.needs().scopes = parsed.ok_or_else(|| GuardError::Scopes(scopes.to_owned()))?;
        Ok(self)
    }

    /// Needs a token for this audience, beyond those of the verifier: for an API whose parts have identifiers of their own (RFC
    /// 8707).
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.needs().audience = Some(audience.to_owned());
        self
    }

    /// Needs a token that acts for a person ([`Access::acts_for_person`]). A token of an app itself, or of an organization,
    /// gets 403.
    #[must_use]
    pub fn person(mut self) -> Self {
        self.needs().person = true;
        self
    }

    /// Needs one of these authentication context classes, separated by spaces, in the order of preference (RFC 9470 §3).
    /// A token without `acr` does not pass: Hallpass's tokens have none yet.
    ///
    /// # Errors
    /// [`GuardError::AcrValues`].
    pub fn acr_values(mut self, values: &str) -> Result<Self, GuardError> {
        // The characters of a scope are those that a quoted value of a challenge takes.
        let parsed = Scopes::parse(values).ok().filter(|values| !values.is_empty());
        let parsed = parsed.ok_or_else(|| GuardError::AcrValues(values.to_owned()))?;
        self.needs().step_up.acr_values = parsed.iter().map(ToString::to_string).collect();
        Ok(self)
    }

    /// Needs a sign-in that is at most this old (RFC 9470 §3). The verifier's leeway is added. A token
    /// without `auth_time` does not pass: Hallpass's tokens have none yet.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.needs().step_up.max_age = Some(age);
        self
    }

    /// Verifies the token of a request, and checks what the route needs: for a program that uses no layer.
    ///
    /// # Errors
    /// [`Refused`]. [`Verifier::answer`] renders it.
    pub async fn check(&self, headers: &HeaderMap) -> Result<Arc<Access>, Refused> {
        let access = self.verifier.verify_headers(headers).await?;
        self.admit(&access)?;
        Ok(access)
    }

    /// Checks that a verified token has what the route needs.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn admit(&self, access: &Access) -> Result<(), Refused> {
        let needs = &*self.needs;
        if let Some(audience) = &needs.audience {
            if !access.audiences().contains(audience) {
                return Err(Refused::Invalid(format!("it is not meant for {audience:?}")));
            }
        }
        if !needs.scopes.is_subset_of(access.scopes()) {
            return Err(Refused::Scopes(needs.scopes.clone()));
        }
        if needs.person && !access.acts_for_person() {
            return Err(Refused::NoPerson);
        }
        if self.is_strong_enough(access) {
            Ok(())
        } else {
            Err(Refused::StepUp(needs.step_up.clone()))
        }
    }

    /// A token that does not say how or when the person signed in does not pass.
    fn is_strong_enough(&self, access: &Access) -> bool {
        let StepUp { acr_values, max_age } = &self.needs.step_up;
        let strong = acr_values.is_empty() || access.acr().is_some_and(|acr| acr_values.iter().any(|one| one == acr));
        let Some(max_age) = max_age else { return strong };
        let upstream = self.verifier.upstream();
        let oldest = i64::try_from((*max_age + upstream.leeway).as_millis()).unwrap_or(i64::MAX);
        let age = |signed_in: i64| upstream.clock.now_ms().saturating_sub(signed_in);
        strong
            && access
                .signed_in_at_ms()
                .is_some_and(|signed_in| age(signed_in) <= oldest)
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    pub(crate) fn needed_scopes(&self) -> &Scopes {
        &self.needs.scopes
    }

    fn needs(&mut self) -> &mut Needs {
        Arc::make_mut(&mut self.needs)
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scopes(text) => write!(f, "{text:?} is no list of scopes"),
            Self::AcrValues(text) => write!(f, "{text:?} is no list of authentication context classes"),
        }
    }
}

impl std::error::Error for GuardError {}
