//! `serve`: the transformer that RudderStack's data plane asks.

mod addressed;
mod config;
mod file;
pub(crate) mod gateway;
mod given;
pub(crate) mod refusal;
mod reload;
mod setting;
mod settings;

use crate::exit::{Error, Exit};
use crate::interrupt::Interrupt;
use crate::log::log_to_stderr;
use crate::print::{all_that_is_wanted, note};
use crate::traces::Traces;
use axum::Router;
use clap::{Args, ValueHint};
use config::Config;
use gateway::Gateway;
use given::{Given, secret};
use intercom_api::Region;
use intercom_transformer::store::{Keeper, Store};
use intercom_transformer::{DeliverBy, Routes, Transformer};
use reload::Watched;
use rudder_gateway::AlertError;
use settings::{GATEWAY, LOG, STORE};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serve RudderStack's transformer protocol, as a drop-in for the Intercom v2 destination
///
/// Point the setting DEST_TRANSFORM_URL of rudder-server at it. It delivers each event while rudder-server waits for the
/// answer, and keeps no state that matters: run as many as needed. With --store, track and group events that come before
/// the identify of their user wait for it on disk, each instance's in a file of its own.
///
/// With --gateway it is also RudderStack's HTTP API for SDKs: they send their events here, nothing else is needed, and
/// the events are kept on disk until they are in Intercom.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom serve
  rudder-intercom serve --store early.db            what comes before its identify waits for it
  rudder-intercom serve --listen 0.0.0.0:9090 --metrics-listen 0.0.0.0:9091 --log-format json
  rudder-intercom serve --config serve.toml --print-config
  rudder-intercom serve --gateway --sandbox         the SDKs' events, tried without an Intercom account

A setting is taken from its flag, else from its variable in the environment, else from the file of --config, else its
default. --print-config prints all of them in the form of that file. Times are written 500ms, 30s, 2h or 7d, sizes 64KiB
or 4MB; bare numbers are seconds and bytes.")]
pub(crate) struct Serve {
    /// A TOML file with settings, named as the flags are.
    #[arg(long, value_name = "FILE", env = "RUDDER_INTERCOM_CONFIG", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Print the settings that are in force, and end. Secrets are masked.
    #[arg(long)]
    print_config: bool,
    /// Send a test message to the webhook of --alert-webhook-file, and end.
    #[arg(long, conflicts_with = "print_config")]
    test_alert: bool,
    #[command(flatten)]
    given: Given,
}

impl Serve {
    /// Serves until it is asked to end, then finishes what is in progress.
    pub(crate) fn run(mut self, log: Option<String>) -> Result<Exit, Error> {
        let given = || self.given.settings().map(|setting| setting.declared);
        let first = |heading| {
            given()
                .filter(move |setting| setting.heading == heading && !matches!(setting.name, "gateway" | "store"))
                .map(|setting| setting.name)
                .next()
        };
        let (of_gateway, of_store) = (first(GATEWAY), first(STORE));
        if let Some(log) = log {
            self.given.give(LOG, log);
        }
        let mut config = Config::default();
        if let Some(path) = &self.config {
            file::read(path, &mut config)?;
        }
        self.given.apply(&mut config)?;
        if let (false, Some(name)) = (config.is_gateway || self.test_alert, of_gateway) {
            return Err(Error::Usage(format!(
                "--{name} is a setting of the gateway: give --gateway too"
            )));
        }
        if let (false, None, Some(name)) = (config.is_gateway, &config.store, of_store) {
            return Err(Error::Usage(format!(
                "--{name} is a setting of the store: give --store FILE too, or --gateway"
            )));
        }
        if self.print_config {
            let text = file::print(&config)?;
            let mut output = io::stdout().lock();
            all_that_is_wanted(output.write_all(text.as_bytes()).and_then(|()| output.flush()))?;
            return Ok(Exit::Done);
        }
        let runtime =
            tokio::runtime::Runtime::new().map_err(|error| Error::System("cannot start the server".into(), error))?;
        let traces = config.otlp_endpoint.as_ref();
        let traces = traces
            .map(|endpoint| Traces::new(endpoint, runtime.handle()))
            .transpose()?;
        log_to_stderr(&config.log, config.log_format, traces.as_ref())?;
        if self.test_alert {
            return runtime.block_on(test_alert(&config));
        }
        let served = runtime.block_on(serve(config));
        if let Some(traces) = traces {
            traces.finish();
        }
        served.map(|()| Exit::Done)
    }
}

async fn test_alert(config: &Config) -> Result<Exit, Error> {
    let Some(alerts) = config.alerts()? else {
        return Err(Error::Usage(
            "there is no webhook: give its URL in --alert-webhook-file FILE or RUDDER_INTERCOM_ALERT_WEBHOOK"
                .to_owned(),
        ));
    };
    let host = alerts.webhook.host();
    match alerts.test().await {
        Ok(()) => {
            note!("{host} has taken a test message.");
            Ok(Exit::Done)
        }
        Err(AlertError::Transport(error)) => Err(error.into()),
        Err(error) => {
            note!("{host}: {error}: check the URL of the webhook.");
            Ok(Exit::Incomplete)
        }
    }
}

/// What a file of settings says of what can be looked at from outside.
pub(super) struct Deployed {
    /// Where a gateway listens, if there is one.
    pub(super) gateway: Option<SocketAddr>,
    /// Where events are kept, if they are.
    pub(super) store: Option<PathBuf>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) region: Region,
    pub(super) intercom_base_url: Option<String>,
}

/// Reads a file of settings.
///
/// # Errors
///
/// If it cannot be read, or a setting is wrong.
pub(super) fn deployed(path: &Path) -> Result<Deployed, Error> {
    let mut config = Config::default();
    file::read(path, &mut config)?;
    let region = config.gateway.destination.region;
    // Where it is by default depends on where the gateway runs.
    let default = match config.sandbox {
        true => gateway::SANDBOX_STORE,
        false => gateway::STORE,
    };
    let default = Some(PathBuf::from(default)).filter(|path| config.is_gateway && path.exists());
    Ok(Deployed {
        gateway: config.is_gateway.then_some(config.listen),
        store: config.store.or(default),
        token_file: config.token_file,
        region,
        intercom_base_url: config.service.intercom_base_url.map(|url| url.for_region(region)),
    })
}

async fn serve(mut config: Config) -> Result<(), Error> {
    let token = |setting: &str, file: &Option<PathBuf>| match secret(setting, file.as_deref())? {
        Some(token) => gateway::to_secret(&token).map(Some),
        None => Ok(None),
    };
    config.service.token = token("transformer-token-file", &config.transformer_token_file)?;
    config.service.metrics_token = token("metrics-token-file", &config.metrics_token_file)?;
    // Before anybody can know that the server is there.
    let interrupt = Interrupt::listen()?;
    let listener = listen(config.listen).await?;
    let metrics = listen_besides(config.metrics_listen).await?;
    let transformer = listen_besides(config.transformer_listen).await?;
    let gateway = if config.is_gateway {
        let address = listener.local_addr().unwrap_or(config.listen);
        Some(Gateway::start(&mut config, address).await?)
    } else {
        None
    };
    let is_public = gateway.as_ref().is_some_and(|gateway| gateway.is_public);
    let routes = Routes {
        transformer: transformer.is_none() && (!is_public || config.service.token.is_some()),
        metrics: !is_public || config.service.metrics_token.is_some(),
    };
    if is_public && transformer.is_none() && !routes.transformer {
        tracing::info!(
            "the transformer's paths are not served: they need --transformer-token-file or --transformer-listen"
        );
    }
    if !routes.metrics && metrics.is_none() {
        tracing::info!("/metrics is not served: it needs --metrics-token-file or --metrics-listen");
    }
    own_token(&config)?;
    let open = transformer.as_ref().or(routes.transformer.then_some(&listener));
    require_token(&config, open)?;
    let mut service = Transformer::new(config.service.clone()).map_err(|error| Error::Usage(error.to_string()))?;
    service = with_store(&config, service)?;
    if let Some(gateway) = &gateway {
        service = service.with_metrics(gateway.gateway.metrics());
    }
    let probes = || {
        gateway
            .as_ref()
            .map_or_else(|| service.probes(), |gateway| gateway.gateway.probes())
    };
    let (stop, stopped) = watch::channel(());
    // Each of the servers waits until the sender is gone.
    let wait = |mut stopped: watch::Receiver<()>| async move { while stopped.changed().await.is_ok() {} };
    let ended = gateway.as_ref().map(|gateway| gateway.gateway.ended());
    let stop_delivery = gateway.as_ref().map(|gateway| gateway.gateway.stopper());
    tokio::spawn(async move {
        let ended = async {
            match ended {
                Some(ended) => ended.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = interrupt.asked() => {}
            () = ended => tracing::error!(code = "delivery_ended", "the delivery has ended; the service ends too"),
        }
        drop(stop);
        // Side by side with the end of the requests: each may take its time.
        if let Some(stop_delivery) = stop_delivery {
            stop_delivery.stop();
        }
    });
    let besides = [
        (metrics, Routes::METRICS, probes()),
        (transformer, Routes::ALL, Router::new()),
    ];
    let besides = besides.map(|(listener, routes, others)| {
        let (service, stopped) = (service.clone(), wait(stopped.clone()));
        listener
            .map(|listener| tokio::spawn(async move { service.serve_with(listener, routes, others, stopped).await }))
    });
    let others = gateway
        .as_ref()
        .map_or_else(|| service.probes(), |gateway| gateway.gateway.router());
    let mut served = service.serve_with(listener, routes, others, wait(stopped)).await;
    for besides in besides.into_iter().flatten() {
        served = served.and(besides.await.unwrap_or_else(|error| Err(io::Error::other(error))));
    }
    let served = served.map_err(|error| Error::System("the service did not end in order".into(), error));
    service.close_store().await;
    match gateway {
        // What is not delivered is kept, whatever became of the requests.
        Some(gateway) => gateway.stop().await.and(served),
        None => served,
    }
}

/// Has a transformer without a gateway keep what waits for its contact, if there is a store.
fn with_store(config: &Config, service: Transformer) -> Result<Transformer, Error> {
    let Some(path) = config.store.as_deref().filter(|_| !config.is_gateway) else {
        return Ok(service);
    };
    if config.service.deliver == DeliverBy::RudderServer {
        tracing::warn!(
            code = "store_unused",
            "nothing is kept in the store: with --deliver rudder-server, events do not wait for their contact here"
        );
        return Ok(service);
    }
    if config.kept.awaiting.age.is_zero() {
        return Err(Error::Usage(
            "with --wait-for-contact 0s there is nothing to keep: give no --store, or a time".to_owned(),
        ));
    }
    let mut kept = config.kept.clone();
    kept.keeper = Keeper::Transformer;
    // rudder-server knows what has become of each event.
    kept.history.events = 0;
    let store = Store::open(path, kept).map_err(|error| refusal::of_store(&error))?;
    Ok(service.with_store(store, config.kept.awaiting.first_look))
}

/// The token for rudder-server's events that come without one, read again when its file changes.
fn own_token(config: &Config) -> Result<(), Error> {
    let own = &config.service.own_token;
    if config.service.deliver == DeliverBy::RudderServer {
        return Ok(());
    }
    if config.sandbox {
        own.replace(Some("sandbox".to_owned()));
        return Ok(());
    }
    own.replace(secret("token-file", config.token_file.as_deref())?);
    if let Some(path) = config.token_file.clone() {
        let own = own.clone();
        let file = path.clone();
        let read = move || {
            own.replace(secret("token-file", Some(&file))?);
            Ok(())
        };
        let watched = Watched::new("the token for events without one", path, read);
        tokio::spawn(reload::watch(vec![watched]));
    }
    Ok(())
}

/// Looks whether others than this machine can use the transformer without a token. They may, if all that they can do is to
/// use tokens of their own.
fn require_token(config: &Config, listener: Option<&TcpListener>) -> Result<(), Error> {
    let address = listener.and_then(|listener| listener.local_addr().ok());
    let Some(address) = address.filter(|address| !address.ip().is_loopback() && config.service.token.is_none()) else {
        return Ok(());
    };
    if config.is_gateway && !config.sandbox {
        return Err(Error::Usage(format!(
            "others than this machine may use the transformer at {address}, beside a gateway with a token of Intercom, only \
             with a token: set RUDDER_INTERCOM_TRANSFORMER_TOKEN, or give --transformer-token-file FILE"
        )));
    }
    if !config.sandbox && config.service.own_token.is_set() {
        return Err(Error::Usage(format!(
            "anyone who reaches the transformer at {address} could write to the workspace of the access token that is set: set \
             RUDDER_INTERCOM_TRANSFORMER_TOKEN or give --transformer-token-file FILE, or set no INTERCOM_ACCESS_TOKEN"
        )));
    }
    tracing::warn!(
        code = "transformer_open",
        %address,
        "anyone who reaches this address may use the transformer: let only rudder-server reach it, or give --transformer-token-file"
    );
    Ok(())
}

async fn listen_besides(address: Option<SocketAddr>) -> Result<Option<TcpListener>, Error> {
    match address {
        Some(address) => listen(address).await.map(Some),
        None => Ok(None),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let cannot = |error| Error::System(format!("cannot listen on {address}"), error);
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    tracing::info!(address = %listener.local_addr().map_err(cannot)?, "listening");
    Ok(listener)
}
