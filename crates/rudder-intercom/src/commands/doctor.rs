//! `doctor`: what is well and what is not.

use super::connection::{Connection, http_client};
use super::print_report;
use super::serve;
use crate::doctor::{self, Check, Report};
use crate::exit::{Error, Exit, with_causes};
use crate::text::counted;
use axum::http::Uri;
use clap::{Args, ValueHint};
use intercom_api::{
    ApiVersion, DataAttributeModel, IdentifyAdmin, ListDataAttributes, Operation, Region, SearchContacts,
};
use intercom_delivery::client::{CallError, Client, TransportError, Workspace};
use intercom_delivery::journal::{Journal, JournalError};
use intercom_delivery::{Response, ResponseError};
use rudder_gateway::store::Queue;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strum::IntoEnumIterator as _;
use tokio::net::lookup_host;
use tokio::runtime::Runtime;

/// How long the response to a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// What is given in place of a token where there is none.
const NO_TOKEN: &str = "none";

/// Check that everything is well: settings, network, token, workspace, files, clock
///
/// Each line says what was looked at and how it is, and if it is not well, what mends it. Nothing is written to the
/// workspace; the token is shown nowhere.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom doctor
  rudder-intercom doctor --region Europe --token-file token
  rudder-intercom doctor --config serve.toml --store events.db
  rudder-intercom doctor --journal done.db --json | jq '.checks[] | select(.status != \"ok\")'

A token that the region does not accept is tried with the other regions of Intercom, with one call each.
Exits with 0 if there is no fault, with 1 if there is one, with 2 if the settings cannot be used, with 3 if the token is
missing or not accepted, with 4 if Intercom cannot be reached. Warnings do not count.")]
pub(crate) struct Doctor {
    #[command(flatten)]
    connection: Connection,
    /// Look at the settings of serve in this file, too, and at the gateway that runs with them; its store, its token file,
    /// its region and its URL of Intercom are used unless others are given.
    #[arg(long, value_name = "FILE", env = "RUDDER_INTERCOM_CONFIG", value_hint = ValueHint::FilePath, help_heading = "Files")]
    config: Option<PathBuf>,
    /// Look at the events that a gateway keeps in this file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files")]
    store: Option<PathBuf>,
    /// Look at the journal of a delivery.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Files")]
    journal: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// What the settings name.
enum Found {
    WithToken(Workspace),
    /// There is nothing to ask about the workspace with; whether its host can be reached is seen without a token.
    WithoutToken(Workspace),
}

impl Doctor {
    /// Looks, and prints what it has seen.
    pub(crate) fn run(mut self) -> Result<Exit, Error> {
        let runtime = Runtime::new().map_err(|error| Error::System("cannot start".to_owned(), error))?;
        let mut checks = Vec::new();
        self.look_at_config(&mut checks);
        let workspace = self.look_at_settings(&mut checks);
        let client = http_client(true, CALL_TIMEOUT)?;
        match workspace {
            Some(Found::WithToken(workspace)) => {
                runtime.block_on(self.look_at_intercom(&client, &workspace, &mut checks));
            }
            None => {}
            Some(Found::WithoutToken(workspace)) => {
                runtime.block_on(self.reach(&client, &workspace, &mut checks));
                checks.extend(["contacts", "attributes"].map(|name| Check::skipped(name, "there is no token")));
            }
        }
        self.look_at_files(&mut checks);
        let report = Report::new(checks);
        print_report(self.json, &report, |out| report.write_text(out))?;
        Ok(report.exit())
    }

    fn look_at_config(&mut self, checks: &mut Vec<Check>) {
        let Some(path) = &self.config else { return };
        match serve::deployed(path) {
            Ok(deployed) => {
                checks.push(Check::ok("config", format!("{} can be used", path.display())));
                checks.extend(deployed.gateway.map(doctor::ready));
                self.store = self.store.take().or(deployed.store);
                self.connection
                    .or(deployed.token_file, deployed.region, deployed.intercom_base_url);
            }
            Err(error) => checks.push(
                Check::fault("config", error.report().replace('\n', "; "))
                    .mend("every setting with its values: rudder-intercom serve --print-config")
                    .exit(Exit::Unusable),
            ),
        }
    }

    /// The workspace, if the settings name one.
    fn look_at_settings(&self, checks: &mut Vec<Check>) -> Option<Found> {
        let connection = &self.connection;
        let host = connection.base_url();
        match connection.workspace() {
            Ok(workspace) => {
                let from = match connection.token_file() {
                    Some(path) => format!("{}", path.display()),
                    None => super::token::VARIABLE.to_owned(),
                };
                let whose = match connection.is_intercom() {
                    true => format!("{}, {host}", connection.region()),
                    false => host.to_owned(),
                };
                checks.push(Check::ok("settings", format!("{whose}; the token is from {from}")));
                checks.extend(connection.token_file().and_then(doctor::token_file));
                Some(Found::WithToken(workspace))
            }
            Err(error) => {
                let exit = error.exit();
                let name = if exit == Exit::Unauthorized {
                    "token"
                } else {
                    "settings"
                };
                let check = Check::fault(name, error.report()).exit(exit);
                checks.push(match exit {
                    Exit::Unauthorized => check.mend(doctor::another_token(connection.token_file())),
                    _ => check,
                });
                if let (Exit::Unauthorized, Ok(workspace)) = (exit, connection.workspace_with(NO_TOKEN)) {
                    return Some(Found::WithoutToken(workspace));
                }
                checks.extend(
                    ["names", "connection", "contacts", "attributes", "clock"]
                        .map(|name| Check::skipped(name, "there is no workspace to ask")),
                );
                None
            }
        }
    }

    async fn look_at_intercom(&self, client: &Client, workspace: &Workspace, checks: &mut Vec<Check>) {
        let Some(answered) = self.reach(client, workspace, checks).await else {
            checks.extend(
                ["token", "contacts", "attributes"].map(|name| Check::skipped(name, "Intercom cannot be reached")),
            );
            return;
        };
        let is_accepted = self.look_at_token(client, &answered, checks).await;
        if !is_accepted {
            checks.extend(["contacts", "attributes"].map(|name| Check::skipped(name, "the token is not accepted")));
            return;
        }
        if answered.status == 429 {
            checks.extend(
                ["token", "contacts", "attributes"].map(|name| Check::skipped(name, "the rate limit is used up")),
            );
            return;
        }
        checks.push(doctor::limit(answered.rate_limit));
        let search = client
            .run(&SearchContacts::by("external_id", "nobody"), workspace)
            .await;
        checks.push(match &search {
            Ok(_) => doctor::reads(None),
            Err(error) => match error.response().and_then(ResponseError::status) {
                Some(429) => doctor::used_up(None),
                Some(status) => doctor::reads(Some(status)),
                None => Check::fault("contacts", with_causes(error)),
            },
        });
        checks.push(attributes(client, workspace).await);
        checks.push(doctor::event_names());
    }

    /// What the host answers to the question whose the token is, if it can be reached.
    async fn reach(&self, client: &Client, workspace: &Workspace, checks: &mut Vec<Check>) -> Option<Response> {
        let url = self.connection.base_url();
        checks.extend(resolve(url).await);
        let call = match (IdentifyAdmin {}).to_call() {
            Ok(call) => call,
            Err(error) => {
                checks.push(Check::fault("connection", with_causes(&error)));
                return None;
            }
        };
        let answered = match client.send(&call, workspace).await {
            Ok(response) => response,
            Err(error) => {
                checks.push(unreachable(&error));
                checks.push(Check::skipped("clock", "Intercom cannot be reached"));
                return None;
            }
        };
        checks.push(match url.starts_with("https") {
            true => Check::ok("tls", "the certificate is trusted"),
            false => doctor::unencrypted(&host_of(url).0, is_this_machine(&host_of(url).0)),
        });
        checks.push(doctor::clock(answered.date, crate::convert::now()));
        Some(answered)
    }

    /// Whose the token is; whether it is accepted.
    async fn look_at_token(&self, client: &Client, answered: &Response, checks: &mut Vec<Check>) -> bool {
        let version = ApiVersion::default();
        match answered.read::<IdentifyAdmin>() {
            Ok(admin) => {
                let (region, is_intercom) = (self.connection.region(), self.connection.is_intercom());
                checks.push(doctor::names(&admin, region, is_intercom));
                checks.push(Check::ok("api version", format!("{version} is accepted")));
                true
            }
            Err(error) if error.is_unauthorized() => {
                let accepted = match self.connection.is_intercom() {
                    true => self.accepted_elsewhere(client).await,
                    false => None,
                };
                let host = host_of(self.connection.base_url()).0;
                let file = self.connection.token_file();
                checks.push(doctor::elsewhere(self.connection.region(), accepted, &host, file));
                false
            }
            Err(ResponseError::Refused(error)) if error.code() == "intercom_version_invalid" => {
                checks.push(
                    Check::fault("api version", format!("{version} is not accepted")).mend("install a newer release"),
                );
                false
            }
            // A token that may not read this may do what matters.
            Err(ResponseError::Refused(error)) if matches!(error.status, 403 | 404) => {
                let detail = format!("accepted; whose it is is not told ({})", error.status);
                checks.push(Check::warning("token", detail));
                true
            }
            Err(ResponseError::Refused(error)) if error.status == 429 => {
                checks.push(doctor::used_up(answered.rate_limit));
                true
            }
            Err(ResponseError::Refused(error)) => {
                let detail = format!("GET /me: {error}");
                checks.push(Check::fault("token", detail).mend("try again later; see https://www.intercomstatus.com"));
                false
            }
            Err(error) => {
                let detail = format!("{error}: something in between has answered, such as a proxy's page to sign in");
                checks.push(
                    Check::fault("connection", detail)
                        .mend("check HTTPS_PROXY and --intercom-base-url")
                        .exit(Exit::Unreachable),
                );
                false
            }
        }
    }

    /// The region of Intercom, other than the one that is set, that accepts the token.
    async fn accepted_elsewhere(&self, client: &Client) -> Option<Region> {
        for region in Region::iter() {
            if region == self.connection.region() {
                continue;
            }
            let workspace = self.connection.workspace_in(region).ok()?;
            if client.run(&IdentifyAdmin {}, &workspace).await.is_ok() {
                return Some(region);
            }
        }
        None
    }

    fn look_at_files(&self, checks: &mut Vec<Check>) {
        if let Some(path) = &self.journal {
            checks.push(journal(path));
            checks.push(doctor::free("disk (journal)", path));
        }
        if let Some(path) = &self.store {
            checks.extend(store(path));
            checks.push(doctor::free("disk (store)", path));
        }
        if self.journal.is_none() && self.store.is_none() {
            checks.push(doctor::free("disk", Path::new("here")));
        }
    }
}

/// How many custom attributes there are.
async fn attributes(client: &Client, workspace: &Workspace) -> Check {
    let mut all = Vec::new();
    for model in [DataAttributeModel::Contact, DataAttributeModel::Company] {
        match client.run(&ListDataAttributes::of(model), workspace).await {
            Ok(list) => all.extend(list.data.unwrap_or_default()),
            Err(CallError::Response(ResponseError::Refused(error))) if error.status == 429 => {
                return Check::skipped("attributes", "the rate limit is used up");
            }
            Err(CallError::Response(ResponseError::Refused(error))) if error.status == 403 => {
                return Check::warning("attributes", "the token may not list them").mend(
                    "give the app the permission to read and list users and companies, in Intercom's Developer Hub",
                );
            }
            Err(error) => return Check::fault("attributes", with_causes(&error)),
        }
    }
    doctor::attributes(&all)
}

/// The host and the port of a URL.
fn host_of(url: &str) -> (String, u16) {
    // It is the URL of a workspace, and so one.
    let url = url.parse::<Uri>().unwrap_or_default();
    let usual = if url.scheme_str() == Some("http") { 80 } else { 443 };
    let host = url.host().unwrap_or_default();
    (host.to_owned(), url.port_u16().unwrap_or(usual))
}

fn is_this_machine(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Whether the host's name has an address. Behind a proxy, it is the proxy that has to know.
async fn resolve(url: &str) -> Option<Check> {
    let (host, port) = host_of(url);
    let proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let proxy = proxies
        .iter()
        .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if let Some(proxy) = proxy.filter(|_| !is_this_machine(&host)) {
        return Some(Check::ok(
            "names",
            format!("{host} is looked up by the proxy that {proxy} names"),
        ));
    }
    let found = lookup_host((host.trim_matches(['[', ']']), port)).await;
    let count = found.map(Iterator::count);
    Some(match count {
        Ok(0) => Check::fault("names", format!("{host} has no address")).exit(Exit::Unreachable),
        Ok(_) => Check::ok("names", format!("{host} has an address")),
        Err(error) => Check::fault("names", format!("{host} cannot be looked up: {error}"))
            .mend(format!("check the name, and this machine's DNS: getent hosts {host}"))
            .exit(Exit::Unreachable),
    })
}

fn unreachable(error: &TransportError) -> Check {
    let host = error.host.as_deref().unwrap_or("the host");
    let name = if error.cause.is_of_tls() { "tls" } else { "connection" };
    let detail = format!("{host}: {}", error.cause.meaning());
    Check::fault(name, detail)
        .mend(error.cause.advice())
        .exit(Exit::Unreachable)
}

fn journal(path: &Path) -> Check {
    let open = || -> Result<String, JournalError> {
        let journal = Journal::open_to_read(path)?;
        let (done, failed) = journal.counts()?;
        Ok(format!(
            "{} can be read: {} done, {failed} of them failed",
            path.display(),
            counted(done, "event")
        ))
    };
    match open() {
        Ok(detail) => Check::ok("journal", detail),
        Err(JournalError::InUse) => Check::ok("journal", format!("{} is in use by a run", path.display())),
        Err(error) => Check::fault("journal", format!("{}: {}", path.display(), with_causes(&error)))
            .mend("give the file that send --journal has written; without it, send starts at the beginning, which does no harm"),
    }
}

fn store(path: &Path) -> Vec<Check> {
    let look = || {
        let store = Queue::open(path)?;
        let status = store.status()?;
        let first = store.longest_waiting(1)?.pop();
        let waiting = doctor::waiting(path, &status, &store.pending(0, doctor::OLDEST)?, first.as_ref());
        Ok((store.recipient()?, status, waiting))
    };
    match look() {
        Ok((recipient, status, waiting)) => {
            let whose = recipient.map_or_else(String::new, |recipient| format!(", for {recipient}"));
            let detail = format!(
                "{} can be read: {} and {} in it{whose}",
                path.display(),
                counted(status.events.unsigned_abs(), "event"),
                counted(status.dead_letters.unsigned_abs(), "dead letter")
            );
            let check = match status.dead_letters {
                0 => Check::ok("store", detail),
                _ => Check::warning("store", detail).mend(format!(
                    "rudder-intercom queue --store {} dead-letters list",
                    path.display()
                )),
            };
            [Some(check), waiting].into_iter().flatten().collect()
        }
        Err(error) => {
            let error: rudder_gateway::store::Error = error;
            vec![
                Check::fault("store", format!("{}: {}", path.display(), with_causes(&error)))
                    .mend("give the file that `serve --gateway --store` names"),
            ]
        }
    }
}
