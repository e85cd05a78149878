//! Telling a room's sockets about a commit.

use shared::micros::Micros;
use shared::protocol::publication::Publication;
use shared::protocol::socket::{ServerFrame, frames};

use super::seat::Seat;
use super::sockets::{self, GONE};

use worker::WebSocket;

/// Sends every frame of `publication` to every socket that wants it.
pub(super) fn deliver(sockets: &[(WebSocket, Seat)], publication: &Publication, now: Micros) {
    // Written once, however many sockets there are.
    let texts = texts(publication);
    for (socket, _) in sockets.iter().filter(|(_, seat)| seat.wants(publication, now)) {
        // One that cannot be sent to is closed, and keeps nobody else from hearing.
        if texts.iter().any(|text| socket.send_with_str(text).is_err()) {
            sockets::close(socket, GONE);
        }
    }
}

fn texts(publication: &Publication) -> Vec<String> {
    frames(publication).into_iter().map(|frame| ServerFrame::Sync(Box::new(frame)).to_json()).collect()
}
