//! The wire as an OpenAPI 3.1 document, made from the types that are sent: what `edge/openapi.json` holds, and what
//! answers are held against.

pub mod check;
mod operation;
mod operations;
mod schemas;
mod strict;

use serde_json::{Map, Value, json};

use operation::Operation;
use schemas::Schemas;

/// Where the document is kept, from the top of the project.
pub const PATH: &str = "edge/openapi.json";

const ABOUT: &str = "Offline-first sync for points of sale. What a client may rely on beyond these shapes is in \
                     PROTOCOL.md. New members, error codes, and new values of `x-extensible-enum` may appear at any \
                     time; skip what you do not know.";

/// The document as clients get it: open to what a newer server may add.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let paths = paths(&operations::all(), &mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "tillsync", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "paths": paths,
        "components": {
            "schemas": strict::open(schemas.finish()),
            "headers": headers(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

/// The document as text, to the letter as it is kept.
pub fn text() -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    serde::Serialize::serialize(&document(), &mut serializer)?;
    bytes.push(b'\n');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn paths(operations: &[Operation], schemas: &mut Schemas) -> Value {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(operation.method.to_lowercase(), operation.describe(schemas));
        }
    }
    Value::Object(paths)
}

fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    json!({
        "X-Request-Id": header("Names the request in our logs.", json!({ "type": "string" })),
        "Tillsync-Cost": header(
            "What the answer cost at DynamoDB: requests, and write and read capacity units.",
            json!({ "type": "string", "pattern": operation::COST }),
        ),
        "Tillsync-Cache": header(
            "Where the answer was found.",
            json!({ "type": "string", "x-extensible-enum": ["fresh", "stale", "loaded", "shared", "memory"] }),
        ),
        "Retry-After": header("Seconds after which to come back.", json!({ "type": "integer" })),
        "RateLimit-Limit": header("Requests in a window of the tightest limit.", json!({ "type": "integer" })),
        "RateLimit-Remaining": header("Requests that are left of it now.", json!({ "type": "integer" })),
        "RateLimit-Reset": header("Seconds until one more is.", json!({ "type": "integer" })),
        "RateLimit-Policy": header(
            "Every limit: `q` requests in `w` seconds (draft-ietf-httpapi-ratelimit-headers).",
            json!({ "type": "string" }),
        ),
        "RateLimit": header(
            "Where the caller stands with each: `r` requests are left, and no more within `t` seconds.",
            json!({ "type": "string" }),
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use protocol::error::ErrorCode;

    #[test]
    fn the_document_that_is_served_is_the_one_of_the_types() {
        let kept = include_str!("../../edge/openapi.json");
        assert!(kept == text().unwrap(), "edge/openapi.json is out of date: run `cargo xtask openapi`");
    }

    #[test]
    fn it_is_about_every_code_that_a_request_may_end_with() {
        let told: BTreeSet<&str> =
            operations::all().iter().flat_map(Operation::codes).map(ErrorCode::as_str).collect();
        // An address that there is not, a call that no client makes, and a word of the WebSocket's frames.
        let elsewhere = [
            ErrorCode::NotFound,
            ErrorCode::MethodNotAllowed,
            ErrorCode::BadSignature,
            ErrorCode::RoomForbidden,
        ];
        for code in ErrorCode::ALL {
            assert_ne!(told.contains(code.as_str()), elsewhere.contains(&code), "{}", code.as_str());
        }
    }

    #[test]
    fn it_refers_to_nothing_that_it_lacks_and_has_nothing_unused() {
        let document = document();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for name in schemas.keys() {
            assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is not used");
        }
        for rest in text.split("#/components/schemas/").skip(1) {
            let name = rest.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} is not there");
        }
    }
}
