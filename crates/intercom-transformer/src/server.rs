//! Connections: accepted, timed, and let go of gracefully.

use crate::connection::{Peers, Progress, Timed, trace};
use crate::problem;
use crate::service::{Routes, Transformer};
use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::middleware;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer as _, ServiceExt as _};
use tower_http::normalize_path::NormalizePathLayer;

/// How long to wait after a connection could not be accepted, for want of file descriptors perhaps.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the head of a request may be, and how much of one is held beyond that at a time.
const BUFFER: usize = 64 << 10;

/// The same while few connections are open: most requests come in one piece then, which is a good part faster.
const LARGE_BUFFER: usize = 512 << 10;

/// So many connections at most have a large buffer, so that all of them together take little memory.
const FEW: usize = 32;

impl Transformer {
    /// Serves all its paths until `stop` is ready, then finishes what is in progress.
    ///
    /// # Errors
    ///
    /// If requests are still in progress when the shutdown timeout has passed.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
        self.serve_with(listener, Routes::ALL, Router::new(), stop).await
    }

    /// Serves some of its paths, and other routes besides them on the same connections, until `stop` is ready.
    ///
    /// Requests have the address that they come from as axum's `ConnectInfo<SocketAddr>`.
    ///
    /// # Errors
    ///
    /// If requests are still in progress when the shutdown timeout has passed.
    ///
    /// # Panics
    ///
    /// If the other routes have a path of [`router`](Self::router), or a fallback.
    pub async fn serve_with(
        &self,
        listener: TcpListener,
        routes: Routes,
        others: Router,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let is_loopback = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
        let router = self.routes(routes, is_loopback);
        let mut router = router.merge(others);
        // Each layer of a router costs every request some allocations: there is none for spans that nobody takes.
        if tracing::enabled!(tracing::Level::DEBUG) {
            router = router.layer(middleware::from_fn(trace));
        }
        let settings = &self.intercom.settings;
        let service = NormalizePathLayer::trim_trailing_slash().layer(router);
        let service = problem::catch_panics().layer(service);
        // HTTP/1.1 is what rudder-server speaks. To tell it from HTTP/2 would mean to wait for the first bytes, untimed.
        let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
        server
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.idle_timeout);
        let graceful = GracefulShutdown::new();
        let most = settings.max_connections.get().min(Semaphore::MAX_PERMITS);
        let rooms = Arc::new(Semaphore::new(most));
        let peers = Peers::default();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = next(&listener, &rooms) => accepted,
            };
            let (stream, peer, room) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // Responses are written whole, so waiting for more would only cost time.
            let _ = stream.set_nodelay(true);
            let Some(place) = peers.connect(peer.ip(), settings.max_connections_per_peer.get()) else {
                tracing::debug!("a connection was closed: its peer has too many");
                continue;
            };
            let progress = Progress::default();
            let stream = Timed::new(
                stream,
                progress.clone(),
                settings.header_timeout,
                settings.write_timeout,
            );
            let service = service.clone();
            let service = tower::service_fn(move |mut request: Request<_>| {
                let in_progress = progress.begin();
                request.extensions_mut().insert(ConnectInfo(peer));
                let response = service.clone().oneshot(request);
                async move {
                    let response = response.await;
                    drop(in_progress);
                    response
                }
            });
            let service = TowerToHyperService::new(service);
            let is_among_few = most - rooms.available_permits() <= FEW;
            let buffer = if is_among_few { LARGE_BUFFER } else { BUFFER };
            server.http1().max_buf_size(buffer);
            let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
            let connection = graceful.watch(connection);
            let open = self.intercom.metrics.connection();
            tokio::spawn(async move {
                let _guards = (room, place, open);
                if let Err(error) = connection.await {
                    tracing::debug!(error = %error, "a connection ended early");
                }
            });
        }
        drop(listener);
        self.intercom.stopping.send_replace(true);
        tracing::info!("stopping: no more connections are accepted");
        tokio::time::timeout(settings.shutdown_timeout, graceful.shutdown())
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "requests were still in progress at the stop"))
    }
}

async fn next(
    listener: &TcpListener,
    rooms: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let room = Arc::clone(rooms).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, room))
}
