//! What is done to the keepers, their provider and their vault.

use super::crew::Crew;
use super::proxy::Weather;
use crate::Outcome;
use crate::faults::disk::fault::{fill, program};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// The size of a disk that will be full: room for the vault and its log.
const SIZE: &str = "size=16m";

/// Kills keepers at random moments, in bad weather.
pub(super) async fn kills(crew: &mut Crew, times: usize) -> Outcome<Vec<String>> {
    kill_some(crew, times).await?;
    println!("    kills {times}");
    Ok(Vec::new())
}

async fn kill_some(crew: &mut Crew, times: usize) -> Outcome {
    crew.proxy.weather(Weather::BAD);
    for _ in 0..times {
        let moment = crew.dice.within(Duration::from_millis(400));
        sleep(moment).await;
        let number = crew.dice.below(crew.size());
        crew.kill(number)?;
        crew.start(number)?;
    }
    Ok(())
}

/// Another program locks the vault for seconds, and keepers are killed meanwhile.
pub(super) async fn locked(crew: &mut Crew, vault: &Path) -> Outcome<Vec<String>> {
    crew.proxy.weather(Weather::BAD);
    for round in 0..6 {
        kill_some(crew, 4).await?;
        let holder = rusqlite::Connection::open(vault)?;
        holder.busy_timeout(Duration::from_secs(10))?;
        holder.execute_batch("BEGIN IMMEDIATE")?;
        sleep(Duration::from_millis(2500)).await;
        crew.kill(round % crew.size())?;
        holder.execute_batch("ROLLBACK")?;
        crew.start(round % crew.size())?;
    }
    Ok(Vec::new())
}

/// The disk of the vault is full for seconds, and keepers are killed meanwhile.
pub(super) async fn full(crew: &mut Crew, place: &Path) -> Outcome<Vec<String>> {
    crew.proxy.weather(Weather::BAD);
    let filler = place.join("filler");
    for round in 0..6 {
        kill_some(crew, 4).await?;
        fill(&filler)?;
        sleep(Duration::from_millis(2500)).await;
        // In every second round, the keepers live on and store what they had in memory.
        let killed = (round % 2 == 0).then_some(round / 2 % crew.size());
        if let Some(number) = killed {
            crew.kill(number)?;
        }
        std::fs::remove_file(&filler)?;
        if let Some(number) = killed {
            crew.start(number)?;
        }
    }
    Ok(Vec::new())
}

/// The vault is replaced by a copy from seconds before. A connection that was refreshed since then has a refresh token that
/// was used already, which Hallpass takes for theft: it cannot honour it. All others go on.
pub(super) async fn restored(crew: &mut Crew, vault: &Path) -> Outcome<Vec<String>> {
    for _ in 0..3 {
        kill_some(crew, 4).await?;
        stop(crew)?;
        let copy = vault.with_extension("copy");
        copied(vault, &copy)?;
        start(crew)?;
        kill_some(crew, 10).await?;
        stop(crew)?;
        for file in [vault.to_owned(), side(vault, "-wal"), side(vault, "-shm")] {
            if file.exists() {
                std::fs::remove_file(file)?;
            }
        }
        std::fs::rename(&copy, vault)?;
        for exported in crew.exported().await? {
            let refresh = exported.refresh_token().unwrap_or_default();
            let is_newest = crew
                .proxy
                .newest(refresh)
                .is_none_or(|newest| generation(refresh) == Some(newest));
            if !is_newest {
                crew.excused.insert(exported.connection().to_owned());
            }
        }
        start(crew)?;
    }
    if crew.excused.len() == super::CONNECTIONS {
        return Ok(vec![
            "nothing is checked: every connection was refreshed after the copy".to_owned(),
        ]);
    }
    Ok(Vec::new())
}

/// The provider does not answer for an hour of the keepers' clocks.
pub(super) async fn down(crew: &mut Crew) -> Outcome<Vec<String>> {
    kill_some(crew, 4).await?;
    crew.proxy.weather(Weather::DOWN);
    let before = crew.proxy.figures().requests;
    for _ in 0..60 {
        crew.advance(60_000)?;
        sleep(Duration::from_millis(150)).await;
    }
    let tried = crew.proxy.figures().requests - before;
    println!("    an hour without the provider: {tried} requests");
    crew.proxy.weather(Weather::FAIR);
    // Each keeper asks at most twice a minute for what it knows, and once for each token that somebody wants.
    if tried > 2 * 60 * 4 {
        return Ok(vec![format!(
            "a provider that is down is asked too often: {tried} times"
        )]);
    }
    Ok(Vec::new())
}

fn stop(crew: &mut Crew) -> Outcome {
    (0..crew.size()).try_for_each(|number| crew.kill(number))
}

fn start(crew: &mut Crew) -> Outcome {
    (0..crew.size()).try_for_each(|number| crew.start(number))
}

/// A consistent copy of a vault that nobody uses.
fn copied(vault: &Path, copy: &Path) -> Outcome {
    let source = rusqlite::Connection::open(vault)?;
    source.execute("VACUUM INTO ?1", [copy.display().to_string()])?;
    Ok(())
}

fn side(vault: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", vault.display()))
}

fn generation(refresh: &str) -> Option<u32> {
    use hallpass::tokens::proofs::{Proof, ProofKind};
    Proof::parse(ProofKind::RefreshToken, refresh).map(|proof| proof.generation)
}

/// A small disk, which ends with the value.
pub(super) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it. Needs root.
    pub(super) fn mount(place: &Path) -> Outcome<Self> {
        program("mount", &["-t", "tmpfs", "-o", SIZE, "tmpfs"], place)?;
        Ok(Self(place.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(program("umount", &["--lazy"], &self.0));
    }
}
