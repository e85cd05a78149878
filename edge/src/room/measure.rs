//! What a room tells of its sockets and of the delay of its broadcasts.

use protocol::ids::{self, SocketRoom};
use protocol::telemetry::{LogEvent, RoomLine};
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use worker::Env;

use crate::telemetry;

/// Tells that `room` now has `open` sockets.
pub(super) fn sockets(env: &Env, room: SocketRoom, open: usize) {
    let (client, branch) = room.into_parts();
    let line = RoomLine { client, branch, sockets: open, changes: 0, delay_micros: None };
    telemetry::tell(env, &LogEvent::Room(line));
}

/// Tells of a commit that was sent to `sockets` sockets at `now`. The stamp of its last change is the time at
/// which a function has decided it.
pub(super) fn broadcast(env: &Env, publication: &Publication, sockets: usize, now: Timestamp) {
    let delay_micros = Some(now.0.saturating_sub(publication.last().time().0));
    let ids::Room { client, branch } = publication.room();
    let (branch, changes) = (Some(branch), publication.changes.len());
    telemetry::tell(env, &LogEvent::Room(RoomLine { client, branch, sockets, changes, delay_micros }));
}
