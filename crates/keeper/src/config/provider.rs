//! `[providers.NAME]`: the keys that real providers need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_client::keeper::{Care, Keep};
use hallpass_client::{BasicEncoding, BodyFormat, ClientAuth, ClientSecret, Provider, SigningKey};
use serde::Deserialize;

use super::{ConfigError, Faults, ProviderConfig, Secret, address, span};

/// A table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderTable {
    issuer: Option<String>,
    authorize: Option<String>,
    token: Option<String>,
    revoke: Option<String>,
    client_id: String,
    secret_file: Option<PathBuf>,
    auth: Option<Auth>,
    #[serde(default)]
    basic_encoding: Encoding,
    key_algorithm: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    scope_separator: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    body: Body,
    pkce: Option<bool>,
    #[serde(default)]
    authorize_params: BTreeMap<String, String>,
    #[serde(default)]
    token_params: BTreeMap<String, String>,
    #[serde(default)]
    refresh_params: BTreeMap<String, String>,
    #[serde(default)]
    extra: Vec<String>,
    #[serde(default)]
    callback_extra: Vec<String>,
    access: Option<String>,
    refresh: Option<String>,
    #[serde(default)]
    keep: Keeps,
    per_minute: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Auth {
    None,
    Basic,
    Body,
    PrivateKeyJwt,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    #[default]
    Form,
    Plain,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    #[default]
    Form,
    Json,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Keeps {
    #[default]
    Ready,
    Alive,
}

impl ProviderTable {
    /// The provider that this table describes.
    pub(super) fn read(self, folder: &Path, plain_http: bool) -> Result<ProviderConfig, ConfigError> {
        let mut faults = Faults::default();
        faults.check(self.endpoints(plain_http));
        if self.client_id.trim().is_empty() {
            faults.check::<()>(Err(ConfigError::new("`client_id` is empty")));
        }
        if self.per_minute == Some(0) {
            let fault = "`per_minute` is 0, so nothing would be refreshed";
            faults.check::<()>(Err(ConfigError::new(fault)));
        }
        let auth = faults.check(self.authentication(folder));
        let access = self.access.as_deref().map(lifetime).transpose();
        let access = faults.check_at("`access`", access);
        let refresh = self.refresh.as_deref().map(lifetime).transpose();
        let refresh = faults.check_at("`refresh`", refresh);
        faults.end()?;
        let auth = auth.ok_or_else(|| ConfigError::new("`auth` cannot be used"))?;
        let mut provider = Provider::new(self.client_id, auth);
        provider.access_lifetime = access.flatten();
        provider.refresh_lifetime = refresh.flatten();
        let discover = self.issuer.is_some() && self.token.is_none();
        provider.issuer = self.issuer;
        provider.authorization_endpoint = self.authorize;
        provider.token_endpoint = self.token;
        provider.revocation_endpoint = self.revoke;
        provider.body = match self.body {
            Body::Form => BodyFormat::Form,
            Body::Json => BodyFormat::Json,
        };
        provider.pkce = self.pkce.unwrap_or(true);
        provider.scopes = self.scopes;
        if let Some(separator) = self.scope_separator {
            provider.scope_separator = separator;
        }
        provider.resources = self.resources;
        provider.authorize_params = self.authorize_params.into_iter().collect();
        provider.token_params = self.token_params.into_iter().collect();
        provider.refresh_params = self.refresh_params.into_iter().collect();
        provider.extra = self.extra;
        provider.callback_extra = self.callback_extra;
        let care = Care {
            keep: match self.keep {
                Keeps::Ready => Keep::Ready,
                Keeps::Alive => Keep::Alive,
            },
            per_minute: self.per_minute,
        };
        Ok(ProviderConfig {
            provider,
            care,
            discover,
        })
    }

    fn endpoints(&self, plain_http: bool) -> Result<(), ConfigError> {
        let mut faults = Faults::default();
        if self.issuer.is_none() && self.token.is_none() {
            let fault = "write `issuer`, or `authorize` and `token`";
            faults.check::<()>(Err(ConfigError::new(fault)));
        }
        for (key, url) in [
            ("authorize", &self.authorize),
            ("token", &self.token),
            ("revoke", &self.revoke),
        ] {
            if let Some(url) = url {
                faults.check(address::check(key, url, plain_http));
            }
        }
        if let Some(issuer) = &self.issuer {
            faults.check(address::check_base("issuer", issuer, plain_http));
            if issuer.contains('{') && self.token.is_none() {
                let fault = "an `issuer` with variables has no metadata: write `authorize` and `token`";
                faults.check::<()>(Err(ConfigError::new(fault)));
            }
        }
        faults.end()
    }

    fn authentication(&self, folder: &Path) -> Result<ClientAuth, ConfigError> {
        let path = self.secret_file.as_ref().map(|path| folder.join(path));
        let path = || {
            path.as_deref()
                .ok_or_else(|| ConfigError::new("`secret_file` is missing"))
        };
        let at_key = |error: ConfigError| error.at("`secret_file`");
        let secret = || {
            let secret = Secret::read_client_secret(path()?).map_err(at_key)?;
            Ok::<_, ConfigError>(ClientSecret::new(secret.expose()))
        };
        let default = if self.secret_file.is_some() {
            Auth::Basic
        } else {
            Auth::None
        };
        Ok(match self.auth.unwrap_or(default) {
            Auth::None => ClientAuth::None,
            Auth::Basic => {
                let encoding = match self.basic_encoding {
                    Encoding::Form => BasicEncoding::Form,
                    Encoding::Plain => BasicEncoding::Plain,
                };
                ClientAuth::Basic(secret()?, encoding)
            }
            Auth::Body => ClientAuth::Body(secret()?),
            Auth::PrivateKeyJwt => {
                let text = Secret::read_lines(path()?).map_err(at_key)?;
                ClientAuth::private_key_jwt(self.signing_key(&text)?)
            }
        })
    }

    /// A JWK, or a key in PEM form with its algorithm.
    fn signing_key(&self, text: &Secret) -> Result<SigningKey, ConfigError> {
        let text = text.expose();
        let key = if text.trim_start().starts_with('{') {
            SigningKey::from_jwk(text)
        } else {
            let name = self.key_algorithm.as_deref().unwrap_or("ES256");
            let algorithm = hallpass_client::Algorithm::from_name(name).ok_or_else(|| {
                ConfigError::new(format!("`key_algorithm` is `{name}`: write ES256, RS256, EdDSA, …"))
            })?;
            SigningKey::from_pem(text, algorithm, self.key_id.as_deref())
        };
        key.map_err(|error| ConfigError::new(format!("the key in `secret_file` cannot sign: {error}")))
    }
}

/// Tokens that are over when they are given would cost a refresh for each request.
fn lifetime(text: &str) -> Result<Duration, ConfigError> {
    let life = span::parse(text).map_err(ConfigError::new)?;
    match life.is_zero() {
        true => Err(ConfigError::new(format!(
            "`{text}` is no lifetime: each request would cost a refresh"
        ))),
        false => Ok(life),
    }
}
