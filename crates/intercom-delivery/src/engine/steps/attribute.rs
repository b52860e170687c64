//! Custom attributes that the workspace does not have.

use super::{Reply, Steps, Taken, call};
use crate::engine::job::{Ending, Job, Next, Step, Verdict};
use crate::engine::outcome::FailureCode;
use crate::engine::settings::AttributePolicy;
use intercom_api::{CreateDataAttribute, DataAttributeModel, Value, ValueTypes};
use rudderstack_to_intercom::Plan;

impl Steps<'_> {
    /// The workspace does not have the custom attribute `name`, and refuses the whole body for it.
    pub(super) fn undefined(&mut self, job: &mut Job, name: &str, model: DataAttributeModel) -> Verdict {
        let is_new = !job.undefined.iter().any(|known| known == name);
        // An attribute that is not in the body, or that should have been mended, cannot be.
        let value = value(job, name).filter(|_| is_new);
        let step = match (self.settings.attributes, value) {
            (AttributePolicy::Drop, Some(_)) => {
                self.memory.not_defined(&model, name);
                None
            }
            (AttributePolicy::Create, Some(value)) => {
                let attribute = CreateDataAttribute::new(name, model, ValueTypes::of(value).data_type(name));
                Some(Step::Define(attribute, Box::new(job.step.clone())))
            }
            _ => {
                job.trouble.attribute = Some(name.to_owned());
                return Verdict::End(Ending::Failed(FailureCode::UndefinedAttribute));
            }
        };
        job.undefined.push(name.to_owned());
        if let Some(step) = step {
            job.step = step;
        }
        Verdict::GoOn
    }

    pub(super) fn define(&mut self, job: &mut Job, attribute: &CreateDataAttribute, then: &Step) -> Taken {
        if self.memory.has_defined(&attribute.model, &attribute.name) {
            job.step = then.clone();
            return Taken::Passed;
        }
        let lock = self.memory.lock(attribute.model.as_str(), &attribute.name);
        if self.locks.is_held(lock) {
            return Next::Wait(lock).into();
        }
        Next::Call(call(attribute), Some(lock)).into()
    }

    pub(super) fn defined(
        &mut self,
        job: &mut Job,
        attribute: &CreateDataAttribute,
        then: Step,
        reply: Reply<'_>,
    ) -> Verdict {
        if reply.is_ok() {
            self.memory.defined(&attribute.model, &attribute.name);
        }
        // It may exist by now through somebody else. If it does not, the body is refused again, and the event fails.
        job.go(then)
    }
}

/// The value that the job gives the attribute.
fn value<'j>(job: &'j Job, name: &str) -> Option<&'j Value> {
    job.members
        .iter()
        .rev()
        .find_map(|member| match &member.submission.plan {
            Plan::SaveContact(plan) => {
                let create = plan.create().and_then(|create| create.custom_attributes.get(name));
                plan.update.custom_attributes.get(name).or(create)
            }
            Plan::SaveCompany(plan) => plan.company.custom_attributes.get(name),
            _ => None,
        })
}
