//! `serve --gateway`: events straight from RudderStack's SDKs.

use super::options::Config;
use crate::commands::connection::access_token;
use crate::commands::token;
use crate::exit::Error;
use crate::text::{BOLD, DIM};
use anstream::eprintln;
use intercom_api::Region;
use intercom_delivery::client::{Client, HttpTransport, Workspace};
use intercom_delivery::{AttributePolicy, UnknownContactPolicy};
use intercom_sandbox::RunningSandbox;
use intercom_transformer::Settings as Service;
use rudder_gateway::store::Store;
use rudder_gateway::{Bounds, MAX_EVENT_BYTES, MAX_REQUEST_BYTES, Repeats, Secret, Settings, StoreSettings, WriteKeys};
use rudderstack_to_intercom::{AttributeNames, Destination, LongText, SameSecond};
use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the events are kept, if nothing else is said.
pub(crate) const STORE: &str = "rudder-intercom.db";
const SANDBOX_STORE: &str = "sandbox.db";
const KEYS: &str = "RUDDER_INTERCOM_WRITE_KEYS";
const PAGE_TOKEN: &str = "RUDDER_INTERCOM_PAGE_TOKEN";

/// What the gateway is told, but for its secrets: these come from files or variables of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GatewaySettings {
    pub(super) gateway: bool,
    pub(super) sandbox: bool,
    pub(super) store: Option<PathBuf>,
    pub(super) write_keys_file: Option<PathBuf>,
    pub(super) page_token_file: Option<PathBuf>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) region: Region,
    pub(super) send_anonymous_id: bool,
    pub(super) long_text: LongText,
    pub(super) attribute_names: AttributeNames,
    pub(super) same_second: SameSecond,
    pub(super) attributes: AttributePolicy,
    pub(super) on_unknown_contact: UnknownContactPolicy,
    pub(super) max_event_bytes: NonZeroUsize,
    pub(super) max_request_bytes: NonZeroUsize,
    pub(super) max_queue_events: u64,
    pub(super) max_queue_bytes: u64,
    pub(super) max_queue_age: Option<Duration>,
    pub(super) retry_after: Duration,
    pub(super) repeat_window: Duration,
    pub(super) remembered_messages: usize,
    pub(super) trust_forwarded_for: bool,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        let (bounds, repeats) = (Bounds::default(), Repeats::default());
        Self {
            gateway: false,
            sandbox: false,
            store: None,
            write_keys_file: None,
            page_token_file: None,
            token_file: None,
            region: Region::default(),
            send_anonymous_id: false,
            long_text: LongText::default(),
            attribute_names: AttributeNames::default(),
            same_second: SameSecond::default(),
            attributes: AttributePolicy::default(),
            on_unknown_contact: UnknownContactPolicy::default(),
            max_event_bytes: const { NonZeroUsize::new(MAX_EVENT_BYTES).expect("not zero") },
            max_request_bytes: const { NonZeroUsize::new(MAX_REQUEST_BYTES).expect("not zero") },
            max_queue_events: bounds.events,
            max_queue_bytes: bounds.bytes,
            max_queue_age: bounds.age,
            retry_after: rudder_gateway::RETRY_AFTER,
            repeat_window: repeats.window,
            remembered_messages: repeats.remembered,
            trust_forwarded_for: false,
        }
    }
}

/// A gateway, and the sandbox that it delivers to, if it is to.
pub(super) struct Gateway {
    pub(super) gateway: rudder_gateway::Gateway,
    _sandbox: Option<RunningSandbox>,
}

impl Gateway {
    /// Begins to deliver what is in the store. With a sandbox, the transformer calls that too.
    pub(super) async fn start(config: &mut Config, address: SocketAddr) -> Result<Self, Error> {
        let told = config.gateway.clone();
        let mut settings = told.settings(&config.service, address)?;
        let (workspace, sandbox) = if told.sandbox {
            let sandbox = intercom_sandbox::spawn(intercom_sandbox::Settings::default());
            let sandbox = sandbox
                .await
                .map_err(|error| failed("the sandbox cannot be served", error))?;
            settings.sandbox_url = Some(format!("{}/_sandbox/state", sandbox.base_url()));
            let url = sandbox.base_url().parse();
            config.service.intercom_base_url =
                Some(url.map_err(|error| failed("the sandbox cannot be called", error))?);
            let workspace = Workspace::new(told.region, access_token("sandbox")?);
            (at(workspace, sandbox.base_url())?, Some(sandbox))
        } else {
            (told.workspace(&config.service)?, None)
        };
        let client = Client::builder()
            .use_proxy(sandbox.is_none())
            .connect_timeout(config.service.connect_timeout)
            .answer_timeout(config.service.call_timeout)
            .build()
            .map_err(|error| failed("cannot call Intercom", error))?;
        let transport = HttpTransport::new(client, workspace.with_version(config.service.api_version));
        let default = Path::new(if told.sandbox { SANDBOX_STORE } else { STORE });
        let path = told.store.as_deref().unwrap_or(default);
        let store = Store::open(path, told.store_settings()).map_err(|error| of_gateway(&error))?;
        greet(address, &settings)?;
        let gateway = rudder_gateway::Gateway::start(settings, store, transport);
        Ok(Self {
            gateway: gateway.map_err(|error| of_gateway(&error))?,
            _sandbox: sandbox,
        })
    }

    /// Finishes what is under way, and closes the store.
    pub(super) async fn stop(self) -> Result<(), Error> {
        self.gateway.stop().await.map_err(|error| of_gateway(&error))
    }
}

impl GatewaySettings {
    fn settings(&self, service: &Service, address: SocketAddr) -> Result<Settings, Error> {
        let keys = match self.write_keys()? {
            Some(keys) => WriteKeys::These(keys),
            None if address.ip().is_loopback() => WriteKeys::Any,
            None => {
                return Err(Error::Usage(format!(
                    "others than this machine may send events to {address} only with a write key: set {KEYS}, or give \
                     --write-keys-file FILE"
                )));
            }
        };
        let mut settings = Settings::new(keys);
        settings.page_token = self.page_token()?;
        settings.is_loopback = address.ip().is_loopback();
        settings.max_event_bytes = self.max_event_bytes.get();
        settings.max_request_bytes = self.max_request_bytes.get();
        settings.request_timeout = service.body_timeout;
        settings.retry_after = self.retry_after;
        settings.trust_forwarded_for = self.trust_forwarded_for;
        settings.destination = Destination::new()
            .with_region(self.region)
            .with_anonymous_id(self.send_anonymous_id)
            .with_long_text(self.long_text)
            .with_attribute_names(self.attribute_names)
            .with_same_second(self.same_second);
        settings.engine.archived = service.on_archived;
        settings.engine.attributes = self.attributes;
        settings.engine.unknown_contact = self.on_unknown_contact;
        Ok(settings)
    }

    fn store_settings(&self) -> StoreSettings {
        let mut settings = StoreSettings::new();
        settings.bounds.events = self.max_queue_events;
        settings.bounds.bytes = self.max_queue_bytes;
        settings.bounds.age = self.max_queue_age;
        settings.repeats.window = self.repeat_window;
        settings.repeats.remembered = self.remembered_messages;
        settings
    }

    fn write_keys(&self) -> Result<Option<Vec<Secret>>, Error> {
        let Some(keys) = secret(self.write_keys_file.as_deref(), KEYS)? else {
            return Ok(None);
        };
        let keys = keys.split([',', '\n']).map(str::trim).filter(|key| !key.is_empty());
        keys.map(to_secret).collect::<Result<_, _>>().map(Some)
    }

    fn page_token(&self) -> Result<Option<Secret>, Error> {
        let token = secret(self.page_token_file.as_deref(), PAGE_TOKEN)?;
        token.as_deref().map(to_secret).transpose()
    }

    fn workspace(&self, service: &Service) -> Result<Workspace, Error> {
        let token = access_token(&token::find(self.token_file.as_deref())?)?;
        let workspace = Workspace::new(self.region, token);
        match &service.intercom_base_url {
            Some(url) => at(workspace, &url.for_region(self.region)),
            None => Ok(workspace),
        }
    }

    /// The secrets, masked: a line each.
    pub(super) fn masked(&self) -> Result<[String; 3], Error> {
        let keys = match self.write_keys()? {
            Some(keys) => format!("{} (masked)", keys.len()),
            None => "none".to_owned(),
        };
        let told = |is_there| if is_there { "masked" } else { "none" };
        Ok([
            format!("write keys: {keys}"),
            format!("page token: {}", told(self.page_token()?.is_some())),
            format!(
                "access token: {}",
                told(token::find(self.token_file.as_deref()).is_ok())
            ),
        ])
    }
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
