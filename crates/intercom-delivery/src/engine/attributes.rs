//! What is known of the workspace's custom attributes, and how their values are sent.

use super::settings::EngineSettings;
use super::time::Time;
use crate::walk::{AttributePolicy, DefinedAttributes};
use hashlink::LruCache;
use intercom_api::{DataAttributeModel, DataType, Value, limits};
use rudderstack_to_intercom::{Fit, fit};
use std::collections::HashSet;
use std::time::Duration;

/// For how long a list is believed that lacks an attribute: somebody may have created it since, to send again what failed
/// for want of it.
const BELIEVED_FOR: Duration = Duration::from_secs(5);
/// The same where such an attribute is created: then it turns out to be there, and nothing fails.
const BELIEVED_FOR_CREATING: Duration = Duration::from_secs(60);

/// The custom attributes of a model.
enum Listing {
    /// They have not been listed, or not since they changed.
    Unknown,
    /// These.
    All {
        attributes: DefinedAttributes,
        since: Time,
        trust: Trust,
    },
    /// The workspace does not tell.
    Impossible,
}

/// Whether Intercom takes attributes that it does not list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Nobody has tried.
    Untried,
    /// It has refused one.
    Confirmed,
    /// It has taken one. Stand-ins for Intercom do.
    Refuted,
}

/// Where what is kept of each model stands.
fn index_of(model: &DataAttributeModel) -> usize {
    usize::from(*model == DataAttributeModel::Company)
}

/// How a custom attribute is sent.
pub(super) struct Sent {
    pub(super) fit: Fit,
    /// Whether the workspace does not list it.
    pub(super) is_unlisted: bool,
    /// Whether the workspace is known to have it: it does not fit if its value is not of its type.
    pub(super) is_defined: bool,
}

impl Sent {
    fn undefined(fit: Fit, is_unlisted: bool) -> Self {
        Self {
            fit,
            is_unlisted,
            is_defined: false,
        }
    }
}

/// The custom attributes of both models, as far as they are known.
pub(super) struct KnownAttributes {
    undefined: LruCache<(bool, String), ()>,
    /// Those that were created here, with their types.
    defined: LruCache<(bool, String), DataType>,
    /// The custom attributes of contacts and of companies.
    listings: [Listing; 2],
    /// Those that were created here since a list was asked for that may not have them: of contacts, and of companies.
    newer: [Vec<(String, DataType)>; 2],
    policy: AttributePolicy,
    lists: bool,
    now: Time,
}

impl KnownAttributes {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        let capacity = settings.remembered.get();
        Self {
            undefined: LruCache::new(capacity),
            defined: LruCache::new(capacity),
            listings: [Listing::Unknown, Listing::Unknown],
            newer: [Vec::new(), Vec::new()],
            policy: settings.attributes,
            lists: settings.list_attributes,
            now: Time::default(),
        }
    }

    pub(super) fn pass(&mut self, now: Time) {
        self.now = now;
    }

    fn listing(&self, model: &DataAttributeModel) -> &Listing {
        &self.listings[index_of(model)]
    }

    /// Those that are listed, and how far the list is trusted.
    fn list(&self, model: &DataAttributeModel) -> Option<(&DefinedAttributes, Trust)> {
        match self.listing(model) {
            Listing::All { attributes, trust, .. } => Some((attributes, *trust)),
            Listing::Unknown | Listing::Impossible => None,
        }
    }

    fn listing_mut(&mut self, model: &DataAttributeModel) -> &mut Listing {
        &mut self.listings[index_of(model)]
    }

    /// How the value of a custom attribute is sent, if these were found to be undefined.
    pub(super) fn fitting<'a>(
        &'a self,
        model: &DataAttributeModel,
        found: &'a [String],
    ) -> impl Fn(&str, &Value) -> Sent + 'a {
        let is_company = *model == DataAttributeModel::Company;
        let listing = self.listing(model);
        let found: HashSet<&str> = found.iter().map(String::as_str).collect();
        let drops = self.policy == AttributePolicy::Drop;
        move |name, value| {
            let is_found = drops && found.contains(name);
            let of_type = |data_type| match is_found {
                true => Sent::undefined(Fit::Not, false),
                false => Sent {
                    fit: fit(data_type, value),
                    is_unlisted: false,
                    is_defined: true,
                },
            };
            let undefined = |fit, is_unlisted| Sent::undefined(if is_found { Fit::Not } else { fit }, is_unlisted);
            match listing {
                Listing::All { attributes, trust, .. } => match attributes.data_type(name) {
                    Some(data_type) => of_type(data_type),
                    None if *trust == Trust::Refuted => undefined(Fit::AsItIs, false),
                    // What is not there need not be unset.
                    None if *value == Value::Null => undefined(Fit::Not, false),
                    None => undefined(if drops { Fit::Not } else { Fit::AsItIs }, true),
                },
                Listing::Unknown | Listing::Impossible => {
                    let key = || (is_company, name.to_owned());
                    let is_undefined = drops && !self.undefined.is_empty() && self.undefined.contains_key(&key());
                    let defined = Some(&self.defined).filter(|all| !all.is_empty());
                    match defined.and_then(|all| all.peek(&key())) {
                        _ if is_undefined => undefined(Fit::Not, false),
                        Some(data_type) => of_type(data_type),
                        None => undefined(Fit::AsItIs, false),
                    }
                }
            }
        }
    }

    /// Whether it is certain what becomes of an attribute that is not listed.
    fn decides(&self, trust: Trust) -> bool {
        match self.policy {
            AttributePolicy::Drop | AttributePolicy::Create => true,
            // The event is not failed for a list that nothing has confirmed.
            AttributePolicy::Fail => trust == Trust::Confirmed,
        }
    }

    /// Whether the attributes of a body that is not listed are to be created, or fail it.
    pub(super) fn are_missing(&self, model: &DataAttributeModel) -> bool {
        self.policy != AttributePolicy::Drop && self.list(model).is_some_and(|(_, trust)| self.decides(trust))
    }

    /// Whether they are sent, for Intercom to decide.
    pub(super) fn are_tried(&self, model: &DataAttributeModel) -> bool {
        self.list(model).is_some_and(|(_, trust)| !self.decides(trust))
    }

    /// Whether they are to be listed before a body is written that has some, or some that are not listed.
    pub(super) fn are_to_be_listed(&self, model: &DataAttributeModel, has_unlisted: bool) -> bool {
        self.lists
            && match self.listing(model) {
                Listing::Unknown => true,
                Listing::All { since, trust, .. } => {
                    let believed_for = match self.policy {
                        AttributePolicy::Create => BELIEVED_FOR_CREATING,
                        AttributePolicy::Drop | AttributePolicy::Fail => BELIEVED_FOR,
                    };
                    has_unlisted && *trust != Trust::Refuted && self.now.since(*since) > believed_for
                }
                Listing::Impossible => false,
            }
    }

    /// Whether those that are listed are as many as a workspace may have.
    pub(super) fn are_full(&self) -> bool {
        let models = [DataAttributeModel::Contact, DataAttributeModel::Company];
        let lists = models.iter().filter_map(|model| self.list(model));
        lists.map(|(all, _)| all.count()).sum::<usize>() >= limits::CUSTOM_ATTRIBUTES
    }

    /// They have been listed; or it is known that they cannot be.
    pub(super) fn listed(&mut self, model: &DataAttributeModel, all: Option<&DefinedAttributes>) {
        let trust = self.list(model).map_or(Trust::Untried, |(_, trust)| trust);
        let since = self.now;
        let newer = std::mem::take(&mut self.newer[index_of(model)]);
        *self.listing_mut(model) = match all {
            Some(attributes) => {
                let mut attributes = attributes.clone();
                for (name, data_type) in newer {
                    attributes.define(&name, data_type);
                }
                Listing::All {
                    attributes,
                    since,
                    trust,
                }
            }
            None => Listing::Impossible,
        };
    }

    /// They are about to be listed: what is created from now on may not be in the list.
    pub(super) fn will_be_listed(&mut self, model: &DataAttributeModel) {
        self.newer[index_of(model)].clear();
    }

    /// One that is not listed could not be created: it may be there.
    pub(super) fn doubted(&mut self, model: &DataAttributeModel) {
        let listing = self.listing_mut(model);
        if let Listing::All { .. } = listing {
            *listing = Listing::Unknown;
        }
    }

    /// Intercom has taken attributes that it does not list.
    pub(super) fn unlisted_is_taken(&mut self, model: &DataAttributeModel) {
        if let Listing::All { trust, .. } = self.listing_mut(model) {
            *trust = Trust::Refuted;
        }
    }

    /// Intercom says that the workspace does not have this custom attribute.
    pub(super) fn not_defined(&mut self, model: &DataAttributeModel, name: &str) {
        let key = (*model == DataAttributeModel::Company, name.to_owned());
        self.defined.remove(&key);
        self.undefined.insert(key, ());
        let listing = self.listing_mut(model);
        match listing {
            Listing::All { attributes, trust, .. } if attributes.data_type(name).is_none() => *trust = Trust::Confirmed,
            Listing::All { .. } => *listing = Listing::Unknown,
            Listing::Unknown | Listing::Impossible => {}
        }
    }

    pub(super) fn has_defined(&mut self, model: &DataAttributeModel, name: &str) -> bool {
        let key = (*model == DataAttributeModel::Company, name.to_owned());
        let is_listed = |(all, _): (&DefinedAttributes, Trust)| all.data_type(name).is_some();
        self.list(model).is_some_and(is_listed) || self.defined.get(&key).is_some()
    }

    pub(super) fn defined(&mut self, model: &DataAttributeModel, name: &str, data_type: &DataType) {
        let key = (*model == DataAttributeModel::Company, name.to_owned());
        self.undefined.remove(&key);
        self.defined.insert(key, data_type.clone());
        self.newer[index_of(model)].push((name.to_owned(), data_type.clone()));
        if let Listing::All { attributes, .. } = self.listing_mut(model) {
            attributes.define(name, data_type.clone());
        }
    }
}
