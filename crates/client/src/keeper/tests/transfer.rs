//! Export and import.

use super::super::{Exported, State, VaultKey};
use super::world::{MINUTE, World, access};
use crate::keeper::{Care, Keeper, MemoryVault};
use std::sync::Arc;

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
