//! A clock that is set back while leases last.

use super::{LONG, homes, lease, name, put, taken};
use crate::keeper::vault::Taken;

#[tokio::test]
async fn a_lease_from_before_the_clock_was_set_back_is_over() {
    for home in homes().await {
        let vault = &*home.vault;
        if vault.now().await.unwrap().is_none() {
            // It has no clock that can be set.
            continue;
        }
        for number in [1, 2] {
            vault.put(put(&format!("a/{number}"), 50)).await.unwrap();
            taken(vault, &format!("a/{number}"), lease(1, LONG)).await;
        }
        // Keepers may have other limits.
        let other = vault.claim("a", 9000, 9, lease(2, LONG * 2 / 3)).await.unwrap();
        assert_eq!(other, []);
        assert_eq!(
            vault.take(&name("a/1"), lease(3, LONG * 2 / 3)).await.unwrap(),
            Taken::Held
        );
        let again = taken(vault, "a/1", lease(4, LONG / 60)).await;
        assert_eq!(again.fence, 3);
        assert_eq!(vault.claim("a", 9000, 9, lease(5, LONG / 60)).await.unwrap().len(), 1);
    }
}
