//! What handlers give.

use crate::error::ApiError;
use crate::json::{object, to_vec};
use serde::Serialize;

/// A success: its status and body.
pub(crate) struct Success {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Success {
    pub(super) fn json(value: &impl Serialize) -> Self {
        Self {
            status: 200,
            body: to_vec(value),
        }
    }

    pub(super) const fn empty(status: u16) -> Self {
        Self {
            status,
            body: Vec::new(),
        }
    }
}

/// What a handler comes to.
pub(super) type Outcome = Result<Success, ApiError>;

/// A list that always is what it is without any entry.
pub(super) fn empty_list() -> Success {
    Success::json(&object! { "type": "list", "data": [(); 0] })
}
