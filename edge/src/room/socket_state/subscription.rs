//! What a socket is subscribed to: its own room or, in the hub, all branches or named ones.

use protocol::ids::{BranchId, ClientId, SocketRoom};
use protocol::limits::HUB_BRANCHES_MAX;
use protocol::stamp::Stamp;
use protocol::wire::socket::ServerFrame;

use super::SocketState;

impl SocketState {
    /// Subscribes to `room`; returns the reply. In the hub, a named branch is added to those that were named
    /// before, and ends the subscription to all.
    pub(super) fn subscribe(&mut self, room: &str, head: Option<Stamp>) -> ServerFrame {
        match self.allowed(room) {
            Some(Allowed::Own) => self.branches.clear(),
            Some(Allowed::Branch(branch)) => {
                if self.branches.len() >= HUB_BRANCHES_MAX && !self.branches.contains(&branch) {
                    let message = format!(
                        "A socket may name {HUB_BRANCHES_MAX} branches; subscribe to {} for all.",
                        self.room()
                    );
                    return error("too_many_branches", message);
                }
                self.branches.insert(branch);
            }
            None => return self.forbidden(),
        }
        self.subscribed = true;
        ServerFrame::Subscribed { room: room.to_owned(), head }
    }

    /// Ends the subscription to `room`; returns the reply.
    pub(super) fn unsubscribe(&mut self, room: &str) -> ServerFrame {
        match self.allowed(room) {
            Some(Allowed::Own) => {
                self.branches.clear();
                self.subscribed = false;
            }
            Some(Allowed::Branch(_)) if self.subscribed && self.branches.is_empty() => {
                let message = format!(
                    "This socket is subscribed to {}: unsubscribe from that, or subscribe to the branches \
                     that you want.",
                    self.room()
                );
                return error("bad_frame", message);
            }
            Some(Allowed::Branch(branch)) => {
                self.branches.remove(&branch);
                self.subscribed = !self.branches.is_empty();
            }
            None => return self.forbidden(),
        }
        ServerFrame::Unsubscribed { room: room.to_owned() }
    }

    /// Whether the socket is subscribed to a branch.
    pub(super) fn hears(&self, client: &ClientId, branch: &BranchId) -> bool {
        let is_named = || self.branches.is_empty() || self.branches.contains(branch);
        self.subscribed
            && *client == self.client
            && self.branch.as_ref().map_or_else(is_named, |own| own == branch)
    }

    /// What the name of a room means to this socket; `None` for a room that its user may not use.
    fn allowed(&self, room: &str) -> Option<Allowed> {
        match room.parse().ok()? {
            room if room == self.room() => Some(Allowed::Own),
            SocketRoom::Branch(room) if self.branch.is_none() && room.client == self.client => {
                Some(Allowed::Branch(room.branch))
            }
            _ => None,
        }
    }

    fn forbidden(&self) -> ServerFrame {
        let message = match &self.branch {
            Some(_) => format!("This user may use the room {} only.", self.room()),
            None => format!("This user may use the rooms of client {} only.", self.client),
        };
        error("room_forbidden", message)
    }
}

/// A room that the user of a socket may use.
enum Allowed {
    /// The room in which the socket is.
    Own,
    /// A branch, for a socket of the hub.
    Branch(BranchId),
}

fn error(code: &str, message: String) -> ServerFrame {
    ServerFrame::Error { code: code.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, commit, connect_request};
    use super::*;
    use crate::room::ConnectRequest;

    fn socket(room: &str) -> SocketState {
        SocketState::new(ConnectRequest { room: room.parse().unwrap(), ..connect_request() }, NOW)
    }

    /// The branches of those that the socket hears.
    fn heard<'a>(socket: &SocketState, branches: &[&'a str]) -> Vec<&'a str> {
        let hears = |branch: &&&str| socket.should_deliver(&commit(&format!("1:{branch}"), "till-2"), NOW);
        branches.iter().filter(hears).copied().collect()
    }

    /// The reply without its message.
    fn told(reply: &ServerFrame) -> &str {
        match reply {
            ServerFrame::Subscribed { .. } => "subscribed",
            ServerFrame::Unsubscribed { .. } => "unsubscribed",
            ServerFrame::Error { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_socket_of_a_branch_may_use_its_own_room_only() {
        let mut socket = socket("1:2");
        for other in ["1:3", "2:2", "1:*", "*", ""] {
            assert_eq!(told(&socket.subscribe(other, None)), "room_forbidden", "{other}");
            assert_eq!(told(&socket.unsubscribe(other)), "room_forbidden", "{other}");
        }
        assert_eq!(heard(&socket, &["2", "3"]), ["2"]);
        let subscribed = ServerFrame::Subscribed { room: "1:2".into(), head: Some(Stamp(7)) };
        assert_eq!(socket.subscribe("1:2", Some(Stamp(7))), subscribed);
    }

    #[test]
    fn a_socket_of_the_hub_hears_all_branches_until_it_names_some() {
        let mut hub = socket("1:*");
        let all = ["2", "3", "4"];
        assert_eq!(heard(&hub, &all), all);
        assert!(!hub.should_deliver(&commit("2:2", "till-2"), NOW), "another client");
        assert!(!hub.should_deliver(&commit("1:2", "till-1"), NOW), "its own device");
        let steps: [(&str, &str, &[&str]); 9] = [
            ("unsubscribe 1:2", "bad_frame", &all),
            ("subscribe 1:2", "subscribed", &["2"]),
            ("subscribe 1:4", "subscribed", &["2", "4"]),
            ("subscribe 2:3", "room_forbidden", &["2", "4"]),
            ("subscribe 2:*", "room_forbidden", &["2", "4"]),
            ("unsubscribe 1:2", "unsubscribed", &["4"]),
            ("unsubscribe 1:4", "unsubscribed", &[]),
            ("subscribe 1:*", "subscribed", &all),
            ("unsubscribe 1:*", "unsubscribed", &[]),
        ];
        for (step, answer, hears) in steps {
            let reply = match step.split_once(' ').unwrap() {
                ("subscribe", room) => hub.subscribe(room, None),
                (_, room) => hub.unsubscribe(room),
            };
            assert_eq!((told(&reply), &*heard(&hub, &all)), (answer, hears), "{step}");
        }
        // A branch that was unsubscribed from all the same.
        assert_eq!(told(&hub.unsubscribe("1:3")), "unsubscribed");
        assert!(heard(&hub, &all).is_empty());
    }

    #[test]
    fn one_branch_too_many_is_refused() {
        let mut hub = socket("1:*");
        for i in 0..HUB_BRANCHES_MAX {
            assert_eq!(told(&hub.subscribe(&format!("1:{i}"), None)), "subscribed");
        }
        assert_eq!(told(&hub.subscribe("1:one-more", None)), "too_many_branches");
        assert_eq!(told(&hub.subscribe("1:0", None)), "subscribed");
        hub.unsubscribe("1:0");
        assert_eq!(told(&hub.subscribe("1:one-more", None)), "subscribed");
        assert_eq!(heard(&hub, &["0", "1", "one-more"]), ["1", "one-more"]);
    }
}
