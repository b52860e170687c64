//! How many calls there were, and how they ended.

use crate::request::Dropped;
use intercom_api::OperationId;
use std::collections::BTreeMap;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CallOutcome {
    Answered(u16),
    Dropped(Dropped),
}

impl CallOutcome {
    fn name(self) -> String {
        match self {
            Self::Answered(status) => status.to_string(),
            Self::Dropped(Dropped::BeforeEffect) => "dropped_before_effect".to_owned(),
            Self::Dropped(Dropped::AfterEffect) => "dropped_after_effect".to_owned(),
        }
    }
}

/// How many calls there were.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(BTreeMap<(Option<OperationId>, CallOutcome), u64>);

impl Calls {
    pub(crate) fn count(&mut self, operation: Option<OperationId>, outcome: CallOutcome) {
        *self.0.entry((operation, outcome)).or_default() += 1;
    }

    /// By operation (`snake_case`, or `unknown`) and then by how they ended.
    pub(crate) fn by_operation(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut all = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ((operation, outcome), count) in &self.0 {
            let operation = operation.map_or("unknown", OperationId::as_str);
            all.entry(operation.to_owned())
                .or_default()
                .insert(outcome.name(), *count);
        }
        all
    }
}
