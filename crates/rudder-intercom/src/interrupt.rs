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
            while let Ok(signal) = signal() {
                signal.await;
                let _ = sender.try_send(());
            }
        });
    })?;
    Ok(receiver)
}

/// Waits for a Ctrl-C, or a request to terminate. Neither ends the program by itself any more once this returns.
///
/// Takes a tokio runtime with I/O.
#[cfg(unix)]
pub(crate) fn signal() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Waits for a Ctrl-C. It does not end the program by itself any more once this returns.
///
/// Takes a tokio runtime with I/O.
#[cfg(windows)]
pub(crate) fn signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
