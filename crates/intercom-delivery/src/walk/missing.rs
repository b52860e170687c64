//! What is done about custom attributes that the workspace does not have, before they are written.

use super::state::Detour;
use super::{AttributePolicy, Ending, Next, Permit, Walk};
use crate::codes::{DeliveryWarning, FailureCode};
use intercom_api::{CreateDataAttribute, DataAttributeModel, Value, ValueTypes};
use std::collections::HashSet;
use std::ops::ControlFlow;

impl Walk {
    /// Sees to custom attributes before a body is written: they may have to be listed, and those that the workspace does
    /// not have decide. Breaks with what comes instead of the write.
    pub(super) fn see_to_attributes<B>(
        &mut self,
        permit: &Permit<B>,
        model: DataAttributeModel,
    ) -> ControlFlow<Option<Next<B>>> {
        let (missing, is_full) = match permit {
            Permit::ListFirst => {
                self.detour = Some(Detour::ListAttributes(model));
                return ControlFlow::Break(None);
            }
            Permit::With(rewritten) => (rewritten.missing.as_slice(), rewritten.is_full),
            Permit::AsPlanned | Permit::Unneeded | Permit::NotTheirs | Permit::Wait(_) => {
                return ControlFlow::Continue(());
            }
        };
        let is_tried = |name: &String| self.undefined.contains(name);
        let fails = match self.policies.attributes {
            AttributePolicy::Create => missing.iter().find(|(name, _)| is_tried(name)),
            AttributePolicy::Fail | AttributePolicy::Drop => missing.first(),
        };
        if let Some((name, _)) = fails {
            let ending = self.fails_for_want_of(name, is_full);
            return ControlFlow::Break(Some(Next::End(ending)));
        }
        let Some((name, value)) = missing.first() else {
            return ControlFlow::Continue(());
        };
        self.define(name, model, value);
        ControlFlow::Break(None)
    }

    /// How the plan ends for want of a custom attribute.
    pub(super) fn fails_for_want_of(&mut self, name: &str, is_full: bool) -> Ending {
        self.refused_attribute = Some(name.to_owned());
        Ending::Failed(match self.policies.attributes {
            AttributePolicy::Create if is_full || self.has_no_room => FailureCode::AttributeLimit,
            AttributePolicy::Create | AttributePolicy::Fail | AttributePolicy::Drop => FailureCode::UndefinedAttribute,
        })
    }

    /// Creates a custom attribute before the body is written that has it.
    pub(super) fn define(&mut self, name: &str, model: DataAttributeModel, value: &Value) {
        let data_type = ValueTypes::of(value).data_type(name);
        self.undefined.push(name.to_owned());
        self.detour = Some(Detour::Define(CreateDataAttribute::new(name, model, data_type)));
    }

    /// Warns of attributes that were left out, of each once.
    pub(super) fn warn_of_dropped(&mut self, dropped: Vec<DeliveryWarning>) {
        let known: HashSet<&str> = self
            .warnings
            .iter()
            .filter_map(DeliveryWarning::dropped_attribute)
            .collect();
        let is_new = |warning: &DeliveryWarning| !warning.dropped_attribute().is_some_and(|name| known.contains(name));
        let new: Vec<DeliveryWarning> = dropped.into_iter().filter(is_new).collect();
        self.warnings.extend(new);
    }
}
