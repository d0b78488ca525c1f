//! Applies what the site says of a person: data, organizations, roles. One message is one commit.

use super::failure::Failure;
use super::message::{Described, Named, Organizations};
use crate::audit::Who;
use crate::config;
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{
    AuditAction, Membership, NewUser, Organization, OrganizationId, OrganizationKind, Role, SitePerson, SiteRecord,
    Status, User, UserId,
};
use crate::store::{SiteChange, StoreError};
use crate::time::Instant;
use serde_json::{Value, json};

/// The effect of a description.
pub(super) enum Effect {
    /// These changes, in one commit.
    Change(Box<SiteChange>, Option<OrganizationId>),
    /// A later word of the site was applied before. The person stays as they are. `None`: they were deleted.
    Stale(Option<UserId>),
    /// The person operates this server, and the site has no say over them.
    Operator,
}

/// The effect that a description has now. If the commit finds that something changed at the same moment, the caller asks once
/// more ([`Attempts`]).
///
/// # Errors
/// If a member cannot be applied, or the database is away.
pub(super) async fn effect(
    hallpass: &Hallpass,
    site: &config::Handover,
    described: &Described,
    (who, now): (&Who, Instant),
) -> Result<Effect, Failure> {
    let plan = Plan {
        hallpass,
        site,
        who,
        now,
        organizations: Vec::new(),
        renamed: Vec::new(),
    };
    plan.effect(described).await
}

/// Counts how often a message was applied in vain, because something changed at the same moment.
#[derive(Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    const MOST: u32 = 5;

    /// Whether to try again after this error.
    pub(super) fn again(&mut self, error: &StoreError) -> bool {
        self.0 += 1;
        matches!(error, StoreError::Conflict | StoreError::Taken(_)) && self.0 < Self::MOST
    }
}

/// The changes that are being found.
struct Plan<'a> {
    hallpass: &'a Hallpass,
    site: &'a config::Handover,
    who: &'a Who,
    now: Instant,
    organizations: Vec<Organization>,
    renamed: Vec<(OrganizationId, String)>,
}

impl Plan<'_> {
    async fn effect(mut self, described: &Described) -> Result<Effect, Failure> {
        let store = &self.hallpass.store;
        let person = &described.person;
        // Before the person, so that a message that is applied between the two reads is noticed by the commit.
        let record = store.site_record(&person.external_id).await?;
        let user = store.user_by_external_id(&person.external_id).await?;
        match &user {
            Some(user) if user.admin => return Ok(Effect::Operator),
            None if store.is_own_subject(&person.external_id).await? => {
                return Err(Failure::member("subject", "another person of this server has it"));
            }
            _ => {}
        }
        let later = match &user {
            Some(_) => record.and_then(|record| record.as_of),
            None => store.deleted_as_of(&person.external_id).await?,
        };
        let is_later = later.is_some_and(|later| later > person.as_of);
        if is_later && (described.dated || later == Some(Instant(i64::MAX))) {
            return Ok(Effect::Stale(user.map(|user| user.id)));
        }
        // Messages without a moment count in the order in which they are applied.
        let as_of = later.map_or(person.as_of, |later| later.max(person.as_of));
        let person = &SitePerson {
            as_of,
            ..person.clone()
        };
        let (memberships, current) = self.memberships(described, user.as_ref()).await?;
        let left = self.left(&described.organizations, &memberships, user.as_ref()).await?;
        let change = self.change(person, user.as_ref(), record, (memberships, left));
        Ok(Effect::Change(Box::new(change), current))
    }

    /// The memberships that the description names, and the organization in which the person works now.
    async fn memberships(
        &mut self,
        described: &Described,
        user: Option<&User>,
    ) -> Result<(Vec<Membership>, Option<OrganizationId>), Failure> {
        let before = |organization| role_before(user, organization);
        match &described.organizations {
            Organizations::Unnamed => {
                let organization = self.default_organization().await?.id;
                let role = before(organization).unwrap_or(Role::Member);
                Ok((vec![Membership { organization, role }], None))
            }
            Organizations::Current(named) => {
                let organization = self.organization("organization", named).await?;
                let role = self.role(named, before(organization));
                Ok((vec![Membership { organization, role }], Some(organization)))
            }
            Organizations::All(all) => {
                let mut memberships = Vec::with_capacity(all.len());
                for (position, named) in all.iter().enumerate() {
                    let organization = self.organization(&format!("organizations[{position}]"), named).await?;
                    let role = self.role(named, before(organization));
                    memberships.push(Membership { organization, role });
                }
                Ok((memberships, None))
            }
        }
    }

    /// The organization with this id of the site; a new one, if there is none.
    async fn organization(&mut self, path: &str, named: &Named) -> Result<OrganizationId, Failure> {
        let store = &self.hallpass.store;
        if let Some(found) = store.organization_by_external_id(&named.id).await? {
            if let Some(name) = named.name.as_ref().filter(|name| **name != found.name) {
                self.renamed.push((found.id, name.clone()));
            }
            return Ok(found.id);
        }
        // Introspection names an organization by either. The API could not tell the two apart.
        if store.organization_by_slug(&named.id).await?.is_some() {
            let text = "another organization of this server has this name in addresses";
            return Err(Failure::member(&format!("{path}.id"), text));
        }
        let organization = Organization {
            id: OrganizationId(random::uuid(self.now)),
            slug: format!("org-{}", random::alphanumeric(SLUG).to_lowercase()),
            external_id: Some(named.id.clone()),
            name: named.name.clone().unwrap_or_else(|| named.id.clone()),
            kind: OrganizationKind::Live,
            hidden: false,
            status: Status::Active,
            created: self.now,
            unknown: None,
        };
        let id = organization.id;
        self.organizations.push(organization);
        Ok(id)
    }

    async fn default_organization(&self) -> Result<Organization, Failure> {
        let slug = &self.hallpass.config.defaults.organization;
        let found = self.hallpass.store.organization_by_slug(slug).await?;
        found.ok_or_else(|| StoreError::Unavailable("the default organization is missing".to_owned()).into())
    }

    /// The role that the site gives. A word that it may not give, or that has no meaning here, becomes `member`.
    fn role(&self, named: &Named, before: Option<Role>) -> Role {
        let Some(word) = &named.role else {
            return before.unwrap_or(Role::Member);
        };
        let role = Role::from_text(word).filter(|role| self.site.roles.contains(role));
        if role.is_none() && word != Role::Member.as_str() {
            tracing::info!(organization = ?named.id, role = ?word, "the site gave a role that handover.roles does not name: member");
        }
        role.unwrap_or(Role::Member)
    }

    /// The organizations that the person leaves, because the whole list was sent without them. Organizations that the operator
    /// made stay, the default one excepted.
    async fn left(
        &self,
        organizations: &Organizations,
        memberships: &[Membership],
        user: Option<&User>,
    ) -> Result<Vec<OrganizationId>, Failure> {
        let (Organizations::All(_), Some(user)) = (organizations, user) else {
            return Ok(Vec::new());
        };
        let default = &self.hallpass.config.defaults.organization;
        let belongs = self.hallpass.store.organizations_of(user.id).await?.into_iter();
        let of_site = belongs.filter(|(one, _)| one.external_id.is_some() || one.slug == *default);
        let named = |id| memberships.iter().any(|membership| membership.organization == id);
        Ok(of_site.map(|(one, _)| one.id).filter(|id| !named(*id)).collect())
    }

    fn change(
        self,
        person: &SitePerson,
        user: Option<&User>,
        record: Option<SiteRecord>,
        (mut memberships, left): (Vec<Membership>, Vec<OrganizationId>),
    ) -> SiteChange {
        memberships.retain(|membership| role_before(user, membership.organization) != Some(membership.role));
        let mut person = person.clone();
        let (new, event) = match user {
            None => {
                let new = new_user(&person, self.now);
                let event = self.who.did(AuditAction::UserCreated, self.now).user(new.id);
                (Some(new), Some(event.after(&person)))
            }
            Some(user) => {
                judge_verified(&mut person, user);
                let event = self.who.did(AuditAction::UserChanged, self.now).user(user.id);
                (None, event.change(&with_record(user, record), &person).if_different())
            }
        };
        let id = match (user, &new) {
            (Some(user), _) => user.id,
            (None, Some(new)) => new.id,
            (None, None) => UserId(random::uuid(self.now)),
        };
        let differs = event.is_some();
        let mut events: Vec<_> = event.into_iter().collect();
        let made = self.organizations.iter().map(|one| {
            let event = self.who.did(AuditAction::OrganizationCreated, self.now);
            event.organization(one.id).after(one)
        });
        events.extend(made);
        let renamed = self.renamed.iter().map(|(id, name)| {
            let event = self.who.did(AuditAction::OrganizationChanged, self.now);
            event.organization(*id).after(&json!({ "name": name }))
        });
        events.extend(renamed);
        let begun = memberships.iter().map(|one| {
            let event = self.who.did(AuditAction::MemberSet, self.now).user(id);
            event.organization(one.organization).after(&json!({ "role": one.role }))
        });
        events.extend(begun);
        let ended = left.iter().map(|organization| {
            let event = self.who.did(AuditAction::MemberRemoved, self.now).user(id);
            event.organization(*organization)
        });
        events.extend(ended);
        SiteChange {
            user: id,
            version: record.map_or(0, |record| record.version),
            new,
            person,
            differs,
            organizations: self.organizations,
            renamed: self.renamed,
            memberships,
            left,
            events,
            now: self.now,
        }
    }
}

/// The random letters of a new organization's name in addresses: nobody guesses one, and none is an id of the site.
const SLUG: usize = 12;

fn role_before(user: Option<&User>, organization: OrganizationId) -> Option<Role> {
    let mut memberships = user?.memberships.iter();
    let membership = memberships.find(|membership| membership.organization == organization)?;
    Some(membership.role)
}

/// A new address is unverified until the site says otherwise.
fn judge_verified(person: &mut SitePerson, user: &User) {
    let is_new = person
        .contact_email
        .as_ref()
        .is_some_and(|email| *email != user.contact_email);
    let is_gone = person.contact_email == Some(None);
    if is_gone || is_new && person.email_verified.is_none() {
        person.email_verified = Some(false);
    }
}

/// The person as the audit log has them, with what is kept beside.
fn with_record(user: &User, record: Option<SiteRecord>) -> Value {
    let mut object = serde_json::to_value(user).unwrap_or_default();
    object["email_verified"] = record.is_some_and(|record| record.email_verified).into();
    object
}

fn new_user(person: &SitePerson, now: Instant) -> NewUser {
    let email = person.contact_email.clone().flatten();
    let name = person.name.clone();
    NewUser {
        id: UserId(random::uuid(now)),
        email: None,
        external_id: Some(person.external_id.clone()),
        name: name
            .or_else(|| email.clone())
            .unwrap_or_else(|| person.external_id.clone()),
        contact_email: email,
        password: None,
        locale: person.locale.clone().flatten(),
        admin: false,
        developer: false,
        created: now,
        memberships: Vec::new(),
    }
}
