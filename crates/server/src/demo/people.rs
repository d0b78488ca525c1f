//! The people of the world: their logins, and the settings that they can open.

use super::PASSWORD;
use crate::config::{Config, Organization, OrganizationKind, User};
use crate::store::model::Role;

/// A person who can log in.
pub(super) struct Person {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) memberships: Vec<PersonMembership>,
    /// Whether the person signs in at the sample site.
    pub(super) at_site: bool,
}

/// A person's role in an organization.
pub(super) struct PersonMembership {
    pub(super) role: &'static str,
    pub(super) organization: String,
    pub(super) sandbox: bool,
    /// The URL of the organization's API settings. Empty if the role cannot open them.
    pub(super) settings: String,
}

/// All people of the world. `issuer` is the URL of the server.
pub(super) fn people(config: &Config, issuer: &str) -> Vec<Person> {
    let person = |user: &User| Person {
        email: user.email.to_string(),
        name: user.name.to_string(),
        memberships: config
            .organizations
            .iter()
            .filter_map(|organization| membership(organization, user, issuer))
            .collect(),
        at_site: user.external_id.is_some(),
    };
    config.users.iter().map(person).collect()
}

fn membership(organization: &Organization, user: &User, issuer: &str) -> Option<PersonMembership> {
    let (_, role) = organization.members.iter().find(|(email, _)| *email == user.email)?;
    Some(PersonMembership {
        role: role.as_str(),
        organization: organization.name.to_string(),
        sandbox: organization.kind == OrganizationKind::Sandbox,
        settings: match role {
            Role::Owner | Role::Developer => settings(organization, issuer),
            Role::Member => String::new(),
        },
    })
}

/// The URL of the tab where an organization's apps are registered (API-2).
pub(super) fn settings(organization: &Organization, issuer: &str) -> String {
    format!("{issuer}/organizations/{}?tab=api", organization.slug)
}

impl PersonMembership {
    fn text(&self) -> String {
        let sandbox = if self.sandbox { " (sandbox)" } else { "" };
        format!("{} of {}{sandbox}", self.role, self.organization)
    }
}

/// The logins as a table with aligned columns. The last column is left out if nobody belongs to an organization.
pub(super) fn table<'p>(people: impl IntoIterator<Item = &'p Person>) -> String {
    let heading = ["E-MAIL", "PASSWORD", "NAME", "ROLES"].map(str::to_owned);
    let row = |person: &Person| {
        let roles: Vec<String> = person.memberships.iter().map(PersonMembership::text).collect();
        let roles = roles.join(", ");
        [person.email.clone(), PASSWORD.to_owned(), person.name.clone(), roles]
    };
    let mut rows: Vec<[String; 4]> = std::iter::once(heading).chain(people.into_iter().map(row)).collect();
    if rows.iter().skip(1).all(|row| row[3].is_empty()) {
        rows[0][3].clear();
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |[email, password, name, roles]: &[String; 4]| {
        let [first, second, third] = widths;
        let line = format!("{email:first$}  {password:second$}  {name:third$}  {roles}");
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(email: &str, name: &str, memberships: Vec<PersonMembership>) -> Person {
        Person {
            email: email.to_owned(),
            name: name.to_owned(),
            memberships,
            at_site: false,
        }
    }

    fn member_of(organization: &str, sandbox: bool) -> PersonMembership {
        PersonMembership {
            role: "owner",
            organization: organization.to_owned(),
            sandbox,
            settings: String::new(),
        }
    }

    #[test]
    fn logins_are_printed_in_columns() {
        let john = person("john@doe.com", "John Doe", vec![member_of("Acme", false)]);
        let dana = person("d@acme.example", "Dana", vec![member_of("Try", true)]);
        assert_eq!(
            table(&[john, dana]),
            "E-MAIL          PASSWORD     NAME      ROLES\n\
             john@doe.com    open-sesame  John Doe  owner of Acme\n\
             d@acme.example  open-sesame  Dana      owner of Try (sandbox)\n"
        );
    }

    #[test]
    fn without_organizations_there_is_no_column_of_roles() {
        let john = person("john@doe.com", "John Doe", Vec::new());
        assert_eq!(
            table(&[john]),
            "E-MAIL        PASSWORD     NAME\njohn@doe.com  open-sesame  John Doe\n"
        );
    }
}
