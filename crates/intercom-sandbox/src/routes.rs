//! Which operation a method and a path are: the one table of routes.

use intercom_api::OperationId;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// A segment of a route's path.
enum Segment {
    /// Must be there as written.
    Literal(&'static str),
    /// Any text: a parameter.
    Any,
}

struct Route {
    method: &'static str,
    path: &'static [Segment],
    operation: OperationId,
}

/// The most parameters that a path has.
const MAX_PARAMETERS: usize = 2;

macro_rules! segment {
    ({}) => {
        Segment::Any
    };
    ($literal:literal) => {
        Segment::Literal($literal)
    };
}

macro_rules! routes {
    ($($method:ident $(/ $segment:tt)+ => $operation:ident,)*) => {
        &[$(Route {
            method: stringify!($method),
            path: &[$(segment!($segment)),+],
            operation: OperationId::$operation,
        },)*]
    };
}

// A literal segment stands above a parameter at the same place, because the first match wins.
const ROUTES: &[Route] = routes! {
    POST/"events" => SubmitDataEvent,
    POST/"contacts"/"search" => SearchContacts,
    POST/"contacts"/"merge" => MergeContacts,
    POST/"contacts" => CreateContact,
    GET/"contacts" => ListContacts,
    PUT/"contacts"/{} => UpdateContact,
    GET/"contacts"/{} => RetrieveContact,
    DELETE/"contacts"/{} => DeleteContact,
    POST/"contacts"/{}/"archive" => ArchiveContact,
    POST/"contacts"/{}/"unarchive" => UnarchiveContact,
    POST/"contacts"/{}/"companies" => AttachCompany,
    GET/"contacts"/{}/"companies" => ListContactCompanies,
    DELETE/"contacts"/{}/"companies"/{} => DetachCompany,
    POST/"contacts"/{}/"tags" => TagContact,
    GET/"contacts"/{}/"tags" => ListContactTags,
    DELETE/"contacts"/{}/"tags"/{} => UntagContact,
    POST/"contacts"/{}/"notes" => CreateNote,
    GET/"contacts"/{}/"notes" => ListContactNotes,
    GET/"contacts"/{}/"segments" => ListContactSegments,
    POST/"contacts"/{}/"subscriptions" => AttachSubscription,
    GET/"contacts"/{}/"subscriptions" => ListContactSubscriptions,
    DELETE/"contacts"/{}/"subscriptions"/{} => DetachSubscription,
    POST/"companies"/"list" => ListCompanies,
    GET/"companies"/"scroll" => ScrollCompanies,
    POST/"companies" => UpsertCompany,
    GET/"companies" => FindCompany,
    GET/"companies"/{} => RetrieveCompany,
    PUT/"companies"/{} => UpdateCompany,
    DELETE/"companies"/{} => DeleteCompany,
    GET/"companies"/{}/"contacts" => ListCompanyContacts,
    GET/"companies"/{}/"segments" => ListCompanySegments,
    POST/"tags" => CreateTag,
    GET/"tags" => ListTags,
    GET/"tags"/{} => FindTag,
    DELETE/"tags"/{} => DeleteTag,
    GET/"events" => ListDataEvents,
    POST/"events"/"summaries" => SummariseDataEvents,
    GET/"data_attributes" => ListDataAttributes,
    POST/"data_attributes" => CreateDataAttribute,
    PUT/"data_attributes"/{} => UpdateDataAttribute,
    POST/"user_delete_requests" => RequestUserDeletion,
    GET/"me" => IdentifyAdmin,
    GET/"admins" => ListAdmins,
    GET/"admins"/"activity_logs" => ListActivityLogs,
    GET/"admins"/{} => RetrieveAdmin,
    PUT/"admins"/{}/"away" => SetAwayAdmin,
    GET/"notes"/{} => RetrieveNote,
    GET/"segments" => ListSegments,
    GET/"segments"/{} => RetrieveSegment,
    GET/"subscription_types" => ListSubscriptionTypes,
    POST/"conversations"/{}/"tags" => TagConversation,
    DELETE/"conversations"/{}/"tags"/{} => UntagConversation,
    POST/"tickets"/{}/"tags" => TagTicket,
    DELETE/"tickets"/{}/"tags"/{} => UntagTicket,
    GET/"visitors" => RetrieveVisitor,
    PUT/"visitors" => UpdateVisitor,
    POST/"visitors"/"convert" => ConvertVisitor,
};

/// A request whose path is known.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) operation: OperationId,
    parameters: [Cow<'a, str>; MAX_PARAMETERS],
    query: &'a str,
}

impl Target<'_> {
    /// The first parameter of the path, decoded.
    pub(crate) fn first(&self) -> &str {
        &self.parameters[0]
    }

    /// The second parameter of the path, decoded.
    pub(crate) fn second(&self) -> &str {
        &self.parameters[1]
    }

    /// The first query parameter of that name, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_query(key) == name).then(|| decode_query(value))
        })
    }
}

/// Finds the operation, or nothing if there is no such route.
pub(crate) fn find<'a>(method: &str, path_and_query: &'a str) -> Option<Target<'a>> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let path = path.strip_prefix('/')?;
    let segments = || path.split('/');
    let count = segments().count();
    let route = ROUTES.iter().find(|route| {
        route.path.len() == count
            && route.method == method
            && route
                .path
                .iter()
                .zip(segments())
                .all(|(expected, found)| match expected {
                    Segment::Literal(text) => *text == found,
                    Segment::Any => !found.is_empty(),
                })
    })?;
    let mut parameters = route
        .path
        .iter()
        .zip(segments())
        .filter(|(expected, _)| matches!(expected, Segment::Any))
        .map(|(_, found)| percent_decode_str(found).decode_utf8_lossy());
    Some(Target {
        operation: route.operation,
        parameters: std::array::from_fn(|_| parameters.next().unwrap_or_default()),
        query,
    })
}

fn decode_query(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn every_operation_has_one_route_that_leads_to_it() {
        for operation in OperationId::iter() {
            let routes: Vec<_> = ROUTES.iter().filter(|route| route.operation == operation).collect();
            assert_eq!(routes.len(), 1, "{operation}");
            let path: String = routes[0]
                .path
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => format!("/{text}"),
                    Segment::Any => "/5f".to_owned(),
                })
                .collect();
            let target = find(routes[0].method, &path).unwrap();
            assert_eq!(target.operation, operation, "{path}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let target = find("DELETE", "/contacts/a%2Fb/companies/c%20d?x=1&name=e%26f&name=g").unwrap();
        assert_eq!((target.first(), target.second()), ("a/b", "c d"));
        assert_eq!(target.query("name").as_deref(), Some("e&f"));
        assert_eq!(target.query("y"), None);
    }
}
