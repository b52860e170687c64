//! What the fuzzer starts from, and what it has found, without the fuzzer.

use std::fs;
use std::path::Path;
use test_support::{checks, fixtures};

/// Every seed of every target, and every fixture.
#[test]
fn seeds_and_fixtures_hold() {
    let fixtures = fixtures::all();
    for check in checks::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/seeds")
            .join(check.name);
        let mut seeds = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            (check.run)(&fs::read(entry.unwrap().path()).unwrap());
            seeds += 1;
        }
        assert!(seeds > 0, "no seeds in {}", folder.display());
        for fixture in &fixtures {
            (check.run)(fixture.event.as_bytes());
        }
    }
}
