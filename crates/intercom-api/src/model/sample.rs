//! Examples of all models, for their tests.

use crate::ids::{
    AdminId, CompanyExternalId, CompanyId, ContactId, ConversationId, DataAttributeId, ExternalId, ExternalIdInPath,
    NoteId, ResourceId, SegmentId, SubscriptionTypeId, TagId, TeamId, TicketId, VisitorId,
};
use crate::json::{Attributes, Number, Value};
use crate::route::{Method, OperationId};
use crate::time::UnixSeconds;
use exact_json::testing::{Model, anywhere, object};
use serde_json::json;
use strum::IntoEnumIterator as _;

/// A model of which there is an example.
pub(crate) trait Sample {
    /// An example with everything set, as far as it is not nested deeper than `depth`.
    fn sample(depth: u8) -> Self;
}

/// Reads and writes examples of the model wherever an object can stand: one with everything set, and one with nothing.
#[track_caller]
pub(crate) fn can_stand_anywhere<T: Model + Sample>() {
    for depth in [0, 4] {
        let sent = serde_json::to_value(T::sample(depth)).unwrap();
        let _: T = object(&sent);
    }
}

macro_rules! samples {
    ($($kind:ty = $sample:expr;)*) => {$(
        impl Sample for $kind {
            fn sample(_: u8) -> Self {
                $sample
            }
        }
    )*};
}

samples! {
    String = "text".to_owned();
    bool = true;
    i64 = -12;
    u32 = 12;
    UnixSeconds = UnixSeconds(1_700_000_000);
    Number = Number::from_json_text("12.5").unwrap();
    Value = Value::from(vec![Value::Null, true.into()]);
    Attributes = [("plan", "pro")].into_iter().collect();
}

macro_rules! ids {
    ($($kind:ident)*) => {
        samples! { $($kind = $kind::from(7);)* }

        #[test]
        fn ids_can_stand_anywhere() {
            $(
                let _: $kind = anywhere(&json!(7));
                let _: $kind = anywhere(&json!("5f3"));
            )*
        }
    };
}

ids! {
    AdminId CompanyExternalId CompanyId ContactId ConversationId DataAttributeId ExternalId ExternalIdInPath NoteId ResourceId SegmentId
    SubscriptionTypeId TagId TeamId TicketId VisitorId
}

impl<T: Sample> Sample for Option<T> {
    fn sample(depth: u8) -> Self {
        (depth > 0).then(|| T::sample(depth - 1))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(depth: u8) -> Self {
        (0..depth.min(2)).map(|_| T::sample(depth - 1)).collect()
    }
}

impl<T: Sample> Sample for Box<T> {
    fn sample(depth: u8) -> Self {
        Box::new(T::sample(depth))
    }
}

#[test]
fn what_is_no_model_can_stand_anywhere_too() {
    for number in [json!(0), json!(-12), json!(12.5), json!(u64::MAX)] {
        let _: Number = anywhere(&number);
    }
    let _: Value = anywhere(&json!([null, true, -1.5, "x", {"a": {}}]));
    let _: Attributes = object(&json!({"plan": "pro", "seats": 12, "a": [null]}));
    for operation in OperationId::iter() {
        let _: OperationId = anywhere(&json!(operation));
        let _: Method = anywhere(&json!(operation.method()));
    }
}
