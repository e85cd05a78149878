//! The status of several sessions at once.

use protocol::timestamp::Timestamp;
use redis_client::command::mget;
use redis_client::keys::Key;
use redis_client::transport::Transport;

use super::{Admission, AdmissionError, SessionStatus, status_of};

impl<T: Transport> Admission<T> {
    /// Which of `sessions` have ended, in the same order: one command, whatever the cache says. Also why
    /// Redis did not tell, if it did not; then a session that is not known to have ended counts as active.
    pub(crate) async fn ended_sessions(
        &self,
        sessions: &[Key],
        now: Timestamp,
    ) -> (Vec<bool>, Option<AdmissionError>) {
        let failure = match self.redis.run(&mget(sessions)).await {
            Ok(values) => {
                let mut verdicts = self.verdicts.borrow_mut();
                for (session, value) in sessions.iter().zip(values) {
                    verdicts.note_status(session, status_of(value.as_deref()), now);
                }
                None
            }
            Err(error) => {
                self.local_decisions.set(self.local_decisions.get().saturating_add(1));
                Some(error.into())
            }
        };
        let verdicts = self.verdicts.borrow();
        let has_ended = |session| verdicts.status(session, now) == Some(SessionStatus::Revoked);
        (sessions.iter().map(has_ended).collect(), failure)
    }
}
