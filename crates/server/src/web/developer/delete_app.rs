//! Deleting an app: a page that says what breaks, and one that says what ended.

use super::apps::place_of;
use super::change_app::active;
use crate::directory::Client;
use crate::http::respond::{Response, unchanged};
use crate::oauth::Refusal;
use crate::store::StoreError;
use crate::store::model::{AppId, AppStatus, AuditAction, ClientType, User};
use crate::web::sign_in::prompt;
use crate::web::state::Purpose;
use crate::web::view::{AppDelete, AppDeleted, DeletionToll, ErrorKind, Notice};
use crate::web::{Kept, Post, SignedIn, Visit};
use std::sync::Arc;
use uuid::Uuid;

/// `GET /developer/apps/{client_id}/delete`: what the deletion ends.
pub(crate) async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let client = in_use(&visit, &user).await?;
    let ending = ending(&visit, &client).await;
    let ending = ending.map_err(|refusal| visit.failed(refusal))?;
    let app = &client.app;
    let payload = [app.id.0.as_bytes(), app.name.as_bytes()].concat();
    let blob = visit.seal_to_return(Purpose::DeleteApp, &payload);
    let mut declared = visit.hallpass.config.apps.iter();
    let page = AppDelete {
        blob: &blob,
        client_id: &app.client_id,
        name: &app.name,
        confidential: app.client_type == ClientType::Confidential,
        ending,
        declared: declared.any(|declared| declared.client_id == app.client_id),
    };
    Ok(visit.render(200, |frame| page.render(frame)))
}

/// `POST /developer/apps/{client_id}/delete`. The form carries the id of the app, so that the same form sent twice deletes
/// no other app.
pub(crate) async fn delete(Post { mut visit, form }: Post) -> Result<Response, Response> {
    let opened = visit.open_returned(Purpose::DeleteApp, &form);
    let Some(user) = visit.user.clone() else {
        let kept = Kept::of(opened.as_ref(), &form, &[]);
        return Ok(prompt::interrupted(&visit, &place_of(&visit), None, kept));
    };
    let fitting = opened.as_ref().filter(|opened| opened.fits);
    let Some((id, name)) = fitting.and_then(|opened| named(&opened.payload)) else {
        visit.notice = Some(Notice::of(opened.is_some()));
        let visit = visit.with_navigation().await?;
        return page(SignedIn { visit, user }).await.map(unchanged);
    };
    let found = visit.hallpass.store.app(id).await;
    if found.map_err(|error| visit.failed(error))?.is_none() {
        return Ok(show_deleted(&visit, &name, None));
    }
    let client = in_use(&visit, &user).await?;
    if client.app.id != id || !form.has("delete") {
        return Err(visit.error(400, ErrorKind::BadForm));
    }
    end(&visit, &user, &client)
        .await
        .map_err(|refusal| visit.failed(refusal))
}

/// The app that the address names, if this person may delete it. Only the operator may delete a suspended app: a declared
/// app would be created again at the next start, without the suspension.
async fn in_use(visit: &Visit, user: &User) -> Result<Arc<Client>, Response> {
    let client = active(visit, user).await?;
    if client.app.status == AppStatus::Live {
        Ok(client)
    } else {
        Err(visit.error(404, ErrorKind::NotFound))
    }
}

async fn end(visit: &Visit, user: &User, client: &Client) -> Result<Response, Refusal> {
    let (app, now) = (&client.app, visit.now);
    let ending = ending(visit, client).await?;
    let event = visit.who(user).did(AuditAction::AppDeleted, now);
    let store = visit.hallpass.store.recording(event.app(app).before(app.as_ref()));
    match store.delete_app(app, now).await {
        Ok(()) => Ok(show_deleted(visit, &app.name, Some(ending))),
        // Somebody else deleted it at the same moment.
        Err(StoreError::Conflict) => Ok(show_deleted(visit, &app.name, None)),
        Err(error) => Err(error.into()),
    }
}

/// The id and the name of the app in the sealed state of the form.
fn named(payload: &[u8]) -> Option<(AppId, String)> {
    let (id, name) = payload.split_first_chunk()?;
    let name = std::str::from_utf8(name).ok()?;
    Some((AppId(Uuid::from_bytes(*id)), name.to_owned()))
}

/// What the deletion of the app ends.
async fn ending(visit: &Visit, client: &Client) -> Result<DeletionToll, Refusal> {
    let store = &visit.hallpass.store;
    let connected = store.people_connected(client.app.id).await?;
    let secrets = store.toll_of_app(client.app.id).await?.secrets;
    Ok(DeletionToll { connected, secrets })
}

fn show_deleted(visit: &Visit, name: &str, ended: Option<DeletionToll>) -> Response {
    visit.render(200, |frame| AppDeleted { name, ended }.render(frame))
}
