//! Contacts and visitors.

use super::{Checks, is_given};
use crate::{ContactFields, ConvertVisitor, CreateContact, ExternalId, Role, UpdateVisitor, limits};
use validator::{Validate, ValidationErrors};

impl Validate for ContactFields {
    /// Checks that the role is one that Intercom takes, and the custom attributes.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let role = self.role.as_ref();
        Checks::new()
            .that(role.is_none_or(Role::is_known), "role", "unknown_role")
            .attributes(&self.custom_attributes, limits::STANDARD_CONTACT_ATTRIBUTES)
            .finish()
    }
}

impl Validate for CreateContact {
    /// Checks that there is something to know the contact by, and the fields.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let contact = &self.contact;
        let texts = [
            contact.external_id.as_ref().map(ExternalId::as_str),
            contact.email.as_deref(),
        ];
        let identified = texts.into_iter().any(is_given) || contact.role.is_some();
        Checks::new().that(identified, "contact", "missing_identity").finish()?;
        contact.validate()
    }
}

impl Validate for UpdateVisitor {
    /// Checks that the visitor is named, and the custom attributes.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let named = self.visitor.id.is_some() || self.visitor.user_id.is_some();
        Checks::new()
            .that(named, "visitor", "missing_identity")
            .attributes(&self.visitor.custom_attributes, limits::STANDARD_CONTACT_ATTRIBUTES)
            .finish()
    }
}

impl Validate for ConvertVisitor {
    /// Checks that both are named and that the role is one that Intercom takes.
    fn validate(&self) -> Result<(), ValidationErrors> {
        Checks::new()
            .that(!self.visitor.is_empty(), "visitor", "missing_identity")
            .that(!self.user.is_empty(), "user", "missing_identity")
            .that(self.role.is_known(), "type", "unknown_role")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ContactIdentity, ListContacts, Operation, SearchPagination, UpdateContact, VisitorFields, VisitorIdentity,
    };

    #[test]
    fn a_new_contact_needs_something_to_know_it_by() {
        let contact = ContactFields::new().with_name("Ada");
        assert!(CreateContact::new(contact.clone()).check().is_err());
        let nobody = contact.clone().with_external_id("").with_email("");
        assert!(CreateContact::new(nobody.clone()).check().is_err());
        assert!(CreateContact::new(nobody.with_email("ada@example.org")).check().is_ok());
        assert!(UpdateContact::new(5, contact.clone()).check().is_ok());
        assert!(
            CreateContact::new(contact.clone().with_role(Role::Lead))
                .validate()
                .is_ok()
        );
        assert!(CreateContact::new(contact.with_role("guest")).validate().is_err());
    }

    #[test]
    fn page_sizes_have_bounds() {
        assert!(SearchPagination::new().validate().is_ok());
        for (size, valid) in [(0, false), (1, true), (150, true), (151, false)] {
            assert_eq!(
                SearchPagination::new().with_per_page(size).validate().is_ok(),
                valid,
                "{size}"
            );
            assert_eq!(ListContacts::new().with_per_page(size).check().is_ok(), valid, "{size}");
        }
    }

    #[test]
    fn a_visitor_is_named() {
        assert!(UpdateVisitor::new(VisitorFields::new()).validate().is_err());
        let nobody = ConvertVisitor::new(VisitorIdentity::new(), ContactIdentity::new(), Role::User);
        assert_eq!(nobody.validate().unwrap_err().errors().len(), 2);
        let visitor = VisitorIdentity::new().with_user_id("v-1");
        let user = ContactIdentity::new().with_email("ada@example.org");
        assert!(ConvertVisitor::new(visitor, user, Role::User).validate().is_ok());
    }
}
