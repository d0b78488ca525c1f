//! A client under load that handles its tokens carefully: it repeats requests that got no answer.

use super::dice::Dice;
use super::history::{Asked, Heard, Id};
use super::wire::Wire;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The number of grants from which on a client abandons some.
const HOLDS: usize = 24;
/// The most concurrent copies of one request.
const WIDTH: usize = 3;
/// How long a client may repeat a refresh: well within the server's `grace` and the checker's.
const REPEATABLE: Duration = Duration::from_secs(12);
/// How long a client asks about ended grants, to check on every node that they stay ended.
const LOOKS_BACK: Duration = Duration::from_secs(8);

/// The behaviour of a client and its person.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// All requests of an app.
    App,
    /// Also ends all access after a few grants, as the person.
    Ender,
}

/// One client.
pub(super) struct Client {
    wire: Wire,
    dice: Dice,
    habit: Habit,
    /// A consent form that may have been sent.
    form: Option<String>,
    held: VecDeque<Chain>,
    /// Ended grants, and since when.
    over: Vec<(Chain, Instant)>,
    /// Codes of grants that were abandoned after the code was refused. Such a grant lives on if it was refreshed, and ends
    /// when the person ends all access.
    refused: Vec<Id>,
}

/// The tokens of one grant.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) code: Id,
    /// Access and refresh token, the newest last.
    pub(super) tokens: Vec<(Id, Id)>,
    /// When the predecessor of the newest refresh token was first sent.
    asked: Instant,
    /// The refresh token being exchanged, and since when.
    trying: Option<(Id, Instant)>,
    /// The request without an answer, to be repeated.
    again: Option<Asked>,
}

impl Client {
    pub(super) fn new(wire: Wire, dice: Dice, habit: Habit) -> Self {
        Self {
            wire,
            dice,
            habit,
            form: None,
            held: VecDeque::new(),
            over: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Runs until the phase is over. Returns all its grants.
    pub(super) async fn run(mut self) -> Vec<Chain> {
        while self.wire.up().await {
            let heard = self.step().await;
            self.pause(&heard).await;
        }
        let over = self.over.into_iter().map(|(chain, _)| chain);
        over.chain(self.held).collect()
    }

    async fn step(&mut self) -> Vec<Heard> {
        if self.form.is_some() || self.held.len() < 4 || (self.held.len() < HOLDS && self.dice.below(6) == 0) {
            return self.connect().await;
        }
        if self.dice.below(5) == 0
            && let Some(asked) = self.look_back()
        {
            return self.wire.ask(&asked, 1).await;
        }
        if self.habit == Habit::Ender && self.held.iter().all(|chain| chain.again.is_none()) {
            return self.end_all().await;
        }
        let Some(mut chain) = self.held.pop_front() else {
            return Vec::new();
        };
        let (asked, copies) = match chain.again.take() {
            Some(asked) => (asked, 1),
            None => self.choose(&chain),
        };
        chain.try_now(&asked);
        let heard = self.wire.ask(&asked, copies).await;
        self.put_back(chain, &asked, &heard);
        heard
    }

    /// Keeps a grant, or puts it with the ended ones.
    fn put_back(&mut self, mut chain: Chain, asked: &Asked, heard: &[Heard]) {
        if !chain.take(asked, heard) {
            return self.held.push_back(chain);
        }
        if let Asked::Redeem { code } = *asked
            && self.habit == Habit::Ender
        {
            self.refused.push(code);
        }
        self.over.push((chain, Instant::now()));
    }

    /// A request about a grant that ended some time ago.
    fn look_back(&mut self) -> Option<Asked> {
        let recent = self.over.partition_point(|(_, since)| since.elapsed() > LOOKS_BACK);
        let recent = self.over.get(recent..)?;
        let (chain, _) = recent.get(self.dice.below(recent.len().max(1)))?;
        let (access, _) = chain.tokens.last()?;
        Some(Asked::Introspect { token: *access })
    }

    /// Gets a code, which is redeemed in a later step.
    async fn connect(&mut self) -> Vec<Heard> {
        let form = match self.form.take() {
            Some(form) => form,
            None => match self.wire.question().await {
                Ok(form) => form,
                Err(heard) => return vec![heard],
            },
        };
        let heard = self.wire.consent(&form).await;
        match heard {
            Heard::Code(code) => self.held.push_front(Chain::of(code)),
            _ => self.form = Some(form),
        }
        vec![heard]
    }

    /// Ends all access of the app, as the person.
    async fn end_all(&mut self) -> Vec<Heard> {
        let waiting = self.held.iter().position(|chain| chain.tokens.is_empty());
        if let Some(chain) = waiting.and_then(|place| self.held.remove(place)) {
            let asked = Asked::Redeem { code: chain.code };
            let heard = self.wire.ask(&asked, 1).await;
            self.put_back(chain, &asked, &heard);
            return heard;
        }
        let held = self.held.iter().map(|chain| chain.code);
        let codes = held.chain(self.refused.iter().copied()).collect();
        let heard = self.wire.end_all(codes).await;
        if heard == Heard::Done {
            let now = Instant::now();
            self.over.extend(self.held.drain(..).map(|chain| (chain, now)));
            self.refused.clear();
        }
        vec![heard]
    }

    /// The next request for a grant, and its number of copies.
    fn choose(&mut self, chain: &Chain) -> (Asked, usize) {
        let Some((access, refresh)) = chain.tokens.last().copied() else {
            let copies = if self.dice.below(12) == 0 { 2 } else { 1 };
            return (Asked::Redeem { code: chain.code }, copies);
        };
        let older = |back: usize| chain.tokens.len().checked_sub(back).and_then(|at| chain.tokens.get(at));
        match self.dice.below(100) {
            0..40 => (Asked::Refresh { token: refresh }, 1),
            40..55 => (Asked::Refresh { token: refresh }, WIDTH),
            55..65 => match older(2) {
                Some((_, before)) if chain.asked.elapsed() < REPEATABLE => (Asked::Refresh { token: *before }, 1),
                _ => (Asked::Introspect { token: access }, 1),
            },
            65..85 => (Asked::Introspect { token: access }, 1),
            85..90 => (Asked::RevokeAccess { token: access }, 1),
            90..95 => (Asked::RevokeRefresh { token: refresh }, 1),
            95..97 => (Asked::Redeem { code: chain.code }, 1),
            _ => match older(3) {
                Some((_, long_ago)) => (Asked::Refresh { token: *long_ago }, 1),
                None => (Asked::Introspect { token: access }, 1),
            },
        }
    }

    /// Pauses after a 503, or if no node can be reached.
    async fn pause(&self, heard: &[Heard]) {
        if heard.contains(&Heard::Later) {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        if heard.contains(&Heard::Nothing) || heard.is_empty() {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }
}

impl Chain {
    /// A grant whose code was not redeemed yet.
    fn of(code: Id) -> Self {
        Self {
            code,
            tokens: Vec::new(),
            asked: Instant::now(),
            trying: None,
            again: None,
        }
    }

    /// A code, and the tokens that it was redeemed for.
    pub(super) fn with(code: Id, tokens: (Id, Id)) -> Self {
        let mut chain = Self::of(code);
        chain.tokens.push(tokens);
        chain
    }

    /// Notes since when the newest refresh token is being exchanged: the attempt without an answer may have been carried
    /// out.
    fn try_now(&mut self, asked: &Asked) {
        let newest = self.tokens.last().map(|(_, refresh)| *refresh);
        if let Asked::Refresh { token } = *asked
            && newest == Some(token)
            && self.trying.is_none_or(|(trying, _)| trying != token)
        {
            self.trying = Some((token, Instant::now()));
        }
    }

    /// Takes the answers. Returns whether the grant has ended. Of raced copies, one answer also tells the result of the
    /// others.
    fn take(&mut self, asked: &Asked, heard: &[Heard]) -> bool {
        for one in heard {
            if let Heard::Tokens { access, refresh } = *one
                && self.tokens.iter().all(|(_, known)| *known != refresh)
            {
                self.asked = self.trying.map_or_else(Instant::now, |(_, since)| since);
                self.tokens.push((access, refresh));
            }
        }
        if heard.contains(&Heard::Refused) {
            return true;
        }
        let answered = heard.iter().any(|one| !matches!(one, Heard::Nothing | Heard::Later));
        if !answered {
            self.again = Some(asked.clone());
        }
        matches!(asked, Asked::RevokeRefresh { .. }) && heard.contains(&Heard::Done)
    }
}
