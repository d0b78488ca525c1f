//! The start of every history, created once: the world is declared, and every person is logged in.

use super::world::{self, CLIENTS, PEOPLE};
use crate::harness::Server;
use reqwest::Method;

/// The stopped server with the data, and the values that were learned from it.
pub(super) struct Made {
    pub(super) server: Server,
    /// The cookies and the `sub` of each person.
    pub(super) cookies: Vec<String>,
    pub(super) subjects: Vec<String>,
    /// The ids of the apps on the page of connected apps.
    pub(super) apps: Vec<String>,
    pub(super) organizations: Vec<String>,
}

impl Made {
    /// Creates the start.
    pub(super) async fn new() -> Self {
        let mut server = world::server(&world::usual(), None).await;
        let (mut cookies, mut subjects, mut apps, mut organizations) = (vec![], vec![], vec![], vec![]);
        for person in PEOPLE {
            cookies.push(server.browser_of(person).await.cookies());
            subjects.push(id(&server, &format!("/users/{}", person.email)).await);
        }
        for client in CLIENTS {
            apps.push(id(&server, &format!("/apps/{client}")).await);
        }
        for organization in world::ORGANIZATIONS {
            organizations.push(id(&server, &format!("/organizations/{organization}")).await);
        }
        server.stop().await;
        Self {
            server,
            cookies,
            subjects,
            apps,
            organizations,
        }
    }
}

async fn id(server: &Server, path: &str) -> String {
    let found = server.operator(Method::GET, path, None).await.json();
    let id = found["id"].as_str();
    id.unwrap_or_else(|| panic!("{path}: {found}")).to_owned()
}
