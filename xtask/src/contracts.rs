//! The sandbox and the program's calls against what nobody here wrote: Intercom's own clients, and its OpenAPI
//! descriptions.
//!
//! Whatever is installed lies below `target/contracts`; nothing else of the checkout is touched.

use crate::install::{self, NODE, NPM, Need, PYTHON, copy, npm, python, succeed};
use crate::project;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder with the descriptions and the captured events; without it, the clients alone are run
    #[arg(value_name = "DIR")]
    shared: Option<PathBuf>,
}

const NEEDS: &[Need] = &[NODE, NPM, PYTHON];

pub(crate) fn run(options: &Options) -> ExitCode {
    project::end(check(options.shared.as_deref()).map(|()| "the contracts hold".to_owned()))
}

fn check(shared: Option<&Path>) -> Result<(), String> {
    let absolute = |folder: &Path| {
        let folder = folder.canonicalize();
        folder.map_err(|error| format!("the folder with the descriptions cannot be read: {error}"))
    };
    let shared = shared.map(absolute).transpose()?;
    install::packages(NEEDS)?;
    succeed(project::cargo().args(["build", "--package", "rudder-intercom"]))?;
    let target = project::root().join("target/contracts");
    let tests = target.join("tests");
    copy(&project::root().join("crates/intercom-sandbox/contracts"), &tests)?;
    npm(&tests)?;
    let python = python(&tests.join("requirements.txt"), &target.join("python"))?;

    let program = project::program("debug");
    let tool = |name: &Path| {
        let mut tool = Command::new(name);
        tool.env("RUDDER_INTERCOM", &program).current_dir(&tests);
        tool
    };
    let mut node = tool(Path::new("node"));
    node.args(["--test", "--test-reporter=spec", "--test-timeout=120000"]);
    succeed(node.args(["client-2.test.mjs", "client-4-5.test.mjs", "client-6-7.test.mjs"]))?;
    succeed(tool(&python).arg("client_python.py"))?;
    let Some(shared) = shared else {
        println!("there are no descriptions: neither requests nor responses are compared with them");
        return Ok(());
    };
    succeed(tool(&python).arg("traffic.py").arg(project::root()).arg(&shared))?;
    succeed(tool(&python).arg("fuzz.py").arg(&shared))
}
