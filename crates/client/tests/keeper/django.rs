//! django-oauth-toolkit, which repeats no answer: a lost one needs the person, and the keeper says so.

use crate::proxy::Proxy;
use crate::world::{MovedClock, access, happened, keeper, one, through};
use hallpass_client::keeper::{ConnectRequest, Happening, Keeper, KeeperError};
use hallpass_client::{ClientAuth, Provider};
use hallpass_ends::{CLIENT_ID, Django, REDIRECT_URI, SECRET, follow};

async fn connect(keeper: &Keeper) {
    let url = keeper
        .begin(&ConnectRequest::new(one()))
        .await
        .expect("a sign-in begins");
    let back = follow(&url, REDIRECT_URI).await;
    keeper.complete(&back, "one").await.expect("a connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_needs_the_person_once_and_the_keeper_says_so() {
    let server = Django::start();
    let proxy = Proxy::before(server.url().trim_start_matches("http://"));
    let mut provider = Provider::new(CLIENT_ID, ClientAuth::basic(SECRET));
    provider.scopes = vec!["read".to_owned()];
    provider.authorization_endpoint = Some(format!("{}/o/authorize/", server.url()));
    provider.token_endpoint = Some(through(&proxy, &format!("{}/o/token/", server.url())));
    let folder = tempfile::tempdir().expect("a folder");
    let clock = MovedClock::default();
    let keeper = keeper(folder.path(), &clock, provider);
    connect(&keeper).await;
    let first = access(keeper.token(&one()).await);
    clock.advance(120);
    let second = access(keeper.token(&one()).await);
    assert!(first != second, "an ordinary refresh works");
    clock.advance(120);
    proxy.lose(1);
    assert!(matches!(
        keeper.token(&one()).await,
        Err(KeeperError::Unavailable { .. })
    ));
    clock.advance(2);
    let ended = keeper.token(&one()).await.expect_err("the server repeats nothing");
    assert!(
        matches!(&ended, KeeperError::NeedsUser { reason, .. } if reason == "answer_lost"),
        "{ended}"
    );
    connect(&keeper).await;
    assert!(keeper.token(&one()).await.is_ok());
    let told: Vec<Happening> = happened(&keeper)
        .await
        .into_iter()
        .map(|event| event.happening)
        .collect();
    assert_eq!(
        told,
        [Happening::NeedsUser("answer_lost".to_owned()), Happening::Recovered]
    );
}
