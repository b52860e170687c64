//! Properties of the conversion that hold for every event.

mod attributes;
mod coercions;
mod lookups;
mod precedence;
mod privacy;
mod robustness;
mod unknown;

use proptest::prelude::*;
use rudderstack_events::strategies::{self, Json};
use rudderstack_to_intercom::Destination;

/// The settings that the conversion depends on.
fn destination() -> impl Strategy<Value = Destination> {
    any::<bool>().prop_map(|send| Destination::new().with_anonymous_id(send))
}

/// Events of every sort: realistic, malformed, and JSON that is not one.
fn any_event() -> impl Strategy<Value = Json> {
    prop_oneof![
        3 => strategies::event(),
        3 => strategies::malformed_event(),
        1 => strategies::json(),
    ]
}

/// So many cases, unless the variable `PROPTEST_CASES` says how many.
fn cases(cases: u32) -> ProptestConfig {
    let given = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: if given { default.cases } else { cases },
        ..default
    }
}

/// What an empty object holds.
const NO_ENTRIES: Vec<(String, Json)> = Vec::new();
