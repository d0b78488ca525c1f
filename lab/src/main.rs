//! The lab: programs that load, measure and torment a running Hallpass, all from outside, as its clients use it.
//!
//! The lab is not published and never linked into the server. All of it listens on loopback, is ended by its own process
//! id, and is limited in number and in time. `cargo xtask bench` and `cargo xtask faults` build the lab and run it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks on its standard streams"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the lab measures real time, from outside, and draws what it sends at random"
)]

mod bare;
mod bench;
mod deployment;
mod faults;
mod flow;
mod generate;
mod http;
mod keeping;
mod load;
mod nodes;
mod overload;
mod peers;
mod postgres;
mod process;
mod source;
mod tree;
mod world;

use clap::{Parser, Subcommand};
use std::error::Error;
use std::process::ExitCode;

/// The server's allocator too: bare servers are compared with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The result of the lab's functions. The error is a text for the person who runs it.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Parser)]
#[command(name = "hallpass-lab", about = "Load, measure and torment a running Hallpass")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compare with bare servers, and measure with millions of grants
    Bench(bench::Bench),
    /// Compare with other authorization servers
    Peers(peers::Peers),
    /// Run a bare server
    Bare(bare::Bare),
    /// Kill a server under load, again and again, and check that it kept everything
    Kill(faults::kill::Kill),
    /// Take the disk away from a server under load, and give it back
    Disk(faults::disk::Disk),
    /// Torment several nodes on one PostgreSQL, and check their answers
    Torment(faults::torment::Torment),
    /// Take machines away from the guide's recipe for high availability, under load
    Ha(faults::ha::Ha),
    /// Run this version beside the one before it, and interrupt migrations
    Upgrade(faults::upgrade::Upgrade),
    /// Kill keepers of tokens, lose their answers, and take their vault and provider away
    Keeper(faults::keeper::KeeperFaults),
    /// Keep tokens until killed; `keeper` starts it
    #[command(hide = true)]
    KeeperProcess(faults::keeper::process::KeeperProcess),
    /// Measure a keeper that watches many connections
    Keeping(keeping::Keeping),
    /// Watch connections until killed; `keeping` starts it
    #[command(hide = true)]
    KeeperWatch(keeping::WatchProcess),
    /// Send a server more requests than it can serve, and occupy its connections
    Overload(overload::Overload),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            let mut because = reason.source();
            while let Some(reason) = because {
                eprintln!("  because: {reason}");
                because = reason.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Outcome {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match command {
            Command::Bench(options) => bench::run(options).await,
            Command::Peers(options) => peers::run(options).await,
            Command::Bare(options) => bare::serve(options).await,
            Command::Kill(options) => faults::kill::run(options).await,
            Command::Disk(options) => faults::disk::run(options).await,
            Command::Torment(options) => faults::torment::run(options).await,
            Command::Ha(options) => faults::ha::run(options).await,
            Command::Upgrade(options) => faults::upgrade::run(options).await,
            Command::Keeper(options) => faults::keeper::run(options).await,
            Command::KeeperProcess(options) => faults::keeper::process::run(options).await,
            Command::Keeping(options) => keeping::run(options).await,
            Command::KeeperWatch(options) => keeping::watch(options).await,
            Command::Overload(options) => overload::run(options).await,
        }
    })
}
