//! Fixtures, strategies, snapshots, property and simulation tests over the whole workspace. Not published.
//!
//! - [`fixtures`]: the events in the folder `fixtures/` of the project.
//! - [`show`]: a conversion as text, for snapshots.
//!
//! The tests are one binary, `tests/it`.

pub mod fixtures;
pub mod show;

use intercom_api::UnixSeconds;

/// The time of every conversion in the tests: 14 November 2023, 22:13:20 UTC.
pub const NOW: UnixSeconds = UnixSeconds(1_700_000_000);
