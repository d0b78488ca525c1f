//! Configurations as operators write them, and what they are told.

use super::{
    Config, ConfigError, DialectName, GrantType, IdentityMember, Lifetime, Loaded, Localized, Source, StoreUrl,
};
use hallpass_wire::Scope;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder with `hallpass.toml` and whatever lies beside it.
struct World {
    folder: tempfile::TempDir,
    source: Source,
}

impl World {
    fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hallpass.toml");
        fs::write(&path, file).unwrap();
        let source = Source {
            file: Some(path),
            ..Source::default()
        };
        Self { folder, source }
    }

    fn beside(self, name: &str, content: &str) -> Self {
        fs::write(self.folder.path().join(name), content).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.source.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn option(mut self, key: &str, value: &str) -> Self {
        self.source.overrides.push((key.to_owned(), value.to_owned()));
        self
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        Config::load(&self.source)
    }

    fn config(&self) -> Config {
        self.load().map_err(|error| error.to_string()).unwrap().config
    }

    /// What the operator is told, the folder left out.
    fn refused(&self) -> String {
        let folder = format!("{}/", self.folder.path().display());
        self.load().unwrap_err().to_string().replace(&folder, "")
    }
}

fn preset(name: &str) -> Config {
    let source = Source {
        preset: Some(name.to_owned()),
        ..Source::default()
    };
    Config::load(&source).map_err(|error| error.to_string()).unwrap().config
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

mod presets {
    use super::*;
    use crate::config::preset_names;
    use IdentityMember::{Email, Id, Locale, Name, Sub};

    #[test]
    fn default_is_strict() {
        let config = preset("default");
        assert_eq!(config.wire.dialect, DialectName::Standard);
        assert_eq!(config.tokens.access, HOUR);
        assert_eq!(config.tokens.refresh, Lifetime::For(14 * DAY));
        assert_eq!(config.tokens.code, Duration::from_secs(60));
        assert_eq!(config.tokens.grace, Duration::from_secs(30));
        assert_eq!(config.wire.identity, [Sub, Name, Email, Locale]);
        assert!(config.wire.require_pkce && config.tokens.rotate && config.hides_default_organization());
        assert!(!config.wire.code_page && !config.wire.empty_member && !config.wire.refusal_message);
        assert_eq!(config.tokens.grants_per_user_and_app, 50);
        assert_eq!(config.paths.identity, "/oauth/userinfo");
        assert_eq!(config.server.public_url, None);
        assert_eq!(
            config.store.url,
            StoreUrl::Sqlite(PathBuf::from("hallpass-data/hallpass.db"))
        );
        assert_eq!(config.keys.master_file, Path::new("master.key"));
    }

    #[test]
    fn common_controls_hub_says_what_its_text_says() {
        let config = preset("common-controls-hub");
        assert_eq!(config.wire.dialect, DialectName::Oauth2ServerPhp);
        assert_eq!(config.tokens.access, HOUR);
        assert_eq!(config.tokens.refresh, Lifetime::For(14 * DAY));
        assert!(config.tokens.rotate && config.wire.refusal_message);
        assert_eq!(
            config.wire.grant_types,
            [GrantType::AuthorizationCode, GrantType::RefreshToken]
        );
    }

    #[test]
    fn connected_home_says_what_its_text_says() {
        let config = preset("connected-home");
        assert_eq!(config.wire.dialect, DialectName::Apigee);
        assert_eq!(config.tokens.access, HOUR);
        assert!(config.wire.empty_member);
        assert!(config.wire.grant_types.contains(&GrantType::ClientCredentials));
        assert_eq!(config.defaults.organization, "connectedhome");
        assert!(!config.hides_default_organization());
        assert_eq!(config.defaults.product.as_deref(), Some("Basic Plan"));
        assert_eq!(config.products["Basic Plan"].scopes.to_string(), "user");
    }

    #[test]
    fn house_check_says_what_its_text_says() {
        let config = preset("house-check");
        assert_eq!(config.wire.dialect, DialectName::Passport);
        assert_eq!(config.tokens.access, DAY);
        assert_eq!(config.tokens.refresh, Lifetime::For(3 * DAY));
        assert_eq!(config.tokens.code, Duration::from_secs(600));
        assert_eq!(config.wire.identity, [Id, Name, Email, Locale]);
    }

    #[test]
    fn apicbase_says_what_its_text_says() {
        let config = preset("apicbase");
        assert_eq!(config.wire.dialect, DialectName::Django);
        assert_eq!(config.tokens.access, 7 * DAY);
        assert_eq!(config.tokens.refresh, Lifetime::Never);
        assert_eq!(config.tokens.code, Duration::from_secs(60));
        assert!(config.wire.code_page);
        assert_eq!(config.paths.authorize, "/oauth/authorize/");
        assert_eq!(config.paths.token, "/oauth/token/");
        assert_eq!(config.paths.introspect, "/oauth/introspect/");
        let scopes: Vec<&str> = config.scopes.keys().map(Scope::as_str).collect();
        assert_eq!(scopes, ["library", "sales", "accounts", "procurement"]);
        assert!(config.scopes.values().all(|scope| scope.default));
    }

    #[test]
    fn none_holds_people_or_secrets_and_all_speak_dutch() {
        for name in preset_names() {
            let config = preset(name);
            assert!(
                config.users.is_empty() && config.apps.is_empty() && config.resources.is_empty(),
                "{name}"
            );
            assert!(
                config.keys.master.is_none() && config.server.api_url.is_none(),
                "{name}"
            );
            assert_eq!(config.wire.require_pkce, name == "default", "{name}");
            for (scope, entry) in &config.scopes {
                assert_ne!(entry.title.get("nl"), entry.title.get("en"), "{name} {scope}");
                assert!(!entry.endpoints.is_empty(), "{name} {scope}");
            }
        }
    }

    #[test]
    fn a_presets_catalogue_replaces_that_of_default() {
        let scopes: Vec<String> = preset("connected-home").scopes.keys().map(Scope::to_string).collect();
        assert_eq!(scopes, ["user"]);
    }

    /// Every key of every section stands in the file that documents them, set or commented out.
    #[test]
    fn default_documents_every_key() {
        let text = crate::config::preset_text("default").unwrap();
        for name in preset_names() {
            for line in preset(name).show().lines() {
                let key = line.split(" = ").next().unwrap();
                if line.contains(" = ") && !matches!(key, "en" | "nl") {
                    let set = format!("\n{key} = ");
                    assert!(text.contains(&set) || text.contains(&format!("\n#{key} = ")), "{key}");
                }
            }
        }
    }

    /// What is commented out in the documentation is right as well.
    #[test]
    fn what_default_shows_in_comments_loads() {
        let text = crate::config::preset_text("default").unwrap();
        let uncommented = |line: &str| match line.strip_prefix('#') {
            Some(key) if !key.starts_with([' ', '#']) && !key.is_empty() && !key.starts_with("master =") => {
                key.to_owned()
            }
            _ => line.to_owned(),
        };
        let text: Vec<String> = text.lines().map(uncommented).collect();
        let world = World::new(&text.join("\n"))
            .beside("database-password", "secret\n")
            .beside("john.password", "secret\n")
            .beside("handover.secret", &"s".repeat(32))
            .beside("forward-auth.secret", &"s".repeat(32))
            .beside("api.secret", "secret\n")
            .beside("sample-app.secret", "secret\n");
        let config = world.config();
        assert_eq!(
            (config.users.len(), config.resources.len(), config.apps.len()),
            (2, 1, 1)
        );
        assert_eq!(config.tokens.refresh_absolute, Some(180 * DAY));
    }
}

mod layers {
    use super::*;

    #[test]
    fn later_layers_win() {
        let world = World::new("preset = \"house-check\"\n[tokens]\naccess = \"2h\"\ncode = \"2m\"\nretry = \"2m\"")
            .variable("HALLPASS_TOKENS__ACCESS", "3h")
            .variable("HALLPASS_TOKENS__RETRY", "3m")
            .option("tokens.access", "4h");
        let loaded = world.load().unwrap();
        let tokens = &loaded.config.tokens;
        assert_eq!(tokens.access, 4 * HOUR);
        assert_eq!(tokens.retry, Duration::from_secs(180));
        assert_eq!(tokens.code, Duration::from_secs(120));
        assert_eq!(tokens.refresh, Lifetime::For(3 * DAY));
        assert_eq!(loaded.config.preset, "house-check");
        assert_eq!(loaded.layers[..2], ["preset default", "preset house-check"]);
        assert_eq!(loaded.layers.last().map(String::as_str), Some("command line"));
    }

    #[test]
    fn the_option_names_the_preset_over_the_file() {
        let mut world = World::new("preset = \"house-check\"");
        world.source.preset = Some("apicbase".to_owned());
        assert_eq!(world.config().preset, "apicbase");
    }

    #[test]
    fn variables_get_the_type_of_their_key() {
        let config = World::new("")
            .variable("HALLPASS_TOKENS__GRANTS_PER_USER_AND_APP", "7")
            .variable("HALLPASS_TOKENS__ROTATE", "false")
            .variable("HALLPASS_WIRE__IDENTITY", "[\"id\", \"email\"]")
            .variable("HALLPASS_BRAND__NAME", "12")
            .variable("HALLPASS_TOKENS__REFRESH_IDLE", "1d")
            .variable("HALLPASS_LOG", "debug")
            .variable("PATH", "/bin")
            .config();
        assert_eq!(config.tokens.grants_per_user_and_app, 7);
        assert!(!config.tokens.rotate);
        assert_eq!(config.wire.identity, [IdentityMember::Id, IdentityMember::Email]);
        assert_eq!(config.brand.name, "12");
        assert_eq!(config.tokens.refresh_idle, Some(DAY));
    }

    #[test]
    fn a_file_adds_scopes_and_replaces_lists() {
        let file = "[scopes.profile]\ndefault = false\n[scopes.read]\ntitle = \"Read\"\ndefault = true\n[wire]\nidentity = [\"sub\"]";
        let config = World::new(file).config();
        let scopes: Vec<(&str, bool)> = config
            .scopes
            .iter()
            .map(|(name, scope)| (name.as_str(), scope.default))
            .collect();
        assert_eq!(scopes, [("profile", false), ("read", true)]);
        assert_eq!(config.wire.identity, [IdentityMember::Sub]);
        assert_eq!(config.scopes[0].title.get("nl"), "Je naam en e-mailadres zien");
    }

    #[test]
    fn the_database_lies_in_the_data_folder_and_the_data_folder_beside_the_file() {
        let world = World::new("[server]\ndata = \"kept\"");
        let data = world.folder.path().join("kept");
        let config = world.config();
        assert_eq!(config.server.data, data);
        assert_eq!(config.store.url, StoreUrl::Sqlite(data.join("hallpass.db")));
        let world = world
            .option("server.data", "/elsewhere")
            .option("store.url", "sqlite:/db/h.db");
        assert_eq!(world.config().server.data, Path::new("/elsewhere"));
        assert_eq!(world.config().store.url, StoreUrl::Sqlite("/db/h.db".into()));
    }

    #[test]
    fn the_default_organization_is_hidden_until_it_is_declared() {
        assert!(World::new("").config().hides_default_organization());
        let declared = World::new("[[organizations]]\nslug = \"default\"\nname = \"Acme\"");
        assert!(!declared.config().hides_default_organization());
        let another = World::new("[defaults]\norganization = \"acme\"");
        assert!(!another.config().hides_default_organization());
    }
}

mod declared {
    use super::*;
    use crate::config::{ClientType, DeclaredPassword, OrganizationKind, Reach, Role};

    const WORLD: &str = r#"
[[users]]
email = "john@doe.com"
name = "John Doe"
password_file = "john.password"
locale = "nl"
[[users]]
email = "jane@doe.com"
name = "Jane Doe"
password_hash = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keS0h$Gpn5XCB6bV2sL0q5m3dQd1kVYv3Yx2u0m8yqfWl9b0E"
admin = true
[[users]]
email = "max@doe.com"
name = "Max Doe"
external_id = "Site/7"
[[organizations]]
slug = "acme"
name = "Acme"
kind = "sandbox"
members = ["John@doe.com:owner", "jane@doe.com:developer"]
[[resources]]
identifier = "https://api.example.com"
name = "API"
secret = "resource secret"
scopes = "profile"
[[apps]]
name = "Sample"
organization = "acme"
client_id = "123abc"
client_secret_file = "app.secret"
redirect_uris = ["https://app.example/cb", "http://127.0.0.1/cb"]
scopes = ["profile"]
grant_types = ["client_credentials"]
reach = "partner"
[[apps]]
name = "Native"
client_id = "native"
type = "public"
"#;

    fn world() -> World {
        World::new(WORLD)
            .beside("john.password", "pass word\r\n")
            .beside("app.secret", "456def\n")
    }

    #[test]
    fn everything_declared_is_read() {
        let config = world().config();
        let Some(DeclaredPassword::Plain(password)) = &config.users[0].password else {
            panic!("a plain password");
        };
        assert_eq!(password.expose(), "pass word");
        assert_eq!(config.users[0].locale.as_deref(), Some("nl"));
        assert!(matches!(config.users[1].password, Some(DeclaredPassword::Hash(_))));
        assert!(config.users[1].admin && !config.users[0].admin);
        assert_eq!(config.users[2].external_id.as_deref(), Some("Site/7"));
        let organization = &config.organizations[0];
        assert_eq!(organization.kind, OrganizationKind::Sandbox);
        assert_eq!(organization.members[0], ("John@doe.com".to_owned(), Role::Owner));
        assert_eq!(
            config.resources[0].scopes.as_ref().map(ToString::to_string).as_deref(),
            Some("profile")
        );
        let app = &config.apps[0];
        assert_eq!(
            app.client_secret.as_ref().map(crate::config::Secret::expose),
            Some("456def")
        );
        assert_eq!(app.redirect_uris.len(), 2);
        assert_eq!((app.client_type, app.reach), (ClientType::Confidential, Reach::Partner));
        assert_eq!(app.grant_types.as_deref(), Some(&[GrantType::ClientCredentials][..]));
        let native = &config.apps[1];
        assert_eq!((native.client_type, native.reach), (ClientType::Public, Reach::Own));
        assert!(native.client_secret.is_none() && native.scopes.is_none() && native.grant_types.is_none());
    }

    /// Random hexadecimal ids are common; only the form in which a subject is written is refused.
    #[test]
    fn a_client_id_of_hexadecimal_digits_is_no_subject() {
        let file = "[[apps]]\nname = \"A\"\nclient_secret = \"s\"\nclient_id = \"01890a5dac96774bbcceb302099a8057\"";
        assert_eq!(World::new(file).config().apps.len(), 1);
    }

    #[test]
    fn show_hides_secrets() {
        let master = format!("{}=", "A".repeat(43));
        let shown = world().variable("HALLPASS_KEYS__MASTER", &master).config().show();
        for secret in ["pass word", "456def", "resource secret", "argon2id", "AAAA"] {
            assert!(!shown.contains(secret), "{secret} in\n{shown}");
        }
        assert_eq!(shown.matches('…').count(), 5, "{shown}");
    }

    #[test]
    fn what_is_shown_loads_to_the_same() {
        for name in crate::config::preset_names() {
            let shown = preset(name).show();
            let world = World::new(&shown).option("server.data", "hallpass-data");
            assert_eq!(world.config().show(), shown);
        }
        let shown = world()
            .config()
            .show()
            .replace("\"…\"", "\"x\"")
            .replace("password_hash", "password");
        let again = World::new(&shown)
            .option("server.data", "hallpass-data")
            .config()
            .show();
        assert_eq!(again.replace("\"…\"", "\"x\""), shown);
    }

    #[test]
    fn proxies_are_addresses_and_networks_from_the_file_or_the_environment() {
        let proxies = |config: &Config| -> Vec<String> {
            let trusted = &config.server.trusted_proxies;
            trusted.iter().map(ToString::to_string).collect()
        };
        let world = World::new("[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\", \"fd00::/8\"]");
        let config = world.config();
        assert_eq!(proxies(&config), ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]);
        let again = World::new(&config.show())
            .option("server.data", "hallpass-data")
            .config();
        assert_eq!(again.server.trusted_proxies, config.server.trusted_proxies);
        let world = world.variable("HALLPASS_SERVER__TRUSTED_PROXIES", "[\"192.0.2.7\"]");
        assert_eq!(proxies(&world.config()), ["192.0.2.7/32"]);
        assert!(preset("default").server.trusted_proxies.is_empty());
    }

    #[test]
    fn a_text_is_found_by_tag_then_language_then_english() {
        let texts = [("de", "Lesen"), ("en", "Read"), ("pt-BR", "Ler")];
        let text = Localized::ByLanguage(
            texts
                .map(|(tag, text)| (tag.to_owned(), text.to_owned()))
                .into_iter()
                .collect(),
        );
        assert_eq!(text.get("pt-br"), "Ler");
        assert_eq!(text.get("de-AT"), "Lesen");
        assert_eq!(text.get("fr"), "Read");
        assert_eq!(Localized::Plain("Lesen".to_owned()).get("fr"), "Lesen");
        let only = Localized::ByLanguage([("de".to_owned(), "Lesen".to_owned())].into_iter().collect());
        assert_eq!(only.get("fr"), "Lesen");
    }
}

#[test]
fn retry_is_at_most_the_access_lifetime_and_a_day() {
    let retry = |file: &str| World::new(file).config().tokens.effective_retry();
    assert_eq!(retry(""), HOUR);
    assert_eq!(retry("[tokens]\naccess = \"7d\"\nretry = \"48h\""), DAY);
    assert_eq!(
        retry("[tokens]\naccess = \"7d\"\nretry = \"5m\""),
        Duration::from_secs(300)
    );
}

mod refusals;
