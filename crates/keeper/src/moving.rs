//! Tokens that come from elsewhere or go elsewhere: `PUT`, `import`, `export`, and `list`.

use std::io::BufRead as _;

use hallpass_client::keeper::{Connection, Exported, Keeper, KeeperError, Variables};
use hallpass_client::{AccessToken, Clock as _, RefreshToken, SystemClock, TokenType, Tokens};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::output::{Fault, expiry, not_configured, say};

/// Connections that are read at a time.
const PAGE: usize = 500;

/// No token lives so long, in seconds since 1970 (the year 5138): a larger number is in milliseconds.
const LATEST: i64 = 100_000_000_000;

/// When a token that never was is over: before every moment, whatever the distance of the provider's clock.
const NEVER_GOOD: i64 = i64::MIN;

/// Tokens from elsewhere: the body of `PUT`, or a line of `import` that another program wrote. Times are seconds since 1970.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moved {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_at: Option<i64>,
    refresh_token: Option<String>,
    refresh_expires_at: Option<i64>,
    scope: Option<String>,
    #[serde(default)]
    extra: Map<String, Value>,
    /// Values for the `{variables}` in the provider's endpoints.
    #[serde(default)]
    params: Variables,
}

/// Why tokens were not taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MoveError {
    #[error("{0}")]
    Tokens(&'static str),
    #[error(transparent)]
    Keeper(#[from] KeeperError),
}

impl Moved {
    /// The tokens as the keeper takes them over. Without an access token, one that is over stands in its place, so that the
    /// first request refreshes.
    fn tokens(self, now: i64) -> Result<(Tokens, Variables), MoveError> {
        let token = |wrong| MoveError::Tokens(wrong);
        let moments = [self.expires_at, self.refresh_expires_at];
        if moments.into_iter().flatten().any(|moment| moment > LATEST) {
            return Err(token("`expires_at` and `refresh_expires_at` are in seconds since 1970"));
        }
        let refresh = self
            .refresh_token
            .map(|text| RefreshToken::new(text).ok_or("`refresh_token` is no token"));
        let refresh = refresh.transpose().map_err(token)?;
        let (access, expires_at) = match (self.access_token, &refresh) {
            (Some(text), _) => (text, self.expires_at.map(millis)),
            (None, Some(_)) => ("none".to_owned(), Some(NEVER_GOOD)),
            (None, None) => return Err(token("there is neither `access_token` nor `refresh_token`")),
        };
        let access = AccessToken::new(access)
            .ok_or("`access_token` is no token")
            .map_err(token)?;
        let mut tokens = Tokens::new(access, now);
        tokens.token_type = TokenType::from_word(self.token_type.as_deref().unwrap_or_default());
        tokens.expires_at = expires_at;
        tokens.refresh = refresh;
        tokens.refresh_expires_at = self.refresh_expires_at.map(millis);
        tokens.scope = self.scope;
        tokens.extra = self.extra;
        Ok((tokens, self.params))
    }
}

fn millis(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

/// Stores tokens from elsewhere, in place of those that are there.
pub(crate) async fn take_over(keeper: &Keeper, connection: &Connection, moved: Moved) -> Result<(), MoveError> {
    let (tokens, params) = moved.tokens(SystemClock.now_millis())?;
    Ok(keeper.take_over_with(connection, &tokens, &params).await?)
}

/// Reads lines from standard input: those of an export, or tokens with the member `connection`.
pub(crate) async fn import(keeper: &Keeper) -> Result<(), Fault> {
    let (mut taken, mut kept) = (0_usize, 0_usize);
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = Zeroizing::new(line?);
        if line.trim().is_empty() {
            continue;
        }
        // The line holds tokens, so a fault names only its place.
        let stored = store(keeper, &line).await;
        match stored.map_err(|error| format!("line {}: {error}", number + 1))? {
            true => taken += 1,
            false => kept += 1,
        }
    }
    say(&format!("took over {taken}; {kept} were there already and stayed"))?;
    Ok(())
}

async fn store(keeper: &Keeper, line: &str) -> Result<bool, String> {
    let unreadable = |error: serde_json::Error| format!("it cannot be read at column {}", error.column());
    let mut members: Map<String, Value> = serde_json::from_str(line).map_err(unreadable)?;
    if members.contains_key("record") {
        let exported: Exported =
            serde_json::from_value(members.into()).map_err(|_| "it is no line of an export".to_owned())?;
        let connection: Connection = exported.connection().parse().map_err(|error| format!("{error}"))?;
        let stored = keeper.import(exported).await;
        return stored.map_err(|error| untaken(&connection, error.into()));
    }
    let name = members.remove("connection");
    let name = name.as_ref().and_then(Value::as_str).ok_or("`connection` is missing")?;
    let connection: Connection = name.parse().map_err(|error| format!("{error}"))?;
    let moved = serde_json::from_value(members.into()).map_err(|_| "its members are not those of tokens".to_owned())?;
    let taken = take_in(keeper, &connection, moved).await;
    taken.map_err(|error| untaken(&connection, error))
}

/// Stores tokens from elsewhere, unless the connection exists. The vault decides: a user may connect at this moment.
async fn take_in(keeper: &Keeper, connection: &Connection, moved: Moved) -> Result<bool, MoveError> {
    let (tokens, params) = moved.tokens(SystemClock.now_millis())?;
    Ok(keeper.take_in(connection, &tokens, &params).await?)
}

/// Why a line was not taken over.
fn untaken(connection: &Connection, error: MoveError) -> String {
    match error {
        // The line makes the connection, so only its provider can be missing.
        MoveError::Keeper(KeeperError::Unknown) => not_configured(connection),
        other => other.to_string(),
    }
}

/// Prints every connection with its secrets. Fails at the end if it could not print all of them.
pub(crate) async fn export(keeper: &Keeper) -> Result<(), Fault> {
    let mut after = None;
    loop {
        let (page, next) = keeper.export(after.as_ref(), PAGE).await?;
        for exported in page {
            say(&Zeroizing::new(serde_json::to_string(&exported)?))?;
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    match keeper.left_out().await? {
        0 => Ok(()),
        count => Err(format!(
            "connections that were not exported: {count}. A later version of the keeper wrote their state: export with that version, \
             and do not delete this vault before"
        )
        .into()),
    }
}

/// Prints every connection without its secrets.
pub(crate) async fn list(keeper: &Keeper) -> Result<(), Fault> {
    let mut after: Option<Connection> = None;
    loop {
        let rows = keeper.list(after.as_ref(), PAGE).await?;
        for row in &rows {
            let summary = &row.summary;
            let expires = expiry(summary).and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
            let expires = expires.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let reason = summary.reason.as_deref().unwrap_or("-");
            say(&format!(
                "{}\t{}\t{reason}\t{expires}",
                row.connection,
                summary.state.word()
            ))?;
        }
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.connection.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_client::http::HttpClient;
    use hallpass_client::keeper::{Care, MemoryVault, SqliteVault, Vault, VaultKey};
    use hallpass_client::{ClientAuth, Provider};
    use std::sync::Arc;

    fn keeper() -> Keeper {
        keeper_of(Arc::new(MemoryVault::new()))
    }

    fn keeper_of(vault: Arc<dyn Vault>) -> Keeper {
        let mut shop = Provider::new("app", ClientAuth::None);
        shop.token_endpoint = Some("https://shop.example/token".to_owned());
        let http = HttpClient::builder().without_native_roots().build().unwrap();
        let key = VaultKey::from_bytes(&[7; 32]).unwrap();
        Keeper::builder(vault, key, Arc::new(SystemClock))
            .provider("shop", shop, http, Care::default())
            .build()
    }

    #[tokio::test]
    async fn tokens_without_an_access_token_have_no_expiry() {
        let keeper = keeper();
        // The provider's clock is ahead, which moves every moment in the vault.
        let mut ahead = Tokens::new(AccessToken::new("at").unwrap(), 0);
        ahead.clock_skew = Some(3000);
        keeper.take_over(&"shop/2".parse().unwrap(), &ahead).await.unwrap();
        let line = r#"{"connection":"shop/1","refresh_token":"r"}"#;
        assert_eq!(store(&keeper, line).await, Ok(true));
        let listed = keeper.list(None, 1).await.unwrap();
        assert_eq!(expiry(&listed[0].summary), None);
    }

    #[tokio::test]
    async fn an_export_that_leaves_connections_out_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keeper.db");
        let keeper = keeper_of(Arc::new(SqliteVault::open(&path).unwrap()));
        store(&keeper, r#"{"connection":"shop/1","refresh_token":"r"}"#)
            .await
            .unwrap();
        assert!(export(&keeper).await.is_ok());
        let later = rusqlite::Connection::open(&path).unwrap();
        later
            .execute_batch("UPDATE keeper_connections SET state = 'later'")
            .unwrap();
        let told = export(&keeper).await.unwrap_err().to_string();
        assert!(told.contains("not exported: 1. A later version"), "{told}");
    }

    #[tokio::test]
    async fn a_line_of_a_connection_that_is_there_changes_nothing() {
        let keeper = keeper();
        let line = |token: &str| format!(r#"{{"connection":"shop/1","refresh_token":"{token}"}}"#);
        assert_eq!(store(&keeper, &line("newer")).await, Ok(true));
        assert_eq!(store(&keeper, &line("older")).await, Ok(false));
        let (exported, _) = keeper.export(None, 1).await.unwrap();
        assert_eq!(exported[0].refresh_token(), Some("newer"));
    }

    #[tokio::test]
    async fn a_line_of_another_provider_is_refused_with_its_name() {
        let keeper = keeper();
        let line = r#"{"connection":"nope/1","refresh_token":"r"}"#;
        let refusal = "the provider `nope` is not in the configuration file";
        assert_eq!(store(&keeper, line).await, Err(refusal.to_owned()));
        assert_eq!(
            store(&keeper, r#"{"connection":"shop/1","refresh_token":"r"}"#).await,
            Ok(true)
        );
        let (exported, _) = keeper.export(None, 1).await.unwrap();
        let line = serde_json::to_string(&exported[0]).unwrap().replace("shop/1", "nope/1");
        assert_eq!(store(&keeper, &line).await, Err(refusal.to_owned()));
    }

    #[test]
    fn moments_in_milliseconds_are_refused() {
        let read = |text: &str| serde_json::from_str::<Moved>(text).unwrap().tokens(0);
        assert!(read(r#"{"access_token":"a","expires_at":1800000000}"#).is_ok());
        for member in ["expires_at", "refresh_expires_at"] {
            let moved = read(&format!(r#"{{"access_token":"a","{member}":1800000000000}}"#));
            assert!(matches!(moved, Err(MoveError::Tokens(_))), "{member}");
        }
    }
}
