//! Makes the events of the audit log: who changed what.
//!
//! An event is written together with the change that it records ([`crate::store::Store::recording`]). It names people, apps
//! and organizations by their ids, and holds the changed members before and after. Secret members (passwords, secrets,
//! their hashes) are left out when the objects are serialized (`store/model`).

use crate::random;
use crate::store::model::{
    App, AppId, AuditAction, AuditEvent, AuditEventId, EndReason, Grant, OrganizationId, Others, SecretId, User, UserId,
};
use crate::time::Instant;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt;
use std::net::IpAddr;

/// Who makes a change, and from which source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who {
    actor: Actor,
    source: Option<IpAddr>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Actor {
    /// Anyone who can open the admin socket, with the user id if the kernel reports it.
    Operator(Option<u32>),
    User(UserId),
    /// The client ID of the app.
    App(String),
    /// Somebody who is not signed in.
    Nobody,
    /// The site that signs people in.
    Site,
    /// The server itself, for declared objects and for expiry.
    Server,
}

impl Who {
    /// The operator at the admin socket, with the user id of the operating system.
    #[must_use]
    pub fn operator(account: Option<u32>) -> Self {
        Self::of(Actor::Operator(account), None)
    }

    /// A person in a browser.
    #[must_use]
    pub fn user(id: UserId, source: IpAddr) -> Self {
        Self::of(Actor::User(id), Some(source))
    }

    /// An authenticated app.
    #[must_use]
    pub fn app(client_id: &str, source: IpAddr) -> Self {
        Self::of(Actor::App(client_id.to_owned()), Some(source))
    }

    /// The site that signs people in.
    #[must_use]
    pub fn site(source: IpAddr) -> Self {
        Self::of(Actor::Site, Some(source))
    }

    /// Somebody in a browser who is not signed in.
    #[must_use]
    pub fn nobody(source: IpAddr) -> Self {
        Self::of(Actor::Nobody, Some(source))
    }

    /// The server itself, for declared objects and for expiry.
    #[must_use]
    pub fn server() -> Self {
        Self::of(Actor::Server, None)
    }

    /// The event that a grant ended. The store adds whose grant it was.
    #[must_use]
    pub fn ended(&self, reason: EndReason, now: Instant) -> AuditEvent {
        self.did(AuditAction::GrantEnded, now)
            .detail(&json!({ "reason": reason }))
    }

    /// The event that an app got a secret, with what happens to its other secrets.
    #[must_use]
    pub fn set_secret(&self, app: &App, secret: SecretId, others: Others, now: Instant) -> AuditEvent {
        let secret_alone = json!({ "secret": secret });
        let (action, detail) = match others {
            Others::Keep => (AuditAction::AppSecretAdded, secret_alone),
            Others::End => (AuditAction::AppSecretReset, secret_alone),
            Others::EndAt(end) => {
                let overlap = json!({ "secret": secret, "overlap_seconds": end.since(now).as_secs() });
                (AuditAction::AppSecretReset, overlap)
            }
        };
        self.did(action, now).app(app).detail(&detail)
    }

    /// The event that one secret of an app ended.
    #[must_use]
    pub fn ended_secret(&self, app: &App, secret: SecretId, now: Instant) -> AuditEvent {
        let event = self.did(AuditAction::AppSecretEnded, now).app(app);
        event.detail(&json!({ "secret": secret }))
    }

    fn of(actor: Actor, source: Option<IpAddr>) -> Self {
        Self { actor, source }
    }

    /// An event with only the actor, the action and the moment.
    #[must_use]
    pub fn did(&self, action: AuditAction, now: Instant) -> AuditEvent {
        AuditEvent {
            id: AuditEventId(random::uuid(now)),
            at: now,
            actor: self.actor.to_string(),
            action: action.as_str().to_owned(),
            app: None,
            user: None,
            organization: None,
            grant: None,
            source: self.source.map(|source| source.to_canonical().to_string()),
            before: None,
            after: None,
            detail: None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(Some(account)) => write!(f, "operator:{account}"),
            Self::Operator(None) => f.write_str("operator"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::App(client_id) => write!(f, "app:{client_id}"),
            Self::Nobody => f.write_str("nobody"),
            Self::Site => f.write_str("site"),
            Self::Server => f.write_str("server"),
        }
    }
}

impl AuditEvent {
    /// Adds the app, and the organization that the app belongs to.
    #[must_use]
    pub fn app(mut self, app: &App) -> Self {
        self.app = Some(app.id);
        self.organization(app.organization)
    }

    /// Adds the person.
    #[must_use]
    pub fn user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// Adds the organization.
    #[must_use]
    pub fn organization(mut self, organization: OrganizationId) -> Self {
        self.organization = Some(organization);
        self
    }

    /// Adds a person's connection to an app in an organization.
    #[must_use]
    pub fn connection(mut self, user: UserId, app: AppId, organization: OrganizationId) -> Self {
        self.app = Some(app);
        self.user(user).organization(organization)
    }

    /// Adds a person in an organization, with the person's role before the change.
    #[must_use]
    pub fn member(self, user: &User, organization: OrganizationId) -> Self {
        let mut memberships = user.memberships.iter();
        let membership = memberships.find(|membership| membership.organization == organization);
        let event = self.user(user.id).organization(organization);
        match membership {
            Some(membership) => event.before(&json!({ "role": membership.role })),
            None => event,
        }
    }

    /// Adds the grant, and whose it is.
    #[must_use]
    pub fn grant(mut self, grant: &Grant) -> Self {
        self.grant = Some(grant.id);
        self.connection(grant.user, grant.app, grant.organization)
    }

    /// Adds the whole object as it was, for a deletion.
    #[must_use]
    pub fn before(mut self, object: &impl Serialize) -> Self {
        self.before = text(members(object));
        self
    }

    /// Adds the whole object as it is now, for a creation.
    #[must_use]
    pub fn after(mut self, object: &impl Serialize) -> Self {
        self.after = text(members(object));
        self
    }

    /// Adds the members that an update changes, with their values before and after.
    #[must_use]
    pub fn change(mut self, object: &impl Serialize, update: &impl Serialize) -> Self {
        let (object, mut after) = (members(object), members(update));
        after.retain(|name, value| object.get(name) != Some(value));
        let before = object.into_iter().filter(|(name, _)| after.contains_key(name));
        self.before = text(before.collect());
        self.after = text(after);
        self
    }

    /// The event, or `None` if the change makes no difference.
    #[must_use]
    pub fn if_different(self) -> Option<Self> {
        let says_nothing = self.detail.is_none() && self.before == self.after;
        (!says_nothing).then_some(self)
    }

    /// Adds more data.
    #[must_use]
    pub fn detail(mut self, detail: &impl Serialize) -> Self {
        self.detail = text(members(detail));
        self
    }
}

/// The members of an object. Empty for a value that is not an object.
fn members(object: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(object) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

fn text(members: Map<String, Value>) -> Option<String> {
    (!members.is_empty()).then(|| Value::Object(members).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs read these words, so each one must be documented.
    #[test]
    fn every_action_is_in_the_guide() {
        let guide = include_str!("../../../docs/guide/audit-log.md");
        for action in AuditAction::ALL {
            assert!(guide.contains(&format!("`{action}`")), "{action}");
        }
    }
}
