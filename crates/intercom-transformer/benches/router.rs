//! How long the service takes for track events, without connections: requests of 200 events.
#![allow(missing_docs, clippy::unwrap_used)]

mod load;

use axum::body::Body;
use axum::http::Request;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::BodyExt as _;
use intercom_transformer::{DeliverBy, Settings, Transformer};
use load::Kind;
use tower::ServiceExt as _;

const EVENTS: usize = 200;

fn router_transform(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut settings = Settings::new();
    settings.deliver = DeliverBy::RudderServer;
    let router = Transformer::new(settings).unwrap().router();
    let mut group = criterion.benchmark_group("routerTransform");
    group.throughput(Throughput::Elements(u64::try_from(EVENTS).unwrap()));
    for (name, compacted, browser) in [
        ("plain", false, false),
        ("compacted", true, false),
        ("browser", false, true),
    ] {
        let body = bytes::Bytes::from(load::body(EVENTS, Kind { compacted, browser }));
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter(|| {
                let request = Request::post("/routerTransform")
                    .body(Body::from(body.clone()))
                    .unwrap();
                let router = router.clone();
                async move {
                    let response = router.oneshot(request).await.unwrap();
                    assert_eq!(response.status(), 200);
                    response.into_body().collect().await.unwrap().to_bytes().len()
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, router_transform);
criterion_main!(benches);
