//! Measures what the server can serve, and how it behaves under twenty times as many requests.

use super::client::{Ask, Client, Heard};
use crate::Outcome;
use crate::process::Program;
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

/// The number of concurrent clients while the capacity is measured.
const CLOSED: usize = 64;

/// The number of the watching client. No other client has its address.
const WATCHING: usize = 40_000;

/// The results of a load.
pub(super) struct Figures {
    pub(super) served: u64,
    pub(super) later: u64,
    pub(super) odd: Vec<String>,
    /// Requests that were never sent, because no connection was free.
    pub(super) unsent: u64,
    pub(super) time: Duration,
    /// Microseconds to an answer, for served requests.
    pub(super) latency: Histogram<u64>,
    /// Microseconds to an answer, for 503s.
    pub(super) refusal: Histogram<u64>,
}

impl Figures {
    fn new() -> Outcome<Self> {
        Ok(Self {
            served: 0,
            later: 0,
            odd: Vec::new(),
            unsent: 0,
            time: Duration::ZERO,
            latency: Histogram::new(3)?,
            refusal: Histogram::new(3)?,
        })
    }

    fn note(&mut self, begun: Instant, heard: Outcome<Heard>) {
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(0);
        match heard {
            Ok(Heard::Served) => {
                self.served += 1;
                let _ = self.latency.record(micros);
            }
            Ok(Heard::Later) => {
                self.later += 1;
                let _ = self.refusal.record(micros);
            }
            Ok(Heard::Odd(status)) => self.odd.push(format!("status {status}")),
            Err(error) => self.odd.push(error.to_string()),
        }
    }

    fn add(&mut self, other: Self) -> Outcome {
        self.served += other.served;
        self.later += other.later;
        self.unsent += other.unsent;
        self.odd.extend(other.odd);
        self.latency.add(other.latency)?;
        self.refusal.add(other.refusal)?;
        Ok(())
    }

    /// Requests served per second.
    pub(super) fn rate(&self) -> f64 {
        self.served as f64 / self.time.as_secs_f64().max(0.001)
    }

    /// Prints one line.
    pub(super) fn print(&self, what: &str) {
        let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        println!(
            "  {what}: served {} ({:.0}/s), p50 {:.1} ms, p99 {:.1} ms; 503 {} (p99 {:.1} ms), unsent {}, odd {}",
            self.served,
            self.rate(),
            ms(&self.latency, 0.5),
            ms(&self.latency, 0.99),
            self.later,
            ms(&self.refusal, 0.99),
            self.unsent,
            self.odd.len()
        );
        for odd in self.odd.iter().take(3) {
            println!("    {odd}");
        }
    }
}

/// Sends as many requests as the server answers, with `clients` clients. They can later continue where they stopped.
pub(super) async fn closed(address: SocketAddr, asks: &mut [Ask], clients: usize, time: Duration) -> Outcome<Figures> {
    let clients = clients.min(asks.len()).min(CLOSED);
    let (chosen, _) = asks.split_at_mut(clients);
    paced(address, chosen, Duration::ZERO, time).await
}

/// Sends `rate` requests per second, whatever the server answers. Each connection has fixed moments to send; a moment
/// missed while it waits for an answer counts as unsent.
pub(super) async fn open(address: SocketAddr, asks: &mut [Ask], rate: f64, time: Duration) -> Outcome<Figures> {
    let period = Duration::from_secs_f64(asks.len() as f64 / rate.max(1.0));
    paced(address, asks, period, time).await
}

async fn paced(address: SocketAddr, asks: &mut [Ask], period: Duration, time: Duration) -> Outcome<Figures> {
    let mut tasks = JoinSet::new();
    let mut clients = Vec::new();
    for (number, ask) in asks.iter().enumerate() {
        clients.push(Client::open(address, number, ask.clone()).await?);
    }
    let begun = Instant::now();
    let count = clients.len().max(1);
    for (number, client) in clients.into_iter().enumerate() {
        let first = begun + period.mul_f64(number as f64 / count as f64);
        tasks.spawn(async move { (number, one(client, first, period, begun + time).await) });
    }
    let mut all = Figures::new()?;
    while let Some(done) = tasks.join_next().await {
        let (number, of_one) = done?;
        let (figures, ask) = of_one?;
        all.add(figures)?;
        if let Some(place) = asks.get_mut(number) {
            *place = ask;
        }
    }
    all.time = begun.elapsed();
    Ok(all)
}

async fn one(mut client: Client, first: Instant, period: Duration, end: Instant) -> Outcome<(Figures, Ask)> {
    let mut figures = Figures::new()?;
    let mut due = first;
    while due < end {
        sleep_until(due.into()).await;
        let begun = Instant::now();
        if begun >= end {
            break;
        }
        let heard = timeout(Duration::from_secs(30), client.send()).await;
        let lost = !matches!(heard, Ok(Ok(_)));
        figures.note(begun, heard.unwrap_or_else(|_| Err("no answer in 30 s".into())));
        if lost {
            break;
        }
        if period.is_zero() {
            due = Instant::now();
            continue;
        }
        due += period;
        while due < Instant::now() && due < end {
            due += period;
            figures.unsent += 1;
        }
    }
    Ok((figures, client.asks()))
}

/// The answers of the health endpoints during a load, and the memory of the server.
pub(super) struct Watch {
    pub(super) live: Figures,
    pub(super) ready: Figures,
    pub(super) resident: f64,
}

/// Requests the health endpoints continuously: liveness on one connection, readiness on a new one each time.
pub(super) async fn watch(server: &Program, time: Duration) -> Outcome<Watch> {
    let address = server.address;
    let mut live = Client::open(address, WATCHING, Ask::Get("/health/live")).await?;
    let mut watch = Watch {
        live: Figures::new()?,
        ready: Figures::new()?,
        resident: 0.0,
    };
    let begun = Instant::now();
    while begun.elapsed() < time {
        let asked = Instant::now();
        watch.live.note(asked, live.send().await);
        let asked = Instant::now();
        let ready = match Client::open(address, WATCHING, Ask::Get("/health/ready")).await {
            Ok(mut ready) => ready.send().await,
            Err(error) => Err(error),
        };
        watch.ready.note(asked, ready);
        watch.resident = watch.resident.max(server.resident()?);
        sleep(Duration::from_millis(50)).await;
    }
    watch.live.time = begun.elapsed();
    watch.ready.time = begun.elapsed();
    Ok(watch)
}
