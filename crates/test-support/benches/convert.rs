//! How fast events are converted, and how fast a generic JSON tree is built of the same bytes and written back, which
//! is the yardstick.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rudderstack_events::Event;
use rudderstack_to_intercom::{Decision, Destination, Plan, PlannedCall, Warning, convert};
use serde::Serialize;
use std::hint::black_box;
use test_support::{NOW, realistic};

/// What is written of a converted event.
#[derive(Serialize)]
struct Line<'a> {
    plan: &'a Plan,
    calls: Vec<PlannedCall>,
    warnings: &'a [Warning],
}

fn line(text: &str, destination: &Destination, output: &mut Vec<u8>) {
    let event = Event::from_json(text).expect("an event");
    let Ok(Decision::Convert(conversion)) = convert(&event, destination, NOW) else {
        panic!("an event that can be converted")
    };
    let line = Line {
        plan: &conversion.plan,
        calls: conversion.plan.calls(),
        warnings: &conversion.warnings,
    };
    serde_json::to_writer(output, &line).expect("a line");
}

fn benchmarks(criterion: &mut Criterion) {
    let events = realistic::events(400);
    let destination = Destination::new();
    let bytes = events.iter().map(String::len).sum::<usize>() as u64;
    let mut group = criterion.benchmark_group("convert");
    group.throughput(Throughput::Bytes(bytes));
    let buffer = || Vec::with_capacity(1 << 20);
    group.bench_function("events", |bencher| {
        bencher.iter_batched_ref(
            buffer,
            |output| {
                for text in &events {
                    line(black_box(text), &destination, output);
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("events, plan only", |bencher| {
        bencher.iter(|| {
            for text in &events {
                let event = Event::from_json(black_box(text)).expect("an event");
                let _ = black_box(convert(&event, &destination, NOW));
            }
        });
    });
    group.bench_function("serde_json::Value and back", |bencher| {
        bencher.iter_batched_ref(
            buffer,
            |output| {
                for text in &events {
                    let value: serde_json::Value = serde_json::from_str(black_box(text)).expect("JSON");
                    serde_json::to_writer(&mut *output, &value).expect("JSON");
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
