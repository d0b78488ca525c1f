use super::super::record::tests::tokens;
use super::*;

fn unavailable(retry_after: Option<u64>, status: u16) -> Result<Tokens, TokenError> {
    Err(TokenError::Unavailable {
        retry_after: retry_after.map(Duration::from_secs),
        status,
        may_have_counted: false,
    })
}

fn answered(pace: &Pace, now: i64, answer: &Result<Tokens, TokenError>) {
    let connection = "shop/1".parse().unwrap();
    pace.answered(now, &pace.sent(&connection, ""), answer);
}

fn refused(code: &str) -> Result<Tokens, TokenError> {
    let error = crate::OAuthError {
        code: code.to_owned(),
        ..Default::default()
    };
    Err(TokenError::Refused(error))
}

#[test]
fn a_client_that_is_refused_for_one_connection_stops_no_other() {
    let pace = Pace::new(None);
    for _ in 0..100 {
        answered(&pace, 0, &refused("unauthorized_client"));
        assert_eq!(pace.begin(0, 10, 0), 10);
    }
    let others: Vec<Connection> = ["shop/2", "shop/3"].map(|name| name.parse().unwrap()).into();
    pace.answered(0, &pace.sent(&others[0], ""), &refused("invalid_client"));
    assert_eq!(pace.begin(0, 10, 0), 10);
    pace.answered(0, &pace.sent(&others[1], ""), &refused("invalid_client"));
    assert_eq!(pace.begin(59_999, 10, 0), 0, "three connections heard the same");
    answered(&pace, 60_000, &Ok(tokens(0, "a", None, (None, None))));
    answered(&pace, 60_000, &refused("invalid_client"));
    assert_eq!(pace.begin(60_000, 10, 0), 10, "a success begins the count anew");
}

#[test]
fn a_server_error_of_one_connection_stops_no_other() {
    let pace = Pace::new(None);
    for _ in 0..5 {
        answered(&pace, 0, &unavailable(None, 500));
    }
    let others: Vec<Connection> = ["shop/2", "shop/3"].map(|name| name.parse().unwrap()).into();
    assert_eq!(pace.demand(0, "", &others[0]), Ok(()));
    assert_eq!(pace.begin(0, 10, 0), 10);
    for other in &others {
        pace.answered(0, &pace.sent(other, ""), &unavailable(None, 500));
    }
    assert_eq!(pace.begin(999, 10, 0), 0, "three connections got it");
}

#[test]
fn one_answer_stops_a_provider_for_five_minutes_at_most() {
    let pace = Pace::new(None);
    answered(&pace, 0, &unavailable(Some(86_400), 429));
    assert_eq!(pace.begin(299_999, 10, 0), 0);
    assert_eq!(pace.begin(300_000, 10, 0), 10);
}

#[test]
fn a_success_does_not_end_the_wait_that_the_provider_asked_for() {
    let pace = Pace::new(None);
    answered(&pace, 0, &unavailable(Some(60), 429));
    answered(&pace, 1, &Ok(tokens(0, "a", None, (None, None))));
    assert_eq!(pace.begin(59_999, 10, 0), 0);
    assert_eq!(pace.begin(60_000, 10, 0), 10);
}

#[test]
fn each_server_behind_variables_rests_alone() {
    let pace = Pace::new(None);
    let one = "shop/1".parse().unwrap();
    pace.answered(0, &pace.sent(&one, "a.example"), &unavailable(Some(60), 429));
    assert_eq!(pace.demand(0, "a.example", &one), Err(Duration::from_secs(60)));
    assert_eq!(pace.demand(0, "b.example", &one), Ok(()));
    assert_eq!(pace.begin(0, 10, 0), 10);
}

#[test]
fn requests_that_were_in_flight_together_fail_once() {
    let pace = Pace::new(None);
    let one = "shop/1".parse().unwrap();
    let down = Err(TokenError::NotSent("refused".to_owned()));
    for round in 0..2 {
        let sent: Vec<Sent> = (0..16).map(|_| pace.sent(&one, "")).collect();
        for sent in &sent {
            pace.answered(0, sent, &down);
        }
        assert_eq!(pace.begin(0, 10, 0), 10, "round {round}");
    }
    pace.answered(0, &pace.sent(&one, ""), &down);
    assert_eq!(pace.begin(999, 10, 0), 0);
    assert_eq!(pace.begin(1000, 10, 0), 1);
}

#[test]
fn a_limit_a_minute_bounds_every_minute_and_never_gathers() {
    let pace = Pace::new(Some(60));
    let mut begun = 0;
    for second in 0..60 {
        begun += pace.begin(second * 1000, 100, 0);
    }
    assert!((60..=65).contains(&begun), "{begun} in the first minute");
    assert_eq!(
        pace.begin(3_600_000, 100, 0),
        5,
        "an idle hour allows five seconds' worth at once"
    );
}

#[test]
fn a_demand_goes_first_and_method_2_waits_for_it() {
    let pace = Pace::new(Some(60));
    pace.begin(0, 1, 0);
    let one = "shop/1".parse().unwrap();
    for _ in 0..3 {
        assert_eq!(pace.demand(0, "", &one), Ok(()));
    }
    assert_eq!(pace.begin(3000, 10, 0), 0);
    assert_eq!(pace.begin(4000, 10, 0), 1);
    pace.give_back(1);
    assert_eq!(pace.begin(4000, 10, 0), 1);
}

#[test]
fn retry_after_is_obeyed_by_everybody() {
    let pace = Pace::new(None);
    answered(&pace, 0, &unavailable(Some(120), 429));
    assert_eq!(pace.begin(119_999, 10, 0), 0);
    let one = "shop/1".parse().unwrap();
    assert_eq!(pace.demand(60_000, "", &one), Err(Duration::from_secs(60)));
    assert_eq!(pace.begin(120_000, 10, 0), 10);
    answered(&pace, 120_000, &unavailable(None, 429));
    assert_eq!(pace.begin(129_999, 10, 0), 0);
}

#[test]
fn a_provider_that_is_down_is_asked_by_one_connection_at_a_time() {
    let pace = Pace::new(None);
    let down = Err(TokenError::NotSent("refused".to_owned()));
    for _ in 0..3 {
        assert_eq!(pace.begin(0, 10, 0), 10);
        answered(&pace, 0, &down);
    }
    assert_eq!(pace.begin(999, 10, 0), 0);
    assert_eq!(pace.begin(1000, 10, 0), 1);
    answered(&pace, 1000, &down);
    assert_eq!(pace.begin(2999, 10, 0), 0);
    assert_eq!(pace.begin(3000, 10, 0), 1);
    answered(&pace, 3000, &Ok(tokens(3000, "a", None, (None, None))));
    assert_eq!(pace.begin(3000, 10, 0), 10);
}

#[test]
fn a_demand_of_a_provider_that_fails_waits_for_the_one_that_asks() {
    let pace = Pace::new(None);
    let down = Err(TokenError::NotSent("refused".to_owned()));
    for _ in 0..3 {
        answered(&pace, 0, &down);
    }
    let (one, two): (Connection, Connection) = ("shop/1".parse().unwrap(), "shop/2".parse().unwrap());
    assert_eq!(pace.demand(1000, "", &one), Ok(()));
    assert_eq!(pace.demand(1000, "", &two), Err(PROBED));
    assert_eq!(pace.begin(1000, 10, 0), 0);
    answered(&pace, 1001, &refused("invalid_grant"));
    assert_eq!(pace.demand(1001, "", &two), Ok(()));
}

#[test]
fn a_clock_set_back_ends_a_rest() {
    let pace = Pace::new(None);
    answered(&pace, 1_000_000, &unavailable(Some(60), 503));
    assert_eq!(pace.begin(0, 10, 0), 10);
}

#[test]
fn the_providers_clock_is_learned() {
    let pace = Pace::new(None);
    let mut answer = tokens(0, "a", None, (None, None));
    answer.clock_skew = Some(-300_000);
    answered(&pace, 0, &Ok(answer));
    assert_eq!(pace.there(400_000), 100_000);
}

#[test]
fn a_server_behind_variables_moves_no_clock() {
    let pace = Pace::new(None);
    let mut answer = tokens(0, "a", None, (None, None));
    answer.clock_skew = Some(-3_540_000);
    let one = "shop/1".parse().unwrap();
    pace.answered(0, &pace.sent(&one, "a.example"), &Ok(answer));
    assert_eq!(pace.skew(), 0);
}

#[test]
fn a_clock_that_was_set_back_is_noticed_once() {
    let said = |pace: &Pace, skew| {
        let mut answer = tokens(0, "a", None, (None, None));
        answer.clock_skew = Some(skew);
        answered(pace, 0, &Ok(answer));
        pace.skew()
    };
    let pace = Pace::new(None);
    pace.assume(60_000);
    assert_eq!(said(&pace, 3_661_000), 3_661_000, "the answer says so first");
    pace.shift(3_600_000);
    assert_eq!(pace.skew(), 3_661_000);
    pace.shift(0);
    pace.shift(-3_600_000);
    assert_eq!(pace.skew(), 61_000, "the vault says so first");
    assert_eq!(said(&pace, 60_000), 61_000);
    assert_eq!(said(&pace, 70_000), 70_000, "the provider's own clock was set");
    pace.shift(-3_600_000);
    assert_eq!(pace.skew(), -3_530_000);
}
