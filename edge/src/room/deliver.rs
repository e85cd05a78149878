//! Delivers a commit to the sockets of a room.

use std::iter;

use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::socket::{ServerFrame, batch_frame, frames};
use worker::WebSocket;

use super::backlog;
use super::close_reason::GONE;
use super::socket_state::SocketState;
use super::sockets;

/// Sends `publication` to every socket that should get it, without changes that the user's role may not read.
///
/// A socket gets a frame for each change, or one for the commit. After an omitted change, the `prev` of the
/// next frame is unknown to the till, so the till pulls.
pub(super) fn deliver(sockets: &[(WebSocket, SocketState)], publication: &Publication, now: Timestamp) {
    // A commit before this one may have closed some.
    let open = sockets.iter().filter(|(socket, _)| sockets::is_open(socket));
    let recipients = open.filter(|(_, state)| state.should_deliver(publication, now));
    let (mut batched, single): (Vec<_>, Vec<_>) = recipients.partition(|(_, state)| state.takes_batches);
    if !single.is_empty() {
        // Serialised once for all sockets.
        let texts = texts(publication);
        for (socket, state) in single {
            let readable =
                texts.iter().zip(&publication.changes).filter(|(_, change)| state.may_read(change));
            send_all(socket, readable.map(|(text, _)| text));
        }
    }
    // Serialised once for each role.
    while let Some(role) = batched.first().map(|(_, state)| state.role) {
        let text = ServerFrame::SyncBatch(batch_frame(publication, role)).to_json();
        batched.retain(|(socket, state)| {
            if state.role == role {
                send_all(socket, iter::once(&text));
            }
            state.role != role
        });
    }
}

/// A socket that fails is closed; the others still get the commit.
fn send_all<'a>(socket: &WebSocket, texts: impl Iterator<Item = &'a String>) {
    let mut sent = 0;
    for text in texts {
        if socket.send_with_str(text).is_err() {
            return sockets::close(socket, GONE);
        }
        sent += text.len();
    }
    backlog::count(socket, sent);
}

fn texts(publication: &Publication) -> Vec<String> {
    frames(publication).into_iter().map(|frame| ServerFrame::Sync(Box::new(frame)).to_json()).collect()
}
