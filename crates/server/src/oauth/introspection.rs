//! Introspection (RFC 7662). An app sees its own tokens; an API sees the access tokens that are meant for it, with the
//! organization and the environment, so that one tenant's token never opens another.

use super::access::{self, Access};
use super::client_authentication::{Caller, authenticate_caller};
use super::{FormRequest, Refusal};
use crate::app::Hallpass;
use crate::dialect::{Introspection, Tenant};
use crate::directory::Client;
use crate::respond::Response;
use crate::store::model::{Resource, State};
use crate::time::Instant;
use crate::tokens::proofs::{Kind, Proof};

/// Answers an introspection request.
pub async fn introspect(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Response {
    match answer(hallpass, request, now).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::info!(endpoint = "introspection", reason = refusal.word(), %refusal, "refused");
            hallpass.dialect.introspection_refusal(&refusal, request.scheme())
        }
    }
}

async fn answer(hallpass: &Hallpass, request: &FormRequest<'_>, now: Instant) -> Result<Response, Refusal> {
    let body = request.parameters()?;
    let caller = authenticate_caller(hallpass, request, &body, now).await?;
    let token = body.get("token").ok_or(Refusal::MissingParameter("token"))?;
    if token.starts_with(Kind::RefreshToken.prefix()) {
        return match caller {
            Caller::Client(client) => refresh_token(hallpass, &client, token, now).await,
            Caller::Resource(_) => Ok(hallpass.dialect.introspection(None)),
        };
    }
    match access::check(hallpass, token, now).await {
        Ok(access) => Ok(access_token(hallpass, &caller, &access).await?),
        Err(Refusal::Unavailable) => Err(Refusal::Unavailable),
        Err(Refusal::Internal) => Err(Refusal::Internal),
        Err(_) => Ok(hallpass.dialect.introspection(None)),
    }
}

async fn access_token(hallpass: &Hallpass, caller: &Caller, access: &Access) -> Result<Response, Refusal> {
    match caller {
        Caller::Client(client) if client.app.id != access.claims.app => Ok(hallpass.dialect.introspection(None)),
        Caller::Client(_) => Ok(hallpass.dialect.introspection(Some(&described(hallpass, access)))),
        Caller::Resource(resource) => to_resource(hallpass, resource, access).await,
    }
}

/// An API is told of the scopes that are its own; a token without any of them is not meant for it.
async fn to_resource(hallpass: &Hallpass, resource: &Resource, access: &Access) -> Result<Response, Refusal> {
    let scopes = match &resource.scopes {
        Some(own) => access.claims.scopes.intersection(own),
        None => access.claims.scopes.clone(),
    };
    if scopes.is_empty() && !access.claims.scopes.is_empty() {
        return Ok(hallpass.dialect.introspection(None));
    }
    let organization = hallpass
        .organization(access.claims.organization)
        .await?
        .ok_or(Refusal::Internal)?;
    let tenant = Tenant {
        organization: &organization.slug,
        environment: organization.kind.as_str(),
        audience: &resource.identifier,
    };
    let described = Introspection {
        scopes: &scopes,
        tenant: Some(tenant),
        ..described(hallpass, access)
    };
    Ok(hallpass.dialect.introspection(Some(&described)))
}

fn described<'a>(hallpass: &'a Hallpass, access: &'a Access) -> Introspection<'a> {
    Introspection {
        scopes: &access.claims.scopes,
        client_id: &access.client.app.client_id,
        username: access.user.as_ref().map(|user| user.label()),
        subject: access.user.as_ref().map(|user| user.subject()),
        issued_at: access.claims.issued_at,
        expires: Some(access.claims.expires),
        token_type: Some("Bearer"),
        issuer: &hallpass.issuer,
        tenant: None,
    }
}

/// A refresh token is active for the app that holds it while it is the one to use next.
async fn refresh_token(hallpass: &Hallpass, client: &Client, token: &str, now: Instant) -> Result<Response, Refusal> {
    let inactive = || Ok(hallpass.dialect.introspection(None));
    let Some(proof) = Proof::parse(Kind::RefreshToken, token) else {
        return inactive();
    };
    let Some(grant) = hallpass.proven(&proof, now).await? else {
        return inactive();
    };
    let current = grant.state == State::Active && grant.generation == proof.generation;
    let over = [grant.expires, grant.ends].into_iter().flatten().any(|end| now >= end);
    if !current || over || grant.app != client.app.id {
        return inactive();
    }
    hallpass.store.touch(grant.id, grant.generation, now);
    let Some(user) = hallpass.user(grant.user).await? else {
        return inactive();
    };
    if hallpass.pause(&user, grant.organization, client).await?.is_some() {
        return inactive();
    }
    Ok(hallpass.dialect.introspection(Some(&Introspection {
        scopes: &grant.scopes,
        client_id: &client.app.client_id,
        username: Some(user.label()),
        subject: Some(user.subject()),
        issued_at: grant.rotated_at,
        expires: grant.expires,
        token_type: None,
        issuer: &hallpass.issuer,
        tenant: None,
    })))
}
