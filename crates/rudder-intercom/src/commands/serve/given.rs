//! The settings as they are given: by flags, by variables, in files of secrets.

use super::config::Config;
use super::setting::Setting;
use super::settings::{LOG, SETTINGS, named};
use crate::exit::Error;
use clap::{ArgMatches, Command, FromArgMatches};
use std::collections::BTreeMap;
use std::path::Path;

/// The settings that are given by flags and variables.
#[derive(Clone, Debug, Default)]
pub(super) struct Given(BTreeMap<&'static str, String>);

impl Given {
    /// Gives one more.
    pub(super) fn give(&mut self, name: &'static str, value: String) {
        self.0.insert(name, value);
    }

    /// Puts them over what is there.
    pub(super) fn apply(&self, config: &mut Config) -> Result<(), Error> {
        for setting in SETTINGS {
            if let Some(value) = self.0.get(setting.declared.name) {
                (setting.set)(config, value)
                    .map_err(|why| Error::Usage(format!("--{}: {why}", setting.declared.name)))?;
            }
        }
        Ok(())
    }

    /// The settings that are given.
    pub(super) fn settings(&self) -> impl Iterator<Item = &'static Setting> {
        SETTINGS
            .iter()
            .filter(|setting| self.0.contains_key(setting.declared.name))
    }
}

impl clap::Args for Given {
    fn augment_args(command: Command) -> Command {
        let defaults = Config::default();
        // The flag for the log belongs to all commands.
        let settings = SETTINGS.iter().filter(|setting| setting.declared.name != LOG);
        command.args(settings.map(|setting| setting.arg(&defaults)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = SETTINGS
            .iter()
            .filter(|setting| setting.declared.name != LOG)
            .filter_map(|setting| {
                let value = matches.get_one::<String>(setting.declared.name)?;
                Some((setting.declared.name, value.clone()))
            });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.append(&mut Self::from_arg_matches(matches)?.0);
        Ok(())
    }
}

/// A secret: the text of the file that the setting names, or else of the variable.
pub(super) fn secret(setting: &str, file: Option<&Path>) -> Result<Option<String>, Error> {
    let Some(path) = file else {
        let variable = named(setting).and_then(Setting::secret_variable);
        let text = variable.and_then(|variable| std::env::var(variable).ok());
        return Ok(text.filter(|text| !text.trim().is_empty()));
    };
    let text = std::fs::read_to_string(path).map_err(Error::open(path))?;
    match text.trim() {
        "" => Err(Error::Usage(format!("{} is empty", path.display()))),
        text => Ok(Some(text.to_owned())),
    }
}
