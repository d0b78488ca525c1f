//! Who belongs to which organization.

use super::organization_of;
use crate::store::engine::writer::work::{Ends, Write};
use crate::store::model::{
    ChangeKind, EndReason, ListPage, Member, Membership, NewChange, Organization, OrganizationId, Role, UserId,
};
use crate::store::rows::{more_than, page, readable};
use crate::store::value::{Row, Statement};
use crate::store::{Result, Store};
use crate::time::Instant;
use std::time::Duration;
use uuid::Uuid;

/// How long the grants of an ended membership are paused before they end: a person who comes back in time has them again.
const ENDED_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Store {
    /// The members of an organization by id, which is the order in which they were made.
    pub async fn members(
        &self,
        organization: OrganizationId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<ListPage<Member, UserId>> {
        let after = after.unwrap_or(UserId(Uuid::nil()));
        let params = vec![organization.into(), after.into(), more_than(limit)];
        page(self.scan(MEMBERS, params).await?, limit, member_of)
    }

    /// The organizations of a person, and their role in each.
    pub async fn organizations_of(&self, user: UserId) -> Result<Vec<(Organization, Role)>> {
        let rows = self.read(ORGANIZATIONS_OF, &[user.into()]).await?;
        let belongs = readable(rows, |row| Ok((organization_of(row)?, row.take::<String>()?)));
        // A role that this version does not know gives no rights.
        let known = belongs.into_iter();
        Ok(known
            .filter_map(|(organization, word)| Some((organization, Role::from_text(&word)?)))
            .collect())
    }

    /// Makes a person a member, or gives a member another role. The grants of a person who comes back are active
    /// again.
    pub async fn add_membership(&self, user: UserId, membership: Membership, now: Instant) -> Result<()> {
        let mut statements = Vec::with_capacity(2);
        if membership.role != Role::Owner {
            statements.push(owner_leaves(user, membership.organization, now));
        }
        statements.push(put(user, &membership));
        self.write_announcing(statements, changed(user, membership.organization, now))
            .await
    }

    /// Ends a membership. The grants that the person gave there are paused; the sweep ends them after 30 days.
    pub async fn remove_membership(&self, user: UserId, organization: OrganizationId, now: Instant) -> Result<()> {
        let statements = vec![owner_leaves(user, organization, now), end(user, organization, now)];
        self.write_announcing(statements, changed(user, organization, now))
            .await
    }
}

pub(crate) const MEMBERS: &str = "SELECT m.user_id, m.user_id, m.role, users.name, \
     COALESCE(users.email, users.contact_email, users.external_id, CAST(users.number AS TEXT)) \
     FROM memberships AS m JOIN users ON users.id = m.user_id \
     WHERE m.organization_id = $1 AND m.user_id > $2 AND m.ended_at IS NULL ORDER BY m.user_id LIMIT $3";

pub(crate) const ORGANIZATIONS_OF: &str = "SELECT o.id, o.slug, o.external_id, o.name, o.kind, o.hidden, o.status, o.created, o.partner_apps, m.role \
     FROM memberships AS m JOIN organizations AS o ON o.id = m.organization_id \
     WHERE m.user_id = $1 AND m.ended_at IS NULL ORDER BY m.organization_id";

const PUT: &str = "INSERT INTO memberships (user_id, organization_id, role) VALUES ($1, $2, $3) \
     ON CONFLICT (user_id, organization_id) DO UPDATE SET role = excluded.role, ended_at = NULL";

const END: &str =
    "UPDATE memberships SET ended_at = $1 WHERE user_id = $2 AND organization_id = $3 AND ended_at IS NULL";

/// Before an owner leaves or gets another role. Of owners who leave at once, each writes the moment.
const OWNER_LEAVES: &str = "UPDATE organizations SET owned_until = $1 WHERE id = $2 AND EXISTS \
     (SELECT 1 FROM memberships WHERE memberships.organization_id = organizations.id AND memberships.user_id = $3 \
     AND memberships.role = 'owner' AND memberships.ended_at IS NULL)";

/// Ended memberships without grants to end. A grant of an organization (`acts_as`) does not depend on the person who made
/// it. The moment is asked twice: if the person comes back meanwhile, PostgreSQL checks again only the row itself.
pub(crate) const DELETE_ENDED: &str = "DELETE FROM memberships WHERE ended_at <= $1 AND (user_id, organization_id) IN \
     (SELECT m.user_id, m.organization_id FROM memberships AS m WHERE m.ended_at <= $1 AND NOT EXISTS (SELECT 1 FROM grants AS g \
     WHERE g.user_id = m.user_id AND g.organization_id = m.organization_id AND g.state < 2 AND g.acts_as IS NULL) \
     ORDER BY m.ended_at LIMIT $2)";

/// The first ended membership whose grants are to end.
pub(crate) const LONGEST_ENDED: &str =
    "SELECT user_id, organization_id FROM memberships WHERE ended_at <= $1 ORDER BY ended_at LIMIT 1";

/// Repeats the condition that the membership has ended: the person may come back between two commits.
const LIVE_OF_ENDED: &str = "SELECT g.id FROM grants AS g WHERE g.user_id = $1 AND g.organization_id = $2 AND g.state < 2 \
     AND g.acts_as IS NULL AND EXISTS (SELECT 1 FROM memberships AS m \
     WHERE m.user_id = g.user_id AND m.organization_id = g.organization_id AND m.ended_at <= $3) \
     AND g.id > $4 ORDER BY g.id LIMIT $5";

/// The sweep at `now` treats memberships that ended by this moment.
pub(crate) fn ended_by(now: Instant) -> Instant {
    Instant(
        now.0
            .saturating_sub(i64::try_from(ENDED_KEPT.as_millis()).unwrap_or(i64::MAX)),
    )
}

/// Ends the grants of the membership in a row of [`LONGEST_ENDED`].
pub(crate) fn ends_of(row: &mut Row, now: Instant) -> Result<Write> {
    let (user, organization): (UserId, OrganizationId) = (row.take()?, row.take()?);
    let params = vec![user.into(), organization.into(), ended_by(now).into()];
    Ok(Write {
        ends: Some(Ends::new(LIVE_OF_ENDED, params, EndReason::MembershipEnded, now)),
        ..Write::default()
    })
}

/// Inserts or updates a membership.
pub(crate) fn put(user: UserId, membership: &Membership) -> Statement {
    let params = vec![user.into(), membership.organization.into(), membership.role.into()];
    Statement::new(PUT, params)
}

/// Ends a membership, if it has not ended.
pub(crate) fn end(user: UserId, organization: OrganizationId, now: Instant) -> Statement {
    Statement::new(END, vec![now.into(), user.into(), organization.into()])
}

/// Notes that an owner leaves, if the person is one. It comes before the change of the membership, and where one write changes
/// several, in the order of the organizations: no two writes wait for each other in a circle.
pub(crate) fn owner_leaves(user: UserId, organization: OrganizationId, now: Instant) -> Statement {
    Statement::new(OWNER_LEAVES, vec![now.into(), organization.into(), user.into()])
}

pub(crate) fn changed(user: UserId, organization: OrganizationId, now: Instant) -> NewChange {
    let subject = [user.0.as_bytes().as_slice(), organization.0.as_bytes()].concat();
    NewChange::about(ChangeKind::Membership, &subject, now)
}

/// A membership from the columns joined to a person. `None`: there is none, or its role is unknown to this version and
/// gives no rights.
pub(crate) fn joined(row: &mut Row) -> Result<Option<Membership>> {
    let (organization, word): (Option<OrganizationId>, Option<String>) = (row.take()?, row.take()?);
    let role = word.as_deref().and_then(Role::from_text);
    Ok(organization
        .zip(role)
        .map(|(organization, role)| Membership { organization, role }))
}

fn member_of(row: &mut Row) -> Result<Member> {
    let user = row.take()?;
    let word: String = row.take()?;
    let role = Role::from_text(&word);
    Ok(Member {
        user,
        role,
        word,
        name: row.take()?,
        label: row.take()?,
    })
}
