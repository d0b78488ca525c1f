//! A vault that fails: full, locked or away, before or after it did what was asked.

use super::super::vault::{
    Change, LeaseRequest, NEVER, Owner, Put, Row, SignIn, StoredEvent, Taken, Vault, VaultError, VaultFuture,
};
use super::super::{Connection, Keeper, KeeperError, MemoryVault, VaultKey};
use super::model::Fate;
use super::world::{MINUTE, TestClock, World, access, watch_for};
use crate::Clock;
use crate::keeper::Care;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// Nothing is done.
    Fails,
    /// The change is made, and its caller hears of a failure.
    Forgets,
    /// The change is made, and its caller hears of that five seconds later.
    Slow,
}

/// A vault whose leases and writes fail as told.
pub(super) struct Flaky {
    vault: MemoryVault,
    takes: Mutex<Trouble>,
    /// The provider whose claims fail.
    away_for: Mutex<Option<&'static str>>,
    /// How long a claim takes.
    pub(super) claims_take: Mutex<Duration>,
    writes: Mutex<Trouble>,
    puts: Mutex<Trouble>,
    failed: AtomicUsize,
    /// The vault's own clock, and what it remembers of others.
    clock: Mutex<Option<TestClock>>,
    /// How long its answer is on its way.
    now_takes: Mutex<Duration>,
    skews: Mutex<Vec<(String, i64)>>,
}

impl Flaky {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            vault: MemoryVault::new(),
            takes: Mutex::new(Trouble::None),
            away_for: Mutex::default(),
            claims_take: Mutex::default(),
            writes: Mutex::new(Trouble::None),
            puts: Mutex::new(Trouble::None),
            failed: AtomicUsize::new(0),
            clock: Mutex::new(None),
            now_takes: Mutex::default(),
            skews: Mutex::default(),
        })
    }

    pub(super) fn end_leases(&self) {
        self.vault.end_leases();
    }

    pub(super) fn set(&self, takes: Trouble, writes: Trouble) {
        *self.takes.lock().unwrap() = takes;
        *self.writes.lock().unwrap() = writes;
    }

    pub(super) fn set_puts(&self, puts: Trouble) {
        *self.puts.lock().unwrap() = puts;
    }

    async fn disturbed<T>(&self, trouble: Trouble, work: VaultFuture<'_, T>) -> Result<T, VaultError> {
        let error = VaultError::Full("no space left on device".to_owned());
        if matches!(trouble, Trouble::Fails | Trouble::Forgets) {
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
        match trouble {
            Trouble::None => work.await,
            Trouble::Fails => Err(error),
            Trouble::Forgets => {
                work.await?;
                Err(error)
            }
            Trouble::Slow => {
                let done = work.await;
                tokio::time::sleep(Duration::from_secs(5)).await;
                done
            }
        }
    }
}

impl Vault for Flaky {
    fn read<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, Option<Row>> {
        self.vault.read(connection)
    }
    fn put(&self, put: Put) -> VaultFuture<'_, bool> {
        let trouble = *self.puts.lock().unwrap();
        Box::pin(self.disturbed(trouble, self.vault.put(put)))
    }
    fn take<'a>(&'a self, connection: &'a Connection, lease: LeaseRequest) -> VaultFuture<'a, Taken> {
        let trouble = *self.takes.lock().unwrap();
        Box::pin(self.disturbed(trouble, self.vault.take(connection, lease)))
    }
    fn claim<'a>(
        &'a self,
        provider: &'a str,
        due_by: i64,
        limit: usize,
        lease: LeaseRequest,
    ) -> VaultFuture<'a, Vec<Row>> {
        let trouble = match *self.away_for.lock().unwrap() {
            Some(name) if name == provider => Trouble::Fails,
            _ => *self.takes.lock().unwrap(),
        };
        let pause = *self.claims_take.lock().unwrap();
        Box::pin(async move {
            tokio::time::sleep(pause).await;
            let claim = self.vault.claim(provider, due_by, limit, lease);
            self.disturbed(trouble, claim).await
        })
    }
    fn write(&self, change: Change) -> VaultFuture<'_, bool> {
        let trouble = *self.writes.lock().unwrap();
        Box::pin(self.disturbed(trouble, self.vault.write(change)))
    }
    fn remove<'a>(&'a self, connection: &'a Connection, fence: i64, owner: Owner) -> VaultFuture<'a, bool> {
        self.vault.remove(connection, fence, owner)
    }
    fn remove_unknown<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, bool> {
        self.vault.remove_unknown(connection)
    }
    fn count_unknown(&self) -> VaultFuture<'_, usize> {
        self.vault.count_unknown()
    }
    fn list<'a>(
        &'a self,
        providers: Option<&'a BTreeSet<String>>,
        after: Option<&'a Connection>,
        limit: usize,
    ) -> VaultFuture<'a, Vec<Row>> {
        self.vault.list(providers, after, limit)
    }
    fn begin(&self, sign_in: SignIn, now: i64) -> VaultFuture<'_, ()> {
        self.vault.begin(sign_in, now)
    }
    fn begun<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, Option<SignIn>> {
        self.vault.begun(state)
    }
    fn spend<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, bool> {
        self.vault.spend(state)
    }
    fn next_event(&self, span: Duration) -> VaultFuture<'_, Option<StoredEvent>> {
        self.vault.next_event(span)
    }
    fn event_failed<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool> {
        self.vault.event_failed(id, span)
    }
    fn event_kept<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool> {
        self.vault.event_kept(id, span)
    }
    fn event_done<'a>(&'a self, id: &'a [u8; 16]) -> VaultFuture<'a, ()> {
        self.vault.event_done(id)
    }
    fn now(&self) -> VaultFuture<'_, Option<i64>> {
        let now = self.clock.lock().unwrap().as_ref().map(Clock::now_millis);
        let pause = *self.now_takes.lock().unwrap();
        Box::pin(async move {
            tokio::task::yield_now().await;
            tokio::time::sleep(pause).await;
            Ok(now)
        })
    }
    fn skews(&self) -> VaultFuture<'_, Vec<(String, i64)>> {
        let skews = self.skews.lock().unwrap().clone();
        Box::pin(async move { Ok(skews) })
    }
    fn set_skew<'a>(&'a self, provider: &'a str, skew: i64) -> VaultFuture<'a, ()> {
        *self.skews.lock().unwrap() = vec![(provider.to_owned(), skew)];
        Box::pin(async { Ok(()) })
    }
}

pub(super) fn world() -> (World, Arc<Flaky>) {
    let vault = Flaky::new();
    (World::with(vault.clone()), vault)
}

#[tokio::test(start_paused = true)]
async fn without_a_lease_nothing_is_sent_and_a_live_token_is_still_given() {
    let (world, vault) = world();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    vault.set(Trouble::Fails, Trouble::Fails);
    world.clock.advance(59 * MINUTE + 30_000);
    assert_eq!(access(keeper.token(&one).await), "at.one.1");
    world.clock.advance(MINUTE);
    let refused = keeper.token(&one).await.unwrap_err();
    assert!(matches!(refused, KeeperError::Vault(VaultError::Full(_))));
    assert_eq!(world.server.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn new_tokens_that_cannot_be_stored_are_given_to_nobody_and_stored_later() {
    let (world, vault) = world();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Fails);
    let refused = keeper.token(&one).await.unwrap_err();
    assert!(matches!(refused, KeeperError::Vault(_)));
    assert_eq!(world.server.generation("one"), 2);
    vault.set(Trouble::Fails, Trouble::Fails);
    tokio::time::advance(Duration::from_secs(2 * 3600)).await;
    assert!(keeper.token(&one).await.is_err());
    vault.set(Trouble::None, Trouble::None);
    assert!(world.server.call(&access(keeper.token(&one).await)));
    assert!(!world.server.is_ended("one"));
}

#[tokio::test(start_paused = true)]
async fn tokens_not_stored_are_not_lost_with_a_provider_that_never_repeats() {
    let (world, vault) = world();
    world.server.never_repeats();
    let (first, second) = (world.keeper(), world.keeper());
    let one = world.connect(&first, "one").await;
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Fails);
    drop(first.token(&one).await);
    tokio::time::advance(Duration::from_secs(20)).await;
    vault.set(Trouble::None, Trouble::None);
    // Another keeper takes the lease over, and is refused.
    assert!(matches!(second.token(&one).await, Err(KeeperError::NeedsUser { .. })));
    watch_for(&first, Duration::from_secs(2)).await;
    assert_eq!(access(second.token(&one).await), "at.one.2");
}

/// A provider that repeats a lost answer gives another successor later, and takes the first one for reuse.
#[tokio::test(start_paused = true)]
async fn tokens_not_stored_do_not_replace_an_answer_that_another_keeper_lost_since() {
    let (world, vault) = world();
    let (keeper, other) = (world.keeper(), world.keeper());
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Fails);
    assert!(keeper.token(&one).await.is_err());
    vault.set(Trouble::None, Trouble::None);
    world.clock.advance(2 * MINUTE);
    world.server.fates([Fate::AnswerLost]);
    assert!(other.token(&one).await.is_err());
    assert_eq!(world.server.generation("one"), 3);
    watch_for(&keeper, Duration::from_secs(120)).await;
    let token = access(keeper.token(&one).await);
    assert!(world.server.call(&token), "{token}");
    world.clock.advance(61 * MINUTE);
    assert!(world.server.call(&access(keeper.token(&one).await)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_stores_the_tokens_that_the_vault_did_not_take() {
    let (world, vault) = world();
    world.server.never_repeats();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Fails);
    assert!(keeper.token(&one).await.is_err());
    let back = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        vault.set(Trouble::None, Trouble::None);
    };
    tokio::join!(keeper.stop(), back);
    assert_eq!(access(world.keeper().token(&one).await), "at.one.2");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_ever_for_a_vault_that_is_away() {
    let (world, vault) = world();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Fails);
    assert!(keeper.token(&one).await.is_err());
    let stopped = tokio::time::timeout(Duration::from_secs(21), keeper.stop());
    assert!(stopped.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_wrote_and_said_that_it_failed_costs_nothing() {
    let (world, vault) = world();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Forgets);
    drop(keeper.token(&one).await);
    vault.set(Trouble::None, Trouble::None);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    assert_eq!(world.server.requests(), 1);
    vault.set(Trouble::Forgets, Trouble::None);
    world.clock.advance(61 * MINUTE);
    assert!(matches!(keeper.token(&one).await, Err(KeeperError::Vault(_))));
    vault.set(Trouble::None, Trouble::None);
    assert_eq!(
        access(keeper.token(&one).await),
        "at.one.3",
        "after the lease that nobody knew of"
    );
}

#[tokio::test(start_paused = true)]
async fn method_2_goes_on_after_the_vault_was_away() {
    let (world, vault) = world();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    vault.set(Trouble::Fails, Trouble::Fails);
    world.clock.advance(55 * MINUTE);
    let vault_back = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        vault.set(Trouble::None, Trouble::None);
    };
    world.server.fates([Fate::AnswerLost]);
    tokio::join!(watch_for(&keeper, Duration::from_secs(300)), vault_back);
    assert!(vault.failed.load(Ordering::SeqCst) > 0);
    let row = world.vault.read(&one).await.unwrap().unwrap();
    assert_eq!(row.asked_at, None);
    assert_ne!(row.due_at, NEVER);
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
}

#[tokio::test(start_paused = true)]
async fn a_new_process_with_a_wrong_clock_asks_again_in_time() {
    for off in [-5 * MINUTE, 5 * MINUTE] {
        let (world, vault) = world();
        *vault.clock.lock().unwrap() = Some(world.clock.clone());
        let one = world.connect(&world.keeper(), "one").await;
        world.clock.advance(61 * MINUTE);
        let wrong = world.keeper_with(Care::default(), &world.clock.off_by(off), world.vault.clone());
        world.server.fates([Fate::AnswerLost]);
        drop(wrong.token(&one).await);
        let row = world.vault.read(&one).await.unwrap().unwrap();
        let wait = row.due_at - world.clock.now_millis();
        assert!(
            (0..2000).contains(&wait),
            "asked again in {wait} ms, clock off by {off}"
        );
        let again = world.keeper_with(Care::default(), &world.clock.off_by(off), world.vault.clone());
        world.clock.advance(2000);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(access(again.token(&one).await), "at.one.2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_moves_a_provider_once_however_many_notice() {
    let (world, vault) = world();
    *vault.clock.lock().unwrap() = Some(world.clock.clone());
    let ours = world.clock.off_by(0);
    let keeper = world.keeper_with(Care::default(), &ours, world.vault.clone());
    world.connect(&keeper, "one").await;
    for moved in [-60 * MINUTE, 90 * MINUTE] {
        tokio::time::advance(Duration::from_secs(11)).await;
        ours.advance(moved);
        let compare = || keeper.engine.compare_again();
        let (first, second, third) = tokio::join!(compare(), compare(), compare());
        assert_eq!((first, second, third), (Ok(()), Ok(()), Ok(())));
        let off = keeper.engine.providers["shop"].pace.there(ours.now_millis()) - world.clock.now_millis();
        assert_eq!(off, 0, "{moved}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_is_slow_to_say_its_time_is_no_step_of_a_clock() {
    let (world, vault) = world();
    *vault.clock.lock().unwrap() = Some(world.clock.clone());
    let ours = world.clock.off_by(-MINUTE);
    let keeper = world.keeper_with(Care::default(), &ours, world.vault.clone());
    keeper.engine.orient().await.unwrap();
    *vault.now_takes.lock().unwrap() = Duration::from_secs(6);
    tokio::time::advance(Duration::from_secs(11)).await;
    keeper.engine.compare_again().await.unwrap();
    assert_eq!(keeper.engine.providers["shop"].pace.skew(), MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_stored_skew_counts_only_where_an_answer_can_correct_it() {
    for (endpoint, expected) in [("https://a.example/t", MINUTE), ("https://{shop}.example/t", 0)] {
        let (world, vault) = world();
        *vault.clock.lock().unwrap() = Some(world.clock.clone());
        *vault.skews.lock().unwrap() = vec![("shop".to_owned(), MINUTE)];
        let mut provider = crate::Provider::new("app", crate::ClientAuth::None);
        provider.token_endpoint = Some(endpoint.to_owned());
        let http = crate::http::HttpClient::builder()
            .without_native_roots()
            .build()
            .unwrap();
        let key = VaultKey::from_bytes(&[7; 32]).unwrap();
        let keeper = Keeper::builder(vault, key, Arc::new(world.clock.clone()))
            .provider("shop", provider, http, Care::default())
            .build();
        keeper.engine.orient().await.unwrap();
        assert_eq!(keeper.engine.providers["shop"].pace.skew(), expected, "{endpoint}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_fails_for_one_provider_cancels_no_request_to_another() {
    let (world, vault) = world();
    world.server.never_repeats();
    let key = VaultKey::from_bytes(&[7; 32]).unwrap();
    let keeper = Keeper::builder(vault.clone(), key, Arc::new(world.clock.clone()))
        .endpoints("away", Arc::new(world.server.clone()), Care::default())
        .endpoints("shop", Arc::new(world.server.clone()), Care::default())
        .build();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.fates([Fate::Slow(Duration::from_secs(5))]);
    *vault.away_for.lock().unwrap() = Some("away");
    assert!(matches!(keeper.keep_due().await, Err(KeeperError::Vault(_))));
    assert_eq!(access(keeper.token(&one).await), "at.one.2");
    assert_eq!(world.server.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_end_revokes_the_refresh_token_that_could_not_be_stored_yet() {
    let (world, vault) = world();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Fails);
    assert!(keeper.token(&one).await.is_err());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(keeper.end(&one).await.is_err(), "it is not stored yet");
    vault.set(Trouble::None, Trouble::None);
    assert_eq!(keeper.end(&one).await, Ok(true));
    assert_eq!(world.server.revoked(), ["rt.one.2"]);
}

#[tokio::test(start_paused = true)]
async fn an_unsaved_answer_whose_row_does_not_open_stops_no_other() {
    let (world, vault) = world();
    let keeper = world.keeper();
    let (one, two) = (world.connect(&keeper, "one").await, world.connect(&keeper, "two").await);
    world.clock.advance(61 * MINUTE);
    vault.set(Trouble::None, Trouble::Fails);
    assert!(keeper.token(&one).await.is_err());
    vault.set(Trouble::None, Trouble::None);
    let row = vault.read(&one).await.unwrap().unwrap();
    let broken = Put {
        connection: one,
        sealed: b"broken".to_vec(),
        summary: row.summary,
        due_at: NEVER,
        replace: true,
        event: None,
    };
    vault.put(broken).await.unwrap();
    watch_for(&keeper, Duration::from_secs(10)).await;
    assert_eq!(world.server.generation("two"), 2);
    assert_eq!(access(keeper.token(&two).await), "at.two.2");
}
