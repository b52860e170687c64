//! Ctrl-C and the request to terminate, as a message.

use crossbeam_channel::{Receiver, bounded};
use std::{io, thread};

/// A channel that gets a message at every Ctrl-C, and at every request to terminate.
///
/// From now on these do not end the program by themselves.
pub(crate) fn channel() -> io::Result<Receiver<()>> {
    let (sender, receiver) = bounded(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    thread::Builder::new().name("interrupt".into()).spawn(move || {
        runtime.block_on(async {
            while signal().await.is_ok() {
                let _ = sender.try_send(());
            }
        });
    })?;
    Ok(receiver)
}

/// Waits for a Ctrl-C, or a request to terminate.
#[cfg(unix)]
pub(crate) async fn signal() -> io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for a Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
