//! Whom the events of a store are for, to whoever reads or manages it.

use crate::claim;
use crate::error::Error;
use crate::queue::Queue;
use crate::recipient::Recipient;
use crate::schema;
use crate::store::{Store, lock};

impl Queue {
    /// Whom the events of a gateway are for; none if nobody has delivered from the store yet.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn recipient(&self) -> Result<Option<Recipient>, Error> {
        Ok(claim::of(&self.connection)?)
    }

    /// Has the events delivered to wherever the next gateway that opens the store delivers to. Says whom they were for.
    ///
    /// # Errors
    ///
    /// If the store is in use, or cannot be written.
    pub fn reassign(&mut self) -> Result<Option<Recipient>, Error> {
        let _lock = lock(&self.path)?;
        let mut writer = schema::open(&self.path)?;
        let transaction = writer.transaction()?;
        let before = claim::of(&transaction)?;
        claim::forget(&transaction)?;
        transaction.commit()?;
        Ok(before)
    }
}

impl Store {
    /// Notes that its events go to this workspace of Intercom's, or refuses, if they are for another one.
    ///
    /// # Errors
    ///
    /// If they are for another one, or the store cannot be written.
    pub fn claim_workspace(&self, workspace: &str) -> Result<(), Error> {
        claim::claim_workspace(&schema::open(self.path())?, self.path(), workspace)
    }
}
