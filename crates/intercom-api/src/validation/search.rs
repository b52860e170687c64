//! Searches.

use super::Checks;
use crate::{SearchContacts, SearchOperator, SearchQuery, SearchValue, field_type, limits};
use validator::{Validate, ValidationErrors};

impl Validate for SearchContacts {
    /// Checks fields, operators, the size of groups and how deep they are nested.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut checks = Checks::new();
        check_query(&self.query, 0, &mut checks);
        checks.finish()?;
        self.pagination.as_ref().map_or(Ok(()), Validate::validate)
    }
}

/// `depth` is the number of groups around the query.
fn check_query(query: &SearchQuery, depth: usize, checks: &mut Checks) {
    match query {
        SearchQuery::Filter(filter) => {
            let field = field_type(&filter.field);
            let takes = field.is_none_or(|field| field.takes(&filter.operator));
            let wants_list = matches!(filter.operator, SearchOperator::In | SearchOperator::NotIn);
            let is_list = matches!(filter.value, SearchValue::List(_));
            checks
                .that(field.is_some(), "field", "not_searchable")
                .that(takes, "operator", "not_for_this_field")
                .that(is_list == wants_list, "value", "not_for_this_operator");
        }
        SearchQuery::Group(group) => {
            checks
                .that(group.operator.is_known(), "operator", "not_for_groups")
                .at_most("value", group.value.len(), limits::SEARCH_FILTERS_PER_GROUP);
            if depth > limits::SEARCH_NESTED_GROUPS {
                checks.that(false, "query", "nested_too_deep");
                return;
            }
            for inner in &group.value {
                check_query(inner, depth + 1, checks);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked() {
        let equals = |field: &str| SearchQuery::filter(field, "=", "x");
        let valid = |query: SearchQuery| SearchContacts::new(query).validate().is_ok();
        assert!(valid(equals("email")) && valid(equals("custom_attributes.pet")));
        assert!(!valid(equals("userId")) && !valid(equals("custom_attributes.")));
        assert!(valid(SearchQuery::any(vec![equals("name"); 15])));
        assert!(!valid(SearchQuery::any(vec![equals("name"); 16])));
        let nested = |depth: usize| (0..depth).fold(equals("name"), |query, _| SearchQuery::all([query]));
        assert!(valid(nested(3)));
        assert!(!valid(nested(4)));
        assert!(valid(SearchQuery::filter("role", "IN", vec!["user", "lead"])));
        assert!(!valid(SearchQuery::filter("role", "IN", "user")));
        assert!(!valid(SearchQuery::filter("role", "=", vec!["user"])));
        assert!(!valid(SearchQuery::filter("created_at", ">=", 0)));
        assert!(valid(SearchQuery::filter("owner_id", ">=", 0)));
        assert!(!valid(SearchQuery::filter("tag_id", "IN", vec!["1"])));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_value() {
        let search = SearchContacts::by("e-mail", "ada@example.org");
        let shown = format!("{0:?} {0}", search.validate().unwrap_err());
        assert!(shown.contains("not_searchable") && !shown.contains("ada"), "{shown}");
    }
}
