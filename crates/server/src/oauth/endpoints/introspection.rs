//! Introspection (RFC 7662). An app sees its own tokens; an API sees the access tokens that are meant for it, with the
//! organization and the environment, so that one tenant's token never opens another.

use crate::directory::Client;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::access;
use crate::oauth::access::{Access, AccessReason, Subject};
use crate::oauth::clients::{Caller, authenticate_caller};
use crate::oauth::endpoints::FormRequest;
use crate::oauth::endpoints::kept_answer::{self, Follower};
use crate::oauth::grants::issue;
use crate::oauth::refusal::{Refusal, RequestReason, ServerReason};
use crate::serve::hallpass::Hallpass;
use crate::store::model::{ActsAs, GrantState, OrganizationId, Resource, User};
use crate::time::Instant;
use crate::tokens::claims::Claims;
use crate::tokens::proofs::{Proof, ProofKind};
use hallpass_dialect::{Introspection, SetUpBy, Tenant};
use hallpass_wire::Scopes;
use http::{HeaderName, HeaderValue};
use std::sync::Arc;

/// In a request: the API asks why a token is not active. In the answer: the reason.
const INACTIVE: HeaderName = HeaderName::from_static("hallpass-inactive");

/// Answers an introspection request.
pub async fn introspect(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Response {
    match handle(hallpass, request, now).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::info!(endpoint = "introspection", reason = refusal.word(), %refusal, "refused");
            respond::rendered(
                hallpass
                    .dialect
                    .introspection_refusal(&refusal.public(), request.scheme()),
            )
        }
    }
}

async fn handle(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Result<Response, Refusal> {
    let body = request.parameters()?;
    // The caller's row counts too: another server may narrow the resource while its secret is checked.
    let position = kept_answer::position(hallpass, request.headers);
    let caller = authenticate_caller(hallpass, request, &body, now).await?;
    let token = body.get("token").ok_or(RequestReason::MissingParameter("token"))?;
    if token.starts_with(ProofKind::RefreshToken.prefix()) {
        return match caller {
            Caller::Client(client) => refresh_token(hallpass, &client, token, now).await,
            Caller::Resource(_) => Ok(inactive(hallpass)),
        };
    }
    let follower = Follower::of(hallpass, &caller, position);
    match access_token(hallpass, &caller, token, follower.as_deref(), now).await {
        Ok(told) => Ok(told),
        Err(AccessReason::TokenExpired) => Ok(expired(hallpass, request, &caller, token, now).await),
        Err(AccessReason::Server(reason)) => Err(reason.into()),
        Err(_) => Ok(inactive(hallpass)),
    }
}

async fn access_token(
    hallpass: &Hallpass,
    caller: &Caller,
    token: &str,
    follower: Option<&Follower>,
    now: Instant,
) -> Result<Response, AccessReason> {
    let claims = access::living(hallpass, token, now).await?;
    // Only if the caller may know the token: a request by a stranger is not a use of it.
    let scopes = told_scopes(caller, &claims).ok_or(AccessReason::InvalidToken)?;
    access::see(hallpass, &claims, now);
    let access = access::allowed(hallpass, claims, now).await?;
    match caller {
        Caller::Client(_) => {
            let set_up_by = set_up_by(hallpass, &access).await?;
            Ok(active(hallpass, &described(hallpass, &access, set_up_by.as_deref())))
        }
        Caller::Resource(resource) => {
            let mut response = to_resource(hallpass, resource, &scopes, &access).await?;
            if let Some(follower) = follower {
                follower.mark(&mut response, token, &access);
            }
            Ok(response)
        }
    }
}

/// The answer about an expired token. An API that asks for the reason learns it, if the token was meant for it (decision 95).
async fn expired(
    hallpass: &Hallpass,
    request: &FormRequest<'_>,
    caller: &Caller,
    token: &str,
    now: Instant,
) -> Response {
    let mut response = inactive(hallpass);
    let asks = request.headers.get(INACTIVE).is_some_and(|value| value == "1");
    if let (Caller::Resource(_), true) = (caller, asks) {
        // Its key may have been revoked since the token was judged.
        let claims = access::open(hallpass, token, now).await.ok();
        if claims.is_some_and(|claims| told_scopes(caller, &claims).is_some()) {
            let headers = response.headers_mut();
            headers.insert(INACTIVE, HeaderValue::from_static("expired"));
        }
    }
    response
}

/// The scopes for the caller. `None` if the token belongs to another app, or is not meant for this API. An API gets only its own
/// scopes, and a token without any of them is not meant for it.
fn told_scopes(caller: &Caller, claims: &Claims) -> Option<Scopes> {
    match caller {
        Caller::Client(client) => (client.app.id == claims.app).then(|| claims.scopes.clone()),
        Caller::Resource(resource) => {
            let scopes = match &resource.scopes {
                Some(own) => claims.scopes.intersection(own),
                None => claims.scopes.clone(),
            };
            (!scopes.is_empty()).then_some(scopes)
        }
    }
}

async fn to_resource(
    hallpass: &Hallpass,
    resource: &Resource,
    scopes: &Scopes,
    access: &Access,
) -> Result<Response, AccessReason> {
    let organization = hallpass
        .directory
        .organization(access.claims.organization)
        .await?
        .ok_or(ServerReason::Internal)?;
    let tenant = Tenant {
        organization: organization.external_id.as_ref().unwrap_or(&organization.slug),
        environment: organization.kind.as_str(),
        audience: &resource.identifier,
    };
    let set_up_by = set_up_by(hallpass, access).await?;
    let described = Introspection {
        scopes,
        tenant: Some(tenant),
        ..described(hallpass, access, set_up_by.as_deref())
    };
    Ok(active(hallpass, &described))
}

fn active(hallpass: &Hallpass, token: &Introspection<'_>) -> Response {
    respond::rendered(hallpass.dialect.introspection(Some(token)))
}

fn inactive(hallpass: &Hallpass) -> Response {
    respond::rendered(hallpass.dialect.introspection(None))
}

/// Who set up the organization's grant that a token comes from. `None`: it comes from no such grant, or the person was deleted.
async fn set_up_by(hallpass: &Hallpass, access: &Access) -> Result<Option<Arc<User>>, AccessReason> {
    match access.subject {
        Subject::Organization(user) => Ok(Box::pin(hallpass.directory.user(user)).await?),
        Subject::App | Subject::Person(_) => Ok(None),
    }
}

fn described<'a>(hallpass: &'a Hallpass, access: &'a Access, set_up_by: Option<&'a User>) -> Introspection<'a> {
    let (username, subject) = match &access.subject {
        Subject::App => (None, None),
        Subject::Person(user) => (Some(user.label()), Some(user.subject())),
        Subject::Organization(_) => (None, Some(subject_of(access.claims.organization))),
    };
    Introspection {
        scopes: &access.claims.scopes,
        client_id: &access.client.app.client_id,
        username,
        subject,
        set_up_by: set_up_by.map(described_person),
        issued_at: access.claims.issued_at.seconds(),
        expires: Some(access.claims.expires.seconds()),
        token_type: Some("Bearer"),
        issuer: &hallpass.issuer,
        tenant: None,
    }
}

/// The subject of an organization's own grants (decision 83).
fn subject_of(organization: OrganizationId) -> String {
    format!("org_{organization}")
}

fn described_person(user: &User) -> SetUpBy<'_> {
    SetUpBy {
        username: user.label(),
        subject: user.subject(),
    }
}

/// Whether a refresh token is active: for the app that holds it, as long as it is the current one.
async fn refresh_token(hallpass: &Hallpass, client: &Client, token: &str, now: Instant) -> Result<Response, Refusal> {
    let inactive = || Ok(inactive(hallpass));
    let Some(proof) = Proof::parse(ProofKind::RefreshToken, token) else {
        return inactive();
    };
    let Some(grant) = hallpass.proven(&proof, now).await? else {
        return inactive();
    };
    let current = grant.state == GrantState::Active && grant.unknown.is_none() && grant.generation == proof.generation;
    let over = [grant.expires, grant.ends].into_iter().flatten().any(|end| now >= end);
    if !current || over || grant.app != client.app.id {
        return inactive();
    }
    // Only a refresh uses a refresh token that does not rotate. Introspection must not extend its life
    // (draft-ietf-oauth-refresh-token-expiration-03 §7).
    if issue::rotates(hallpass, client) {
        hallpass.store.touch(grant.id, grant.generation, now);
    }
    let found = hallpass.directory.user(grant.user).await?;
    let pause = match (grant.acts_as, &found) {
        (ActsAs::Person, None) => return inactive(),
        (ActsAs::Person, Some(user)) => hallpass.pause(user, grant.organization, client).await?,
        (ActsAs::Organization, _) => Box::pin(hallpass.pause_of_organization(grant.organization, client, now)).await?,
    };
    if pause.is_some() {
        return inactive();
    }
    let (owner, set_up_by) = match grant.acts_as {
        ActsAs::Person => (found.as_deref(), None),
        ActsAs::Organization => (None, found.as_deref()),
    };
    let described = Introspection {
        scopes: &grant.scopes,
        client_id: &client.app.client_id,
        username: owner.map(User::label),
        subject: Some(owner.map_or_else(|| subject_of(grant.organization), User::subject)),
        set_up_by: set_up_by.map(described_person),
        issued_at: grant.rotated_at.seconds(),
        expires: grant.expires.map(Instant::seconds),
        token_type: None,
        issuer: &hallpass.issuer,
        tenant: None,
    };
    Ok(active(hallpass, &described))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::model::AppId;
    use uuid::Uuid;

    #[test]
    fn a_token_without_scopes_is_meant_for_no_api() {
        let claims = |scopes: &str| Claims {
            serial: [0; 16],
            grant: None,
            app: AppId(Uuid::nil()),
            organization: OrganizationId(Uuid::nil()),
            scopes: Scopes::parse(scopes).unwrap_or_default(),
            issued_at: Instant(0),
            expires: Instant(1),
        };
        for own in [None, Scopes::parse("read").ok()] {
            let caller = Caller::Resource(Arc::new(Resource {
                identifier: "https://api.example".to_owned(),
                name: "The API".to_owned(),
                secret: None,
                scopes: own,
                created: Instant(0),
            }));
            assert!(told_scopes(&caller, &claims("read")).is_some());
            assert_eq!(told_scopes(&caller, &claims("")), None);
        }
    }
}
