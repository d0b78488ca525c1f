//! Who changes what: makes the events that the audit log keeps.
//!
//! An event goes along with the change that it records ([`crate::store::Store::recording`]). It names people, apps and
//! organizations by their ids and shows what was changed, before and after. Whatever must not be read in it (passwords,
//! secrets, their hashes) is left out where the nouns are serialized (`store/model`).

use crate::random;
use crate::store::model::{
    App, AppId, AuditAction, AuditEvent, AuditEventId, EndReason, Grant, OrganizationId, Others, SecretId, User, UserId,
};
use crate::time::Instant;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt;
use std::net::IpAddr;

/// Who makes a change, and from where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Who {
    actor: Actor,
    source: Option<IpAddr>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Actor {
    /// Whoever may open the admin socket: the user of the operating system, where the kernel says who it is.
    Operator(Option<u32>),
    User(UserId),
    /// By client id.
    App(String),
    /// The server itself: what is declared, what is due.
    Server,
}

impl Who {
    /// The operator at the admin socket, by the number of their account in the operating system.
    #[must_use]
    pub fn operator(account: Option<u32>) -> Self {
        Self::of(Actor::Operator(account), None)
    }

    /// A person in a browser.
    #[must_use]
    pub fn user(id: UserId, source: IpAddr) -> Self {
        Self::of(Actor::User(id), Some(source))
    }

    /// An app that has authenticated.
    #[must_use]
    pub fn app(client_id: &str, source: IpAddr) -> Self {
        Self::of(Actor::App(client_id.to_owned()), Some(source))
    }

    /// The server, by its configuration or by the clock.
    #[must_use]
    pub fn server() -> Self {
        Self::of(Actor::Server, None)
    }

    /// A grant ended; the store says whose it was.
    #[must_use]
    pub fn ended(&self, reason: EndReason, now: Instant) -> AuditEvent {
        self.did(AuditAction::GrantEnded, now)
            .detail(&json!({ "reason": reason }))
    }

    /// An app gets a secret, and its others go on or end.
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

    /// One of an app's secrets ends.
    #[must_use]
    pub fn ended_secret(&self, app: &App, secret: SecretId, now: Instant) -> AuditEvent {
        let event = self.did(AuditAction::AppSecretEnded, now).app(app);
        event.detail(&json!({ "secret": secret }))
    }

    fn of(actor: Actor, source: Option<IpAddr>) -> Self {
        Self { actor, source }
    }

    /// An event that says only who, what and when.
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
            Self::Server => f.write_str("server"),
        }
    }
}

impl AuditEvent {
    /// The app concerned, and the organization that it belongs to.
    #[must_use]
    pub fn app(mut self, app: &App) -> Self {
        self.app = Some(app.id);
        self.organization(app.organization)
    }

    /// The person concerned.
    #[must_use]
    pub fn user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// The organization concerned.
    #[must_use]
    pub fn organization(mut self, organization: OrganizationId) -> Self {
        self.organization = Some(organization);
        self
    }

    /// A person's connection to an app in an organization.
    #[must_use]
    pub fn connection(mut self, user: UserId, app: AppId, organization: OrganizationId) -> Self {
        self.app = Some(app);
        self.user(user).organization(organization)
    }

    /// A person in an organization, with the role that they have there until now.
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

    /// The grant concerned, and whose it is.
    #[must_use]
    pub fn grant(mut self, grant: &Grant) -> Self {
        self.grant = Some(grant.id);
        self.connection(grant.user, grant.app, grant.organization)
    }

    /// The object as it was, all of it: it is deleted.
    #[must_use]
    pub fn before(mut self, object: &impl Serialize) -> Self {
        self.before = text(members(object));
        self
    }

    /// The object as it is, all of it: it is new.
    #[must_use]
    pub fn after(mut self, object: &impl Serialize) -> Self {
        self.after = text(members(object));
        self
    }

    /// What an update makes different about an object: those members, as they were and as they are.
    #[must_use]
    pub fn change(mut self, object: &impl Serialize, update: &impl Serialize) -> Self {
        let (object, mut after) = (members(object), members(update));
        after.retain(|name, value| object.get(name) != Some(value));
        let before = object.into_iter().filter(|(name, _)| after.contains_key(name));
        self.before = text(before.collect());
        self.after = text(after);
        self
    }

    /// The event, unless the change makes nothing different: what is set to what it is already is no event.
    #[must_use]
    pub fn if_different(self) -> Option<Self> {
        let says_nothing = self.detail.is_none() && self.before == self.after;
        (!says_nothing).then_some(self)
    }

    /// More about it.
    #[must_use]
    pub fn detail(mut self, detail: &impl Serialize) -> Self {
        self.detail = text(members(detail));
        self
    }
}

/// The members of what is an object; a value that cannot be written has none.
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

    /// Programs read the words, so none may be there that is not documented.
    #[test]
    fn every_action_is_in_the_guide() {
        let guide = include_str!("../../../docs/guide/audit-log.md");
        for action in AuditAction::ALL {
            assert!(guide.contains(&format!("`{action}`")), "{action}");
        }
    }
}
