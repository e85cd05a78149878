//! A plan that is ready for the store.

use super::Plan;
use crate::dead_letters::OpenDeadLetter;
use crate::limits::COMMIT_BYTES_MAX;
use crate::log;
use crate::push::Push;
use crate::tables::Tables;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::Room;
use protocol::wire::publication::Publication;

/// A plan that fits one transaction, with its publications. Only [`CommitPlan::new`] makes one.
#[derive(Debug)]
pub struct CommitPlan<'a> {
    /// The room to write to.
    pub room: &'a Room,
    /// The push that was decided.
    pub push: &'a Push,
    /// The decision.
    pub plan: &'a Plan,
    /// The dead letter that this commit closes.
    pub closes: Option<&'a OpenDeadLetter>,
    publications: Vec<Publication>,
}

impl<'a> CommitPlan<'a> {
    /// Splits the changes of `plan` into publications; [`ErrorCode::BatchTooLarge`] if it does not fit a
    /// transaction.
    pub fn new(
        tables: &Tables,
        room: &'a Room,
        push: &'a Push,
        plan: &'a Plan,
        closes: Option<&'a OpenDeadLetter>,
    ) -> Result<CommitPlan<'a>, ApiError> {
        if plan.bytes() > COMMIT_BYTES_MAX {
            let message =
                "The batch writes more than fits one transaction; send its records in smaller batches.";
            return Err(ApiError::new(ErrorCode::BatchTooLarge, message));
        }
        // The room skips the publishing device. A replay is published under its batch id, because the device
        // that sent the dead letter does not know of the replay and must receive it.
        let replay = closes.and(push.batch.as_ref()).and_then(|batch| batch.as_str().parse().ok());
        let device = replay.as_ref().unwrap_or(&push.device);
        let publications = log::publications(tables, room, plan.prev, device, &plan.changes);
        Ok(CommitPlan { room, push, plan, closes, publications })
    }

    /// The changes in commit order, one publication per log item; empty if nothing is written.
    pub fn publications(&self) -> &[Publication] {
        &self.publications
    }

    /// The same as [`CommitPlan::publications`], owned.
    pub fn into_publications(self) -> Vec<Publication> {
        self.publications
    }
}
