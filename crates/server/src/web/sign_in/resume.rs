//! The answer to a sign-in: leads to a page, or back to a form whose session had ended when it was sent.

use crate::http::respond::Response;
use crate::store::model::User;
use crate::web::account::connected_apps;
use crate::web::developer::{apps, change_app, new_app};
use crate::web::onward::Onward;
use crate::web::organization::settings;
use crate::web::view::Notice;
use crate::web::{SignedIn, Visit};
use http::{Method, Uri};
use std::sync::Arc;

/// Answers a sign-in: with a redirect, or with the page of the form that was sent without a session.
///
/// # Errors
/// The answer to give instead.
pub(super) async fn resume(onward: Onward, mut visit: Visit, user: Arc<User>) -> Result<Response, Response> {
    let is_apps_form = onward.place == "/account/apps";
    let is_developers_form = onward.place.starts_with("/developer/apps/");
    let is_settings_form = settings::is_place(&onward.place);
    let uri = onward.place.parse::<Uri>().ok();
    let (Some(kept), Some(uri), true) = (onward.kept, uri, is_apps_form || is_developers_form || is_settings_form)
    else {
        return Ok(visit.go(&visit.address(&onward.place)));
    };
    (visit.parts.method, visit.parts.uri) = (Method::GET, uri);
    let fields = kept.fields_of(&user);
    match (onward.place.as_str(), fields) {
        ("/account/apps", fields) => connected_apps::again(visit, user, Notice::NothingDone, fields.as_ref()).await,
        (place, _) if settings::is_place(place) => settings::again(visit, user).await,
        (new_app::PLACE, Some(fields)) => new_app::again(visit, user, &fields).await,
        (place, Some(fields)) if change_app::is_place(place) => change_app::again(visit, user, &fields).await,
        (_, fields) => {
            visit.notice = Some(Notice::NothingDone);
            let visit = visit.with_navigation().await?;
            let signed_in = SignedIn { visit, user };
            // The page of an app is not found for another person, who would then not learn that nothing was done.
            match fields {
                Some(_) => apps::page(signed_in).await,
                None => apps::list(signed_in).await,
            }
        }
    }
}
