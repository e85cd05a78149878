//! Path and query parameters of the endpoints.

use crate::limits::{
    BRANCHES_LIMIT_DEFAULT, BRANCHES_LIMIT_MAX, DEAD_LETTERS_LIMIT_DEFAULT, DEAD_LETTERS_LIMIT_MAX,
    DEVICE_ID_BYTES_MAX, PULL_LIMIT_DEFAULT, PULL_LIMIT_MAX, TENANT_ID_BYTES_MAX,
};

/// One parameter. It stands in the path if the path's template names it, else in the query.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name, in the path's template or in the query.
    pub name: &'static str,
    /// What it means, for the OpenAPI document.
    pub description: &'static str,
    /// What it may be.
    pub value: Value,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Any text.
    Text,
    /// An id of at most so many bytes.
    Id(usize),
    /// A number from 1.
    Limit {
        /// The largest number.
        max: usize,
        /// The number where the parameter is absent.
        default: usize,
    },
}

const fn text(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, description, value: Value::Text }
}

const fn limit(description: &'static str, max: usize, default: usize) -> Parameter {
    Parameter { name: "limit", description, value: Value::Limit { max, default } }
}

const fn id(name: &'static str, description: &'static str, bytes_max: usize) -> Parameter {
    Parameter { name, description, value: Value::Id(bytes_max) }
}

/// `branch_id`
pub const BRANCH: Parameter = id(
    "branch_id",
    "The branch: the caller's own, or for a super admin any of its client.",
    TENANT_ID_BYTES_MAX,
);
/// `min`
pub const MIN: Parameter = text("min", "A stamp or cursor; the response is at least as new.");
/// `cursor`
pub const CURSOR: Parameter = text("cursor", "The cursor of the previous page.");
/// `since`
pub const SINCE: Parameter =
    text("since", "A time or a stamp, exclusive; `cursor` takes precedence. Absent: from the beginning.");
/// `tables`
pub const TABLES: Parameter =
    text("tables", "Table names separated by commas. Absent: every readable table.");
/// `whole`
pub const WHOLE: Parameter = text(
    "whole",
    "Names of tables, separated by commas, whose windows are lifted: a snapshot has all of them.",
);
/// `mode`
pub const MODE: Parameter = text(
    "mode",
    "`snapshot`: the records as they are, whatever the position; ignored in a snapshot that is not complete.",
);
/// `limit` of a pull.
pub const PULL_LIMIT: Parameter = limit("Changes per page.", PULL_LIMIT_MAX, PULL_LIMIT_DEFAULT);
/// `limit` of dead letters.
pub const LETTERS_LIMIT: Parameter =
    limit("Dead letters per page.", DEAD_LETTERS_LIMIT_MAX, DEAD_LETTERS_LIMIT_DEFAULT);
/// `limit` of branches.
pub const BRANCHES_LIMIT: Parameter = limit("Branches per page.", BRANCHES_LIMIT_MAX, BRANCHES_LIMIT_DEFAULT);
/// `day`
pub const DAY: Parameter = text("day", "A day in UTC, such as 2025-12-07. Absent: today.");
/// `token`
pub const TOKEN: Parameter = text("token", "The access token, for clients that cannot set headers.");
/// `ticket`
pub const TICKET: Parameter = text("ticket", "A ticket, in place of the access token.");
/// `device_id`
pub const DEVICE: Parameter = id("device_id", "The device that listens.", DEVICE_ID_BYTES_MAX);
/// `frames`
pub const FRAMES: Parameter =
    text("frames", "`batch`: the changes of a commit come in one frame. Absent: a frame for each change.");
/// `own`
pub const OWN: Parameter =
    text("own", "`1`: the device's own changes come too. Absent: only those of other devices.");
/// `{table}`
pub const TABLE: Parameter = text("table", "The table.");
/// `{record_id}`
pub const RECORD: Parameter = text("record_id", "The record's id, percent-encoded.");
/// `{id}` of a cart.
pub const CART: Parameter = text("id", "The cart's id, chosen by the client.");
/// `{device_id}` of a device.
pub const DEVICE_NAME: Parameter = text("device_id", "The device's id, percent-encoded.");
/// `{id}` of a session.
pub const SESSION: Parameter = text("id", "A session's id, `others` for all but the current one, or `all`.");
/// `{id}` of a dead letter.
pub const DEAD_LETTER: Parameter = text("id", "The dead letter's id.");
