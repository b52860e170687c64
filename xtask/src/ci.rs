//! Everything that must hold before a change lands, in one command.

use crate::project;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Runs only the steps with these names
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    only: Vec<String>,
    /// Lists the steps, and runs none
    #[arg(long)]
    list: bool,
    /// Leaves steps out that read a folder beside this checkout, where that folder is missing
    #[arg(long)]
    allow_missing: bool,
}

/// One thing that must hold.
struct Step {
    name: &'static str,
    /// What to do if it does not.
    fix: &'static str,
    run: Run,
}

enum Run {
    /// A cargo command.
    Cargo(&'static [&'static str]),
    /// A cargo command with a variable set.
    With(&'static str, &'static str, &'static [&'static str]),
    /// A cargo command on a folder that only some checkouts have beside them; the folder is its last argument. Without it
    /// the step fails, unless that is allowed.
    Beside(&'static str, &'static [&'static str]),
    /// The same, but without the folder, where that is allowed, the command does what it can without.
    BesideIfThere(&'static str, &'static [&'static str]),
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        fix: "cargo fmt --all",
        run: Run::Cargo(&["fmt", "--all", "--check"]),
    },
    Step {
        name: "lint",
        fix: "fix what clippy names; `cargo clippy --fix` does much of it",
        run: Run::Cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "--deny",
            "warnings",
        ]),
    },
    Step {
        name: "test",
        fix: "fix the test or the code; `cargo xtask snapshots` accepts changed snapshots",
        run: Run::Cargo(&["test", "--workspace"]),
    },
    Step {
        name: "importers",
        fix: "make the crates such that the programs in tests/importers need no workaround, and the examples of the crates run; if \
            their lock file is out of date: cargo metadata --manifest-path tests/importers/Cargo.toml",
        run: Run::Cargo(&["xtask", "importers"]),
    },
    Step {
        name: "simulate",
        fix: "play the seed that failed again, with --trace, and fix what it shows",
        // As a release, which plays ten times as many: what goes wrong is rare.
        run: Run::Cargo(&[
            "run",
            "--release",
            "--package",
            "xtask",
            "--",
            "simulate",
            "--seeds",
            "10000",
        ]),
    },
    Step {
        name: "simulate-router",
        fix: "play the seed that failed again with the command that is printed, and fix what it shows",
        run: Run::Cargo(&[
            "run",
            "--release",
            "--package",
            "xtask",
            "--",
            "simulate-router",
            "--seeds",
            "60",
        ]),
    },
    Step {
        name: "rehearse",
        fix: "play the seed that failed again with the command that is printed, and fix what it shows",
        run: Run::Cargo(&[
            "xtask",
            "rehearse",
            "--seeds",
            "12",
            "--mode",
            "plain,kill,kill-lag,stop,faults,faults-kill,records,gateway,replay,gateway-replay",
        ]),
    },
    Step {
        name: "rehearse-router",
        fix: "play the seed that failed again with the command that is printed, and fix what it shows",
        run: Run::Cargo(&[
            "xtask",
            "rehearse",
            "--seeds",
            "8",
            "--mode",
            "router,router-lag,router-long-lag,router-outage,router-limit,router-faults,router-kill,router-kill-lag,\
             router-records,router-early,router-early-kill,router-token,router-attributes",
        ]),
    },
    Step {
        name: "faults",
        fix: "write the mistakes in xtask/src/faults/list.rs as they would be made in the code of now",
        run: Run::Cargo(&["xtask", "faults", "--check"]),
    },
    Step {
        name: "docs",
        fix: "fix the documentation that rustdoc names",
        run: Run::With(
            "RUSTDOCFLAGS",
            "--deny warnings",
            &["doc", "--workspace", "--no-deps", "--all-features"],
        ),
    },
    Step {
        name: "api",
        fix: "cargo xtask api, if the public API is meant to change",
        run: Run::Cargo(&["xtask", "api", "--check"]),
    },
    Step {
        name: "semver",
        fix: "keep what is named as it was in the last release, or raise the version as it says",
        run: Run::Cargo(&["xtask", "semver"]),
    },
    Step {
        name: "publish",
        fix: "complete the manifest, or the version of the dependency, that cargo names",
        // What is packaged is built by the other steps.
        run: Run::Cargo(&["publish", "--workspace", "--dry-run", "--no-verify", "--allow-dirty"]),
    },
    Step {
        name: "pure",
        fix: "take the dependency out of the pure crates, or put what needs it into another crate",
        run: Run::Cargo(&["xtask", "pure"]),
    },
    Step {
        name: "circles",
        fix: "move what the files share into a third that needs neither",
        run: Run::Cargo(&["xtask", "circles"]),
    },
    Step {
        name: "features",
        fix: "make the crate build without its default features, or name the dependency's feature that it lacks",
        run: Run::Cargo(&["xtask", "features"]),
    },
    Step {
        name: "rust-version",
        fix: "raise rust-version in the crate's manifest, or take a version of the dependency that does with less",
        run: Run::Cargo(&["xtask", "rust-version"]),
    },
    Step {
        name: "snapshots",
        fix: "cargo xtask snapshots",
        run: Run::Cargo(&["xtask", "snapshots", "--check"]),
    },
    Step {
        name: "coverage-of-rules",
        fix: "add a fixture for each thing that is named, then cargo xtask snapshots",
        run: Run::Cargo(&["xtask", "coverage-of-rules"]),
    },
    Step {
        name: "reference",
        fix: "cargo xtask docs",
        run: Run::Cargo(&["xtask", "docs", "--check"]),
    },
    Step {
        name: "site",
        fix: "make the link that is named lead somewhere",
        run: Run::Cargo(&["xtask", "site"]),
    },
    Step {
        name: "manual",
        fix: "make the program write its manual pages and completions",
        run: Run::Cargo(&["xtask", "manual"]),
    },
    Step {
        name: "contributing",
        fix: "make the example in CONTRIBUTING.md one that works",
        run: Run::Cargo(&["xtask", "contributing"]),
    },
    Step {
        name: "e2e",
        fix: "fix what the test names; if packages could not be installed, run it again where their registries can be reached",
        run: Run::Cargo(&["xtask", "e2e"]),
    },
    Step {
        name: "contracts",
        fix: "make the sandbox or the call do what is named, or, where Intercom's description is wrong, say so in known.py; \
              if packages could not be installed, run it again where their registries can be reached",
        run: Run::BesideIfThere("../shared", &["xtask", "contracts"]),
    },
    Step {
        name: "examples",
        fix: "make the models of intercom-api read and write what is named",
        run: Run::Beside("../shared/intercom-examples", &["xtask", "examples"]),
    },
    Step {
        name: "examples-2.16",
        fix: "make the models of intercom-api read and write what is named",
        run: Run::Beside("../shared/intercom-examples-2.16", &["xtask", "examples"]),
    },
    Step {
        name: "captures",
        fix: "make the events read and write what is named, and `send` deliver it",
        run: Run::Beside("../shared/sdk-captures", &["xtask", "captures"]),
    },
    Step {
        name: "requests",
        fix: "make the transformer carry out the request that is named",
        run: Run::Beside("../shared/rudder-server-captures", &["xtask", "requests"]),
    },
    Step {
        name: "conformance",
        fix: "make the service respond as expected, or list the deviation in crates/intercom-transformer/tests/conformance/allowed.rs",
        run: Run::Beside("../shared/conformance", &["xtask", "conformance"]),
    },
];

pub(crate) fn run(options: &Options) -> ExitCode {
    if options.list {
        for step in STEPS {
            println!("{}", step.name);
        }
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = options
        .only
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != name.as_str()))
    {
        eprintln!("error: there is no step {unknown:?}; `cargo xtask ci --list` lists them");
        return ExitCode::from(2);
    }
    let chosen = |step: &&Step| options.only.is_empty() || options.only.iter().any(|name| name == step.name);
    for step in STEPS.iter().filter(chosen) {
        println!("── {}", step.name);
        let start = Instant::now();
        match run_step(&step.run, options.allow_missing) {
            Ok(done) => println!("── {}: {done} in {:.0?}\n", step.name, start.elapsed()),
            Err(reason) => {
                eprintln!("\nerror: the step {:?} failed: {reason}", step.name);
                eprintln!("to fix it: {}", step.fix);
                eprintln!("to run it alone: cargo xtask ci --only {}", step.name);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn run_step(run: &Run, allow_missing: bool) -> Result<&'static str, String> {
    let mut command = project::cargo();
    match run {
        Run::Cargo(arguments) => command.args(*arguments),
        Run::With(name, value, arguments) => command.env(name, value).args(*arguments),
        Run::Beside(folder, arguments) | Run::BesideIfThere(folder, arguments) => {
            command.args(*arguments);
            match (project::root().join(folder).is_dir(), allow_missing, run) {
                (true, ..) => command.arg(Path::new(folder)),
                (false, true, Run::BesideIfThere(..)) => &mut command,
                (false, true, _) => return Ok("left out, because the folder it reads is missing,"),
                (false, false, _) => {
                    return Err(format!(
                        "the folder it reads, {folder}, is missing; --allow-missing leaves such steps out"
                    ));
                }
            }
        }
    };
    succeed(&mut command).map(|()| "passed")
}

fn succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("it ended with {status}")),
        Err(error) => Err(format!("it cannot be run: {error}")),
    }
}
