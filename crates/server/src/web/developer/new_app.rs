//! Registering an app: a name, redirect URIs, and for whom. The form says which of its fields is wrong, and keeps the rest.

use super::apps::{self, MOST_APPS};
use crate::apps::names;
use crate::apps::permission::registers_for;
use crate::apps::secrets;
use crate::http::excerpt::excerpt;
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{
    App, AppId, AppStatus, AuditAction, ClientType, MOST_REDIRECT_URIS, Organization, Reach, User,
};
use crate::web::account::overview::organization_choices;
use crate::web::sign_in::prompt;
use crate::web::state::Purpose;
use crate::web::view;
use crate::web::view::{AppNew, AppNewErrors, ErrorKind, NameFault, Notice, RedirectUriFault, ScopeChoice, SecretNews};
use crate::web::{Form, Kept, Post, SignedIn, Visit};
use hallpass_wire::redirect_uri::{RedirectUriError, Schemes};
use hallpass_wire::{RedirectUri, Scope, Scopes};
use std::sync::Arc;
use uuid::Uuid;

/// Where the form is.
pub const PLACE: &str = "/developer/apps/new";
/// What people type into it.
const FIELDS: [&str; 6] = [
    "name",
    "redirect_uris",
    "organization",
    "type",
    "localhost_any_port",
    "scope",
];
/// How many faulty redirect URIs the page names; the others are counted.
const MOST_NAMED: usize = 10;
/// How many characters of a faulty redirect URI the page repeats beside its fault.
const LONGEST_SHOWN: usize = 200;

/// What was typed, as it was typed.
struct Typed {
    name: String,
    redirect_uris: String,
    organization: Option<String>,
    client_type: ClientType,
    localhost_any_port: bool,
    /// `None` before anything was sent: all are ticked.
    scopes: Option<Vec<String>>,
}

/// What is wrong with what was typed.
#[derive(Default)]
struct Faults {
    name: Option<NameFault>,
    redirect_uris: UriFaults,
    organization: bool,
    localhost_any_port: bool,
    scope: bool,
    /// How many apps the person may own, where they own as many.
    full: Option<u64>,
}

/// Faulty redirect URIs: a form of 64 KiB can hold 30,000 of them, and each would be repeated with its fault.
#[derive(Default)]
struct UriFaults {
    named: Vec<(String, RedirectUriFault)>,
    more: usize,
}

impl UriFaults {
    fn add(&mut self, text: &str, fault: RedirectUriFault) {
        if self.named.len() == MOST_NAMED {
            self.more += 1;
            return;
        }
        self.named.push((excerpt(text, LONGEST_SHOWN), fault));
    }
}

/// What was typed, once it is right.
struct Wanted {
    name: String,
    redirect_uris: Vec<RedirectUri>,
    organization: Arc<Organization>,
    scopes: Scopes,
}

/// `GET /developer/apps/new`.
pub async fn page(SignedIn { visit, user }: SignedIn) -> Result<Response, Response> {
    let query = visit.query(&["organization"]);
    let typed = Typed::nothing(query.get("organization"));
    let own = own_organizations(&visit, &user).await?;
    Ok(show(&visit, 200, &own, &typed, &Faults::default()))
}

/// `POST /developer/apps/new`. The form carries the id of the app to come, so that the same form sent twice makes one.
pub async fn create(Post { mut visit, form }: Post) -> Result<Response, Response> {
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
    let registered = register(&visit, &user, AppId(id), &typed, wanted).await;
    let registered = registered.map_err(|refusal| visit.failed(refusal))?;
    registered.map_err(|faults| {
        let status = if faults.full.is_some() { 409 } else { 400 };
        show(&visit, status, &own, &typed, &faults)
    })
}

/// The form with what was typed before the person signed in. Nothing was registered.
///
/// # Errors
/// The answer to give instead.
pub async fn again(mut visit: Visit, user: Arc<User>, form: &Form) -> Result<Response, Response> {
    visit.notice = Some(kept(form));
    let visit = visit.with_navigation().await?;
    let own = own_organizations(&visit, &user).await?;
    Ok(show(&visit, 200, &own, &Typed::of(form), &Faults::default()))
}

fn kept(form: &Form) -> Notice {
    if form.has_typed() {
        Notice::Kept
    } else {
        Notice::NothingDone
    }
}

/// Registers an app, unless its name looks like another's or its owner has as many as there can be.
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
        client_id: random::alphanumeric(24),
        name: wanted.name,
        organization: wanted.organization.id,
        owner: Some(user.id),
        client_type: typed.client_type,
        reach: Reach::Own,
        status: AppStatus::Live,
        redirect_uris: wanted.redirect_uris,
        scopes: Some(wanted.scopes),
        products: hallpass.config.defaults.product.clone().map(|product| vec![product]),
        grant_types: None,
        trusted: user.developer,
        localhost_any_port: typed.localhost_any_port,
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
            let client = hallpass.directory.client_by_id(id).await?.ok_or(Refusal::Internal)?;
            let news = confidential.then(|| SecretNews::Made(text.expose()));
            apps::show(visit, &client, news).await.map(Ok)
        }
        Err(StoreError::Taken(_) | StoreError::Conflict) => match hallpass.directory.client_by_id(id).await? {
            // The same form came before: its app is there, and its secret was shown then.
            Some(client) => Ok(Ok(
                visit.go(&visit.address(&format!("/developer/apps/{}", client.app.client_id)))
            )),
            None if hallpass.store.has_look_alike(&app).await? => Ok(Err(Faults {
                name: Some(NameFault::Taken),
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

fn judge(hallpass: &Hallpass, own: &[Arc<Organization>], typed: &Typed) -> Result<Wanted, Faults> {
    let name = typed.name.trim();
    let (redirect_uris, malformed) = read_uris(hallpass, typed);
    let organization = match (&typed.organization, own) {
        (Some(slug), all) => all.iter().find(|one| one.slug == *slug),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let scopes = chosen_scopes(hallpass, typed);
    // A free port is for native apps, which are public (RFC 8252 §8.4).
    let port_of_confidential = typed.localhost_any_port && typed.client_type != ClientType::Public;
    let faults = Faults {
        name: name_fault(hallpass, name),
        redirect_uris: malformed,
        organization: organization.is_none(),
        localhost_any_port: port_of_confidential,
        scope: scopes.is_none(),
        full: None,
    };
    let right = faults.name.is_none() && faults.redirect_uris.named.is_empty() && !port_of_confidential;
    match (organization, scopes) {
        (Some(organization), Some(scopes)) if right => Ok(Wanted {
            name: name.to_owned(),
            redirect_uris,
            organization: organization.clone(),
            scopes,
        }),
        _ => Err(faults),
    }
}

fn name_fault(hallpass: &Hallpass, name: &str) -> Option<NameFault> {
    if name.is_empty() {
        Some(NameFault::Missing)
    } else if name.chars().count() > names::LONGEST {
        Some(NameFault::TooLong {
            limit: names::LONGEST as u64,
        })
    } else if let Err(error) = names::check(name) {
        Some(error.into())
    } else if names::look_alike(name, &hallpass.config.brand.name) {
        Some(NameFault::Brand)
    } else {
        None
    }
}

/// HC-2: several, separated by commas; white space and new lines separate too.
fn read_uris(hallpass: &Hallpass, typed: &Typed) -> (Vec<RedirectUri>, UriFaults) {
    let (mut uris, mut faults) = (Vec::new(), UriFaults::default());
    let written = typed
        .redirect_uris
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|text| !text.is_empty());
    let schemes = Schemes {
        listed: &hallpass.config.portal.schemes,
        public: typed.client_type == ClientType::Public,
    };
    for text in written {
        match RedirectUri::parse_with(text, schemes) {
            Ok(uri) if uris.contains(&uri) => faults.add(text, RedirectUriFault::Duplicate),
            Ok(_) if uris.len() == MOST_REDIRECT_URIS => faults.add(text, RedirectUriFault::TooMany),
            Ok(uri) => uris.push(uri),
            Err(error) => faults.add(text, fault(text, error)),
        }
    }
    // API-5: an app may do without where its code can be copied from a page.
    let may_be_without = hallpass.config.wire.code_page && typed.client_type == ClientType::Confidential;
    if uris.is_empty() && faults.named.is_empty() && !may_be_without {
        faults.add("", RedirectUriFault::Missing);
    }
    (uris, faults)
}

fn fault(text: &str, error: RedirectUriError) -> RedirectUriFault {
    match error {
        RedirectUriError::NotAbsolute => RedirectUriFault::NotAbsolute,
        RedirectUriError::Fragment => RedirectUriFault::Fragment,
        RedirectUriError::UserInfo => RedirectUriFault::Userinfo,
        RedirectUriError::PlainHttp => RedirectUriFault::NotHttps,
        RedirectUriError::Scheme => RedirectUriFault::Scheme,
        RedirectUriError::SchemeUnlisted => RedirectUriFault::SchemeUnlisted,
        RedirectUriError::SchemeNotPublic => RedirectUriFault::SchemeNotPublic,
        RedirectUriError::Several => RedirectUriFault::Several,
        RedirectUriError::Character if text.contains('*') => RedirectUriFault::Wildcard,
        RedirectUriError::Character => RedirectUriFault::Characters,
        RedirectUriError::TooLong => RedirectUriFault::TooLong,
    }
}

/// At least one, each from the catalogue. They are kept by name: a scope that comes later is not the app's by itself.
fn chosen_scopes(hallpass: &Hallpass, typed: &Typed) -> Option<Scopes> {
    let known = |name: &String| {
        let scope = Scope::parse(name).ok()?;
        hallpass.config.scopes.contains_key(&scope).then_some(scope)
    };
    let names = typed.scopes.as_deref().unwrap_or_default();
    let chosen = names.iter().map(known).collect::<Option<Scopes>>()?;
    (!chosen.is_empty()).then_some(chosen)
}

/// The organizations that this person may register an app for. Whoever has none has nothing to do here.
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
    let locale = visit.locale.tag();
    let scopes: Vec<_> = visit
        .hallpass
        .config
        .scopes
        .iter()
        .map(|(scope, entry)| ScopeChoice {
            name: scope.as_str(),
            title: entry.title.get(locale),
            chosen: typed
                .scopes
                .as_ref()
                .is_none_or(|chosen| chosen.iter().any(|name| name == scope.as_str())),
        })
        .collect();
    let organizations = organization_choices(own);
    let malformed: Vec<_> = faults
        .redirect_uris
        .named
        .iter()
        .map(|(uri, fault)| view::RedirectUriError { uri, why: *fault })
        .collect();
    let blob = visit.seal_to_return(Purpose::Developer, random::uuid(visit.now).as_bytes());
    visit.render(status, |frame| {
        AppNew {
            blob: &blob,
            organizations: &organizations,
            organization: typed.organization.as_deref(),
            name: &typed.name,
            redirect_uris: &typed.redirect_uris,
            client_type: typed.client_type,
            localhost_any_port: typed.localhost_any_port,
            scopes: &scopes,
            errors: AppNewErrors {
                name: faults.name,
                redirect_uris: &malformed,
                more_redirect_uris: faults.redirect_uris.more,
                full: faults.full,
                organization: faults.organization,
                localhost_any_port: faults.localhost_any_port,
                scope: faults.scope,
            },
            code_page: visit.hallpass.config.wire.code_page,
        }
        .render(frame)
    })
}

impl Typed {
    fn nothing(organization: Option<&str>) -> Self {
        Self {
            name: String::new(),
            redirect_uris: String::new(),
            organization: organization.map(str::to_owned),
            client_type: ClientType::Confidential,
            localhost_any_port: false,
            scopes: None,
        }
    }

    fn of(form: &Form) -> Self {
        let public = form.get("type") == Some("public");
        Self {
            name: form.get("name").unwrap_or_default().to_owned(),
            redirect_uris: form.get("redirect_uris").unwrap_or_default().to_owned(),
            organization: form.get("organization").map(str::to_owned),
            client_type: if public {
                ClientType::Public
            } else {
                ClientType::Confidential
            },
            localhost_any_port: form.has("localhost_any_port"),
            scopes: Some(form.all("scope").map(str::to_owned).collect()),
        }
    }
}
