//! What happens where an event leaves a choice.

use crate::values::{OneOf, parser};
use clap::Args;
use intercom_delivery::{ArchivedPolicy, AttributePolicy, EngineSettings, UnknownContactPolicy};

/// The choices that decide what becomes of events.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Delivery")]
pub(super) struct Choices {
    /// What to do with custom attributes that the workspace does not have: fail the event, drop or create the attribute.
    #[arg(long, value_name = "POLICY", default_value_t, value_parser = parser::<OneOf, AttributePolicy>())]
    attributes: AttributePolicy,
    /// What to do with a track event of a contact who does not exist: fail the event, or create the contact.
    #[arg(long, value_name = "POLICY", default_value_t, value_parser = parser::<OneOf, UnknownContactPolicy>())]
    on_unknown_contact: UnknownContactPolicy,
    /// Do not let track and group events that come before the identify of their user wait for it: a track event fails, and a
    /// group event links nobody.
    #[arg(long)]
    no_wait_for_contact: bool,
    /// What to do with an update of an archived contact: restore the contact, or fail the event.
    #[arg(long, value_name = "POLICY", default_value_t, value_parser = parser::<OneOf, ArchivedPolicy>())]
    on_archived: ArchivedPolicy,
}

impl Choices {
    /// Settings of an engine that chooses so.
    pub(super) fn apply_to(self, engine: &mut EngineSettings) {
        engine.attributes = self.attributes;
        engine.list_attributes = true;
        engine.unknown_contact = self.on_unknown_contact;
        engine.await_contacts = !self.no_wait_for_contact;
        engine.archived = self.on_archived;
    }
}
