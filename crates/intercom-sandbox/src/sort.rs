//! In which order a search gives its hits.

use crate::error::ApiError;
use crate::search::{Datum, is_searchable};
use crate::workspace::Workspace;
use intercom_api::{SearchOrder, SearchSort};
use std::cmp::Ordering;

impl Workspace {
    /// Sorts hits. Those that have nothing in the field come last, and equal ones stay in the order of creation.
    pub(crate) fn sort(&self, sort: &SearchSort, hits: &mut [u32]) -> Result<(), ApiError> {
        let is_ascending = match &sort.order {
            Some(SearchOrder::Ascending) => true,
            None | Some(SearchOrder::Descending) => false,
            Some(other) => return Err(ApiError::invalid_sort_order(other.as_str())),
        };
        let field = sort.field.as_deref().unwrap_or("created_at");
        if !is_searchable(field) {
            let message = format!("contacts cannot be sorted by '{field}'");
            return Err(ApiError::invalid("sort", message));
        }
        let datum = |at: u32| match self.contacts.get(at) {
            Some(contact) => self.datum(field, at, contact, &contact.fields),
            None => Datum::Nothing,
        };
        let mut keyed: Vec<(Datum<'_>, u32)> = hits.iter().map(|at| (datum(*at), *at)).collect();
        keyed.sort_by(|(one, _), (other, _)| order(one, other, is_ascending));
        for (hit, (_, at)) in hits.iter_mut().zip(keyed) {
            *hit = at;
        }
        Ok(())
    }
}

fn order(one: &Datum<'_>, other: &Datum<'_>, is_ascending: bool) -> Ordering {
    let rank = |datum: &Datum<'_>| match datum {
        Datum::Bool(_) => 0,
        Datum::Number(_) => 1,
        Datum::Text(_) => 2,
        Datum::Nothing => 3,
    };
    let ascending = match (one, other) {
        (Datum::Text(one), Datum::Text(other)) => one.cmp(other),
        (Datum::Number(one), Datum::Number(other)) => one.as_f64().total_cmp(&other.as_f64()),
        (Datum::Bool(one), Datum::Bool(other)) => one.cmp(other),
        _ => return rank(one).cmp(&rank(other)),
    };
    if is_ascending { ascending } else { ascending.reverse() }
}
