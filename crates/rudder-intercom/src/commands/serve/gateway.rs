//! `serve --gateway`: events straight from RudderStack's SDKs.

use super::options::{Seconds, Size};
use crate::commands::connection::{access_token, parse_region};
use crate::commands::token;
use crate::exit::Error;
use crate::interrupt;
use crate::text::{BOLD, DIM};
use anstream::eprintln;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueHint};
use intercom_api::Region;
use intercom_delivery::client::{Client, HttpTransport, Workspace};
use intercom_delivery::{AttributePolicy, UnknownContactPolicy};
use intercom_transformer::Settings as Service;
use rudder_gateway::store::Store;
use rudder_gateway::{Secret, Settings, StoreSettings, WriteKeys};
use rudderstack_to_intercom::Destination;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// Where the events are kept, if nothing else is said.
pub(crate) const STORE: &str = "rudder-intercom.db";
const SANDBOX_STORE: &str = "sandbox.db";
const KEYS: &str = "RUDDER_INTERCOM_WRITE_KEYS";
const PAGE_TOKEN: &str = "RUDDER_INTERCOM_PAGE_TOKEN";

/// What the gateway is told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Gateway {
    /// Take events straight from RudderStack's SDKs instead, keep them on disk until they are in Intercom, and serve a
    /// page to watch it.
    #[arg(long)]
    pub(super) gateway: bool,
    /// Deliver to a stand-in for Intercom within this program.
    #[arg(long, requires = "gateway")]
    sandbox: bool,
    /// The file in which events are kept, made if it is not there. [default: rudder-intercom.db, or sandbox.db with
    /// --sandbox, which is not to get the events that are meant for Intercom]
    #[arg(long, value_name = "FILE", env = "RUDDER_INTERCOM_STORE", value_hint = ValueHint::FilePath, hide_env_values = true)]
    store: Option<PathBuf>,
    /// Accept the write keys in this file, one a line; or else those in RUDDER_INTERCOM_WRITE_KEYS, with commas between
    /// them. Without either, any key is accepted, from this machine only, and from
    /// no web pages but its own.
    #[arg(long, requires = "gateway", value_name = "FILE", value_hint = ValueHint::FilePath)]
    write_keys_file: Option<PathBuf>,
    /// Show the page to those only who know the token in this file, or else in RUDDER_INTERCOM_PAGE_TOKEN. Without
    /// either, it is shown to this machine only.
    #[arg(long, requires = "gateway", value_name = "FILE", value_hint = ValueHint::FilePath)]
    page_token_file: Option<PathBuf>,
    /// Read Intercom's access token from this file instead of INTERCOM_ACCESS_TOKEN.
    #[arg(long, requires = "gateway", value_name = "FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<PathBuf>,
    /// Where the workspace is hosted: US, Europe or Australia.
    #[arg(long, requires = "gateway", value_name = "REGION", default_value = "US", value_parser = parse_region)]
    region: Region,
    /// Let the anonymous id stand in for a user id that is missing.
    #[arg(long, requires = "gateway")]
    send_anonymous_id: bool,
    /// What to do with custom attributes that the workspace does not have: fail the event, drop or create the attribute.
    #[arg(long, requires = "gateway", value_name = "POLICY", default_value = "fail",
          value_parser = PossibleValuesParser::new(["fail", "drop", "create"]).try_map(|name| name.parse::<AttributePolicy>()))]
    attributes: AttributePolicy,
    /// What to do with a track event of a contact who does not exist: fail the event, or create the contact.
    #[arg(long, requires = "gateway", value_name = "POLICY", default_value = "fail",
          value_parser = PossibleValuesParser::new(["fail", "create"]).try_map(|name| name.parse::<UnknownContactPolicy>()))]
    on_unknown_contact: UnknownContactPolicy,
    /// The longest event.
    #[arg(long, requires = "gateway", value_name = "SIZE", default_value = "32KiB")]
    max_event_bytes: Size,
    /// The longest request, before and after decompression.
    #[arg(long, requires = "gateway", value_name = "SIZE", default_value = "4MiB")]
    max_request_bytes: Size,
    /// How many events may wait; beyond them, the answer is 503.
    #[arg(long, requires = "gateway", value_name = "COUNT", default_value_t = 10_000_000)]
    max_queue_events: u64,
    /// How many bytes events and dead letters may have together; beyond them, the answer is 503.
    #[arg(long, requires = "gateway", value_name = "BYTES", default_value_t = 16 << 30)]
    max_queue_bytes: u64,
    /// How long the oldest event may wait; beyond that, the answer is 503. [default: any time]
    #[arg(long, requires = "gateway", value_name = "TIME")]
    max_queue_age: Option<Seconds>,
    /// How long senders are told to wait that are answered 503.
    #[arg(long, requires = "gateway", value_name = "TIME", default_value = "30s")]
    retry_after: Seconds,
    /// For how long an event with the same messageId is dropped as a repeat.
    #[arg(long, requires = "gateway", value_name = "TIME", default_value = "60m")]
    repeat_window: Seconds,
    /// How many messageIds are remembered for that, at most.
    #[arg(long, requires = "gateway", value_name = "COUNT", default_value_t = 1_000_000)]
    remembered_messages: usize,
    /// Take the first address of X-Forwarded-For for the sender's: behind a proxy that sets it.
    #[arg(long, requires = "gateway")]
    trust_forwarded_for: bool,
}

impl Gateway {
    /// Serves until it is asked to end.
    pub(super) async fn serve(&self, service: &Service) -> Result<(), Error> {
        let listener = super::listen(service.listen).await?;
        let address = listener.local_addr().unwrap_or(service.listen);
        let mut settings = self.settings(service, address)?;
        let sandbox = if self.sandbox {
            let sandbox = intercom_sandbox::spawn(intercom_sandbox::Settings::default());
            Some(
                sandbox
                    .await
                    .map_err(|error| failed("the sandbox cannot be served", error))?,
            )
        } else {
            None
        };
        let workspace = match &sandbox {
            Some(sandbox) => at(
                Workspace::new(self.region, access_token("sandbox")?),
                sandbox.base_url(),
            )?,
            None => self.workspace(service)?,
        };
        settings.sandbox_url = sandbox
            .as_ref()
            .map(|sandbox| format!("{}/_sandbox/state", sandbox.base_url()));
        let client = Client::builder()
            .use_proxy(!self.sandbox)
            .connect_timeout(service.connect_timeout)
            .answer_timeout(service.call_timeout)
            .build()
            .map_err(|error| failed("cannot call Intercom", error))?;
        let transport = HttpTransport::new(client, workspace.with_version(service.api_version));
        let path = match &self.store {
            Some(path) => path,
            None => Path::new(if self.sandbox { SANDBOX_STORE } else { STORE }),
        };
        let store = Store::open(path, self.store_settings()).map_err(|error| of_gateway(&error))?;
        greet(address, &settings)?;
        serve(listener, settings, store, transport).await
    }

    fn settings(&self, service: &Service, address: SocketAddr) -> Result<Settings, Error> {
        let keys = match secret(self.write_keys_file.as_deref(), KEYS)? {
            Some(keys) => {
                let keys = keys.split([',', '\n']).map(str::trim).filter(|key| !key.is_empty());
                WriteKeys::These(keys.map(to_secret).collect::<Result<_, _>>()?)
            }
            None if address.ip().is_loopback() => WriteKeys::Any,
            None => {
                return Err(Error::Usage(format!(
                    "others than this machine may send events to {address} only with a write key: set {KEYS}, or give \
                     --write-keys-file FILE"
                )));
            }
        };
        let page_token = secret(self.page_token_file.as_deref(), PAGE_TOKEN)?;
        let mut settings = Settings::new(keys);
        settings.page_token = page_token.as_deref().map(to_secret).transpose()?;
        settings.max_event_bytes = self.max_event_bytes.get();
        settings.max_request_bytes = self.max_request_bytes.get();
        settings.request_timeout = service.body_timeout;
        settings.shutdown_timeout = service.shutdown_timeout;
        settings.retry_after = self.retry_after.into();
        settings.trust_forwarded_for = self.trust_forwarded_for;
        settings.destination = Destination::new()
            .with_region(self.region)
            .with_anonymous_id(self.send_anonymous_id);
        settings.engine.archived = service.on_archived;
        settings.engine.attributes = self.attributes;
        settings.engine.unknown_contact = self.on_unknown_contact;
        Ok(settings)
    }

    fn store_settings(&self) -> StoreSettings {
        let mut settings = StoreSettings::new();
        settings.bounds.events = self.max_queue_events;
        settings.bounds.bytes = self.max_queue_bytes;
        settings.bounds.age = self.max_queue_age.map(Into::into);
        settings.repeats.window = self.repeat_window.into();
        settings.repeats.remembered = self.remembered_messages;
        settings
    }

    fn workspace(&self, service: &Service) -> Result<Workspace, Error> {
        let token = access_token(&token::find(self.token_file.as_deref())?)?;
        let workspace = Workspace::new(self.region, token);
        match &service.intercom_base_url {
            Some(url) => at(workspace, &url.for_region(self.region)),
            None => Ok(workspace),
        }
    }
}

async fn serve(listener: TcpListener, settings: Settings, store: Store, transport: HttpTransport) -> Result<(), Error> {
    let stop = async {
        // Without a way to wait for a signal, the server goes on until it is killed.
        if interrupt::signal().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    rudder_gateway::serve(listener, settings, store, transport, stop)
        .await
        .map_err(|error| of_gateway(&error))
}

fn greet(address: SocketAddr, settings: &Settings) -> Result<(), Error> {
    writeln!(anstream::stdout(), "{BOLD}http://{address}{BOLD:#}").map_err(Error::Output)?;
    let keys = match settings.write_keys {
        WriteKeys::Any => "any write key",
        WriteKeys::These(_) => "your write key",
    };
    eprintln!(
        "A gateway for RudderStack's SDKs: give them this URL as data plane and config URL, and {keys}. Or try:\n"
    );
    eprintln!(
        "  curl http://{address}/v1/identify -u KEY: -H 'Content-Type: application/json' \\\n    \
         -d '{{\"userId\": \"ann-1\", \"traits\": {{\"email\": \"ann@example.com\"}}}}'\n"
    );
    eprintln!("Watch it at http://{address}/ in a browser.");
    if let Some(url) = &settings.sandbox_url {
        eprintln!("Events go to a sandbox, which forgets everything at the end: {url}");
    }
    eprintln!("{DIM}Ctrl-C ends it; what is not delivered is kept.{DIM:#}");
    Ok(())
}

/// The text of the file, or else of the variable.
fn secret(file: Option<&Path>, variable: &str) -> Result<Option<String>, Error> {
    let Some(path) = file else {
        return Ok(std::env::var(variable).ok().filter(|text| !text.trim().is_empty()));
    };
    let text = std::fs::read_to_string(path).map_err(|source| Error::Open {
        path: path.to_owned(),
        source,
    })?;
    match text.trim() {
        "" => Err(Error::Usage(format!("{} is empty", path.display()))),
        text => Ok(Some(text.to_owned())),
    }
}

fn to_secret(text: &str) -> Result<Secret, Error> {
    Secret::new(text).map_err(|error| Error::Usage(error.to_string()))
}

fn at(workspace: Workspace, url: &str) -> Result<Workspace, Error> {
    workspace
        .with_base_url(url)
        .map_err(|error| Error::Usage(format!("--intercom-base-url: {error}")))
}

/// What is wrong with a gateway or its store.
pub(crate) fn of_gateway(error: &rudder_gateway::Error) -> Error {
    use std::error::Error as _;
    let message = error.to_string();
    match error.source() {
        Some(source) => Error::System(message, std::io::Error::other(source.to_string())),
        None => Error::Usage(message),
    }
}

fn failed(what: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::System(what.to_owned(), std::io::Error::other(error))
}
