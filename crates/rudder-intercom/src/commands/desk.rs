//! What `diff` and `verify` have in common: a copy of the workspace, and the events.

use super::Conversion;
use super::choices::Choices;
use super::connection::{Connection, http_client};
use super::input::{Again, Input};
use crate::desk::{Played, play};
use crate::exit::Error;
use crate::interrupt::Interrupt;
use crate::pipeline::{self, End};
use crate::preview::{Overlay, Reader, Wanted};
use crate::print::note;
use crate::send::{Choice, Prepared, Preparer};
use crate::text::counted;
use clap::Args;
use intercom_api::{ContactId, UnixSeconds};
use intercom_delivery::EngineSettings;
use intercom_delivery::client::Workspace;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the response to a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The arguments: which events, how they are converted, and what they are compared with.
#[derive(Clone, Debug, Args)]
pub(super) struct Events {
    #[command(flatten)]
    pub(super) input: Input,
    #[command(flatten)]
    pub(super) conversion: Conversion,
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(flatten)]
    choices: Choices,
}

/// Events that can be gone through again, and a copy of the workspace.
pub(super) struct Desk {
    events: Events,
    input: Again,
    time_of_events: UnixSeconds,
    interrupt: Interrupt,
    runtime: Runtime,
    pub(super) overlay: Overlay,
}

impl Desk {
    /// Opens the input, and makes a copy of which nothing has been read.
    pub(super) fn new(events: Events) -> Result<Self, Error> {
        let interrupt = Interrupt::listen()?;
        let workspace = events.connection.workspace()?;
        let time_of_events = events.input.written_at();
        let input = events.input.open_again_and_again()?;
        // Now rather than after all events were read.
        drop(input.open()?);
        let client = http_client(true, CALL_TIMEOUT)?;
        Ok(Self {
            overlay: Overlay::new(Reader::new(client, workspace, Some(interrupt.clone()))),
            runtime: Runtime::new().map_err(|error| Error::System("cannot start".to_owned(), error))?,
            events,
            input,
            time_of_events,
            interrupt,
        })
    }

    /// The workspace.
    pub(super) fn workspace(&self) -> Result<Workspace, Error> {
        self.events.connection.workspace()
    }

    /// The same time for events that name none as in an earlier run.
    pub(super) fn set_time_of_events(&mut self, time: UnixSeconds) {
        self.time_of_events = time;
    }

    /// The time of events that name none.
    pub(super) fn time_of_events(&self) -> UnixSeconds {
        self.time_of_events
    }

    fn preparer(&self) -> Preparer {
        let mut settings = self.events.conversion.settings();
        settings.time_of_events = Some(self.time_of_events);
        Preparer::new(settings, false, Vec::new())
    }

    /// Goes through the events, each with its place in the input.
    pub(super) fn visit(&self, choice: Option<Choice>, mut visit: impl FnMut(u64, &Prepared)) -> Result<(), Error> {
        let preparer = self.preparer().with_choice(choice);
        let (reader, limit) = (self.input.open()?.reader, self.events.input.limit());
        let mut next = 0;
        let end = pipeline::run(reader, limit, preparer, Some(self.interrupt.message()), |events| {
            for prepared in events.iter() {
                visit(next, prepared);
                next += 1;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        match end {
            End::Complete | End::Stopped => Ok(()),
            End::Interrupted => Err(Error::Interrupted),
        }
    }

    /// Reads what is wanted of the workspace, and delivers the events to the copy.
    pub(super) fn play(
        &self,
        wanted: &Wanted,
        choice: impl Fn() -> Option<Choice>,
        learnt: &BTreeMap<String, ContactId>,
    ) -> Result<Played, Error> {
        let shows = std::io::stderr().is_terminal() && wanted.people() > 1_000;
        let tell = |done: usize, all: usize| {
            if shows && (done.is_multiple_of(200) || done == all) {
                note!("{} of {}", counted(done as u64, "search"), all);
            }
        };
        self.runtime.block_on(self.overlay.read(wanted, tell))?;
        let mut engine = EngineSettings::new();
        self.events.choices.apply_to(&mut engine);
        let input = || {
            let preparer = self.preparer().with_choice(choice());
            Ok((self.input.open()?, self.events.input.limit(), preparer))
        };
        play(&self.runtime, &self.overlay, wanted, &engine, input, learnt)
    }
}
