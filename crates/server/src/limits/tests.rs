use super::*;
use std::net::{Ipv4Addr, Ipv6Addr};

const NOW: Instant = Instant(1_767_225_600_000);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const JANE: Account<'_> = Account::Person("jane@example.com");
const APP: Account<'_> = Account::Client("app");

/// Limits with a clock beside them.
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

    /// A guess; the seconds to wait where it is not looked at.
    fn fails(&self, account: Account<'_>, source: IpAddr) -> u64 {
        self.tries(account, source, false)
    }

    /// The right password; the seconds to wait where it is not looked at.
    fn succeeds(&self, account: Account<'_>, source: IpAddr) -> u64 {
        self.tries(account, source, true)
    }

    fn tries(&self, account: Account<'_>, source: IpAddr, fits: bool) -> u64 {
        match self.limits.attempt(account, source, self.now) {
            Ok(attempt) => {
                attempt.judged(fits, self.now);
                0
            }
            Err(TooManyFailures { seconds }) => seconds,
        }
    }

    /// Guesses as often as it is let, for `span`; how many were looked at.
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
fn calm_forgets_one_failure_at_a_time() {
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
        // Thirteen until the longest wait, and what was forgotten meanwhile.
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
    // Someone with an account of his own signs in between his guesses at others.
    let mut names = 0;
    while scene.fails(Account::Person(&format!("{names}@example.com")), source(2)) == 0 {
        scene.succeeds(Account::Person("own@example.com"), source(2));
        names += 1;
    }
    assert_eq!(names, 50);
    scene.pass(SECOND);
    assert_eq!(scene.fails(JANE, source(2)), 0);
}

#[test]
fn success_costs_nothing() {
    let scene = Scene::new();
    for number in 0..1000 {
        assert_eq!(scene.succeeds(Account::Person(&number.to_string()), source(1)), 0);
        assert_eq!(scene.succeeds(JANE, source(number)), 0);
        assert_eq!(scene.succeeds(APP, source(1)), 0);
    }
    assert_eq!(held(&scene), [0, 0, 0]);
}

#[test]
fn a_person_gets_in_from_her_places_and_from_a_new_one_while_a_crowd_guesses_at_her_account() {
    let mut scene = Scene::new();
    scene.succeeds(JANE, source(1));
    let (mut guesses, mut refused) = (0, 0);
    for round in 0..6 {
        for number in 100..600 {
            match scene.fails(JANE, source(number)) {
                0 => guesses += 1,
                _ => refused += 1,
            }
        }
        assert_eq!(scene.succeeds(JANE, source(1)), 0, "from her place, {round}");
        assert_eq!(scene.succeeds(JANE, source(10 + round)), 0, "from a new one, {round}");
        scene.pass(SECOND);
    }
    // Of the crowd each has one guess in a day, and no more once the account's own are used up.
    assert_eq!((guesses, refused), (500, 2500));
    // She mistypes at home, and goes on.
    assert_eq!(scene.fails(JANE, source(1)), 0);
    assert_eq!(scene.succeeds(JANE, source(1)), 0);
    // A mistake at a new place: there she waits as the crowd does, and no longer than five minutes.
    assert_eq!(scene.fails(JANE, source(20)), 0);
    assert_eq!(scene.succeeds(JANE, source(20)), 300);
    scene.pass(MINUTE * 5);
    assert_eq!(scene.succeeds(JANE, source(20)), 0);
}

#[test]
fn an_account_has_three_hundred_guesses_a_day_beside_one_for_each_source() {
    let mut scene = Scene::new();
    let mut guesses = 0;
    while scene.now < NOW.after(DAY - MINUTE * 20) {
        for number in 0..200 {
            guesses += u64::from(scene.fails(JANE, source(number)) == 0);
        }
        scene.pass(MINUTE);
    }
    assert!((400..200 + 300 + 30).contains(&guesses), "{guesses}");
}

#[test]
fn who_tries_many_names_waits_and_who_was_there_before_does_not() {
    let mut scene = Scene::new();
    scene.succeeds(JANE, source(1));
    scene.succeeds(APP, source(1));
    let name = |number: u64| format!("{number}@example.com");
    for number in 0..50 {
        assert_eq!(scene.fails(Account::Person(&name(number)), source(1)), 0);
    }
    let waits = [1, 2, 4, 8, 16, 32, 60, 60];
    for (number, wait) in (50..).zip(waits) {
        let seconds = u64::from(wait);
        assert_eq!(scene.fails(Account::Person(&name(number)), source(1)), seconds);
        assert_eq!(scene.succeeds(Account::Person("new@example.com"), source(1)), seconds);
        assert_eq!(scene.succeeds(JANE, source(1)), 0);
        assert_eq!(scene.succeeds(APP, source(1)), 0);
        scene.pass(SECOND * wait);
        assert_eq!(scene.fails(Account::Person(&name(number)), source(1)), 0);
    }
    // Another source has nothing to do with it.
    assert_eq!(scene.fails(Account::Person("new@example.com"), source(2)), 0);
}

#[test]
fn an_app_beside_one_with_a_wrong_secret_goes_on() {
    let mut scene = Scene::new();
    let broken = Account::Client("broken");
    assert_eq!(scene.hammers(broken, source(1), DAY), 10 + 5 + 286);
    assert_eq!(scene.succeeds(APP, source(1)), 0, "never seen here before");
    // Nor does it keep its own namesake elsewhere out.
    assert_eq!(scene.succeeds(broken, source(2)), 0);
}

#[test]
fn an_account_has_eight_places_and_the_longest_unused_goes_first() {
    let scene = Scene::new();
    for number in 0..9 {
        scene.succeeds(JANE, source(number));
    }
    scene.succeeds(JANE, source(1));
    scene.succeeds(JANE, source(9));
    let keys = |number| scene.limits.keys(JANE, source(number));
    let places = scene.limits.places.get(&keys(0).account).unwrap();
    let expected = [9, 1, 8, 7, 6, 5, 4, 3].map(|number| keys(number).source);
    assert_eq!(places, expected);
}

#[test]
fn names_are_compared_as_the_sign_in_does_and_clients_are_not_people() {
    let scene = Scene::new();
    let account = |account| scene.limits.keys(account, source(1)).account;
    assert_eq!(account(Account::Person(" Jane@EXAMPLE.com ")), account(JANE));
    assert_ne!(account(Account::Client("jane@example.com")), account(JANE));
    assert_ne!(account(Account::Client("App")), account(APP));
}

#[test]
fn an_ipv6_source_is_its_network_and_a_site_has_more_room() {
    let mut scene = Scene::new();
    let keys = |address| scene.limits.keys(JANE, address);
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
    // A network for each guess, all of one site.
    let mut guesses = 0;
    while scene.fails(
        Account::Person(&guesses.to_string()),
        site(0x2001_0db8_0001_0000 + guesses, 1),
    ) == 0
    {
        guesses += 1;
    }
    assert_eq!(guesses, 200);
    scene.pass(SECOND);
    assert_eq!(scene.fails(JANE, site(0x2001_0db8_0001_0000, 1)), 0);
}

#[test]
fn guesses_at_the_same_moment_are_bounded_and_those_that_broke_off_count_for_nothing() {
    let mut scene = Scene::new();
    let now = scene.now;
    let begin = |scene: &Scene, account| scene.limits.attempt(account, source(1), now).map(std::mem::forget);
    for _ in 0..16 {
        assert_eq!(begin(&scene, JANE), Ok(()));
    }
    assert_eq!(begin(&scene, JANE), Err(TooManyFailures { seconds: 1 }));
    // An app comes with all its threads at once.
    for _ in 0..1000 {
        assert_eq!(begin(&scene, APP), Ok(()));
    }
    scene.limits = Limits::default();
    for _ in 0..100 {
        drop(scene.limits.attempt(JANE, source(1), now).unwrap());
    }
    assert_eq!(held(&scene), [0, 0, 0]);
    // After a wait it is one at a time.
    for _ in 0..5 {
        scene.fails(JANE, source(1));
    }
    scene.pass(SECOND * 10);
    let first = scene.limits.attempt(JANE, source(1), scene.now).unwrap();
    assert_eq!(scene.succeeds(JANE, source(1)), 10);
    first.judged(true, scene.now);
    assert_eq!(scene.succeeds(JANE, source(1)), 0);
}

#[test]
fn a_new_source_has_one_guess_at_an_account_under_attack_not_one_in_each_thread() {
    let scene = Scene::new();
    for number in 100..130 {
        scene.fails(JANE, source(number));
    }
    let first = scene.limits.attempt(JANE, source(1), scene.now).unwrap();
    assert_eq!(scene.fails(JANE, source(1)), 300);
    drop(first);
    assert_eq!(scene.fails(JANE, source(1)), 0);
    assert_eq!(scene.fails(JANE, source(1)), 300);
}

#[test]
fn a_clock_that_is_turned_back_makes_nobody_wait_longer_than_the_longest_wait() {
    let mut scene = Scene::new();
    scene.hammers(JANE, source(1), DAY);
    scene.now = NOW.before(DAY);
    assert_eq!(scene.succeeds(JANE, source(1)), 900);
}

#[test]
fn made_up_names_from_many_sources_fill_no_memory_and_push_out_nobody_under_attack() {
    let mut scene = Scene::new();
    scene.hammers(JANE, source(1), MINUTE * 40);
    scene.fails(JANE, source(1));
    for number in 0..100_000_u32 {
        let name = format!("{number}@example.com");
        scene.fails(Account::Person(&name), source(1000 + number / 2));
        scene.fails(Account::Person(&name), site(u64::from(number) << 16, 0));
    }
    assert!(held(&scene).iter().all(|held| *held <= SETS * 8), "{:?}", held(&scene));
    assert!(held(&scene)[0] > SETS * 7, "the tables are full: {:?}", held(&scene));
    assert_eq!(
        scene.fails(JANE, source(1)),
        900,
        "an attack goes on as slowly as before"
    );
    assert_eq!(scene.succeeds(JANE, source(2)), 0);
    assert_eq!(scene.succeeds(Account::Person("new@example.com"), source(3)), 0);
}

fn held(scene: &Scene) -> [usize; 3] {
    let tables = scene.limits.lock();
    [tables.pairs.held(), tables.accounts.held(), tables.sources.held()]
}
