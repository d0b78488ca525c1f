use super::*;
use std::net::{Ipv4Addr, Ipv6Addr};

const NOW: Instant = Instant(1_767_225_600_000);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const JANE: Account<'_> = person("jane@example.com");
/// Jane, at a place where she signed in before.
const JANE_AT_HOME: Account<'_> = Account::Person {
    name: "jane@example.com",
    from_a_place: true,
};
const APP: Account<'_> = Account::Client("app");

const fn person(name: &str) -> Account<'_> {
    Account::Person {
        name,
        from_a_place: false,
    }
}

const fn guess(secret: &str) -> Guess<'_> {
    Guess { secret, readings: 1 }
}

/// Limits together with a clock.
struct Scene {
    limits: Limits,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self {
            limits: Limits::default(),
            now: NOW,
        }
    }

    fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    /// Makes a wrong guess. Returns the seconds to wait, if it was refused.
    fn fails(&self, account: Account<'_>, source: IpAddr) -> u64 {
        self.tries(account, source, false)
    }

    /// Tries the right password. Returns the seconds to wait, if it was refused.
    fn succeeds(&self, account: Account<'_>, source: IpAddr) -> u64 {
        self.tries(account, source, true)
    }

    fn tries(&self, account: Account<'_>, source: IpAddr, fits: bool) -> u64 {
        match self.limits.attempt(account, source, guess("secret"), self.now) {
            Ok(attempt) => {
                attempt.judged(fits, self.now);
                0
            }
            Err(TooManyFailures { seconds }) => seconds,
        }
    }

    /// Guesses as often as the limits allow for `span`. Returns how many guesses were verified.
    fn hammers(&mut self, account: Account<'_>, source: IpAddr, span: Duration) -> u64 {
        let (end, mut guesses) = (self.now.after(span), 0);
        while self.now < end {
            match self.fails(account, source) {
                0 => guesses += 1,
                wait => self.pass(SECOND * u32::try_from(wait).unwrap()),
            }
        }
        guesses
    }
}

fn source(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(number).into()
}

fn site(network: u64, host: u64) -> IpAddr {
    Ipv6Addr::from_bits(u128::from(network) << 64 | u128::from(host)).into()
}

#[test]
fn five_failures_are_free_then_the_waits_double_up_to_a_quarter_of_an_hour() {
    let mut scene = Scene::new();
    for failure in 1..=5 {
        assert_eq!(scene.fails(JANE, source(1)), 0, "{failure}");
    }
    for wait in [10, 20, 40, 80, 160, 320, 640, 900, 900, 900] {
        assert_eq!(scene.fails(JANE, source(1)), u64::from(wait));
        scene.pass(SECOND * wait - Duration::from_millis(1));
        assert_eq!(scene.succeeds(JANE, source(1)), 1, "also the right one, {wait}");
        scene.pass(Duration::from_millis(1));
        assert_eq!(scene.fails(JANE, source(1)), 0, "{wait}");
    }
}

#[test]
fn a_refused_attempt_makes_nobody_wait_longer() {
    let mut scene = Scene::new();
    for _ in 0..5 {
        scene.fails(JANE, source(1));
    }
    scene.pass(SECOND * 4);
    for _ in 0..100 {
        assert_eq!(scene.fails(JANE, source(1)), 6);
    }
    scene.pass(SECOND * 6);
    assert_eq!(scene.succeeds(JANE, source(1)), 0);
}

#[test]
fn time_without_failures_forgets_one_failure_at_a_time() {
    let mut scene = Scene::new();
    for _ in 0..5 {
        scene.fails(JANE, source(1));
    }
    scene.pass(MINUTE * 15);
    assert_eq!(scene.fails(JANE, source(1)), 0);
    assert_eq!(scene.fails(JANE, source(1)), 10, "one was forgotten, not all");
    scene.pass(MINUTE * 15 * 5);
    for _ in 0..5 {
        assert_eq!(scene.fails(JANE, source(1)), 0);
    }
}

#[test]
fn in_the_long_run_a_pair_has_one_guess_in_a_quarter_of_an_hour_whatever_its_timing() {
    for rest in [Duration::ZERO, MINUTE * 20, MINUTE * 75, MINUTE * 600] {
        let (mut scene, mut guesses) = (Scene::new(), 0);
        while scene.now < NOW.after(DAY * 3) {
            guesses += scene.hammers(JANE, source(1), MINUTE * 30);
            scene.pass(rest);
        }
        // Thirteen until the longest wait, and those forgotten in the meantime.
        assert!(
            guesses <= 13 + scene.now.since(NOW).as_secs() / 900,
            "{rest:?} {guesses}"
        );
        assert!(guesses > 40, "{rest:?} {guesses}");
    }
}

#[test]
fn success_forgets_the_failures_of_the_pair_and_of_nothing_else() {
    let mut scene = Scene::new();
    for _ in 0..4 {
        scene.fails(JANE, source(1));
    }
    assert_eq!(scene.succeeds(JANE, source(1)), 0);
    for _ in 0..5 {
        assert_eq!(scene.fails(JANE, source(1)), 0);
    }
    // An attacker with an account of their own signs in between guesses at others.
    let mut names = 0;
    while scene.fails(person(&format!("{names}@example.com")), source(2)) == 0 {
        scene.succeeds(person("own@example.com"), source(2));
        names += 1;
    }
    assert_eq!(names, 50);
    scene.pass(SECOND);
    assert_eq!(scene.fails(JANE, source(2)), 0);
}

#[test]
fn success_is_never_counted() {
    let scene = Scene::new();
    for number in 0..1000 {
        assert_eq!(scene.succeeds(person(&number.to_string()), source(1)), 0);
        assert_eq!(scene.succeeds(JANE, source(number)), 0);
        assert_eq!(scene.succeeds(APP, source(1)), 0);
    }
    assert_eq!(held(&scene), [0; 8]);
}

#[test]
fn a_crowd_of_new_sources_has_one_budget_and_a_person_gets_in_from_her_place() {
    let mut scene = Scene::new();
    let (mut guesses, mut number) = (0, 100);
    // A hundred new sources a minute, for a day.
    while scene.now < NOW.after(DAY) {
        for _ in 0..100 {
            guesses += u64::from(scene.fails(JANE, source(number)) == 0);
            number += 1;
        }
        assert_eq!(scene.succeeds(JANE_AT_HOME, source(1)), 0);
        scene.pass(MINUTE);
    }
    assert!((280..20 + 5 + 288 + 1).contains(&guesses), "{guesses}");
    // She mistypes at her place, and can try again.
    assert_eq!(scene.fails(JANE_AT_HOME, source(1)), 0);
    assert_eq!(scene.succeeds(JANE_AT_HOME, source(1)), 0);
    // At a new place she waits as the crowd does: at most five minutes after the crowd's last guess.
    let wait = scene.succeeds(JANE, source(2));
    assert!((1..=300).contains(&wait), "{wait}");
    scene.pass(SECOND * u32::try_from(wait).unwrap());
    assert_eq!(scene.succeeds(JANE, source(2)), 0);
}

#[test]
fn a_crowd_at_the_same_moment_has_no_more_guesses_than_are_free() {
    let scene = Scene::new();
    let attempts: Vec<_> = (0..400)
        .flat_map(|number| [(number, "one"), (number, "two")])
        .filter_map(|(number, secret)| {
            let attempt = scene.limits.attempt(JANE, source(number), guess(secret), scene.now);
            attempt.ok()
        })
        .collect();
    // Twenty attempts of new sources, and the second guesses of sources that have one in progress.
    assert_eq!(attempts.len(), 40);
    for attempt in attempts {
        attempt.judged(false, scene.now);
    }
    assert_eq!(scene.fails(JANE, source(1000)), 10);
}

#[test]
fn a_few_guessing_sources_lock_nobody_out_at_a_new_place() {
    let mut scene = Scene::new();
    let mut guesses = 0;
    while scene.now < NOW.after(DAY - MINUTE * 20) {
        for number in 0..19 {
            guesses += u64::from(scene.fails(JANE, source(number)) == 0);
        }
        scene.pass(MINUTE);
    }
    assert!((300..19 + 20 + 5 + 288).contains(&guesses), "{guesses}");
    assert_eq!(scene.succeeds(JANE, source(1000)), 0, "from a new place");
}

#[test]
fn all_addresses_of_a_network_are_one_new_source() {
    let scene = Scene::new();
    let mut guesses = 0;
    for network in 0..1000 {
        guesses += u64::from(scene.fails(JANE, site(0x2001_0db8_0001_0000 + network, 1)) == 0);
    }
    // The first of its /48 is new; the others share twenty.
    assert_eq!(guesses, 21);
    assert_eq!(scene.succeeds(JANE, source(1)), 0);
}

#[test]
fn a_source_that_tries_many_names_waits_and_known_people_there_do_not() {
    let mut scene = Scene::new();
    let name = |number: u64| format!("{number}@example.com");
    for number in 0..50 {
        assert_eq!(scene.fails(person(&name(number)), source(1)), 0);
    }
    let waits = [1, 2, 4, 8, 16, 32, 60, 60];
    for (number, wait) in (50..).zip(waits) {
        let seconds = u64::from(wait);
        assert_eq!(scene.fails(person(&name(number)), source(1)), seconds);
        assert_eq!(scene.succeeds(person("new@example.com"), source(1)), seconds);
        assert_eq!(scene.succeeds(JANE_AT_HOME, source(1)), 0);
        assert_eq!(scene.succeeds(APP, source(1)), 0, "clients have limits of their own");
        scene.pass(SECOND * wait);
        assert_eq!(scene.fails(person(&name(number)), source(1)), 0);
    }
    // Another source is not affected.
    assert_eq!(scene.fails(person("new@example.com"), source(2)), 0);
}

#[test]
fn an_app_is_not_delayed_by_a_broken_app_at_its_source() {
    let mut scene = Scene::new();
    let broken = Account::Client("broken");
    assert_eq!(scene.hammers(broken, source(1), DAY), 10 + 5 + 286);
    assert_eq!(scene.succeeds(APP, source(1)), 0, "never seen here before");
    // Nor does the wrong secret lock out the same app at another source.
    assert_eq!(scene.succeeds(broken, source(2)), 0);
}

#[test]
fn a_client_has_eight_places_and_the_longest_unused_goes_first() {
    let scene = Scene::new();
    for number in 0..9 {
        scene.succeeds(APP, source(number));
    }
    scene.succeeds(APP, source(1));
    scene.succeeds(APP, source(9));
    let keys = |number| scene.limits.keys(APP, source(number), guess(""));
    let places = scene.limits.places.get(&keys(0).client).unwrap();
    let expected = [9, 1, 8, 7, 6, 5, 4, 3].map(|number| keys(number).source);
    assert_eq!(places, expected);
    assert_eq!((keys(9).account, keys(0).account), (None, Some(keys(0).client)));
}

#[test]
fn a_client_is_not_delayed_at_its_place_while_a_crowd_guesses() {
    let scene = Scene::new();
    scene.succeeds(APP, source(1));
    for number in 100..500 {
        scene.fails(APP, source(number));
    }
    assert_eq!(scene.fails(APP, source(1000)), 10);
    for _ in 0..100 {
        assert_eq!(scene.succeeds(APP, source(1)), 0);
    }
}

#[test]
fn failures_of_clients_do_not_delay_people_nor_the_reverse() {
    let mut scene = Scene::new();
    let before = scene.hammers(JANE, source(1), MINUTE * 40);
    assert!(before > 10, "{before}");
    scene.fails(JANE, source(1));
    for number in 0..200_000_u32 {
        scene.fails(Account::Client(&number.to_string()), source(number));
        scene.fails(Account::Client(&number.to_string()), source(1));
    }
    assert_eq!(scene.fails(JANE, source(1)), 900);
    assert_eq!(
        scene.succeeds(person("new@example.com"), source(1)),
        0,
        "at the source of those clients"
    );
    assert_eq!(held(&scene)[0], 1);
}

#[test]
fn names_are_compared_as_at_sign_in_and_apart_from_client_ids() {
    let scene = Scene::new();
    let account = |account| {
        let keys = scene.limits.keys(account, source(1), guess(""));
        (keys.kind, keys.account)
    };
    assert_eq!(account(person(" Jane@EXAMPLE.com ")), account(JANE));
    let spellings = ["jos\u{e9}@example.com", "JOSE\u{301}@example.com"].map(|name| account(person(name)));
    assert_eq!(spellings[0], spellings[1]);
    assert_ne!(account(Account::Client("jane@example.com")), account(JANE));
    assert_ne!(account(Account::Client("App")), account(APP));
}

#[test]
fn an_ipv6_source_is_its_network_and_a_site_has_more_room() {
    let mut scene = Scene::new();
    let keys = |address| scene.limits.keys(JANE, address, guess(""));
    let (one, same, neighbour, other) = (
        keys(site(0x2001_0db8_0001_0000, 1)),
        keys(site(0x2001_0db8_0001_0000, u64::MAX)),
        keys(site(0x2001_0db8_0001_ffff, 1)),
        keys(site(0x2001_0db8_0002_0000, 1)),
    );
    assert_eq!((one.source, one.site), (same.source, same.site));
    assert_ne!(one.source, neighbour.source);
    assert_eq!(one.site, neighbour.site);
    assert_ne!(one.site, other.site);
    assert_eq!(
        keys(source(7)).source,
        keys(Ipv4Addr::from_bits(7).to_ipv6_mapped().into()).source
    );
    // A new network for each guess, all of one site.
    let mut guesses = 0;
    while scene.fails(person(&guesses.to_string()), site(0x2001_0db8_0001_0000 + guesses, 1)) == 0 {
        guesses += 1;
    }
    assert_eq!(guesses, 200);
    scene.pass(SECOND);
    assert_eq!(scene.fails(JANE, site(0x2001_0db8_0001_0000, 1)), 0);
}

#[test]
fn guesses_at_the_same_moment_are_bounded_and_cancelled_ones_do_not_count() {
    let mut scene = Scene::new();
    let (limits, now) = (&scene.limits, scene.now);
    let begin = |secret: &str| limits.attempt(JANE, source(1), guess(secret), now);
    let five: Vec<_> = (0..5).map(|number| begin(&number.to_string()).unwrap()).collect();
    assert_eq!(begin("another").unwrap_err(), TooManyFailures { seconds: 1 });
    drop(five);
    assert_eq!(held(&scene), [0; 8]);
    for _ in 0..100 {
        drop(scene.limits.attempt(JANE, source(1), guess("secret"), now).unwrap());
    }
    assert_eq!(held(&scene), [0; 8]);
    // After a wait, one at a time.
    for _ in 0..5 {
        scene.fails(JANE, source(1));
    }
    scene.pass(SECOND * 10);
    let first = scene
        .limits
        .attempt(JANE, source(1), guess("first"), scene.now)
        .unwrap();
    assert_eq!(scene.succeeds(JANE, source(1)), 10);
    first.judged(true, scene.now);
    assert_eq!(scene.succeeds(JANE, source(1)), 0);
}

/// An app sends the same secret from all its threads at once.
#[test]
fn the_same_guess_at_the_same_moment_is_one_guess() {
    let scene = Scene::new();
    let begin = || scene.limits.attempt(APP, source(1), guess("456deg"), scene.now);
    let threads: Vec<_> = (0..1000).map(|_| begin().unwrap()).collect();
    assert_eq!(scene.limits.clients.lock().unwrap().flights.len(), 1);
    for thread in threads {
        thread.judged(false, scene.now);
    }
    for _ in 0..9 {
        assert_eq!(scene.fails(APP, source(1)), 0);
    }
    assert_eq!(scene.fails(APP, source(1)), 10);
    assert_eq!(scene.limits.clients.lock().unwrap().flights.len(), 0);
}

/// If one of two requests with the same guess is cancelled, the guess still counts.
#[test]
fn a_guess_sent_twice_counts_if_one_request_is_judged() {
    let scene = Scene::new();
    let begin = |secret: &str| scene.limits.attempt(JANE, source(1), guess(secret), scene.now);
    for number in 0..5 {
        let secret = number.to_string();
        let (first, second) = (begin(&secret).unwrap(), begin(&secret).unwrap());
        drop(first);
        second.judged(false, scene.now);
    }
    assert_eq!(scene.fails(JANE, source(1)), 10);
}

#[test]
fn a_request_that_is_read_in_several_ways_counts_as_many_guesses() {
    let scene = Scene::new();
    let three = Guess {
        secret: "a+b",
        readings: 3,
    };
    for attempt in 1..=3 {
        let begun = scene.limits.attempt(APP, source(1), three, scene.now);
        begun
            .unwrap_or_else(|error| panic!("{attempt} {error}"))
            .judged(false, scene.now);
    }
    // Nine of ten are used up. The next guess has one free, and the wait is for those above.
    assert_eq!(scene.fails(APP, source(1)), 0);
    assert_eq!(scene.fails(APP, source(1)), 10);
}

#[test]
fn a_new_source_has_one_guess_at_an_account_under_attack() {
    let scene = Scene::new();
    // Ten sources that keep on guessing.
    for number in 100..110 {
        for _ in 0..5 {
            scene.fails(JANE, source(number));
        }
    }
    let first = scene
        .limits
        .attempt(JANE, source(1), guess("first"), scene.now)
        .unwrap();
    assert_eq!(scene.fails(JANE, source(1)), 10);
    drop(first);
    assert_eq!(scene.fails(JANE, source(1)), 0);
    assert_eq!(scene.fails(JANE, source(1)), 10);
}

#[test]
fn a_clock_that_is_turned_back_makes_nobody_wait_longer_than_the_longest_wait() {
    let mut scene = Scene::new();
    scene.hammers(JANE, source(1), DAY);
    scene.now = NOW.before(DAY);
    assert_eq!(scene.succeeds(JANE, source(1)), 900);
}

#[test]
fn invented_names_neither_fill_memory_nor_evict_an_account_under_attack() {
    let mut scene = Scene::new();
    scene.hammers(JANE, source(1), MINUTE * 40);
    scene.fails(JANE, source(1));
    for number in 0..100_000_u32 {
        let name = format!("{number}@example.com");
        scene.fails(person(&name), source(1000 + number / 2));
        scene.fails(person(&name), site(u64::from(number) << 16, 0));
    }
    assert!(held(&scene).iter().all(|held| *held <= SETS * 8), "{:?}", held(&scene));
    assert!(held(&scene)[0] > SETS * 7, "the tables are full: {:?}", held(&scene));
    assert_eq!(
        scene.fails(JANE, source(1)),
        900,
        "an attack goes on as slowly as before"
    );
    assert_eq!(scene.succeeds(JANE, source(2)), 0);
    assert_eq!(scene.succeeds(person("new@example.com"), source(3)), 0);
}

/// The number of tallies in each table: those of people, then those of clients.
fn held(scene: &Scene) -> [usize; 8] {
    let people = scene.limits.people.lock().unwrap();
    let clients = scene.limits.clients.lock().unwrap();
    let held = |tables: &Tables| {
        let tables = [&tables.pairs, &tables.accounts, &tables.sources, &tables.sites];
        tables.map(Tallies::held)
    };
    let (people, clients) = (held(&people), held(&clients));
    std::array::from_fn(|table| if table < 4 { people[table] } else { clients[table - 4] })
}
