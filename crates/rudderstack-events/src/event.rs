//! The events themselves.
//!
//! Source: RudderStack's event specification, one page a call.

use crate::context::Context;
use crate::error::ParseError;
use crate::field::Field;
use crate::ids::{AnonymousId, GroupId, MessageId, PreviousId, UserId};
use crate::integrations::Integrations;
use crate::json::Raw;
use crate::model::{Model, object_model, read_eagerly, read_part, setters};
use crate::object::Object;
use crate::owned::into_owned;
use crate::scan::{Cursor, Fault};
use crate::time::Timestamp;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// What an event says happened: its `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum EventType {
    /// Who a person is.
    Identify,
    /// What a person did.
    Track,
    /// Which web page was seen.
    Page,
    /// Which screen of an app was seen.
    Screen,
    /// Which company a person belongs to.
    Group,
    /// That two ids mean one person.
    Alias,
    /// A row of a warehouse table (reverse ETL).
    Record,
}

impl EventType {
    /// The `type` as SDKs write it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        name.parse()
            .map_err(|_| serde::de::Error::custom("expected the type of an event"))
    }
}

object_model! {
    /// What every event has.
    pub struct Common<'a> {
        /// What the event says happened.
        kind: Cow<'a, str> = "type",
        /// Unique for each event.
        message_id: MessageId<'a> = "messageId",
        /// What the sender calls the person.
        user_id: UserId<'a> = "userId",
        /// What the SDK called the person before they were identified.
        anonymous_id: AnonymousId<'a> = "anonymousId",
        /// The circumstances.
        context: Context<'a> = "context" eager,
        /// Which destinations the event is for, and options for each.
        integrations: Integrations<'a> = "integrations",
        /// What sent it: `web`, `mobile`, `server`, `sources`.
        channel: Cow<'a, str> = "channel",
        /// When it happened, corrected for the sender's clock.
        timestamp: Timestamp<'a> = "timestamp",
        /// When it happened, by the sender's clock.
        original_timestamp: Timestamp<'a> = "originalTimestamp",
        /// When it was sent, by the sender's clock.
        sent_at: Timestamp<'a> = "sentAt",
        /// When RudderStack received it.
        received_at: Timestamp<'a> = "receivedAt",
    }
}

impl Common<'_> {
    /// What the event says happened, if it is what this crate knows.
    fn event_type(&self) -> Option<EventType> {
        self.kind.ok()?.parse().ok()
    }

    /// Writes the parts as those of an event of this type, whatever `kind` was set to.
    fn serialize_as<M: SerializeMap>(&self, kind: EventType, map: &mut M) -> Result<(), M::Error> {
        if self.event_type() == Some(kind) {
            return self.serialize_into(map);
        }
        self.clone().with_kind(kind.as_str()).serialize_into(map)
    }
}

/// Sets parts that every event has.
macro_rules! common_setters {
    ($($(#[$doc:meta])* $field:ident: $kind:ty,)*) => {$(
        pastey::paste! {
            $(#[$doc])*
            #[must_use]
            pub fn [<with_ $field>](mut self, $field: impl Into<$kind>) -> Self {
                self.common.$field = Field::Set(Box::new($field.into()));
                self
            }
        }
    )*};
}

/// An event whose type is not looked at yet: the parts of its type are still among `extra`, or held.
#[derive(Default)]
struct ReadEvent<'a> {
    common: Common<'a>,
    /// What belongs to the types of most events, so that theirs need not go through `extra`.
    traits: Field<'a, Object<'a>>,
    properties: Field<'a, Object<'a>>,
    event: Field<'a, Cow<'a, str>>,
    group_id: Field<'a, GroupId<'a>>,
    /// Those of them that are there, in order, and how many entries of `extra` come before each.
    held: [(Held, usize); 4],
    holds: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Held {
    #[default]
    Traits,
    Properties,
    Event,
    GroupId,
}

impl<'a> Model<'a> for ReadEvent<'a> {
    fn take(&mut self, key: &str, cursor: &mut Cursor<'a>) -> Result<bool, Fault> {
        let part = match key {
            "traits" => {
                self.traits = read_eagerly(cursor)?;
                Held::Traits
            }
            "properties" => {
                self.properties = read_eagerly(cursor)?;
                Held::Properties
            }
            "event" => {
                self.event = read_part!(cursor);
                Held::Event
            }
            "groupId" => {
                self.group_id = read_part!(cursor);
                Held::GroupId
            }
            _ => return self.common.take(key, cursor),
        };
        if !self.held[..self.holds].iter().any(|(held, _)| *held == part) {
            self.held[self.holds] = (part, self.common.extra.len());
            self.holds += 1;
        }
        Ok(true)
    }

    fn extra(&mut self) -> &mut Object<'a> {
        &mut self.common.extra
    }
}

impl<'a> ReadEvent<'a> {
    /// What every event has. Parts that are held still are of a type that has none such, and go where they stood.
    #[inline(always)]
    fn into_common(mut self) -> Common<'a> {
        let mut placed = 0;
        for (part, before) in &self.held[..self.holds] {
            let (key, raw) = match part {
                Held::Traits => ("traits", std::mem::take(&mut self.traits).into_raw()),
                Held::Properties => ("properties", std::mem::take(&mut self.properties).into_raw()),
                Held::Event => ("event", std::mem::take(&mut self.event).into_raw()),
                Held::GroupId => ("groupId", std::mem::take(&mut self.group_id).into_raw()),
            };
            if let Some(raw) = raw {
                self.common.extra.place(before + placed, Cow::Borrowed(key), raw);
                placed += 1;
            }
        }
        self.common
    }
}

/// Takes a part of the event's type out of the rest.
macro_rules! own_part {
    ($read:ident, $field:ident, $key:literal) => {
        $read.common.extra.remove($key).map_or(Field::Absent, Field::Received)
    };
    ($read:ident, $field:ident, $key:literal, held) => {
        std::mem::take(&mut $read.$field)
    };
}

/// Declares the events: a struct each, and the enum of all of them.
macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $name:ident {$(
            $(#[$field_doc:meta])*
            $field:ident: $kind:ty = $key:literal $($read:ident)?,
        )*}
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq)]
            #[non_exhaustive]
            pub struct $name<'a> {
                /// What every event has, and whatever has no name here.
                pub common: Common<'a>,
                $($(#[$field_doc])* pub $field: Field<'a, $kind>,)*
            }

            impl<'a> $name<'a> {
                /// An event with nothing but its `type`.
                pub fn new() -> Self {
                    let mut common = Common::new();
                    common.kind = Field::from(Cow::Borrowed(EventType::$name.as_str()));
                    Self { common, ..Self::default() }
                }

                setters! { $($(#[$field_doc])* $field: $kind,)* }

                common_setters! {
                    /// Unique for each event.
                    message_id: MessageId<'a>,
                    /// What the sender calls the person.
                    user_id: UserId<'a>,
                    /// What the SDK called the person before they were identified.
                    anonymous_id: AnonymousId<'a>,
                    /// The circumstances.
                    context: Context<'a>,
                    /// Which destinations the event is for, and options for each.
                    integrations: Integrations<'a>,
                    /// What sent it.
                    channel: Cow<'a, str>,
                    /// When it happened, corrected for the sender's clock.
                    timestamp: Timestamp<'a>,
                    /// When it happened, by the sender's clock.
                    original_timestamp: Timestamp<'a>,
                    /// When it was sent, by the sender's clock.
                    sent_at: Timestamp<'a>,
                    /// When RudderStack received it.
                    received_at: Timestamp<'a>,
                }

                /// The same event, independent of the text that it was read from.
                pub fn into_owned(self) -> $name<'static> {
                    $name {
                        common: self.common.into_owned(),
                        $($field: self.$field.into_owned(),)*
                    }
                }

                #[inline(always)]
                fn from_read(mut read: ReadEvent<'a>) -> Self {
                    $(let $field = own_part!(read, $field, $key $(, $read)?);)*
                    Self { common: read.into_common(), $($field,)* }
                }
            }

            impl Serialize for $name<'_> {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let mut map = serializer.serialize_map(None)?;
                    self.common.serialize_as(EventType::$name, &mut map)?;
                    $(if !self.$field.is_absent() {
                        map.serialize_entry($key, &self.$field)?;
                    })*
                    map.end()
                }
            }

            $crate::owned::into_owned! { $name }

            impl<'de> Deserialize<'de> for $name<'_> {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    match Event::deserialize(deserializer)? {
                        Event::$name(event) => Ok(event),
                        _ => Err(serde::de::Error::custom(concat!("expected an event of the type ", stringify!($name)))),
                    }
                }
            }

            pastey::paste! {
                #[cfg(test)]
                #[test]
                fn [<an_event_ $name:snake _can_stand_anywhere>]() {
                    let part = serde_json::json!([1.5, {"a": null}, "x"]);
                    let sent = ["context", "userId", $($key,)* "something else"].map(|key| (key, part.clone()));
                    let mut sent: serde_json::Value = sent.into_iter().collect();
                    sent["type"] = EventType::$name.as_str().into();
                    let event: $name<'static> = exact_json::testing::object(&sent);
                    let any: OwnedEvent = exact_json::testing::object(&sent);
                    assert_eq!(any, event.into());
                    sent["type"] = "something else".into();
                    assert!(serde_json::from_value::<$name<'_>>(sent).is_err());
                }
            }

            impl<'a> From<$name<'a>> for Event<'a> {
                fn from(event: $name<'a>) -> Self {
                    Self::$name(event)
                }
            }
        )*

        /// An event of any type.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event<'a> {
            $($(#[$doc])* $name($name<'a>),)*
            /// An event whose `type` is missing, or none that this crate knows.
            Other(Common<'a>),
        }

        impl<'a> Event<'a> {
            /// The type, if it is one that this crate knows.
            pub fn event_type(&self) -> Option<EventType> {
                match self {
                    $(Self::$name(_) => Some(EventType::$name),)*
                    Self::Other(_) => None,
                }
            }

            /// What every event has.
            pub fn common(&self) -> &Common<'a> {
                match self {
                    $(Self::$name(event) => &event.common,)*
                    Self::Other(common) => common,
                }
            }

            /// What every event has, to be changed. An event of another `type` stays the same variant.
            pub fn common_mut(&mut self) -> &mut Common<'a> {
                match self {
                    $(Self::$name(event) => &mut event.common,)*
                    Self::Other(common) => common,
                }
            }

            /// The same event, independent of the text that it was read from.
            pub fn into_owned(self) -> OwnedEvent {
                match self {
                    $(Self::$name(event) => Event::$name(event.into_owned()),)*
                    Self::Other(common) => Event::Other(common.into_owned()),
                }
            }

            #[inline(always)]
            fn from_read(read: ReadEvent<'a>) -> Self {
                match read.common.event_type() {
                    $(Some(EventType::$name) => Self::$name($name::from_read(read)),)*
                    None => Self::Other(read.into_common()),
                }
            }
        }

        impl Serialize for Event<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$name(event) => event.serialize(serializer),)*
                    Self::Other(common) => common.serialize(serializer),
                }
            }
        }
    };
}

events! {
    /// Who a person is, and what is known of them.
    Identify {
        /// What is known of the person. The browser SDK sends it in `context.traits` instead.
        traits: Object<'a> = "traits" held,
    }
    /// What a person did.
    Track {
        /// The name of what they did.
        event: Cow<'a, str> = "event" held,
        /// Its details.
        properties: Object<'a> = "properties" held,
    }
    /// Which web page was seen.
    Page {
        /// The name of the page.
        name: Cow<'a, str> = "name",
        /// The category of the page.
        category: Cow<'a, str> = "category",
        /// Its details.
        properties: Object<'a> = "properties" held,
    }
    /// Which screen of an app was seen.
    Screen {
        /// The name of the screen.
        name: Cow<'a, str> = "name",
        /// The category of the screen.
        category: Cow<'a, str> = "category",
        /// Its details.
        properties: Object<'a> = "properties" held,
    }
    /// Which company, organisation or account a person belongs to.
    Group {
        /// What the sender calls the group.
        group_id: GroupId<'a> = "groupId" held,
        /// What is known of the group.
        traits: Object<'a> = "traits" held,
    }
    /// That two ids mean one person.
    Alias {
        /// What the person was called before.
        previous_id: PreviousId<'a> = "previousId",
    }
    /// A row of a warehouse table (reverse ETL).
    Record {
        /// What happened to the row: `insert`, `update` or `delete`.
        action: Cow<'a, str> = "action",
        /// The row's columns, by the destination's names.
        fields: Object<'a> = "fields",
        /// The columns by which the destination finds the row.
        identifiers: Object<'a> = "identifiers",
        /// The number of the row in its run.
        record_id: Cow<'a, str> = "recordId",
    }
}

impl<'a> Event<'a> {
    /// Reads an event from its JSON text. The event borrows from the text.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, is not an object, or is nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH). An unknown `type` is no error,
    /// nor is a malformed part: that shows when the part is asked for.
    pub fn from_json(json: &'a str) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(json);
        let mut read = ReadEvent::default();
        match read.fill(&mut cursor).and_then(|()| cursor.end()) {
            Ok(()) => Ok(Self::from_read(read)),
            Err(fault) => Err(ParseError::new(fault, json)),
        }
    }

    /// Reads the event that a cursor is ahead of, as a part of a larger text.
    ///
    /// # Errors
    ///
    /// As for [`from_json`](Self::from_json).
    pub fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        // Events are large, and moving one takes longer than reading a part.
        let mut read = ReadEvent::default();
        read.fill(cursor)?;
        Ok(Self::from_read(read))
    }

    /// `traits` beside the event's other parts, whatever its type.
    pub fn traits(&self) -> Option<Raw<'_>> {
        match self {
            Self::Identify(event) => event.traits.raw(),
            Self::Group(event) => event.traits.raw(),
            _ => self.common().extra.get("traits").map(Raw::borrow),
        }
    }

    /// `properties` beside the event's other parts, whatever its type.
    pub fn properties(&self) -> Option<Raw<'_>> {
        match self {
            Self::Track(event) => event.properties.raw(),
            Self::Page(event) => event.properties.raw(),
            Self::Screen(event) => event.properties.raw(),
            _ => self.common().extra.get("properties").map(Raw::borrow),
        }
    }
}

/// An event that borrows from nothing, to be kept, sent to another thread, or read from a reader.
pub type OwnedEvent = Event<'static>;

into_owned! { Event }

/// What is read by way of serde borrows nothing; [`Event::from_json`] does, and is faster.
impl<'de> Deserialize<'de> for Event<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let event = Event::from_json(raw.json()).map_err(serde::de::Error::custom)?;
        Ok(event.into_owned())
    }
}
