//! Concurrent requests: the answers must be those of the same requests in some order.

use super::nouns::Request;
use super::play::{Play, Played, judge_row, redemption};
use super::steps::{Newest, Racer, Which};
use super::told::{brief, told};
use crate::harness::Answer;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

impl Play<'_> {
    /// Sends several requests at once. Their answers must be those of the same requests one after another, in some order.
    pub(super) async fn race(&mut self, of: Newest, racers: &[Racer]) -> Played {
        let Some(grant) = self.grant(of) else { return Ok(()) };
        let requests: Vec<Request> = racers.iter().filter_map(|racer| self.racer(grant, *racer)).collect();
        self.trace.push("at the same moment:".to_owned());
        let answers = at_once(
            requests
                .iter()
                .map(|request| Box::pin(self.send(request)) as Sending<'_>)
                .collect(),
        );
        let answers = answers.await;
        for (request, answer) in requests.iter().zip(&answers) {
            self.trace
                .push(format!("  {} → {}", told(&self.model, request), brief(answer)));
        }
        // Sometimes only the state of the grant tells which request came first.
        let row = self.row(grant).await;
        let mut wrong = String::new();
        for order in orders(requests.len()) {
            let (mut model, mut judge) = (self.model.clone(), self.judge.clone());
            let one_by_one = order.iter().try_for_each(|&place| {
                let expected = model.answer(&requests[place]);
                judge.judge(&expected, &answers[place])
            });
            let one_by_one = one_by_one.and_then(|()| judge_row(&model, grant, &row));
            match one_by_one {
                Ok(()) => {
                    (self.model, self.judge) = (model, judge);
                    let redeemed = requests.iter().any(|request| matches!(request, Request::Redeem { .. }));
                    return if redeemed { self.make_room(grant).await } else { Ok(()) };
                }
                Err(other) => wrong = other,
            }
        }
        Err(format!(
            "no order of these requests gives these answers; of the last one, {wrong}"
        ))
    }

    pub(super) fn racer(&self, grant: usize, racer: Racer) -> Option<Request> {
        let by = self.model.grants[grant].app;
        let token = |which| self.token_of(grant, which);
        Some(match racer {
            // Which grant makes room while another one ends depends on moments within a request.
            Racer::Redeem if self.active_beside(grant).len() >= self.model.rules.most => return None,
            // It is not known whether a second use ends the grant.
            Racer::Redeem if self.model.grants[grant].swept => return None,
            Racer::Redeem => redemption(&self.model, grant),
            Racer::Refresh(which) => Request::Refresh {
                by,
                token: token(which)?,
                scopes: None,
                // The answers would not show whether a rotation or a repeat from another source came first.
                from: self.model.grants[grant].source.unwrap_or(0),
            },
            Racer::Revoke => Request::RevokeRefresh(by, token(Which::Current)?),
            Racer::OperatorEnds if self.model.is_forgotten(grant) => return None,
            Racer::OperatorEnds => Request::OperatorEnds(grant),
        })
    }
}

/// All orders of `count` items.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![vec![]];
    for place in 0..count {
        let longer = orders.iter().flat_map(|order: &Vec<usize>| {
            (0..=order.len()).map(move |at| {
                let mut longer = order.clone();
                longer.insert(at, place);
                longer
            })
        });
        orders = longer.collect();
    }
    orders
}

type Sending<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// Sends all requests concurrently.
async fn at_once(mut sending: Vec<Sending<'_>>) -> Vec<Answer> {
    let mut answers: Vec<Option<Answer>> = sending.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (one, answer) in sending
            .iter_mut()
            .zip(&mut answers)
            .filter(|(_, answer)| answer.is_none())
        {
            if let Poll::Ready(ready) = one.as_mut().poll(context) {
                *answer = Some(ready);
            }
        }
        if answers.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}
