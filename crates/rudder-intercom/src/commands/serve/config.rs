//! The settings of `serve`.

use crate::log::LogFormat;
use intercom_transformer::BaseUrl;
use rudder_gateway::WriteKeys;
use rudder_gateway::store::StoreSettings;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// All settings of `serve`.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) listen: SocketAddr,
    pub(super) metrics_listen: Option<SocketAddr>,
    pub(super) transformer_token_file: Option<PathBuf>,
    pub(super) metrics_token_file: Option<PathBuf>,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
    pub(super) service: intercom_transformer::Settings,
    /// Whether there is a gateway.
    pub(super) is_gateway: bool,
    pub(super) transformer_listen: Option<SocketAddr>,
    pub(super) sandbox: bool,
    pub(super) store: Option<PathBuf>,
    pub(super) write_keys_file: Option<PathBuf>,
    pub(super) page_token_file: Option<PathBuf>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) alert_webhook_file: Option<PathBuf>,
    pub(super) alert_after: Duration,
    pub(super) otlp_endpoint: Option<BaseUrl>,
    pub(super) gateway: rudder_gateway::Settings,
    pub(super) kept: StoreSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 9090).into(),
            metrics_listen: None,
            transformer_token_file: None,
            metrics_token_file: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            service: intercom_transformer::Settings::new(),
            is_gateway: false,
            transformer_listen: None,
            sandbox: false,
            store: None,
            write_keys_file: None,
            page_token_file: None,
            token_file: None,
            alert_webhook_file: None,
            alert_after: Duration::from_secs(60),
            otlp_endpoint: None,
            gateway: rudder_gateway::Settings::new(WriteKeys::Any),
            kept: StoreSettings::new(),
        }
    }
}
