//! How long to wait before the next attempt.

use super::settings::EngineSettings;
use super::time::millis;
use std::time::Duration;

/// Exponential backoff with full jitter: a wait is drawn evenly between nothing and a bound that doubles.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    cap: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        Self {
            base: settings.backoff_base,
            cap: settings.backoff_cap,
            random: fastrand::Rng::with_seed(settings.seed),
        }
    }

    /// The longest wait after so many attempts.
    pub(super) fn longest(&self, attempts: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// The wait after so many attempts.
    pub(super) fn wait(&mut self, attempts: u32) -> Duration {
        let longest = self.longest(attempts);
        self.jitter(longest)
    }

    /// Something between nothing and this.
    pub(super) fn jitter(&mut self, longest: Duration) -> Duration {
        Duration::from_millis(self.random.u64(0..=millis(longest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_the_cap() {
        let mut settings = EngineSettings::new();
        settings.backoff_base = Duration::from_millis(100);
        settings.backoff_cap = Duration::from_secs(1);
        let mut backoff = Backoff::new(&settings);
        let bounds: Vec<u128> = (1..=5).map(|n| backoff.longest(n).as_millis()).collect();
        assert_eq!(bounds, [100, 200, 400, 800, 1000]);
        assert_eq!(backoff.longest(u32::MAX), settings.backoff_cap);
        let waits: Vec<Duration> = (0..200).map(|_| backoff.wait(2)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(200)));
        assert!(
            waits.iter().any(|wait| *wait < Duration::from_millis(20)),
            "the jitter is full"
        );
        let mut again = Backoff::new(&settings);
        assert_eq!(waits, (0..200).map(|_| again.wait(2)).collect::<Vec<_>>());
    }
}
