//! Tags.
//!
//! Source: the tag operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/tags>.

use crate::ids::{CompanyId, TagId};
use crate::model::answer;
use crate::operation::Operation;
use crate::{Method, OperationId};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// Puts a tag on companies, and creates the tag if there is none of that name: `POST /tags`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagCompanies {
    /// The tag's name. Case does not matter.
    pub name: String,
    /// The companies.
    #[serde(serialize_with = "as_objects")]
    pub companies: Vec<CompanyId>,
}

fn as_objects<S: Serializer>(ids: &[CompanyId], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Object<'a> {
        id: &'a CompanyId,
    }
    serializer.collect_seq(ids.iter().map(|id| Object { id }))
}

impl Operation for TagCompanies {
    type Body = Self;
    type Answer = Tag;
    const ID: OperationId = OperationId::CreateTag;
    const METHOD: Method = Method::Post;

    fn path(&self) -> Cow<'static, str> {
        Cow::Borrowed("/tags")
    }

    fn body(&self) -> Option<&Self> {
        Some(self)
    }
}

answer! {
    /// A tag.
    Tag {
        required {
            /// Intercom's id.
            id: TagId,
        }
        optional {
            /// `tag`.
            object_type = "type": String,
            /// The name.
            name: String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companies_are_objects() {
        let call = TagCompanies {
            name: "vip".into(),
            companies: vec!["1".into(), "2".into()],
        }
        .to_call()
        .unwrap();
        assert_eq!(
            call.body.unwrap().get(),
            r#"{"name":"vip","companies":[{"id":"1"},{"id":"2"}]}"#
        );
    }
}
