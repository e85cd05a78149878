//! Sessions that a function has ended, in an internal response header: the edge refuses their tokens and
//! closes their sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::ids::{BadId, BranchId, ClientId, SessionId, SocketRoom};

/// Ended sessions by client and branch; a session without a branch has its sockets in the hub.
///
/// As text: `1:2 k3Jx k3Jy;1:3 k4Ab;1: k5Cd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedSessions(BTreeMap<(ClientId, Option<BranchId>), Vec<SessionId>>);

impl EndedSessions {
    /// Adds a session of a user of `client` and `branch`.
    pub fn add(&mut self, client: ClientId, branch: Option<BranchId>, session: SessionId) {
        self.0.entry((client, branch)).or_default().push(session);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each session with its client.
    pub fn sessions(&self) -> impl Iterator<Item = (&ClientId, &SessionId)> {
        self.0
            .iter()
            .flat_map(|((client, _), sessions)| sessions.iter().map(move |session| (client, session)))
    }

    /// Each room in which ended sessions may have sockets, with these sessions.
    pub fn into_rooms(self) -> impl Iterator<Item = (SocketRoom, Vec<SessionId>)> {
        self.0.into_iter().map(|(place, sessions)| (place.into(), sessions))
    }
}

impl fmt::Display for EndedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, ((client, branch), sessions)) in self.0.iter().enumerate() {
            let branch = branch.as_ref().map_or("", BranchId::as_str);
            write!(f, "{}{client}:{branch}", if place == 0 { "" } else { ";" })?;
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
            let (place, sessions) = part.split_once(' ').unwrap_or((part, ""));
            let (client, branch) = place.split_once(':').unwrap_or((place, ""));
            let client: ClientId = client.parse()?;
            let branch = (!branch.is_empty()).then(|| branch.parse::<BranchId>()).transpose()?;
            for session in sessions.split(' ') {
                ended.add(client.clone(), branch.clone(), session.parse()?);
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
        for (branch, session) in
            [(Some("3"), "k4Ab"), (Some("2"), "k3Jx"), (Some("2"), "k3J-_"), (None, "k5Cd")]
        {
            let branch = branch.map(|branch| branch.parse().unwrap());
            ended.add("1".parse().unwrap(), branch, session.parse().unwrap());
        }
        assert_eq!(ended.to_string(), "1: k5Cd;1:2 k3Jx k3J-_;1:3 k4Ab");
        assert_eq!(ended.to_string().parse(), Ok(ended.clone()));
        assert_eq!(ended.sessions().count(), 4);
        let rooms: Vec<_> = ended.into_rooms().map(|(room, _)| room.to_string()).collect();
        assert_eq!(rooms, ["1:*", "1:2", "1:3"]);
        assert_eq!("".parse(), Ok(EndedSessions::default()));
    }

    #[test]
    fn malformed_text_is_refused() {
        for bad in ["1:2", "1:2:3 k3Jx", ":2 k3Jx", "1:2 k3Jx ", "1:2  k3Jx", "1:2 a/b", " k3Jx"] {
            assert!(bad.parse::<EndedSessions>().is_err(), "{bad:?}");
        }
    }
}
