//! Data events.

use super::{Reply, Steps, Taken, call, failure, is_gone};
use crate::engine::job::{Ending, Job, Next, Step, Verdict};
use crate::engine::outcome::FailureCode;
use crate::engine::settings::UnknownContactPolicy;
use intercom_api::SubmitDataEvent;
use rudderstack_to_intercom::Plan;

impl Steps<'_> {
    pub(super) fn submit(&mut self, job: &mut Job) -> Taken {
        match job.plan() {
            Plan::SubmitEvent(event) => Next::Call(call(&SubmitDataEvent { event: event.clone() }), None).into(),
            // No other plan comes here.
            _ => Next::End(Ending::Delivered).into(),
        }
    }

    pub(super) fn submitted(&mut self, job: &mut Job, reply: Reply<'_>) -> Verdict {
        match reply {
            Ok(_) => {
                job.wrote = true;
                Verdict::End(Ending::Delivered)
            }
            Err(error) if is_gone(error) => {
                let can_create =
                    matches!(job.plan(), Plan::SubmitEvent(event) if event.user_id.is_some() || event.email.is_some());
                // A contact that has just been created, or met while creating it, is not created again.
                if self.settings.unknown_contact == UnknownContactPolicy::Create && can_create && job.contact.is_none()
                {
                    job.go(Step::Create)
                } else {
                    Verdict::End(Ending::Failed(FailureCode::UnknownContact))
                }
            }
            Err(error) if error.is_event_name_limit() => Verdict::End(Ending::Failed(FailureCode::EventNameLimit)),
            Err(error) => failure(error),
        }
    }
}
