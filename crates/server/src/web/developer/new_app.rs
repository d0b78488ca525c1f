//! Registering an app: a name, redirect URIs, and an organization. The form says which field is wrong, and keeps the others.

use super::apps;
use super::fields::{self, kept};
use crate::apps::permission::registers_for;
use crate::apps::registration::{self, Accepted, ClientId, MOST_APPS};
use crate::apps::secrets;
use crate::http::respond::Response;
use crate::oauth::refusal::{Refusal, ServerReason};
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{ActsAs, App, AppId, AppStatus, AuditAction, ClientType, Organization, Reach, User};
use crate::web::account::overview::organization_choices;
use crate::web::allowance::{self, wait_for};
use crate::web::sign_in::prompt;
use crate::web::state::Purpose;
use crate::web::view::{AppNew, ErrorKind, Notice, OldSecrets, SecretNews};
use crate::web::{Form, Kept, Post, SignedIn, Visit};
use std::sync::Arc;
use uuid::Uuid;

/// The path of the form.
pub(crate) const PLACE: &str = "/developer/apps/new";
/// The fields of the form.
const FIELDS: [&str; 6] = [
    fields::FIELDS[0],
    fields::FIELDS[1],
    fields::FIELDS[2],
    fields::FIELDS[3],
    "organization",
    "type",
];

/// The typed text, unchanged.
struct Typed {
    fields: fields::Typed,
    organization: Option<String>,
    client_type: ClientType,
}

/// The faults of the typed text.
#[derive(Default)]
struct Faults {
    fields: fields::Faults,
    organization: bool,
    /// The largest number of apps that a person may own, if this person has reached it.
    full: Option<u64>,
}

/// The accepted values.
struct Wanted {
    app: Accepted,
    organization: Arc<Organization>,
}

/// `GET /developer/apps/new`.
pub(crate) async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let query = visit.query(&["organization"]);
    let typed = Typed::nothing(query.get("organization"));
    let own = own_organizations(&visit, &user).await?;
    Ok(show(&visit, 200, &own, &typed, &Faults::default()))
}

/// `POST /developer/apps/new`. The form carries the id of the new app, so that the same form sent twice creates one app.
pub(crate) async fn create(Post { mut visit, form }: Post) -> Result<Response, Response> {
    let opened = visit.open_returned(Purpose::Developer, &form);
    let Some(user) = visit.user.clone() else {
        let kept = Kept::of(opened.as_ref(), &form, &FIELDS);
        return Ok(prompt::interrupted(&visit, PLACE, None, kept));
    };
    let typed = Typed::of(&form);
    let own = own_organizations(&visit, &user).await?;
    let fitting = opened.as_ref().filter(|opened| opened.fits);
    let Some(id) = fitting.and_then(|opened| Uuid::from_slice(&opened.payload).ok()) else {
        visit.notice = Some(if opened.is_some() {
            kept(&form)
        } else {
            Notice::Unreadable
        });
        return Err(show(&visit, 400, &own, &typed, &Faults::default()));
    };
    let wanted = judge(&visit.hallpass, &own, &typed).map_err(|faults| show(&visit, 400, &own, &typed, &faults))?;
    let before = came_before(&visit, AppId(id)).await;
    if let Some(answer) = before.map_err(|error| visit.failed(error))? {
        return Ok(answer);
    }
    if let Err(wait) = allowance::count(&visit, &user) {
        visit.notice = Some(Notice::TooManyChanges);
        return Err(wait_for(show(&visit, 429, &own, &typed, &Faults::default()), wait));
    }
    let registered = register(&visit, &user, AppId(id), &typed, wanted).await;
    let registered = registered.map_err(|refusal| visit.failed(refusal))?;
    registered.map_err(|faults| {
        let status = if faults.full.is_some() { 409 } else { 400 };
        show(&visit, status, &own, &typed, &faults)
    })
}

/// The form with the text that was typed before the person signed in. Nothing was registered.
///
/// # Errors
/// The answer to give instead.
pub(crate) async fn again(mut visit: Visit, user: Arc<User>, form: &Form) -> Result<Response, Response> {
    visit.notice = Some(kept(form));
    let visit = visit.with_navigation().await?;
    let own = own_organizations(&visit, &user).await?;
    Ok(show(&visit, 200, &own, &Typed::of(form), &Faults::default()))
}

/// Registers an app, unless its name looks like that of another app, or its owner has the largest number of apps.
async fn register(
    visit: &Visit,
    user: &User,
    id: AppId,
    typed: &Typed,
    wanted: Wanted,
) -> Result<Result<Response, Faults>, Refusal> {
    let hallpass = &visit.hallpass;
    let (text, secret) = secrets::make(visit.now);
    let confidential = typed.client_type == ClientType::Confidential;
    let app = App {
        id,
        client_id: ClientId::generate().into(),
        name: wanted.app.name.map(String::from).unwrap_or_default(),
        organization: wanted.organization.id,
        owner: Some(user.id),
        client_type: typed.client_type,
        reach: Reach::Own,
        acts_as: ActsAs::Person,
        status: AppStatus::Live,
        redirect_uris: wanted.app.redirect_uris.unwrap_or_default(),
        scopes: Some(wanted.app.scopes.unwrap_or_default()),
        products: hallpass.config.defaults.product.clone().map(|product| vec![product]),
        grant_types: None,
        trusted: user.developer,
        localhost_any_port: typed.fields.localhost_any_port,
        created: visit.now,
        secrets: if confidential { vec![secret] } else { Vec::new() },
        unknown: None,
    };
    let event = visit
        .who(user)
        .did(AuditAction::AppCreated, visit.now)
        .app(&app)
        .after(&app);
    let store = hallpass.store.recording(event);
    match store.register_app(app.clone(), MOST_APPS).await {
        Ok(()) => {
            let client = hallpass
                .directory
                .client_by_id(id)
                .await?
                .ok_or(ServerReason::Internal)?;
            let news = confidential.then(|| SecretNews::Made {
                secret: text.expose(),
                others: OldSecrets::None,
            });
            apps::show(visit, &client, news).await.map(Ok)
        }
        Err(StoreError::Taken(_) | StoreError::Conflict) => match came_before(visit, id).await? {
            Some(answer) => Ok(Ok(answer)),
            None if hallpass.store.has_look_alike(&app).await? => Ok(Err(Faults {
                fields: fields::Faults::taken(),
                ..Faults::default()
            })),
            None => Ok(Err(Faults {
                full: Some(MOST_APPS),
                ..Faults::default()
            })),
        },
        Err(error) => Err(error.into()),
    }
}

/// The answer if the same form came before: its app is there, and its secret was shown then.
async fn came_before(visit: &Visit, id: AppId) -> Result<Option<Response>, StoreError> {
    let client = visit.hallpass.directory.client_by_id(id).await?;
    Ok(client.map(|client| visit.go(&visit.address(&format!("/developer/apps/{}", client.app.client_id)))))
}

fn judge(hallpass: &Hallpass, own: &[Arc<Organization>], typed: &Typed) -> Result<Wanted, Faults> {
    let rules = hallpass.config.rules_for_developers();
    let judged = registration::judge(&rules, &typed.fields.request(typed.client_type));
    let organization = match (&typed.organization, own) {
        (Some(slug), all) => all.iter().find(|one| one.slug == *slug),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    match (judged, organization) {
        (Ok(app), Some(organization)) => Ok(Wanted {
            app,
            organization: organization.clone(),
        }),
        (judged, organization) => Err(Faults {
            fields: fields::Faults::of(&judged.err().unwrap_or_default()),
            organization: organization.is_none(),
            full: None,
        }),
    }
}

/// The organizations that this person may register an app for. A person without one may not use this page.
async fn own_organizations(visit: &Visit, user: &User) -> Result<Vec<Arc<Organization>>, Response> {
    let own = registers_for(&visit.hallpass, user)
        .await
        .map_err(|refusal| visit.failed(refusal))?;
    if own.is_empty() {
        return Err(visit.wrong_account(ErrorKind::Forbidden, None, PLACE));
    }
    Ok(own)
}

fn show(visit: &Visit, status: u16, own: &[Arc<Organization>], typed: &Typed, faults: &Faults) -> Response {
    let organizations = organization_choices(own);
    let blob = visit.seal_to_return(Purpose::Developer, random::uuid(visit.now).as_bytes());
    fields::with_fields(visit, &typed.fields, &faults.fields, |fields| {
        let page = AppNew {
            blob: &blob,
            organizations: &organizations,
            organization: typed.organization.as_deref(),
            from_settings: own
                .iter()
                .any(|one| !one.hidden && typed.organization.as_ref() == Some(&one.slug)),
            client_type: typed.client_type,
            fields,
            wrong_organization: faults.organization,
            full: faults.full,
        };
        visit.render(status, |frame| page.render(frame))
    })
}

impl Typed {
    fn nothing(organization: Option<&str>) -> Self {
        Self {
            fields: fields::Typed::default(),
            organization: organization.map(str::to_owned),
            client_type: ClientType::Confidential,
        }
    }

    fn of(form: &Form) -> Self {
        let public = form.get("type") == Some("public");
        Self {
            fields: fields::Typed::of(form),
            organization: form.get("organization").map(str::to_owned),
            client_type: if public {
                ClientType::Public
            } else {
                ClientType::Confidential
            },
        }
    }
}
