//! `send`: delivers.

use super::caller::Caller;
use super::choices::Choices;
use super::connection::{Connection, access_token, http_client};
use super::input::Input;
use super::{Conversion, failure_code};
use crate::exit::{Error, Exit, with_causes};
use crate::files::require_distinct;
use crate::print::{all_that_is_wanted, note};
use crate::send::{DeadLetters, Delivered, End, Job, Preparer, deliver, remedy};
use crate::text::{BOLD, DIM, counted, plural, thousands};
use crate::values::{OneOf, Time, parser};
use anstream::AutoStream;
use clap::{Args, ValueHint};
use intercom_api::{ApiError, ErrorKind, IdentifyAdmin, Operation as _, Region, UnixSeconds};
use intercom_delivery::client::{CallError, Client, HttpTransport, Workspace};
use intercom_delivery::journal::{Journal, JournalError};
use intercom_delivery::{AssumedLimit, EngineSettings, Response, ResponseError, SkipUnchanged, TransportFailure};
use intercom_sandbox::{RunningSandbox, Settings};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How often the first call is made before Intercom counts as out of reach.
const FIRST_CALL_ATTEMPTS: u32 = 3;

/// Deliver the events to Intercom
///
/// Events of one user are delivered in order; those of different users do not wait for each other. Whatever goes wrong
/// on the way is tried again, within Intercom's rate limit. Events can be sent again safely: Intercom drops repeats.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom send events.ndjson --sandbox
  rudder-intercom send events.ndjson --token-file token --region Europe
  rudder-intercom send events.ndjson --journal done.db --dead-letters failed.ndjson
  rudder-intercom send failed.ndjson --only-code rate_limited

The access token comes from INTERCOM_ACCESS_TOKEN or --token-file, never from an argument.
Ctrl-C finishes what is in flight. With --journal, the same command then goes on where it was.
If nearly all events fail for one reason, it stops and says how to fix it; they are sent again by the next run.
An outage is waited out, however long it is; a host that cannot be reached when the delivery begins ends it.
Exits with 1 if events were rejected or failed, with 3 if Intercom does not accept the token, with 4 if it cannot be reached.")]
pub(crate) struct Send {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    conversion: Conversion,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    sandbox: SandboxArgs,
    #[command(flatten)]
    policies: Policies,
    #[command(flatten)]
    speed: Speed,
    #[command(flatten)]
    record: RecordArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sandbox")]
struct SandboxArgs {
    /// Send to a sandbox of Intercom inside this program, which needs no account and is gone at the end.
    #[arg(long, conflicts_with_all = ["token_file", "intercom_base_url"])]
    sandbox: bool,
    /// Make the sandbox as strict as Intercom: undefined attributes fail, search lags by 30 seconds, 10,000 calls a minute.
    #[arg(long, requires = "sandbox")]
    sandbox_strict: bool,
    /// Write what the sandbox holds at the end, as JSON.
    #[arg(long, requires = "sandbox", value_name = "FILE", value_hint = ValueHint::FilePath)]
    sandbox_state: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Delivery")]
struct Policies {
    #[command(flatten)]
    choices: Choices,
    /// How long the response to a call may take.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parser::<Time, Duration>())]
    call_timeout: Duration,
    /// How long Intercom can make calls wait at most, whatever it asks for.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = parser::<Time, Duration>())]
    longest_wait: Duration,
    /// How often a call is tried before its event fails.
    #[arg(long, value_name = "COUNT", default_value_t = EngineSettings::new().max_attempts)]
    max_attempts: NonZeroU32,
    /// Stop when more than so many percent of the events, and at least 200, have failed for one reason; 100 never stops.
    #[arg(long, value_name = "PERCENT", default_value_t = 95, value_parser = clap::value_parser!(u8).range(1..=100))]
    abort_above: u8,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Speed")]
struct Speed {
    /// How many calls are in flight at a time.
    #[arg(long, value_name = "COUNT", default_value_t = EngineSettings::new().concurrency)]
    concurrency: NonZeroUsize,
    /// At most so many calls a second, whatever Intercom allows.
    #[arg(long, value_name = "CALLS")]
    max_rate: Option<NonZeroU32>,
    /// Send each of consecutive identifies of a user, instead of one that comes to the same.
    #[arg(long)]
    no_merge: bool,
    /// Do not send what would change nothing: off sends all, sent compares with what this program has sent, seen also with
    /// what Intercom's search shows of the contact, for backfills and reverse ETL, where nothing else writes.
    #[arg(long, value_name = "WHAT", default_value_t, value_parser = parser::<OneOf, SkipUnchanged>())]
    skip_unchanged: SkipUnchanged,
    /// Search a contact for each event, also if its id is known.
    #[arg(long)]
    no_remember_contacts: bool,
    /// Look each person up by a search of their own, also if several wait for theirs.
    #[arg(long)]
    no_batch_lookups: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Records")]
struct RecordArgs {
    /// Record in this file what is done, so that after an interruption the same command goes on where it was.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    journal: Option<PathBuf>,
    /// Append events that failed to this file, to be sent again with: send FILE.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    dead_letters: Option<PathBuf>,
    /// Of a file of dead letters, send only those with this code; can be repeated.
    #[arg(long, value_name = "CODE", value_parser = failure_code)]
    only_code: Vec<String>,
    /// Send dead letters as they are, also what later events of the same contact or company have written since.
    #[arg(long)]
    replay_as_new: bool,
    /// Write the summary as JSON.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    summary_json: Option<PathBuf>,
}

impl Send {
    /// Delivers the input and prints a summary.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let start = Instant::now();
        require_distinct(&[
            ("the input", Some(self.input.file())),
            ("--journal", self.record.journal.as_deref()),
            ("--dead-letters", self.record.dead_letters.as_deref()),
            ("--summary-json", self.record.summary_json.as_deref()),
            ("--sandbox-state", self.sandbox.sandbox_state.as_deref()),
        ])?;
        if self.sandbox.sandbox && self.record.journal.is_some() {
            return Err(Error::Usage(
                "--journal goes on where an earlier run was, but the sandbox of --sandbox is gone at the end of each; \
                 start one that stays with: rudder-intercom sandbox, and give its address with --intercom-base-url"
                    .to_owned(),
            ));
        }
        let runtime = Runtime::new().map_err(|error| Error::System("cannot start".to_owned(), error))?;
        let sandbox = self.sandbox.start(&runtime)?;
        let workspace = match &sandbox {
            None => self.connection.workspace().map_err(|error| match error {
                Error::Unauthorized(reason) => Error::Unauthorized(format!("{reason}; --sandbox needs none")),
                error => error,
            })?,
            Some(sandbox) => Workspace::new(Region::Us, access_token("sandbox")?)
                .with_base_url(sandbox.base_url())
                .map_err(|error| Error::Usage(error.to_string()))?,
        };
        let client = http_client(sandbox.is_none(), self.policies.call_timeout)?;
        let answer = runtime.block_on(first_answer(&client, &workspace))?;
        let transport = HttpTransport::new(client, workspace.clone());
        let input = self.input.open()?;
        let journal = self.journal(workspace, answer)?;
        let dead_letters = self.dead_letters(journal.as_ref())?;
        let mut conversion = self.conversion.settings();
        conversion.time_of_events = Some(self.time_of_events(journal.as_ref())?);
        let preparer = Preparer::new(conversion, dead_letters.is_some(), self.record.only_code.clone());
        let mut job = Job::new(input, self.input.limit(), preparer, self.engine_settings(), transport);
        job.dead_letters = dead_letters;
        job.journal = journal;
        job.abort_above = self.policies.abort_above;
        job.replay_as_new = self.record.replay_as_new;
        // Now rather than after an hour's work.
        let summary_file = create(self.record.summary_json.as_deref())?;
        let state_file = create(self.sandbox.sandbox_state.as_deref())?;

        let delivered = deliver(&runtime, job).map_err(|source| self.journal_error(source))?;
        let Delivered {
            summary,
            end,
            no_dead_letters,
            nothing_asked_for,
        } = delivered;
        if nothing_asked_for {
            return Err(Error::Usage(
                "--only-code selects among dead letters, and the input has none, so nothing was sent; \
                 for a file of events, leave --only-code out"
                    .to_owned(),
            ));
        }
        if no_dead_letters > 0 {
            let items = counted(no_dead_letters, "item");
            note!("{items} of the input left out: --only-code selects among dead letters");
        }

        let mut stdout = BufWriter::new(AutoStream::auto(io::stdout().lock()));
        let mut printed = Ok(());
        // What the journal of another input says is of other events.
        if !matches!(end, End::OtherInput(_)) {
            printed = summary.write_text(start.elapsed(), &mut stdout);
        }
        if let Some(sandbox) = &sandbox {
            printed = printed.and_then(|()| describe(sandbox, &mut stdout));
        }
        all_that_is_wanted(printed.and_then(|()| stdout.flush()))?;
        if let Some((path, mut file)) = summary_file {
            write(
                path,
                serde_json::to_writer(&mut file, &summary)
                    .map_err(io::Error::from)
                    .and_then(|()| file.flush()),
            )?;
        }
        if let (Some((path, mut file)), Some(sandbox)) = (state_file, &sandbox) {
            write(path, sandbox.write_state(&mut file).and_then(|()| file.flush()))?;
        }
        let outcomes = summary.outcomes();
        match end {
            End::Complete => Ok(Exit::complete_if(outcomes.rejected + outcomes.failed == 0)),
            End::Interrupted => {
                note!("interrupted; {}", self.how_to_go_on());
                Ok(Exit::Interrupted)
            }
            End::Aborted(code) => {
                note!(
                    "stopped: nearly all events fail for one reason, {code}. {}\n\
                     They count as not sent; {}. --abort-above 100 goes on all the same",
                    remedy(code),
                    self.how_to_go_on()
                );
                Ok(Exit::Incomplete)
            }
            End::Unauthorized => Err(Error::Unauthorized(format!(
                "Intercom does not accept the access token, so nothing more was sent; with a valid one, {}",
                self.how_to_go_on()
            ))),
            End::Unreachable(reason) => Err(Error::Unreachable(format!(
                "{reason}; nothing more was sent, and {}",
                self.how_to_go_on()
            ))),
            End::OtherInput(line) => Err(Error::OtherInput {
                path: self.record.journal.unwrap_or_default(),
                line,
            }),
            End::Failed(error) => Err(error),
        }
    }

    fn how_to_go_on(&self) -> &'static str {
        match (&self.record.journal, &self.record.dead_letters) {
            (Some(_), _) => "the same command goes on where it was",
            (None, Some(_)) => {
                "what had been read but not delivered is in the dead letters, and the rest of the input was not read; \
                 the same command starts at the beginning, which repeats events but does no harm"
            }
            (None, None) => {
                "the same command starts at the beginning, which repeats events but does no harm; \
                 with --journal FILE it would go on where it was"
            }
        }
    }

    /// The time of events that name none: one that stays when they are sent again.
    fn time_of_events(&self, journal: Option<&Journal>) -> Result<UnixSeconds, Error> {
        let first = self.input.written_at();
        match journal {
            Some(journal) => journal
                .time_of_events(first)
                .map_err(|source| self.journal_error(source)),
            None => Ok(first),
        }
    }

    fn engine_settings(&self) -> EngineSettings {
        let mut engine = EngineSettings::new();
        engine.concurrency = self.speed.concurrency;
        engine.max_rate = self.speed.max_rate;
        engine.max_attempts = self.policies.max_attempts;
        engine.longest_wait = self.policies.longest_wait;
        self.policies.choices.apply_to(&mut engine);
        engine.savings.merge_identifies = !self.speed.no_merge;
        engine.savings.skip_unchanged = self.speed.skip_unchanged;
        engine.savings.remember_contacts = !self.speed.no_remember_contacts;
        engine.savings.batch_lookups = !self.speed.no_batch_lookups;
        engine.seed = u64::from(std::process::id());
        if !self.sandbox.sandbox && self.connection.is_intercom() {
            engine.assumed_limit = Some(AssumedLimit::DOCUMENTED);
        }
        engine
    }

    fn dead_letters(&self, journal: Option<&Journal>) -> Result<Option<DeadLetters>, Error> {
        let Some(path) = &self.record.dead_letters else {
            return Ok(None);
        };
        let cannot = Error::write(path);
        let mut dead_letters = DeadLetters::open(path).map_err(cannot)?;
        if let Some(journal) = journal {
            let recorded = journal.dead_letters_length(dead_letters.real_path());
            if let Some(recorded) = recorded.map_err(|source| self.journal_error(source))? {
                dead_letters.look_behind(recorded).map_err(cannot)?;
            }
        }
        Ok(Some(dead_letters))
    }

    /// The journal, which is for one input, its settings, and one workspace.
    fn journal(&self, workspace: Workspace, answer: Option<Response>) -> Result<Option<Journal>, Error> {
        let Some(path) = &self.record.journal else {
            return Ok(None);
        };
        let open = || -> Result<Journal, JournalError> {
            let journal = Journal::open(path)?;
            journal.require(
                "--intercom-base-url or --region",
                self.connection.base_url().trim_end_matches('/'),
            )?;
            for (flag, value) in self.conversion.shown() {
                journal.require(flag, &value)?;
            }
            journal.require("--only-code", &self.record.only_code.join(","))?;
            Ok(journal)
        };
        let journal = open().map_err(|source| self.journal_error(source))?;
        let id = workspace_id(workspace, answer)?;
        journal
            .require_workspace(id.as_deref())
            .map_err(|source| self.journal_error(source))?;
        Ok(Some(journal))
    }

    fn journal_error(&self, source: JournalError) -> Error {
        Error::Journal {
            path: self.record.journal.clone().unwrap_or_default(),
            source,
        }
    }
}

impl SandboxArgs {
    fn start(&self, runtime: &Runtime) -> Result<Option<RunningSandbox>, Error> {
        if !self.sandbox {
            return Ok(None);
        }
        let settings = if self.sandbox_strict {
            Settings::strict()
        } else {
            Settings::default()
        };
        let started = runtime.block_on(intercom_sandbox::spawn(settings));
        started
            .map(Some)
            .map_err(|error| Error::System("cannot start the sandbox".to_owned(), io::Error::other(error)))
    }
}

/// Sees that there is something that answers, whatever it says. An outage is waited out once a delivery has begun; a host
/// that is not there at the very first call is rather a setting that is wrong. Gives what it says of whose the token is.
async fn first_answer(client: &Client, workspace: &Workspace) -> Result<Option<Response>, Error> {
    let call = (IdentifyAdmin {}).to_call().map_err(|_| CallError::Unwritable)?;
    let mut attempts = 1;
    loop {
        match client.send(&call, workspace).await {
            Ok(answer) => return Ok(Some(answer)),
            // It is there, and slow.
            Err(error) if error.failure != TransportFailure::Unreachable => return Ok(None),
            Err(error) if attempts == FIRST_CALL_ATTEMPTS || !error.is_retryable() => {
                let reason = with_causes(&error);
                return Err(Error::Unreachable(format!("{reason}; nothing was sent")));
            }
            Err(_) => attempts += 1,
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The id of the workspace that the access token is for, if Intercom tells it to this token: by what it has answered already,
/// if that will be the same next time.
pub(super) fn workspace_id(workspace: Workspace, answer: Option<Response>) -> Result<Option<String>, Error> {
    let lasting = answer.filter(|answer| !ApiError::parse(answer.status, b"").is_retryable());
    let admin = match lasting {
        Some(answer) => answer.read::<IdentifyAdmin>().map_err(CallError::from),
        None => Caller::of(workspace)?.run(&IdentifyAdmin {}),
    };
    match admin {
        Ok(admin) => Ok(admin.app.and_then(|app| app.id_code)),
        // A token that may not read this, or a stand-in for Intercom that does not have it. A page of something in
        // between says nothing of the workspace.
        Err(CallError::Response(ResponseError::Refused(error)))
            if matches!(error.status, 400 | 403 | 404) && error.kind != ErrorKind::NotJson =>
        {
            note!(
                "Intercom does not tell which workspace the token is for, so that it cannot be told from another one"
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Says what a sandbox holds.
fn describe(sandbox: &RunningSandbox, out: &mut impl Write) -> io::Result<()> {
    let state = sandbox.state();
    writeln!(out, "\n{BOLD}The sandbox now has{BOLD:#}")?;
    for (count, what) in [
        (state.contacts.len(), "contact"),
        (state.companies.len(), "company"),
        (state.tags.len(), "tag"),
        (state.events.len(), "event"),
        (state.data_attributes.len(), "custom attribute"),
    ] {
        let count = count as u64;
        writeln!(out, "  {:>8}  {}", thousands(count), plural(count, what))?;
    }
    writeln!(out, "  {DIM}--sandbox-state FILE writes all of it{DIM:#}")
}

type Named<'p> = Option<(&'p Path, BufWriter<File>)>;

fn create(path: Option<&Path>) -> Result<Named<'_>, Error> {
    let Some(path) = path else { return Ok(None) };
    let file = File::create(path).map_err(Error::write(path))?;
    Ok(Some((path, BufWriter::new(file))))
}

fn write(path: &Path, written: io::Result<()>) -> Result<(), Error> {
    written.map_err(Error::write(path))
}
