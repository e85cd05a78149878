//! The state of one socket. It is stored in the socket's attachment, which survives hibernation.

use std::collections::BTreeSet;

use protocol::claims::Claims;
use protocol::ids::{BranchId, ClientId, DeviceId, SessionId, SocketRoom};
use protocol::limits::{
    DEVICE_ID_BYTES_MAX, HUB_BRANCHES_MAX, STATUS_BYTES_MAX, STATUS_EVERY_SECS, TENANT_ID_BYTES_MAX,
    USER_ID_BYTES_MAX,
};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishedChange};
use protocol::wire::socket::{BadFrame, ClientFrame, DeviceStatus, FrameToken, ServerFrame};
use serde::{Deserialize, Serialize};

use super::call::ConnectRequest;
use super::close_reason::{CloseReason, TOO_MANY_FRAMES};
use super::frame_rate::FrameRate;

mod presence;
mod subscription;

pub(super) use presence::online;

/// Bytes by which a kept status may be longer than its frame, because of members that are absent there.
const STATUS_SURPLUS_BYTES: usize = 64;
/// Maximum bytes of an attachment; a larger one throws.
const ATTACHMENT_BYTES_MAX: usize = 16 * 1024;
// Six ids, the status and the named branches, as JSON in which each byte of an id or of the status may be
// escaped (branches need no escape), and room for names and numbers.
const _: () = assert!(
    2 * (3 * TENANT_ID_BYTES_MAX + 2 * DEVICE_ID_BYTES_MAX + USER_ID_BYTES_MAX)
        + 2 * (STATUS_BYTES_MAX + STATUS_SURPLUS_BYTES)
        + HUB_BRANCHES_MAX * (TENANT_ID_BYTES_MAX + 4)
        + 1024
        < ATTACHMENT_BYTES_MAX
);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SocketState {
    client: ClientId,
    /// `None` for a socket of the hub.
    branch: Option<BranchId>,
    #[serde(default)]
    user: String,
    device: DeviceId,
    pub(super) role: Role,
    #[serde(default)]
    pub(super) session: Option<SessionId>,
    /// The epoch for a socket of the previous version.
    #[serde(default = "epoch")]
    pub(super) opened_at: Timestamp,
    /// The expiry of its token, and so of the socket.
    pub(super) expires_at: Timestamp,
    subscribed: bool,
    /// The branches that a socket of the hub has named; empty for all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    branches: BTreeSet<BranchId>,
    /// Whether the device takes the changes of a commit in one frame.
    #[serde(default)]
    pub(super) takes_batches: bool,
    /// The device whose changes it does not get: the one that its own writes count as, unless it takes those.
    #[serde(default)]
    omits: Option<DeviceId>,
    /// The latest expiry of a token that it was asked to renew the socket with.
    #[serde(default = "epoch")]
    asked_until: Timestamp,
    /// The time of the last frame from the device.
    pub(super) heard_at: Timestamp,
    /// The time of the last ping to the device.
    pub(super) pinged_at: Option<Timestamp>,
    /// Bytes of changes since the last frame from the device, on a runtime that does not tell how many wait.
    #[serde(default)]
    pub(super) unread_bytes: u64,
    #[serde(default)]
    frame_rate: FrameRate,
    #[serde(default)]
    status: Option<KnownStatus>,
}

/// What the device has told of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownStatus {
    told_at: Timestamp,
    /// A [`DeviceStatus`] as JSON, of which only a reader of presence needs the parts.
    json: String,
}

/// What a frame asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// This reply, or none.
    Reply(Option<ServerFrame>),
    /// A renewal with this token.
    Renew(FrameToken),
}

fn epoch() -> Timestamp {
    Timestamp(0)
}

impl SocketState {
    /// The state of a new connection, subscribed to its own room or, in the hub, to the branch that it names.
    pub(super) fn new(connect: ConnectRequest, now: Timestamp) -> SocketState {
        let (client, branch) = connect.room.into_parts();
        let named = connect.options.branch.filter(|_| branch.is_none());
        SocketState {
            client,
            branch,
            user: connect.user,
            device: connect.device,
            role: connect.role,
            session: connect.session,
            opened_at: now,
            expires_at: connect.expires_at,
            subscribed: true,
            branches: named.into_iter().collect(),
            takes_batches: connect.options.batched,
            omits: (!connect.options.own).then_some(connect.author),
            asked_until: connect.expires_at,
            heard_at: now,
            pinged_at: None,
            unread_bytes: 0,
            frame_rate: FrameRate::default(),
            status: None,
        }
    }

    /// The first frame of the connection.
    pub(super) fn greeting(&self, head: Option<Stamp>) -> ServerFrame {
        ServerFrame::Connected { room: self.room().to_string(), head }
    }

    /// The room in which it is.
    pub(super) fn room(&self) -> SocketRoom {
        (self.client.clone(), self.branch.clone()).into()
    }

    /// Handles a frame, `None` if it is binary; returns what to do, or why to close the socket. `head` is the
    /// room's.
    pub(super) fn on_frame(
        &mut self,
        text: Option<&str>,
        head: Option<Stamp>,
        now: Timestamp,
    ) -> Result<Reaction, CloseReason> {
        if !self.frame_rate.count(now) {
            return Err(TOO_MANY_FRAMES);
        }
        (self.heard_at, self.unread_bytes) = (now, 0);
        let reply = match text.ok_or(BadFrame::Unknown).and_then(ClientFrame::parse) {
            Ok(ClientFrame::Auth { token }) => return Ok(Reaction::Renew(token)),
            Ok(ClientFrame::Status(status)) => self.keep_status(&status, now).err().map(BadFrame::reply),
            Ok(ClientFrame::Ping) => Some(ServerFrame::Pong { head }),
            Ok(ClientFrame::Pong) => None,
            Ok(ClientFrame::Subscribe { room }) => Some(self.subscribe(&room, head)),
            Ok(ClientFrame::Unsubscribe { room }) => Some(self.unsubscribe(&room)),
            Err(bad) => Some(bad.reply()),
        };
        Ok(Reaction::Reply(reply))
    }

    fn keep_status(&mut self, status: &DeviceStatus, now: Timestamp) -> Result<(), BadFrame> {
        let too_soon = |known: &KnownStatus| {
            // A later time was written by a clock ahead of ours.
            known.told_at <= now && now < known.told_at.plus_secs(STATUS_EVERY_SECS)
        };
        if self.status.as_ref().is_some_and(too_soon) {
            return Err(BadFrame::StatusTooSoon);
        }
        let json = serde_json::to_string(status).map_err(|_| BadFrame::Unknown)?;
        self.status = Some(KnownStatus { told_at: now, json });
        Ok(())
    }

    /// Whether a token with `claims` is of the same session, user, device, role and room.
    pub(super) fn is_of(&self, claims: &Claims) -> bool {
        claims.sub == self.user
            && claims.sid == self.session
            && claims.role == self.role
            && claims.acts_as(&self.device).is_ok()
            && claims.socket_room(None).is_ok_and(|room| room == self.room())
    }

    /// Whether a token until `expires_at` is later than all before it, which it then is no more.
    pub(super) fn is_news(&mut self, expires_at: Timestamp) -> bool {
        let is_news = expires_at > self.asked_until.max(self.expires_at);
        self.asked_until = self.asked_until.max(expires_at);
        is_news
    }

    /// Keeps the socket open until `expires_at`, unless it is open for longer already. Returns the reply.
    pub(super) fn renew(&mut self, expires_at: Timestamp) -> ServerFrame {
        self.expires_at = self.expires_at.max(expires_at);
        ServerFrame::Authenticated { expires_at: self.expires_at.to_string() }
    }

    /// Whether the socket is of the same device and user. A device id alone can be claimed by any user.
    pub(super) fn is_device_of(&self, connect: &ConnectRequest) -> bool {
        self.user == connect.user && self.device == connect.device
    }

    pub(super) fn is_same_device(&self, other: &SocketState) -> bool {
        self.user == other.user && self.device == other.device
    }

    pub(super) fn belongs_to(&self, sessions: &[SessionId]) -> bool {
        self.session.as_ref().is_some_and(|session| sessions.contains(session))
    }

    /// Whether to deliver a commit: it is of a branch to which the socket is subscribed and of a device that
    /// it does not omit, and the token is valid.
    pub(super) fn should_deliver(&self, publication: &Publication, now: Timestamp) -> bool {
        self.hears(&publication.client_id, &publication.branch_id)
            && self.omits.as_ref() != Some(&publication.device_id)
            && now < self.expires_at
    }

    /// Whether the user's role may read a change.
    pub(super) fn may_read(&self, change: &PublishedChange) -> bool {
        change.read <= self.role
    }
}

#[cfg(test)]
pub(super) mod tests;
