//! Delivers a commit to the sockets of a room.

use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::socket::{ServerFrame, frames};

use super::close_reason::GONE;
use super::socket_state::SocketState;
use super::sockets;

use worker::WebSocket;

/// Sends the frames of `publication` to every socket that should get it, without changes that the user's role
/// may not read. After an omitted change the next frame's `prev` is unknown to the till, so the till pulls.
pub(super) fn deliver(sockets: &[(WebSocket, SocketState)], publication: &Publication, now: Timestamp) {
    // Serialised once for all sockets.
    let texts = texts(publication);
    for (socket, socket_state) in
        sockets.iter().filter(|(_, socket_state)| socket_state.should_deliver(publication, now))
    {
        let frames =
            texts.iter().zip(&publication.changes).filter(|(_, change)| socket_state.may_read(change));
        // A socket that fails is closed; the others still get the commit.
        if frames.into_iter().any(|(text, _)| socket.send_with_str(text).is_err()) {
            sockets::close(socket, GONE);
        }
    }
}

fn texts(publication: &Publication) -> Vec<String> {
    frames(publication).into_iter().map(|frame| ServerFrame::Sync(Box::new(frame)).to_json()).collect()
}
