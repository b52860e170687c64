//! What a setting is: all that makes a flag, a variable and a key of a file of its declaration.

use super::settings::{Config, LOG, SETTINGS};
use crate::commands::token;
use crate::exit::Error;
use crate::values::{Format, Parser};
use clap::{Arg, ArgMatches, Command, FromArgMatches, ValueHint};
use std::collections::BTreeMap;
use std::path::Path;

/// What is said where a setting is declared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared {
    /// The key of the file, and the flag without its dashes.
    pub(super) name: &'static str,
    /// The heading in the help.
    pub(super) heading: &'static str,
    /// What it is.
    pub(super) help: &'static str,
    /// What holds without it, if it has no default.
    pub(super) unset: &'static str,
}

/// A setting of `serve`.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) declared: Declared,
    placeholder: &'static str,
    hint: ValueHint,
    is_switch: bool,
    is_secret: bool,
    /// Checks a value, and gives it back as it is.
    check: Parser<String>,
    /// Reads a value into the settings, or says what is accepted.
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
    /// Writes the value that is in the settings, if there is one.
    pub(super) show: fn(&Config) -> Option<String>,
}

/// Checks that a text can be read.
fn check<F: Format<T>, T>(text: &str) -> Result<String, String> {
    F::parse(text).map(|_| text.to_owned())
}

/// The variable for a key.
fn variable(name: &str) -> String {
    format!("RUDDER_INTERCOM_{}", name.replace('-', "_").to_ascii_uppercase())
}

impl Setting {
    /// A setting in this format of the value that `_place` leads to.
    pub(super) const fn new<F: Format<T>, T>(
        declared: Declared,
        _place: fn(&Config) -> &T,
        show: fn(&Config) -> Option<String>,
        set: fn(&mut Config, &str) -> Result<(), String>,
    ) -> Self {
        Self {
            declared,
            placeholder: F::PLACEHOLDER,
            hint: F::HINT,
            is_switch: F::IS_SWITCH,
            is_secret: F::IS_SECRET,
            check: Parser {
                parse: check::<F, T>,
                names: F::names,
            },
            set,
            show,
        }
    }

    /// The setting with this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.declared.name == name)
    }

    /// What stands for a value.
    pub(super) fn placeholder(&self) -> &'static str {
        self.placeholder
    }

    /// The variable that holds the secret itself, if the setting is the file of one.
    pub(super) fn secret_variable(&self) -> Option<String> {
        let name = self.declared.name.strip_suffix("-file").filter(|_| self.is_secret)?;
        Some(match name {
            "token" => token::VARIABLE.to_owned(),
            name => variable(name),
        })
    }

    /// What it is, and what may stand in its place.
    pub(super) fn describe(&self) -> String {
        let mut text = self.declared.help.trim().to_owned();
        if let Some(variable) = self.secret_variable() {
            text += &format!(" Without it, {variable} is looked at.");
        }
        text
    }

    /// What holds if nothing is said.
    pub(super) fn default(&self, defaults: &Config) -> String {
        (self.show)(defaults).unwrap_or_else(|| self.declared.unset.to_owned())
    }

    /// All values, where they are few.
    pub(super) fn names(&self) -> Vec<String> {
        (self.check.names)()
    }

    fn arg(&self, defaults: &Config) -> Arg {
        let arg = Arg::new(self.declared.name)
            .long(self.declared.name)
            .env(variable(self.declared.name))
            .hide_env_values(true)
            .help_heading(self.declared.heading)
            .help(format!("{} [default: {}]", self.describe(), self.default(defaults)))
            .value_name(self.placeholder)
            .value_hint(self.hint)
            .value_parser(self.check.clone());
        if self.is_switch {
            arg.num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .hide_possible_values(true)
        } else {
            arg
        }
    }
}

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
        let variable = Setting::named(setting).and_then(Setting::secret_variable);
        let text = variable.and_then(|variable| std::env::var(variable).ok());
        return Ok(text.filter(|text| !text.trim().is_empty()));
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
