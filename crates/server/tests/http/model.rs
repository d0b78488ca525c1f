//! Random histories of a grant's life (decisions 1 and 3): in any order of events, every answer of the server must be that of a
//! model, which is simpler. A history that fails is shortened and printed.
//!
//! `cargo test` runs the same few histories each time. `HALLPASS_MODEL_CASES=3000` runs that many others.
//! `HALLPASS_MODEL_SEED=…`, with the seed that a failure prints, repeats one of them.

mod judge;
mod keys;
mod made;
mod named;
mod nouns;
mod play;
mod race;
mod reference;
mod send;
mod steps;
mod told;
mod world;

use made::Made;
use play::play;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRng, TestRunner};
use steps::{History, histories};
use tokio::runtime::Runtime;

/// The number of histories in each of the two tests that run in parallel.
const CASES: u64 = 64;
/// The most steps of a history.
const LONGEST: usize = 50;
/// The number of shorter histories that are tried after a failure.
const SHORTENINGS: u32 = 400;

#[test]
fn every_answer_of_a_history_is_that_of_the_model() {
    histories_from(0);
}

#[test]
fn every_answer_of_further_histories_is_that_of_the_model() {
    histories_from(1 << 32);
}

/// Short histories that a server once answered wrongly, or that test a boundary to the millisecond.
#[test]
fn histories_that_once_failed_pass() {
    let made = runtime().block_on(Made::new());
    for (what, history) in named::histories() {
        if let Err(told) = played(&made, &history) {
            panic!("{what}\n{told}");
        }
    }
}

/// Runs histories with the seeds from `first` on.
fn histories_from(first: u64) {
    let made = runtime().block_on(Made::new());
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("a number"))
    };
    if let Some(seed) = number("HALLPASS_MODEL_SEED") {
        return one(&made, seed);
    }
    // Long runs use other histories each time.
    let (cases, first) = match number("HALLPASS_MODEL_CASES") {
        Some(cases) => (cases / 2, u64::from(std::process::id()) << 33 | first),
        None => (CASES, first),
    };
    for seed in first..first + cases {
        one(&made, seed);
    }
}

/// Runs the history of a seed. If it fails, prints the shortest history that fails too.
fn one(made: &Made, seed: u64) {
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: SHORTENINGS,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(config.rng_algorithm, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let played = runner.run(&histories(world::rules().len(), LONGEST), |history| {
        played(made, &history).map_err(TestCaseError::fail)
    });
    match played {
        Ok(()) => {}
        Err(TestError::Fail(told, history)) => {
            panic!(
                "{told}\n\nthe history: {history:?}\nagain: HALLPASS_MODEL_SEED={seed} cargo test -p hallpass --test http model"
            )
        }
        Err(error) => panic!("{error}"),
    }
}

/// Runs a history. An error says what happened and what was wrong.
fn played(made: &Made, history: &History) -> Result<(), String> {
    let mut trace = Vec::new();
    let result = runtime().block_on(play(made, history, &mut trace));
    result.map_err(|wrong| format!("{}\n✗ {wrong}", trace.join("\n")))
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("threads")
}
