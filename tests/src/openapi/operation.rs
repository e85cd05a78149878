//! One method of one address.

use std::collections::BTreeMap;

use protocol::error::ErrorCode;
use protocol::wire::error_response::ErrorResponse;
use protocol::wire::rate_limit::RateLimitDetails;
use serde_json::{Map, Value, json};

use super::schemas::{Schemas, Shape, answer};

/// What the header `Tillsync-Cost` looks like.
pub(super) const COST: &str = r"^requests=\d+; write=\d+(\.\d)?; read=\d+(\.\d)?$";

/// What any request may end with.
const ANY: [ErrorCode; 3] = [ErrorCode::BadRequest, ErrorCode::Internal, ErrorCode::Unavailable];
/// What a request with a token may end with, too.
const TOKEN: [ErrorCode; 4] =
    [ErrorCode::TokenMissing, ErrorCode::TokenInvalid, ErrorCode::TokenExpired, ErrorCode::SessionRevoked];
/// What a request with a body may end with, too.
const BODY: [ErrorCode; 2] = [ErrorCode::BadJson, ErrorCode::BodyTooLarge];

/// The headers by which a caller is told where it stands with a limit.
pub(super) const LIMITED: [&str; 5] =
    ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy", "RateLimit"];

/// One method of one address.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Its name in generated clients.
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// Whether it takes an access token.
    pub(super) token: bool,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Body>,
    /// The statuses of answers that are no errors, and their shapes where they have a body.
    pub(super) answers: Vec<(u16, Option<Shape>)>,
    /// What it may be refused with, beside what any request may be.
    pub(super) codes: &'static [ErrorCode],
    /// What is in the `details` of some codes.
    pub(super) details: &'static [(ErrorCode, Shape)],
    /// Whether its answers say what they cost.
    pub(super) costs: bool,
    /// Whether its answers say where they were found.
    pub(super) cached: bool,
    /// What goes on after the answer, where that is not all: OpenAPI has no words for it.
    pub(super) frames: &'static [(&'static str, Shape)],
}

impl Default for Operation {
    /// One that takes a token, nothing else, and has nothing to say.
    fn default() -> Operation {
        Operation {
            method: "GET",
            path: "",
            name: "",
            summary: "",
            token: true,
            parameters: &[],
            body: None,
            answers: Vec::new(),
            codes: &[],
            details: &[],
            costs: false,
            cached: false,
            frames: &[],
        }
    }
}

/// A parameter.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// `path` or `query`.
    pub(super) place: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: fn() -> Value,
}

/// A body.
#[derive(Clone, Copy)]
pub(super) struct Body {
    pub(super) shape: Shape,
    /// Whether it may be left out.
    pub(super) optional: bool,
}

impl Operation {
    /// All codes that it may end with.
    pub(super) fn codes(&self) -> Vec<ErrorCode> {
        let mut codes = ANY.to_vec();
        codes.extend(if self.token { &TOKEN[..] } else { &[] });
        codes.extend(if self.body.is_some() { &BODY[..] } else { &[] });
        codes.extend(self.limited().then_some(ErrorCode::RateLimited));
        codes.extend(self.codes);
        codes
    }

    /// Whether there is a limit to how often a caller may ask. Sync has none, and what is the same for everybody.
    pub(super) fn limited(&self) -> bool {
        let sync = self.path.starts_with("/api/sync/") || self.path == "/ws";
        !sync && (self.token || self.path.starts_with("/api/auth/"))
    }

    /// What is in the `details` of some codes.
    pub(super) fn details(&self) -> Vec<(ErrorCode, Shape)> {
        let limited = self.limited().then_some((ErrorCode::RateLimited, answer::<RateLimitDetails> as Shape));
        self.details.iter().copied().chain(limited).collect()
    }

    /// The operation as OpenAPI has it.
    pub(super) fn describe(&self, schemas: &mut Schemas) -> Value {
        let mut all = Map::new();
        all.insert("operationId".into(), self.name.into());
        all.insert("summary".into(), self.summary.into());
        if self.token {
            all.insert("security".into(), json!([{ "token": [] }]));
        }
        if !self.parameters.is_empty() {
            all.insert("parameters".into(), self.parameters.iter().map(Parameter::describe).collect());
        }
        if let Some(body) = &self.body {
            let schema = (body.shape)(schemas);
            all.insert(
                "requestBody".into(),
                json!({ "required": !body.optional, "content": content(&schema) }),
            );
        }
        all.insert("responses".into(), Value::Object(self.responses(schemas)));
        for (name, shape) in self.frames {
            all.insert((*name).into(), shape(schemas));
        }
        Value::Object(all)
    }

    fn responses(&self, schemas: &mut Schemas) -> Map<String, Value> {
        let mut answers = Map::new();
        for (status, shape) in &self.answers {
            let mut good = json!({ "description": describe(*status), "headers": self.headers(*status) });
            if let (Some(shape), Some(members)) = (shape, good.as_object_mut()) {
                members.insert("content".into(), content(&shape(schemas)));
            }
            answers.insert(status.to_string(), good);
        }
        let failure = answer::<ErrorResponse<'_>>(schemas);
        let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for code in self.codes() {
            by_status.entry(code.status()).or_default().push(code.as_str());
        }
        for (status, codes) in by_status {
            let details = self.details().into_iter().filter(|(code, _)| code.status() == status);
            let details = details.map(|(code, shape)| (code.as_str().to_owned(), shape(schemas)));
            let details: Map<String, Value> = details.collect();
            let mut answer = json!({
                "description": format!("`{}`", codes.join("`, `")),
                "headers": self.headers(status),
                "content": content(&failure),
                "x-codes": codes,
            });
            if let Some(answer) = answer.as_object_mut().filter(|_| !details.is_empty()) {
                answer.insert("x-details".into(), details.into());
            }
            answers.insert(status.to_string(), answer);
        }
        answers
    }

    fn headers(&self, status: u16) -> Value {
        let mut names = vec!["X-Request-Id"];
        names.extend((self.costs && status < 300).then_some("Tillsync-Cost"));
        names.extend(matches!(status, 429 | 503).then_some("Retry-After"));
        names.extend((self.cached && status == 200).then_some("Tillsync-Cache"));
        names.extend(self.limited().then_some(LIMITED).into_iter().flatten());
        let refer = |name: &str| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
        names.into_iter().map(refer).collect::<Map<_, _>>().into()
    }
}

impl Parameter {
    fn describe(&self) -> Value {
        json!({
            "name": self.name,
            "in": self.place,
            "required": self.place == "path",
            "description": self.description,
            "schema": (self.schema)(),
        })
    }
}

fn content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn describe(status: u16) -> &'static str {
    match status {
        101 => "The socket is open.",
        204 => "Done; there is nothing to say.",
        304 => "The copy of that ETag is still good.",
        _ => "Done.",
    }
}
