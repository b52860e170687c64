//! The mapping reference, from the rules that the conversion runs from.

use rudderstack_events::EventType;
use rudderstack_to_intercom::rules::{self, LookupRule, Rule};
use rudderstack_to_intercom::{Deviation, Path, RejectionCode, Source, WarningCode, standard_traits};
use std::fmt::Write;
use strum::IntoEnumIterator;

const HEAD: &str = "\
# Mapping reference

How RudderStack events become Intercom calls. `cargo xtask docs` writes this page from the rules that the conversion
runs from: change those, not the page.

- `a.b.c` is a path into the event. The paths of a field are tried in order, and the first usable value counts: any string
  but the empty one, any number, `true` and `false`.
- `null`, an absent value and an empty string are passed over. An object or an array where a plain value is expected is
  passed over with the warning [`malformed_value`](#warnings) ([D1](#d1)).
- A plain value that cannot be what the field takes is left out with a warning, and the event is sent without the field.
- Numbers keep their text: `1.0` stays `1.0`, and an integer of any length is exact.
- *Differs* names where RudderStack's own transformer does something else: see [Deviations](#deviations).
";

/// What is said of a type of event before its table; nothing, if such events are rejected.
fn introduction(event_type: EventType) -> Option<&'static str> {
    Some(match event_type {
        EventType::Identify => {
            "Creates or updates a contact. Without `external_id` and `email`, the event is rejected: `missing_identity`. The \
            contact is [looked up](#looking-a-contact-up), and updated if it is found, else created."
        }
        EventType::Track => {
            "Submits a data event. With the setting `sameSecond: spread`, its time is moved by 0 to 4 seconds, derived from \
            `messageId`, because Intercom drops the second of two events with one name, user and second. Without `event_name`, the event is rejected: `missing_event_name`. Without `user_id`, \
            `email` and `id`, it is rejected: `missing_identity`. One that comes before its contact waits for it ([D34](#d34))."
        }
        EventType::Group => {
            "Creates or updates a company, attaches its member if one is [found](#looking-a-contact-up), and tags it. A member who is \
            not there yet is attached once an event creates the contact ([D34](#d34)). Without `company_id`, the event is rejected: \
            `missing_group_id`."
        }
        EventType::Record => {
            "`insert` updates the contact with the fields, or creates it with identifiers and fields; `update` updates it, or \
            rejects the event: `contact_not_found`; `delete` deletes it, and is done if there is none. Any other `action` is \
            rejected: `unsupported_action`. Without a usable identifier, the event is rejected: `missing_lookup_value`; an `insert` \
            without email, external id and role: `cannot_create`."
        }
        EventType::Page | EventType::Screen | EventType::Alias => return None,
    })
}

pub(crate) fn page() -> String {
    let mut page = String::from(HEAD);
    let mut rejected = Vec::new();
    for event_type in EventType::iter() {
        let Some(introduction) = introduction(event_type) else {
            rejected.push(event_type.as_str());
            continue;
        };
        let _ = write!(page, "\n## {event_type}\n\n{introduction}\n\n");
        rules_of(&mut page, event_type);
    }
    let _ = write!(
        page,
        "\n## {}\n\nRejected: `unsupported_event_type`, as every other type, or none.\n",
        rejected.join(", ")
    );
    integrations(&mut page);
    lookup(&mut page);
    whose_contact(&mut page);
    reserved(&mut page);
    coercions(&mut page);
    codes(&mut page);
    deviations(&mut page);
    page
}

fn rules_of(page: &mut String, event_type: EventType) {
    let rows = rules::all().filter(|rule| rule.event_type == event_type).map(|rule| {
        let Rule {
            target,
            sources,
            coercion,
            document,
            deviations,
            ..
        } = rule;
        [
            format!("`{target}`"),
            listed(sources),
            (*coercion).to_owned(),
            links(deviations),
            (*document).to_owned(),
        ]
    });
    table(
        page,
        ["Intercom field", "From, in order", "As", "Differs", "Documented in"],
        rows,
    );
}

fn integrations(page: &mut String) {
    let names: Vec<String> = rules::INTEGRATION_NAMES
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let _ = write!(
        page,
        "\n## Integration options\n\n`<Intercom>` stands for the first of these keys that is there under `integrations`: {} ([D4](#d4)).\n\
        An event is skipped if that key is `false`, or if `integrations.All` is `false` and the key is neither `true` nor an \
        object.\n",
        names.join(", ")
    );
}

/// Cases of whose contact it is: what the event has, what Intercom has, and what becomes of it.
const WHOSE: &[[&str; 3]] = &[
    [
        "user id `u-1`, any email",
        "a contact with the external id `u-1`",
        "It is updated, whoever else has the email.",
    ],
    [
        "user id `u-1`, email",
        "only a contact with the email and the external id `u-2`",
        "That is somebody else: `u-1` is created, with the email if Intercom allows several users to have it, else without, \
        with the warning `email_taken`.",
    ],
    [
        "user id `u-1`, email",
        "a user with the email and no external id",
        "It is updated, and gets the external id.",
    ],
    [
        "user id `u-1`, email",
        "leads with the email",
        "The first one is updated, and becomes a user with the external id ([D31](#d31)), unless the event says `lead`.",
    ],
    [
        "user id `u-1`, role `lead`",
        "nobody, or a contact with one of the two",
        "It is created or updated as a lead; where Intercom refuses a lead with a user id, as a user, with the warning \
        `role_refused`.",
    ],
    [
        "user id `u-1`, email",
        "a contact with the external id `u-1`, and a lead with the email",
        "The first is updated; the lead stays what it is.",
    ],
    [
        "email alone",
        "users and leads with the email",
        "The first user is updated, else the first lead; its external id stays.",
    ],
    [
        "user id `u-1`, another email",
        "`u-1`, and a user with that email",
        "`u-1` is updated without the email, with the warning `email_taken`.",
    ],
    ["user id or email", "nobody", "The contact is created."],
    [
        "user id `u-1`, email",
        "nobody that a search shows yet, and a conflict with one who is there",
        "If that contact is `u-1`, or has no external id, it is updated; else the event goes on without the email.",
    ],
];

fn whose_contact(page: &mut String) {
    page.push_str(
        "\n## Whose contact\n\n\
        Intercom tells people apart by the user id first (its *external id*), and by the email only where there is no user id: \
        two user ids under one email are two people ([D24](#d24)). So one search asks for both, and a contact that has another \
        external id is left alone:\n\n",
    );
    let rows = WHOSE.iter().map(|row| row.map(str::to_owned));
    table(page, ["The event has", "Intercom has", "What becomes of it"], rows);
    page.push_str(
        "\nIf Intercom refuses the contact even without the email, the event fails: `identity_conflict`. With the setting \
        `sharedEmail: same`, which is the letter of RudderStack's guide, the email decides: the contact that has it is updated and \
        gets the event's user id, with the warning `external_id_replaced`. A record is matched by its identifiers in the same way.\n",
    );
}

fn lookup(page: &mut String) {
    page.push_str(
        "\n## Looking a contact up\n\n\
        Unless the event asks for a field with `integrations.<Intercom>.lookup`, the contact is searched by user id and email, \
        whichever there is: see [Whose contact](#whose-contact). Names of fields are case-sensitive; `userId` and `user_id` \
        mean `external_id`; any other name than those below is rejected: `invalid_lookup_field`. A field that the event asks \
        for and has no value for is rejected: `missing_lookup_value`; a group is saved without a member then. The member of a group is looked up by the user id, if `userId`, \
        `context.traits.userId` or `context.traits.id` is there, or `anonymousId` stands in for it; else by the email \
        ([D26](#d26)). Of several contacts that are found by a field that the event asks for, the one with the event's external \
        id is taken, then a user before a lead, then the first, with the warning `ambiguous_contact` ([D23](#d23)).\n",
    );
    for (event_type, title) in [
        (EventType::Identify, "Of an identify"),
        (
            EventType::Group,
            "Of the member of a group, whose own traits come second",
        ),
    ] {
        let _ = write!(page, "\n{title}:\n\n");
        let rows = rules::lookups()
            .filter(|rule| rule.event_type == event_type)
            .map(|rule| {
                let LookupRule {
                    fields,
                    sources,
                    coercion,
                    deviations,
                    ..
                } = rule;
                let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
                [
                    fields.join(", "),
                    listed(&sources),
                    coercion.to_owned(),
                    links(&deviations),
                ]
            });
        table(page, ["Search field", "From, in order", "As", "Differs"], rows);
    }
}

fn reserved(page: &mut String) {
    page.push_str(
        "\n## Standard traits\n\n\
        These traits are no custom attributes, nor is the one that the contact is looked up by. Objects are flattened with \
        `_` (`address_city`), items of arrays get their number (`colours[0]`). A name with characters that Intercom does not allow \
        is changed ([D29](#d29)): each of them, or a run of them, becomes one `_`, and those at the ends are dropped, so that \
        `colours[0]` is sent as `colours_0` with the warning `attribute_renamed`; the setting `attributeNames: as_is` sends \
        names as they are. Names of Intercom's standard attributes, such as `created_at`, are left out: `reserved_name`. Of two \
        that get one name, the later one is sent, with the warning `attribute_name_collision`. `null` unsets an attribute; \
        empty objects and arrays are left out: `empty_value`. A text of more than 255 characters is cut: `too_long`; the \
        setting `longText` is `cut`, `leave_out` or `as_is` ([D28](#d28)).\n\n",
    );
    for (of, traits) in [
        ("contact", standard_traits::CONTACT),
        ("company", standard_traits::COMPANY),
    ] {
        let traits: Vec<String> = traits.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(page, "- Of a {of}: {}.", traits.join(", "));
    }
}

fn coercions(page: &mut String) {
    page.push_str("\n## Values\n\n");
    let rows = rules::coercions().map(|(name, rule)| [name.to_owned(), rule.to_owned()]);
    table(page, ["As", "What is taken"], rows);
}

fn codes(page: &mut String) {
    page.push_str("\n## Rejections\n\nAn event that is rejected can never be sent as it is.\n\n");
    let rows =
        RejectionCode::iter().map(|code| [format!("`{code}`"), code.meaning().to_owned(), code.advice().to_owned()]);
    table(page, ["Code", "Meaning", "What to do"], rows);
    page.push_str(
        "\n## Warnings\n\nAn event with warnings is sent. A warning names the place by its JSON pointer.\n\n",
    );
    let rows =
        WarningCode::iter().map(|code| [format!("`{code}`"), code.meaning().to_owned(), code.advice().to_owned()]);
    table(page, ["Code", "Meaning", "What to do"], rows);
}

fn deviations(page: &mut String) {
    page.push_str("\n## Deviations\n\nWhere this conversion differs from RudderStack's own transformer, to keep data that it loses.\n\n");
    let rows = Deviation::iter().map(|deviation| {
        [
            format!("<a id=\"{}\"></a>{deviation}", deviation.to_string().to_lowercase()),
            deviation.theirs().to_owned(),
            deviation.ours().to_owned(),
        ]
    });
    table(page, ["", "RudderStack's transformer", "This conversion"], rows);
}

fn links(deviations: &[Deviation]) -> String {
    let link = |deviation: &Deviation| format!("[{deviation}](#{})", deviation.to_string().to_lowercase());
    deviations.iter().map(link).collect::<Vec<_>>().join(", ")
}

/// The sources, one a line of the cell.
fn listed(sources: &[Source]) -> String {
    sources.iter().map(source).collect::<Vec<_>>().join("<br>")
}

fn source(source: &Source) -> String {
    let code = |path: &Path| format!("`{}`", path.as_str());
    match source {
        Source::Path(path) => code(path),
        Source::PathIfEmail(path) => format!("{}, if it is an email address", code(path)),
        Source::OfPerson(path) => format!("{}, with the warning `from_person_traits`", code(path)),
        Source::UnlessUserId(path) => format!("{}, if the event has no user id", code(path)),
        Source::AnonymousId => "`anonymousId`, if the destination sends it".to_owned(),
        Source::Joined(first, second) => {
            let either = |paths: &[Path]| paths.iter().map(code).collect::<Vec<_>>().join(", ");
            format!(
                "the first of {}, and the first of {}, joined by a space",
                either(first),
                either(second)
            )
        }
        Source::Entries(path) => format!("all of {}", code(path)),
        Source::Now => "the time of conversion".to_owned(),
        other => other.paths().iter().map(code).collect::<Vec<_>>().join(", "),
    }
}

fn table<const N: usize>(page: &mut String, head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut line = |cells: [String; N]| {
        // A bar would end the cell.
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    };
    line(head.map(str::to_owned));
    line(head.map(|_| "---".to_owned()));
    rows.for_each(line);
}
