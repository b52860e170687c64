//! A gateway in front of a sandbox, in this process.

use intercom_delivery::client::{AccessToken, Client, HttpTransport, Workspace};
use intercom_sandbox::RunningSandbox;
use reqwest::{RequestBuilder, StatusCode};
use rudder_gateway::store::{Queue, Store, StoreSettings};
use rudder_gateway::{Gateway, KeyList, Secret, Settings, WriteKeys};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Bench {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    pub(crate) sandbox: RunningSandbox,
    folder: TempDir,
    stop: oneshot::Sender<()>,
    gateway: JoinHandle<Result<(), rudder_gateway::store::Error>>,
}

pub(crate) fn settings() -> Settings {
    with_keys(WriteKeys::These(KeyList::new(vec![Secret::new("WK").unwrap()])))
}

pub(crate) fn with_keys(keys: WriteKeys) -> Settings {
    let mut settings = Settings::new(keys);
    settings.is_loopback = true;
    settings
}

pub(crate) async fn sandbox() -> RunningSandbox {
    intercom_sandbox::spawn(intercom_sandbox::Settings::default())
        .await
        .unwrap()
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(settings(), StoreSettings::new()).await
    }

    pub(crate) async fn with(settings: Settings, store: StoreSettings) -> Self {
        Self::on(tempfile::tempdir().unwrap(), sandbox().await, settings, store).await
    }

    pub(crate) async fn on(folder: TempDir, sandbox: RunningSandbox, settings: Settings, store: StoreSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let store = Store::open(&folder.path().join("events.db"), store).unwrap();
        let transport = transport(sandbox.base_url());
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        let gateway = tokio::spawn(serve(listener, settings, store, transport, stopped));
        Self {
            url,
            client: client(),
            sandbox,
            folder,
            stop,
            gateway,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    pub(crate) fn queue(&self) -> Queue {
        Queue::open(&self.path()).unwrap()
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
    }

    /// Sends JSON with the right key.
    pub(crate) async fn send(&self, path: &str, body: &Value) -> (StatusCode, String) {
        let request = self.post(path).basic_auth("WK", Some("")).body(body.to_string());
        response(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = response(self.client.get(format!("{}{path}", self.url))).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Waits until the queue is empty.
    pub(crate) async fn drained(&self) {
        self.until(|queue| queue.status().unwrap().events == 0).await;
    }

    pub(crate) async fn until(&self, is_so: impl Fn(&Queue) -> bool) {
        let queue = self.queue();
        let waited = tokio::time::timeout(Duration::from_secs(60), async {
            while !is_so(&queue) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.expect("it takes far too long");
    }

    pub(crate) async fn stop(self) -> (TempDir, RunningSandbox) {
        drop(self.stop);
        self.gateway.await.unwrap().unwrap();
        (self.folder, self.sandbox)
    }
}

/// A plain server of the gateway's routes, until `stop` completes.
pub(crate) async fn serve(
    listener: TcpListener,
    settings: Settings,
    store: Store,
    transport: HttpTransport,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), rudder_gateway::store::Error> {
    let gateway = Gateway::start(settings, store, transport)?;
    let service = gateway.router().into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await
        .unwrap();
    gateway.stop().await
}

pub(crate) fn client() -> reqwest::Client {
    // The client wants one even for plain HTTP; another test may have been faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) fn transport(url: &str) -> HttpTransport {
    let workspace = Workspace::new(Default::default(), AccessToken::new("any").unwrap());
    let client = Client::builder().use_proxy(false).build().unwrap();
    HttpTransport::new(client, workspace.with_base_url(url).unwrap())
}

pub(crate) async fn response(request: RequestBuilder) -> (StatusCode, String) {
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

pub(crate) fn error(body: &str) -> (String, String) {
    let body: Value = serde_json::from_str(body).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&body["error"]["code"]), text(&body["error"]["field"]))
}
