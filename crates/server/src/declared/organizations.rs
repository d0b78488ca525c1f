//! Declared organizations and their members.

use super::{Declaration, DeclaredError, named};
use crate::accounts::spelling;
use crate::audit::Who;
use crate::config;
use crate::random;
use crate::store::StoreError;
use crate::store::model::{
    AuditAction, Membership, Organization, OrganizationId, OrganizationKind, OrganizationUpdate, Role, Status,
};
use serde_json::json;

const KIND: &str = "organization";

/// The declared values of an organization.
struct Wanted<'a> {
    slug: &'a str,
    external_id: Option<&'a str>,
    name: &'a str,
    kind: OrganizationKind,
    hidden: bool,
}

impl Declaration<'_> {
    /// The default organization, declared or not, comes first.
    pub(super) async fn organizations(&mut self) -> Result<(), DeclaredError> {
        let config = self.config;
        let (slug, defaults) = (config.defaults.organization.as_str(), &config.defaults);
        let declared = config.organizations.iter().find(|declared| declared.slug == slug);
        let default = Wanted {
            slug,
            external_id: declared.and_then(|declared| declared.external_id.as_deref()),
            name: match (&defaults.organization_name, declared) {
                (Some(name), _) => name,
                (None, Some(declared)) => &declared.name,
                (None, None) => slug,
            },
            kind: declared.map_or(OrganizationKind::Live, |declared| declared.kind),
            hidden: config.hides_default_organization(),
        };
        let others = config.organizations.iter().filter(|declared| declared.slug != slug);
        let others = others.map(|declared| Wanted {
            slug: &declared.slug,
            external_id: declared.external_id.as_deref(),
            name: &declared.name,
            kind: declared.kind,
            hidden: false,
        });
        for wanted in std::iter::once(default).chain(others) {
            self.check_names(&wanted).await?;
            self.organization(&wanted)
                .await
                .map_err(|source| named(KIND, wanted.slug, source))?;
        }
        Ok(())
    }

    /// Refuses a slug that is the `external_id` of another organization, and the reverse.
    async fn check_names(&self, wanted: &Wanted<'_>) -> Result<(), DeclaredError> {
        let own = self.store.organization_by_slug(wanted.slug).await?;
        let is_other = |found: Option<Organization>| {
            let own = own.as_ref().map(|own| own.id);
            found.is_some_and(|found| Some(found.id) != own)
        };
        let alike = |name: &str| {
            Err(DeclaredError::OrganizationsAlike(
                wanted.slug.to_owned(),
                name.to_owned(),
            ))
        };
        if is_other(self.store.organization_by_external_id(wanted.slug).await?) {
            return alike(wanted.slug);
        }
        let Some(id) = wanted.external_id else { return Ok(()) };
        let by_id = self.store.organization_by_external_id(id).await?;
        if is_other(by_id) || is_other(self.store.organization_by_slug(id).await?) {
            return alike(id);
        }
        let before = own.as_ref().and_then(|own| own.external_id.as_deref());
        match before.is_some_and(|before| before != id) {
            true => Err(DeclaredError::OrganizationIdFixed(wanted.slug.to_owned())),
            false => Ok(()),
        }
    }

    async fn organization(&mut self, wanted: &Wanted<'_>) -> Result<(), StoreError> {
        let mut fields = self.applied.fields(KIND, wanted.slug);
        let update = OrganizationUpdate {
            name: fields.changed("name", wanted.name).then(|| wanted.name.to_owned()),
            kind: fields.changed("kind", wanted.kind.as_str()).then_some(wanted.kind),
            hidden: fields
                .changed("hidden", if wanted.hidden { "1" } else { "0" })
                .then_some(wanted.hidden),
            status: None,
            external_id: wanted
                .external_id
                .filter(|id| fields.changed("external_id", id))
                .map(str::to_owned),
        };
        if !fields.any {
            return Ok(());
        }
        if let Some(existing) = self.store.organization_by_slug(wanted.slug).await? {
            let event = Who::server().did(AuditAction::OrganizationChanged, self.now);
            let event = event.organization(existing.id).change(&existing, &update);
            let store = self.store.recording(event.if_different());
            return store.update_organization(existing.id, update, self.now).await;
        }
        let organization = Organization {
            id: OrganizationId(random::uuid(self.now)),
            slug: wanted.slug.to_owned(),
            external_id: wanted.external_id.map(str::to_owned),
            name: wanted.name.to_owned(),
            kind: wanted.kind,
            hidden: wanted.hidden,
            status: Status::Active,
            created: self.now,
            unknown: None,
        };
        let event = Who::server().did(AuditAction::OrganizationCreated, self.now);
        let event = event.organization(organization.id).after(&organization);
        self.store.recording(event).create_organization(organization).await
    }

    /// Applies the declared memberships. A declared person who is no longer listed is removed; people who are not
    /// declared keep theirs.
    pub(super) async fn memberships(&mut self) -> Result<(), DeclaredError> {
        let config = self.config;
        let default = config.defaults.organization.as_str();
        let declared = config.organizations.iter().map(|declared| declared.slug.as_str());
        for slug in std::iter::once(default).chain(declared.filter(|slug| *slug != default)) {
            for user in &config.users {
                if self
                    .was_deleted(user)
                    .await
                    .map_err(|source| named(KIND, slug, source))?
                {
                    continue;
                }
                let role = role_of(config, slug, &user.email);
                self.membership(slug, user, role)
                    .await
                    .map_err(|source| named(KIND, slug, source))?;
            }
        }
        Ok(())
    }

    async fn membership(&mut self, slug: &str, declared: &config::User, role: Option<Role>) -> Result<(), StoreError> {
        let field = format!("member:{}", spelling::email(&declared.email));
        let mut fields = self.applied.fields(KIND, slug);
        let text = role.map_or("", Role::as_str);
        if (role.is_none() && !fields.knows(&field)) || !fields.changed(&field, text) {
            return Ok(());
        }
        let user = self.person(declared).await?;
        let organization = self.store.organization_by_slug(slug).await?;
        let (Some(user), Some(organization)) = (user, organization) else {
            return Err(StoreError::Conflict);
        };
        let (organization, server) = (organization.id, Who::server());
        match role {
            Some(role) => {
                let membership = Membership { organization, role };
                let event = server.did(AuditAction::MemberSet, self.now).member(&user, organization);
                let store = self.store.recording(event.after(&json!({ "role": role })));
                store.add_membership(user.id, membership, self.now).await
            }
            None => {
                let event = server
                    .did(AuditAction::MemberRemoved, self.now)
                    .member(&user, organization);
                let store = self.store.recording(event);
                store.remove_membership(user.id, organization, self.now).await
            }
        }
    }
}

/// The declared role of a person in an organization. Every declared person is a member of the default organization, unless its
/// declaration gives another role.
fn role_of(config: &config::Config, slug: &str, email: &str) -> Option<Role> {
    let declared = config.organizations.iter().find(|declared| declared.slug == slug);
    let email = spelling::email(email);
    let named = declared
        .into_iter()
        .flat_map(|declared| &declared.members)
        .find(|(member, _)| spelling::email(member) == email);
    match named {
        Some((_, role)) => Some(*role),
        None => (config.defaults.organization == slug).then_some(Role::Member),
    }
}
