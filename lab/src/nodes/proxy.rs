//! A proxy between a node and its database, with weather: it resets, delays or drops data, or loses answers.

use super::frontend::{Frontend, Message};
use crate::Outcome;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What the proxy does with data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Weather {
    Fair,
    /// New connections are reset.
    Refused,
    /// Nothing passes; later the data continues.
    Held,
    /// Data is dropped and nothing is closed. A connection that lost data stays silent forever.
    Lost,
    /// Each piece is delayed by this time, and no more than so many bytes pass per second.
    Slow(Duration, u32),
    /// A change is carried out, and its connection is reset when the answer arrives.
    Unanswered,
    /// A change is executed, and its commit is delayed by this time.
    Late(Duration),
    /// Connections are reset instead of passing on the client message of this number, counted from 0, or any later one.
    EndsBefore(usize),
    /// The message of this number passes; the connection is reset when an answer arrives.
    EndsAfter(usize),
}

/// A proxy, which ends when the value is dropped.
pub(crate) struct Proxy {
    /// The address on which it listens.
    pub(crate) address: SocketAddr,
    sky: watch::Sender<Sky>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy)]
struct Sky {
    weather: Weather,
    target: SocketAddr,
    /// How many times all connections were cut.
    cuts: usize,
}

impl Proxy {
    /// Listens, and passes data on to `target`.
    pub(crate) async fn start(target: SocketAddr) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (weather, cuts) = (Weather::Fair, 0);
        let (sky, seen) = watch::channel(Sky { weather, target, cuts });
        let accepting = tokio::spawn(accept(listener, seen));
        Ok(Self {
            address,
            sky,
            accepting,
        })
    }

    /// Sets the weather from now on.
    pub(crate) fn weather(&self, weather: Weather) {
        self.sky.send_modify(|sky| sky.weather = weather);
    }

    /// Resets every connection.
    pub(crate) fn cut(&self) {
        self.sky.send_modify(|sky| sky.cuts += 1);
    }

    /// Changes the target, and resets every connection.
    pub(crate) fn aim(&self, target: SocketAddr) {
        self.sky.send_modify(|sky| sky.target = target);
        self.cut();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, sky: watch::Receiver<Sky>) {
    let messages = Arc::new(AtomicUsize::new(0));
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(relay(client, sky.clone(), messages.clone()));
    }
}

/// How a relay ended.
enum End {
    Closed,
    Reset,
}

/// One connection of a node.
struct Relay {
    sky: watch::Receiver<Sky>,
    /// The number of messages that clients sent through this proxy.
    messages: Arc<AtomicUsize>,
    /// Data was dropped.
    lost: AtomicBool,
    /// The next answer must not arrive.
    doomed: AtomicBool,
}

async fn relay(mut client: TcpStream, mut sky: watch::Receiver<Sky>, messages: Arc<AtomicUsize>) {
    let Sky { weather, target, cuts } = *sky.borrow_and_update();
    let relay = Relay {
        sky: sky.clone(),
        messages,
        lost: AtomicBool::new(weather == Weather::Lost),
        doomed: AtomicBool::new(false),
    };
    let server = async {
        match weather {
            Weather::Refused => None,
            _ => TcpStream::connect(target).await.ok(),
        }
    };
    let Some(mut server) = server.await else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let end = tokio::select! {
        end = relay.up(from_client, to_server) => end,
        end = relay.down(from_server, to_client) => end,
        _ = sky.wait_for(|sky| sky.cuts != cuts) => Ok(End::Reset),
    };
    if !matches!(end, Ok(End::Closed)) {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

impl Relay {
    fn weather(&self) -> Weather {
        self.sky.borrow().weather
    }

    async fn up(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<End> {
        let (mut frontend, mut buffer) = (Frontend::default(), vec![0; 16 * 1024]);
        loop {
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return Ok(End::Closed);
            }
            for message in frontend.take(buffer.get(..length).unwrap_or_default()) {
                if !self.passes(message.bytes.len()).await {
                    continue;
                }
                if !self.forward(&message).await {
                    return Ok(End::Reset);
                }
                to.write_all(&message.bytes).await?;
            }
        }
    }

    /// Handles a client's message. Returns whether the connection continues.
    async fn forward(&self, message: &Message) -> bool {
        match self.weather() {
            Weather::Late(span) if message.commits => sleep(span).await,
            Weather::Unanswered if message.commits => self.doomed.store(true, Ordering::SeqCst),
            Weather::EndsBefore(number) => return self.messages.fetch_add(1, Ordering::SeqCst) < number,
            Weather::EndsAfter(number) => {
                let doomed = self.messages.fetch_add(1, Ordering::SeqCst) >= number;
                self.doomed.store(doomed, Ordering::SeqCst);
            }
            _ => {}
        }
        true
    }

    async fn down(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<End> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let length = from.read(&mut buffer).await?;
            let bytes = buffer.get(..length).unwrap_or_default();
            if length == 0 {
                return Ok(End::Closed);
            }
            if !self.passes(length).await {
                continue;
            }
            if self.doomed.load(Ordering::SeqCst) {
                // The change is done when the database is ready for the next query.
                match is_ready(bytes) {
                    true => return Ok(End::Reset),
                    false => continue,
                }
            }
            to.write_all(bytes).await?;
        }
    }

    /// Waits as the weather requires. Returns whether the data passes at all.
    async fn passes(&self, length: usize) -> bool {
        if self.weather() == Weather::Held {
            let _ = self.sky.clone().wait_for(|sky| sky.weather != Weather::Held).await;
        }
        if let Weather::Slow(latency, rate) = self.weather() {
            sleep(latency + Duration::from_secs_f64(length as f64 / f64::from(rate.max(1)))).await;
        }
        let lost = self.lost.load(Ordering::SeqCst) || self.weather() == Weather::Lost;
        self.lost.store(lost, Ordering::SeqCst);
        !lost
    }
}

/// Whether these bytes end with the message `ReadyForQuery`.
fn is_ready(bytes: &[u8]) -> bool {
    let start = bytes.len().saturating_sub(6);
    bytes
        .get(start..)
        .is_some_and(|end| end.starts_with(&[b'Z', 0, 0, 0, 5]))
}
