//! `serve`: the transformer that RudderStack's data plane asks.

pub(crate) mod gateway;
mod options;

use crate::cli::{self, LogFormat};
use crate::exit::{Error, Exit};
use crate::interrupt;
use clap::{Args, ValueHint};
use gateway::Gateway;
use intercom_transformer::Transformer;
use options::{Config, Options};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serve RudderStack's transformer protocol, as a drop-in for the Intercom v2 destination
///
/// Point the setting DEST_TRANSFORM_URL of rudder-server at it. It keeps no state that matters: run as many as needed.
///
/// With --gateway it is RudderStack's HTTP API for SDKs besides: they send their events here, nothing else is needed, and
/// the events are kept on disk until they are in Intercom.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom serve
  rudder-intercom serve --listen 0.0.0.0:9090 --metrics-listen 0.0.0.0:9091 --log-format json
  rudder-intercom serve --config serve.toml --print-config
  rudder-intercom serve --gateway --sandbox         the SDKs' events, tried without an Intercom account

A setting is taken from its flag, else from its variable in the environment, else from the file of --config, else its
default. --print-config prints all of them in the form of that file.")]
pub struct Serve {
    /// A TOML file with settings, named as the flags are.
    #[arg(long, value_name = "FILE", env = "RUDDER_INTERCOM_CONFIG", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Print the settings that are in force, and end. Secrets are masked.
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    options: Options,
}

impl Serve {
    /// Serves until it is asked to end, then finishes what is in progress.
    pub(crate) fn run(self, log: Option<String>) -> Result<Exit, Error> {
        let of_gateway = self.options.of_gateway();
        let options = match &self.config {
            Some(path) => self.options.or(read(path)?),
            None => self.options,
        };
        let log = log.or_else(|| options.log.clone()).unwrap_or_else(|| "info".to_owned());
        let format = options.log_format.unwrap_or(LogFormat::Text);
        let config = options.config();
        // Where the events are kept matters to the command `queue` too, so its variable may be set.
        let of_gateway = of_gateway
            .iter()
            .find(|name| !matches!(name.as_str(), "gateway" | "store"));
        if let (false, Some(name)) = (config.gateway.gateway, of_gateway) {
            return Err(Error::Usage(format!(
                "--{name} is a setting of the gateway: give --gateway too"
            )));
        }
        if self.print_config {
            return match print(&config, &log, format) {
                // Whoever reads the output has seen enough.
                Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
                printed => printed.map(|()| Exit::Done),
            };
        }
        cli::log_to_stderr(&log, format)?;
        let runtime =
            tokio::runtime::Runtime::new().map_err(|error| Error::System("cannot start the server".into(), error))?;
        runtime.block_on(serve(config))?;
        Ok(Exit::Done)
    }
}

async fn serve(mut config: Config) -> Result<(), Error> {
    let listener = listen(config.service.listen).await?;
    let metrics = match config.service.metrics_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let gateway = if config.gateway.gateway {
        let address = listener.local_addr().unwrap_or(config.service.listen);
        Some(Gateway::start(&mut config, address).await?)
    } else {
        None
    };
    let service = Transformer::new(config.service).map_err(|error| Error::Usage(error.to_string()))?;
    let (stop, stopped) = watch::channel(());
    // Each of the two servers waits until the sender is gone.
    let wait = |mut stopped: watch::Receiver<()>| async move { while stopped.changed().await.is_ok() {} };
    let ended = gateway.as_ref().map(|gateway| gateway.gateway.ended());
    tokio::spawn(async move {
        let ended = async {
            match ended {
                Some(ended) => ended.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Without a way to wait for a signal, the server goes on until it is killed.
            Ok(()) = interrupt::signal() => {}
            () = ended => tracing::error!(code = "delivery_ended", "the delivery has ended; the service ends too"),
        }
        drop(stop);
    });
    if let Some(listener) = metrics {
        let (service, stopped) = (service.clone(), wait(stopped.clone()));
        tokio::spawn(async move { service.serve_metrics(listener, stopped).await });
    }
    let routes = gateway
        .as_ref()
        .map(|gateway| gateway.gateway.router())
        .unwrap_or_default();
    let served = service.serve_with(listener, routes, wait(stopped)).await;
    let served = served.map_err(|error| Error::System("the service did not end in order".into(), error));
    match gateway {
        // What is not delivered is kept, whatever became of the requests.
        Some(gateway) => gateway.stop().await.and(served),
        None => served,
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let cannot = |error| Error::System(format!("cannot listen on {address}"), error);
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    tracing::info!(address = %listener.local_addr().map_err(cannot)?, "listening");
    Ok(listener)
}

fn read(path: &Path) -> Result<Options, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Open {
        path: path.to_owned(),
        source,
    })?;
    // The message of a parser shows the line that is wrong; there is no secret among the settings.
    toml::from_str(&text).map_err(|error| Error::Usage(format!("{}: {error}", path.display())))
}

/// Prints the settings as a file that `--config` takes. It has no secrets: whether they are there stands in comments.
fn print(config: &Config, log: &str, format: LogFormat) -> Result<(), Error> {
    let mut text = String::new();
    for (name, value) in Options::show(config) {
        text += &format!("{name} = {}\n", quoted(&value));
    }
    text += &format!("log = {}\n", quoted(log));
    text += &format!("log-format = {}\n", quoted(&format.to_string()));
    if config.gateway.gateway {
        for line in config.gateway.masked()? {
            text += &format!("# {line}\n");
        }
    }
    let mut output = io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(Error::Output)
}

/// A value in TOML: a whole number, true and false as they are, anything else as a string.
fn quoted(value: &str) -> String {
    if value.parse::<u64>().is_ok() || value.parse::<bool>().is_ok() {
        value.to_owned()
    } else {
        toml::Value::from(value).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read() {
        let text = r#"
            listen = "0.0.0.0:1"
            metrics-listen = "0.0.0.0:2"
            intercom-base-url = "http://gateway/{host}"
            call-timeout = "1500ms"
            request-timeout = 20
            max-body-bytes = "1MiB"
            on-archived = "fail"
            api-version = "2.11"
            gateway = true
            store = "true"
            max-queue-bytes = "100GiB"
            max-queue-age = "10m"
            region = "eu"
            attributes = "create"
            log-format = "json"
        "#;
        let options: Options = toml::from_str(text).unwrap();
        assert_eq!(options.log_format, Some(LogFormat::Json));
        let config = options.config();
        assert_eq!(config.service.call_timeout.as_millis(), 1500);
        assert_eq!(config.service.max_body_bytes.get(), 1 << 20);
        assert!(config.gateway.gateway && !config.gateway.sandbox);
        assert_eq!(config.gateway.max_queue_bytes, 100 << 30);
        assert_eq!(config.gateway.max_queue_age.unwrap().as_secs(), 600);
        assert_eq!(config.gateway.store.as_ref().unwrap().to_str(), Some("true"));
        let printed: String = Options::show(&config)
            .into_iter()
            .map(|(name, value)| format!("{name} = {}\n", quoted(&value)))
            .collect();
        let again: Options = toml::from_str(&printed).unwrap();
        assert_eq!(again.config(), config);
    }

    #[test]
    fn the_first_that_says_something_counts() {
        let flags: Options = toml::from_str("max-calls = 5").unwrap();
        let file: Options = toml::from_str("max-calls = 6\nmax-requests = 7").unwrap();
        assert!(flags.of_gateway().is_empty());
        let config = flags.or(file).config();
        let service = config.service;
        assert_eq!((service.max_calls.get(), service.max_requests.get()), (5, 7));
        assert_eq!(service.max_connections, Config::default().service.max_connections);
        assert!(!config.gateway.sandbox);
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        for text in [
            "lisen = 1",
            "max-calls = 0",
            "listen = \"here\"",
            "call-timeout = \"soon\"",
            "on-archived = true",
            "gateway = \"perhaps\"",
            "region = \"Mars\"",
        ] {
            assert!(toml::from_str::<Options>(text).is_err(), "{text}");
        }
    }
}
