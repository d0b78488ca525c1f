//! Checks whether app, person, membership and organization allow a grant to act now. If one does not, the grant is paused: it is
//! refused everywhere at once, and works again as soon as all of them allow it (decision 42).

use super::{Reason, Refusal};
use crate::directory::Client;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{Grant, GrantState, OrganizationId, Status, User};
use hallpass_wire::{ErrorCode, Pause, PublicError};

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
pub fn check_known(grant: &Grant) -> Result<(), StandingReason> {
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

    /// Refuses a grant that may not act now.
    ///
    /// # Errors
    /// [`StandingReason::Paused`]; [`StandingReason::ResourceOwnerGone`] if the person or the organization was deleted.
    pub async fn check_standing(&self, grant: &Grant, client: &Client) -> Result<(), Refusal> {
        let user = self
            .directory
            .user(grant.user)
            .await?
            .ok_or(StandingReason::ResourceOwnerGone)?;
        match self.pause(&user, grant.organization, client).await? {
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
