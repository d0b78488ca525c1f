//! Changing an app: its name, redirect URIs and scopes. Fields and rules are the same as at registration.

use super::apps::{of_developer, place_of};
use super::fields::{self, Faults, Typed, kept};
use crate::apps::registration;
use crate::directory::Client;
use crate::http::respond::Response;
use crate::store::StoreError;
use crate::store::model::{App, AppUpdate, AuditAction, AuditEvent, Status, User};
use crate::web::allowance::{self, wait_for};
use crate::web::sign_in::prompt;
use crate::web::state::Purpose;
use crate::web::view::{AppChange, ErrorKind, Notice};
use crate::web::{Form, Kept, Post, SignedIn, Visit};
use hallpass_wire::Scope;
use std::sync::Arc;

/// Whether a place below the public address is the form of an app.
#[must_use]
pub(crate) fn is_place(place: &str) -> bool {
    let app = place.strip_prefix("/developer/apps/");
    app.is_some_and(|rest| rest.ends_with("/change"))
}

/// `GET /developer/apps/{client_id}/change`.
pub(crate) async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let app = of_person(&visit, &user).await?;
    let typed = Typed::of_app(&app);
    Ok(show(&visit, 200, &app, &typed, &Faults::default()))
}

/// `POST /developer/apps/{client_id}/change`.
pub(crate) async fn change(Post { mut visit, form }: Post) -> Result<Response, Response> {
    let opened = visit.open_returned(Purpose::ChangeApp, &form);
    let Some(user) = visit.user.clone() else {
        let kept = Kept::of(opened.as_ref(), &form, &fields::FIELDS);
        let place = format!("{}/change", place_of(&visit));
        return Ok(prompt::interrupted(&visit, &place, None, kept));
    };
    let app = of_person(&visit, &user).await?;
    let typed = Typed::of(&form);
    let of_app = |payload: &[u8]| payload == app.id.0.as_bytes();
    if !opened
        .as_ref()
        .is_some_and(|opened| opened.fits && of_app(&opened.payload))
    {
        visit.notice = Some(if opened.is_some() {
            kept(&form)
        } else {
            Notice::Unreadable
        });
        return Err(show(&visit, 400, &app, &typed, &Faults::default()));
    }
    let update = judge(&visit, &user, &app, &typed).map_err(|faults| show(&visit, 400, &app, &typed, &faults))?;
    let event = visit.who(&user).did(AuditAction::AppChanged, visit.now);
    let done = visit.address(&format!("{}?done=changed", place_of(&visit)));
    let Some(event) = event.app(&app).change(&app, &update).if_different() else {
        return Ok(visit.go(&done));
    };
    if let Err(wait) = allowance::count(&visit, &user) {
        visit.notice = Some(Notice::TooManyChanges);
        return Err(wait_for(show(&visit, 429, &app, &typed, &Faults::default()), wait));
    }
    save(&visit, &app, update, event)
        .await?
        .map_err(|faults| show(&visit, 400, &app, &typed, &faults))?;
    Ok(visit.go(&done))
}

/// The form with the text that was typed before the person signed in. Nothing was changed.
///
/// # Errors
/// The answer to give instead.
pub(crate) async fn again(mut visit: Visit, user: Arc<User>, form: &Form) -> Result<Response, Response> {
    visit.notice = Some(kept(form));
    let visit = visit.with_navigation().await?;
    let app = of_person(&visit, &user).await?;
    Ok(show(&visit, 200, &app, &Typed::of(form), &Faults::default()))
}

/// The app that the address names, if this person may change it, as the database has it now.
async fn of_person(visit: &Visit, user: &User) -> Result<App, Response> {
    let client = active(visit, user).await?;
    let app = visit.hallpass.store.app(client.app.id).await;
    let app = app.map_err(|error| visit.failed(error))?;
    app.ok_or_else(|| visit.error(404, ErrorKind::NotFound))
}

/// The app that the address names, if this person may change it. Apps of a suspended organization cannot be changed.
pub(super) async fn active(visit: &Visit, user: &User) -> Result<Arc<Client>, Response> {
    let client = of_developer(visit, user).await?;
    if client.organization.status == Status::Active {
        Ok(client)
    } else {
        Err(visit.error(404, ErrorKind::NotFound))
    }
}

/// The changes to the app.
fn judge(visit: &Visit, user: &User, app: &App, typed: &Typed) -> Result<AppUpdate, Faults> {
    let config = &visit.hallpass.config;
    let mut request = typed.request(app.client_type).without_what_is(app);
    let own = Typed::of_app(app);
    if typed.ticks_the_same(&own, config.scopes.keys()) {
        request.scopes = None;
    }
    // The operator may have registered a URI with a comma, which separates URIs in a form.
    if typed.has_uris_of(&own) {
        request.redirect_uris = None;
    }
    let accepted = registration::judge(&config.rules_for_developers(), &request);
    let accepted = accepted.map_err(|faults| Faults::of(&faults))?;
    // A scope that is not in the catalogue now is not on the form. It stays.
    let hidden = app.scopes.iter().flat_map(|scopes| scopes.iter());
    let hidden = hidden.filter(|scope| !config.scopes.contains_key(*scope)).cloned();
    let scopes = accepted.scopes;
    let scopes = scopes.map(|chosen| chosen.iter().cloned().chain(hidden).collect());
    let mut update = AppUpdate {
        name: accepted.name.map(String::from),
        redirect_uris: accepted.redirect_uris,
        localhost_any_port: accepted.localhost_any_port,
        scopes: scopes.map(Some),
        ..AppUpdate::default()
    };
    if is_vouched_for(user, app) && becomes_another(app, &update) {
        update.trusted = Some(false);
    }
    Ok(update)
}

/// Whether the trust in the app is based on a review, and not on this person (decision 79).
fn is_vouched_for(user: &User, app: &App) -> bool {
    app.trusted && !user.developer
}

/// Whether the change could put another app behind the same client ID. Removing a scope or a redirect URI could not.
fn becomes_another(app: &App, update: &AppUpdate) -> bool {
    let of_app = |scope: &Scope| app.scopes.as_ref().is_none_or(|own| own.contains(scope));
    let mut scopes = update.scopes.iter().flatten().flat_map(|scopes| scopes.iter());
    let uris = update.redirect_uris.iter().flatten();
    update.name.as_ref().is_some_and(|name| *name != app.name)
        || uris.into_iter().any(|uri| !app.redirect_uris.contains(uri))
        || update.localhost_any_port == Some(true) && !app.localhost_any_port
        || scopes.any(|scope| !of_app(scope))
}

/// Writes the changes, unless the name looks like that of another developer's app.
async fn save(visit: &Visit, app: &App, update: AppUpdate, event: AuditEvent) -> Result<Result<(), Faults>, Response> {
    let store = visit.hallpass.store.recording(event);
    let Some(name) = update.name.clone() else {
        let changed = store.update_app(app.id, update, visit.now).await;
        return changed.map(|_| Ok(())).map_err(|error| visit.failed(error));
    };
    match store.update_distinct_app(app, update, visit.now).await {
        Ok(_) => Ok(Ok(())),
        Err(StoreError::Conflict) => {
            let renamed = App { name, ..app.clone() };
            let taken = visit.hallpass.store.has_look_alike(&renamed).await;
            if taken.map_err(|error| visit.failed(error))? {
                return Ok(Err(Faults::taken()));
            }
            Err(visit.error(404, ErrorKind::NotFound))
        }
        Err(error) => Err(visit.failed(error)),
    }
}

fn show(visit: &Visit, status: u16, app: &App, typed: &Typed, faults: &Faults) -> Response {
    let blob = visit.seal_to_return(Purpose::ChangeApp, app.id.0.as_bytes());
    fields::with_fields(visit, typed, faults, |fields| {
        let page = AppChange {
            blob: &blob,
            client_id: &app.client_id,
            name: &app.name,
            client_type: app.client_type,
            vouched_for: visit.user.as_ref().is_some_and(|user| is_vouched_for(user, app)),
            fields,
        };
        visit.render(status, |frame| page.render(frame))
    })
}
