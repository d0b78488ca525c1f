//! The `hallpass` command.

use clap::{Args, Parser, Subcommand};
use hallpass::config::{Config, Source, default_file};
use hallpass::time::Clock;
use hallpass::{demo, server};
use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// OAuth in front of an API.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A complete world on localhost: server, sample API, sample third-party app, people to log in as.
    Demo(Demo),
    /// Run the server.
    Serve(Serve),
}

#[derive(Args)]
struct Demo {
    /// The preset to stand behind.
    #[arg(long, default_value = "default")]
    preset: String,
    /// Where the server listens.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Where the sample API listens.
    #[arg(long)]
    api_listen: Option<SocketAddr>,
    /// Where the sample app listens.
    #[arg(long)]
    app_listen: Option<SocketAddr>,
    /// The folder of everything that is kept.
    #[arg(long)]
    data: Option<PathBuf>,
}

#[derive(Args)]
struct Serve {
    /// The configuration; `hallpass.toml` where there is one.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The preset to build on.
    #[arg(long)]
    preset: Option<String>,
    /// Where to listen.
    #[arg(long)]
    listen: Option<String>,
    /// The folder of everything that is kept.
    #[arg(long)]
    data: Option<String>,
    /// The database.
    #[arg(long)]
    database: Option<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| "info,refinery_core=warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Demo(Demo {
            preset,
            listen,
            api_listen,
            app_listen,
            data,
        }) => Ok(demo::run(demo::Options {
            preset,
            listen,
            api_listen,
            app_listen,
            data,
        })
        .await?),
        Command::Serve(options) => serve(options).await,
    }
}

async fn serve(options: Serve) -> Result<(), Box<dyn Error>> {
    let named = [
        ("server.listen", options.listen),
        ("server.data", options.data),
        ("store.url", options.database),
    ];
    let overrides = named
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    let file = options.config.or_else(default_file);
    let source = Source {
        preset: options.preset,
        file,
        environment: std::env::vars().collect(),
        overrides,
    };
    let running = server::start(Config::load(&source)?.config, Clock::System).await?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on http://{}", running.address)?;
    out.flush()?;
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    running.stop().await;
    Ok(())
}
