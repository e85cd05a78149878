//! The values of the parameters of a pull, each parsed by itself.

use std::collections::BTreeSet;

use super::RoomStart;
use crate::tables::Tables;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::PULL_LIMIT_MAX;
use protocol::role::Role;
use protocol::stamp::parse_digits;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::pull::SNAPSHOT;

pub(super) fn read_since(value: &str) -> Result<RoomStart, ApiError> {
    let message = "`since` must be RFC 3339, such as 2025-12-07T10:30:00Z, or a stamp of this server.";
    match parse_digits(value) {
        Some(stamp) => Ok(RoomStart::Position(stamp.into())),
        None => DeviceTime::parse(value)
            .map(|time| RoomStart::Time(time.clamped()))
            .map_err(|_| ApiError::new(ErrorCode::BadSince, message)),
    }
}

/// Whether `mode` asks for a snapshot.
pub(super) fn read_mode(value: &str) -> Result<bool, ApiError> {
    match value {
        SNAPSHOT => Ok(true),
        _ => Err(ApiError::new(ErrorCode::BadRequest, "`mode` must be `snapshot`, or absent.")),
    }
}

pub(super) fn read_limit(value: &str) -> Result<usize, ApiError> {
    let limit = value.parse().ok().filter(|limit| (1..=PULL_LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| {
        ApiError::new(ErrorCode::BadLimit, format!("`limit` must be a number from 1 to {PULL_LIMIT_MAX}."))
    })
}

pub(super) fn read_tables(
    tables: &Tables,
    role: Role,
    parameter: &str,
    value: &str,
) -> Result<BTreeSet<String>, ApiError> {
    let refused = |code, what: String| Err(ApiError::new(code, what));
    let names = value.split(',').map(|name| match (tables.contains(name), tables.may_read(name, role)) {
        (true, true) => Ok(name.to_owned()),
        (true, false) => refused(
            ErrorCode::TableForbidden,
            format!("`{parameter}` names {name:?}, which your role may not read."),
        ),
        (false, _) => {
            refused(ErrorCode::UnknownTable, format!("`{parameter}` names {name:?}, which is not synced."))
        }
    });
    names.collect()
}
