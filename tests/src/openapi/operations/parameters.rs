//! The parameters of the addresses.

use protocol::limits::{
    DEAD_LETTERS_LIMIT_DEFAULT, DEAD_LETTERS_LIMIT_MAX, DEVICE_ID_BYTES_MAX, PULL_LIMIT_DEFAULT,
    PULL_LIMIT_MAX, TENANT_ID_BYTES_MAX,
};
use serde_json::{Value, json};

use super::super::operation::Parameter;

fn text() -> Value {
    json!({ "type": "string" })
}

fn branch_id() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": TENANT_ID_BYTES_MAX })
}

fn device_id() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": DEVICE_ID_BYTES_MAX })
}

fn pull_limit() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": PULL_LIMIT_MAX, "default": PULL_LIMIT_DEFAULT })
}

fn letters_limit() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": DEAD_LETTERS_LIMIT_MAX, "default": DEAD_LETTERS_LIMIT_DEFAULT })
}

const fn query(name: &'static str, description: &'static str, schema: fn() -> Value) -> Parameter {
    Parameter { name, place: "query", description, schema }
}

const fn in_path(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, place: "path", description, schema: text }
}

const BRANCH: Parameter = query("branch_id", "The branch; only a super admin names one.", branch_id);

pub(super) const PULL: &[Parameter] = &[
    query("since", "A time or a stamp, exclusive; from the beginning without it.", text),
    query("cursor", "A continuation; wins over `since`.", text),
    query("tables", "Only these tables, with commas in between.", text),
    query("limit", "Changes in the page.", pull_limit),
    MIN,
    BRANCH,
];

const MIN: Parameter = query("min", "A stamp or cursor that the answer must not be older than.", text);

/// Of what is read by way of the cache.
pub(super) const CACHED: &[Parameter] = &[MIN, BRANCH];

pub(super) const RECORD: &[Parameter] =
    &[in_path("table", "The table."), in_path("record_id", "The record, percent-encoded."), MIN, BRANCH];

const CART_ID: Parameter = in_path("id", "The cart, as the caller named it.");
pub(super) const CART: &[Parameter] = &[CART_ID, BRANCH];
pub(super) const CART_TO_READ: &[Parameter] = &[CART_ID, MIN, BRANCH];

pub(super) const SESSION: &[Parameter] =
    &[in_path("id", "The session; `others` for all but this one, or `all`.")];

pub(super) const DAY: &[Parameter] =
    &[query("day", "A day, in UTC, such as 2025-12-07; today without it.", text)];

pub(super) const LETTERS: &[Parameter] = &[
    query("limit", "Letters in the page.", letters_limit),
    query("cursor", "A continuation.", text),
    BRANCH,
];

pub(super) const LETTER: &[Parameter] = &[in_path("id", "The letter."), BRANCH];

pub(super) const SOCKET: &[Parameter] = &[
    query("token", "The access token, for those who cannot send headers.", text),
    query("device_id", "The device that listens.", device_id),
];
