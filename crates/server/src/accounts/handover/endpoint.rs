//! `POST /handover`: the site answers a request for a sign-in. `GET /handover`: it reads what the request is for.

use super::authentication::{Site, authenticate};
use super::failure::Failure;
use super::message::{Described, Message};
use super::people::{Attempts, Effect, effect};
use super::request::{AppRequest, Asks, HandoverRequest, Opened, hash};
use super::value::value;
use crate::audit::Who;
use crate::http::body;
use crate::http::respond;
use crate::http::respond::Response;
use crate::http::source::Peer;
use crate::oauth::authorize::request::{PARAMETERS, judge};
use crate::serve::hallpass::Hallpass;
use crate::store::model::{Acceptance, Accepted, SiteRefusal};
use crate::time::Instant;
use axum::body::Body;
use axum::extract::State;
use hallpass_wire::Parameters;
use http::Request;
use http::request::Parts;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The largest body of the site, in bytes: a person may have a thousand organizations.
pub(super) const LARGEST: usize = 1024 * 1024;
/// How long the address in an answer works.
pub(crate) const ARRIVES_WITHIN: Duration = crate::store::REPEATED;

/// The result of a message, for the site's log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Ok,
    Expired,
    Spent,
    Unknown,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expired => "expired",
            Self::Spent => "spent",
            Self::Unknown => "unknown",
        }
    }
}

/// `POST /handover`.
pub(crate) async fn accept(State(hallpass): State<Arc<Hallpass>>, request: Request<Body>) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let site = authenticate(&hallpass, &parts)?;
    let body = read(&hallpass, &parts, body).await?;
    let now = hallpass.now();
    let message = Message::parse(&body, now).map_err(Failure::logged)?;
    fresh(&hallpass).await?;
    let request = match HandoverRequest::open(&hallpass.keys, now, &message.handover) {
        Opened::Fresh(request) => request,
        Opened::Expired(_) => {
            return Ok(redirect_answer(
                &hallpass,
                Standing::Expired,
                Some(&message.handover),
                None,
            ));
        }
        Opened::Unknown => return Ok(redirect_answer(&hallpass, Standing::Unknown, None, None)),
    };
    let acceptance = Acceptance {
        request: request.hash,
        digest: hash(&body),
        outcome: Err(SiteRefusal::AccessDenied),
        message: message.message.clone(),
        accepted: now,
        spent: None,
        expires: request.expires,
    };
    let kept = keep(&hallpass, &site, &message, acceptance.clone()).await?;
    if kept.spent.is_some() {
        return Ok(redirect_answer(
            &hallpass,
            Standing::Spent,
            Some(&message.handover),
            None,
        ));
    }
    // Another message may have replaced this one a moment ago. Then the address in this answer leads nowhere.
    let own = if kept.is_of(&acceptance) { kept } else { acceptance };
    let value = value(&hallpass.keys, &own);
    Ok(redirect_answer(
        &hallpass,
        Standing::Ok,
        Some(&message.handover),
        value.as_deref(),
    ))
}

/// Applies the message, unless its request is answered and spent, and keeps the answer.
async fn keep(
    hallpass: &Hallpass,
    site: &Site<'_>,
    message: &Message,
    acceptance: Acceptance,
) -> Result<Acceptance, Failure> {
    let store = &hallpass.store;
    if let Some(before) = store
        .acceptance(acceptance.request)
        .await?
        .filter(|before| before.spent.is_some())
    {
        return Ok(before);
    }
    let signed_in = match &message.outcome {
        Ok(signed_in) => signed_in,
        Err(refusal) => {
            let outcome = Err(*refusal);
            return Ok(store.accept(&Acceptance { outcome, ..acceptance }).await?);
        }
    };
    let accepted = |user, organization| Acceptance {
        outcome: Ok(Accepted {
            user,
            organization,
            auth_time: signed_in
                .auth_time
                .map(|seconds| Instant(seconds.saturating_mul(1_000))),
            acr: signed_in.acr.clone(),
            amr: signed_in.amr.clone(),
        }),
        ..acceptance.clone()
    };
    let who = Who::site(site.source);
    let described: &Described = &signed_in.described;
    let now = acceptance.accepted;
    let mut attempts = Attempts::default();
    loop {
        let kept = match effect(hallpass, site.config, described, (&who, now)).await? {
            Effect::Change(change, organization) => {
                let acceptance = accepted(change.user, organization);
                store.accept_person(&acceptance, *change).await
            }
            Effect::Stale(Some(user)) => store.accept(&accepted(user, None)).await,
            // Nobody signs in as a person who was deleted later, or as one who operates the server.
            Effect::Stale(None) | Effect::Operator => store.accept(&acceptance).await,
        };
        match kept {
            Err(error) if attempts.again(&error) => {}
            kept => return Ok(kept?),
        }
    }
}

/// `GET /handover`.
pub(crate) async fn show(State(hallpass): State<Arc<Hallpass>>, request: Request<Body>) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    authenticate(&hallpass, &parts)?;
    let now = hallpass.now();
    let query = Parameters::read(parts.uri.query().unwrap_or_default().as_bytes(), &["handover"]);
    let text = query.get("handover").unwrap_or_default();
    fresh(&hallpass).await?;
    let request = match HandoverRequest::open(&hallpass.keys, now, text) {
        Opened::Fresh(request) => request,
        Opened::Expired(_) => {
            return Err(Failure::gone(
                "this request has ended: the person starts again at the app",
            ));
        }
        Opened::Unknown => return Err(Failure::not_found("`handover` is not a request of this server")),
    };
    let app = match &request.asks {
        Asks::App(app) => Some(app),
        Asks::Pages(_) => None,
    };
    let mut shown = json!({
        "for": if app.is_some() { "app" } else { "pages" },
        "client": null,
        "scopes": [],
        "login_hint": request.login_hint,
        "after": request.after,
        "acr_values": request.acr_values,
        "ui_locales": request.ui_locales,
        "expires_in": request.expires.since(now).as_secs(),
    });
    if let Some(app) = app {
        let locale = locale(&parts, &request);
        (shown["client"], shown["scopes"]) = client(&hallpass, app, &locale).await?;
    }
    Ok(respond::json(200, shown.to_string()))
}

/// The app, and the scopes that the request asks for. The texts are the app's own: the site must escape them.
async fn client(hallpass: &Hallpass, app: &AppRequest, locale: &str) -> Result<(Value, Value), Failure> {
    let query = app.query();
    let Ok(request) = judge(hallpass, &Parameters::read(query.as_bytes(), &PARAMETERS)).await else {
        // The app was changed or suspended meanwhile. The person is told after the sign-in.
        return Ok((Value::Null, json!([])));
    };
    let client = &request.client;
    let organization = Some(&client.organization).filter(|one| !one.hidden);
    let shown = json!({
        "client_id": client.app.client_id,
        "name": client.app.name,
        "uri": null,
        "logo_uri": null,
        "organization": organization.map(|one| one.name.as_str()),
        "reviewed": client.app.trusted,
    });
    let titles = request.scopes.iter().filter_map(|scope| {
        let entry = hallpass.config.scopes.get(scope)?;
        Some(json!({ "name": scope.to_string(), "title": entry.title.get(locale) }))
    });
    Ok((shown, titles.collect()))
}

/// The language of the titles: the request's first, else that of the site's call.
fn locale(parts: &Parts, request: &HandoverRequest) -> String {
    let wanted = request.ui_locales.as_deref().and_then(|tags| tags.split(' ').next());
    let accepted = parts
        .headers
        .get(http::header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    crate::web::view::Locale::negotiate(wanted, accepted).tag().to_owned()
}

/// Memory must be fresh: the keys that open a request are in it.
pub(super) async fn fresh(hallpass: &Hallpass) -> Result<(), Failure> {
    hallpass.feed.fresh().await.map_err(Failure::from)
}

/// Reads the site's body, which counts as that of its address.
pub(super) async fn read(hallpass: &Hallpass, parts: &Parts, body: Body) -> Result<Bytes, Failure> {
    let peer = parts.extensions.get::<Peer>().copied();
    let share = peer.map(|peer| hallpass.share(peer, &parts.headers));
    Ok(body::read_at_most(LARGEST, body, share).await?)
}

/// Whether a path belongs to the site, which gets JSON. Browsers open the pages below it.
pub(crate) fn is_below(path: &str) -> bool {
    let rest = path.strip_prefix("/handover");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("/people"))
}

/// The answer to any other method on an address of the site.
pub(crate) fn no_method() -> Response {
    Failure::method_not_allowed().response()
}

/// The answer where the site has no address.
pub(crate) fn no_address() -> Response {
    Failure::not_found("there is no such address").response()
}

/// The address to which the site sends the browser.
fn redirect_answer(hallpass: &Hallpass, standing: Standing, handover: Option<&str>, value: Option<&str>) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, text) in [("handover", handover), ("value", value)] {
        if let Some(text) = text {
            query.append_pair(name, text);
        }
    }
    let redirect_to = format!("{}/handover/return?{}", hallpass.issuer, query.finish());
    let body = json!({ "redirect_to": redirect_to, "state": standing.word() });
    respond::json(200, body.to_string())
}
