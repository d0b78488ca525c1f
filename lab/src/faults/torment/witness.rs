//! A client that asks every node continuously about access that is ended in the meantime.

use crate::Outcome;
use crate::faults::Run;
use crate::faults::client::Chain;
use crate::faults::history::{Asked, Heard, Id};
use crate::faults::wire::Wire;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The number of grants to end.
const GRANTS: usize = 4;
/// The interval at which each node is asked about all of them.
const EVERY: Duration = Duration::from_millis(40);
/// How long the witness asks after the last end: longer than a node may be stale.
const GOES_ON: Duration = Duration::from_millis(2300);
/// The most attempts to get an end acknowledged.
const TRIES: usize = 40;
/// How long the last answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The witness of one round.
pub(super) struct Witness {
    chains: Vec<Chain>,
    /// The grants that are not ended yet.
    left: Vec<Id>,
    revokers: Vec<Wire>,
    over: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Witness {
    /// Gets its grants, and begins to ask.
    pub(super) async fn begin(run: &mut Run) -> Outcome<Self> {
        let mut wire = run.wire(100).await?;
        let mut chains = Vec::new();
        for _ in 0..GRANTS {
            chains.push(connect(&mut wire).await?);
        }
        let access: Vec<Id> = chains.iter().filter_map(|chain| Some(chain.tokens.last()?.0)).collect();
        let left = chains.iter().filter_map(|chain| Some(chain.tokens.last()?.1)).collect();
        let (over, told) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for node in 0..run.nodes.len() {
            let wire = run.wire(200 + node as u64).await?.patient();
            tasks.spawn(ask(wire, node, access.clone(), told.clone()));
        }
        let mut revokers = Vec::new();
        for number in 0..GRANTS {
            revokers.push(run.wire(300 + number as u64).await?);
        }
        Ok(Self {
            chains,
            left,
            revokers,
            over,
            tasks,
        })
    }

    /// Has some access ended at that node, in the background.
    pub(super) fn revoke(&mut self, node: usize) {
        let Some((token, mut wire)) = self.left.pop().zip(self.revokers.pop()) else {
            return;
        };
        self.tasks.spawn(async move {
            for _ in 0..TRIES {
                let heard = wire.ask_at(node, &Asked::RevokeRefresh { token }).await;
                if heard.contains(&Heard::Done) {
                    return;
                }
                sleep(Duration::from_millis(100)).await;
            }
        });
    }

    /// Asks for as long as necessary, and leaves its grants to be checked at the end.
    pub(super) async fn finish(mut self, run: &mut Run) -> Outcome {
        sleep(GOES_ON).await;
        self.over.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        timeout(PATIENCE, ended)
            .await
            .map_err(|_| "the witness got no answer")?;
        run.others.append(&mut self.chains);
        Ok(())
    }
}

/// Gets one grant.
async fn connect(wire: &mut Wire) -> Outcome<Chain> {
    for _ in 0..TRIES {
        let heard = match wire.question().await {
            Ok(form) => wire.consent(&form).await,
            Err(heard) => heard,
        };
        let Heard::Code(code) = heard else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        for _ in 0..TRIES {
            if let Some(Heard::Tokens { access, refresh }) = wire.ask(&Asked::Redeem { code }, 1).await.pop() {
                return Ok(Chain::with(code, (access, refresh)));
            }
        }
    }
    Err("the witness got no access".into())
}

/// Asks one node.
async fn ask(mut wire: Wire, node: usize, access: Vec<Id>, mut over: watch::Receiver<bool>) {
    while !*over.borrow_and_update() {
        for token in &access {
            wire.ask_at(node, &Asked::Introspect { token: *token }).await;
        }
        sleep(EVERY).await;
    }
}
