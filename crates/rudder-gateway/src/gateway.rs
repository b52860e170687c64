//! The gateway as a whole: HTTP in front, the store in the middle, the delivery behind.

use crate::deliver::{Monitor, deliver};
use crate::error::Error;
use crate::http::{App, router};
use crate::settings::Settings;
use crate::store::Store;
use intercom_delivery::client::Transport;
use std::future::{Future, IntoFuture as _};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// Takes events in on `listener`, keeps them in `store` and delivers them over `transport`, until `shutdown` completes.
///
/// Requests that are being made then are still answered, if they end within the shutdown timeout; calls that are under way are finished, and whatever is not
/// delivered stays in the store, which is closed.
///
/// # Errors
///
/// If the server or the store fails.
pub async fn serve<T: Transport + Clone>(
    listener: TcpListener,
    settings: Settings,
    store: Store,
    transport: T,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let address = listener.local_addr().map_err(Error::Serve)?;
    let settings = Arc::new(settings);
    let monitor = Monitor::default();
    let (stop, stopped) = watch::channel(false);
    let delivery = deliver(
        store.clone(),
        Arc::clone(&settings),
        transport,
        monitor.clone(),
        stopped,
    );
    let (ending, ended) = oneshot::channel::<()>();
    let delivery = tokio::spawn(async move {
        let delivered = delivery.await;
        drop(ending);
        delivered
    });
    // Without delivery, taking events in would only look as if all were well.
    let (stopping, is_stopping) = oneshot::channel::<()>();
    let shutdown = async {
        let _stopping = stopping;
        tokio::select! {
            () = shutdown => {}
            _ = ended => tracing::error!(code = "delivery_ended", "the delivery has ended; the gateway ends too"),
        }
    };
    let patience = settings.shutdown_timeout;
    let too_late = async {
        // The sender is dropped as soon as no more connections are taken.
        let _ = is_stopping.await;
        tokio::time::sleep(patience).await;
    };
    let app = App::new(settings, store.clone(), monitor, address.ip().is_loopback())?;
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(shutdown);
    let served = tokio::select! {
        served = server.into_future() => served.map_err(Error::Serve),
        // Nothing of what is cut off has been acknowledged.
        () = too_late => {
            tracing::warn!(code = "requests_cut_off", "requests were still in progress at the stop");
            Ok(())
        }
    };
    stop.send_replace(true);
    let delivered = delivery.await.unwrap_or(Err(Error::Closed));
    store.close().await;
    served.and(delivered)
}
