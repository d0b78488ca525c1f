//! What a deletion ends. Printed before the deletion, and again afterwards.

use crate::declared::declared_name;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{App, Organization, User};
use crate::store::{Store, StoreError, Toll};
use serde::Serialize;
use utoipa::ToSchema;

/// The note about an object that the configuration still declares.
const DECLARED: &str = "It is declared in the configuration: as long as it stays there, the next start makes it again.";

/// The same note about a person with an `external_id`.
const DECLARED_SUBJECT: &str = "They are declared in the configuration, and the next start does not make them again: nobody \
     new gets the subject of a deleted person.";

/// What a deletion ends.
#[derive(Serialize, ToSchema)]
pub(super) struct Deletion {
    /// The name of the object in commands.
    name: String,
    /// Whether the deletion is done.
    deleted: bool,
    #[serde(flatten)]
    toll: Toll,
    /// The effects, in words.
    effects: Vec<String>,
    notes: Vec<&'static str>,
}

impl Deletion {
    pub(super) async fn of_app(hallpass: &Hallpass, app: &App) -> Result<Self, StoreError> {
        let toll = hallpass.store.toll_of_app(app.id).await?;
        let effects = vec![ending(toll.grants, "grant"), ending(toll.secrets, "secret")];
        let mut declared = hallpass.config.apps.iter();
        let declared = declared.any(|declared| declared.client_id == app.client_id);
        let note = declared.then_some(DECLARED);
        Ok(Self::of(app.client_id.clone(), toll, effects, note))
    }

    pub(super) async fn of_user(hallpass: &Hallpass, user: &User) -> Result<Self, StoreError> {
        let toll = hallpass.store.toll_of_user(user.id).await?;
        let effects = vec![
            ending(toll.grants, "grant"),
            ending(toll.memberships, "membership"),
            "every session ends".to_owned(),
            match toll.apps {
                0 => String::new(),
                1 => "1 app stays without an owner".to_owned(),
                apps => format!("{} apps stay without an owner", counted(apps)),
            },
        ];
        let note = declared_name(&hallpass.config, user).map(|_| match user.external_id {
            Some(_) => DECLARED_SUBJECT,
            None => DECLARED,
        });
        Ok(Self::of(user.label().into_owned(), toll, effects, note))
    }

    pub(super) async fn of_organization(hallpass: &Hallpass, organization: &Organization) -> Result<Self, StoreError> {
        let toll = hallpass.store.toll_of_organization(organization.id).await?;
        let effects = vec![ending(toll.memberships, "membership"), ending(toll.grants, "grant")];
        let mut declared = hallpass.config.organizations.iter();
        let declared = declared.any(|declared| declared.slug == organization.slug);
        let note = declared.then_some(DECLARED);
        Ok(Self::of(organization.slug.clone(), toll, effects, note))
    }

    fn of(name: String, toll: Toll, mut effects: Vec<String>, note: Option<&'static str>) -> Self {
        effects.retain(|effect| !effect.is_empty());
        Self {
            name,
            deleted: false,
            toll,
            effects,
            notes: note.into_iter().collect(),
        }
    }

    /// The number of apps that belong to the object.
    pub(super) fn apps(&self) -> u32 {
        self.toll.apps
    }

    /// The same values for a deletion that is done.
    pub(super) fn done(self) -> Self {
        Self { deleted: true, ..self }
    }
}

fn ending(number: u32, noun: &str) -> String {
    match number {
        0 => String::new(),
        1 => format!("1 {noun} ends"),
        number => format!("{} {noun}s end", counted(number)),
    }
}

/// The number as text. Rows are counted only up to a limit.
fn counted(number: u32) -> String {
    if number < Store::MOST_COUNTED {
        number.to_string()
    } else {
        format!("at least {number}")
    }
}
