//! Two keepers on one PostgreSQL: a connection is refreshed by one of them at a time.

use std::collections::BTreeSet;
use std::fs;

use hallpass_cluster::Cluster;
use hallpass_ends::{Hallpass, Person};

use crate::keeper::{Keeper, declared_for, identity, provider};

#[test]
fn programs_of_two_keepers_that_were_refused_one_token_get_the_same_new_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::start(&folder.path().join("cluster"), &[]).expect("PostgreSQL is installed");
    let server = Hallpass::start("default", &declared_for("api"));
    let keepers = [(), ()].map(|()| {
        let mut keeper = Keeper::prepare(&provider("api", &server, "profile read"), "listen = \"127.0.0.1:0\"");
        let path = keeper.path("hallpass-keeper.toml");
        let config = fs::read_to_string(&path).expect("the configuration");
        fs::write(&path, config.replace("sqlite:keeper.db", &cluster.url("postgres"))).expect("a file");
        keeper.serve();
        keeper
    });
    let [first, second] = &keepers;
    first.connect(&mut Person::new(), "api", "17");
    let token = second.token("api/17");
    assert_eq!(first.token("api/17"), token, "the vault is one");
    let refused = format!("api/17?refused={}", &token[token.len() - 8..]);
    let answers: BTreeSet<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = keepers
            .iter()
            .map(|keeper| scope.spawn(|| keeper.token(&refused)))
            .collect();
        asking
            .into_iter()
            .map(|asked| asked.join().expect("an answer"))
            .collect()
    });
    assert_eq!(answers.len(), 1, "one refresh for both");
    let new = answers.first().expect("one");
    assert!(*new != token);
    assert_eq!(identity(first, &server, new), 200);
}
