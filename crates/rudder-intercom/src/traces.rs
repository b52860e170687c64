//! Traces for an OpenTelemetry collector: a span of each request, and one of each event with its calls in it.

#[cfg(feature = "otel")]
pub(crate) use exported::Traces;
#[cfg(not(feature = "otel"))]
pub(crate) use none::Traces;

#[cfg(feature = "otel")]
mod exported {
    use crate::exit::{Error, with_causes};
    use async_trait::async_trait;
    use intercom_delivery::client::{Client, Webhook};
    use intercom_transformer::BaseUrl;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
    use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::time::Duration;
    use tokio::runtime::Handle;
    use tracing::Level;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::{Layer, Registry};

    /// How long the collector may take for what it is sent.
    const TIMEOUT: Duration = Duration::from_secs(10);
    /// How long a stop waits for the collector.
    const LAST: Duration = Duration::from_secs(2);
    /// The crates whose spans are sent.
    const TRACED: [&str; 2] = ["intercom_delivery", "intercom_transformer"];

    /// Where traces go. The variables `OTEL_…` of OpenTelemetry apply: headers, sampling, the name of the service.
    pub(crate) struct Traces {
        provider: SdkTracerProvider,
    }

    impl Traces {
        /// Traces for the collector at this base URL.
        ///
        /// # Errors
        ///
        /// If no client can be set up.
        pub(crate) fn new(endpoint: &BaseUrl, runtime: &Handle) -> Result<Self, Error> {
            let cannot =
                |error: &dyn std::error::Error| Error::Usage(format!("--otlp-endpoint: {}", with_causes(error)));
            let client = Client::builder().response_timeout(TIMEOUT).build();
            let exporter = SpanExporter::builder()
                .with_http()
                .with_http_client(Collector {
                    client: client.map_err(|error| cannot(&error))?,
                    runtime: runtime.clone(),
                })
                .with_protocol(Protocol::HttpJson)
                .with_endpoint(format!("{}/v1/traces", endpoint.to_string().trim_end_matches('/')))
                .build()
                .map_err(|error| cannot(&error))?;
            let mut resource = Resource::builder();
            if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
                resource = resource.with_service_name(env!("CARGO_PKG_NAME"));
            }
            let provider = SdkTracerProvider::builder()
                .with_batch_exporter(exporter)
                .with_resource(resource.build())
                .build();
            Ok(Self { provider })
        }

        /// What listens to spans.
        pub(crate) fn layer(&self) -> impl Layer<Registry> + use<> {
            tracing_opentelemetry::layer()
                .with_tracer(self.provider.tracer(env!("CARGO_PKG_NAME")))
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(Targets::new().with_targets(TRACED.map(|name| (name, Level::DEBUG))))
        }

        /// Sends what is not sent yet.
        pub(crate) fn finish(&self) {
            // There is nobody left to be told that the collector does not answer.
            let _ = self.provider.shutdown_with_timeout(LAST);
        }
    }

    /// The client of everything else, for the thread that sends spans.
    #[derive(Debug)]
    struct Collector {
        client: Client,
        runtime: Handle,
    }

    #[async_trait]
    impl HttpClient for Collector {
        async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
            let (head, body) = request.into_parts();
            let webhook = Webhook::new(self.client.clone(), &head.uri.to_string())?.with_headers(head.headers);
            let sending = self.runtime.spawn(async move { webhook.send(body).await });
            Ok(Response::builder().status(sending.await??).body(Bytes::new())?)
        }
    }
}

#[cfg(not(feature = "otel"))]
mod none {
    use crate::exit::Error;
    use intercom_transformer::BaseUrl;
    use tokio::runtime::Handle;
    use tracing_subscriber::layer::Identity;

    /// There are none in this build.
    pub(crate) enum Traces {}

    impl Traces {
        /// # Errors
        ///
        /// Always.
        pub(crate) fn new(_: &BaseUrl, _: &Handle) -> Result<Self, Error> {
            Err(Error::Usage(
                "--otlp-endpoint: this program was built without traces; build it with --features otel".to_owned(),
            ))
        }

        pub(crate) fn layer(&self) -> Identity {
            match *self {}
        }

        pub(crate) fn finish(&self) {
            match *self {}
        }
    }
}
