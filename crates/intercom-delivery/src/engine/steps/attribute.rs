//! Custom attributes that the workspace does not have.

use super::{Reply, Steps, Taken, call};
use crate::engine::job::{Ending, Job, Next, Step, Verdict};
use crate::engine::outcome::FailureCode;
use crate::engine::settings::AttributePolicy;
use intercom_api::{CreateDataAttribute, DataAttributeModel, DataType, Value};
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
                let attribute = CreateDataAttribute::new(name, model, data_type(name, value));
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

/// The earliest and latest moment that a number is taken for: 1990 to 2100.
const DATES: std::ops::Range<i64> = 631_152_000..4_102_444_800;

/// The type that fits a value. Whole Unix seconds under a name in `_at` are a date, as Intercom's own convention has it.
fn data_type(name: &str, value: &Value) -> DataType {
    match value {
        Value::Bool(_) => DataType::Boolean,
        Value::Number(number) => match number.as_i64() {
            Some(seconds) if name.ends_with("_at") && DATES.contains(&seconds) => DataType::Date,
            Some(_) => DataType::Integer,
            None => DataType::Float,
        },
        _ => DataType::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_inferred() {
        let read = |name: &str, json: &str| data_type(name, &serde_json::from_str(json).unwrap());
        assert_eq!(read("seats", "12"), DataType::Integer);
        assert_eq!(read("seats", "-12"), DataType::Integer);
        assert_eq!(read("score", "1.0"), DataType::Float);
        assert_eq!(read("score", "1e3"), DataType::Float);
        assert_eq!(read("is_new", "false"), DataType::Boolean);
        assert_eq!(read("plan", "\"pro\""), DataType::String);
        assert_eq!(read("plan", "null"), DataType::String);
        assert_eq!(read("renewed_at", "1700000000"), DataType::Date);
        assert_eq!(read("renewed_at", "17"), DataType::Integer);
        assert_eq!(read("renewed", "1700000000"), DataType::Integer);
    }
}
