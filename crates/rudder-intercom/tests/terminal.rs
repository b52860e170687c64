//! `send` on a terminal: a pseudo-terminal stands in for the user's.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Served, fixture, identify, program};
use intercom_sandbox::Settings;
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for what must come, before a program counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program on a terminal of its own, which is its controlling terminal: what is typed there reaches it as from a shell.
struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    output: Receiver<Vec<u8>>,
    shown: String,
    started: Instant,
}

impl Terminal {
    fn start(command: std::process::Command, stdin: Option<Stdio>) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, 100)).unwrap();
        let mut command = Command::from(command).env("TERM", "xterm");
        if let Some(stdin) = stdin {
            command = command.stdin(stdin);
        }
        let started = Instant::now();
        let child = command.spawn(pts).unwrap();
        let (pty, (output_in, output)) = (Arc::new(pty), channel());
        let reading = Arc::clone(&pty);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Once nobody has the terminal open, reading fails or ends.
            while let Ok(count @ 1..) = (&*reading).read(&mut buffer) {
                if output_in.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            pty,
            output,
            shown: String::new(),
            started,
        }
    }

    /// Waits until the terminal shows this, and forgets what came before it; how long after the start that is.
    fn wait_for(&mut self, text: &str) -> Duration {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return self.started.elapsed();
            }
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(end) => panic!("{text:?} is not shown ({end}), but: {:?}", self.shown),
            }
        }
    }

    /// Presses a key.
    fn press(&self, key: u8) {
        (&*self.pty).write_all(&[key]).unwrap();
    }

    /// Waits until the program has ended and the terminal is closed; what is shown that was not waited for.
    fn end(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end, and shows: {:?}", self.shown),
            }
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.shown))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already, unless a test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CTRL_C: u8 = 3;

#[test]
fn the_first_command_shows_at_once_that_it_works_and_delivers() {
    // The machine may be busy; no machine is so at every one of these.
    let mut first_output = Duration::MAX;
    for _ in 0..10 {
        let mut send = program();
        send.arg("send").arg(fixture("quickstart.ndjson")).arg("--sandbox");
        let mut terminal = Terminal::start(send, None);
        first_output = first_output.min(terminal.wait_for("\u{1b}["));
        terminal.wait_for("7 of 7 events delivered");
        let (status, _) = terminal.end();
        assert_eq!(status.code(), Some(0));
        if first_output < Duration::from_secs(1) {
            return;
        }
    }
    panic!("nothing is shown for {first_output:.1?}");
}

#[test]
fn the_progress_moves_and_ctrl_c_ends_a_delivery_that_can_go_on() {
    let intercom = Served::new(Settings::default().with_any_attribute(true));
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let send = || {
        let mut send = program();
        send.env("INTERCOM_ACCESS_TOKEN", "t");
        send.args(["send", "--intercom-base-url", intercom.url(), "--journal"]);
        send.arg(&journal);
        send
    };
    // An input that comes slowly, and does not end.
    let (input, mut slowly) = std::io::pipe().unwrap();
    let mut terminal = Terminal::start(send(), Some(input.into()));
    writeln!(slowly, "{}", identify(1)).unwrap();
    terminal.wait_for("1 event, ");
    writeln!(slowly, "{}\n{}", identify(2), identify(3)).unwrap();
    terminal.wait_for("3 events, ");
    terminal.press(CTRL_C);
    terminal.wait_for("finishing what is in flight; Ctrl-C again to give it up");
    let (status, shown) = terminal.end();
    assert_eq!(status.code(), Some(130), "{shown}");
    assert!(shown.contains("3 of 3 events delivered"), "{shown}");
    assert!(
        shown.contains("interrupted; the same command goes on where it was"),
        "{shown}"
    );

    let whole = folder.path().join("whole");
    fs::write(
        &whole,
        (1..=5).map(|number| identify(number) + "\n").collect::<String>(),
    )
    .unwrap();
    let mut rest = send();
    rest.arg(&whole);
    let (status, shown) = Terminal::start(rest, None).end();
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(shown.contains("5 of 5 events delivered"), "{shown}");
    assert!(shown.contains("3 of them done by earlier runs"), "{shown}");
}
