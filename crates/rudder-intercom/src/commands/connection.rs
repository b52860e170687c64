//! Which workspace of Intercom the commands talk to.

use super::token;
use crate::exit::Error;
use crate::values::{OneOf, parser};
use clap::{Args, ValueHint};
use intercom_api::Region;
use intercom_delivery::client::{self, AccessToken, Client, Workspace};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which workspace, and with what token.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Intercom")]
pub(super) struct Connection {
    /// Read the access token from this file instead of the environment variable INTERCOM_ACCESS_TOKEN.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<PathBuf>,
    /// Where the workspace is hosted: US, Europe (or EU) or Australia (or AU), in any case. [default: US]
    #[arg(long, value_name = "REGION", value_parser = parser::<OneOf, Region>())]
    region: Option<Region>,
    /// Call this URL instead of the region's: a sandbox or a proxy.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    intercom_base_url: Option<String>,
}

impl Connection {
    /// The workspace.
    ///
    /// # Errors
    ///
    /// If there is no token, or the URL is none.
    pub(super) fn workspace(&self) -> Result<Workspace, Error> {
        self.workspace_with(&token::find(self.token_file.as_deref())?)
    }

    /// The same with this token.
    ///
    /// # Errors
    ///
    /// If it can be none, or the URL is none.
    pub(super) fn workspace_with(&self, token: &str) -> Result<Workspace, Error> {
        let workspace = Workspace::new(self.region(), access_token(token)?);
        match &self.intercom_base_url {
            None => Ok(workspace),
            Some(url) => workspace
                .with_base_url(url)
                .map_err(|error| Error::Usage(format!("--intercom-base-url: {error}"))),
        }
    }

    /// The workspace of the token, in another region of Intercom.
    ///
    /// # Errors
    ///
    /// If there is no token.
    pub(super) fn workspace_in(&self, region: Region) -> Result<Workspace, Error> {
        let token = token::find(self.token_file.as_deref())?;
        Ok(Workspace::new(region, access_token(&token)?))
    }

    /// The region.
    pub(super) fn region(&self) -> Region {
        self.region.unwrap_or_default()
    }

    /// The file with the token, if it comes from one.
    pub(super) fn token_file(&self) -> Option<&Path> {
        self.token_file.as_deref()
    }

    /// Takes what is not given from these settings.
    pub(super) fn or(&mut self, token_file: Option<PathBuf>, region: Region, intercom_base_url: Option<String>) {
        self.token_file = self.token_file.take().or(token_file);
        // A URL is that of a region.
        if self.region.is_none() {
            self.intercom_base_url = self.intercom_base_url.take().or(intercom_base_url);
        }
        self.region.get_or_insert(region);
    }

    /// Where calls go.
    pub(super) fn base_url(&self) -> &str {
        self.intercom_base_url.as_deref().unwrap_or(self.region().base_url())
    }

    /// Whether calls go to Intercom itself, as far as is known.
    pub(super) fn is_intercom(&self) -> bool {
        self.intercom_base_url.is_none()
    }
}

/// The client for all calls.
///
/// # Errors
///
/// If it cannot be set up.
pub(super) fn http_client(use_proxy: bool, call_timeout: Duration) -> Result<Client, Error> {
    Client::builder()
        .response_timeout(call_timeout)
        .use_proxy(use_proxy)
        .build()
        .map_err(|error| cannot(&error))
}

pub(super) fn access_token(token: &str) -> Result<AccessToken, Error> {
    AccessToken::new(token).map_err(|error| Error::Unauthorized(error.to_string()))
}

fn cannot(error: &client::Error) -> Error {
    Error::System(
        "cannot call Intercom".to_owned(),
        std::io::Error::other(error.to_string()),
    )
}
