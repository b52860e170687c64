//! What a walk comes to, and what responses mean for it.

use crate::codes::FailureCode;
use intercom_api::Call;
use rudderstack_to_intercom::RejectionCode;

/// What a walk comes to next.
#[derive(Debug)]
pub enum Next<B> {
    /// This call is to be made.
    Call(Call),
    /// This call is to be made, and ends the walk if it succeeds: it can be handed to somebody else instead. A plan that
    /// saves a company has none.
    LastWrite(Call),
    /// Nothing, before what [`Knowledge::permit`](crate::Knowledge::permit) waits for is over.
    Wait(B),
    /// Nothing more.
    End(Ending),
}

/// How a walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What the plan asks for holds.
    Delivered,
    /// It never can.
    Rejected(RejectionCode),
    /// It does not.
    Failed(FailureCode),
}

/// What a response means for a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It goes on with [`Walk::next`](crate::Walk::next).
    GoOn,
    /// The same call can be made again, after a while: [`Walk::next`](crate::Walk::next) is where it was.
    Retry(FailureCode),
    /// It ends.
    End(Ending),
}

impl Verdict {
    /// What comes next, if it is no call of the walk's own.
    pub(super) fn into_next<B>(self) -> Option<Next<B>> {
        match self {
            Self::GoOn => None,
            Self::Retry(code) => Some(Next::End(Ending::Failed(code))),
            Self::End(ending) => Some(Next::End(ending)),
        }
    }
}
