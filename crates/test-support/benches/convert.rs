//! How fast events are read and converted, step by step, and in the same run what the same takes otherwise: `serde_json`
//! going over the text, and a generic JSON tree built of it and written back, which is the yardstick.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rudderstack_events::Event;
use rudderstack_events::scan::Cursor;
use rudderstack_to_intercom::{Conversion, Decision, Destination, Warning, WrittenCalls, WrittenPlan, convert};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::hint::black_box;
use test_support::{NOW, realistic};

/// What is written of a converted event.
#[derive(Serialize)]
struct Line<'a> {
    plan: WrittenPlan<'a>,
    calls: WrittenCalls<'a>,
    warnings: &'a [Warning],
}

fn conversion(text: &str, destination: &Destination) -> Box<Conversion> {
    let event = Event::from_json(text).expect("an event");
    match convert(&event, destination, NOW) {
        Ok(Decision::Convert(conversion)) => conversion,
        Ok(Decision::Skip) | Err(_) => panic!("an event that can be converted"),
    }
}

fn line(text: &str, destination: &Destination, output: &mut Vec<u8>) {
    let conversion = conversion(text, destination);
    let written = conversion.plan.written();
    let line = Line {
        plan: written.plan(),
        calls: written.calls(),
        warnings: &conversion.warnings,
    };
    serde_json::to_writer(output, &line).expect("a line");
}

/// The parts of an event as `serde_json` finds them fastest: borrowed, in one pass, those of `context` and of the traits in
/// it as well.
#[derive(Default)]
struct Parts<'a>(Vec<(Cow<'a, str>, Part<'a>)>);

enum Part<'a> {
    Raw(&'a RawValue),
    Parts(Parts<'a>),
}

impl Parts<'_> {
    /// How many parts there are, those of parts included.
    fn count(&self) -> usize {
        let of = |part: &Part<'_>| match part {
            Part::Raw(raw) => usize::from(!raw.get().is_empty()),
            Part::Parts(parts) => parts.count(),
        };
        self.0.iter().map(|(_, part)| of(part)).sum()
    }
}

/// Reads [`Parts`], and the parts of those under a key.
struct PartsUnder<'k>(&'k [&'k str]);

impl<'de> DeserializeSeed<'de> for PartsUnder<'_> {
    type Value = Parts<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parts<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PartsUnder<'_> {
    type Value = Parts<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'de>, A::Error> {
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut parts = Parts::default();
        while let Some(Key(key)) = map.next_key()? {
            let (first, rest) = self.0.split_first().unwrap_or((&"", &[]));
            let part = if key == *first {
                Part::Parts(map.next_value_seed(PartsUnder(rest))?)
            } else {
                Part::Raw(map.next_value()?)
            };
            parts.0.push((key, part));
        }
        Ok(parts)
    }
}

fn parts(text: &str) -> Result<Parts<'_>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parts = PartsUnder(&["context", "traits"]).deserialize(&mut deserializer)?;
    deserializer.end()?;
    if parts.count() == 0 {
        return Err(Error::custom("an event has parts"));
    }
    Ok(parts)
}

fn benchmarks(criterion: &mut Criterion) {
    let events = realistic::events(400);
    let destination = Destination::new();
    let bytes = events.iter().map(String::len).sum::<usize>() as u64;

    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(bytes));
    let mut each = |name: &str, read: &dyn Fn(&str)| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| events.iter().for_each(|text| read(black_box(text))));
        });
    };
    each("Event::from_json", &|text| {
        drop(black_box(Event::from_json(text).expect("an event")));
    });
    each("serde_json: borrowed raw parts", &|text| {
        drop(black_box(parts(text).expect("parts")));
    });
    each("scan: nothing kept", &|text| {
        _ = black_box(Cursor::new(text).value().expect("JSON"));
    });
    each("serde_json: nothing kept", &|text| {
        _ = black_box(serde_json::from_str::<IgnoredAny>(text).expect("JSON"));
    });
    group.finish();

    let mut group = criterion.benchmark_group("convert");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("events, plan only", |bencher| {
        bencher.iter(|| {
            for text in &events {
                black_box(conversion(black_box(text), &destination));
            }
        });
    });
    let mut written = |name: &str, write: &dyn Fn(&str, &mut Vec<u8>)| {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || Vec::with_capacity(1 << 20),
                |output| events.iter().for_each(|text| write(black_box(text), output)),
                BatchSize::LargeInput,
            );
        });
    };
    written("events, calls written", &|text, output| {
        serde_json::to_writer(output, &conversion(text, &destination).plan.written().calls()).expect("calls");
    });
    written("events, plan and calls written", &|text, output| {
        line(text, &destination, output);
    });
    written("yardstick: serde_json::Value and back", &|text, output| {
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        serde_json::to_writer(output, &value).expect("JSON");
    });
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
