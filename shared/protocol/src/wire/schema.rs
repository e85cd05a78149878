//! JSON Schemas of texts and numbers that have a stricter form on the wire. Only the feature `schema`
//! compiles them, for the OpenAPI document.

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

/// A position that a pull continues from.
pub struct Cursor;

/// Any JSON value.
pub struct Any;

/// Any JSON object.
pub struct Details;

/// The mode of a page of a pull.
pub struct Modes;

/// The reason of a conflict.
pub struct Reasons;

/// A flag of an applied record.
pub struct Flags;

/// The code of a rejected record.
pub struct RecordCodes;

/// The code of a refused request.
pub struct Codes;

/// Implements the schema of a type: inline, or as a component of its name.
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
// The protocol does not define the members of a record.
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
