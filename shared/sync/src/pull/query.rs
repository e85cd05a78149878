//! What may be asked: of one room, or of all rooms of a client.

use std::collections::BTreeSet;

use crate::cursor::Cursor;
use crate::cursor::vector::Vector;
use crate::cursor::walk::Walk;
use crate::tables::Tables;
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, ClientId, Room};
use protocol::limits::{PULL_LIMIT_DEFAULT, PULL_LIMIT_MAX};
use protocol::role::Role;
use protocol::stamp::{Stamp, parse_cursor, parse_digits};
use protocol::timestamp::Timestamp;

/// A pull that can be answered.
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
    /// The room: the caller's own, or the one that a super admin named.
    pub room: Room,
    /// Where it begins.
    pub since: Since,
    /// A position the answer must not be older than.
    pub min: Stamp,
    /// What of it is wanted.
    pub window: Window,
}

/// A pull of all rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientPull {
    /// The client, from the verified token.
    pub client: ClientId,
    /// Where it begins.
    pub start: Start,
    /// What of it is wanted.
    pub window: Window,
}

/// Where a pull of one room begins; always exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// A continuation: a position this server gave out, so a change's stamp or the beginning.
    Cursor(Stamp),
    /// A stamp the caller chose; not beyond HEAD either, since stamps come from this server.
    Stamp(Stamp),
    /// A time the caller chose, which may well lie beyond the last change.
    Time(Timestamp),
    /// A continuation inside a snapshot.
    Walk(Walk),
}

/// Where a pull of all rooms begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At one time in every room.
    Time(Timestamp),
    /// A continuation.
    Vector(Vector),
}

/// What of a room is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The tables to return: those the caller named, or all that its role may read.
    pub tables: BTreeSet<String>,
    /// Changes in the page, at most.
    pub limit: usize,
}

/// The parameters as they were sent, each read by itself.
#[derive(Default)]
struct Parameters {
    cursor: Option<Cursor>,
    since: Option<Since>,
    tables: Option<BTreeSet<String>>,
    limit: Option<usize>,
    min: Option<Stamp>,
    branch: Option<BranchId>,
}

impl Pull {
    /// Reads the query string's decoded `pairs` for the caller who made `claims`. Names it does not know are left to
    /// newer servers.
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
                "min" => sent.min = Some(read_min(value)?),
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
        // A continuation wins over where the caller once began.
        let since = match self.cursor {
            None => self.since.unwrap_or(Since::Stamp(Stamp::ZERO)),
            Some(Cursor::Position(position)) => Since::Cursor(position),
            Some(Cursor::Walk(walk)) => Since::Walk(walk),
            Some(Cursor::Vector(_)) => {
                let message =
                    "This `cursor` is of all branches; leave `branch_id` out, or pull from the beginning.";
                return Err(ApiError::new(ErrorCode::BadCursor, message));
            }
        };
        Ok(RoomPull { room, since, min: self.min.unwrap_or_default(), window })
    }

    fn of_client(self, client: ClientId, window: Window) -> Result<ClientPull, ApiError> {
        if self.min.is_some() {
            let message = "`min` is a position in one branch; name it by `branch_id`, or leave `min` out.";
            return Err(ApiError::new(ErrorCode::BadMin, message));
        }
        let start = match (self.cursor, self.since) {
            (Some(Cursor::Vector(vector)), _) => Start::Vector(vector),
            (Some(_), _) => {
                let message = "This `cursor` is of one branch; name it by `branch_id`.";
                return Err(ApiError::new(ErrorCode::BadCursor, message));
            }
            (None, Some(Since::Time(time))) => Start::Time(time),
            // A stamp of one branch says nothing in the next but its time.
            (None, Some(Since::Stamp(stamp))) => Start::Time(stamp.time()),
            (None, _) => Start::Vector(Vector::default()),
        };
        Ok(ClientPull { client, start, window })
    }
}

fn read_cursor(value: &str) -> Result<Cursor, ApiError> {
    let message = "`cursor` must be one that this server gave out, unchanged.";
    value.parse().map_err(|_| ApiError::new(ErrorCode::BadCursor, message))
}

fn read_since(value: &str) -> Result<Since, ApiError> {
    let message = "`since` must be RFC 3339, such as 2025-12-07T10:30:00Z, or a stamp of this server.";
    match parse_digits(value) {
        Some(stamp) => Ok(Since::Stamp(stamp)),
        None => {
            Timestamp::parse(value).map(Since::Time).map_err(|_| ApiError::new(ErrorCode::BadSince, message))
        }
    }
}

/// Reads `min`: the caller has seen everything up to there.
pub fn read_min(value: &str) -> Result<Stamp, ApiError> {
    let message = "`min` must be a `cursor` or `stamp` that this server gave out.";
    let stamp = parse_digits(value).or_else(|| parse_cursor(value).ok());
    stamp.ok_or_else(|| ApiError::new(ErrorCode::BadMin, message))
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
