//! The OpenAPI description of one endpoint, from its row in the table of endpoints.

use std::collections::BTreeMap;

use protocol::endpoints::parameter::{Parameter, Value as ParameterValue};
use protocol::endpoints::spec::{EndpointSpec, LimitScope};
use protocol::endpoints::wire_type::WireType;
use protocol::error::ErrorCode;
use protocol::wire::error_response::ErrorResponse;
use protocol::wire::error_response::{RateLimitDetails, TooLargeDetails};
use serde_json::{Map, Value, json};

use super::schemas::Schemas;

/// The pattern of the header `Tillsync-Cost`.
pub(super) const COST: &str = r"^requests=\d+; write=\d+(\.\d)?; read=\d+(\.\d)?$";

/// The headers of a response that counts against a rate limit.
pub(super) const RATE_LIMIT_HEADERS: [&str; 5] =
    ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy", "RateLimit"];

/// The type of every error response.
pub(super) const ERROR: WireType = WireType::of::<ErrorResponse<'static>>();

/// The statuses of success, each with the type of its body.
pub(super) fn successes(spec: &EndpointSpec) -> Vec<(u16, Option<WireType>)> {
    let status = match (spec.frames.is_some(), spec.response.is_some()) {
        (true, _) => 101,
        (false, true) => 200,
        (false, false) => 204,
    };
    let not_modified = spec.revalidates.then_some((304, None));
    [(status, spec.response)].into_iter().chain(not_modified).collect()
}

/// The `details` of error codes: the row's own, and those of a rate limit and of the status 413.
pub(super) fn details(spec: &EndpointSpec) -> Vec<(ErrorCode, WireType)> {
    let rate_limit = (ErrorCode::RateLimited, WireType::of::<RateLimitDetails>());
    let limited = (spec.limit != LimitScope::None).then_some(rate_limit);
    let codes = spec.error_codes().into_iter().filter(|code| code.status() == 413);
    let too_large = codes.map(|code| (code, WireType::of::<TooLargeDetails>()));
    spec.details.iter().copied().chain(limited).chain(too_large).collect()
}

/// The endpoint as OpenAPI describes an operation.
pub(super) fn describe(spec: &EndpointSpec, schemas: &mut Schemas) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), spec.operation_id.into());
    operation.insert("summary".into(), spec.summary.into());
    if spec.needs_token() {
        operation.insert("security".into(), json!([{ "token": [] }]));
    }
    if !spec.parameters.is_empty() {
        let parameters = spec.parameters.iter().map(|known| parameter(spec, known));
        operation.insert("parameters".into(), parameters.collect());
    }
    if let Some(body) = &spec.request {
        let content = content(&schemas.request(body.wire_type));
        operation.insert("requestBody".into(), json!({ "required": !body.optional, "content": content }));
    }
    operation.insert("responses".into(), responses(spec, schemas).into());
    if let Some((client, server)) = spec.frames {
        operation.insert("x-client-frame".into(), schemas.request(client));
        operation.insert("x-server-frame".into(), schemas.response(server));
    }
    operation.into()
}

fn parameter(spec: &EndpointSpec, parameter: &Parameter) -> Value {
    let in_path = spec.is_in_path(parameter.name);
    let schema = match parameter.value {
        ParameterValue::Text => json!({ "type": "string" }),
        ParameterValue::Id(bytes_max) => json!({ "type": "string", "minLength": 1, "maxLength": bytes_max }),
        ParameterValue::Limit { max, default } => {
            json!({ "type": "integer", "minimum": 1, "maximum": max, "default": default })
        }
    };
    json!({
        "name": parameter.name,
        "in": if in_path { "path" } else { "query" },
        "required": in_path,
        "description": parameter.description,
        "schema": schema,
    })
}

fn responses(spec: &EndpointSpec, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, body) in successes(spec) {
        let mut success = Map::new();
        success.insert("description".into(), status_description(status).into());
        success.insert("headers".into(), headers(spec, status));
        if let Some(body) = body {
            let schema = schemas.response(body);
            success.insert("content".into(), if spec.streams { events(&schema) } else { content(&schema) });
        }
        responses.insert(status.to_string(), success.into());
    }
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in spec.error_codes() {
        by_status.entry(code.status()).or_default().push(code.as_str());
    }
    for (status, codes) in by_status {
        let mut error = Map::new();
        error.insert("description".into(), format!("`{}`", codes.join("`, `")).into());
        error.insert("headers".into(), headers(spec, status));
        error.insert("content".into(), content(&schemas.response(ERROR)));
        error.insert("x-codes".into(), codes.into());
        let details = details(spec).into_iter().filter(|(code, _)| code.status() == status);
        let details: Map<String, Value> =
            details.map(|(code, body)| (code.as_str().to_owned(), schemas.response(body))).collect();
        if !details.is_empty() {
            error.insert("x-details".into(), details.into());
        }
        responses.insert(status.to_string(), error.into());
    }
    responses
}

fn headers(spec: &EndpointSpec, status: u16) -> Value {
    let mut names = vec!["X-Request-Id"];
    names.extend((spec.counts_cost && status < 400).then_some("Tillsync-Cost"));
    names.extend(matches!(status, 429 | 503).then_some("Retry-After"));
    names.extend((spec.cached && matches!(status, 200 | 304)).then_some("Tillsync-Cache"));
    names.extend((spec.revalidates && matches!(status, 200 | 304)).then_some("ETag"));
    names.extend((spec.shows_limit()).then_some(RATE_LIMIT_HEADERS).into_iter().flatten());
    let reference = |name: &str| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    names.into_iter().map(reference).collect::<Map<_, _>>().into()
}

fn content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

/// The content of a stream whose events have data of `schema`.
fn events(schema: &Value) -> Value {
    json!({ "text/event-stream": { "schema": { "type": "string" }, "x-event-data": schema } })
}

fn status_description(status: u16) -> &'static str {
    match status {
        101 => "The socket is open.",
        204 => "Success without a body.",
        304 => "The copy with this ETag is current.",
        _ => "Success.",
    }
}
