//! JSON Schemas of what is text or a number in Rust and more than that on the wire.
//!
//! Compiled only for those who describe the wire (feature `schema`); neither the worker nor a function is.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::error::ErrorCode;
use crate::ids::{Id, IdKind};
use crate::json::JsonText;
use crate::stamp::Stamp;
use crate::timestamp::Timestamp;
use crate::wire::outcome::{ConflictReason, Flag, RejectionCode};

/// A time as the server writes it.
pub struct Time;

/// A place from which a pull goes on.
pub struct Cursor;

/// Any JSON value.
pub struct Any;

/// Any JSON object.
pub struct Details;

/// Out of what a page of a pull comes.
pub struct Modes;

/// Why the server's copy stays.
pub struct Reasons;

/// What is to be known of a record that was applied.
pub struct Flags;

/// Why a record is rejected.
pub struct RecordCodes;

/// Why a request is refused.
pub struct Codes;

/// Implements the schema of a type of this name: inside others, or under its name where it is long.
macro_rules! schema {
    ($type:ty, $name:literal, $inline:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                $inline
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

schema!(
    Time,
    "Time",
    false,
    json_schema!({
        "type": "string",
        "description": "RFC 3339 with six digits and `Z`.",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
    })
);
schema!(
    Cursor,
    "Cursor",
    false,
    json_schema!({ "type": "string", "description": "Opaque. Use it unchanged.", "minLength": 1 })
);
schema!(
    Stamp,
    "Stamp",
    false,
    json_schema!({
        "type": "integer",
        "description": "Microseconds since the epoch, strictly increasing per room.",
        "minimum": 0,
        "maximum": Timestamp::MAX.0,
    })
);
// What is in a record is its shop's own business.
schema!(JsonText, "Data", true, json_schema!({ "type": ["object", "null"] }));
schema!(Details, "Details", true, json_schema!({ "type": "object" }));
schema!(Any, "Any", true, json_schema!({}));
schema!(Modes, "Mode", true, one_of(["changes", "snapshot"].into_iter()));
schema!(Reasons, "ConflictReason", true, one_of(ConflictReason::ALL.iter().map(|it| it.as_str())));
schema!(Flags, "Flag", true, one_of(Flag::ALL.iter().map(|it| it.as_str())));
schema!(RecordCodes, "RecordCode", false, one_of(RejectionCode::ALL.iter().map(|it| it.as_str())));
schema!(Codes, "ErrorCode", false, one_of(ErrorCode::ALL.iter().map(|it| it.as_str())));

fn one_of(words: impl Iterator<Item = &'static str>) -> Schema {
    json_schema!({ "type": "string", "enum": words.map(Value::from).collect::<Vec<_>>() })
}

impl<K: IdKind> JsonSchema for Id<K> {
    fn schema_name() -> Cow<'static, str> {
        K::NAME.into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": K::RULE.bytes_max })
    }
}
