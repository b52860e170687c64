//! What a request's method, path and query ask for.

use intercom_api::{OperationId, Route};
use std::borrow::Cow;

/// What Intercom has, the sandbox does not, and would pass for the id of something that the sandbox has.
const NO_IDS: &[&str] = &["/admins/activity_log_event_types"];

/// A request whose path is known.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) operation: OperationId,
    route: Route<'a>,
    query: &'a str,
}

impl<'a> Target<'a> {
    /// Finds the operation, or nothing if there is no such route.
    pub(crate) fn find(method: &str, path_and_query: &'a str) -> Option<Self> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        if NO_IDS.contains(&path) {
            return None;
        }
        let route = Route::find(method.parse().ok()?, path)?;
        Some(Self {
            operation: route.operation,
            route,
            query,
        })
    }

    /// The first parameter of the path, decoded.
    pub(crate) fn first(&self) -> &str {
        self.route.parameters().next().unwrap_or_default()
    }

    /// The second parameter of the path, decoded.
    pub(crate) fn second(&self) -> &str {
        self.route.parameters().nth(1).unwrap_or_default()
    }

    /// The first query parameter of that name, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(self.query.as_bytes()).find_map(|(key, value)| (key == name).then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let target = Target::find("DELETE", "/contacts/a%2Fb/companies/c%20d?x=1&name=e%26f+g&name=h").unwrap();
        assert_eq!((target.first(), target.second()), ("a/b", "c d"));
        assert_eq!(target.query("name").as_deref(), Some("e&f g"));
        assert_eq!(target.query("y"), None);
        assert!(Target::find("PATCH", "/contacts/5f").is_none());
    }
}
