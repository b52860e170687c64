//! `serve`: the transformer that RudderStack's data plane asks.

pub(crate) mod gateway;
mod options;

use crate::cli::{self, LogFormat};
use crate::exit::{Error, Exit};
use crate::interrupt;
use clap::{Args, ValueHint};
use gateway::Gateway;
use intercom_transformer::{Settings, Transformer};
use options::Options;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serve RudderStack's transformer protocol, as a drop-in for the Intercom v2 destination
///
/// Point the setting DEST_TRANSFORM_URL of rudder-server at it. It keeps no state that matters: run as many as needed.
///
/// With --gateway it is RudderStack's HTTP API itself: the SDKs send their events here, nothing else is needed, and the
/// events are kept on disk until they are in Intercom.
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
    #[command(flatten)]
    gateway: Gateway,
}

impl Serve {
    /// Serves until it is asked to end, then finishes what is in progress.
    pub(crate) fn run(self, log: Option<String>) -> Result<Exit, Error> {
        let options = match &self.config {
            Some(path) => self.options.or(read(path)?),
            None => self.options,
        };
        let log = log.or_else(|| options.log.clone()).unwrap_or_else(|| "info".to_owned());
        let format = options.log_format.unwrap_or(LogFormat::Text);
        let settings = options.settings();
        if self.print_config {
            return match print(&settings, &log, format) {
                // Whoever reads the output has seen enough.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
                _ => Ok(Exit::Done),
            };
        }
        cli::log_to_stderr(&log, format)?;
        let runtime =
            tokio::runtime::Runtime::new().map_err(|error| Error::System("cannot start the server".into(), error))?;
        if self.gateway.gateway {
            runtime.block_on(self.gateway.serve(&settings))?;
        } else {
            runtime.block_on(serve(settings))?;
        }
        Ok(Exit::Done)
    }
}

async fn serve(settings: Settings) -> Result<(), Error> {
    let listener = listen(settings.listen).await?;
    let metrics = match settings.metrics_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let service = Transformer::new(settings).map_err(|error| Error::Usage(error.to_string()))?;
    let (stop, stopped) = watch::channel(());
    // Each of the two servers waits until the sender is gone.
    let wait = |mut stopped: watch::Receiver<()>| async move { while stopped.changed().await.is_ok() {} };
    tokio::spawn(async move {
        // Without a way to wait for a signal, the server goes on until it is killed.
        match interrupt::signal().await {
            Ok(()) => drop(stop),
            Err(_) => std::future::pending().await,
        }
    });
    if let Some(listener) = metrics {
        let (service, stopped) = (service.clone(), wait(stopped.clone()));
        tokio::spawn(async move { service.serve_metrics(listener, stopped).await });
    }
    let result = service.serve(listener, wait(stopped)).await;
    result.map_err(|error| Error::System("the service did not end in order".into(), error))
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

/// Prints the settings as a file that `--config` takes.
fn print(settings: &Settings, log: &str, format: LogFormat) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for (name, value) in Options::show(settings) {
        writeln!(output, "{name} = {}", quoted(&value))?;
    }
    writeln!(output, "log = {}", quoted(log))?;
    writeln!(output, "log-format = {}", quoted(&format.to_string()))?;
    output.flush()
}

/// A value in TOML: a whole number as it is, anything else as a string.
fn quoted(value: &str) -> String {
    match value.parse::<u64>() {
        Ok(_) => value.to_owned(),
        Err(_) => toml::Value::from(value).to_string(),
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
            log-format = "json"
        "#;
        let options: Options = toml::from_str(text).unwrap();
        assert_eq!(options.log_format, Some(LogFormat::Json));
        let settings = options.settings();
        assert_eq!(settings.call_timeout.as_millis(), 1500);
        assert_eq!(settings.max_body_bytes.get(), 1 << 20);
        let printed: String = Options::show(&settings)
            .into_iter()
            .map(|(name, value)| format!("{name} = {}\n", quoted(&value)))
            .collect();
        let again: Options = toml::from_str(&printed).unwrap();
        assert_eq!(again.settings(), settings);
    }

    #[test]
    fn the_first_that_says_something_counts() {
        let flags: Options = toml::from_str("max-calls = 5").unwrap();
        let file: Options = toml::from_str("max-calls = 6\nmax-requests = 7").unwrap();
        let settings = flags.or(file).settings();
        assert_eq!((settings.max_calls.get(), settings.max_requests.get()), (5, 7));
        assert_eq!(settings.max_connections, Settings::new().max_connections);
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        for text in [
            "lisen = 1",
            "max-calls = 0",
            "listen = \"here\"",
            "call-timeout = \"soon\"",
            "on-archived = true",
        ] {
            assert!(toml::from_str::<Options>(text).is_err(), "{text}");
        }
    }
}
