//! What a socket listens to.

use std::str::FromStr;

use super::{BadId, BranchId, ClientId, Room};

/// What a socket listens to: the room of a branch, or the hub of a client, which has all its branches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SocketRoom {
    /// The room of a branch.
    Branch(Room),
    /// The hub of a client.
    Hub(ClientId),
}

impl SocketRoom {
    /// The client.
    pub fn client(&self) -> &ClientId {
        match self {
            SocketRoom::Branch(Room { client, .. }) | SocketRoom::Hub(client) => client,
        }
    }

    /// The client, and the branch unless it is the hub.
    pub fn into_parts(self) -> (ClientId, Option<BranchId>) {
        match self {
            SocketRoom::Branch(Room { client, branch }) => (client, Some(branch)),
            SocketRoom::Hub(client) => (client, None),
        }
    }
}

impl From<(ClientId, Option<BranchId>)> for SocketRoom {
    fn from((client, branch): (ClientId, Option<BranchId>)) -> SocketRoom {
        match branch {
            Some(branch) => SocketRoom::Branch(Room { client, branch }),
            None => SocketRoom::Hub(client),
        }
    }
}

impl std::fmt::Display for SocketRoom {
    /// The name on the wire: `client:branch` or `client:*`. No branch is named `*`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SocketRoom::Branch(room) => room.fmt(f),
            SocketRoom::Hub(client) => write!(f, "{client}:*"),
        }
    }
}

impl FromStr for SocketRoom {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        match text.strip_suffix(":*") {
            Some(client) => client.parse().map(SocketRoom::Hub),
            None => text.parse().map(SocketRoom::Branch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_socket_reads_back() {
        for name in ["1:2", "1:*"] {
            let room: SocketRoom = name.parse().unwrap();
            assert_eq!(
                (room.to_string(), SocketRoom::from(room.clone().into_parts())),
                (name.to_owned(), room)
            );
        }
        for bad in ["1", "1:", ":*", "*", "*:*", "1:2:*", "1:*:*", "1:**"] {
            assert!(bad.parse::<SocketRoom>().is_err(), "{bad}");
        }
    }
}
