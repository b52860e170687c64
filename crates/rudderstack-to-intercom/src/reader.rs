//! Reads values out of an event by the rules' sources, and keeps the warnings and the trace.

use crate::coerce::{Coerced, Coercion, EMAIL_ADDRESS, TEXT};
use crate::destination::Destination;
use crate::issue::{Warning, WarningCode, Warnings};
use crate::source::{self, FieldSource, Path, Root, Source, generic};
use intercom_api::UnixSeconds;
use rudderstack_events::{Context, Event, Field, Integration, Kind, MAX_DEPTH, Object, Raw};
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};

/// The spellings of the key under `integrations`; the first that is there counts.
pub(crate) const INTEGRATION_NAMES: [&str; 6] = [
    "INTERCOM_V2",
    "Intercom V2",
    "intercom_v2",
    "INTERCOM",
    "Intercom",
    "intercom",
];

const ANONYMOUS_ID: Path = Path::new("anonymousId");

/// A part that is not read with the event. Few are needed, so each takes room only once it is there.
type Part<T> = OnceCell<Option<Box<T>>>;

/// One event under conversion. Each part of it is read at most once, and only if a rule asks for it.
pub(crate) struct Reader<'e> {
    event: &'e Event<'e>,
    pub(crate) destination: &'e Destination,
    now: UnixSeconds,
    context: Part<Context<'e>>,
    traits: Part<Object<'e>>,
    context_traits: Part<Object<'e>>,
    properties: Part<Object<'e>>,
    external_id: Part<Object<'e>>,
    fields: Part<Object<'e>>,
    identifiers: Part<Object<'e>>,
    integrations: OnceCell<Option<Object<'e>>>,
    integration: OnceCell<(&'e str, Option<Integration<'e>>)>,
    warnings: RefCell<Warnings>,
    trace: Option<RefCell<Vec<FieldSource>>>,
}

impl<'e> Reader<'e> {
    pub(crate) fn new(event: &'e Event<'e>, destination: &'e Destination, now: UnixSeconds, traced: bool) -> Self {
        Self {
            event,
            destination,
            now,
            context: OnceCell::new(),
            traits: OnceCell::new(),
            context_traits: OnceCell::new(),
            properties: OnceCell::new(),
            external_id: OnceCell::new(),
            fields: OnceCell::new(),
            identifiers: OnceCell::new(),
            integrations: OnceCell::new(),
            integration: OnceCell::new(),
            warnings: RefCell::default(),
            trace: traced.then(RefCell::default),
        }
    }

    pub(crate) fn finish(self) -> (Vec<Warning>, Vec<FieldSource>) {
        (
            self.warnings.into_inner().finish(),
            self.trace.map(RefCell::into_inner).unwrap_or_default(),
        )
    }

    pub(crate) fn take_warnings(&self) -> Vec<Warning> {
        self.warnings.take().finish()
    }

    pub(crate) fn warn(&self, code: WarningCode, path: impl Into<String>, message: impl Into<String>) {
        self.warnings.borrow_mut().push(Warning::new(code, path, message));
    }

    /// Notes where the value of an Intercom field came from.
    pub(crate) fn note(&self, field: impl FnOnce() -> String, source: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace.borrow_mut().push(FieldSource {
                field: field(),
                source: source(),
            });
        }
    }

    /// What the event says of Intercom under `integrations`.
    pub(crate) fn integration(&self) -> Option<&Integration<'e>> {
        self.integration_entry().1.as_ref()
    }

    fn integration_entry(&self) -> &(&'e str, Option<Integration<'e>>) {
        self.integration.get_or_init(|| {
            let Some(all) = self.integrations() else {
                return ("", None);
            };
            for name in INTEGRATION_NAMES {
                let Some(value) = all.get(name).filter(|value| !value.is_null()) else {
                    continue;
                };
                let integration = match value.kind() {
                    Kind::Boolean => Some(Integration::Enabled(value.json() == "true")),
                    Kind::Object => value.as_object().map(Integration::Options),
                    _ => None,
                };
                if integration.is_some() {
                    return (name, integration);
                }
                self.malformed(&format!("/integrations/{name}"), "a boolean or an object", value.kind());
            }
            ("", None)
        })
    }

    /// `integrations`; warns if it is not an object.
    fn integrations(&self) -> Option<&Object<'e>> {
        /// What SDKs send unless they are told otherwise; it says nothing.
        const USUAL: &str = r#"{"All":true}"#;
        let read = || {
            let raw = self.event.common().integrations.raw()?;
            if raw.is_null() || raw.json() == USUAL {
                return None;
            }
            let kind = raw.kind();
            let object = raw.as_object();
            if object.is_none() {
                self.malformed("/integrations", "an object", kind);
            }
            object
        };
        self.integrations.get_or_init(read).as_ref()
    }

    /// `integrations.All`; warns if it is no boolean.
    pub(crate) fn all_integrations(&self) -> Option<bool> {
        let integrations = self.integrations()?;
        let all = integrations.get("All").filter(|all| !all.is_null())?;
        if all.kind() != Kind::Boolean {
            self.malformed("/integrations/All", "a boolean", all.kind());
            return None;
        }
        Some(all.json() == "true")
    }

    fn malformed(&self, pointer: &str, expected: &str, found: Kind) {
        self.warn(
            WarningCode::MalformedValue,
            pointer,
            format!("expected {expected}, found {found}"),
        );
    }

    /// The object at a root; `None` if it is not there. Warns if it is something else.
    pub(crate) fn object(&self, root: Root) -> Option<&Object<'e>> {
        let read = |raw: Option<Raw<'e>>| self.read_object(root, raw);
        match root {
            Root::Event | Root::Context => None,
            Root::ContextTraits => part(&self.context()?.traits, &self.context_traits, read),
            Root::Traits => match self.event {
                Event::Identify(event) => part(&event.traits, &self.traits, read),
                Event::Group(event) => part(&event.traits, &self.traits, read),
                other => once(&self.traits, || read(other.traits())),
            },
            Root::Properties => match self.event {
                Event::Track(event) => part(&event.properties, &self.properties, read),
                other => once(&self.properties, || read(other.properties())),
            },
            Root::FirstExternalId => once(&self.external_id, || read(self.first_external_id())),
            Root::Fields | Root::Identifiers => {
                let Event::Record(record) = self.event else { return None };
                match root {
                    Root::Fields => part(&record.fields, &self.fields, read),
                    _ => part(&record.identifiers, &self.identifiers, read),
                }
            }
            Root::Options => match self.integration()? {
                Integration::Options(options) => Some(options),
                Integration::Enabled(_) => None,
            },
        }
    }

    /// The first object of the sources that is there and will do, with the root that it is at.
    pub(crate) fn first_object(
        &self,
        sources: &[Source],
        will_do: impl Fn(&Object<'_>) -> bool,
    ) -> Option<(Root, &Object<'e>)> {
        let roots = sources.iter().filter_map(|source| match source {
            Source::Entries(path) => Some(path.root),
            _ => None,
        });
        roots
            .filter_map(|root| Some((root, self.object(root)?)))
            .find(|(_, object)| will_do(object))
    }

    /// Reads what should be an object; warns if it is something else, or nested too deeply to be read.
    fn read_object<'r>(&self, root: Root, raw: Option<Raw<'r>>) -> Option<Object<'r>> {
        let raw = raw.filter(|raw| !raw.is_null())?;
        let kind = raw.kind();
        let object = raw.as_object();
        if object.is_none() {
            let expected = match kind {
                Kind::Object => format!("at most {MAX_DEPTH} levels"),
                _ => "an object".to_owned(),
            };
            self.malformed(&self.pointer(root, ""), &expected, kind);
        }
        object
    }

    fn context(&self) -> Option<&Context<'e>> {
        let read = |raw: Option<Raw<'e>>| self.read_object(Root::Context, raw).map(Context::from);
        part(&self.event.common().context, &self.context, read)
    }

    fn first_external_id(&self) -> Option<Raw<'e>> {
        let ids = match &self.context()?.external_id {
            Field::Absent => return None,
            Field::Received(ids) => ids.clone(),
            set => set.raw()?.into_owned(),
        };
        let kind = ids.kind();
        let items = ids.as_array();
        if items.is_none() && kind != Kind::Null {
            self.malformed("/context/externalId", "an array", kind);
        }
        items?.into_iter().next()
    }

    /// The value at a path, whatever it is.
    pub(crate) fn value(&self, path: Path) -> Option<Raw<'_>> {
        let value = match path.root {
            Root::Event => return self.top_level(path.key),
            Root::Context => self.context()?.extra.get(path.key)?,
            root => self.object(root)?.get(path.key)?,
        };
        match path.inner {
            None => Some(value.borrow()),
            Some(key) => value.as_object()?.get(key).cloned(),
        }
    }

    fn top_level(&self, key: &str) -> Option<Raw<'_>> {
        let common = self.event.common();
        match key {
            "userId" => common.user_id.raw(),
            "anonymousId" => common.anonymous_id.raw(),
            "messageId" => common.message_id.raw(),
            "timestamp" => common.timestamp.raw(),
            "originalTimestamp" => common.original_timestamp.raw(),
            "sentAt" => common.sent_at.raw(),
            "receivedAt" => common.received_at.raw(),
            _ => match (self.event, key) {
                (Event::Track(track), "event") => track.event.raw(),
                (Event::Group(group), "groupId") => group.group_id.raw(),
                _ => common.extra.get(key).map(Raw::borrow),
            },
        }
    }

    /// The JSON pointer of a root.
    pub(crate) fn root(&self, root: Root) -> Cow<'static, str> {
        match root {
            Root::Event => Cow::Borrowed(""),
            Root::Traits => Cow::Borrowed("/traits"),
            Root::Context => Cow::Borrowed("/context"),
            Root::ContextTraits => Cow::Borrowed("/context/traits"),
            Root::Properties => Cow::Borrowed("/properties"),
            Root::FirstExternalId => Cow::Borrowed("/context/externalId/0"),
            Root::Options => Cow::Owned(format!("/integrations/{}", self.integration_entry().0)),
            Root::Fields => Cow::Borrowed("/fields"),
            Root::Identifiers => Cow::Borrowed("/identifiers"),
        }
    }

    /// The JSON pointer of a key below a root.
    pub(crate) fn pointer(&self, root: Root, key: &str) -> String {
        let root = self.root(root);
        if key.is_empty() {
            root.into_owned()
        } else {
            format!("{root}/{}", escape_pointer(key))
        }
    }

    /// The JSON pointer of a path.
    pub(crate) fn place(&self, path: Path) -> String {
        let place = self.pointer(path.root, path.key);
        match path.inner {
            None => place,
            Some(key) => format!("{place}/{}", escape_pointer(key)),
        }
    }

    /// The first usable value of the sources, coerced; a warning for what was passed over.
    pub(crate) fn read<T>(&self, target: &str, sources: &[Source], coercion: &Coercion<T>) -> Option<T> {
        for source in sources {
            let (raw, pointer): (Raw<'_>, &dyn Fn() -> String) = match *source {
                Source::UnlessUserId(_) if self.has_user_id() => continue,
                Source::Path(path) | Source::OfPerson(path) | Source::UnlessUserId(path) => match self.value(path) {
                    Some(raw) => (raw, &move || self.place(path)),
                    None => continue,
                },
                Source::PathIfEmail(path) => match self.value(path) {
                    Some(raw) if matches!((EMAIL_ADDRESS.run)(&raw), Coerced::Value(_)) => {
                        (raw, &move || self.place(path))
                    }
                    _ => continue,
                },
                Source::AnonymousId if self.destination.send_anonymous_id => match self.top_level("anonymousId") {
                    Some(raw) => (raw, &|| source::ANONYMOUS_ID.to_owned()),
                    None => continue,
                },
                // Entries are flattened, not read.
                Source::AnonymousId | Source::Entries(_) => continue,
                Source::Joined(first, second) => {
                    let parts = [first, second].map(|paths| self.first_text(paths));
                    let parts: Vec<_> = parts.into_iter().flatten().collect();
                    let texts: Vec<&str> = parts.iter().map(|(text, _)| text.as_str()).collect();
                    let Coerced::Value(value) = (coercion.run)(&Raw::from(texts.join(" "))) else {
                        continue;
                    };
                    for (_, path) in parts {
                        self.note(|| target.to_owned(), || self.place(path));
                    }
                    return Some(value);
                }
                Source::Now => (Raw::from(self.now.0), &|| source::NOW.to_owned()),
            };
            match (coercion.run)(&raw) {
                Coerced::Value(value) => {
                    if matches!(source, Source::OfPerson(_)) {
                        self.warn_of_person(pointer());
                    }
                    self.note(|| target.to_owned(), pointer);
                    return Some(value);
                }
                Coerced::Absent => {}
                Coerced::TryNext(code) => self.refuse(code, pointer(), coercion, raw.kind()),
                Coerced::Refused(code) => {
                    self.refuse(code, pointer(), coercion, raw.kind());
                    return None;
                }
            }
        }
        None
    }

    /// Warns that a field of the company has the value of the person's trait.
    pub(crate) fn warn_of_person(&self, pointer: String) {
        let message = "context.traits describe the person; traits, which describe the company, have no such value";
        self.warn(WarningCode::FromPersonTraits, pointer, message);
    }

    /// Whether a group event names its member by a user id.
    fn has_user_id(&self) -> bool {
        self.read_quietly(generic::MEMBER_ID, &TEXT).is_some()
    }

    /// One value, coerced; a warning if that is not possible.
    pub(crate) fn coerce<T>(&self, target: &str, raw: &Raw<'_>, how: &Coercion<T>, pointer: &str) -> Option<T> {
        let value = self.coerce_untraced(raw, how, pointer)?;
        self.note(|| target.to_owned(), || pointer.to_owned());
        Some(value)
    }

    /// The same without a trace.
    pub(crate) fn coerce_untraced<T>(&self, raw: &Raw<'_>, how: &Coercion<T>, pointer: &str) -> Option<T> {
        match (how.run)(raw) {
            Coerced::Value(value) => Some(value),
            Coerced::Absent => None,
            Coerced::TryNext(code) | Coerced::Refused(code) => {
                self.refuse(code, pointer.to_owned(), how, raw.kind());
                None
            }
        }
    }

    /// The same for a value that only the order of events depends on: no warning, no trace.
    pub(crate) fn read_quietly<T>(&self, sources: &[Source], coercion: &Coercion<T>) -> Option<T> {
        sources.iter().find_map(|source| {
            let (path, must_be_email) = match *source {
                Source::UnlessUserId(_) if self.has_user_id() => return None,
                Source::Path(path) | Source::OfPerson(path) | Source::UnlessUserId(path) => (path, false),
                Source::PathIfEmail(path) => (path, true),
                Source::AnonymousId if self.destination.send_anonymous_id => (ANONYMOUS_ID, false),
                Source::AnonymousId | Source::Joined(..) | Source::Entries(_) | Source::Now => return None,
            };
            let raw = self.value(path)?;
            let is_email = || matches!((EMAIL_ADDRESS.run)(&raw), Coerced::Value(_));
            match (coercion.run)(&raw) {
                Coerced::Value(value) if !must_be_email || is_email() => Some(value),
                _ => None,
            }
        })
    }

    fn refuse<T>(&self, code: WarningCode, pointer: String, coercion: &Coercion<T>, found: Kind) {
        let message = match code {
            WarningCode::MalformedValue => format!("expected {}, found {found}", coercion.expected),
            WarningCode::DateOutOfRange => "this date is before 1970 or after 9999".to_owned(),
            _ => format!("this {found} is not {}", coercion.expected),
        };
        self.warn(code, pointer, message);
    }

    fn first_text(&self, paths: &'static [Path]) -> Option<(String, Path)> {
        paths.iter().find_map(|&path| {
            let raw = self.value(path)?;
            match (TEXT.run)(&raw) {
                Coerced::Value(text) => Some((text, path)),
                Coerced::TryNext(code) | Coerced::Refused(code) => {
                    self.refuse(code, self.place(path), &TEXT, raw.kind());
                    None
                }
                Coerced::Absent => None,
            }
        })
    }
}

/// A part of the event: as it was read with the event or set, or else by `read`, once.
fn part<'s, 'e, T>(
    field: &'s Field<'e, T>,
    cell: &'s Part<T>,
    read: impl FnOnce(Option<Raw<'e>>) -> Option<T>,
) -> Option<&'s T> {
    match field {
        Field::Received(raw) => once(cell, || read(Some(raw.clone()))),
        known => known.known(),
    }
}

fn once<T>(cell: &Part<T>, read: impl FnOnce() -> Option<T>) -> Option<&T> {
    cell.get_or_init(|| read().map(Box::new)).as_deref()
}

/// A key as a token of a JSON pointer (RFC 6901, section 3).
pub(crate) fn escape_pointer(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) {
        Cow::Owned(key.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(key)
    }
}
