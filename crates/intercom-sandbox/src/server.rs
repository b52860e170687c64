//! The sandbox over HTTP/1.1 and HTTP/2 (without TLS).
//!
//! Besides Intercom's paths there are three of its own, which need no token, and are not for web pages of other machines:
//!
//! - `GET /_sandbox/state`: the whole [`State`](crate::State).
//! - `POST /_sandbox/reset`: empties the workspace.
//! - `PUT /_sandbox/faults`: replaces the [`Faults`].

use crate::faults::Faults;
use crate::request::{Request, UnixMillis};
use crate::sandbox::Sandbox;
use crate::settings::Settings;
use crate::state::State;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State as Shared, connect_info::Connected};
use axum::http::{self, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// A sandbox cannot be served, or no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// No port could be bound.
    #[error("cannot listen on the loopback interface")]
    Bind(#[source] io::Error),
    /// The server has stopped because of an error.
    #[error("the server of the sandbox has failed")]
    Serve(#[source] io::Error),
}

impl ServeError {
    /// A stable name of the kind of error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Bind(_) => "cannot_listen",
            Self::Serve(_) => "server_failed",
        }
    }

    /// Whether trying again may help.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Bind(_))
    }
}

/// Serves a new sandbox until `shutdown` completes; responses that are being made are still sent.
///
/// # Errors
///
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Serve)?;
    let sandbox = Sandbox::new(served_at(address, settings));
    serve_shared(listener, Arc::new(Mutex::new(sandbox)), shutdown).await
}

fn served_at(address: SocketAddr, mut settings: Settings) -> Settings {
    settings.base_url.get_or_insert_with(|| format!("http://{address}"));
    settings
}

/// Serves a new sandbox on a free port of 127.0.0.1, in a task of its own.
///
/// Must be called within a tokio runtime.
///
/// # Errors
///
/// If no port can be bound.
pub async fn spawn(settings: Settings) -> Result<RunningSandbox, ServeError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(ServeError::Bind)?;
    let address = listener.local_addr().map_err(ServeError::Bind)?;
    let sandbox = Arc::new(Mutex::new(Sandbox::new(served_at(address, settings))));
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        // An error means that the handle is gone, which stops the server too.
        let _ = stopped.await;
    };
    let task = tokio::spawn(serve_shared(listener, Arc::clone(&sandbox), shutdown));
    Ok(RunningSandbox {
        base_url: format!("http://{address}"),
        sandbox,
        stop,
        task,
    })
}

/// A sandbox that is being served. Dropping it stops the server.
pub struct RunningSandbox {
    base_url: String,
    sandbox: Arc<Mutex<Sandbox>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl RunningSandbox {
    /// Where it is served, such as `http://127.0.0.1:49152`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The whole state, as it is now.
    pub fn state(&self) -> State {
        lock(&self.sandbox).state()
    }

    /// Writes the whole state as JSON, without holding a second copy of it. Requests wait meanwhile.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_state(&self, writer: impl io::Write) -> io::Result<()> {
        lock(&self.sandbox).write_state(writer)
    }

    /// Does something with the sandbox itself, between two requests.
    pub fn with<T>(&self, act: impl FnOnce(&mut Sandbox) -> T) -> T {
        act(&mut lock(&self.sandbox))
    }

    /// Stops the server, having sent the responses that are being made.
    ///
    /// # Errors
    ///
    /// If the server had failed before.
    pub async fn shutdown(self) -> Result<(), ServeError> {
        drop(self.stop);
        self.task
            .await
            .map_err(|error| ServeError::Serve(io::Error::other(error)))?
    }
}

exact_json::debug_shows! { RunningSandbox { base_url, .. } }

/// A sandbox and its clock.
#[derive(Clone)]
struct App {
    sandbox: Arc<Mutex<Sandbox>>,
    started: Instant,
    started_at: UnixMillis,
    is_loopback: bool,
}

impl App {
    /// The time, which never goes back.
    fn now(&self) -> UnixMillis {
        self.started_at.after(self.started.elapsed())
    }
}

/// A panic while it was locked would be a fault of the sandbox; what it holds is still worth showing.
fn lock(sandbox: &Mutex<Sandbox>) -> MutexGuard<'_, Sandbox> {
    sandbox.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve_shared(
    listener: TcpListener,
    sandbox: Arc<Mutex<Sandbox>>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let address = listener.local_addr().map_err(ServeError::Serve)?;
    let app = App {
        is_loopback: address.ip().is_loopback(),
        sandbox,
        started: Instant::now(),
        started_at: UnixMillis(0).after(since_1970.unwrap_or_default()),
    };
    let router = Router::new().fallback(response).with_state(app);
    let service = router.into_make_service_with_connect_info::<Cut>();
    axum::serve(Listening(listener), service)
        .with_graceful_shutdown(shutdown)
        .await
        .map_err(ServeError::Serve)
}

async fn response(
    Shared(app): Shared<App>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    request: http::Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let is_own = parts.uri.path().starts_with("/_sandbox/");
    if is_own && let Err(foreign) = http_access::check_browser(&parts.uri, &parts.headers, app.is_loopback) {
        return answer(StatusCode::FORBIDDEN, format!("{foreign}\n"));
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return match is_own {
            true => plain(StatusCode::PAYLOAD_TOO_LARGE),
            false => sent(lock(&app.sandbox).refuse_body(app.now())),
        };
    };
    if is_own {
        return own(&app, &parts.method, target, &body);
    }
    let mut request = Request::new(parts.method.as_str(), target).body(&body);
    request.authorization = text(&parts.headers, &header::AUTHORIZATION);
    request.version = text(&parts.headers, &HeaderName::from_static("intercom-version"));
    let made = lock(&app.sandbox).handle(request, app.now());
    if let Some(delay) = made.delay {
        tokio::time::sleep(delay).await;
    }
    if made.dropped.is_some() {
        connection.cut();
        return plain(StatusCode::SERVICE_UNAVAILABLE);
    }
    sent(made)
}

/// What the sandbox answers, for HTTP.
fn sent(made: crate::request::Response) -> Response {
    let status = StatusCode::from_u16(made.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = answer(status, made.body);
    for (name, value) in made.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn answer(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

fn plain(status: StatusCode) -> Response {
    answer(status, Body::empty())
}

fn json(body: Vec<u8>) -> Response {
    let mut response = answer(StatusCode::OK, body);
    let value = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

/// The sandbox's own paths.
fn own(app: &App, method: &http::Method, target: &str, body: &[u8]) -> Response {
    match (method.as_str(), target) {
        ("GET", "/_sandbox/state") => {
            let mut state = Vec::new();
            match lock(&app.sandbox).write_state(&mut state) {
                Ok(()) => json(state),
                Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
            }
        }
        ("POST", "/_sandbox/reset") => {
            lock(&app.sandbox).reset();
            plain(StatusCode::NO_CONTENT)
        }
        ("PUT", "/_sandbox/faults") => match serde_json::from_slice::<Faults>(body) {
            Ok(faults) => {
                lock(&app.sandbox).set_faults(faults);
                plain(StatusCode::NO_CONTENT)
            }
            Err(error) => answer(StatusCode::BAD_REQUEST, format!("{error}\n")),
        },
        _ => plain(StatusCode::NOT_FOUND),
    }
}

/// The way to cut a connection off, so that no response leaves it any more.
#[derive(Clone, Debug, Default)]
struct Cut(Arc<AtomicBool>);

impl Cut {
    fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, Listening>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Listening>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A listener whose connections can be cut.
struct Listening(TcpListener);

impl Listener for Listening {
    type Io = Connection;
    type Addr = Cut;

    async fn accept(&mut self) -> (Connection, Cut) {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => {
                    // Responses are written in one piece, and somebody is waiting for each.
                    let _ = stream.set_nodelay(true);
                    let cut = Cut::default();
                    let connection = Connection {
                        stream,
                        cut: cut.clone(),
                    };
                    return (connection, cut);
                }
                // Out of file descriptors, for instance: some may be free soon.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Cut> {
        Ok(Cut::default())
    }
}

/// A connection that can be cut.
struct Connection {
    stream: TcpStream,
    cut: Cut,
}

impl Connection {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.is_cut() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        self.stream().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        self.stream().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}
