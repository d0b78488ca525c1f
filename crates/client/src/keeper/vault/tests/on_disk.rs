//! A vault in a file.

use super::*;
use crate::http::HttpClient;
use crate::keeper::{Care, Keeper, VaultKey};
use crate::{AccessToken, ClientAuth, Clock as _, Provider, SystemClock, Tokens};

#[tokio::test]
async fn a_file_is_for_its_owner_alone_and_survives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let vault = SqliteVault::open(&path).unwrap();
    vault.put(put("a/1", 50)).await.unwrap();
    drop(vault);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = SqliteVault::open(&path).unwrap();
    assert!(again.read(&name("a/1")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_locked_file_says_so_and_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let vault = SqliteVault::open(&path).unwrap();
    vault.put(put("a/1", 50)).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = vault.take(&name("a/1"), lease(1, LONG)).await;
    assert!(matches!(refused, Err(VaultError::Locked(_))), "{refused:?}");
    assert!(vault.read(&name("a/1")).await.unwrap().is_some());
    other.execute_batch("ROLLBACK").unwrap();
    taken(&vault, "a/1", lease(1, LONG)).await;
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    drop(SqliteVault::open(&path).unwrap());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("UPDATE keeper_vault SET version = 2").unwrap();
    assert!(matches!(SqliteVault::open(&path), Err(VaultError::Failed(_))));
}

#[tokio::test]
async fn a_full_file_says_so_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let vault = SqliteVault::open(&path).unwrap();
    vault.put(put("a/1", 50)).await.unwrap();
    // The trigger stands for a disk without room: it makes one write fail inside a batch of many.
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON keeper_connections WHEN NEW.reference = 'full'
             BEGIN SELECT RAISE(ABORT, 'no room'); END",
        )
        .unwrap();
    let vault = Arc::new(vault);
    let mut all = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (vault, reference) = (
            vault.clone(),
            if number == 7 {
                "full".to_owned()
            } else {
                number.to_string()
            },
        );
        all.spawn(async move { vault.put(put(&format!("b/{reference}"), 1)).await.is_ok() });
    }
    let mut stored = 0;
    while let Some(done) = all.join_next().await {
        stored += usize::from(done.unwrap());
    }
    assert_eq!(stored, 19);
    assert_eq!(vault.list(None, None, 100).await.unwrap().len(), 20);
}

/// Each name has its own file of commits.
#[cfg(unix)]
#[tokio::test]
async fn a_file_with_two_names_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("vault.db"), folder.path().join("other.db"));
    let vault = SqliteVault::open(&path).unwrap();
    std::fs::hard_link(&path, &other).unwrap();
    for path in [&path, &other] {
        assert!(matches!(SqliteVault::open(path), Err(VaultError::Failed(_))));
    }
    std::fs::remove_file(&other).unwrap();
    drop(vault);
    assert!(SqliteVault::open(&path).is_ok());
}

#[tokio::test]
async fn a_locked_file_opens_and_gives_a_live_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let keeper = |path| {
        let vault = Arc::new(SqliteVault::open(path).unwrap());
        let key = VaultKey::from_bytes(&[7; 32]).unwrap();
        let provider = Provider::new("app", ClientAuth::None);
        let http = HttpClient::builder().without_native_roots().build().unwrap();
        Keeper::builder(vault, key, Arc::new(SystemClock))
            .provider("a", provider, http, Care::default())
            .build()
    };
    let first = keeper(&path);
    first.check_key().await.unwrap();
    let tokens = Tokens::new(AccessToken::new("at").unwrap(), SystemClock.now_millis());
    first.take_over(&name("a/1"), &tokens).await.unwrap();
    drop(first);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let second = keeper(&path);
    second.check_key().await.unwrap();
    assert_eq!(second.token(&name("a/1")).await.unwrap().access.secret(), "at");
}
