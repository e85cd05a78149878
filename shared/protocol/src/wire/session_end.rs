//! Sessions that a function has ended, in an internal response header: the edge closes their sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::ids::{BadId, Room, SessionId};

/// Ended sessions by the room in which they may have sockets.
///
/// As text: `1:2 k3Jx k3Jy;1:3 k4Ab`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedSessions(BTreeMap<Room, Vec<SessionId>>);

impl EndedSessions {
    /// Adds a session that may have sockets in `room`.
    pub fn add(&mut self, room: Room, session: SessionId) {
        self.0.entry(room).or_default().push(session);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each room with its sessions.
    pub fn into_rooms(self) -> impl Iterator<Item = (Room, Vec<SessionId>)> {
        self.0.into_iter()
    }
}

impl fmt::Display for EndedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (room, sessions)) in self.0.iter().enumerate() {
            write!(f, "{}{room}", if place == 0 { "" } else { ";" })?;
            sessions.iter().try_for_each(|session| write!(f, " {session}"))?;
        }
        Ok(())
    }
}

impl FromStr for EndedSessions {
    type Err = BadId;

    fn from_str(text: &str) -> Result<EndedSessions, BadId> {
        let mut ended = EndedSessions::default();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (room, sessions) = part.split_once(' ').unwrap_or((part, ""));
            let room: Room = room.parse()?;
            for session in sessions.split(' ') {
                ended.add(room.clone(), session.parse()?);
            }
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_read_back_by_room() {
        let mut ended = EndedSessions::default();
        assert!(ended.is_empty() && ended.to_string().is_empty());
        for (room, session) in [("1:3", "k4Ab"), ("1:2", "k3Jx"), ("1:2", "k3J-_")] {
            ended.add(room.parse().unwrap(), session.parse().unwrap());
        }
        assert_eq!(ended.to_string(), "1:2 k3Jx k3J-_;1:3 k4Ab");
        assert_eq!(ended.to_string().parse(), Ok(ended));
        assert_eq!("".parse(), Ok(EndedSessions::default()));
    }

    #[test]
    fn malformed_text_is_refused() {
        for bad in ["1:2", "1 k3Jx", "1:2 k3Jx ", "1:2  k3Jx", "1:2 a/b", " k3Jx"] {
            assert!(bad.parse::<EndedSessions>().is_err(), "{bad:?}");
        }
    }
}
