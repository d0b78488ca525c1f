//! Checks whether app, person, membership and organization allow a grant to act now. If one does not, the grant is paused: it is
//! refused everywhere at once, and works again as soon as all of them allow it (decision 42).

use super::{Reason, Refusal};
use crate::directory::Client;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{ActsAs, Grant, GrantState, OrganizationId, Ownership, Role, Status, User};
use crate::time::Instant;
use hallpass_wire::{ErrorCode, Pause, PublicError};
use std::time::Duration;

/// How long an organization's own grants go on after its last owner left.
const WITHOUT_OWNER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why neither the grant nor the app may be used, apart from the life of the grant itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StandingReason {
    /// The grant, or the app itself, may not act now. Nothing has ended.
    #[error("{0}")]
    Paused(Pause),
    /// The person was deleted, and with them the grant.
    #[error("the person who allowed this was deleted")]
    ResourceOwnerGone,
}

impl Reason for StandingReason {
    fn word(&self) -> &'static str {
        match self {
            Self::Paused(pause) => pause.word(),
            Self::ResourceOwnerGone => "resource_owner_gone",
        }
    }

    fn public(&self) -> PublicError {
        match self {
            Self::Paused(pause) => PublicError::Paused(*pause),
            Self::ResourceOwnerGone => {
                PublicError::Plain(ErrorCode::InvalidGrant, "The person who gave this grant was deleted")
            }
        }
    }
}

impl Client {
    /// Refuses an app that is not live. Such an app can still authenticate, because `invalid_client` and `unauthorized_client`
    /// make clients discard their registration.
    ///
    /// # Errors
    /// [`StandingReason::Paused`].
    pub fn check_live(&self) -> Result<(), StandingReason> {
        if self.is_live() {
            Ok(())
        } else {
            Err(StandingReason::Paused(Pause::AppSuspended))
        }
    }
}

/// Refuses a grant with a word that this version does not know. The row stays as it is, for the version that knows the word.
///
/// # Errors
/// [`StandingReason::Paused`]. Clients would discard tokens that are called invalid.
pub(crate) fn check_known(grant: &Grant) -> Result<(), StandingReason> {
    match &grant.unknown {
        // A grant that has ended has ended, whatever its other words are.
        Some(unknown) if grant.state != GrantState::Ended || unknown.column == "state" => {
            tracing::warn!(grant = %grant.id, %unknown, "a grant is disabled: this version does not know a word of it");
            Err(StandingReason::Paused(Pause::OrganizationPolicy))
        }
        _ => Ok(()),
    }
}

impl Hallpass {
    /// Why this person may not act in this organization through this app. `None` if app, person, membership and organization
    /// allow it.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn pause(
        &self,
        user: &User,
        organization: OrganizationId,
        client: &Client,
    ) -> Result<Option<Pause>, StoreError> {
        if !client.is_live() {
            return Ok(Some(Pause::AppSuspended));
        }
        if user.status != Status::Active {
            return Ok(Some(Pause::PersonSuspended));
        }
        let mut memberships = user.memberships.iter();
        if !memberships.any(|membership| membership.organization == organization) {
            return Ok(Some(Pause::NotAMember));
        }
        let found = self.directory.organization(organization).await?;
        let active = found.is_some_and(|found| found.status == Status::Active);
        let allowed = active && client.reaches(organization);
        Ok((!allowed).then_some(Pause::OrganizationPolicy))
    }

    /// Why this organization's own grants may not act through this app now. Who set one up plays no part: the organization must
    /// have an owner, or have had one in the last 30 days.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn pause_of_organization(
        &self,
        organization: OrganizationId,
        client: &Client,
        now: Instant,
    ) -> Result<Option<Pause>, StoreError> {
        if !client.is_live() {
            return Ok(Some(Pause::AppSuspended));
        }
        let found = self.directory.organization(organization).await?;
        // The hidden default organization has no owners.
        let active = found.is_some_and(|found| found.status == Status::Active && !found.hidden);
        if !active || !client.reaches(organization) {
            return Ok(Some(Pause::OrganizationPolicy));
        }
        let ownership = self.directory.ownership(organization).await?;
        let owned = ownership.is_some_and(|ownership| is_owned(ownership, now));
        Ok((!owned).then_some(Pause::OrganizationPolicy))
    }

    /// Why a grant of an organization may not act now. Its code counts only as long as the person who got it is an owner: who lost
    /// the organization between the page and the code gives nothing away.
    async fn pause_of_own(&self, grant: &Grant, client: &Client, now: Instant) -> Result<Option<Pause>, StoreError> {
        let pause = self.pause_of_organization(grant.organization, client, now).await?;
        if pause.is_some() || grant.state != GrantState::Pending {
            return Ok(pause);
        }
        let Some(user) = self.directory.user(grant.user).await? else {
            return Ok(Some(Pause::NotAMember));
        };
        let mut memberships = user.memberships.iter();
        let owns = memberships.any(|one| one.organization == grant.organization && one.role == Role::Owner);
        Ok(match (user.status, owns) {
            (Status::Active, true) => None,
            (Status::Active, false) => Some(Pause::NotAMember),
            (Status::Suspended, _) => Some(Pause::PersonSuspended),
        })
    }

    /// Refuses a grant that may not act now.
    ///
    /// # Errors
    /// [`StandingReason::Paused`]; [`StandingReason::ResourceOwnerGone`] if the person or the organization was deleted.
    pub async fn check_standing(&self, grant: &Grant, client: &Client, now: Instant) -> Result<(), Refusal> {
        let pause = match grant.acts_as {
            ActsAs::Person => {
                let user = self.directory.user(grant.user).await?;
                let user = user.ok_or(StandingReason::ResourceOwnerGone)?;
                self.pause(&user, grant.organization, client).await?
            }
            ActsAs::Organization => Box::pin(self.pause_of_own(grant, client, now)).await?,
        };
        match pause {
            // A deleted organization and its memberships do not come back.
            Some(Pause::NotAMember | Pause::OrganizationPolicy)
                if self.directory.organization(grant.organization).await?.is_none() =>
            {
                Err(StandingReason::ResourceOwnerGone.into())
            }
            Some(pause) => Err(StandingReason::Paused(pause).into()),
            None => Ok(()),
        }
    }
}

fn is_owned(ownership: Ownership, now: Instant) -> bool {
    ownership.is_owned || ownership.until.is_some_and(|until| now < until.after(WITHOUT_OWNER))
}
