//! People of the site. Its messages alone create, change and delete them.

use super::{changed, sessions};
use crate::store::engine::writer::work::Write;
use crate::store::model::{
    Acceptance, AuditEvent, Membership, NewChange, NewUser, Organization, OrganizationId, Role, SitePerson, SiteRecord,
    UserId,
};
use crate::store::organizations::{self, memberships};
use crate::store::rows::first;
use crate::store::value::{Statement, Value};
use crate::store::{Result, Store, audit};
use crate::time::Instant;

/// Everything that one message of the site changes. It is one commit.
pub struct SiteChange {
    /// The person.
    pub user: UserId,
    /// How many messages of the site had been applied when this change was planned.
    pub version: i64,
    /// The person to make, if there is none with this subject.
    pub new: Option<NewUser>,
    /// The description.
    pub person: SitePerson,
    /// Whether anything that others see of the person changes.
    pub differs: bool,
    /// Organizations to make.
    pub organizations: Vec<Organization>,
    /// Organizations that get another name.
    pub renamed: Vec<(OrganizationId, String)>,
    /// Memberships that begin, or get another role.
    pub memberships: Vec<Membership>,
    /// Organizations that the person leaves.
    pub left: Vec<OrganizationId>,
    /// The events of the audit log.
    pub events: Vec<AuditEvent>,
    /// The present moment.
    pub now: Instant,
}

impl Store {
    /// What is kept about a site's person beside the person.
    pub async fn site_record(&self, subject: &str) -> Result<Option<SiteRecord>> {
        first(self.read(SITE_RECORD, &[subject.into()]).await?, |row| {
            Ok(SiteRecord {
                email_verified: row.take()?,
                as_of: row.take()?,
                version: row.take()?,
            })
        })
    }

    /// The moment up to which the site's word about a deleted person is known. `None`: nobody with this subject was deleted.
    pub async fn deleted_as_of(&self, subject: &str) -> Result<Option<Instant>> {
        first(self.read(DELETED_AS_OF, &[subject.into()]).await?, |row| row.take())
    }

    /// Applies a message of the site. [`StoreError::Conflict`](crate::store::StoreError::Conflict) or
    /// [`StoreError::Taken`](crate::store::StoreError::Taken): something changed since the caller read it.
    pub async fn apply_site_change(&self, change: SiteChange) -> Result<()> {
        let (statements, announce) = change.parts();
        let write = Write {
            statements,
            announce,
            ..Write::default()
        };
        self.write_with(write).await.map(drop)
    }

    /// The same, in one commit with the answer to a sign-in. Returns the answer that counts.
    pub async fn accept_person(&self, acceptance: &Acceptance, change: SiteChange) -> Result<Acceptance> {
        let (statements, announce) = change.parts();
        self.accept_with(acceptance, statements, announce).await
    }

    /// Signs a person out in every browser. Answers to sign-ins that the site gave before are worthless.
    pub async fn sign_out_everywhere(&self, user: UserId, now: Instant) -> Result<()> {
        let signed_out = Statement::new(SIGNED_OUT, vec![now.into(), user.into()]);
        self.write(vec![signed_out, sessions::delete_of(user)]).await
    }

    /// Ends a membership by the site's word, which counts as of now.
    pub async fn leave_by_site(&self, user: UserId, organization: OrganizationId, now: Instant) -> Result<()> {
        let statements = vec![
            Statement::new(LATER_WORD, vec![now.into(), user.into()]).expect_one(),
            memberships::owner_leaves(user, organization, now),
            memberships::end(user, organization, now),
        ];
        self.write_announcing(statements, memberships::changed(user, organization, now))
            .await
    }
}

impl SiteChange {
    fn parts(self) -> (Vec<Statement>, Vec<NewChange>) {
        let (user, now) = (self.user, self.now);
        let mut statements = Vec::new();
        let mut announce = Vec::new();
        if let Some(new) = &self.new {
            let unbury = vec![self.person.external_id.as_str().into(), self.person.as_of.into()];
            statements.push(Statement::new(UNBURY, unbury));
            statements.extend(super::inserts(new));
        }
        statements.push(Statement::new(DESCRIBE, describe_params(user, &self.person, self.version)).expect_one());
        if self.differs || self.new.is_some() {
            announce.push(changed(user, now));
        }
        for organization in &self.organizations {
            statements.push(organizations::insert(organization));
            announce.push(organizations::changed(organization.id, now));
        }
        for (organization, name) in &self.renamed {
            statements.push(organizations::rename(*organization, name));
            announce.push(organizations::changed(*organization, now));
        }
        let demoted = self.memberships.iter().filter(|one| one.role != Role::Owner);
        let mut leaving: Vec<OrganizationId> = demoted
            .map(|one| one.organization)
            .chain(self.left.iter().copied())
            .collect();
        leaving.sort_unstable();
        statements.extend(leaving.into_iter().map(|one| memberships::owner_leaves(user, one, now)));
        for membership in &self.memberships {
            statements.push(memberships::put(user, membership));
            announce.push(memberships::changed(user, membership.organization, now));
        }
        for &organization in &self.left {
            statements.push(memberships::end(user, organization, now));
            announce.push(memberships::changed(user, organization, now));
        }
        let events = self.events.iter();
        statements.extend(events.map(|event| Statement::new(audit::INSERT, audit::insert_params(event))));
        (statements, announce)
    }
}

const SITE_RECORD: &str = "SELECT email_verified, as_of, site_version FROM users WHERE external_id = $1";

const DELETED_AS_OF: &str = "SELECT as_of FROM deleted_subjects WHERE external_id = $1";

/// A message that is older than the deletion leaves it, and the insertion then finds the subject taken.
const UNBURY: &str = "DELETE FROM deleted_subjects WHERE external_id = $1 AND as_of <= $2";

/// The site's word does not reach people who operate the server. A change that was planned before another one was applied is
/// planned again.
const DESCRIBE: &str = "UPDATE users SET contact_email = CASE WHEN $1 = 1 THEN $2 ELSE contact_email END, \
     email_verified = COALESCE($3, email_verified), name = COALESCE($4, name), \
     locale = CASE WHEN $5 = 1 THEN $6 ELSE locale END, as_of = $7, site_version = site_version + 1 \
     WHERE id = $8 AND external_id = $9 AND admin = 0 AND site_version = $10";

const SIGNED_OUT: &str = "UPDATE users SET signed_out = $1 WHERE id = $2";

const LATER_WORD: &str = "UPDATE users SET as_of = CASE WHEN as_of > $1 THEN as_of ELSE $1 END, \
     site_version = site_version + 1 WHERE id = $2";

fn describe_params(user: UserId, person: &SitePerson, version: i64) -> Vec<Value> {
    vec![
        person.contact_email.is_some().into(),
        person.contact_email.clone().flatten().into(),
        person.email_verified.into(),
        person.name.as_deref().into(),
        person.locale.is_some().into(),
        person.locale.clone().flatten().into(),
        person.as_of.into(),
        user.into(),
        person.external_id.as_str().into(),
        version.into(),
    ]
}
