//! What is known of companies, and what has been written of them.

use super::fields::{Set, Written};
use hashlink::LruCache;
use intercom_api::{CompanyExternalId, CompanyId};
use rudderstack_to_intercom::Plan;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

struct Known {
    id: CompanyId,
    /// Whether the id may be out of date.
    is_doubted: bool,
    written: Written,
    /// Within which scope it was written.
    scope: Option<u64>,
}

/// What the events of a company that have not ended must not overwrite.
#[derive(Default)]
struct Pending {
    events: usize,
    written: Written,
}

/// The companies, by the id of the caller's system. No `Debug` output is ever shown: it may be personal.
pub(super) struct Companies {
    known: LruCache<CompanyExternalId, Known>,
    /// Kept as long as an event of the company has not ended, so that it is bounded by the queue.
    pending: HashMap<CompanyExternalId, Pending>,
    /// The scope of the event that it is asked for: what others have written may have been overwritten.
    scope: Option<u64>,
}

/// The company that a plan saves.
fn company_of(plan: &Plan) -> Option<&CompanyExternalId> {
    match plan {
        Plan::SaveCompany(plan) => plan.company.company_id.as_ref(),
        Plan::SaveContact(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_) => None,
    }
}

impl Companies {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            known: LruCache::new(capacity),
            pending: HashMap::new(),
            scope: None,
        }
    }

    /// From now on, it is asked for an event of this scope.
    pub(super) fn look_from(&mut self, scope: Option<u64>) {
        self.scope = scope;
    }

    /// An event is taken in.
    pub(super) fn expect(&mut self, plan: &Plan) {
        if let Some(key) = company_of(plan) {
            self.pending.entry(key.clone()).or_default().events += 1;
        }
    }

    /// An event has ended.
    pub(super) fn ended(&mut self, plan: &Plan) {
        if let Some(key) = company_of(plan)
            && let Entry::Occupied(mut pending) = self.pending.entry(key.clone())
        {
            pending.get_mut().events -= 1;
            if pending.get().events == 0 {
                pending.remove();
            }
        }
    }

    /// What events that have not ended may find written by newer ones.
    pub(super) fn newer(&self, key: &CompanyExternalId) -> Option<&Written> {
        self.pending.get(key).map(|pending| &pending.written)
    }

    /// Intercom's id of the company, if it is known.
    pub(super) fn id(&mut self, key: &CompanyExternalId) -> Option<CompanyId> {
        let known = self.known.get(key).filter(|known| !known.is_doubted)?;
        Some(known.id.clone())
    }

    /// Whether the company is known to have these fields.
    pub(super) fn has(&self, key: &CompanyExternalId, set: &[Set]) -> bool {
        let known = self.known.peek(key);
        known.is_some_and(|known| known.scope == self.scope && known.written.has(set))
    }

    /// A body is on its way.
    pub(super) fn unsettle(&mut self, key: &CompanyExternalId, set: &[Set]) {
        if let Some(known) = self.known.get_mut(key) {
            known.written.unsettle(set);
        }
    }

    /// The company has these fields, and this id.
    pub(super) fn settle(&mut self, key: &CompanyExternalId, id: &CompanyId, set: &[Set]) {
        let is_same = |known: &&mut Known| known.id == *id && known.scope == self.scope;
        match self.known.get_mut(key).filter(is_same) {
            Some(known) => {
                known.is_doubted = false;
                known.written.settle(set);
            }
            None => {
                let mut written = Written::default();
                written.settle(set);
                let known = Known {
                    id: id.clone(),
                    is_doubted: false,
                    written,
                    scope: self.scope,
                };
                self.known.insert(key.clone(), known);
            }
        }
        if let Some(pending) = self.pending.get_mut(key) {
            pending.written.settle(set);
        }
    }

    /// The id may be out of date.
    pub(super) fn doubt(&mut self, key: &CompanyExternalId) {
        if let Some(known) = self.known.get_mut(key) {
            known.is_doubted = true;
        }
    }

    /// The company has gone, and what was written of it with it.
    pub(super) fn forget(&mut self, key: &CompanyExternalId) {
        self.known.remove(key);
        if let Some(pending) = self.pending.get_mut(key) {
            pending.written = Written::default();
        }
    }
}
