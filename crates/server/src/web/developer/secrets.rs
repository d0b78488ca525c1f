//! Adds, replaces and ends secrets of an app. At most two are live: two allow a change without an outage, and more would be
//! forgotten.

use super::apps::{self, address_of, place_of, show};
use super::change_app::active;
use crate::apps::secrets;
use crate::directory::Client;
use crate::http::respond::{Response, unchanged};
use crate::store::StoreError;
use crate::store::model::{AppSecret, ClientType, Others, SecretId, User};
use crate::web::allowance;
use crate::web::sign_in::prompt;
use crate::web::state::{Opened, Purpose};
use crate::web::view::{ErrorKind, Notice, OldSecrets, SecretNews};
use crate::web::{Form, Kept, Post, SignedIn, Visit};
use std::sync::Arc;
use uuid::Uuid;

/// `POST /developer/apps/{client_id}/secret`: a new secret. The other secret stays, ends now, or ends after an overlap. The
/// form carries the id of the new secret, so that the same form sent twice creates one.
pub(crate) async fn make(Post { visit, form }: Post) -> Result<Response, Response> {
    let opened = visit.open_returned(Purpose::Developer, &form);
    let Some((user, client, id)) = asked(&visit, opened.as_ref()).await? else {
        return not_done(visit, opened.as_ref(), &form).await;
    };
    let others = match form.get("reset") {
        _ if form.has("add") => Others::Keep,
        Some("now") => Others::End,
        Some("overlap") => Others::EndAt(visit.now.after(secrets::OVERLAP)),
        _ => return Err(visit.error(400, ErrorKind::BadForm)),
    };
    if client.app.client_type != ClientType::Confidential {
        return Err(visit.error(400, ErrorKind::BadForm));
    }
    if client.app.secrets.iter().any(|secret| secret.id == id) {
        // The same form came before, and it was counted then.
        return Ok(visit.go(&address_of(&visit)));
    }
    allowance::count_or_refuse(&visit, &user)?;
    let (text, kept) = secrets::make(visit.now);
    let secret = AppSecret { id, ..kept };
    let event = visit.who(&user).set_secret(&client.app, id, others, visit.now);
    let store = visit.hallpass.store.recording(event);
    match store.set_secret(client.app.id, secret, others, visit.now).await {
        Ok(()) => {
            let (secret, others) = (text.expose(), become_of(&visit, &client, others));
            tell(&visit, &client, SecretNews::Made { secret, others }).await
        }
        Err(StoreError::Taken(_)) => Ok(visit.go(&address_of(&visit))),
        Err(StoreError::Conflict) => unless(&visit, &client, id, true, SecretNews::TwoLive).await,
        Err(error) => Err(visit.failed(error)),
    }
}

/// `POST /developer/apps/{client_id}/secret/end`: one secret ends at once, if another lasts.
pub(crate) async fn end(Post { visit, form }: Post) -> Result<Response, Response> {
    let opened = visit.open_returned(Purpose::Secret, &form);
    let Some((user, client, id)) = asked(&visit, opened.as_ref()).await? else {
        return not_done(visit, opened.as_ref(), &form).await;
    };
    let event = visit.who(&user).ended_secret(&client.app, id, visit.now);
    let store = visit.hallpass.store.recording(event);
    match store.end_secret(client.app.id, id, visit.now).await {
        Ok(()) => Ok(visit.go(&format!("{}?done=secret-ended", address_of(&visit)))),
        Err(StoreError::Conflict) => unless(&visit, &client, id, false, SecretNews::LastOne).await,
        Err(error) => Err(visit.failed(error)),
    }
}

/// What happened to the old secrets of the app.
fn become_of(visit: &Visit, client: &Client, others: Others) -> OldSecrets {
    let mut before = client.app.secrets.iter();
    match others {
        _ if !before.any(|secret| secret.is_live(visit.now)) => OldSecrets::None,
        Others::Keep => OldSecrets::Stay,
        Others::End => OldSecrets::Ended,
        Others::EndAt(end) => OldSecrets::EndAt(end.0),
    }
}

/// The person, the app, and the secret that the form's sealed state names; `None` if the state belongs to another person or is
/// too old.
async fn asked(visit: &Visit, opened: Option<&Opened>) -> Result<Option<(Arc<User>, Arc<Client>, SecretId)>, Response> {
    let opened = opened.filter(|opened| opened.fits);
    let (Some(user), Some(opened)) = (&visit.user, opened) else {
        return Ok(None);
    };
    let client = active(visit, user).await?;
    match Uuid::from_slice(&opened.payload) {
        Ok(id) => Ok(Some((user.clone(), client, SecretId(id)))),
        Err(_) => Err(visit.error(400, ErrorKind::BadForm)),
    }
}

/// Says that nothing was done, on the app's page or before the person signs in.
async fn not_done(mut visit: Visit, opened: Option<&Opened>, form: &Form) -> Result<Response, Response> {
    let Some(user) = visit.user.clone() else {
        let kept = Kept::of(opened, form, &[]);
        return Ok(prompt::interrupted(&visit, &place_of(&visit), None, kept));
    };
    visit.notice = Some(Notice::of(opened.is_some()));
    let visit = visit.with_navigation().await?;
    apps::page(SignedIn { visit, user }).await.map(unchanged)
}

/// Says why nothing changed. If the app is already as requested, the same form came before, and nothing is said.
async fn unless(
    visit: &Visit,
    client: &Client,
    id: SecretId,
    wanted: bool,
    news: SecretNews<'_>,
) -> Result<Response, Response> {
    let app = visit.hallpass.store.app(client.app.id).await;
    let app = app.map_err(|error| visit.failed(error))?;
    let there = app.is_some_and(|app| app.secrets.iter().any(|one| one.id == id));
    if there == wanted {
        return Ok(visit.go(&address_of(visit)));
    }
    tell(visit, client, news).await.map(unchanged)
}

async fn tell(visit: &Visit, client: &Client, news: SecretNews<'_>) -> Result<Response, Response> {
    show(visit, client, Some(news))
        .await
        .map_err(|refusal| visit.failed(refusal))
}
