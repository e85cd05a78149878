//! How many sockets a room, one device and one session may have, so that one till cannot take all places of
//! its branch.
//!
//! The oldest socket makes way for a new one. A till whose connection broke without a close reconnects while
//! the server still counts its old socket, and must not be refused for that.

use std::borrow::Borrow;
use std::cmp::Reverse;

use protocol::limits::{ROOM_SOCKETS_MAX, SOCKETS_PER_DEVICE_MAX, SOCKETS_PER_SESSION_MAX};

use super::call::ConnectRequest;
use super::socket_state::SocketState;

/// The places in `sockets` of those that make way for `connect`; `None` if the room is full all the same.
pub(super) fn admit<S: Borrow<SocketState>>(sockets: &[S], connect: &ConnectRequest) -> Option<Vec<usize>> {
    let replaced = replaced(sockets, connect);
    (sockets.len() - replaced.len() < ROOM_SOCKETS_MAX).then_some(replaced)
}

fn replaced<S: Borrow<SocketState>>(sockets: &[S], connect: &ConnectRequest) -> Vec<usize> {
    let related = |(place, socket): (usize, &SocketState)| {
        let same_device = socket.is_device_of(connect);
        let same_session = connect.session.is_some() && socket.session == connect.session;
        (same_device || same_session).then_some((place, socket.opened_at, same_device, same_session))
    };
    let mut newest_first: Vec<_> =
        sockets.iter().map(Borrow::borrow).enumerate().filter_map(related).collect();
    newest_first.sort_by_key(|(_, opened_at, ..)| Reverse(*opened_at));
    let (mut of_device, mut of_session) = (1, 1);
    let mut replaced = Vec::new();
    for (place, _, same_device, same_session) in newest_first {
        if same_device && of_device >= SOCKETS_PER_DEVICE_MAX
            || same_session && of_session >= SOCKETS_PER_SESSION_MAX
        {
            replaced.push(place);
        } else {
            of_device += usize::from(same_device);
            of_session += usize::from(same_session);
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::super::socket_state::tests::{NOW, connect_request};
    use super::*;

    fn connect(user: &str, device: &str, session: &str) -> ConnectRequest {
        ConnectRequest {
            user: user.into(),
            device: device.parse().unwrap(),
            session: Some(session.parse().unwrap()),
            ..connect_request()
        }
    }

    /// Sockets that were opened a second apart.
    fn opened(connects: impl IntoIterator<Item = ConnectRequest>) -> Vec<SocketState> {
        let open = |(i, connect)| SocketState::new(connect, NOW.plus_secs(i));
        (0..).zip(connects).map(open).collect()
    }

    #[test]
    fn a_full_room_admits_only_a_socket_that_replaces_another() {
        let of_other = |i: usize| connect(&format!("u{i}"), "till", &format!("s{i}"));
        let own = || connect("own", "till", "own");
        let mut sockets = opened((1..ROOM_SOCKETS_MAX).map(of_other));
        assert_eq!(admit(&sockets, &own()), Some(vec![]));
        sockets.extend(opened([of_other(0)]));
        assert_eq!(admit(&sockets, &own()), None);
        sockets.truncate(ROOM_SOCKETS_MAX - SOCKETS_PER_DEVICE_MAX);
        sockets.extend(opened(vec![own(); SOCKETS_PER_DEVICE_MAX]));
        let oldest = ROOM_SOCKETS_MAX - SOCKETS_PER_DEVICE_MAX;
        assert_eq!(admit(&sockets, &own()), Some(vec![oldest]));
    }

    #[test]
    fn the_oldest_socket_of_a_device_makes_way() {
        let new = connect("u1", "till-1", "s1");
        let mut sockets = opened(vec![new.clone(); SOCKETS_PER_DEVICE_MAX]);
        assert_eq!(replaced(&sockets, &new), [0]);
        sockets.swap(0, 1);
        assert_eq!(replaced(&sockets, &new), [1]);
        sockets.pop();
        assert!(replaced(&sockets, &new).is_empty());
        // Also after the till has signed in again.
        let sockets = opened(vec![new; SOCKETS_PER_DEVICE_MAX]);
        assert_eq!(replaced(&sockets, &connect("u1", "till-1", "s2")), [0]);
    }

    #[test]
    fn the_oldest_socket_of_a_session_makes_way_whatever_its_device() {
        let device = |i: usize| connect("u1", &format!("d{i}"), "s1");
        let sockets = opened((0..SOCKETS_PER_SESSION_MAX).map(device));
        assert_eq!(replaced(&sockets, &device(SOCKETS_PER_SESSION_MAX)), [0]);
        assert!(replaced(&sockets[1..], &device(SOCKETS_PER_SESSION_MAX)).is_empty());
    }

    #[test]
    fn no_socket_makes_way_for_another_user() {
        let sockets = opened(vec![connect("u1", "till-1", "s1"); SOCKETS_PER_DEVICE_MAX]);
        assert!(replaced(&sockets, &connect("u2", "till-1", "s2")).is_empty());
    }

    #[test]
    fn sockets_above_a_lowered_cap_make_way_too() {
        let new = connect("u1", "till-1", "s1");
        let sockets = opened(vec![new.clone(); SOCKETS_PER_DEVICE_MAX + 2]);
        assert_eq!(replaced(&sockets, &new).len(), 3);
    }

    #[test]
    fn sockets_without_a_session_do_not_replace_each_other() {
        let free =
            |user: String| ConnectRequest { session: None, ..connect(&user, &format!("till-{user}"), "s1") };
        let sockets = opened((0..SOCKETS_PER_SESSION_MAX + 1).map(|i| free(format!("u{i}"))));
        assert_eq!(replaced(&sockets, &free("another".into())), [0_usize; 0]);
    }
}
