//! Listening, and what the door says of itself.

use protocol::error::ErrorCode;
use protocol::wire::health::Ready;
use protocol::wire::socket::{ClientFrame, ServerFrame};
use serde_json::{Value, json};

use super::super::operation::Operation;
use super::super::schemas::{Schemas, answer, object, request};
use super::parameters;

pub(super) fn operations() -> [Operation; 4] {
    let get = |path, name, summary| Operation {
        method: "GET",
        path,
        name,
        summary,
        token: false,
        answers: vec![(200, Some(object))],
        codes: &[],
        ..Operation::default()
    };
    [
        Operation {
            token: true,
            parameters: parameters::SOCKET,
            answers: vec![(101, None)],
            codes: &[
                ErrorCode::BranchRequired,
                ErrorCode::DeviceMismatch,
                ErrorCode::UpgradeRequired,
                ErrorCode::RoomFull,
            ],
            frames: &[("x-client-frame", request::<ClientFrame>), ("x-server-frame", answer::<ServerFrame>)],
            ..get("/ws", "listen", "Opens a WebSocket; see `x-client-frame` and `x-server-frame`.")
        },
        Operation {
            answers: vec![(200, Some(object)), (304, None)],
            ..get("/api/openapi.json", "openapi", "This document.")
        },
        Operation {
            answers: vec![(200, Some(health))],
            ..get("/healthz", "health", "Whether the edge is well.")
        },
        Operation {
            answers: vec![(200, Some(answer::<Ready>))],
            ..get("/readyz", "ready", "How well the edge is, and what it stands on.")
        },
    ]
}

fn health(_: &mut Schemas) -> Value {
    json!({ "type": "object", "properties": { "status": { "const": "ok" } }, "required": ["status"] })
}
