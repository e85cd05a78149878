//! The sessions of a room that ended last.

use std::collections::VecDeque;

use protocol::ids::SessionId;

/// Ended sessions that a room remembers (about 60 bytes each): more than end while one check is under way.
const ENDED_MAX: usize = 256;

/// The sessions that ended last, as the room was told. A session that has ended stays so.
#[derive(Default)]
pub(super) struct EndedSessions(VecDeque<SessionId>);

impl EndedSessions {
    pub(super) fn add(&mut self, sessions: &[SessionId]) {
        self.0.extend(sessions.iter().cloned());
        let surplus = self.0.len().saturating_sub(ENDED_MAX);
        self.0.drain(..surplus);
    }

    pub(super) fn has(&self, session: &SessionId) -> bool {
        self.0.contains(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sessions_that_ended_last_are_remembered() {
        let session = |i: usize| -> SessionId { format!("s{i}").parse().unwrap() };
        let mut ended = EndedSessions::default();
        for i in 0..=ENDED_MAX {
            assert!(!ended.has(&session(i)));
            ended.add(&[session(i)]);
        }
        assert!(!ended.has(&session(0)));
        assert!((1..=ENDED_MAX).all(|i| ended.has(&session(i))));
    }
}
