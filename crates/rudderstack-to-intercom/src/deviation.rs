//! Where the conversion deliberately differs from RudderStack's own transformer, by number.

use strum::{Display, EnumIter, EnumString, IntoStaticStr};

macro_rules! deviations {
    ($($name:ident: $theirs:literal => $ours:literal,)*) => {
        /// A numbered difference between this conversion and RudderStack's own transformer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, EnumIter, IntoStaticStr)]
        pub enum Deviation {
            $(
                #[doc = concat!("Theirs: ", $theirs, " Ours: ", $ours)]
                $name,
            )*
        }

        impl Deviation {
            /// What RudderStack's transformer does.
            pub const fn theirs(self) -> &'static str {
                match self { $(Self::$name => $theirs,)* }
            }

            /// What this conversion does.
            pub const fn ours(self) -> &'static str {
                match self { $(Self::$name => $ours,)* }
            }
        }
    };
}

deviations! {
    D1: "A malformed value is passed on, or fails the event." => "It is left out with a warning, and the next source is tried.",
    D2: "Any external id is taken for an email." => "Only one that is a valid email address is.",
    D3: "An event without a timestamp is sent without `created_at`, which Intercom requires." => "Other times of the event are used, and in the end the time of conversion.",
    D4: "Only the un-suffixed spellings of the integration key are read." => "The `V2` spellings are read too, and first.",
    D5: "Milliseconds are sent as seconds, numeric strings as strings." => "Milli-, micro- and nanoseconds and numeric strings become whole seconds.",
    D6: "Fractions are sent for integer fields." => "They are left out with a warning.",
    D7: "Any role is sent." => "Only `user` and `lead` are.",
    D8: "An avatar object is sent whole." => "Its `image_url` is sent.",
    D9: "`traits.lastSeenAt` is ignored." => "It is read.",
    D10: "`context.unsubscribedFromEmails` is ignored, against the guide." => "It is read.",
    D11: "An empty `traits` hides `context.traits`." => "Custom attributes then come from `context.traits`.",
    D12: "`properties.id` and `traits.id` never reach `id`, against the guide." => "They do; beside a user id or an email only if they have the form of Intercom's contact ids.",
    D13: "A single tag as a string fails." => "It is one tag.",
    D14: "The guide's own group sample creates the company, then fails and skips the tags." => "A company is saved and tagged whether or not a member is found.",
    D15: "Only the very first identifier of a record is looked at." => "The first usable one is.",
    D16: "Deleting an absent contact is an error." => "It is done already.",
    D17: "Unknown fields of a record are sent at top level, where Intercom rejects them." => "They become custom attributes, with a warning.",
    D18: "`userId` is sent to Intercom as a search field, which it does not have." => "It means `external_id`.",
    D19: "`external_id` is read from `context.traits` alone." => "It is read from traits, else it is the user id.",
    D20: "The company's own email is used to find the member." => "`context.traits`, which describe the user, come first.",
    D21: "An identify with only a user id fails, against the guide." => "It is looked up by `external_id`.",
    D22: "Mixed-case emails are searched as written and never found." => "They are searched in lower case.",
    D23: "The first hit is taken, even a lead or someone else." => "The best hit is taken, with a warning.",
    D24: "The email decides, so that one person's contact is overwritten by another's." => "The user id decides, then the email of a contact without one; the setting `sharedEmail` can choose otherwise.",
    D25: "Companies are named after users, whose traits stand in `context.traits`." => "Name, website and custom attributes come from `traits` alone; what else comes from `context.traits` is warned of.",
    D26: "The company's own email decides who is linked to it." => "The user id does, then the person's email, and `traits.email` only for an event without a user id.",
    D27: "An array of companies to remove is ignored." => "The contact is detached from each.",
    D28: "Values that Intercom refuses cost the whole event." => "Empty objects and arrays are left out, long texts are cut, and amounts beyond the limit are left out, each with a warning.",
    D29: "Custom attributes are sent under names that Intercom cannot have." => "They are sent under names that it can have, with a warning.",
    D30: "A custom attribute's value of another type than the workspace gives the attribute costs the event." => "It is turned into that type where that is exact, else left out with a warning.",
    D31: "A lead that signs up stays a lead." => "It becomes a user, and gets the external id.",
    D32: "Dates before 1970 or after 9999 are sent." => "They are left out with a warning.",
    D33: "Of two events of one name in one second, the second is lost without a word." => "`check` counts them, and the setting `sameSecond` can move them apart.",
    D34: "An event or a company link that comes before its contact is lost." => "It waits for the contact, and comes after the event that creates it.",
}
