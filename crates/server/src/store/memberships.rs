//! Who belongs to which organization.

use super::batch::Write;
use super::grants::ends_of_membership;
use super::model::{ChangeKind, EndReason, GrantId, Membership, NewChange, OrganizationId, Role, UserId};
use super::value::{Row, Statement};
use super::{Result, Store, all};
use crate::time::Instant;

impl Store {
    /// Makes a person a member, or gives a member another role.
    pub async fn add_membership(&self, user: UserId, membership: Membership, now: Instant) -> Result<()> {
        let statements = vec![put(user, &membership)];
        self.write_announcing(statements, changed(user, membership.organization, now))
            .await
    }

    /// Takes a person out of an organization, and ends the grants that they gave there; answers those.
    pub async fn remove_membership(
        &self,
        user: UserId,
        organization: OrganizationId,
        now: Instant,
    ) -> Result<Vec<GrantId>> {
        let statements = vec![Statement::new(DELETE, vec![user.into(), organization.into()])];
        let announce = vec![changed(user, organization, now)];
        let ends = Some(ends_of_membership(user, organization, EndReason::MembershipEnded, now));
        self.write_with(Write {
            statements,
            announce,
            ends,
            ended: vec![],
        })
        .await
    }

    /// The members of an organization, in the order of their making.
    pub async fn members_of(&self, organization: OrganizationId) -> Result<Vec<(UserId, Role)>> {
        let rows = self.scan(OF_ORGANIZATION, vec![organization.into()]).await?;
        all(rows, |row| Ok((row.take()?, row.take()?)))
    }
}

/// A person's memberships.
pub(super) const OF_USER: &str =
    "SELECT organization_id, role FROM memberships WHERE user_id = $1 ORDER BY organization_id";

const OF_ORGANIZATION: &str = "SELECT memberships.user_id, memberships.role FROM memberships \
     JOIN users ON users.id = memberships.user_id WHERE memberships.organization_id = $1 ORDER BY users.number";

const PUT: &str = "INSERT INTO memberships (user_id, organization_id, role) VALUES ($1, $2, $3) \
     ON CONFLICT (user_id, organization_id) DO UPDATE SET role = excluded.role";

const DELETE: &str = "DELETE FROM memberships WHERE user_id = $1 AND organization_id = $2";

/// Makes a membership as it is to be.
pub(super) fn put(user: UserId, membership: &Membership) -> Statement {
    let params = vec![user.into(), membership.organization.into(), membership.role.into()];
    Statement::new(PUT, params)
}

fn changed(user: UserId, organization: OrganizationId, now: Instant) -> NewChange {
    let subject = [user.0.as_bytes().as_slice(), organization.0.as_bytes()].concat();
    NewChange::about(ChangeKind::Membership, &subject, now)
}

/// A membership from the columns of [`OF_USER`].
pub(super) fn membership_of(row: &mut Row) -> Result<Membership> {
    Ok(Membership {
        organization: row.take()?,
        role: row.take()?,
    })
}
