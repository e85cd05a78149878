//! Checks real requests and responses against the document. Clients accept unknown members; our own responses
//! must not have any, so the document stays complete.

use jsonschema::{ValidationError, Validator};
use protocol::endpoints::route::{NoRoute, Route};
use protocol::endpoints::spec::EndpointSpec;
use protocol::endpoints::wire_type::WireType;
use protocol::error::ErrorCode;
use protocol::wire::socket::ServerFrame;
use protocol::wire::{CACHE_HEADER, COST_HEADER, REQUEST_ID_HEADER};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::operation::{ERROR, RATE_LIMIT_HEADERS, describe, details, successes};
use super::public_endpoints;
use super::schemas::{self, Schemas};
use crate::api::{Reply, Units};

/// Headers of every response, for browsers.
const SECURITY_HEADERS: [(&str, &str); 3] = [
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// The prefix of paths that no client uses.
const INTERNAL: &str = "/internal/";

/// Validators for every request and response.
pub struct Checker {
    endpoints: Vec<EndpointValidators>,
    error: Validator,
    frame: Validator,
}

struct EndpointValidators {
    spec: &'static EndpointSpec,
    request: Option<Validator>,
    /// Per status of success, for its body if it has one.
    successes: Vec<(u16, Option<Validator>)>,
    /// Per error code with `details`.
    details: Vec<(ErrorCode, Validator)>,
}

/// Compiles `schema`, which refers to `components`.
fn compile(mut schema: Value, components: &Value) -> Result<Validator, Box<ValidationError<'static>>> {
    if let Some(members) = schema.as_object_mut() {
        members.insert("components".into(), json!({ "schemas": components }));
    }
    jsonschema::options().build(&schema).map_err(Box::new)
}

/// A request or response that the document does not describe.
#[derive(Debug, thiserror::Error)]
#[error("failed to match {exchange} against the document: {why}")]
pub struct Mismatch {
    exchange: String,
    why: String,
}

impl Checker {
    /// Compiles every schema, once for all checks.
    pub fn new() -> Result<Checker, Box<ValidationError<'static>>> {
        let mut schemas = Schemas::default();
        // The endpoints refer to every type.
        public_endpoints().for_each(|spec| drop(describe(spec, &mut schemas)));
        let (requests, responses) = schemas::close(schemas.finish());
        let mut response = |wire_type| compile(schemas.response(wire_type), &responses);
        let (error, frame) = (response(ERROR)?, response(WireType::of::<ServerFrame>())?);
        let mut endpoints = Vec::new();
        for spec in public_endpoints() {
            let mut response = |wire_type| compile(schemas.response(wire_type), &responses);
            let success =
                |(status, body): (u16, Option<WireType>)| Ok((status, body.map(&mut response).transpose()?));
            let successes = successes(spec).into_iter().map(success).collect::<Result<_, Box<_>>>()?;
            let detail = |(code, body)| Ok((code, response(body)?));
            let details = details(spec).into_iter().map(detail).collect::<Result<_, Box<_>>>()?;
            let request =
                spec.request.map(|body| compile(schemas.request(body.wire_type), &requests)).transpose()?;
            endpoints.push(EndpointValidators { spec, request, successes, details });
        }
        Ok(Checker { endpoints, error, frame })
    }

    /// Whether the document describes `reply` as a response to `method` and `path`.
    pub fn check(&self, method: &str, path: &str, reply: &Reply) -> Result<(), Mismatch> {
        let described =
            || if path.starts_with(INTERNAL) { Ok(()) } else { self.check_response(method, path, reply) };
        check_security_headers(&reply.headers).and_then(|()| described()).map_err(|why| Mismatch {
            exchange: format!("{method} {path}"),
            why: format!("{why} in {} {}", reply.status, reply.body),
        })
    }

    /// Whether the document describes `body` as a request to `method` and `path`.
    pub fn check_request(&self, method: &str, path: &str, body: &str) -> Result<(), Mismatch> {
        let endpoint = Route::find(method, path).ok().and_then(|route| self.of(&route));
        let schema = endpoint.and_then(|endpoint| endpoint.request.as_ref());
        let mismatch =
            |why| Mismatch { exchange: format!("{method} {path}"), why: format!("{why} in {body}") };
        schema.map_or_else(|| Err("it has no body".to_owned()), |schema| fits(schema, body)).map_err(mismatch)
    }

    /// Whether the document describes `frame`.
    pub fn check_frame(&self, frame: &str) -> Result<(), Mismatch> {
        let mismatch =
            |why| Mismatch { exchange: "a socket's frame".into(), why: format!("{why} in {frame}") };
        fits(&self.frame, frame).map_err(mismatch)
    }

    fn of(&self, route: &Route) -> Option<&EndpointValidators> {
        self.endpoints.iter().find(|known| known.spec.endpoint == route.endpoint)
    }

    fn check_response(&self, method: &str, path: &str, reply: &Reply) -> Result<(), String> {
        let id = reply.header(REQUEST_ID_HEADER).ok_or("x-request-id is missing")?;
        let route = Route::find(method, path);
        let known = route.as_ref().ok().and_then(|route| self.of(route));
        let status = reply.status.as_u16();
        let success = known.and_then(|known| {
            known.successes.iter().find(|(success, _)| *success == status).map(|(_, body)| (known, body))
        });
        if let Some((known, body)) = success {
            check_headers(known.spec, reply)?;
            return match body {
                Some(body) => fits(body, &reply.body),
                None if reply.body.is_empty() => Ok(()),
                None => Err("the body should be empty".into()),
            };
        }
        if method == "HEAD" {
            return Ok(());
        }
        fits(&self.error, &reply.body)?;
        let error: Value = serde_json::from_str(&reply.body).map_err(|error| error.to_string())?;
        if error.pointer("/error/request_id").and_then(Value::as_str) != Some(id) {
            return Err("request_id is not x-request-id".into());
        }
        if matches!(status, 429 | 503) != reply.header("retry-after").is_some() {
            return Err("retry-after does not go with the status".into());
        }
        let code = reply.code().unwrap_or_default();
        let expected = match (known, &route) {
            (Some(known), _) => known
                .spec
                .error_codes()
                .iter()
                .any(|known| (known.as_str(), known.status()) == (code.as_str(), status)),
            (None, Err(NoRoute::MethodNotAllowed(_))) => {
                (code.as_str(), status) == ("method_not_allowed", 405)
            }
            (None, _) => (code.as_str(), status) == ("not_found", 404),
        };
        let details = known.and_then(|known| known.details.iter().find(|(with, _)| with.as_str() == code));
        if let Some((_, details)) = details {
            fits(details, &error.pointer("/error/details").unwrap_or_default().to_string())?;
        }
        if expected { Ok(()) } else { Err(format!("{code} with {status} is not among its errors")) }
    }
}

/// Whether `headers` have the headers of every response.
pub fn check_security_headers(headers: &HeaderMap) -> Result<(), String> {
    let is_wrong = |(name, value): &&(&str, &str)| headers.get(*name).is_none_or(|sent| sent != value);
    SECURITY_HEADERS.iter().find(is_wrong).map_or(Ok(()), |(name, _)| Err(format!("{name} is missing")))
}

/// Whether a response of success has the headers of its endpoint.
fn check_headers(spec: &EndpointSpec, reply: &Reply) -> Result<(), String> {
    // A response from the cache may have cost nothing, and names its source then, unless it has no body.
    let source = reply.header(CACHE_HEADER);
    let cost = reply.header(COST_HEADER).map(|cost| Units::parse(cost).requests);
    let counted = cost.is_some_and(|requests| requests > 0 || source.is_some() || reply.status == 204);
    if spec.counts_cost && !counted {
        return Err("tillsync-cost is missing".into());
    }
    if !spec.counts_cost && cost.is_some() {
        return Err("tillsync-cost is there, but its endpoint counts no cost".into());
    }
    if source.is_some() != (spec.cached && matches!(reply.status.as_u16(), 200 | 304)) {
        return Err("tillsync-cache does not go with the endpoint".into());
    }
    if spec.revalidates && reply.header("etag").is_none() {
        return Err("etag is missing".into());
    }
    let is_missing = |name: &&str| reply.header(&name.to_lowercase()).is_none();
    if spec.shows_limit() && RATE_LIMIT_HEADERS.iter().any(is_missing) {
        return Err("a rate limit header is missing".into());
    }
    Ok(())
}

fn fits(schema: &Validator, body: &str) -> Result<(), String> {
    let body: Value = serde_json::from_str(body).map_err(|error| format!("{error}"))?;
    let wrong: Vec<String> =
        schema.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

#[cfg(test)]
mod tests;
