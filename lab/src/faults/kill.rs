//! `hallpass-lab kill`: kills the server with SIGKILL at random moments, and checks that it kept what it acknowledged.

use super::check::Rules;
use super::dice::Dice;
use super::{Run, sound};
use crate::Outcome;
use crate::process::Program;
use crate::world::World;
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Args)]
pub(crate) struct Kill {
    /// Binary to test
    #[arg(long, value_name = "PATH")]
    hallpass: PathBuf,
    /// Number of kills
    #[arg(long, default_value_t = 50)]
    times: usize,
    /// Seed, to repeat a run
    #[arg(long)]
    seed: Option<u64>,
    /// Longest run, in seconds; the output says what was left out
    #[arg(long, default_value_t = 1800)]
    seconds: u64,
}

/// Kills, and checks the history.
pub(crate) async fn run(options: Kill) -> Outcome {
    let seed = options.seed.unwrap_or_else(super::seed_of_now);
    println!("kill: {} times, seed {seed}", options.times);
    let begun = Instant::now();
    let end = begun + Duration::from_secs(options.seconds);
    let mut dice = Dice::new(seed, 7);
    let folder = tempfile::tempdir()?;
    let births = (options.times / 10).clamp(1, 100);
    let mut kills = at_birth(&options.hallpass, folder.path(), births, &mut dice)?;
    let world = world(&options.hallpass, &folder.path().join("world"))?;
    let mut run = Run::begin(vec![world], seed, Rules::ONE).await?;
    let mut moments = [0_usize; 3];
    while kills < options.times && Instant::now() < end {
        let moment = dice.below(10);
        match moment {
            0 => {
                run.end(0, Program::kill)?;
                run.world(0)?.serve_briefly(dice.within(Duration::from_millis(60)))?;
                kills += 1;
            }
            1 => {
                live(&mut dice, 100).await;
                let after = dice.within(Duration::from_millis(25));
                run.end(0, |server| server.interrupt(after))?;
            }
            _ => {
                live(&mut dice, 500).await;
                run.end(0, Program::kill)?;
            }
        }
        if let Some(count) = moments.get_mut(moment.min(2)) {
            *count += 1;
        }
        kills += 1;
        run.start(0)?;
    }
    let wrong = run.finish().await?;
    let [starting, ending, working] = moments;
    println!(
        "  kills {kills}: {births} folders at their first start, {starting} while starting, {ending} while ending, {working} \
         under load; {} s",
        begun.elapsed().as_secs()
    );
    super::verdict(&wrong, folder)
}

/// Lets clients work for a random moment.
async fn live(dice: &mut Dice, most: u64) {
    tokio::time::sleep(dice.within(Duration::from_millis(most))).await;
}

/// Kills first starts, with no data or half of it: the next start must complete it. Returns the number of kills.
fn at_birth(hallpass: &Path, folder: &Path, times: usize, dice: &mut Dice) -> Outcome<usize> {
    let whole = world(hallpass, &folder.join("whole"))?;
    let begun = Instant::now();
    whole.serve()?.kill()?;
    let span = begun.elapsed() + Duration::from_millis(20);
    let mut kills = 1;
    for number in 0..times {
        let world = world(hallpass, &folder.join(format!("birth{number}")))?;
        for _ in 0..=dice.below(2) {
            world.serve_briefly(dice.within(span))?;
            kills += 1;
        }
        if !world.serve()?.stop()? {
            return Err("the server did not stop cleanly".into());
        }
        if let Some(wrong) = sound(&world.database())?.pop() {
            return Err(wrong.into());
        }
        std::fs::remove_dir_all(&world.folder)?;
    }
    Ok(kills)
}

/// A deployment whose tokens do not expire during the run, with the same issuer on every port.
pub(super) fn world(hallpass: &Path, folder: &Path) -> Outcome<World> {
    let mut world = World::make(hallpass, folder, "")?;
    world.lasts();
    Ok(world)
}
