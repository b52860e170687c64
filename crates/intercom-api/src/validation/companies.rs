//! Companies and tags.

use super::{Checks, is_given};
use crate::json::Number;
use crate::{
    CompanyExternalId, CompanyFields, CreateTag, FindCompany, TagCompanies, TaggedCompany, UpsertCompany, limits,
};
use validator::{Validate, ValidationErrors};

impl Validate for CompanyFields {
    /// Checks `monthly_spend` and the custom attributes.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let spend = self.monthly_spend.as_ref().map_or(0.0, Number::as_f64);
        // The limit is far below the integers that a double cannot hold.
        let holds = spend.trunc() <= limits::MONTHLY_SPEND as f64;
        Checks::new()
            .that(holds, "monthly_spend", "too_great")
            .attributes(&self.custom_attributes, limits::STANDARD_COMPANY_ATTRIBUTES)
            .finish()
    }
}

impl Validate for UpsertCompany {
    /// Checks that the company is named, and the fields.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let named = is_given(self.company.company_id.as_ref().map(CompanyExternalId::as_str));
        Checks::new().that(named, "company_id", "missing_identity").finish()?;
        self.company.validate()
    }
}

impl Validate for FindCompany {
    /// Checks that there is something to look for, and the size of a page.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let (holds, per_page) = match self {
            Self::ByCompanyId(id) => (!id.as_str().is_empty(), None),
            Self::ByName(name) => (!name.is_empty(), None),
            Self::ByTag(_, at) | Self::BySegment(_, at) => (true, at.per_page),
        };
        Checks::new()
            .that(holds, "company", "missing_identity")
            .page_size(per_page)
            .finish()
    }
}

impl Validate for CreateTag {
    /// Checks that there is a name.
    fn validate(&self) -> Result<(), ValidationErrors> {
        Checks::new().that(!self.name.is_empty(), "name", "empty").finish()
    }
}

impl Validate for TagCompanies {
    /// Checks that there is a name, and something to be tagged.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let is_named = |company: &TaggedCompany| company.id.is_some() || company.company_id.is_some();
        Checks::new()
            .that(!self.name.is_empty(), "name", "empty")
            .that(!self.companies.is_empty(), "companies", "empty")
            .that(self.companies.iter().all(is_named), "companies", "missing_identity")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UpdateCompany;

    #[test]
    fn monthly_spend_has_a_limit() {
        for (spend, valid) in [
            ("2147483647.9", true),
            ("2147483648", false),
            ("1e400", false),
            ("-1e400", true),
        ] {
            let company = CompanyFields::new()
                .with_company_id("c")
                .with_monthly_spend(Number::from_json_text(spend).unwrap());
            assert_eq!(UpsertCompany::new(company).validate().is_ok(), valid, "{spend}");
        }
    }

    #[test]
    fn a_company_and_a_tag_are_named() {
        assert!(UpsertCompany::new(CompanyFields::new()).validate().is_err());
        let renamed = CompanyFields::new().with_name("Fern");
        assert!(UpdateCompany::new(5, renamed.clone()).validate().is_ok());
        assert!(UpdateCompany::new(5, renamed.with_company_id("c")).validate().is_err());
        assert!(FindCompany::ByName(String::new()).validate().is_err());
        assert!(CreateTag::new("").validate().is_err() && CreateTag::new("vip").validate().is_ok());
        let tag = |companies: &[TaggedCompany]| TagCompanies::new("vip", companies).validate();
        assert!(tag(&[TaggedCompany::new().with_id(1)]).is_ok());
        assert!(tag(&[]).is_err() && tag(&[TaggedCompany::new()]).is_err());
    }
}
