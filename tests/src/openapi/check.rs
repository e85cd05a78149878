//! Holds real answers against the document. Clients must take answers as open; ours may have nothing in them that the
//! document does not name, so that it stays complete.

use jsonschema::{ValidationError, Validator};
use protocol::error::ErrorCode;
use protocol::wire::error_response::ErrorResponse;
use protocol::wire::socket::ServerFrame;
use protocol::wire::{CACHE_HEADER, COST_HEADER, REQUEST_ID_HEADER};
use serde_json::{Value, json};

use super::operation::{LIMITED, Operation};
use super::schemas::{Schemas, answer};
use super::{operations, strict};
use crate::api::{Reply, Units};

/// Addresses that no client uses.
const INTERNAL: &str = "/internal/";

/// Knows how every answer must look.
pub struct Checker {
    operations: Vec<Known>,
    failure: Validator,
    frame: Validator,
}

struct Known {
    operation: Operation,
    /// What a client sends, if that is anything.
    request: Option<Validator>,
    /// One for each of the operation's answers that has a body.
    bodies: Vec<(u16, Option<Validator>)>,
    /// One for each code that has `details`.
    details: Vec<(ErrorCode, Validator)>,
}

/// An operation's shapes, before all that they refer to is gathered.
struct Shapes {
    operation: Operation,
    request: Option<Value>,
    bodies: Vec<(u16, Option<Value>)>,
    details: Vec<(ErrorCode, Value)>,
}

impl Shapes {
    fn of(operation: Operation, schemas: &mut Schemas) -> Shapes {
        let bodies =
            operation.answers.iter().map(|(status, shape)| (*status, shape.map(|shape| shape(schemas))));
        let bodies = bodies.collect();
        let details = operation.details().into_iter().map(|(code, shape)| (code, shape(schemas))).collect();
        let request = operation.body.map(|body| (body.shape)(schemas));
        Shapes { operation, request, bodies, details }
    }

    fn compile(self, (requests, answers): (&Value, &Value)) -> Result<Known, Box<ValidationError<'static>>> {
        let request = self.request.map(|shape| compile(&shape, requests)).transpose()?;
        let mut known = Known { operation: self.operation, request, bodies: Vec::new(), details: Vec::new() };
        for (status, shape) in self.bodies {
            known.bodies.push((status, shape.map(|shape| compile(&shape, answers)).transpose()?));
        }
        for (code, shape) in self.details {
            known.details.push((code, compile(&shape, answers)?));
        }
        Ok(known)
    }
}

/// Compiles `shape`, which refers to `parts`.
fn compile(shape: &Value, parts: &Value) -> Result<Validator, Box<ValidationError<'static>>> {
    let mut schema = shape.clone();
    if let Some(members) = schema.as_object_mut() {
        members.insert("components".into(), json!({ "schemas": parts }));
    }
    jsonschema::options().build(&schema).map_err(Box::new)
}

/// What is wrong with an answer, or with a request of our own.
#[derive(Debug, thiserror::Error)]
#[error("failed to recognise what goes over the wire at {asked}: {why}")]
pub struct WrongAnswer {
    asked: String,
    why: String,
}

impl Checker {
    /// Compiles every shape, once for all answers.
    pub fn new() -> Result<Checker, Box<ValidationError<'static>>> {
        let mut schemas = Schemas::default();
        let failure = answer::<ErrorResponse<'_>>(&mut schemas);
        let frame = answer::<ServerFrame>(&mut schemas);
        let shapes: Vec<Shapes> =
            operations::all().into_iter().map(|operation| Shapes::of(operation, &mut schemas)).collect();
        let (requests, answers) = strict::close(schemas.finish());
        let operations = shapes
            .into_iter()
            .map(|shapes| shapes.compile((&requests, &answers)))
            .collect::<Result<_, _>>()?;
        Ok(Checker { failure: compile(&failure, &answers)?, frame: compile(&frame, &answers)?, operations })
    }

    /// Whether `reply` is an answer to `method` and `path` that the document describes.
    pub fn check(&self, method: &str, path: &str, reply: &Reply) -> Result<(), WrongAnswer> {
        if path.starts_with(INTERNAL) {
            return Ok(());
        }
        self.what_is_wrong(method, path, reply).map_err(|why| WrongAnswer {
            asked: format!("{method} {path}"),
            why: format!("{why} in {} {}", reply.status, reply.body),
        })
    }

    /// Whether `body` is a request to `method` and `path` that the document describes.
    pub fn check_request(&self, method: &str, path: &str, body: &str) -> Result<(), WrongAnswer> {
        let is_it = |known: &&Known| known.operation.method == method && matches(known.operation.path, path);
        let shape = self.operations.iter().find(is_it).and_then(|known| known.request.as_ref());
        let wrong = |why| WrongAnswer { asked: format!("{method} {path}"), why: format!("{why} in {body}") };
        shape
            .map_or_else(|| Err("nothing is sent there".to_owned()), |shape| fits(shape, body))
            .map_err(wrong)
    }

    /// Whether `frame` is one that the document describes.
    pub fn check_frame(&self, frame: &str) -> Result<(), WrongAnswer> {
        let wrong = |why| WrongAnswer { asked: "a socket".into(), why: format!("{why} in {frame}") };
        fits(&self.frame, frame).map_err(wrong)
    }

    fn what_is_wrong(&self, method: &str, path: &str, reply: &Reply) -> Result<(), String> {
        let id = reply.header(REQUEST_ID_HEADER).ok_or("there is no x-request-id")?;
        let there: Vec<&Known> =
            self.operations.iter().filter(|known| matches(known.operation.path, path)).collect();
        let known = there.iter().find(|known| known.operation.method == method);
        let status = reply.status.as_u16();
        let good = known.and_then(|known| {
            known.bodies.iter().find(|(good, _)| *good == status).map(|good| (known, good))
        });
        if let Some((known, (_, body))) = good {
            headers(&known.operation, reply)?;
            return match body {
                Some(body) => fits(body, &reply.body),
                None if reply.body.is_empty() => Ok(()),
                None => Err("there is a body".into()),
            };
        }
        if method == "HEAD" {
            return Ok(());
        }
        fits(&self.failure, &reply.body)?;
        let error: Value = serde_json::from_str(&reply.body).map_err(|error| error.to_string())?;
        if error.pointer("/error/request_id").and_then(Value::as_str) != Some(id) {
            return Err("request_id is not x-request-id".into());
        }
        if matches!(status, 429 | 503) != reply.header("retry-after").is_some() {
            return Err("retry-after does not go with the status".into());
        }
        let code = reply.code().unwrap_or_default();
        let may = match known {
            Some(known) => known.operation.codes().iter().any(|may| may.wire() == (code.as_str(), status)),
            None if there.is_empty() => (code.as_str(), status) == ("not_found", 404),
            None => (code.as_str(), status) == ("method_not_allowed", 405),
        };
        let shape = known.and_then(|known| known.details.iter().find(|(with, _)| with.as_str() == code));
        if let Some((_, shape)) = shape {
            fits(shape, &error.pointer("/error/details").unwrap_or_default().to_string())?;
        }
        if may { Ok(()) } else { Err(format!("{code} with {status} is none of its errors")) }
    }
}

/// Whether an answer that is no error has the headers it must have.
fn headers(operation: &Operation, reply: &Reply) -> Result<(), String> {
    // From the cache it may have cost nothing; it says where it was found then, if there is anything to say.
    let found = reply.header(CACHE_HEADER);
    let cost = reply.header(COST_HEADER).map(|cost| Units::parse(cost).requests);
    let costs = cost.is_some_and(|requests| requests > 0 || found.is_some() || reply.status == 204);
    if operation.costs && !costs {
        return Err("it does not say what it cost".into());
    }
    if !operation.costs && cost.is_some() {
        return Err("it says what it cost, which nobody counted".into());
    }
    if found.is_some() != (operation.cached && reply.status == 200) {
        return Err("where it was found does not go with the answer".into());
    }
    let lacks = |name: &&str| reply.header(&name.to_lowercase()).is_none();
    if operation.limited() && LIMITED.iter().any(lacks) {
        return Err("it does not say where the caller stands with its limits".into());
    }
    Ok(())
}

fn fits(shape: &Validator, body: &str) -> Result<(), String> {
    let body: Value = serde_json::from_str(body).map_err(|error| format!("{error}"))?;
    let wrong: Vec<String> =
        shape.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Whether `path` is of the pattern `known`, in which `{…}` stands for a segment of unreserved characters (RFC 3986),
/// and of a record's id for any text, percent-encoded.
fn matches(known: &str, path: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let fits = |(known, sent): (&str, &str)| match known {
        "{record_id}" => !sent.is_empty(),
        known if known.starts_with('{') => sent.bytes().all(unreserved),
        known => known == sent,
    };
    known.split('/').count() == path.split('/').count() && known.split('/').zip(path.split('/')).all(fits)
}

#[cfg(test)]
mod tests;
