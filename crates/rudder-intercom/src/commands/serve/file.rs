//! The settings as a TOML file: read and printed.

use super::config::Config;
use super::given::secret;
use super::setting::Setting;
use super::settings::{SETTINGS, named};
use crate::exit::Error;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// How alike a key and a name must be to be taken for each other.
const ALIKE: f64 = 0.8;

/// Reads the file over what is there.
pub(super) fn read(path: &Path, config: &mut Config) -> Result<(), Error> {
    let text = std::fs::read_to_string(path).map_err(Error::open(path))?;
    let faults = apply(&text, config);
    if faults.is_empty() {
        return Ok(());
    }
    let faults: Vec<String> = faults
        .into_iter()
        .map(|(line, fault)| format!("{}:{line}: {fault}", path.display()))
        .collect();
    Err(Error::Usage(faults.join("\n")))
}

/// Puts what the text says over what is there. Returns what is wrong, with the line. Values are never shown: a secret may
/// be among them by mistake.
pub(super) fn apply(text: &str, config: &mut Config) -> Vec<(usize, String)> {
    let line = |span: Range<usize>| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count();
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => return vec![(error.span().map_or(1, line), error.message().to_owned())],
    };
    let mut faults = Vec::new();
    for (key, value) in table {
        let (at, name) = (line(key.span()), key.into_inner());
        let result = match named(&name) {
            None => Err(unknown(&name)),
            Some(setting) => match value.into_inner() {
                DeValue::String(text) => (setting.set)(config, &text),
                DeValue::Integer(number) if number.radix() == 10 => (setting.set)(config, number.as_str()),
                DeValue::Float(number) => (setting.set)(config, number.as_str()),
                DeValue::Boolean(is_so) => (setting.set)(config, if is_so { "true" } else { "false" }),
                other => Err(format!(
                    "expected a string, a decimal number, true or false, not {}",
                    other.type_str()
                )),
            }
            .map_err(|why| format!("{name}: {why}")),
        };
        faults.extend(result.err().map(|fault| (at, fault)));
    }
    // A table has the order of its keys, a reader that of the lines.
    faults.sort_by_key(|(line, _)| *line);
    faults
}

fn unknown(key: &str) -> String {
    let likeness = |setting: &&Setting| strsim::jaro_winkler(key, setting.declared.name);
    let nearest = SETTINGS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|setting| likeness(setting) > ALIKE) {
        Some(setting) => format!("there is no setting `{key}`; did you mean `{}`?", setting.declared.name),
        None => format!("there is no setting `{key}`; --print-config prints those that there are"),
    }
}

/// The settings as a file that [`read`] takes, with what each is. Those without a value are commented out. Of secrets it says
/// only whether they are there.
pub(super) fn print(config: &Config) -> Result<String, Error> {
    let mut text = String::from("# The settings of `rudder-intercom serve`.\n");
    let defaults = Config::default();
    let mut heading = "";
    for setting in SETTINGS {
        let name = setting.declared.name;
        if heading != setting.declared.heading {
            heading = setting.declared.heading;
            text += &format!("\n# {heading}\n# {}\n", "-".repeat(heading.len()));
        }
        text.push('\n');
        // Writing to a string does not fail.
        for line in wrapped(&setting.describe()) {
            let _ = writeln!(text, "# {line}");
        }
        let names = setting.names().join(", ");
        if !names.is_empty() {
            let _ = writeln!(text, "# Values: {names}.");
        }
        let _ = writeln!(text, "# Default: {}.", setting.default(&defaults));
        let value = (setting.show)(config);
        if let Some(variable) = setting.secret_variable() {
            let found = secret(name, value.as_deref().map(Path::new))?;
            let found = found.map_or("is not set", |_| "is set (masked)");
            let _ = writeln!(text, "# The secret of {name} or {variable} {found}.");
        }
        let _ = match value {
            Some(value) => writeln!(text, "{name} = {}", quoted(&value)),
            None => writeln!(text, "# {name} = \"{}\"", setting.placeholder()),
        };
    }
    Ok(text)
}

/// Lines of at most a hundred characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| line.len() + word.len() < 100);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A value in TOML: a whole number, true and false as they are, anything else as a string.
fn quoted(value: &str) -> String {
    let is_number = value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    if is_number || value.parse::<bool>().is_ok() {
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
            listen = ":1"
            metrics-listen = "localhost:2"
            intercom-base-url = "http://gateway/{host}"
            call-timeout = "1500ms"
            request-timeout = 20
            connect-timeout = 2.5
            max-body-bytes = "1MiB"
            on-archived = "fail"
            api-version = "2.11"
            gateway = true
            store = "a \"file\" of # mine"
            max-queue-bytes = "100GiB"
            max-queue-age = "7d"
            region = "eu"
            attributes = "create"
            log = "debug"
            log-format = "json"
        "#;
        let mut config = Config::default();
        assert_eq!(apply(text, &mut config), []);
        assert_eq!(config.listen.to_string(), "0.0.0.0:1");
        assert_eq!(config.service.call_timeout.as_millis(), 1500);
        assert_eq!(config.service.request_timeout.as_secs(), 20);
        assert_eq!(config.service.max_body_bytes.get(), 1 << 20);
        assert!(config.is_gateway && !config.sandbox);
        assert_eq!(config.kept.bounds.bytes, 100 << 30);
        assert_eq!(config.kept.bounds.age.map(|age| age.as_secs()), Some(604_800));
        assert_eq!(config.gateway.destination.region.to_string(), "Europe");
        let printed = print(&config).unwrap();
        let mut again = Config::default();
        assert_eq!(apply(&printed, &mut again), []);
        assert_eq!(print(&again).unwrap(), printed);
        for setting in SETTINGS {
            assert_eq!(
                (setting.show)(&again),
                (setting.show)(&config),
                "{}",
                setting.declared.name
            );
        }
    }

    #[test]
    fn mistakes_are_named_with_line_and_key_and_without_values() {
        let text = "\nmax-cals = 1\nmax-calls = 0\nxyzzy = 1\ncall-timeout = 's3cret'\ngateway = 'perhaps'\nregion = 'Mars'\nlisten = []\nlog-format = 'xml'\n";
        let faults: Vec<String> = apply(text, &mut Config::default())
            .into_iter()
            .map(|(line, fault)| format!("{line}: {fault}"))
            .collect();
        assert_eq!(
            faults,
            [
                "2: there is no setting `max-cals`; did you mean `max-calls`?",
                "3: max-calls: expected a whole number, at least 1",
                "4: there is no setting `xyzzy`; --print-config prints those that there are",
                "5: call-timeout: expected a time such as 500ms, 30s, 2h or 7d, at most 3650d",
                "6: gateway: expected true or false",
                "7: region: expected one of US, Europe, Australia",
                "8: listen: expected a string, a decimal number, true or false, not array",
                "9: log-format: expected one of text, json",
            ]
        );
        let torn = apply("gateway = true\nlisten = \"s3cret\n", &mut Config::default());
        assert!(
            matches!(torn.as_slice(), [(2, fault)] if !fault.contains("s3cret")),
            "{torn:?}"
        );
    }
}
