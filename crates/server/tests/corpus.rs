//! Checks the properties of the fuzz targets with every input of their corpus, without cargo-fuzz.

#[path = "../../../fuzz/src/lib.rs"]
#[allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a property that is violated panics"
)]
#[allow(unreachable_pub, reason = "public in the package that cargo-fuzz builds")]
mod properties;

use properties::TARGETS;
use std::fs;
use std::path::Path;

#[test]
fn every_kept_input_still_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, check) in TARGETS {
        let inputs = fs::read_dir(corpus.join(name)).expect("every target has a corpus");
        let inputs: Vec<_> = inputs.map(|entry| entry.expect("a readable entry").path()).collect();
        assert!(inputs.len() > 3, "the corpus of {name} is too small");
        for input in inputs {
            println!("{}", input.display());
            check(&fs::read(&input).expect("a file"));
        }
    }
}
