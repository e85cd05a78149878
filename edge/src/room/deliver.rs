//! Delivers a commit to the sockets of a room.

use std::iter;
use std::rc::Rc;

use js_sys::JsString;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::socket::{ServerFrame, batch_frame, frames};

use super::backlog;
use super::open_sockets::OpenSocket;

/// A frame as a text of the runtime, made once for all sockets, and its length in bytes.
struct FrameText {
    text: JsString,
    bytes: usize,
}

impl FrameText {
    fn of(frame: &ServerFrame) -> FrameText {
        let json = frame.to_json();
        FrameText { bytes: json.len(), text: json.into() }
    }
}

/// Sends `publication` to every socket that should get it, without changes that the user's role may not read.
///
/// A socket gets a frame for each change, or one for the commit. After an omitted change, the `prev` of the
/// next frame is unknown to the till, so the till pulls. Returns the most bytes that one socket got.
pub(super) fn deliver(sockets: &[Rc<OpenSocket>], publication: &Publication, now: Timestamp) -> usize {
    let mut most = 0;
    let is_told = backlog::is_told(sockets);
    // A commit before this one may have closed some.
    let open = sockets.iter().filter(|socket| socket.is_open());
    let recipients = open.filter(|socket| socket.state().should_deliver(publication, now));
    let (mut batched, single): (Vec<_>, Vec<_>) = recipients.partition(|socket| socket.state().takes_batches);
    if !single.is_empty() {
        let texts = texts(publication);
        most = texts.iter().map(|text| text.bytes).sum();
        for socket in single {
            let may_read = |change| socket.state().may_read(change);
            let readable = texts.iter().zip(&publication.changes).filter(|(_, change)| may_read(change));
            send_all(socket, readable.map(|(text, _)| text), is_told);
        }
    }
    // Serialised once for each role.
    while let Some(role) = batched.first().map(|socket| socket.state().role) {
        let text = FrameText::of(&ServerFrame::SyncBatch(batch_frame(publication, role)));
        most = most.max(text.bytes);
        batched.retain(|socket| {
            let is_of_role = socket.state().role == role;
            if is_of_role {
                send_all(socket, iter::once(&text), is_told);
            }
            !is_of_role
        });
    }
    most
}

/// A socket that fails is closed; the others still get the commit.
fn send_all<'a>(socket: &OpenSocket, texts: impl Iterator<Item = &'a FrameText>, is_told: bool) {
    let mut sent = 0;
    for frame in texts {
        if !socket.send(&frame.text) {
            return;
        }
        sent += frame.bytes;
    }
    if !is_told {
        backlog::count(socket, sent);
    }
}

fn texts(publication: &Publication) -> Vec<FrameText> {
    frames(publication).into_iter().map(|frame| FrameText::of(&ServerFrame::Sync(Box::new(frame)))).collect()
}
