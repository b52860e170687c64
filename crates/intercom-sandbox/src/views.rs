//! How things look in responses: Intercom's shapes, as its OpenAPI descriptions 2.10 and 2.16 show them.

use crate::json::{NULL, Seq, object};
use crate::store::companies::Company;
use crate::store::contacts::{Contact, Fields};
use crate::store::tags::Tags;
use crate::version::Shape;
use crate::workspace::Workspace;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// How many tags or companies of a contact are shown with it.
const SHOWN_WITH_A_CONTACT: usize = 10;

/// The id of the only teammate.
pub(crate) const ADMIN_ID: &str = "1";

/// What a contact has fields for that nothing here ever sets.
const NEVER_SET: [&str; 26] = [
    "last_replied_at",
    "last_contacted_at",
    "last_email_opened_at",
    "last_email_clicked_at",
    "browser",
    "browser_version",
    "browser_language",
    "os",
    "android_app_name",
    "android_app_version",
    "android_device",
    "android_os_version",
    "android_sdk_version",
    "android_last_seen_at",
    "ios_app_name",
    "ios_app_version",
    "ios_device",
    "ios_os_version",
    "ios_sdk_version",
    "ios_last_seen_at",
    "utm_campaign",
    "utm_content",
    "utm_medium",
    "utm_source",
    "utm_term",
    "referrer",
];

/// A contact as a response shows it.
pub(crate) struct ContactView<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) at: u32,
    pub(crate) contact: &'a Contact,
    /// As it is, or as a search that lags behind still shows it.
    pub(crate) fields: &'a Fields,
}

impl Serialize for ContactView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (workspace, contact, fields) = (self.workspace, self.contact, self.fields);
        let id = workspace.contact_id(self.at);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "contact")?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("workspace_id", WORKSPACE_ID)?;
        map.serialize_entry("external_id", &fields.external_id)?;
        map.serialize_entry("role", fields.role.as_str())?;
        map.serialize_entry("email", &fields.email)?;
        map.serialize_entry("phone", &fields.phone)?;
        map.serialize_entry("name", &fields.name)?;
        map.serialize_entry("avatar", &avatar(fields.avatar.as_deref()))?;
        match self.workspace.asked.shape {
            Shape::V2_10 => map.serialize_entry("owner_id", &fields.owner_id)?,
            Shape::V2_16 => map.serialize_entry("owner_id", &fields.owner_id.map(|id| id.to_string()))?,
        }
        map.serialize_entry("social_profiles", &object! { "type": "list", "data": [(); 0] })?;
        map.serialize_entry("has_hard_bounced", &false)?;
        map.serialize_entry("marked_email_as_spam", &false)?;
        map.serialize_entry("unsubscribed_from_emails", &fields.unsubscribed_from_emails)?;
        map.serialize_entry("created_at", &contact.created_at)?;
        map.serialize_entry("updated_at", &fields.updated_at)?;
        map.serialize_entry("signed_up_at", &fields.signed_up_at)?;
        map.serialize_entry("last_seen_at", &fields.last_seen_at)?;
        map.serialize_entry("language_override", &fields.language_override)?;
        for name in NEVER_SET {
            map.serialize_entry(name, &NULL)?;
        }
        if self.workspace.asked.shape >= Shape::V2_16 {
            map.serialize_entry("enabled_push_messaging", &NULL)?;
        }
        map.serialize_entry(
            "location",
            &object! {
                "type": "location", "country": NULL, "region": NULL, "city": NULL, "country_code": NULL, "continent_code": NULL,
            },
        )?;
        map.serialize_entry("custom_attributes", &fields.custom_attributes)?;
        let tags = || fields.tags.iter().map(|(tag, _)| link("tag", "/tags/", Tags::id(*tag)));
        map.serialize_entry("tags", &addressable(&id, "tags", fields.tags.len(), tags))?;
        let nothing = std::iter::empty::<()>;
        let notes = || {
            let notes = contact.notes.iter();
            notes.map(|note| link("note", "/notes/", note_id(*note)))
        };
        map.serialize_entry("notes", &addressable(&id, "notes", contact.notes.len(), notes))?;
        let companies = || {
            let companies = contact.companies.iter();
            companies.map(|company| link("company", "/companies/", workspace.company_id(*company)))
        };
        let count = contact.companies.len();
        map.serialize_entry("companies", &addressable(&id, "companies", count, companies))?;
        for name in ["opted_out_subscription_types", "opted_in_subscription_types"] {
            map.serialize_entry(name, &addressable(&id, "subscriptions", 0, nothing))?;
        }
        map.end()
    }
}

/// The workspace's id, in every contact and company.
pub(crate) const WORKSPACE_ID: &str = "sandbox";

pub(crate) fn avatar(url: Option<&str>) -> Option<impl Serialize> {
    url.map(|url| object! { "type": "avatar", "image_url": url })
}

fn link(kind: &'static str, path: &str, id: String) -> impl Serialize {
    object! { "type": kind, "url": format!("{path}{id}"), "id": id }
}

fn addressable<I: Iterator<Item: Serialize>>(
    contact: &str,
    what: &str,
    count: usize,
    items: impl Fn() -> I,
) -> impl Serialize {
    object! {
        "type": "list",
        "data": Seq(move || items().take(SHOWN_WITH_A_CONTACT)),
        "url": format!("/contacts/{contact}/{what}"),
        "total_count": count,
        "has_more": count > SHOWN_WITH_A_CONTACT,
    }
}

/// The id of the note at that place.
pub(crate) fn note_id(at: u32) -> String {
    (u64::from(at) + 1).to_string()
}

impl Workspace {
    pub(crate) fn contact_view(&self, at: u32) -> Option<ContactView<'_>> {
        let contact = self.contacts.get(at)?;
        Some(self.contact_as(at, contact, &contact.fields))
    }

    /// A contact as a search shows it.
    pub(crate) fn hit_view(&self, at: u32) -> Option<ContactView<'_>> {
        let contact = self.contacts.get(at)?;
        let indexed = self.contacts.searchable(contact).filter(|_| self.settings.stale_hits);
        Some(self.contact_as(at, contact, indexed.unwrap_or(&contact.fields)))
    }

    const fn contact_as<'a>(&'a self, at: u32, contact: &'a Contact, fields: &'a Fields) -> ContactView<'a> {
        ContactView {
            workspace: self,
            at,
            contact,
            fields,
        }
    }

    pub(crate) fn tag_view(&self, at: u32) -> impl Serialize + '_ {
        object! { "type": "tag", "id": Tags::id(at), "name": self.tags.name(at).unwrap_or_default() }
    }

    pub(crate) fn applied_tag_view(&self, at: u32, applied_at: i64) -> impl Serialize + '_ {
        object! {
            "type": "tag",
            "id": Tags::id(at),
            "name": self.tags.name(at).unwrap_or_default(),
            "applied_at": applied_at,
            "applied_by": object! { "type": "admin", "id": ADMIN_ID },
        }
    }

    /// The tags of a company, as an object.
    pub(crate) fn tag_list<'a>(&'a self, tags: &'a [u32]) -> impl Serialize + 'a {
        object! { "type": "tag.list", "tags": Seq(move || tags.iter().map(|tag| self.tag_view(*tag))) }
    }

    /// A company as a response shows it: without what is not set.
    pub(crate) fn company_view(&self, at: u32) -> Option<impl Serialize + '_> {
        let company = self.companies.get(at)?;
        let details = &company.details;
        Some(object! {
            "type": "company",
            "company_id": &company.company_id,
            "id": self.company_id(at),
            "app_id": WORKSPACE_ID,
            "name"?: details.name.as_deref(),
            "remote_created_at"?: details.remote_created_at,
            "created_at": company.created_at,
            "updated_at": company.updated_at,
            "size"?: details.size,
            "website"?: details.website.as_deref(),
            "industry"?: details.industry.as_deref(),
            "monthly_spend": details.monthly_spend.unwrap_or_default(),
            "session_count": 0,
            "user_count": company.members.len(),
            "tags": self.tag_list(&company.tags),
            "segments": object! { "type": "segment.list", "segments": [(); 0] },
            "plan": Plan(company),
            "custom_attributes": &details.custom_attributes,
        })
    }
}

/// The plan of a company: an object, an empty one if there is none.
pub(crate) struct Plan<'a>(pub(crate) &'a Company);

impl Serialize for Plan<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = &self.0.details.plan {
            map.serialize_entry("type", "plan")?;
            map.serialize_entry("id", name)?;
            map.serialize_entry("name", name)?;
        }
        map.end()
    }
}
