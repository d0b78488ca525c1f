//! The world of each preset: people, organizations and apps as a configuration file, and the data of the sample API.
//!
//! The world is an ordinary configuration. It is written into the data folder as `demo.toml` and loaded over the preset.
//! The file is also an example of how to declare people, organizations and apps.

use serde::Deserialize;
use std::net::SocketAddr;

use super::addresses::{Addresses, app_url, public_url};
use super::folder::{Folder, WORLD};
use super::handover::Handover;
use super::sample::Records;
use super::{DemoError, PASSWORD};
use crate::config::{Config, Source, preset_names};
use crate::random;

/// The name of the sample API at the introspection endpoint.
const RESOURCE: &str = "urn:hallpass:demo:api";

/// The declared objects of each preset, and the data of its sample API and sample app.
const WORLDS: [(&str, &str, &str); 5] = [
    (
        "default",
        include_str!("worlds/default.toml"),
        include_str!("worlds/default.json"),
    ),
    (
        "common-controls-hub",
        include_str!("worlds/common-controls-hub.toml"),
        include_str!("worlds/common-controls-hub.json"),
    ),
    (
        "connected-home",
        include_str!("worlds/connected-home.toml"),
        include_str!("worlds/connected-home.json"),
    ),
    (
        "house-check",
        include_str!("worlds/house-check.toml"),
        include_str!("worlds/house-check.json"),
    ),
    (
        "apicbase",
        include_str!("worlds/apicbase.toml"),
        include_str!("worlds/apicbase.json"),
    ),
];

/// The data of the sample API, and the requests of the sample app.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleWorld {
    /// How apps authenticate at the token endpoint in this preset.
    pub(super) client_authentication: ClientAuthentication,
    /// Whether the API's own text prints the client's id and secret.
    #[serde(default)]
    pub(super) public_credentials: bool,
    /// The scopes that the app requests. `None` for the server's defaults.
    pub(super) scope: Option<String>,
    /// The calls that the app offers, the most important first.
    pub(super) calls: Vec<Call>,
    /// The data, by collection.
    pub(super) records: Records,
}

/// Where the client's id and secret are sent (RFC 6749 §2.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClientAuthentication {
    Basic,
    Body,
}

/// One call of the sample API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) body: Option<serde_json::Value>,
}

/// Loads the world of `preset` for these addresses. Its file and all data are in `folder`. `handover`: the site that signs people in.
pub(super) fn load(
    preset: &str,
    addresses: Addresses,
    folder: &Folder,
    handover: Option<&Handover>,
) -> Result<(Config, SampleWorld), DemoError> {
    let Some((_, declared, sample)) = WORLDS.iter().find(|(name, ..)| *name == preset) else {
        return Err(DemoError::UnknownPreset(preset.to_owned(), preset_names().join(", ")));
    };
    let declared = match handover {
        Some(handover) => handover.declared(declared, preset, addresses, folder)?,
        None => (*declared).to_owned(),
    };
    let file = folder.write(WORLD, &filled_in(&declared, addresses.app))?;
    let mut overrides = vec![
        ("server.listen".to_owned(), addresses.server.to_string()),
        ("server.public_url".to_owned(), public_url(addresses.server)),
        ("server.data".to_owned(), folder.path().display().to_string()),
    ];
    if preset == "apicbase" {
        // API-8: the token endpoint is on another host than the authorization page.
        overrides.push(("server.api_url".to_owned(), format!("http://{}", addresses.server)));
    }
    let source = Source {
        preset: Some(preset.to_owned()),
        file: Some(file),
        environment: Vec::new(),
        overrides,
    };
    let config = Config::load(&source)?.config;
    Ok((config, serde_json::from_str(sample).map_err(DemoError::World)?))
}

/// The declared objects with addresses filled in, and a new secret for each app.
fn filled_in(declared: &str, app: SocketAddr) -> String {
    let mut text = declared
        .replace("{{callback}}", &format!("{}/callback", app_url(app)))
        .replace("{{password}}", PASSWORD)
        .replace("{{resource}}", RESOURCE)
        .replace("{{resource_secret}}", &random::alphanumeric(43));
    while text.contains("{{secret}}") {
        text = text.replacen("{{secret}}", &random::alphanumeric(43), 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OrganizationKind;

    const ADDRESSES: Addresses = Addresses {
        server: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080),
        app: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8082),
    };

    fn world(preset: &str) -> (Config, SampleWorld) {
        let folder = Folder::open(None).unwrap();
        load(preset, ADDRESSES, &folder, None).unwrap()
    }

    #[test]
    fn every_preset_has_a_world_whose_people_are_those_of_the_sample_site() {
        for preset in preset_names() {
            let folder = Folder::open(None).unwrap();
            let handover = Handover {
                sign_in: "http://localhost:8083/connect/sign-in".to_owned(),
                sign_out: Some("http://localhost:8083/logout".to_owned()),
                is_sample: true,
            };
            let (config, _) = load(preset, ADDRESSES, &folder, Some(&handover)).unwrap();
            let of_site = config.users.iter().filter(|user| user.external_id.is_some());
            assert_eq!(of_site.count(), config.users.len() - 1, "{preset}");
            assert!(
                config.apps.iter().any(|app| app.reach == crate::config::Reach::Partner),
                "{preset}"
            );
            assert_eq!(config.handover.unwrap().url, handover.sign_in);
        }
    }

    #[test]
    fn every_preset_has_a_world() {
        for preset in preset_names() {
            let (config, _) = world(preset);
            assert_eq!(config.resources.len(), 1, "{preset}");
            assert!(config.users.len() > 1, "{preset}");
            let secrets: std::collections::HashSet<_> = config
                .apps
                .iter()
                .filter_map(|app| app.client_secret.as_ref())
                .map(|secret| secret.expose())
                .collect();
            assert_eq!(
                secrets.len(),
                config.apps.len(),
                "{preset}: each app has a secret of its own"
            );
        }
        assert_eq!(WORLDS.len(), preset_names().len());
    }

    #[test]
    fn every_endpoint_of_the_catalogue_has_data_and_every_call_an_endpoint() {
        for preset in preset_names() {
            let (config, sample) = world(preset);
            let endpoints: Vec<&String> = config.scopes.values().flat_map(|scope| &scope.endpoints).collect();
            for endpoint in &endpoints {
                let path = endpoint.split_once(' ').unwrap().1;
                let collection = path.split("/{").next().unwrap();
                assert!(
                    path == "/" || sample.records.has(collection),
                    "{preset}: {endpoint} has no data"
                );
            }
            for call in &sample.calls {
                let matching = |endpoint: &&&String| {
                    crate::demo::api::SampleEndpoint::parse(endpoint)
                        .is_some_and(|e| e.matches(&call.path) && e.method == call.method)
                };
                assert!(
                    endpoints.iter().any(|endpoint| matching(&endpoint)),
                    "{preset}: {} {}",
                    call.method,
                    call.path
                );
            }
        }
    }

    #[test]
    fn an_app_without_a_redirect_uri_is_part_of_the_world_with_the_code_page() {
        let (config, _) = world("apicbase");
        assert!(config.apps.iter().any(|app| app.redirect_uris.is_empty()));
        assert!(
            config
                .organizations
                .iter()
                .any(|organization| organization.kind == OrganizationKind::Sandbox)
        );
        assert_ne!(config.server.api_url, config.server.public_url);
    }

    /// The consent page names the owner: the app's organization if it is visible, else the developer.
    #[test]
    fn every_app_has_an_owner() {
        for preset in preset_names() {
            let (config, _) = world(preset);
            for app in &config.apps {
                assert!(
                    app.organization.is_some() || app.owner.is_some(),
                    "{preset}: {}",
                    app.name
                );
            }
        }
    }

    /// The settings of API-2 have the words of the text, which are English.
    #[test]
    fn the_first_person_of_apicbase_reads_english() {
        let (config, _) = world("apicbase");
        assert_eq!(config.users[0].locale.as_deref(), Some("en"));
    }

    #[test]
    fn john_doe_is_number_one_and_reads_dutch_in_house_check() {
        let (config, _) = world("house-check");
        assert_eq!(
            (config.users[0].name.as_str(), config.users[0].locale.as_deref()),
            ("John Doe", Some("nl"))
        );
    }
}
