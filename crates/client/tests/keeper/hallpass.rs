//! Hallpass on every preset.

use crate::proxy::Proxy;
use crate::world::{MovedClock, access, happened, http, keeper, one, through};
use hallpass_client::keeper::{ConnectError, ConnectRequest, Happening, Keeper, KeeperError, State};
use hallpass_client::{AccessToken, AnyToken, Client, ClientAuth, Provider, SystemClock, discover};
use hallpass_ends::{CLIENT_ID, Hallpass, PRESETS, Person, Preset, REDIRECT_URI, SECRET, declared};
use std::sync::Arc;
use tempfile::TempDir;

struct World {
    preset: Preset,
    server: Hallpass,
    proxy: Proxy,
    person: Person,
    runtime: tokio::runtime::Runtime,
    provider: Provider,
    clock: MovedClock,
    folder: TempDir,
}

impl World {
    fn start(preset: Preset) -> Self {
        println!("{}", preset.name);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let server = Hallpass::start(preset.name, &declared());
        let metadata = runtime.block_on(discover(&http(), server.url())).expect("metadata");
        let mut provider = Provider::new(CLIENT_ID, ClientAuth::basic(SECRET));
        provider.scopes = preset.scope.split(' ').map(str::to_owned).collect();
        provider.adopt(&metadata);
        let proxy = Proxy::before(server.url().trim_start_matches("http://"));
        provider.token_endpoint = provider.token_endpoint.map(|endpoint| through(&proxy, &endpoint));
        Self {
            preset,
            server,
            proxy,
            person: Person::new(),
            runtime,
            provider,
            clock: MovedClock::default(),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A keeper of a new process on the same vault.
    fn keeper(&self) -> Keeper {
        let _runtime = self.runtime.enter();
        keeper(self.folder.path(), &self.clock, self.provider.clone())
    }

    fn connect(&mut self, keeper: &Keeper) {
        let mut request = ConnectRequest::new(one());
        request.return_to = Some("/settings".to_owned());
        let url = self.runtime.block_on(keeper.begin(&request)).expect("a sign-in begins");
        let back = self.person.allow(&url, REDIRECT_URI);
        let other = self.runtime.block_on(keeper.complete(&back, "two"));
        assert_eq!(other, Err(ConnectError::Reference));
        let connected = self
            .runtime
            .block_on(keeper.complete(&back, "one"))
            .expect("a connection");
        assert_eq!(
            (connected.connection, connected.return_to.as_deref()),
            (one(), Some("/settings"))
        );
        let again = self.runtime.block_on(keeper.complete(&back, "one"));
        assert_eq!(again, Err(ConnectError::State));
    }

    fn token(&self, keeper: &Keeper) -> Result<hallpass_client::keeper::Token, KeeperError> {
        self.runtime.block_on(keeper.token(&one()))
    }

    fn is_active(&self, access: &str) -> bool {
        let client = Client::new(self.provider.clone(), http(), Arc::new(SystemClock)).expect("a client");
        let token = AccessToken::new(access).expect("a token");
        let answer = self.runtime.block_on(client.introspect(AnyToken::Access(&token)));
        answer.expect("an introspection").active
    }

    /// Lets the access token expire by the keeper's clock.
    fn expire(&self) {
        self.clock.advance(self.preset.access_secs + 60);
    }
}

fn each_preset(test: impl Fn(World)) {
    for preset in PRESETS {
        test(World::start(preset));
    }
}

#[test]
fn a_connection_is_made_kept_and_ended_on_every_preset() {
    each_preset(|mut world| {
        let keeper = world.keeper();
        world.connect(&keeper);
        let first = access(world.token(&keeper));
        assert!(world.is_active(&first));
        let before = world.proxy.requests();
        assert!(access(world.token(&keeper)) == first);
        assert_eq!(world.proxy.requests(), before, "a live token costs no request");
        // The clock of this machine is wrong now; the answer says so, and nothing is refreshed twice.
        world.expire();
        let second = access(world.token(&keeper));
        assert!(second != first && world.is_active(&second));
        assert!(access(world.token(&keeper)) == second);
        let third = world
            .runtime
            .block_on(keeper.refused(&one(), &second[second.len() - 8..]));
        let third = access(third);
        assert!(third != second && world.is_active(&third));
        assert_eq!(world.proxy.requests(), before + 2);
        assert_eq!(world.runtime.block_on(keeper.end(&one())), Ok(true));
        assert!(!world.is_active(&third));
    });
}

#[test]
fn lost_answers_and_new_processes_lose_nothing_on_every_preset() {
    each_preset(|mut world| {
        let keeper = world.keeper();
        world.connect(&keeper);
        let refused = access(world.token(&keeper));
        world.proxy.lose(1);
        let lost = world.runtime.block_on(keeper.refused(&one(), &refused));
        assert!(
            matches!(lost, Err(KeeperError::Unavailable { .. })),
            "the answer is lost"
        );
        drop(keeper);
        let next = world.keeper();
        let early = world.token(&next);
        assert!(
            matches!(early, Err(KeeperError::Unavailable { .. })),
            "it waits a second"
        );
        world.clock.advance(2);
        let token = access(world.token(&next));
        assert!(world.is_active(&token));
        let again = world.runtime.block_on(next.refused(&one(), &token));
        assert!(world.is_active(&access(again)), "the successor is the right one");
    });
}

#[test]
fn a_pause_and_an_end_are_told_apart_and_told_once_on_every_preset() {
    each_preset(|mut world| {
        let keeper = world.keeper();
        world.connect(&keeper);
        world.server.command(&["app", "suspend", CLIENT_ID]);
        world.expire();
        let paused = world.token(&keeper).expect_err("it is paused");
        assert!(
            matches!(&paused, KeeperError::Paused { reason, .. } if reason == "app_suspended"),
            "{paused}"
        );
        world.server.command(&["app", "resume", CLIENT_ID]);
        world.clock.advance(120);
        let kept = world.runtime.block_on(keeper.keep_due()).expect("the vault works");
        assert_eq!((kept.ready, kept.later), (1, 0));
        assert!(world.is_active(&access(world.token(&keeper))));
        world.person.end_access(world.server.url());
        world.expire();
        let requests = world.proxy.requests();
        for _ in 0..3 {
            let ended = world.token(&keeper).expect_err("it has ended");
            assert!(matches!(ended, KeeperError::NeedsUser { .. }), "{ended}");
        }
        assert_eq!(world.proxy.requests(), requests + 1, "the end is asked about once");
        let state = world.runtime.block_on(keeper.state(&one()));
        assert_eq!(state, Ok(Some(State::NeedsUser)));
        world.connect(&keeper);
        let told: Vec<Happening> = world
            .runtime
            .block_on(happened(&keeper))
            .into_iter()
            .map(|event| event.happening)
            .collect();
        // The second recovery takes the place of the first, which nobody had read.
        let paused = Happening::Paused("app_suspended".to_owned());
        let ended = Happening::NeedsUser("invalid_grant".to_owned());
        assert_eq!(told, [paused, ended, Happening::Recovered]);
    });
}

#[test]
fn a_request_whose_token_the_api_refuses_is_sent_again_with_another() {
    let mut world = World::start(PRESETS[0]);
    let keeper = world.keeper();
    world.connect(&keeper);
    let first = access(world.token(&keeper));
    let call = |method: &str| {
        let url = format!("{}/oauth/userinfo", world.server.url());
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            .body(bytes::Bytes::new());
        let (http, one) = (http(), one());
        let sent = keeper.send(&http, &one, request.expect("a request"));
        world.runtime.block_on(sent).expect("an answer").status().as_u16()
    };
    assert_eq!(call("GET"), 200);
    let client = Client::new(world.provider.clone(), http(), Arc::new(SystemClock)).expect("a client");
    let token = AccessToken::new(first.as_str()).expect("a token");
    let revoked = world.runtime.block_on(client.revoke(AnyToken::Access(&token)));
    revoked.expect("a revocation");
    let before = world.proxy.requests();
    assert_eq!(call("GET"), 200);
    assert_eq!(world.proxy.requests(), before + 1);
    assert!(access(world.token(&keeper)) != first);
}
