//! `serve --gateway`: events straight from RudderStack's SDKs.

use super::addressed::Addressed;
use super::config::Config;
use super::given::secret;
use super::refusal::of_store;
use super::reload::{self, Renewable, Watched};
use crate::commands::connection::access_token;
use crate::commands::token;
use crate::exit::Error;
use crate::print::{all_that_is_wanted, note};
use crate::text::{BOLD, DIM};
use intercom_api::Region;
use intercom_delivery::client::{Client, HttpTransport, Webhook, Workspace};
use intercom_sandbox::RunningSandbox;
use rudder_gateway::store::{Place, Store};
use rudder_gateway::{Alerts, KeyList, Secret, Settings, WriteKeys};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where the events are kept, if nothing else is said.
pub(crate) const STORE: &str = "rudder-intercom.db";
/// The same with a sandbox.
pub(crate) const SANDBOX_STORE: &str = "sandbox.db";
/// How long a message to the webhook for alerts may take.
const ALERT_TIMEOUT: Duration = Duration::from_secs(10);

/// A gateway, and the sandbox that it delivers to, if it is to.
pub(super) struct Gateway {
    pub(super) gateway: rudder_gateway::Gateway,
    /// Whether it is for others than this machine.
    pub(super) is_public: bool,
    _sandbox: Option<RunningSandbox>,
}

impl Gateway {
    /// Begins to deliver what is in the store. With a sandbox, the transformer calls that too.
    pub(super) async fn start(config: &mut Config, address: SocketAddr) -> Result<Self, Error> {
        let mut settings = config.gateway_settings(address)?;
        let region = settings.destination.region;
        config.kept.place = Some(config.place(region));
        let (workspace, sandbox) = if config.sandbox {
            let sandbox = intercom_sandbox::spawn(intercom_sandbox::Settings::default());
            let sandbox = sandbox
                .await
                .map_err(|error| failed("the sandbox cannot be served", error))?;
            settings.sandbox_url = Some(format!("{}/_sandbox/state", sandbox.base_url()));
            let url = sandbox.base_url().parse();
            config.service.intercom_base_url =
                Some(url.map_err(|error| failed("the sandbox cannot be called", error))?);
            let workspace = Workspace::new(region, access_token("sandbox")?);
            (at(workspace, sandbox.base_url())?, Some(sandbox))
        } else {
            (config.workspace(region)?, None)
        };
        let client = Client::builder()
            .use_proxy(sandbox.is_none())
            .connect_timeout(config.service.connect_timeout)
            .response_timeout(config.service.call_timeout)
            .build()
            .map_err(|error| failed("cannot call Intercom", error))?;
        let default = Path::new(if config.sandbox { SANDBOX_STORE } else { STORE });
        let path = config.store.as_deref().unwrap_or(default);
        let store = Store::open(path, config.kept.clone()).map_err(|error| of_store(&error))?;
        let version = config.service.api_version;
        let transport = HttpTransport::new(client.clone(), workspace.with_version(version));
        let transport = Addressed::new(transport, store.clone());
        if sandbox.is_none() {
            transport.check().await.map_err(|error| of_store(&error))?;
        }
        let transport = Renewable::new(transport);
        let mut watched = config.watched_keys(&settings);
        if let (Some(path), None) = (&config.token_file, &sandbox) {
            let (config, transport, store) = (config.clone(), transport.clone(), store.clone());
            let renewed = Arc::clone(&settings.token_renewed);
            watched.push(Watched::new("the access token", path.clone(), move || {
                let workspace = config.workspace(region)?.with_version(version);
                let renewed_transport = HttpTransport::new(client.clone(), workspace);
                transport.replace(Addressed::new(renewed_transport, store.clone()));
                renewed.notify_one();
                Ok(())
            }));
        }
        tokio::spawn(reload::watch(watched));
        greet(address, &settings)?;
        let is_public = !settings.is_loopback || matches!(settings.write_keys, WriteKeys::These(_));
        let gateway = rudder_gateway::Gateway::start(settings, store, transport);
        Ok(Self {
            gateway: gateway.map_err(|error| of_store(&error))?,
            is_public,
            _sandbox: sandbox,
        })
    }

    /// Finishes what is under way, and closes the store.
    pub(super) async fn stop(self) -> Result<(), Error> {
        self.gateway.stop().await.map_err(|error| of_store(&error))
    }
}

impl Config {
    fn gateway_settings(&self, address: SocketAddr) -> Result<Settings, Error> {
        let mut settings = self.gateway.clone();
        settings.write_keys = match self.write_keys()? {
            Some(keys) => WriteKeys::These(KeyList::new(keys)),
            None if address.ip().is_loopback() => WriteKeys::Any,
            None => {
                return Err(Error::Usage(format!(
                    "others than this machine may send events to {address} only with a write key: set \
                     RUDDER_INTERCOM_WRITE_KEYS, or give --write-keys-file FILE"
                )));
            }
        };
        let page_token = secret("page-token-file", self.page_token_file.as_deref())?;
        settings.page_token = page_token.as_deref().map(to_secret).transpose()?;
        settings.is_loopback = address.ip().is_loopback();
        settings.request_timeout = self.service.body_timeout;
        settings.engine.archived = self.service.on_archived;
        settings.engine.attributes = self.service.on_undefined;
        settings.engine.unknown_contact = self.service.on_unknown_contact;
        settings.engine.await_contacts = !self.kept.awaiting.age.is_zero();
        settings.alerts = self.alerts()?;
        Ok(settings)
    }

    /// Who is told of what needs a person.
    pub(super) fn alerts(&self) -> Result<Option<Alerts>, Error> {
        let Some(url) = secret("alert-webhook-file", self.alert_webhook_file.as_deref())? else {
            return Ok(None);
        };
        let client = Client::builder()
            .connect_timeout(ALERT_TIMEOUT)
            .response_timeout(ALERT_TIMEOUT)
            .build()
            .map_err(|error| failed("the webhook for alerts cannot be called", error))?;
        let webhook = Webhook::new(client, &url);
        let webhook = webhook.map_err(|error| Error::Usage(format!("--alert-webhook-file: {error}")))?;
        let mut alerts = Alerts::new(webhook);
        alerts.after = self.alert_after;
        Ok(Some(alerts))
    }

    fn write_keys(&self) -> Result<Option<Vec<Secret>>, Error> {
        let Some(keys) = secret("write-keys-file", self.write_keys_file.as_deref())? else {
            return Ok(None);
        };
        let keys = keys.split([',', '\n']).map(str::trim).filter(|key| !key.is_empty());
        keys.map(to_secret).collect::<Result<_, _>>().map(Some)
    }

    /// The file with the write keys, if there is one, to be read again.
    fn watched_keys(&self, settings: &Settings) -> Vec<Watched> {
        let (Some(path), WriteKeys::These(list)) = (&self.write_keys_file, &settings.write_keys) else {
            return Vec::new();
        };
        let (config, list) = (self.clone(), list.clone());
        let read = move || {
            list.replace(config.write_keys()?.unwrap_or_default());
            Ok(())
        };
        vec![Watched::new("the write keys", path.clone(), read)]
    }

    /// Where the gateway delivers to.
    fn place(&self, region: Region) -> Place {
        match &self.service.intercom_base_url {
            _ if self.sandbox => Place::Sandbox,
            Some(url) if url.for_region(region) != region.base_url() => Place::Url(url.to_string()),
            _ => Place::Intercom,
        }
    }

    fn workspace(&self, region: Region) -> Result<Workspace, Error> {
        let token = access_token(&token::find(self.token_file.as_deref())?)?;
        let workspace = Workspace::new(region, token);
        match &self.service.intercom_base_url {
            Some(url) => at(workspace, &url.for_region(region)),
            None => Ok(workspace),
        }
    }
}

fn greet(address: SocketAddr, settings: &Settings) -> Result<(), Error> {
    all_that_is_wanted(writeln!(anstream::stdout(), "{BOLD}http://{address}{BOLD:#}"))?;
    let keys = match settings.write_keys {
        WriteKeys::Any => "any write key",
        WriteKeys::These(_) => "your write key",
    };
    note!("A gateway for RudderStack's SDKs: give them this URL as data plane and config URL, and {keys}. Or try:\n");
    note!(
        "  curl http://{address}/v1/identify -u KEY: -H 'Content-Type: application/json' \\\n    \
         -d '{{\"userId\": \"ann-1\", \"traits\": {{\"email\": \"ann@example.com\"}}}}'\n"
    );
    note!("Watch it at http://{address}/ in a browser.");
    if let Some(url) = &settings.sandbox_url {
        note!("Events go to a sandbox, which forgets everything at the end: {url}");
    }
    note!("{DIM}Ctrl-C ends it; what is not delivered is kept.{DIM:#}");
    Ok(())
}

pub(super) fn to_secret(text: &str) -> Result<Secret, Error> {
    Secret::new(text).map_err(|error| Error::Usage(error.to_string()))
}

fn at(workspace: Workspace, url: &str) -> Result<Workspace, Error> {
    workspace
        .with_base_url(url)
        .map_err(|error| Error::Usage(format!("--intercom-base-url: {error}")))
}

fn failed(what: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::System(what.to_owned(), std::io::Error::other(error))
}
