//! `/handover/people/{subject}/grants`: the apps that a person connected, for a page of the site.

use super::endpoint::read;
use super::failure::Failure;
use super::json::Json;
use super::members::Members;
use super::person::{AboutPerson, Call, Named, found, id_of, part};
use crate::config::GrantType;
use crate::directory::Client;
use crate::http::paging::{List, PageQuery};
use crate::http::query;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::grants::issue::rotates;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{EndReason, Grant, GrantId, GrantState, User};
use crate::time::Instant;
use crate::web::view::Locale;
use axum::body::Body;
use axum::extract::State;
use hallpass_wire::{Scope, Scopes};
use http::Request;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// `GET /handover/people/{subject}/grants`: the newest first.
pub(super) async fn list(about: AboutPerson) -> Result<Response, Failure> {
    let AboutPerson {
        hallpass,
        parts,
        now,
        user,
        ..
    } = about;
    let query: PageQuery =
        query::read(parts.uri.query()).map_err(|fault| Failure::member("limit", fault.to_string()))?;
    let list = List::of("site-grants", user.id);
    let after = list.key(query.after.as_ref());
    let after = after.map_err(|fault| Failure::member("after", fault.to_string()))?;
    let locale = locale(&parts);
    let page = hallpass
        .store
        .grants_of(user.id, after.map(GrantId), query.limit.get(), now)
        .await?;
    let next = page.next.map(|key| list.cursor(key));
    let mut grants = Vec::with_capacity(page.items.len());
    for grant in page.items {
        grants.extend(view(&hallpass, &user, &grant, locale).await?);
    }
    let body = json!({ "grants": grants, "next": next });
    Ok(respond::json(200, body.to_string()))
}

/// `PATCH /handover/people/{subject}/grants/{id}`: leaves a grant fewer scopes.
pub(super) async fn narrow(
    State(hallpass): State<Arc<Hallpass>>,
    named: Named<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let Call { parts, body, who, .. } = Call::of(&hallpass, request)?;
    let body = read(&hallpass, &parts, body).await?;
    let mut members = Members::parse(&body)?;
    let scopes = scopes(&mut members)?;
    members.finish()?;
    let (subject, id) = part(named)?;
    let user = found(&hallpass, &subject).await?;
    let mut grant = one(&hallpass, &user, &id).await?;
    if is_over(&hallpass, &grant, hallpass.now()) {
        return Err(no_grant());
    }
    if let Some(beyond) = scopes.iter().find(|scope| !grant.scopes.contains(scope)) {
        let text = format!("the grant does not have {beyond}: scopes can only be taken away");
        return Err(Failure::member("scopes", text));
    }
    // In the order of the grant.
    let scopes = grant.scopes.intersection(&scopes);
    if scopes != grant.scopes {
        hallpass.leave_only(&who, &grant, &scopes).await?;
        grant.scopes = scopes;
    }
    let shown = view(&hallpass, &user, &grant, locale(&parts)).await?;
    let shown = shown.ok_or_else(no_grant)?;
    Ok(respond::json(200, shown.to_string()))
}

/// `DELETE /handover/people/{subject}/grants/{id}`.
pub(super) async fn end(
    State(hallpass): State<Arc<Hallpass>>,
    named: Named<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let Call { who, now, .. } = Call::of(&hallpass, request)?;
    let (subject, id) = part(named)?;
    let user = found(&hallpass, &subject).await?;
    let grant = one(&hallpass, &user, &id).await?;
    let reason = EndReason::ByPerson;
    let store = hallpass.store.recording(who.ended(reason, now));
    store.end(grant.id, reason, now).await?;
    Ok(respond::empty(204))
}

/// A grant of this person, also one that has ended.
async fn one(hallpass: &Hallpass, user: &User, id: &str) -> Result<Grant, Failure> {
    let id = Uuid::try_parse(id).map_err(|_| no_grant())?;
    let grant = hallpass.store.grant_of_user(user.id, GrantId(id)).await?;
    grant.ok_or_else(no_grant)
}

fn no_grant() -> Failure {
    Failure::not_found("this person has no such grant")
}

/// Whether it can give no token any more.
fn is_over(hallpass: &Hallpass, grant: &Grant, now: Instant) -> bool {
    let code = Some(grant.code_expires).filter(|_| grant.state == GrantState::Pending);
    let mut bounds = [code, grant.expires, grant.ends].into_iter().flatten();
    grant.state == GrantState::Ended || bounds.any(|bound| bound <= now) || hallpass.keys.ring().is_revoked(grant.key)
}

/// The scopes that a grant is to have.
fn scopes(members: &mut Members) -> Result<Scopes, Failure> {
    let Some(Json::List(names)) = members.take("scopes").flatten() else {
        return Err(members.wrong("scopes", "expected a list of the scopes that stay"));
    };
    let scopes = names.iter().map(|name| Scope::parse(name.as_text()?).ok());
    let scopes: Option<Scopes> = scopes.collect();
    match scopes {
        Some(scopes) if scopes.is_empty() => {
            Err(members.wrong("scopes", "expected at least one: DELETE ends the grant"))
        }
        Some(scopes) => Ok(scopes),
        None => Err(members.wrong("scopes", "expected a list of scopes (RFC 6749 §3.3)")),
    }
}

/// The language that the site asks for.
pub(super) fn locale(parts: &Parts) -> Locale {
    let accepted = parts.headers.get(ACCEPT_LANGUAGE);
    Locale::negotiate(None, accepted.and_then(|value| value.to_str().ok()))
}

/// A grant as the site sees it. `None`: its app was deleted a moment ago.
pub(super) async fn view(
    hallpass: &Hallpass,
    user: &User,
    grant: &Grant,
    locale: Locale,
) -> Result<Option<Value>, StoreError> {
    let Some(client) = hallpass.directory.client_by_id(grant.app).await? else {
        return Ok(None);
    };
    let organization = hallpass.directory.organization(grant.organization).await?;
    let organization = organization.filter(|organization| !organization.hidden);
    let publisher = hallpass.directory.publisher(&client).await?;
    let app = &client.app;
    let used = grant
        .last_used
        .max(Some(grant.rotated_at).filter(|_| grant.generation > 0));
    Ok(Some(json!({
        "id": grant.id,
        "app": {
            "client_id": app.client_id,
            "name": app.name,
            "uri": null,
            "logo_uri": null,
            "publisher": publisher,
            "reviewed": app.trusted,
        },
        "organization": organization.map(|one| json!({ "id": id_of(&one), "name": one.name })),
        "scopes": scope_lines(hallpass, &grant.scopes, locale),
        "state": state(hallpass, user, grant, &client).await?,
        "since": grant.created.rfc3339(),
        "last_used": used.map(Instant::rfc3339),
        "ends_at": ends_at(hallpass, grant, &client).map(Instant::rfc3339),
    })))
}

/// A scope that left the configuration has no other title than its name.
fn scope_lines(hallpass: &Hallpass, scopes: &Scopes, locale: Locale) -> Value {
    let lines = scopes.iter().map(|scope| {
        let entry = hallpass.config.scopes.get(scope);
        let title = entry.map_or(scope.as_str(), |entry| entry.title.get(locale.tag()));
        let description = entry.and_then(|entry| entry.description.as_ref());
        let description = description.map(|text| text.get(locale.tag()));
        json!({ "name": scope.as_str(), "title": title, "description": description })
    });
    lines.collect()
}

async fn state(hallpass: &Hallpass, user: &User, grant: &Grant, client: &Client) -> Result<&'static str, StoreError> {
    if grant.state == GrantState::Ended && grant.unknown.is_none() {
        return Ok("ended");
    }
    if grant.unknown.is_some() || hallpass.pause(user, grant.organization, client).await?.is_some() {
        return Ok("paused");
    }
    Ok(match grant.state {
        GrantState::Pending => "pending",
        _ => "active",
    })
}

/// When the access ends even if the app uses it: a refresh token that rotates is good for longer at each use.
fn ends_at(hallpass: &Hallpass, grant: &Grant, client: &Client) -> Option<Instant> {
    let moves = client.may_use(GrantType::RefreshToken) && rotates(hallpass, client);
    let bounds = [grant.ends, grant.expires.filter(|_| !moves)];
    bounds.into_iter().flatten().min()
}
