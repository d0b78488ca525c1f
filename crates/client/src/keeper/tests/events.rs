//! Events: once each, also with a crash of the reader.

use super::super::{Event, Events, Happening};
use super::model::Fate;
use super::world::{MINUTE, World, watch_for};
use crate::Clock as _;
use std::time::Duration;

async fn read(events: &mut Events) -> Option<Event> {
    events.try_next().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_once_to_one_of_several_readers() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    let (mut first, mut second) = (keeper.events(), keeper.events());
    assert_eq!(read(&mut first).await, None);
    world.clock.advance(61 * MINUTE);
    let pause = Fate::Refused("access_denied", Some("paused: app_suspended"));
    world.server.fates([pause.clone(), pause]);
    watch_for(&keeper, Duration::from_secs(600)).await;
    let paused = read(&mut first).await.unwrap();
    assert_eq!(read(&mut second).await, None, "a connection's events are told in order");
    first.give_back().await.unwrap();
    assert_eq!(read(&mut second).await.unwrap().id, paused.id);
    let recovered = read(&mut second).await.unwrap();
    assert_eq!(paused.happening, Happening::Paused("app_suspended".to_owned()));
    assert_eq!(recovered.happening, Happening::Recovered);
    assert_eq!(recovered.connection, one);
    assert_eq!((read(&mut first).await, read(&mut second).await), (None, None));
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!((read(&mut first).await, read(&mut second).await), (None, None));
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_reader_crashed_comes_again_with_the_same_id() {
    let world = World::new();
    let keeper = world.keeper();
    world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.end("one");
    keeper.keep_due().await.unwrap();
    let first = read(&mut keeper.events()).await.unwrap();
    assert_eq!(read(&mut keeper.events()).await, None);
    tokio::time::advance(Duration::from_secs(61)).await;
    let again = read(&mut keeper.events()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.happening, Happening::NeedsUser("invalid_grant".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_reader_still_works_on_it_goes_to_no_other() {
    let world = World::new();
    let keeper = world.keeper();
    world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.end("one");
    keeper.keep_due().await.unwrap();
    let mut first = keeper.events();
    assert!(read(&mut first).await.is_some());
    assert_eq!(first.failed(Duration::from_secs(1400)).await, Ok(true));
    tokio::time::advance(Duration::from_secs(1459)).await;
    assert_eq!(read(&mut keeper.events()).await, None);
    assert_eq!(read(&mut first).await, None, "it is dealt with");
    assert_eq!(first.failed(Duration::ZERO).await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn failed_tries_are_counted_whoever_makes_them() {
    let world = World::new();
    let keeper = world.keeper();
    world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.end("one");
    keeper.keep_due().await.unwrap();
    for tries in 0..3 {
        let mut events = keeper.events();
        assert_eq!(read(&mut events).await.unwrap().tries, tries);
        events.give_back().await.unwrap();
        assert_eq!(events.failed(Duration::ZERO).await, Ok(false), "it is nobody's");
    }
    let mut events = keeper.events();
    assert_eq!(read(&mut events).await.unwrap().tries, 3, "it was not dealt with");
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_after_the_end_recovers() {
    let world = World::new();
    let keeper = world.keeper();
    let one = world.connect(&keeper, "one").await;
    world.clock.advance(61 * MINUTE);
    world.server.end("one");
    keeper.keep_due().await.unwrap();
    world.connect(&keeper, "one").await;
    let mut events = keeper.events();
    assert!(matches!(
        read(&mut events).await.unwrap().happening,
        Happening::NeedsUser(_)
    ));
    assert_eq!(read(&mut events).await.unwrap().happening, Happening::Recovered);
    assert!(keeper.token(&one).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_once_and_ahead() {
    let world = World::new();
    let keeper = world.keeper();
    let one = super::super::Connection::new("shop", "one").unwrap();
    let end = world.clock.now_millis() + 30 * 24 * 60 * MINUTE;
    let tokens = world.server.connect_until("one", end);
    keeper.take_over(&one, &tokens).await.unwrap();
    let mut events = keeper.events();
    for _ in 0..25 {
        // Less than the lifetime of the refresh token at once.
        world.clock.advance(24 * 60 * MINUTE + 77);
        watch_for(&keeper, Duration::from_secs(3)).await;
    }
    let told = read(&mut events).await.unwrap().happening;
    assert!(
        matches!(told, Happening::EndsOn(told) if (end - 1000..=end).contains(&told)),
        "{told:?}"
    );
    for _ in 0..5 {
        world.clock.advance(60 * MINUTE + 77);
        watch_for(&keeper, Duration::from_secs(3)).await;
        assert_eq!(read(&mut events).await, None);
    }
}
