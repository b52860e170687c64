#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod calls;
mod coerce;
mod company;
mod company_key;
mod contact;
mod conversion;
mod data_event;
mod date;
mod destination;
mod deviation;
mod fit;
mod flatten;
mod issue;
mod lookup;
mod member;
mod names;
mod parts;
mod plan;
mod reader;
mod record;
mod rule;
pub mod rules;
mod source;
mod validation;

pub use calls::{PlannedCall, Written, WrittenCalls, WrittenPlan};
pub use company_key::CompanyKey;
pub use conversion::{Conversion, Converted, Decision, Identities, Mapped, convert};
pub use destination::{AttributeNames, Destination, LongText, SameSecond, SharedEmail};
pub use deviation::Deviation;
pub use fit::{Fit, fit};
pub use intercom_api::{Reveal, Revealed, Validate, ValidationErrors};
pub use issue::{Rejection, RejectionCode, Warning, WarningCode};
pub use lookup::{ContactField, FieldLookup, Lookup, LookupField, Person};
pub use parts::{IntoIntercom, parse_date};
pub use plan::{COMPANY_ID, CONTACT_ID, Missing, Plan, SaveCompany, SaveContact, Step, When};
pub use source::{FieldSource, Path, Source};

/// The traits that are Intercom fields, not custom attributes.
pub mod standard_traits {
    pub use crate::company::STANDARD_TRAITS as COMPANY;
    pub use crate::contact::STANDARD_TRAITS as CONTACT;
}
