//! Export and import.

use super::super::{Exported, State, VaultKey};
use super::model::Fate;
use super::world::{MINUTE, World, access, watch_for};
use crate::keeper::{Care, Keeper, MemoryVault};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn an_export_goes_on_in_another_vault_under_another_key() {
    let world = World::new();
    let keeper = world.keeper();
    for name in ["one", "two", "three"] {
        world.connect(&keeper, name).await;
    }
    world.server.end("three");
    world.clock.advance(61 * MINUTE);
    keeper.keep_due().await.unwrap();
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = keeper.export(after.as_ref(), 2).await.unwrap();
        lines.extend(page.iter().map(|one| serde_json::to_string(one).unwrap()));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(lines.len(), 3);
    let key = VaultKey::from_bytes(&[9; 32]).unwrap();
    let other = Keeper::builder(Arc::new(MemoryVault::new()), key, Arc::new(world.clock.clone()))
        .endpoints("shop", Arc::new(world.server.clone()), Care::default())
        .build();
    let existing = world.connect(&other, "two").await;
    let mut stored = 0;
    for line in &lines {
        let exported: Exported = serde_json::from_str(line).unwrap();
        stored += usize::from(other.import(exported).await.unwrap());
    }
    assert_eq!(stored, 2);
    assert_eq!(access(other.token(&existing).await), "at.two.1", "what was there stays");
    let one = "shop/one".parse().unwrap();
    world.clock.advance(61 * MINUTE);
    assert_eq!(access(other.token(&one).await), "at.one.3");
    let three = "shop/three".parse().unwrap();
    assert_eq!(other.state(&three).await.unwrap(), Some(State::NeedsUser));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_before_an_export_is_asked_for_after_the_import() {
    for by_itself in [true, false] {
        let world = World::new();
        let keeper = world.keeper();
        let one = "shop/one".parse().unwrap();
        let mut tokens = world.server.connect("one");
        tokens.expires_at = Some(tokens.requested_at + 24 * 60 * MINUTE);
        keeper.take_over(&one, &tokens).await.unwrap();
        world.server.fates([Fate::AnswerLost]);
        drop(keeper.renew(&one, "at.one.1").await);
        keeper.stop().await;
        tokio::time::advance(Duration::from_secs(2)).await;
        let (exported, _) = keeper.export(None, 10).await.unwrap();
        let line = serde_json::to_string(&exported[0]).unwrap();
        let other = World {
            vault: Arc::new(MemoryVault::new()),
            ..world
        };
        let keeper = other.keeper();
        assert_eq!(keeper.import(serde_json::from_str(&line).unwrap()).await, Ok(true));
        if by_itself {
            watch_for(&keeper, Duration::from_secs(5)).await;
            assert_eq!(other.server.requests(), 2);
        }
        assert_eq!(access(keeper.token(&one).await), "at.one.2");
        assert!(!other.server.is_ended("one"));
    }
}
