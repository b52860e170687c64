//! Connections that do not wait for their peer for ever, and how many a peer may have.

use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tracing::Instrument as _;

/// The requests of a connection whose heads have come, and those of them that have a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<[AtomicU64; 2]>);

impl Progress {
    fn begun(&self) -> u64 {
        self.0[0].load(Ordering::Acquire)
    }

    /// The head of a request has come, which is in progress until what this gives is dropped.
    pub(crate) fn begin(&self) -> InProgress {
        self.0[0].fetch_add(1, Ordering::AcqRel);
        InProgress(self.clone())
    }

    fn is_busy(&self) -> bool {
        self.0[1].load(Ordering::Acquire) < self.begun()
    }
}

/// Counts a request until it has its response.
pub(crate) struct InProgress(Progress);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.0[1].fetch_add(1, Ordering::AcqRel);
    }
}

/// Records a request as a span.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let span = tracing::debug_span!(
        "request",
        method = request.method().as_str(),
        // The path itself may name somebody.
        route = route.map_or("", MatchedPath::as_str),
        status = tracing::field::Empty,
    );
    let response = next.run(request).instrument(span.clone()).await;
    span.record("status", i64::from(response.status().as_u16()));
    response
}

/// A point in time that is set when a wait begins.
#[derive(Debug)]
struct Deadline {
    timeout: Duration,
    at: Option<Instant>,
    /// Made once something waits.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            at: None,
            timer: None,
        }
    }

    /// Sets it, unless it is set.
    fn arm(&mut self) {
        if self.at.is_none() {
            self.at = Instant::now().checked_add(self.timeout);
        }
    }

    fn disarm(&mut self) {
        self.at = None;
        self.timer = None;
    }

    /// Fails if it has passed, and else has the task woken when it does.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(at) = self.at else { return Ok(()) };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

/// A connection that fails if the head of a request takes too long from its first byte on, or if nothing of a response is
/// taken for too long. How long a body may take is the business of whoever reads it.
#[derive(Debug)]
pub(crate) struct Timed {
    stream: TcpStream,
    progress: Progress,
    /// How many requests had begun when this was last looked at.
    seen: u64,
    head: Deadline,
    write: Deadline,
}

impl Timed {
    /// A connection on which the first request is waited for.
    pub(crate) fn new(stream: TcpStream, progress: Progress, head: Duration, write: Duration) -> Self {
        let mut head = Deadline::new(head);
        head.arm();
        Self {
            stream,
            progress,
            seen: 0,
            head,
            write: Deadline::new(write),
        }
    }

    fn written(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.write.disarm();
        } else {
            self.write.arm();
            self.write.check(context)?;
        }
        written
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let begun = this.progress.begun();
        if begun != this.seen {
            this.seen = begun;
            this.head.disarm();
        }
        let is_busy = this.progress.is_busy();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        // What has come is not too late, however busy this program was meanwhile.
        if read.is_pending() && !is_busy {
            this.head.check(context)?;
        } else if !is_busy && buffer.filled().len() > before {
            this.head.arm();
        }
        read
    }
}

impl AsyncWrite for Timed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// How many connections each peer has. A proxy on this machine stands for many, so loopback addresses are not counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of a peer.
#[derive(Debug)]
pub(crate) struct Peer {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    /// Counts one more connection of a peer, if that is not too many.
    pub(crate) fn connect(&self, address: IpAddr, most: usize) -> Option<Peer> {
        let address = subscriber(address);
        if !address.is_loopback() {
            let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = connections.entry(address).or_default();
            if *count >= most {
                return None;
            }
            *count += 1;
        }
        Some(Peer {
            peers: self.clone(),
            address,
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut connections = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = connections.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// Whose address it is: with IPv6, a subscriber has all those with the same first half.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_so_many_connections_and_no_more() {
        let peers = Peers::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = peers.connect(address("2001:db8::1"), 2);
        let second = peers.connect(address("2001:db8::2"), 2);
        assert!(first.is_some() && second.is_some());
        assert!(peers.connect(address("2001:db8::3"), 2).is_none());
        assert!(peers.connect(address("2001:db8:0:1::1"), 2).is_some());
        drop(first);
        assert!(peers.connect(address("2001:db8::3"), 2).is_some());
        drop(second);
        assert!(peers.0.lock().unwrap().is_empty());

        let _v4 = peers.connect(address("192.0.2.1"), 1);
        assert!(peers.connect(address("::ffff:192.0.2.1"), 1).is_none());
        for loopback in ["127.0.0.1", "::1"] {
            assert!(peers.connect(address(loopback), 0).is_some());
        }
    }
}
