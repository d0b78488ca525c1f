//! How the admin API shows an app and its secrets.

use super::failure::Failure;
use super::{find, moment};
use crate::config::{Config, GrantType};
use crate::serve::hallpass::Hallpass;
use crate::store::if_readable;
use crate::store::model::{
    ActsAs, AppId, AppSecret, AppStatus, ClientType, ListedApp, OrganizationName, Reach, SecretId,
};
use crate::time::Instant;
use hallpass_wire::Scopes;
use serde::Serialize;
use utoipa::ToSchema;

/// An app.
#[derive(Serialize, ToSchema)]
#[schema(as = App)]
pub(super) struct AppView {
    id: AppId,
    client_id: String,
    name: String,
    organization: String,
    #[schema(required)]
    owner: Option<String>,
    #[serde(rename = "type")]
    client_type: ClientType,
    reach: Reach,
    /// Whose its new grants are.
    acts_as: ActsAs,
    status: AppStatus,
    redirect_uris: Vec<String>,
    /// Whether `http://localhost` is accepted with any port.
    localhost_any_port: bool,
    /// Whether the operator vouches for it: the consent page does not say "not reviewed".
    trusted: bool,
    /// The scopes that it may request. For a declared app without its own scopes, the whole catalogue.
    scopes: Vec<String>,
    /// Null if products do not limit the app.
    #[schema(required)]
    products: Option<Vec<String>>,
    /// The grant types of the app, or those of the preset if it has none of its own.
    grant_types: Vec<GrantType>,
    #[schema(format = DateTime)]
    created: String,
    /// The unknown word because of which it counts as suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<SecretView>>,
    /// The new secret, which is shown only once.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

/// A live secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
pub(super) struct SecretView {
    id: SecretId,
    /// Null for a short secret.
    #[schema(required)]
    hint: Option<String>,
    #[schema(format = DateTime)]
    created: String,
    #[schema(required, format = DateTime)]
    last_used: Option<String>,
    #[schema(required, format = DateTime)]
    expires: Option<String>,
}

impl SecretView {
    pub(super) fn id(&self) -> SecretId {
        self.id
    }
}

/// The app as it is now.
pub(super) async fn shown(
    hallpass: &Hallpass,
    now: Instant,
    name: &str,
    client_secret: Option<String>,
) -> Result<AppView, Failure> {
    let mut app = find::app(hallpass, name).await?;
    let secrets = Some(secret_views(std::mem::take(&mut app.secrets), now));
    let organization = if_readable(hallpass.directory.organization(app.organization).await)?;
    let organization = organization.map(|one| OrganizationName {
        slug: one.slug.clone(),
        name: one.name.clone(),
        hidden: one.hidden,
    });
    let owner = match app.owner {
        Some(owner) => if_readable(hallpass.directory.user(owner).await)?.map(|user| user.label().into_owned()),
        None => None,
    };
    let listed = ListedApp {
        app,
        owner,
        organization,
    };
    let view = view(hallpass, listed);
    Ok(AppView {
        secrets,
        client_secret,
        ..view
    })
}

/// The app without its secrets.
pub(super) fn view(hallpass: &Hallpass, listed: ListedApp) -> AppView {
    let ListedApp {
        app,
        owner,
        organization,
    } = listed;
    let catalogue = || hallpass.config.scopes.keys().map(ToString::to_string).collect();
    let texts = |scopes: Scopes| scopes.iter().map(ToString::to_string).collect();
    let offered = |client_type| offered(&hallpass.config, client_type);
    AppView {
        id: app.id,
        client_id: app.client_id,
        name: app.name,
        organization: organization.map_or_else(|| app.organization.to_string(), |one| one.slug),
        owner,
        client_type: app.client_type,
        reach: app.reach,
        acts_as: app.acts_as,
        status: app.status,
        redirect_uris: app.redirect_uris.iter().map(ToString::to_string).collect(),
        localhost_any_port: app.localhost_any_port,
        trusted: app.trusted,
        scopes: app.scopes.map_or_else(catalogue, texts),
        products: app.products,
        grant_types: app.grant_types.unwrap_or_else(|| offered(app.client_type)),
        created: moment::text(app.created),
        unknown: app.unknown.map(|unknown| unknown.to_string()),
        secrets: None,
        client_secret: None,
    }
}

/// The live secrets, oldest first.
pub(super) fn secret_views(secrets: Vec<AppSecret>, now: Instant) -> Vec<SecretView> {
    let live = secrets.into_iter().filter(|secret| secret.is_live(now));
    live.map(|secret| SecretView {
        id: secret.id,
        hint: Some(secret.hint).filter(|hint| !hint.is_empty()),
        created: moment::text(secret.created),
        last_used: secret.last_used.map(moment::text),
        expires: secret.expires.map(moment::text),
    })
    .collect()
}

/// The grant types that the preset offers to apps of this type.
fn offered(config: &Config, client_type: ClientType) -> Vec<GrantType> {
    let fits = |one: &&GrantType| **one != GrantType::ClientCredentials || client_type == ClientType::Confidential;
    config.wire.grant_types.iter().filter(fits).copied().collect()
}
