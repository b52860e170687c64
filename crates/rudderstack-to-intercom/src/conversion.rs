//! From an event and its destination's settings to a plan.

use crate::destination::Destination;
use crate::issue::{Rejection, RejectionCode, Warning};
use crate::plan::{Plan, SaveCompany, SaveContact};
use crate::reader::Reader;
use crate::source::{FieldSource, generic};
use crate::{coerce, company, contact, data_event, record};
use intercom_api::{
    CompanyFields, ContactFields, CreateContact, DataEvent, ExternalId, SubmitDataEvent, UnixSeconds, UpsertCompany,
};
use rudderstack_events::{Event, Group, Identify, Integration, Record, Track};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What comes of an event that can be converted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is for Intercom; this is to be done.
    Convert(Box<Conversion>),
    /// It is not for Intercom: its `integrations` say so.
    Skip,
}

/// A converted event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conversion {
    /// What is to be done in Intercom.
    pub plan: Plan,
    /// Whom the event is about; events that share any of these must stay in order.
    pub identities: Identities,
    /// What was left out, and what else the caller should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// Where each Intercom field came from; empty unless it was asked for with [`Mapped::traced`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<FieldSource>,
}

impl Conversion {
    /// A plan and whom it is about, without warnings.
    pub fn new(plan: Plan, identities: Identities) -> Self {
        Self {
            plan,
            identities,
            warnings: Vec::new(),
            sources: Vec::new(),
        }
    }
}

/// One body or plan of one event, with what was left out of it: see [`Mapped::convert`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Converted<T> {
    /// What the event was converted to.
    pub value: T,
    /// What was left out, and what else the caller should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// Whom an event is about. `Debug` shows which of them are known.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Identities {
    /// The user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The anonymous id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<String>,
    /// The email, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Identities {
    /// Nobody in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a user id.
    #[must_use]
    pub fn with_user_id(mut self, id: impl Into<String>) -> Self {
        self.user_id = Some(id.into());
        self
    }

    /// The same with an anonymous id.
    #[must_use]
    pub fn with_anonymous_id(mut self, id: impl Into<String>) -> Self {
        self.anonymous_id = Some(id.into());
        self
    }

    /// The same with an email, which is kept in lower case.
    #[must_use]
    pub fn with_email(mut self, email: &str) -> Self {
        self.email = Some(email.to_lowercase());
        self
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            ("user_id", self.user_id.is_some()),
            ("anonymous_id", self.anonymous_id.is_some()),
            ("email", self.email.is_some()),
        ];
        f.debug_set()
            .entries(known.iter().filter(|(_, known)| *known).map(|(name, _)| name))
            .finish()
    }
}

/// An event, and the settings under which it is converted.
///
/// The conversions of this crate are `TryFrom` on this type, and [`convert`](Self::convert), which keeps the warnings:
///
/// ```
/// use intercom_api::{CreateContact, UnixSeconds};
/// use rudderstack_events::Event;
/// use rudderstack_to_intercom::{Destination, Mapped};
///
/// let event = Event::from_json(r#"{"type":"identify","userId":"ann-1","traits":{"plan":"pro"}}"#).unwrap();
/// let Event::Identify(identify) = event else { unreachable!() };
/// let destination = Destination::new();
/// let mapped = Mapped::new(&identify, &destination, UnixSeconds(1_700_000_000));
/// let create = CreateContact::try_from(mapped)?;
/// assert_eq!(
///     serde_json::to_string(&create.contact).unwrap(),
///     r#"{"external_id":"ann-1","custom_attributes":{"plan":"pro"}}"#,
/// );
/// let converted = mapped.convert::<CreateContact>()?;
/// assert_eq!((converted.value, converted.warnings.len()), (create, 0));
/// # Ok::<(), rudderstack_to_intercom::Rejection>(())
/// ```
#[derive(Debug)]
pub struct Mapped<'a, E> {
    event: &'a E,
    destination: &'a Destination,
    now: UnixSeconds,
    traced: bool,
}

// Whatever the event is: it is only lent.
impl<E> Clone for Mapped<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Mapped<'_, E> {}

impl<'a, E> Mapped<'a, E> {
    /// An event under the settings of a destination. `now` stands in for a time that the event does not have.
    pub fn new(event: &'a E, destination: &'a Destination, now: UnixSeconds) -> Self {
        Self {
            event,
            destination,
            now,
            traced: false,
        }
    }

    /// Converts the event to one body or plan, whatever its `integrations` say, and keeps the warnings.
    ///
    /// # Errors
    ///
    /// If the event can never be sent: see [`RejectionCode`].
    pub fn convert<T>(self) -> Result<Converted<T>, Rejection>
    where
        Converted<T>: TryFrom<Self, Error = Rejection>,
    {
        self.try_into()
    }

    /// The same, keeping the source of every Intercom field in [`Conversion::sources`].
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.traced = true;
        self
    }
}

/// Converts an event of any type.
///
/// # Errors
///
/// If the event can never be sent: see [`RejectionCode`].
pub fn convert(event: &Event<'_>, destination: &Destination, now: UnixSeconds) -> Result<Decision, Rejection> {
    Mapped::new(event, destination, now).decide()
}

impl<'a> Mapped<'a, Event<'a>> {
    /// Converts the event, unless its `integrations` keep it from Intercom.
    ///
    /// # Errors
    ///
    /// If the event can never be sent: see [`RejectionCode`].
    pub fn decide(self) -> Result<Decision, Rejection> {
        let reader = self.reader();
        if is_for_others(&reader) {
            return Ok(Decision::Skip);
        }
        convert_with(reader, self.event).map(Decision::Convert)
    }

    /// The plan alone, or `None` if the event's `integrations` keep it from Intercom: for who neither keeps events in order nor
    /// shows warnings.
    ///
    /// # Errors
    ///
    /// As for [`decide`](Self::decide).
    pub fn plan(self) -> Result<Option<Plan>, Rejection> {
        let reader = self.reader();
        if is_for_others(&reader) {
            return Ok(None);
        }
        plan(&reader, self.event).map(Some)
    }

    fn reader(self) -> Reader<'a> {
        Reader::new(self.event, self.destination, self.now, self.traced)
    }
}

/// Whether the event's `integrations` keep it from Intercom.
fn is_for_others(reader: &Reader<'_>) -> bool {
    match reader.integration() {
        Some(integration) => !matches!(integration, Integration::Options(_)) && !integration.is_enabled(),
        None => reader.all_integrations() == Some(false),
    }
}

fn convert_with(reader: Reader<'_>, event: &Event<'_>) -> Result<Box<Conversion>, Rejection> {
    let plan = plan(&reader, event)?;
    let identities = identities(&reader, &plan);
    let (warnings, sources) = reader.finish();
    Ok(Box::new(Conversion {
        plan,
        identities,
        warnings,
        sources,
    }))
}

fn plan(reader: &Reader<'_>, event: &Event<'_>) -> Result<Plan, Rejection> {
    let plan = match event {
        Event::Identify(_) => contact::plan(reader).map(Plan::SaveContact),
        Event::Track(_) => data_event::event(reader).map(Plan::SubmitEvent),
        Event::Group(_) => company::plan(reader).map(Plan::SaveCompany),
        Event::Record(record) => record::plan(reader, record),
        Event::Page(_) | Event::Screen(_) | Event::Alias(_) | Event::Other(_) => Err(unsupported(event)),
    };
    plan.map_err(|rejection| Rejection {
        warnings: reader.take_warnings(),
        ..rejection
    })
}

fn unsupported(event: &Event<'_>) -> Rejection {
    let message = match event.event_type() {
        Some(kind) => format!("Intercom v2 takes identify, track, group and record events, not {kind}"),
        None => "the type is missing, or none that Intercom v2 takes: identify, track, group, record".to_owned(),
    };
    Rejection::new(RejectionCode::UnsupportedEventType, "/type", message)
}

/// Whom the event is about: whom the plan touches, and where it does not say, whom the event names.
fn identities(reader: &Reader<'_>, plan: &Plan) -> Identities {
    let mut found = Identities::new();
    let mut add = |user_id: Option<&str>, email: Option<&str>| {
        if found.user_id.is_none() {
            found.user_id = user_id.map(str::to_owned);
        }
        if found.email.is_none() {
            found.email = email.map(str::to_lowercase);
        }
    };
    fn id(id: &Option<ExternalId>) -> Option<&str> {
        id.as_ref().map(ExternalId::as_str)
    }
    match plan {
        Plan::SaveContact(plan) => {
            let fields = plan.create().unwrap_or(&plan.update);
            add(id(&fields.external_id), fields.email.as_deref());
            add(plan.lookup.external_id(), plan.lookup.email());
        }
        Plan::DeleteContact(lookup) => add(lookup.external_id(), lookup.email()),
        Plan::SubmitEvent(event) => add(id(&event.user_id), event.email.as_deref()),
        Plan::SaveCompany(SaveCompany { member, .. }) => {
            if let Some(member) = member {
                add(member.external_id(), member.email());
            }
        }
    }
    let text = |sources| reader.read_quietly(sources, &coerce::TEXT);
    let (user_id, email) = match plan {
        Plan::SaveCompany(_) => (generic::MEMBER_ID, generic::MEMBER_EMAIL),
        Plan::SaveContact(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_) => {
            (generic::IDENTIFIED_USER_ID, generic::EMAIL)
        }
    };
    found.user_id = found.user_id.or_else(|| text(user_id));
    found.email = found.email.or_else(|| text(email).map(|email| email.to_lowercase()));
    found.anonymous_id = text(generic::ANONYMOUS_ID);
    found
}

/// Conversions of one typed event into one body or plan, whatever its `integrations` say.
macro_rules! try_from {
    ($($event:ident => $target:ty, |$reader:pat_param, $typed:pat_param| $convert:expr;)*) => {$(
        impl TryFrom<Mapped<'_, $event<'_>>> for Converted<$target> {
            type Error = Rejection;

            fn try_from(mapped: Mapped<'_, $event<'_>>) -> Result<Self, Rejection> {
                // Cheap: the parts of an event are slices of its text.
                let event = Event::from(mapped.event.clone());
                let reader = Reader::new(&event, mapped.destination, mapped.now, mapped.traced);
                let run = |$reader: &Reader<'_>, $typed: &$event<'_>| -> Result<$target, Rejection> { $convert };
                let value = run(&reader, mapped.event);
                let warnings = reader.take_warnings();
                match value {
                    Ok(value) => Ok(Self { value, warnings }),
                    Err(rejection) => Err(Rejection { warnings, ..rejection }),
                }
            }
        }

        without_warnings! { $event => $target }
    )*};
}

/// The same without the warnings.
macro_rules! without_warnings {
    ($event:ident => $target:ty) => {
        impl<'a> TryFrom<Mapped<'a, $event<'a>>> for $target {
            type Error = Rejection;

            fn try_from(mapped: Mapped<'a, $event<'a>>) -> Result<Self, Rejection> {
                mapped.convert().map(|converted: Converted<Self>| converted.value)
            }
        }
    };
}

try_from! {
    Identify => ContactFields, |reader, _| contact::fields(reader);
    Identify => CreateContact, |reader, _| contact::fields(reader).map(|contact| CreateContact { contact });
    Identify => SaveContact, |reader, _| contact::plan(reader);
    Identify => Plan, |reader, _| contact::plan(reader).map(Plan::SaveContact);
    Track => DataEvent, |reader, _| data_event::event(reader);
    Track => SubmitDataEvent, |reader, _| data_event::event(reader).map(|event| SubmitDataEvent { event });
    Track => Plan, |reader, _| data_event::event(reader).map(Plan::SubmitEvent);
    Group => CompanyFields, |reader, _| company::fields(reader);
    Group => UpsertCompany, |reader, _| company::fields(reader).map(|company| UpsertCompany { company });
    Group => SaveCompany, |reader, _| company::plan(reader);
    Group => Plan, |reader, _| company::plan(reader).map(Plan::SaveCompany);
    Record => Plan, |reader, record| record::plan(reader, record);
}

impl<'a> TryFrom<Mapped<'a, Event<'a>>> for Converted<Plan> {
    type Error = Rejection;

    fn try_from(mapped: Mapped<'a, Event<'a>>) -> Result<Self, Rejection> {
        let Conversion { plan, warnings, .. } = mapped.try_into()?;
        Ok(Self { value: plan, warnings })
    }
}

without_warnings! { Event => Plan }

impl<'a> TryFrom<Mapped<'a, Event<'a>>> for Conversion {
    type Error = Rejection;

    /// Converts whatever the event's `integrations` say.
    fn try_from(mapped: Mapped<'a, Event<'a>>) -> Result<Self, Rejection> {
        convert_with(mapped.reader(), mapped.event).map(|conversion| *conversion)
    }
}
