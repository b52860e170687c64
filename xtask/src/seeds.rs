//! Many seeds, on all processors.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use test_support::simulation::Violation;

/// What came of many seeds.
#[derive(Default)]
pub(crate) struct Played {
    /// How many were played.
    pub(crate) count: u64,
    /// Those that failed, in order.
    pub(crate) failed: Vec<(u64, Violation)>,
}

/// Plays so many seeds, and adds up what they came to. Unless it is to go on, a failure ends it.
pub(crate) fn play<R>(
    from: u64,
    count: u64,
    keep_going: bool,
    run: impl Fn(u64) -> Result<R, Violation> + Sync,
    mut add: impl FnMut(&R) + Send,
) -> Played {
    let next = AtomicU64::new(from);
    let end = from.saturating_add(count);
    let is_over = AtomicBool::new(false);
    let played = Mutex::new((Played::default(), &mut add));
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let result = run(seed);
            let (played, add) = &mut *played.lock().unwrap_or_else(PoisonError::into_inner);
            played.count += 1;
            match result {
                Ok(report) => add(&report),
                Err(violation) => {
                    played.failed.push((seed, violation));
                    is_over.store(!keep_going, Ordering::Relaxed);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (mut played, _) = played.into_inner().unwrap_or_else(PoisonError::into_inner);
    played.failed.sort_by_key(|(seed, _)| *seed);
    played
}
