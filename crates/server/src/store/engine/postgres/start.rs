//! What a PostgreSQL must be to start on, and what stands between it and us.

use super::address::Address;
use super::connection::PostgresConnection;
use crate::store::{Result, StoreError};

/// The oldest version, as `server_version_num` counts.
const OLDEST: u32 = 140_000;
/// How often two connections are compared.
const LOOKS: usize = 4;

/// What a look at a database found, and the connections that it was made on, which can be used further.
pub(super) struct Look {
    /// Whether statements may have names there.
    pub(super) prepared: bool,
    pub(super) connections: [PostgresConnection; 2],
}

/// Looks at a database before anything is done in it. Statements get names only if they may and `prepared` is set.
pub(super) async fn look(address: &Address, prepared: bool) -> Result<Look> {
    let connection = PostgresConnection::open(address, prepared).await?;
    let settings = connection.texts(SETTINGS).await?;
    let setting = |n: usize| {
        settings
            .first()
            .and_then(|row| row.get(n)?.as_deref())
            .unwrap_or_default()
    };
    judge(setting(0), setting(1), setting(2))?;
    if setting(3) == "off" {
        tracing::warn!("PostgreSQL runs with fsync = off: a loss of power may lose what was acknowledged");
    }
    let mut connections = [connection, PostgresConnection::open(address, prepared).await?];
    let pooled = is_pooled(&connections).await?;
    if pooled {
        tracing::info!("a pooler lends connections to PostgreSQL for one transaction: statements get no names");
        connections.iter_mut().for_each(PostgresConnection::name_no_statements);
    }
    let prepared = prepared && !pooled;
    Ok(Look { prepared, connections })
}

const SETTINGS: &str = "SELECT current_setting('server_version_num'), current_setting('server_encoding'), \
     current_setting('synchronous_commit'), current_setting('fsync')";

fn judge(version: &str, encoding: &str, commit: &str) -> Result<()> {
    let unfit = |reason: String| Err(StoreError::Unfit(reason));
    match version.parse::<u32>() {
        Ok(number) if number >= OLDEST => {}
        Ok(number) => {
            return unfit(format!(
                "PostgreSQL {} is too old; 14 is the oldest to use",
                number / 10_000
            ));
        }
        Err(_) => return unfit("it does not say which PostgreSQL it is".to_owned()),
    }
    if encoding != "UTF8" {
        return unfit(format!("its encoding is {encoding}; UTF8 is needed"));
    }
    match commit {
        "off" => unfit("synchronous_commit is off, so what was acknowledged may be lost; set it to on".to_owned()),
        _ => Ok(()),
    }
}

/// Whether two connections of ours are served by one process of PostgreSQL, or one by two: then names of statements belong
/// to whoever comes next, who may mean another statement by them.
async fn is_pooled(connections: &[PostgresConnection; 2]) -> Result<bool> {
    let mut served = [None, None];
    for _ in 0..LOOKS {
        for (connection, before) in connections.iter().zip(&mut served) {
            let rows = connection.texts("SELECT pg_backend_pid()").await?;
            let process = rows.into_iter().flatten().next().flatten();
            if before.is_some() && *before != process {
                return Ok(true);
            }
            *before = process;
        }
        if served[0] == served[1] {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn what_is_too_old_or_loses_commits_is_refused() {
        assert!(judge("140000", "UTF8", "on").is_ok());
        assert!(judge("150018", "UTF8", "remote_apply").is_ok());
        for (version, encoding, commit) in [
            ("130022", "UTF8", "on"),
            ("?", "UTF8", "on"),
            ("150018", "SQL_ASCII", "on"),
            ("150018", "UTF8", "off"),
        ] {
            assert!(
                judge(version, encoding, commit).is_err(),
                "{version} {encoding} {commit}"
            );
        }
    }
}
