//! Checks of plans against what Intercom documents that it refuses.

use crate::plan::{Plan, SaveCompany, SaveContact};
use intercom_api::{CreateContact, UpsertCompany};
use validator::{Validate, ValidationErrors};

impl Validate for Plan {
    /// Checks the bodies of the plan's calls. What [`convert`](crate::convert) makes passes, unless the destination's settings
    /// send something as it is.
    fn validate(&self) -> Result<(), ValidationErrors> {
        match self {
            Self::SaveContact(plan) => plan.validate(),
            Self::DeleteContact(lookup) => lookup.search().validate(),
            Self::SubmitEvent(event) => event.validate(),
            Self::SaveCompany(plan) => plan.validate(),
        }
    }
}

impl Validate for SaveContact {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.lookup.search().validate()?;
        self.update.validate()?;
        match self.create() {
            Some(contact) => CreateContact::new(contact.clone()).validate(),
            None => Ok(()),
        }
    }
}

impl Validate for SaveCompany {
    fn validate(&self) -> Result<(), ValidationErrors> {
        if let Some(member) = &self.member {
            member.search().validate()?;
        }
        UpsertCompany::new(self.company.clone()).validate()
    }
}
