//! Hallpass, which answers on each preset as another kind of server does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use hallpass_client::{AnyToken, CallbackError, Client, ClientAuth, Refusal, TokenError, Tokens, discover};
use hallpass_ends::{CLIENT_ID, Hallpass, PRESETS, Person, Preset, REDIRECT_URI, SECRET, built, declared};

use crate::{client, http, provider, refusal, seconds_left};

struct World {
    server: Hallpass,
    person: Person,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn start(preset: Preset) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            server: Hallpass::start(preset.name, &declared()),
            person: Person::new(),
            runtime: runtime.expect("a runtime"),
        }
    }

    fn client(&self, auth: ClientAuth, scope: &str) -> Client {
        let metadata = self.runtime.block_on(discover(&http(), self.server.url()));
        let mut provider = provider(auth, scope);
        provider.adopt(&metadata.expect("the server has metadata"));
        assert!(provider.iss_required, "Hallpass sends iss");
        client(provider)
    }

    fn connect(&mut self, client: &Client) -> Tokens {
        let begun = client.begin(REDIRECT_URI, &[]).expect("there is an endpoint");
        let back = self.person.allow(&begun.url, REDIRECT_URI);
        let completed = client.complete(&begun.pending, &back);
        self.runtime.block_on(completed).expect("the code is exchanged")
    }

    fn refresh(&self, client: &Client, tokens: &Tokens) -> Result<Tokens, TokenError> {
        let refresh = tokens.refresh.as_ref().expect("there is a refresh token");
        self.runtime.block_on(client.refresh(refresh))
    }
}

fn each_preset(test: impl Fn(Preset, World)) {
    for preset in PRESETS {
        println!("{}", preset.name);
        test(preset, World::start(preset));
    }
}

#[test]
fn a_code_a_refresh_an_introspection_and_a_revocation_work_on_every_preset() {
    each_preset(|preset, mut world| {
        for auth in [ClientAuth::basic(SECRET), ClientAuth::body(SECRET)] {
            let client = world.client(auth, preset.scope);
            let tokens = world.connect(&client);
            assert_eq!(seconds_left(&tokens), preset.access_secs);
            assert_eq!(tokens.token_type.as_str(), "Bearer");
            assert_eq!(tokens.clock_skew, Some(0), "one machine has one clock");
            let refreshed = world.refresh(&client, &tokens).expect("a refresh");
            assert_eq!(seconds_left(&refreshed), preset.access_secs);
            assert!(refreshed.access.secret() != tokens.access.secret());
            let introspect = client.introspect(AnyToken::Access(&refreshed.access));
            assert!(world.runtime.block_on(introspect).expect("an introspection").active);
            let refresh = refreshed.refresh.as_ref().expect("rotation");
            let revoked = world.runtime.block_on(client.revoke(AnyToken::Refresh(refresh)));
            revoked.expect("a revocation");
            assert_eq!(refusal(world.refresh(&client, &refreshed)), Refusal::Grant);
            let introspect = client.introspect(AnyToken::Access(&refreshed.access));
            assert!(!world.runtime.block_on(introspect).expect("an introspection").active);
        }
    });
}

#[test]
fn a_lost_answer_is_asked_for_again_on_every_preset() {
    each_preset(|preset, mut world| {
        let client = world.client(ClientAuth::basic(SECRET), preset.scope);
        let tokens = world.connect(&client);
        let lost = world.refresh(&client, &tokens).expect("a refresh");
        let again = world.refresh(&client, &tokens).expect("the same refresh token again");
        let secret = |tokens: &Tokens| tokens.refresh.as_ref().map(|token| token.secret().to_owned());
        assert!(secret(&lost) == secret(&again), "the same successor");
    });
}

#[test]
fn a_spent_code_a_wrong_secret_a_pause_and_an_end_are_told_apart_on_every_preset() {
    each_preset(|preset, mut world| {
        let client = world.client(ClientAuth::basic(SECRET), preset.scope);
        let begun = client.begin(REDIRECT_URI, &[]).expect("there is an endpoint");
        let back = world.person.allow(&begun.url, REDIRECT_URI);
        let complete = || world.runtime.block_on(client.complete(&begun.pending, &back));
        complete().expect("the code is exchanged");
        match complete().expect_err("the code is spent") {
            CallbackError::Token(error) => assert_eq!(refusal(Err(error)), Refusal::Grant),
            other => panic!("{other:?}"),
        }
        let tokens = world.connect(&client);
        let stranger = world.client(ClientAuth::basic("wrong"), preset.scope);
        assert_eq!(refusal(world.refresh(&stranger, &tokens)), Refusal::Client);
        world.server.command(&["app", "suspend", "reports"]);
        assert_eq!(refusal(world.refresh(&client, &tokens)), Refusal::Paused);
        world.server.command(&["app", "resume", "reports"]);
        let tokens = world.refresh(&client, &tokens).expect("the pause is over");
        world.person.end_access(world.server.url());
        assert_eq!(refusal(world.refresh(&client, &tokens)), Refusal::Grant);
    });
}

#[test]
fn an_app_gets_a_token_of_its_own_where_the_preset_offers_it() {
    each_preset(|preset, world| {
        let client = world.client(ClientAuth::basic(SECRET), preset.scope);
        let scopes: Vec<String> = preset.scope.split(' ').map(str::to_owned).collect();
        let outcome = world.runtime.block_on(client.client_credentials(&scopes));
        match preset.name {
            "default" | "connected-home" => {
                let tokens = outcome.expect("a token of the app's own");
                assert!(tokens.refresh.is_none() && tokens.refresh_expires_at.is_none());
            }
            _ => assert_eq!(refusal(outcome), Refusal::Request),
        }
    });
}

#[test]
fn a_person_who_denies_is_told_apart_from_a_fault() {
    let world = World::start(PRESETS[0]);
    let client = world.client(ClientAuth::basic(SECRET), PRESETS[0].scope);
    let begun = client.begin(REDIRECT_URI, &[]).expect("there is an endpoint");
    let state = &begun.pending.state;
    let iss = world.server.url().replace(':', "%3A").replace('/', "%2F");
    let back = format!("{REDIRECT_URI}?error=access_denied&state={state}&iss={iss}");
    let outcome = world.runtime.block_on(client.complete(&begun.pending, &back));
    match outcome.expect_err("a denial") {
        CallbackError::Refused(error) => assert_eq!(error.code, "access_denied"),
        other => panic!("{other:?}"),
    }
}

/// `examples/connect.rs`, as it is.
#[test]
fn the_example_connects_and_refreshes() {
    let mut world = World::start(PRESETS[0]);
    let mut program = Command::new(built("examples/connect"))
        .env("ISSUER", world.server.url())
        .env("CLIENT_ID", CLIENT_ID)
        .env("CLIENT_SECRET", SECRET)
        .env("REDIRECT_URI", REDIRECT_URI)
        .env("SCOPE", PRESETS[0].scope)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut lines = BufReader::new(program.stdout.take().expect("a pipe"))
        .lines()
        .map_while(Result::ok);
    let url = lines.next().expect("an address");
    let back = world.person.allow(url.trim_start_matches("open "), REDIRECT_URI);
    let mut input = program.stdin.take().expect("a pipe");
    writeln!(input, "{back}").expect("it reads");
    let said: Vec<String> = lines.collect();
    assert_eq!(said[0], r#"connected for Some("profile read")"#);
    assert!(
        said[1].starts_with("refreshed; the access token expires at Some("),
        "{said:?}"
    );
    assert!(program.wait().expect("it ends").success());
}
