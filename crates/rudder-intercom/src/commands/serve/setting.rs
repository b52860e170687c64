//! What a setting is: all that makes a flag, a variable and a key of a file of its declaration.

use super::config::Config;
use crate::commands::token;
use crate::values::{Format, Parser};
use clap::{Arg, ValueHint};

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

    /// The flag.
    pub(super) fn arg(&self, defaults: &Config) -> Arg {
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
