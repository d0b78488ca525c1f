use super::*;
use std::fs;

/// A folder with the files that configurations name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("app.secret", "456def\n");
    write("shop.secret", "0123456789abcdef0123456789abcdef\n");
    write("short.secret", "0123456789abcdef");
    write("two-lines.secret", "one\ntwo\n");
    folder
}

fn read(text: &str) -> Result<Config, String> {
    let folder = folder();
    let path = folder.path().join("keeper.toml");
    fs::write(&path, text).unwrap();
    let place = format!("{}: ", path.display());
    Config::read(&path).map_err(|error| {
        let text = error.to_string();
        text.replace(&place, "")
            .replace(&format!("{}/", folder.path().display()), "")
    })
}

const VAULT: &str = "[vault]\nurl = \"sqlite:keeper.db\"\nkey_file = \"keeper.key\"\n";

fn refused(text: &str) -> String {
    match read(text) {
        Err(error) => error,
        Ok(_) => panic!("accepted: {text}"),
    }
}

#[test]
fn every_key_of_a_provider_is_read() {
    let config = read(&format!(
        r#"{VAULT}
[providers.shop]
issuer = "https://{{shop}}.example"
authorize = "https://{{shop}}.example/authorize"
token = "https://{{shop}}.example/token"
revoke = "https://{{shop}}.example/revoke"
client_id = "123abc"
secret_file = "app.secret"
auth = "basic"
basic_encoding = "plain"
scopes = ["read", "write"]
scope_separator = ","
resources = ["https://api.example"]
body = "json"
pkce = false
authorize_params = {{ access_type = "offline" }}
token_params = {{ audience = "x" }}
refresh_params = {{ y = "z" }}
extra = ["id_token"]
callback_extra = ["realmId"]
access = "1h"
refresh = "14d"
keep = "alive"
per_minute = 60
"#
    ))
    .unwrap_or_else(|error| panic!("{error}"));
    let found = &config.providers["shop"];
    let provider = &found.provider;
    assert_eq!(
        provider.auth.basic_header(&provider.client_id).as_deref(),
        Some("Basic MTIzYWJjOjQ1NmRlZg==")
    );
    assert_eq!(provider.access_lifetime.map(|life| life.as_secs()), Some(3_600));
    assert_eq!(provider.refresh_lifetime.map(|life| life.as_secs()), Some(1_209_600));
    assert_eq!(
        (provider.scope_separator.as_str(), provider.pkce, found.discover),
        (",", false, false)
    );
    assert_eq!(found.care.per_minute, Some(60));
    assert_eq!(found.care.keep, hallpass_client::keeper::Keep::Alive);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_name() {
    let provider = "[providers.shop]\nclient_id = \"x\"\nautorize = \"https://id.example\"\n";
    assert_eq!(
        refused(&format!("{VAULT}{provider}")),
        "line 6: unknown field `autorize`; did you mean `authorize`?"
    );
    assert_eq!(
        refused(&format!("[server]\n{VAULT}")),
        "line 1: unknown field `server`; did you mean `serve`?"
    );
    assert_eq!(
        refused(&format!("{VAULT}colour = 1\n")),
        "line 4: unknown field `colour`; did you mean `url`?".replace("; did you mean `url`?", "")
    );
    assert_eq!(
        refused("[vault]\nurl = 7\n"),
        "line 2: `url`: invalid type: integer `7`, expected a text in quotation marks"
    );
}

#[test]
fn a_value_that_cannot_be_read_is_refused_with_its_key_and_what_can() {
    let token = "token = \"https://t.example\"";
    let provider = |keys: &str| format!("{VAULT}[providers.shop]\nclient_id = \"x\"\n{keys}\n");
    for (text, expected) in [
        (
            provider(&format!("{token}\nauth = \"post\"")),
            "line 7: `auth`: unknown variant `post`; write `none`, `basic`, `body`, `private_key_jwt`",
        ),
        (
            provider(&format!("{token}\nkeep = \"redy\"")),
            "line 7: `keep`: unknown variant `redy`; did you mean `ready`?",
        ),
        (
            format!("{VAULT}[serve]\nlisten = \"8070\"\n"),
            "line 5: `listen`: invalid socket address syntax",
        ),
        ("[serve]\n".to_owned(), "there is no [vault]"),
        (
            provider(&format!("{token}\nscopes = [\n  \"read\",\n  7,\n]")),
            "line 9: `scopes`: invalid type: integer `7`, expected a text in quotation marks",
        ),
        (
            provider(&format!("{token}\nauthorize_params = {{ a = \"b\", c = true }}")),
            "line 7: `c`: invalid type: boolean `true`, expected a text in quotation marks",
        ),
        (
            provider(&format!("{token}\nclient = \"y\"")),
            "line 7: unknown field `client`; did you mean `client_id`?",
        ),
        (
            format!("{VAULT}[webhook]\nurl = \"https://w.example\"\n[webhook.secret_file]\n"),
            "line 6: `webhook.secret_file`: invalid type: map, expected a text in quotation marks",
        ),
        (format!("{VAULT}[serve\n"), "line 4: unclosed table, expected `]`"),
    ] {
        assert_eq!(refused(&text), expected);
    }
}

#[test]
fn what_could_not_work_or_would_be_unsafe_is_refused() {
    let provider = |keys: &str| format!("{VAULT}[providers.shop]\nclient_id = \"x\"\n{keys}\n");
    let token = "authorize = \"https://a.example\"\ntoken = \"https://t.example\"";
    for (text, expected) in [
        (
            provider(""),
            "providers.shop: write `issuer`, or `authorize` and `token`",
        ),
        (
            provider("issuer = \"https://{shop}.example\""),
            "providers.shop: an `issuer` with variables has no metadata: write `authorize` and `token`",
        ),
        (
            provider(&format!("{token}\nauth = \"body\"")),
            "providers.shop: `secret_file` is missing",
        ),
        (
            provider(&format!("{token}\nper_minute = 0")),
            "providers.shop: `per_minute` is 0, so nothing would be refreshed",
        ),
        (
            provider(&format!("{token}\naccess = \"1 hour\"")),
            "providers.shop: `access`: `1 hour` is no span of time: write a number and s, m, h, d or w, such as \"1h\"",
        ),
        (
            provider(&format!("{token}\nsecret_file = \"two-lines.secret\"")),
            "providers.shop: `secret_file`: two-lines.secret holds a control character, a second line or a byte order mark",
        ),
        (
            format!("{VAULT}[serve]\nlisten = \"0.0.0.0:8070\"\n"),
            "serve: 0.0.0.0:8070 is not loopback, so tokens need https: write `certificate_file` and `key_file`",
        ),
        (
            format!("{VAULT}[serve]\nsocket = \"s\"\nsocket_mode = \"666\"\n"),
            "serve: `socket_mode` is `666`: write \"600\" or \"660\"",
        ),
        (
            format!("{VAULT}[[programs]]\nname = \"a\"\nsecret_file = \"short.secret\"\nproviders = []\n"),
            "programs: `a`: `secret_file`: short.secret is shorter than 32 characters: make one with `openssl rand -hex 32`",
        ),
        (
            format!("{VAULT}[[programs]]\nname = \"a\"\nsecret_file = \"shop.secret\"\nproviders = [\"b\"]\n"),
            "programs: `a`: names the provider `b`, which is not here",
        ),
        (
            "[vault]\nurl = \"mysql://x\"\nkey_file = \"k\"\n".to_owned(),
            "vault: `url` is \"sqlite:FILE\", \"postgres://…\" or \"memory:\"",
        ),
    ] {
        assert_eq!(refused(&text), expected);
    }
}

#[test]
fn two_places_and_keys_without_effect_are_refused() {
    for (text, expected) in [
        (
            format!("{VAULT}[serve]\nsocket = \"s\"\nlisten = \"127.0.0.1:1\"\n"),
            "serve: write `socket` or `listen`, not both",
        ),
        (
            format!("{VAULT}[serve]\nsocket = \"s\"\nkey_file = \"k\"\n"),
            "serve: `certificate_file` and `key_file` are for `listen`",
        ),
        (
            format!("{VAULT}[serve]\nlisten = \"127.0.0.1:1\"\nsocket_mode = \"660\"\n"),
            "serve: `socket_mode` is for `socket`",
        ),
        (
            format!("{VAULT}ca_file = \"k\"\n"),
            "vault: `password_file` and `ca_file` are for PostgreSQL",
        ),
        (
            format!("{VAULT}[serve]\nredirect_uri = \"https://shop.example/back?x=1\"\n"),
            "serve: `redirect_uri` may have no query",
        ),
    ] {
        assert_eq!(refused(&text), expected);
    }
}

#[test]
fn all_faults_are_told_at_once_each_with_its_key() {
    let faults = refused(
        r#"
[serve]
listen = "0.0.0.0:1"
redirect_uri = "http://shop.example/back"
[vault]
url = "mysql://x"
key_file = "k"
[outgoing]
ca_file = "none.pem"
[webhook]
url = "ftp://w.example"
secret_file = "short.secret"
[[programs]]
name = "a"
secret_file = "none.secret"
providers = ["shop", "crm"]
[providers.shop]
client_id = "x"
secret_file = "none.secret"
authorize = "http://id.example/a"
token = "https://"
access = "soon"
refresh = "0s"
per_minute = 0
"#,
    );
    let beginnings = [
        "providers.shop: `authorize` is plain http to another machine",
        "providers.shop: `token` is no https URL",
        "providers.shop: `per_minute` is 0",
        "providers.shop: `secret_file`: failed to read none.secret",
        "providers.shop: `access`: `soon` is no span",
        "providers.shop: `refresh`: `0s` is no lifetime",
        "programs: `a`: names the provider `crm`",
        "programs: `a`: `secret_file`: failed to read none.secret",
        "serve: 0.0.0.0:1 is not loopback",
        "serve: `redirect_uri` is plain http to another machine",
        "vault: `url` is",
        "webhook: `url` is no https URL",
        "webhook: `secret_file`: short.secret is shorter",
        "outgoing: `ca_file`: failed to read none.pem",
    ];
    let lines: Vec<&str> = faults.lines().collect();
    assert_eq!(lines.len(), beginnings.len(), "{faults}");
    for (line, beginning) in lines.iter().zip(beginnings) {
        assert!(line.starts_with(beginning), "{line}\n{beginning}");
    }
}

#[test]
fn plain_http_to_another_machine_is_refused_unless_it_is_allowed() {
    let config = |token: &str, more: &str| {
        format!(
            "{VAULT}[providers.shop]\nclient_id = \"x\"\nauthorize = \"https://a.example\"\ntoken = \"{token}\"\n{more}\n"
        )
    };
    for token in [
        "https://t.example/token",
        "https://{shop}.example/token",
        "http://localhost:80/token",
        "http://id.localhost/token",
        "http://127.0.0.1:8080",
        "http://[::1]/token",
    ] {
        assert!(read(&config(token, "")).is_ok(), "{token}");
    }
    let refusal = "providers.shop: `token` is plain http to another machine: use https, or write `plain_http = true` in [outgoing]";
    for token in [
        "http://t.example/token",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1?x",
    ] {
        assert_eq!(refused(&config(token, "")), refusal, "{token}");
        assert!(read(&config(token, "[outgoing]\nplain_http = true")).is_ok(), "{token}");
    }
    assert_eq!(
        refused(&config("t.example/token", "")),
        "providers.shop: `token` is no https URL"
    );
    let webhook = "[webhook]\nurl = \"http://w.example\"\nsecret_file = \"shop.secret\"";
    assert!(refused(&config("https://t.example", webhook)).starts_with("webhook: `url` is plain http"));
}

#[test]
fn a_password_file_becomes_part_of_the_address_and_does_not_print() {
    let folder = folder();
    fs::write(folder.path().join("pg"), "p@ss word").unwrap();
    let path = folder.path().join("keeper.toml");
    let text = "[vault]\nurl = \"postgres://keeper@db.example/keeper\"\npassword_file = \"pg\"\nkey_file = \"k\"\n";
    fs::write(&path, text).unwrap();
    let config = Config::read(&path).unwrap_or_else(|error| panic!("{error}"));
    match config.vault.store {
        Store::Postgres { url, .. } => {
            assert_eq!(url.expose(), "postgres://keeper:p%40ss%20word@db.example/keeper");
            assert_eq!(format!("{url:?}"), "Secret(…)");
        }
        _ => panic!("another vault"),
    }
}

#[test]
fn a_vault_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let path = folder.path().join("keeper.key");
    assert!(
        key_file(&path)
            .unwrap_err()
            .to_string()
            .contains("openssl rand -base64 32")
    );
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(key_file(&path).unwrap_err().to_string().contains("chmod 600"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(key_file(&path), Ok(()));
}

#[test]
fn a_header_that_is_quoted_as_a_whole_is_a_fault_like_others() {
    let quoted = refused(&format!("{VAULT}[\"providers.shop\"]\nclient_id = \"x\"\n"));
    assert!(quoted.contains("providers.shop"), "{quoted}");
    let table = refused(&format!("{VAULT}[providers.\"providers.x\"]\nclient = \"x\"\n"));
    assert!(table.contains("client"), "{table}");
}

#[test]
fn what_a_second_program_lacks_hides_no_other_fault() {
    let programs = "[[programs]]\nname = \"a\"\nsecret_file = \"shop.secret\"\nproviders = []\n[[programs]]\nname = \"b\"\nproviders = []\n";
    let told = refused(&format!("{VAULT}{programs}[webhook]\nurl = 7\n"));
    assert!(told.contains("secret_file") && told.contains("line "), "{told}");
    assert!(told.contains("`url`"), "{told}");
}
