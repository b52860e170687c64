//! Measures the transformer service under load: the program as it is deployed, in a process of its own, the load from this
//! one. `cargo xtask bench-serve` builds both as they are deployed.

mod http;
// The same requests as in the benchmark of the service's crate.
#[path = "../../../intercom-transformer/benches/load/mod.rs"]
mod load;

use clap::Parser;
use http::{Connection, request};
use load::{FIRST_JOB, Kind};
use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What RudderStack's transformer does on one core: events a second.
const NODE_EVENTS: f64 = 19_600.0;
/// How often that the service is to do at least.
const AIM: f64 = 20.0;

/// Measures the transformer service under load
#[derive(Parser)]
struct Options {
    /// How many events are sent in all
    #[arg(long, default_value = "1000000")]
    events: NonZeroUsize,
    /// How many events a request has
    #[arg(long, default_value = "200")]
    batch: NonZeroUsize,
    /// How many requests are on their way at one time
    #[arg(long, default_value = "4")]
    connections: NonZeroUsize,
    /// Leaves destinations out of the events, as rudder-server does if it may
    #[arg(long)]
    compacted: bool,
    /// Sends events with the context that RudderStack's browser SDK adds
    #[arg(long)]
    browser: bool,
    /// Measures a service that is running already, in place of one that is started
    #[arg(long, value_name = "ADDR")]
    at: Option<SocketAddr>,
    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match measure(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    let (address, server) = match options.at {
        Some(address) => (address, None),
        None => {
            let (address, server) = Server::start()?;
            (address, Some(server))
        }
    };
    let load = Load::new(options);
    let expected = load.check(address)?;
    let bytes = load.request.len() / load.batch;
    println!(
        "{} events of {bytes} bytes with their surroundings, {} a request, {} connections",
        options.events, options.batch, options.connections
    );
    let before = server.as_ref().map(Server::usage).transpose()?;
    let started = Instant::now();
    let mut latencies = load.run(address, options, expected)?;
    let took = started.elapsed();
    latencies.sort_unstable();
    let events = latencies.len() * load.batch;
    let rate = events as f64 / took.as_secs_f64();
    let percentile = |share: usize| latencies[(latencies.len() * share / 100).min(latencies.len() - 1)];
    println!("throughput   {rate:.0} events/s");
    println!(
        "             {:.1} times RudderStack's transformer ({NODE_EVENTS:.0} events/s); the aim is {AIM:.0}",
        rate / NODE_EVENTS
    );
    println!(
        "latency      p50 {:.2?}, p99 {:.2?} a request",
        percentile(50),
        percentile(99)
    );
    if let (Some(server), Some(before)) = (&server, before) {
        let after = server.usage()?;
        let cpu = after.cpu.saturating_sub(before.cpu);
        println!(
            "processor    {:.2} cores of the service, {:.2} µs an event",
            cpu.as_secs_f64() / took.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / events as f64
        );
        println!(
            "memory       {:.1} MB resident after it all, {:.1} MB at most",
            after.resident, after.peak
        );
    }
    Ok(())
}

/// The requests that are sent: all alike, so that making them costs no time of the measurement.
struct Load {
    request: Vec<u8>,
    batch: usize,
}

impl Load {
    fn new(options: &Options) -> Self {
        let batch = options.batch.get();
        let kind = Kind {
            compacted: options.compacted,
            browser: options.browser,
        };
        let body = load::body(batch, kind);
        let format = if options.compacted { "json+compactedv1" } else { "json" };
        Self {
            request: request(
                "POST",
                "/routerTransform",
                &[("X-Content-Format", format)],
                body.as_bytes(),
            ),
            batch,
        }
    }

    /// Sends one request and looks at the response. How long it is, all responses are.
    fn check(&self, address: SocketAddr) -> Result<usize> {
        let mut connection = Connection::open(address)?;
        let response = connection.send(&self.request)?;
        let body: intercom_transformer::protocol::RouterResponse<'_> = serde_json::from_slice(response.body)?;
        let is_right = |(at, element): (usize, &intercom_transformer::protocol::RouterElement<'_>)| {
            let job = format!(r#""jobId":{}"#, FIRST_JOB + at);
            element.status_code == 200
                && element
                    .metadata
                    .first()
                    .is_some_and(|metadata| metadata.get().contains(&job))
        };
        let right = body
            .output
            .iter()
            .enumerate()
            .filter(|(at, element)| is_right((*at, element)))
            .count();
        if response.status == 200 && right == self.batch {
            Ok(response.body.len())
        } else {
            Err(format!(
                "the service responded {} with {right} of {} events right",
                response.status, self.batch
            )
            .into())
        }
    }

    /// How long each request took.
    fn run(&self, address: SocketAddr, options: &Options, expected: usize) -> Result<Vec<Duration>> {
        let requests = options.events.get().div_ceil(self.batch);
        let next = AtomicUsize::new(0);
        let connection = || -> std::io::Result<Vec<Duration>> {
            let mut connection = Connection::open(address)?;
            let mut latencies = Vec::with_capacity(requests);
            while next.fetch_add(1, Ordering::Relaxed) < requests {
                let started = Instant::now();
                let response = connection.send(&self.request)?;
                latencies.push(started.elapsed());
                if response.status != 200 || response.body.len() != expected {
                    return Err(std::io::Error::other("a response differs from the first"));
                }
            }
            Ok(latencies)
        };
        let mut latencies = Vec::new();
        std::thread::scope(|scope| -> Result<()> {
            let threads: Vec<_> = (0..options.connections.get())
                .map(|_| scope.spawn(connection))
                .collect();
            for thread in threads {
                latencies.extend(thread.join().map_err(|_| "a connection's thread panicked")??);
            }
            Ok(())
        })?;
        Ok(latencies)
    }
}

/// The service, in a process of its own.
struct Server(Child);

/// What the process has used up.
struct Usage {
    cpu: Duration,
    resident: f64,
    peak: f64,
}

impl Server {
    fn start() -> Result<(SocketAddr, Self)> {
        let mut server = Command::new(env!("CARGO_BIN_EXE_rudder-intercom"))
            .args([
                "--log",
                "info",
                "serve",
                "--deliver",
                "rudder-server",
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
            ])
            .stderr(Stdio::piped())
            .spawn()?;
        let log = server.stderr.take().ok_or("the service has no log")?;
        let server = Self(server);
        let mut lines = BufReader::new(log).lines();
        while let Some(line) = lines.next().transpose()? {
            let line: serde_json::Value = serde_json::from_str(&line)?;
            if let Some(address) = line["address"].as_str() {
                let address = address.parse()?;
                // Whatever else it logs must not fill the pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok((address, server));
            }
        }
        Err("the service did not start".into())
    }

    fn usage(&self) -> Result<Usage> {
        let proc = Path::new("/proc").join(self.0.id().to_string());
        let stat = std::fs::read_to_string(proc.join("stat"))?;
        // The name may hold spaces; what follows it does not.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_ascii_whitespace()
            .collect();
        // Time in user and in kernel mode, in hundredths of a second: fields 14 and 15 of proc(5).
        let ticks: u64 = fields[11..13]
            .iter()
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        let status = std::fs::read_to_string(proc.join("status"))?;
        let megabytes = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: f64 = line.split_ascii_whitespace().next()?.parse().ok()?;
            Some(kib * 1024.0 / 1e6)
        };
        Ok(Usage {
            cpu: Duration::from_millis(ticks * 10),
            resident: megabytes("VmRSS:").unwrap_or(f64::NAN),
            peak: megabytes("VmHWM:").unwrap_or(f64::NAN),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
