//! Users and leads.

use crate::model::open_enum;

open_enum! {
    /// Whether a contact has signed up.
    Role {
        /// Has signed up: identified by an external id or an email.
        User = "user",
        /// Has not.
        Lead = "lead",
    }
}
