//! Whether it makes sense to go on: not if nearly everything fails for one reason.

use intercom_delivery::FailureCode;
use std::collections::BTreeMap;

/// After how many outcomes it is looked at.
const EVENTS: u64 = 200;

/// Counts outcomes, and says when nearly all of them are one failure.
#[derive(Debug)]
pub(super) struct AbortRule {
    /// How many percent of all outcomes one failure must exceed.
    percent: u64,
    outcomes: u64,
    failures: BTreeMap<FailureCode, u64>,
}

impl AbortRule {
    pub(super) fn new(percent: u8) -> Self {
        Self {
            percent: percent.into(),
            outcomes: 0,
            failures: BTreeMap::new(),
        }
    }

    /// Counts an outcome: a failure, or anything else. Gives the reason to stop, once there is one.
    pub(super) fn count(&mut self, failure: Option<FailureCode>) -> Option<FailureCode> {
        self.outcomes += 1;
        if let Some(code) = failure {
            *self.failures.entry(code).or_default() += 1;
        }
        let (&code, &count) = self.failures.iter().max_by_key(|(_, count)| **count)?;
        (self.outcomes >= EVENTS && self.exceeds(count, self.outcomes)).then_some(code)
    }

    /// Whether it is possible that the first [`EVENTS`] outcomes turn out to be reason enough. Until that is out of the
    /// question, failures are held back: should the delivery be aborted, they count as not sent.
    pub(super) fn is_open(&self) -> bool {
        let most = self.failures.values().max().copied().unwrap_or_default();
        self.outcomes < EVENTS && self.exceeds(EVENTS - (self.outcomes - most), EVENTS)
    }

    fn exceeds(&self, count: u64, of: u64) -> bool {
        count * 100 > of * self.percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_for_nearly_everything_is_enough() {
        let mut rule = AbortRule::new(95);
        for _ in 0..9 {
            assert_eq!(rule.count(None), None);
        }
        for _ in 9..199 {
            assert_eq!(rule.count(Some(FailureCode::Forbidden)), None);
            assert!(rule.is_open());
        }
        assert_eq!(rule.count(Some(FailureCode::Forbidden)), Some(FailureCode::Forbidden));
        assert!(!rule.is_open());
    }

    #[test]
    fn ten_others_of_200_are_enough_to_go_on() {
        let mut rule = AbortRule::new(95);
        (0..10).for_each(|_| assert_eq!(rule.count(None), None));
        assert!(!rule.is_open());
        for _ in 10..200 {
            assert_eq!(rule.count(Some(FailureCode::Forbidden)), None);
        }
        assert_eq!(rule.count(Some(FailureCode::Forbidden)), Some(FailureCode::Forbidden));
    }

    #[test]
    fn several_reasons_are_none() {
        let mut rule = AbortRule::new(95);
        for at in 0..1_000 {
            let code = [FailureCode::Timeout, FailureCode::Forbidden][at % 2];
            assert_eq!(rule.count(Some(code)), None);
        }
    }

    #[test]
    fn a_hundred_percent_never_stops() {
        let mut rule = AbortRule::new(100);
        assert!((0..1_000).all(|_| rule.count(Some(FailureCode::Timeout)).is_none() && !rule.is_open()));
    }
}
