//! Telling a room's sockets about a commit.

use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::socket::{ServerFrame, frames};

use super::seat::Seat;
use super::sockets::{self, GONE};

use worker::WebSocket;

/// Sends the frames of `publication` to every socket that wants it, but those that its user may not hear of: where
/// one is left out, the next names a predecessor that the till does not have, and the till pulls.
pub(super) fn deliver(sockets: &[(WebSocket, Seat)], publication: &Publication, now: Timestamp) {
    // Written once, however many sockets there are.
    let texts = texts(publication);
    for (socket, seat) in sockets.iter().filter(|(_, seat)| seat.wants(publication, now)) {
        let frames = texts.iter().zip(&publication.changes).filter(|(_, change)| seat.may_hear(change));
        // One that cannot be sent to is closed, and keeps nobody else from hearing.
        if frames.into_iter().any(|(text, _)| socket.send_with_str(text).is_err()) {
            sockets::close(socket, GONE);
        }
    }
}

fn texts(publication: &Publication) -> Vec<String> {
    frames(publication).into_iter().map(|frame| ServerFrame::Sync(Box::new(frame)).to_json()).collect()
}
