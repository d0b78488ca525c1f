//! The OpenAPI 3.1 document of the admin API, derived from the handlers: their paths, parameters, bodies and answers.
//!
//! It is served on the socket only, because at the public address there is no admin API.

use super::failure::Failure;
use super::request::{AdminResult, Json};
use super::{app_view, apps, audit, deletion, grants, keys, organizations, secrets, suspension, users};
use crate::http::paging::Cursor;
use serde::Serialize;
use serde_json::Value;
use utoipa::{OpenApi as _, ToSchema};

/// A new call is named here and in `api.rs`; a test compares both. A type that an answer mentions is named below `schemas`;
/// a test looks for references without a target.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Hallpass: admin API", description = "The operator's commands, on the socket in the data folder"),
    servers((url = "/admin/api/v1")),
    paths(
        apps::list, apps::create, apps::show, apps::change, apps::delete, apps::deletion,
        suspension::suspend_app, suspension::resume_app,
        secrets::reset, secrets::list, secrets::add, secrets::end,
        users::list, users::create, users::show, users::change, users::delete, users::deletion, users::set_password,
        suspension::suspend_user, suspension::resume_user,
        organizations::list, organizations::create, organizations::show, organizations::change, organizations::delete,
        organizations::deletion, organizations::members, organizations::set_member, organizations::remove_member,
        suspension::suspend_organization, suspension::resume_organization,
        grants::list, grants::show, grants::end,
        audit::list, audit::show,
        keys::list, keys::rotate, keys::revoke,
        document,
    ),
    components(schemas(
        Failure, Cursor, Document, deletion::Deletion,
        apps::Apps, app_view::AppView, secrets::Secrets, users::Users, users::UserView,
        organizations::Organizations, organizations::OrganizationView, organizations::Members,
        grants::Grants, grants::GrantView, audit::Events, audit::EventView,
        keys::Keys, keys::NextKeys, keys::KeyView,
    )),
)]
struct AdminApi;

/// An OpenAPI document.
#[derive(Serialize, ToSchema)]
#[schema(value_type = Object)]
pub(super) struct Document(Value);

/// Describes this API in OpenAPI 3.1.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi")]
pub(super) async fn document() -> AdminResult<Document> {
    let document = serde_json::to_value(AdminApi::openapi());
    let document = document.map_err(|error| Failure::internal(error.to_string()))?;
    Ok(Json(Document(document)))
}
