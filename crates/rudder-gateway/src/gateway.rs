//! The gateway as a whole: HTTP in front, the store in the middle, the delivery behind.

use crate::deliver::deliver;
use crate::http::{App, probes, router};
use crate::monitor::Monitor;
use crate::settings::Settings;
use crate::telling;
use axum::Router;
use event_store::Error;
use event_store::Store;
use intercom_delivery::client::Transport;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Stops the delivery of a gateway.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>, Monitor);

impl Stopper {
    /// Finishes the calls that are under way, and makes no others. Requests are still answered: see [`Gateway::stop`].
    pub fn stop(&self) {
        self.1.stops();
        self.0.send_replace(true);
    }
}

/// A gateway without a connection: it answers requests, and delivers what they bring.
#[derive(Debug)]
pub struct Gateway {
    app: Arc<App>,
    store: Store,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<()>,
    delivery: JoinHandle<Result<(), Error>>,
}

impl Gateway {
    /// Begins to deliver what is in `store` over `transport`. Takes a tokio runtime with time and I/O.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub fn start<T: Transport + Clone>(settings: Settings, store: Store, transport: T) -> Result<Self, Error> {
        let settings = Arc::new(settings);
        let monitor = Monitor::new(store.clone());
        let (stop, stopped) = watch::channel(false);
        let app = App::new(Arc::clone(&settings), store.clone(), monitor.clone())?;
        tokio::spawn(
            monitor
                .clone()
                .watch(Arc::clone(&settings), store.queue()?, stopped.clone()),
        );
        if let Some(alerts) = settings.alerts.clone() {
            tokio::spawn(telling::watch(alerts, monitor.clone(), stopped.clone()));
        }
        let delivery = deliver(store.clone(), settings, transport, monitor, stopped);
        let (ending, ended) = watch::channel(());
        let delivery = tokio::spawn(async move {
            let _ending = ending;
            delivery.await
        });
        Ok(Self {
            app,
            store,
            stop,
            ended,
            delivery,
        })
    }

    /// What it answers, without a fallback, so that it can be merged with other routes.
    ///
    /// Requests must have the address that they come from as axum's `ConnectInfo<SocketAddr>`. How long a connection may be
    /// idle, or take for the head of a request, is the server's business; how long a body may take is in the settings.
    pub fn router(&self) -> Router {
        router(Arc::clone(&self.app))
    }

    /// `/ready`, which says whether requests can be accepted, and what else is wrong. It is among the routes of
    /// [`router`](Self::router), too.
    pub fn probes(&self) -> Router {
        probes(self.app.monitor().clone())
    }

    /// What adds the gateway's metrics to a text in OpenMetrics' format, without the line that ends it.
    pub fn metrics(&self) -> impl Fn(&mut String) + Send + Sync + use<> {
        let app = Arc::clone(&self.app);
        move |text| app.monitor().encode(text)
    }

    /// Waits until the delivery has ended. Unless [`stop`](Self::stop) was called, that is a failure: to go on taking
    /// events in would only look as if all were well.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let mut ended = self.ended.clone();
        async move { while ended.changed().await.is_ok() {} }
    }

    /// Stops the delivery, while requests in progress are still answered.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone(), self.app.monitor().clone())
    }

    /// Finishes the calls that are under way, and closes the store. Whatever is not delivered stays there; requests that
    /// still come are answered 503.
    ///
    /// # Errors
    ///
    /// If the delivery had failed.
    pub async fn stop(self) -> Result<(), Error> {
        self.stopper().stop();
        let delivered = self.delivery.await.unwrap_or(Err(Error::Closed));
        self.store.close().await;
        delivered
    }
}
