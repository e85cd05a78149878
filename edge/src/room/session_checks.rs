//! Asks Redis whether the sessions of new sockets go on: one command for all that open at the same time.
//! After a deployment, all tills of a branch open their sockets at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot::{self, Sender};
use protocol::ids::{ClientId, SessionId};
use redis_client::keys::Key;
use worker::{State, console_error};

use super::ended_sessions::EndedSessions;
use crate::clock;
use crate::state::AppState;

/// Sessions in one command.
const SESSIONS_MAX: usize = 128;

/// The checks that wait for their turn, and the sessions that have ended meanwhile.
#[derive(Default)]
pub(super) struct SessionChecks {
    ended: RefCell<EndedSessions>,
    waiting: RefCell<Vec<(Key, Sender<bool>)>>,
    is_asking: Cell<bool>,
}

impl SessionChecks {
    /// Whether `session` of `client` has ended. While Redis is unreachable, a session that is not known to
    /// have ended counts as active.
    pub(super) async fn has_ended(
        self: &Rc<Self>,
        state: &State,
        app: &Rc<AppState>,
        client: &ClientId,
        session: &SessionId,
    ) -> bool {
        if self.ended.borrow().has(session) {
            return true;
        }
        let (answer, answered) = oneshot::channel();
        self.waiting.borrow_mut().push((app.policy.session_key(client, session), answer));
        if !self.is_asking.replace(true) {
            // Apart from the event that began it, whose client may go.
            state.wait_until(Rc::clone(self).ask_all(Rc::clone(app)));
        }
        let has_ended = answered.await.unwrap_or_default();
        // Redis may have answered before the session ended, and its socket was not there to be closed.
        has_ended || self.ended.borrow().has(session)
    }

    /// Notes that `sessions` have ended.
    pub(super) fn note_end(&self, sessions: &[SessionId]) {
        self.ended.borrow_mut().add(sessions);
    }

    /// Asks until none waits.
    async fn ask_all(self: Rc<Self>, app: Rc<AppState>) {
        loop {
            let (keys, answers): (Vec<_>, Vec<_>) = {
                let mut waiting = self.waiting.borrow_mut();
                let count = waiting.len().min(SESSIONS_MAX);
                waiting.drain(..count).unzip()
            };
            if keys.is_empty() {
                return self.is_asking.set(false);
            }
            let (ended, failure) = app.admission.ended_sessions(&keys, clock::now()).await;
            if let Some(error) = failure.filter(|error| !error.is_repeated()) {
                console_error!("room: opens {} sockets without Redis: {error}", keys.len());
            }
            for (answer, has_ended) in answers.into_iter().zip(ended) {
                // The socket may not wait any more.
                let _ = answer.send(has_ended);
            }
        }
    }
}
