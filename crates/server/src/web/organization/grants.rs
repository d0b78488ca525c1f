//! The organization's own grants (decision 83), which everybody sees who may open the settings. What owners do with them is in
//! [`super::grant_change`].

use crate::oauth::Refusal;
use crate::oauth::refusal::ServerReason;
use crate::store::model::{Grant, OrganizationGrant, User};
use crate::tokens::copies::COPIED;
use crate::web::Visit;
use crate::web::account::connected_apps::last_used;
use crate::web::view::{GrantLine, GrantScope, GrantsDone, SetUp};

/// The values behind the lines of the list.
pub(super) struct Line {
    found: OrganizationGrant,
    app_owner: Option<String>,
    id: String,
    scopes: Vec<(String, String, String)>,
    paused: bool,
}

/// The lines of these grants, each with whether its app can act at present.
pub(super) async fn lines(visit: &Visit, found: Vec<OrganizationGrant>) -> Result<Vec<Line>, Refusal> {
    let hallpass = &visit.hallpass;
    let mut lines = Vec::with_capacity(found.len());
    for found in found {
        let grant = &found.grant;
        let client = hallpass.directory.client_by_id(grant.app).await?;
        let client = client.ok_or(ServerReason::Internal)?;
        let pause = hallpass.pause_of_organization(grant.organization, &client, visit.now);
        lines.push(Line {
            paused: pause.await?.is_some(),
            app_owner: (!client.organization.hidden).then(|| client.organization.name.clone()),
            id: grant.id.to_string(),
            scopes: scopes(visit, grant),
            found,
        });
    }
    Ok(lines)
}

/// Each scope of the grant: an id for its field, its name and its title.
fn scopes(visit: &Visit, grant: &Grant) -> Vec<(String, String, String)> {
    let (catalogue, locale) = (&visit.hallpass.config.scopes, visit.locale.tag());
    let titled = grant.scopes.iter().enumerate().map(|(number, scope)| {
        let title = catalogue.get(scope).map(|entry| entry.title.get(locale).to_owned());
        let id = format!("scope-{}-{number}", grant.id);
        (id, scope.to_string(), title.unwrap_or_else(|| scope.to_string()))
    });
    titled.collect()
}

/// The scopes of the lines, as the page shows them.
pub(super) fn scopes_of(lines: &[Line]) -> Vec<Vec<GrantScope<'_>>> {
    lines.iter().map(Line::shown_scopes).collect()
}

impl Line {
    fn shown_scopes(&self) -> Vec<GrantScope<'_>> {
        let shown = self
            .scopes
            .iter()
            .map(|(id, name, title)| GrantScope { id, name, title });
        shown.collect()
    }
}

/// The lines as the page shows them to this person. Only owners see who set a grant up: names of members are for owners.
pub(super) fn shown<'a>(
    lines: &'a [Line],
    scopes: &'a [Vec<GrantScope<'a>>],
    owner: Option<&User>,
) -> Vec<GrantLine<'a>> {
    let shown = lines.iter().zip(scopes).map(|(line, scopes)| {
        let OrganizationGrant {
            grant,
            app_name,
            set_up_by,
        } = &line.found;
        let set_up = match (owner, set_up_by) {
            (None, _) => SetUp::Hidden,
            (Some(owner), Some(_)) if owner.id == grant.user => SetUp::You,
            (Some(_), Some(by)) => SetUp::By {
                name: &by.name,
                label: &by.label,
                left: !by.is_member,
            },
            (Some(_), None) => SetUp::Gone,
        };
        GrantLine {
            id: &line.id,
            app_name,
            app_owner: line.app_owner.as_deref(),
            since: grant.created.0,
            last_used: last_used(grant).map(|moment| moment.0),
            scopes,
            copied: grant.repeats >= COPIED,
            paused: line.paused,
            set_up,
        }
    });
    shown.collect()
}

/// What was just done to a grant, which the address names.
pub(super) fn done(visit: &Visit) -> Option<GrantsDone> {
    match visit.query(&["done"]).get("done")? {
        "ended" => Some(GrantsDone::Ended),
        "taken-over" => Some(GrantsDone::TakenOver),
        "narrowed" => Some(GrantsDone::Narrowed),
        "gone" => Some(GrantsDone::Gone),
        "none-left" => Some(GrantsDone::NoneLeft),
        _ => None,
    }
}
