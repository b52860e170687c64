//! The guide to a backfill: its commands are run, and what it shows of their output is what they print.
//!
//! A block of `console` has commands, each after `$ `, and their output. In one marked `console varies`, numbers may differ
//! from run to run.

use crate::project;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// Below the project's folder.
pub(crate) const GUIDE: &str = "BACKFILL.md";
/// The events that it is about, by the name that it gives them.
const EVENTS: &str = "backfill.ndjson";
/// What stands before what a command prints, in the output of all of them.
const MARK: &str = "\u{1}";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Adds so many events to those of the guide
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    events: usize,
    /// Runs this program, rather than build one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// A command of the guide, and what came of it.
struct Step {
    command: String,
    output: String,
    took: Duration,
}

/// Runs the commands, and prints them with their output and how long each took.
pub(crate) fn run(options: &Options) -> ExitCode {
    project::end(play(options))
}

fn play(options: &Options) -> Result<String, String> {
    let guide = fs::read_to_string(project::root().join(GUIDE)).map_err(|error| error.to_string())?;
    let commands = commands(&guide);
    let program = match &options.program {
        Some(program) => std::path::absolute(program).map_err(|error| error.to_string())?,
        None => build(&["--release"])?,
    };
    let steps = carry_out(&commands, &program, options.events)?;
    let mut differ = Vec::new();
    for (step, shown) in steps.iter().zip(shown(&guide)) {
        println!(
            "$ {}\n{}({:.1} s)\n",
            step.command,
            step.output,
            step.took.as_secs_f64()
        );
        if code(&step.output) != code(&shown) {
            differ.push(step.command.clone());
        }
    }
    match differ.is_empty() {
        true => Ok(format!("all {} commands ended as in {GUIDE}", steps.len())),
        false => Err(format!("these ended otherwise than in {GUIDE}:\n{}", differ.join("\n"))),
    }
}

/// The guide with what its commands print now; what differs in numbers alone, where those vary, stays as it is.
pub(crate) fn page() -> Result<String, String> {
    let guide = fs::read_to_string(project::root().join(GUIDE)).map_err(|error| error.to_string())?;
    let steps = carry_out(&commands(&guide), &build(&[])?, 0)?;
    let mut outputs = steps.into_iter().map(|step| step.output);
    let mut page = String::new();
    for part in parts(&guide) {
        match part {
            Part::Text(line) => page += line,
            Part::Command { text, output, varies } => {
                let now = outputs.next().unwrap_or_default();
                let is_same = masked(&now, varies) == masked(&output, varies);
                page += text;
                page += if is_same { &output } else { &now };
            }
        }
    }
    Ok(page)
}

/// A part of the guide.
enum Part<'g> {
    /// A line that is no command and no output.
    Text(&'g str),
    Command {
        /// Its lines.
        text: &'g str,
        output: String,
        /// Whether numbers differ from run to run.
        varies: bool,
    },
}

fn parts(guide: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut block = None;
    for line in guide.split_inclusive('\n') {
        match (block, line.trim_end()) {
            (None, "```console") => block = Some(false),
            (None, "```console varies") => block = Some(true),
            (Some(_), "```") => block = None,
            (Some(varies), command) if command.starts_with("$ ") => {
                parts.push(Part::Command {
                    text: line,
                    output: String::new(),
                    varies,
                });
                continue;
            }
            (Some(_), _) => {
                if let Some(Part::Command { output, .. }) = parts.last_mut() {
                    *output += line;
                    continue;
                }
            }
            (None, _) => {}
        }
        parts.push(Part::Text(line));
    }
    parts
}

fn commands(guide: &str) -> Vec<String> {
    let commands = parts(guide).into_iter().filter_map(|part| match part {
        Part::Command { text, .. } => text.strip_prefix("$ ").map(|text| text.trim_end().to_owned()),
        Part::Text(_) => None,
    });
    commands.collect()
}

fn shown(guide: &str) -> Vec<String> {
    let outputs = parts(guide).into_iter().filter_map(|part| match part {
        Part::Command { output, .. } => Some(output),
        Part::Text(_) => None,
    });
    outputs.collect()
}

/// The line that says with which code a command has ended, if that is not 0.
fn code(output: &str) -> Option<&str> {
    output.lines().last().filter(|line| line.starts_with("[exit code "))
}

/// An output without what differs from run to run: how long it took, the ids of requests, and how many calls events took
/// that were under way together; if it varies, without all numbers.
fn masked(output: &str, varies: bool) -> String {
    let words: Vec<&str> = output.split_inclusive([' ', '\n']).collect();
    let mut masked = String::new();
    for (at, word) in words.iter().enumerate() {
        let last = at.checked_sub(1).map_or("", |at| words[at]);
        let is_of_calls = words.get(at + 1).is_some_and(|next| next.starts_with("call"));
        let is_time = last == "in " && word.trim_end().parse::<f64>().is_ok();
        match varies {
            _ if last == "(request " => {}
            // Columns are aligned to the right.
            true if *word == " " => {}
            false if !is_of_calls && !is_time => masked += word,
            _ => masked.extend(
                word.chars()
                    .filter(|c| !c.is_ascii_digit() && !matches!(c, ',' | '.' | '-')),
            ),
        }
    }
    masked
}

/// Builds the program, and gives its path.
pub(crate) fn build(flags: &[&str]) -> Result<PathBuf, String> {
    let mut build = project::cargo();
    build
        .args(["build", "--quiet", "--package", "rudder-intercom"])
        .args(flags);
    match build.status() {
        Ok(status) if status.success() => {}
        _ => return Err("the program cannot be built".to_owned()),
    }
    Ok(project::program(if flags.is_empty() { "debug" } else { "release" }))
}

/// Runs the commands one after the other in a folder of their own.
fn carry_out(commands: &[String], program: &Path, more: usize) -> Result<Vec<Step>, String> {
    let folder = project::root().join("target/guide");
    let script = prepare(commands, &folder, more).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut shell = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        let is_setting = name.to_str().is_some_and(|name| name.starts_with("RUDDER_INTERCOM_"));
        if is_setting || name == "RUST_LOG" || name == "INTERCOM_ACCESS_TOKEN" {
            shell.env_remove(name);
        }
    }
    let places = std::env::var_os("PATH").unwrap_or_default();
    let places = program
        .parent()
        .map(Path::to_owned)
        .into_iter()
        .chain(std::env::split_paths(&places));
    shell
        .arg("-c")
        .arg(script)
        .current_dir(&folder)
        .env("PATH", std::env::join_paths(places).map_err(|error| error.to_string())?)
        .stdin(Stdio::null());
    let run = shell.output().map_err(|error| format!("bash cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&run.stdout);
    let mut steps = Vec::new();
    for (command, text) in commands.iter().zip(text.split(MARK).skip(1)) {
        // The output, and behind another mark of the script how it ended.
        let (output, end) = text.rsplit_once('\u{2}').unwrap_or((text, ""));
        let (code, micros) = end.trim().split_once(' ').unwrap_or_default();
        let mut output = output.to_owned();
        if code != "0" {
            let _ = writeln!(output, "[exit code {code}]");
        }
        steps.push(Step {
            command: command.clone(),
            output,
            took: Duration::from_micros(micros.parse().unwrap_or_default()),
        });
    }
    match steps.len() == commands.len() {
        true => Ok(steps),
        false => Err(format!(
            "only {} of {} commands were run: {}",
            steps.len(),
            commands.len(),
            String::from_utf8_lossy(&run.stderr)
        )),
    }
}

/// Makes the folder with the events, and the script.
fn prepare(commands: &[String], folder: &Path, more: usize) -> std::io::Result<String> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut events = fs::read_to_string(project::root().join("fixtures").join(EVENTS))?;
    (0..more).for_each(|number| event(number, (more / 5).max(1), &mut events));
    fs::write(folder.join(EVENTS), events)?;
    let mut script = String::from("trap 'kill $(jobs -p) 2> /dev/null' EXIT\n");
    for command in commands {
        // Writing to a string does not fail.
        let _ = write!(
            script,
            "printf '\\1'; began=${{EPOCHREALTIME/./}}\n{{ {command}\n}} 2>&1\n\
             printf '\\2%s %s\\n' $? $((${{EPOCHREALTIME/./}} - began))\n"
        );
    }
    Ok(script)
}

/// One of many events: each person is first identified, then in a group or tracked.
fn event(number: usize, people: usize, events: &mut String) {
    let person = number % people;
    let (minute, second) = (number / 60 % 60, number % 60);
    let _ = write!(
        events,
        "{{\"messageId\":\"more-{number}\",\"timestamp\":\"2026-03-02T10:{minute:02}:{second:02}Z\",\"userId\":\"user-{person}\","
    );
    let _ = match number / people {
        0 => writeln!(
            events,
            "\"type\":\"identify\",\"traits\":{{\"email\":\"user-{person}@example.com\",\"plan\":\"pro\",\"seats\":{}}}}}",
            person % 50
        ),
        1 => writeln!(
            events,
            "\"type\":\"group\",\"groupId\":\"group-{}\",\"traits\":{{\"name\":\"Group {0}\"}}}}",
            person % 500
        ),
        _ => writeln!(
            events,
            "\"type\":\"track\",\"event\":\"Order Completed\",\"properties\":{{\"order_id\":\"more-{number}\",\"total\":{person}}}}}"
        ),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_their_output_are_told_apart() {
        let guide = "a\n```console\n$ one\nx\n$ two\n```\nb\n```console varies\n$ three\n1 y\n```\n```sh\n$ no\n```\n";
        assert_eq!(commands(guide), ["one", "two", "three"]);
        assert_eq!(shown(guide), ["x\n", "", "1 y\n"]);
    }

    #[test]
    fn only_what_varies_is_left_out() {
        assert_eq!(masked("3 calls in 0.2 s", false), masked("3 calls in 10.3 s", false));
        assert_eq!(masked("3 calls", false), masked("1,014 calls", false));
        assert_ne!(masked("3 events in 0.2 s", false), masked("4 events in 0.2 s", false));
        assert_eq!(masked("a     1,234 -", true), masked("a         7  5", true));
        assert_ne!(masked("a 1", true), masked("b 1", true));
    }
}
