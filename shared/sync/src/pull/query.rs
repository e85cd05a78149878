//! The query of a pull: of one room, or of all rooms of a client.

use std::collections::BTreeSet;

use crate::cursor::Cursor;
use crate::cursor::vector::Vector;
use crate::cursor::walk::Walk;
use crate::min;
use crate::tables::Tables;
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, ClientId, Room};
use protocol::limits::{PULL_LIMIT_DEFAULT, PULL_LIMIT_MAX};
use protocol::role::Role;
use protocol::stamp::{Stamp, parse_digits};
use protocol::timestamp::Timestamp;

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
    /// The caller's room, or the one that a super admin named.
    pub room: Room,
    /// Where it begins.
    pub start: RoomStart,
    /// The response must not be older than this position; 0 if not given.
    pub min: Stamp,
    /// What to return.
    pub window: Window,
}

/// A pull of all rooms of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientPull {
    /// The client of the verified token.
    pub client: ClientId,
    /// Where it begins.
    pub start: ClientStart,
    /// What to return.
    pub window: Window,
}

/// Where a pull of one room begins; always exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomStart {
    /// A continuation at a position that this server gave out: the stamp of a change, or 0.
    Cursor(Stamp),
    /// A stamp that the caller chose.
    Stamp(Stamp),
    /// A time that the caller chose; may be later than the last change.
    Time(Timestamp),
    /// A continuation of a snapshot.
    Walk(Walk),
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
pub struct Window {
    /// The tables that the caller named, or all that its role may read.
    pub tables: BTreeSet<String>,
    /// Maximum number of changes in the page.
    pub limit: usize,
}

/// The parameters, each parsed.
#[derive(Default)]
struct Parameters {
    cursor: Option<Cursor>,
    since: Option<RoomStart>,
    tables: Option<BTreeSet<String>>,
    limit: Option<usize>,
    min: Option<Stamp>,
    branch: Option<BranchId>,
}

impl Pull {
    /// Parses the decoded `pairs` of a query string for the caller with `claims`. Unknown names are ignored:
    /// newer clients may send them.
    pub fn parse<'a>(
        tables: &Tables,
        claims: &Claims,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Pull, ApiError> {
        let mut sent = Parameters::default();
        for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            match name {
                "cursor" => sent.cursor = Some(read_cursor(value)?),
                "since" => sent.since = Some(read_since(value)?),
                "limit" => sent.limit = Some(read_limit(value)?),
                "tables" => sent.tables = Some(read_tables(tables, claims.role, value)?),
                "min" => sent.min = Some(min::parse(value)?),
                "branch_id" => sent.branch = Some(value.parse()?),
                _ => {}
            }
        }
        let readable = || tables.names().filter(|name| tables.may_read(name, claims.role)).map(str::to_owned);
        let window = Window {
            tables: sent.tables.take().unwrap_or_else(|| readable().collect()),
            limit: sent.limit.unwrap_or(PULL_LIMIT_DEFAULT),
        };
        if claims.role == Role::SuperAdmin && sent.branch.is_none() {
            return sent.of_client(claims.client_id.clone(), window).map(Pull::Client);
        }
        let room = claims.room_of(sent.branch.as_ref())?;
        sent.of_room(room, window).map(Pull::Room)
    }
}

impl Parameters {
    fn of_room(self, room: Room, window: Window) -> Result<RoomPull, ApiError> {
        // A cursor wins over `since`.
        let start = match self.cursor {
            None => self.since.unwrap_or(RoomStart::Stamp(Stamp::ZERO)),
            Some(Cursor::Position(position)) => RoomStart::Cursor(position),
            Some(Cursor::Walk(walk)) => RoomStart::Walk(walk),
            Some(Cursor::Vector(_)) => {
                let message =
                    "This `cursor` is of all branches; leave `branch_id` out, or pull from the beginning.";
                return Err(ApiError::new(ErrorCode::BadCursor, message));
            }
        };
        Ok(RoomPull { room, start, min: self.min.unwrap_or_default(), window })
    }

    fn of_client(self, client: ClientId, window: Window) -> Result<ClientPull, ApiError> {
        if self.min.is_some() {
            let message = "`min` is a position in one branch; name it by `branch_id`, or leave `min` out.";
            return Err(ApiError::new(ErrorCode::BadMin, message));
        }
        let start = match (self.cursor, self.since) {
            (Some(Cursor::Vector(vector)), _) => ClientStart::Vector(vector),
            (Some(_), _) => {
                let message = "This `cursor` is of one branch; name it by `branch_id`.";
                return Err(ApiError::new(ErrorCode::BadCursor, message));
            }
            (None, Some(RoomStart::Time(time))) => ClientStart::Time(time),
            // In another branch, a stamp only has its time as a meaning.
            (None, Some(RoomStart::Stamp(stamp))) => ClientStart::Time(stamp.time()),
            (None, _) => ClientStart::Vector(Vector::default()),
        };
        Ok(ClientPull { client, start, window })
    }
}

fn read_cursor(value: &str) -> Result<Cursor, ApiError> {
    let message = "`cursor` must be one that this server gave out, unchanged.";
    value.parse().map_err(|_| ApiError::new(ErrorCode::BadCursor, message))
}

fn read_since(value: &str) -> Result<RoomStart, ApiError> {
    let message = "`since` must be RFC 3339, such as 2025-12-07T10:30:00Z, or a stamp of this server.";
    match parse_digits(value) {
        Some(stamp) => Ok(RoomStart::Stamp(stamp)),
        None => Timestamp::parse(value)
            .map(RoomStart::Time)
            .map_err(|_| ApiError::new(ErrorCode::BadSince, message)),
    }
}

fn read_limit(value: &str) -> Result<usize, ApiError> {
    let limit = value.parse().ok().filter(|limit| (1..=PULL_LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| {
        ApiError::new(ErrorCode::BadLimit, format!("`limit` must be a number from 1 to {PULL_LIMIT_MAX}."))
    })
}

fn read_tables(tables: &Tables, role: Role, value: &str) -> Result<BTreeSet<String>, ApiError> {
    let refused = |code, what: String| Err(ApiError::new(code, what));
    let names = value.split(',').map(|name| match (tables.contains(name), tables.may_read(name, role)) {
        (true, true) => Ok(name.to_owned()),
        (true, false) => refused(
            ErrorCode::TableForbidden,
            format!("`tables` names {name:?}, which your role may not read."),
        ),
        (false, _) => {
            refused(ErrorCode::UnknownTable, format!("`tables` names {name:?}, which is not synced."))
        }
    });
    names.collect()
}
