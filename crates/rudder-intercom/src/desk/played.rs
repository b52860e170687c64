//! Events delivered to a copy of the workspace.

use crate::exit::Error;
use crate::input::Opened;
use crate::preview::{Change, Changes, MOST_READ_AGAIN, Overlay, Wanted, What};
use crate::send::{Delivered, End, Job, Preparer, Summary, deliver};
use intercom_api::{ContactId, Value};
use intercom_delivery::EngineSettings;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use tokio::runtime::Runtime;

/// So many contacts are remembered by the engine that delivers to the copy.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1_000_000).expect("not zero");

/// What has come of it.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) changes: Changes,
    pub(crate) summary: Summary,
    /// Whether contacts that change were read one by one, as a search may show what was.
    pub(crate) is_confirmed: bool,
}

/// Delivers events to a copy of the workspace that has been read. `input` opens them from the beginning, and makes them
/// ready; `learnt` has the ids of contacts that a search may not show yet, by their user id or email.
pub(crate) fn play(
    runtime: &Runtime,
    overlay: &Overlay,
    wanted: &Wanted,
    engine: &EngineSettings,
    mut input: impl FnMut() -> Result<(Opened, usize, Preparer), Error>,
    learnt: &BTreeMap<String, ContactId>,
) -> Result<Played, Error> {
    let mut once = || -> Result<Played, Error> {
        let (opened, limit, preparer) = input()?;
        let engine = engine.clone().with_remembered(REMEMBERED);
        let mut job = Job::new(opened, limit, preparer, engine, overlay.clone());
        job.interrupt = overlay.reader().interrupt();
        let delivered = deliver(runtime, job);
        let Delivered { summary, end, .. } =
            delivered.map_err(|error| Error::System("cannot begin".to_owned(), std::io::Error::other(error)))?;
        if let Some(error) = overlay.take_failure() {
            return Err(error.into());
        }
        match end {
            End::Complete | End::Aborted(_) => {}
            End::Interrupted => return Err(Error::Interrupted),
            // The copy is always there, and takes everybody; there is no journal.
            End::Unauthorized | End::Unreachable(_) | End::OtherInput(_) => {
                return Err(Error::Pipeline(crate::pipeline::Error::Worker));
            }
            End::Failed(error) => return Err(error),
        }
        Ok(Played {
            changes: overlay.changes(wanted),
            summary,
            is_confirmed: false,
        })
    };
    let mut played = once()?;
    let doubtful = doubtful(&played.changes, learnt);
    if doubtful.len() > MOST_READ_AGAIN {
        return Ok(played);
    }
    if runtime.block_on(overlay.read_again(&doubtful))? {
        overlay.rewind();
        played = once()?;
    }
    played.is_confirmed = true;
    Ok(played)
}

/// The contacts that change, and those that a search may not have shown.
fn doubtful(changes: &Changes, learnt: &BTreeMap<String, ContactId>) -> Vec<ContactId> {
    let contacts = changes.all.iter().filter(|change| change.what == What::Contact);
    let id = |change: &Change| match (&change.id, change.name.as_ref().and_then(Value::as_str)) {
        (Some(id), _) => id.parse().ok(),
        (None, Some(name)) => learnt.get(&name.to_lowercase()).cloned(),
        (None, None) => None,
    };
    contacts.filter_map(id).collect()
}
