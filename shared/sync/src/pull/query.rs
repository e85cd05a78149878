//! The query of a pull: of one room, or of all rooms of a client.

mod values;

use std::collections::BTreeSet;

use crate::cursor::seal::CursorKeys;
use crate::cursor::vector::{Others, Vector};
use crate::cursor::walk::Walk;
use crate::cursor::{Cursor, Cursors, Location, Position, is_of_client};
use crate::min;
use crate::tables::Tables;
use crate::tables::digest::TablesDigest;
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, ClientId, Room};
use protocol::limits::PULL_LIMIT_DEFAULT;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::{DAY_SECS, Timestamp};
use values::{read_limit, read_mode, read_since, read_tables};

/// A valid pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pull {
    /// Of one room.
    Room(RoomPull),
    /// Of all rooms of a client, for head office.
    Client(ClientPull),
}

/// A pull of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPull {
    /// The caller's own room, or the one that a super admin named.
    pub room: Room,
    /// Where it begins.
    pub start: RoomStart,
    /// The response must not be older than this position; 0 if not given.
    pub min: Stamp,
    /// What to return.
    pub selection: Selection,
}

/// A pull of all rooms of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientPull {
    /// The client of the verified token.
    pub client: ClientId,
    /// Where it begins.
    pub start: ClientStart,
    /// What to return.
    pub selection: Selection,
}

/// Where a pull of one room begins; always exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomStart {
    /// At the stamp of a change, or at 0. A stamp that no change of the room has is of another history: the
    /// tables were put back from a copy.
    Position(Position),
    /// A time that the caller chose; may be later than the last change.
    Time(Timestamp),
    /// A continuation of a snapshot.
    Walk(Walk),
    /// With a snapshot: the caller asks for one, could read other tables when it got its cursor, or its
    /// cursor does not say which.
    Reset,
}

/// Where a pull of all rooms begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientStart {
    /// At one time in every room.
    Time(Timestamp),
    /// A continuation.
    Vector(Vector),
}

/// Which changes to return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The tables that the caller named, or all that its role may read.
    pub tables: BTreeSet<String>,
    /// Whether the caller named no tables.
    pub all: bool,
    /// The digest of `tables`, which cursors carry.
    pub digest: TablesDigest,
    /// The tables whose windows are lifted.
    pub whole: BTreeSet<String>,
    /// The digest of all tables that the role may read, if a cursor of theirs continues too.
    pub readable: TablesDigest,
    /// Maximum number of changes in the page.
    pub limit: usize,
}

/// The parameters, each parsed.
#[derive(Default)]
struct Parameters {
    cursor: Option<String>,
    since: Option<RoomStart>,
    /// Whether the caller asks for a snapshot.
    snapshot: bool,
    tables: Option<BTreeSet<String>>,
    whole: BTreeSet<String>,
    limit: Option<usize>,
    min: Option<Stamp>,
    branch: Option<BranchId>,
}

impl Pull {
    /// Parses the decoded `pairs` of a query string for the caller with `claims`. Unknown names are ignored:
    /// newer clients may send them.
    pub fn parse<'a>(
        tables: &Tables,
        keys: &CursorKeys,
        claims: &Claims,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Pull, ApiError> {
        let mut sent = Parameters::default();
        for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            match name {
                "cursor" => sent.cursor = Some(value.to_owned()),
                "since" => sent.since = Some(read_since(value)?),
                "mode" => sent.snapshot = read_mode(value)?,
                "limit" => sent.limit = Some(read_limit(value)?),
                "tables" => sent.tables = Some(read_tables(tables, claims.role, name, value)?),
                "whole" => sent.whole = read_tables(tables, claims.role, name, value)?,
                "min" => sent.min = Some(min::parse(value)?),
                "branch_id" => sent.branch = Some(value.parse()?),
                _ => {}
            }
        }
        let all = || tables.names().filter(|name| tables.may_read(name, claims.role)).map(str::to_owned);
        let named = sent.tables.take();
        let (is_all, named) = (named.is_none(), named.unwrap_or_else(|| all().collect()));
        let whole = std::mem::take(&mut sent.whole);
        let digest = tables.digest_with_whole(named.iter().map(String::as_str), &whole);
        let selection = Selection {
            digest,
            // A push knows of no lifted windows.
            readable: if whole.is_empty() { tables.digest_of(claims.role) } else { digest },
            whole,
            tables: named,
            all: is_all,
            limit: sent.limit.unwrap_or(PULL_LIMIT_DEFAULT),
        };
        if claims.role == Role::SuperAdmin && sent.branch.is_none() {
            return sent.of_client(keys, claims.client_id.clone(), selection).map(Pull::Client);
        }
        let room = claims.room_of(sent.branch.as_ref())?;
        sent.of_room(keys, room, selection).map(Pull::Room)
    }
}

impl Selection {
    /// Whether a pull may not pass over a change of the table `name` unread: it returns the table, or it
    /// returns all tables and `tables` does not know this one.
    pub(crate) fn concerns(&self, name: &str, tables: &Tables) -> bool {
        self.tables.contains(name) || (self.all && !tables.contains(name))
    }

    /// Whether a cursor of a reader of `tables` continues: its reader could read the same tables, by the same
    /// rules. The cursor of a push is of all tables that the role may read.
    fn continues(&self, tables: Option<TablesDigest>) -> bool {
        tables.is_some_and(|tables| tables == self.digest || tables == self.readable)
    }

    /// The stamp from which a walk that began at `started` returns records of the table `name`: the beginning
    /// of its window.
    pub(super) fn oldest(&self, tables: &Tables, name: &str, started: Timestamp) -> Stamp {
        let window = tables.get(name).and_then(|table| table.window_days);
        match window.filter(|_| !self.whole.contains(name)) {
            Some(days) => Stamp(started.0.saturating_sub(u64::from(days) * DAY_SECS * 1_000_000)),
            None => Stamp::ZERO,
        }
    }
}

impl Parameters {
    fn of_room(self, keys: &CursorKeys, room: Room, selection: Selection) -> Result<RoomPull, ApiError> {
        if self.cursor.as_deref().is_some_and(is_of_client) {
            let message =
                "This `cursor` is of all branches; leave `branch_id` out, or pull from the beginning.";
            return Err(ApiError::new(ErrorCode::BadCursor, message));
        }
        let cursors = Cursors { keys, scope: &room.to_string() };
        let cursor = self.cursor.map(|text| read_cursor(cursors, &text)).transpose()?;
        let start = match (cursor, self.since) {
            (None, since) => since.unwrap_or(RoomStart::Position(Position::default())),
            (Some(cursor), since) if selection.continues(cursor.tables) => continued(cursor.place, since),
            (Some(_), _) => RoomStart::Reset,
        };
        let start = if self.snapshot { snapshot(start) } else { start };
        Ok(RoomPull { room, start, min: self.min.unwrap_or_default(), selection })
    }

    fn of_client(
        self,
        keys: &CursorKeys,
        client: ClientId,
        selection: Selection,
    ) -> Result<ClientPull, ApiError> {
        if self.min.is_some() {
            let message = "`min` is a position in one branch; name it by `branch_id`, or leave `min` out.";
            return Err(ApiError::new(ErrorCode::BadMin, message));
        }
        if self.cursor.as_deref().is_some_and(|text| !is_of_client(text) && is_of_room(text)) {
            let message = "This `cursor` is of one branch; name it by `branch_id`.";
            return Err(ApiError::new(ErrorCode::BadCursor, message));
        }
        let cursors = Cursors { keys, scope: client.as_str() };
        let cursor = self.cursor.map(|text| read_cursor(cursors, &text)).transpose()?;
        let start = match (cursor, self.since) {
            (Some(Cursor { place: Location::Vector(mut vector), tables }), _) => {
                if !selection.continues(tables) {
                    vector.reset();
                }
                ClientStart::Vector(vector)
            }
            // With a cursor, `mode` is ignored: nothing says which branches have had their snapshot.
            (None, _) if self.snapshot => {
                ClientStart::Vector(Vector { others: Others::Lost, ..Vector::default() })
            }
            (None, Some(RoomStart::Time(time))) => ClientStart::Time(time),
            // In another branch, a stamp only has its time as a meaning.
            (None, Some(RoomStart::Position(position))) => ClientStart::Time(position.stamp.time()),
            _ => ClientStart::Vector(Vector::default()),
        };
        Ok(ClientPull { client, start, selection })
    }
}

/// Where `place` continues. A till has moved on since its last pull, by frames and pushes, and says in
/// `since` how far.
fn continued(place: Location, since: Option<RoomStart>) -> RoomStart {
    match (place, since) {
        (Location::Position(Position { stamp, through: None }), Some(RoomStart::Position(since))) => {
            RoomStart::Position(stamp.max(since.stamp).into())
        }
        // In a snapshot and its tail only the cursor counts.
        (Location::Position(position), _) => RoomStart::Position(position),
        (Location::Walk(walk), _) => RoomStart::Walk(walk),
        (Location::Vector(_) | Location::LostWalk, _) => RoomStart::Reset,
    }
}

/// Where a pull begins whose caller asks for a snapshot. It may ask with each page, so a snapshot that is not
/// complete continues.
fn snapshot(start: RoomStart) -> RoomStart {
    match start {
        RoomStart::Walk(_) | RoomStart::Position(Position { through: Some(_), .. }) => start,
        RoomStart::Position(_) | RoomStart::Time(_) | RoomStart::Reset => RoomStart::Reset,
    }
}

/// Whether `text` is a cursor of one room, by its kind alone.
fn is_of_room(text: &str) -> bool {
    ["p1.", "w1.", "v1.", "s1."].iter().any(|kind| text.starts_with(kind))
}

fn read_cursor(cursors: Cursors<'_>, text: &str) -> Result<Cursor, ApiError> {
    let message = "`cursor` must be one that this server gave out, unchanged.";
    cursors.read(text).map_err(|error| error.refusal(ErrorCode::BadCursor, message))
}
