//! A Hallpass, a proxy before it, two keeper processes on one vault, and the check of what they kept.

use super::CONNECTIONS;
use super::child::{Given, Keeping, Plan};
use super::home::{KEY, PROVIDER, Vault, provider};
use super::process::WrongClock;
use super::proxy::{Proxy, Weather};
use crate::Outcome;
use crate::faults::dice::Dice;
use crate::flow::{Person, redemption, tokens};
use crate::http::Connection;
use crate::process::Program;
use crate::world::{World, api, app};
use hallpass_client::http::HttpClient;
use hallpass_client::keeper::{Care, Exported, Keeper, KeeperError, State, VaultKey};
use hallpass_client::{AccessToken, Clock as _, RefreshToken, SystemClock, Tokens};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// How long access tokens live. Hallpass repeats lost answers as long, while the successor is unseen.
const ACCESS: &str = "40s";
/// How many milliseconds before its end a token is not checked any more: its check may take a moment.
const CLOSE: i64 = 3000;
/// The keepers' clocks are wrong by so many milliseconds.
pub(super) const WRONG: [i64; 2] = [300_000, -300_000];
/// The clocks of keepers whose time is moved by hand.
pub(super) const BY_HAND: [i64; 2] = [0, 0];
/// How long a connection may take to recover at the end.
const RECOVERS: Duration = Duration::from_secs(30);
/// How long all of them may take.
const ALL_RECOVER: Duration = Duration::from_secs(90);

/// Everything of a run.
pub(super) struct Crew {
    pub(super) proxy: Proxy,
    pub(super) dice: Dice,
    /// Connections that Hallpass could not honour, by what happened to the vault.
    pub(super) excused: BTreeSet<String>,
    world: World,
    server: Program,
    plans: Vec<Plan>,
    /// How far the clocks were moved by hand.
    moved: Arc<AtomicI64>,
    keeping: Vec<Option<Keeping>>,
    given: UnboundedSender<Given>,
    checking: JoinHandle<(usize, Vec<String>)>,
}

impl Crew {
    /// Starts the server, makes the connections, and starts two keepers.
    pub(super) async fn begin(
        hallpass: &Path,
        folder: &Path,
        vault: Vault,
        clocks: [i64; 2],
        seed: u64,
    ) -> Outcome<Self> {
        let mut world = World::make(hallpass, folder, "")?;
        world.lasts();
        world.set("TOKENS__ACCESS", ACCESS);
        // A shorter grace than a lease: after a kill, only "never seen" saves a connection.
        world.set("TOKENS__GRACE", "1s");
        let server = world.serve()?;
        let mut dice = Dice::new(seed, 90);
        let proxy = Proxy::start(server.address, clocks != BY_HAND, dice.branch(1)).await?;
        let plan = |off: &i64| Plan {
            vault: vault.clone(),
            endpoint: proxy.endpoint(),
            off: *off,
            alone: clocks == BY_HAND,
        };
        let plans: Vec<Plan> = clocks.iter().map(plan).collect();
        let (given, receive) = unbounded_channel();
        let checking = tokio::spawn(check_given(server.address, receive));
        let mut crew = Self {
            proxy,
            dice,
            excused: BTreeSet::new(),
            world,
            server,
            keeping: plans.iter().map(|_| None).collect(),
            plans,
            moved: Arc::default(),
            given,
            checking,
        };
        crew.connect(&vault).await?;
        for number in 0..crew.plans.len() {
            crew.start(number)?;
        }
        Ok(crew)
    }

    /// Connects the user of each connection, and stores the tokens.
    async fn connect(&self, vault: &Vault) -> Outcome {
        let keeper = self.keeper(vault).await?;
        let mut connection = Connection::open(self.server.address).await?;
        let mut person = Person::sign_in(Connection::open(self.server.address).await?, 1).await?;
        for number in 0..CONNECTIONS {
            let code = person.allow().await?;
            let answer = connection.post("/oauth/token", &app(), &redemption(&code)).await?;
            let found = tokens(&answer)?;
            let access = AccessToken::new(found.access).ok_or("no access token")?;
            let mut tokens = Tokens::new(access, SystemClock.now_millis());
            tokens.refresh = RefreshToken::new(found.refresh);
            // They come due one after the other, not all in one moment.
            let left = i64::try_from(1000 + 40_000 * number / CONNECTIONS)?;
            tokens.expires_at = Some(tokens.requested_at + left);
            let name = hallpass_client::keeper::Connection::new(PROVIDER, &number.to_string())?;
            keeper.take_over(&name, &tokens).await?;
        }
        Ok(())
    }

    /// A keeper of this process.
    pub(super) async fn keeper(&self, vault: &Vault) -> Outcome<Keeper> {
        let http = HttpClient::builder().without_native_roots().build()?;
        let key = VaultKey::from_bytes(&KEY)?;
        let clock = Arc::new(WrongClock(self.moved.clone()));
        Ok(Keeper::builder(vault.open().await?, key, clock)
            .provider(PROVIDER, provider(&self.proxy.endpoint()), http, Care::default())
            .request_timeout(Duration::from_secs(1))
            .without_vault_clock()
            .build())
    }

    pub(super) fn vault(&self) -> Outcome<Vault> {
        Ok(self.plans.first().ok_or("there is no keeper")?.vault.clone())
    }

    /// The number of keepers.
    pub(super) fn size(&self) -> usize {
        self.plans.len()
    }

    /// Starts a keeper.
    pub(super) fn start(&mut self, number: usize) -> Outcome {
        let seed = self.dice.below(1 << 30) as u64;
        let plan = self.plans.get(number).ok_or("there is no such keeper")?;
        let keeping = Keeping::start(plan, seed, self.given.clone())?;
        let place = self.keeping.get_mut(number).ok_or("there is no such keeper")?;
        *place = Some(keeping);
        Ok(())
    }

    /// Kills a keeper.
    pub(super) fn kill(&mut self, number: usize) -> Outcome {
        let place = self.keeping.get_mut(number).ok_or("there is no such keeper")?;
        place.take().map_or(Ok(()), Keeping::kill)
    }

    /// Moves the clocks of all keepers.
    pub(super) fn advance(&mut self, millis: i64) -> Outcome {
        self.moved.fetch_add(millis, Ordering::SeqCst);
        self.keeping
            .iter_mut()
            .flatten()
            .try_for_each(|keeping| keeping.advance(millis))
    }

    /// Every connection of the vault, with its secrets.
    pub(super) async fn exported(&self) -> Outcome<Vec<Exported>> {
        let keeper = self.keeper(&self.vault()?).await?;
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = keeper.export(after.as_ref(), 500).await?;
            all.extend(page);
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Stops the keepers, and asks for the token of every connection. Returns the violations.
    pub(super) async fn finish(mut self) -> Outcome<Vec<String>> {
        let mut wrong = Vec::new();
        for (number, keeping) in self.keeping.iter_mut().enumerate() {
            if let Some(keeping) = keeping
                && !keeping.runs()?
            {
                wrong.push(format!("a keeper ended by itself: number {number}"));
            }
        }
        for number in 0..self.size() {
            self.kill(number)?;
        }
        self.proxy.weather(Weather::FAIR);
        let keeper = self.keeper(&self.vault()?).await?;
        let mut connection = Connection::open(self.server.address).await?;
        let mut lost = 0;
        let end = Instant::now() + ALL_RECOVER;
        for number in 0..CONNECTIONS {
            if Instant::now() > end {
                wrong.push(format!("the check takes too long: {number} of {CONNECTIONS}"));
                break;
            }
            let name = hallpass_client::keeper::Connection::new(PROVIDER, &number.to_string())?;
            let excused = self.excused.contains(&name.to_string());
            match kept(&keeper, &name, &mut connection).await? {
                None => {}
                Some(KeeperError::NeedsUser { .. }) if excused => lost += 1,
                Some(error) => wrong.push(format!("a connection is lost: {name}, {error}")),
            }
        }
        let rows = keeper.list(None, CONNECTIONS + 1).await?;
        if rows.len() != CONNECTIONS {
            wrong.push(format!("connections are missing: {} of {CONNECTIONS}", rows.len()));
        }
        wrong.extend(unsettled(&keeper).await?);
        self.report(wrong, lost).await
    }

    async fn report(self, mut wrong: Vec<String>, lost: usize) -> Outcome<Vec<String>> {
        let figures = self.proxy.figures();
        if figures.doubled > 0 {
            wrong.push(format!(
                "two refreshes of one connection were in flight: {} times",
                figures.doubled
            ));
        }
        drop(self.given);
        let (checked, bad) = self.checking.await?;
        wrong.extend(bad);
        println!(
            "    refreshes {}, requests lost {}, answers lost {}, refused {}, tokens given and checked {checked}, connections \
             that Hallpass could not honour {} (lost: {lost})",
            figures.requests,
            figures.lost_requests,
            figures.lost_answers,
            figures.refused,
            self.excused.len(),
        );
        if !self.server.stop()? {
            wrong.push("the server did not stop cleanly".to_owned());
        }
        drop(self.world);
        Ok(wrong)
    }
}

/// Lets the keeper ask for the answers that are lost still, and returns those that stay lost.
async fn unsettled(keeper: &Keeper) -> Outcome<Vec<String>> {
    let begun = Instant::now();
    loop {
        keeper.keep_due().await?;
        let rows = keeper.list(None, CONNECTIONS + 1).await?;
        let lost = rows.iter().filter(|row| row.asked_at.is_some());
        let lost = lost.filter(|row| row.summary.state == State::Ready);
        let lost: Vec<String> = lost
            .map(|row| format!("an answer stays lost: {}", row.connection))
            .collect();
        if lost.is_empty() || begun.elapsed() > RECOVERS {
            return Ok(lost);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Whether a connection has a token that Hallpass takes. If it takes the stored one no more, as an API would say by 401, the
/// keeper is told.
async fn kept(
    keeper: &Keeper,
    name: &hallpass_client::keeper::Connection,
    connection: &mut Connection,
) -> Outcome<Option<KeeperError>> {
    let token = match settled(keeper, name).await {
        Ok(token) => token,
        Err(error) => return Ok(Some(error)),
    };
    if active(connection, token.access.secret()).await? {
        return Ok(None);
    }
    Ok(match keeper.refused(name, token.access.secret()).await {
        Ok(token) if active(connection, token.access.secret()).await? => None,
        Ok(_) => Some(KeeperError::Unknown),
        Err(error) => Some(error),
    })
}

/// The token of a connection, after the waits that earlier failures left.
async fn settled(
    keeper: &Keeper,
    name: &hallpass_client::keeper::Connection,
) -> Result<hallpass_client::keeper::Token, KeeperError> {
    let begun = Instant::now();
    loop {
        match keeper.token(name).await {
            Err(KeeperError::Unavailable { .. } | KeeperError::Vault(_)) if begun.elapsed() < RECOVERS => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            result => return result,
        }
    }
}

/// Introspects every token that a keeper gave. Returns their number and the violations.
async fn check_given(server: SocketAddr, mut given: UnboundedReceiver<Given>) -> (usize, Vec<String>) {
    let (mut checked, mut wrong) = (0, Vec::new());
    let mut connection = None;
    while let Some(one) = given.recv().await {
        if connection.is_none() {
            connection = Connection::open(server).await.ok();
        }
        let Some(open) = connection.as_mut() else { continue };
        let answer = active(open, &one.access).await;
        let late = i64::try_from(one.at.elapsed().as_millis()).unwrap_or(i64::MAX);
        match answer {
            Ok(true) => checked += 1,
            Ok(false) if one.left - late > CLOSE => {
                wrong.push(format!("a keeper gave a token that is not active: {}", one.connection));
            }
            Ok(false) => {}
            Err(_) => connection = None,
        }
    }
    (checked, wrong)
}

async fn active(connection: &mut Connection, access: &str) -> Outcome<bool> {
    let form = crate::flow::form(&[("token", access)]);
    let answer = connection.post("/oauth/introspect", &api(), &form).await?;
    answer
        .flag("active")
        .ok_or_else(|| crate::flow::unexpected("introspection", &answer))
}
