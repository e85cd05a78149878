//! One row of the table of endpoints, and how it is written.

use super::Endpoint;
use super::function::Function;
use super::parameter::Parameter;
use super::wire_type::{Described, WireType};
use crate::error::ErrorCode;
use crate::role::Role;

/// One endpoint.
#[derive(Debug)]
pub struct EndpointSpec {
    /// Which endpoint it is.
    pub endpoint: Endpoint,
    /// The HTTP method, in capitals.
    pub method: &'static str,
    /// The path; `{name}` stands for a parameter of one segment.
    pub path: &'static str,
    /// The name in the OpenAPI document and between edge and function: verbNoun.
    pub operation_id: &'static str,
    /// One sentence for the OpenAPI document.
    pub summary: &'static str,
    /// The function that answers; `None` for the edge itself.
    pub function: Option<Function>,
    /// Who may ask.
    pub access: Access,
    /// The rate limit that the request counts against.
    pub limit: LimitScope,
    /// Path and query parameters.
    pub parameters: &'static [Parameter],
    /// The request body.
    pub request: Option<RequestBody>,
    /// The response body of success; `None` for 204.
    pub response: Option<WireType>,
    /// The frames of a WebSocket, from the client and from the server; success is 101 then.
    pub frames: Option<(WireType, WireType)>,
    /// Whether the response is a stream of events, each of which has the type of the response.
    pub streams: bool,
    /// Error codes beside those that follow from the rest of the row.
    pub errors: &'static [ErrorCode],
    /// The `details` of some error codes.
    pub details: &'static [(ErrorCode, WireType)],
    /// Whether the body may name a branch.
    pub of_branch: bool,
    /// Whether a response from the function may carry a publication for the room.
    pub publishes: bool,
    /// Whether responses carry `Tillsync-Cost`.
    pub counts_cost: bool,
    /// Whether responses carry `Tillsync-Cache`.
    pub cached: bool,
    /// Whether the response has an `ETag` and may be 304.
    pub revalidates: bool,
    /// Commands that a request sends to Redis after its session and its limits were checked; of a cached
    /// read, those that find the entry. What streams and schedules send later is not counted.
    pub redis_commands: usize,
    /// Commands that follow at most, for each record of the response, if the cache has no entry that is good.
    pub redis_commands_of_a_miss: usize,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every caller.
    Public,
    /// Every caller with an access token.
    Token,
    /// Callers whose token has at least this role.
    Role(Role),
    /// Our own functions, which sign the request (HMAC).
    Signature,
}

/// The rate limit that a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitScope {
    /// No limit.
    None,
    /// A ceiling for the sync requests of one client. Users and devices have none: a till that returns brings
    /// a day's sales.
    Client,
    /// Requests of one user.
    User,
    /// Requests from one address.
    Address,
    /// Sign-ins by one name, and from one address.
    SignIn,
}

/// A request body.
#[derive(Clone, Copy, Debug)]
pub struct RequestBody {
    /// Its type.
    pub wire_type: WireType,
    /// Whether it may be absent.
    pub optional: bool,
}

pub(super) const fn get(
    endpoint: Endpoint,
    path: &'static str,
    operation_id: &'static str,
    summary: &'static str,
) -> EndpointSpec {
    EndpointSpec {
        endpoint,
        method: "GET",
        path,
        operation_id,
        summary,
        function: None,
        access: Access::Token,
        limit: LimitScope::User,
        parameters: &[],
        request: None,
        response: None,
        frames: None,
        streams: false,
        errors: &[],
        details: &[],
        of_branch: false,
        publishes: false,
        counts_cost: false,
        cached: false,
        revalidates: false,
        redis_commands: 0,
        redis_commands_of_a_miss: 0,
    }
}

pub(super) const fn post(
    endpoint: Endpoint,
    path: &'static str,
    operation_id: &'static str,
    summary: &'static str,
) -> EndpointSpec {
    EndpointSpec { method: "POST", ..get(endpoint, path, operation_id, summary) }
}

pub(super) const fn put(
    endpoint: Endpoint,
    path: &'static str,
    operation_id: &'static str,
    summary: &'static str,
) -> EndpointSpec {
    EndpointSpec { method: "PUT", ..get(endpoint, path, operation_id, summary) }
}

pub(super) const fn delete(
    endpoint: Endpoint,
    path: &'static str,
    operation_id: &'static str,
    summary: &'static str,
) -> EndpointSpec {
    EndpointSpec { method: "DELETE", ..get(endpoint, path, operation_id, summary) }
}

/// Errors of every endpoint that takes a branch.
const BRANCH_CODES: [ErrorCode; 3] =
    [ErrorCode::BranchRequired, ErrorCode::BranchForbidden, ErrorCode::BranchNotFound];

impl EndpointSpec {
    pub(super) const fn function(self, function: Function) -> EndpointSpec {
        EndpointSpec { function: Some(function), ..self }
    }

    /// Needs no token.
    pub(super) const fn public(self, limit: LimitScope) -> EndpointSpec {
        EndpointSpec { access: Access::Public, limit, ..self }
    }

    pub(super) const fn role(self, role: Role) -> EndpointSpec {
        EndpointSpec { access: Access::Role(role), ..self }
    }

    /// For our own functions.
    pub(super) const fn signed(self) -> EndpointSpec {
        EndpointSpec { access: Access::Signature, limit: LimitScope::None, ..self }
    }

    pub(super) const fn sync(self) -> EndpointSpec {
        EndpointSpec { limit: LimitScope::Client, ..self }
    }

    pub(super) const fn parameters(self, parameters: &'static [Parameter]) -> EndpointSpec {
        EndpointSpec { parameters, ..self }
    }

    pub(super) const fn request<T: Described>(self) -> EndpointSpec {
        EndpointSpec {
            request: Some(RequestBody { wire_type: WireType::of::<T>(), optional: false }),
            ..self
        }
    }

    pub(super) const fn optional_request<T: Described>(self) -> EndpointSpec {
        EndpointSpec { request: Some(RequestBody { wire_type: WireType::of::<T>(), optional: true }), ..self }
    }

    pub(super) const fn response<T: Described>(self) -> EndpointSpec {
        EndpointSpec { response: Some(WireType::of::<T>()), ..self }
    }

    pub(super) const fn frames<C: Described, S: Described>(self) -> EndpointSpec {
        EndpointSpec { frames: Some((WireType::of::<C>(), WireType::of::<S>())), ..self }
    }

    pub(super) const fn events<T: Described>(self) -> EndpointSpec {
        EndpointSpec { response: Some(WireType::of::<T>()), streams: true, ..self }
    }

    pub(super) const fn errors(self, errors: &'static [ErrorCode]) -> EndpointSpec {
        EndpointSpec { errors, ..self }
    }

    pub(super) const fn details(self, details: &'static [(ErrorCode, WireType)]) -> EndpointSpec {
        EndpointSpec { details, ..self }
    }

    pub(super) const fn of_branch(self) -> EndpointSpec {
        EndpointSpec { of_branch: true, ..self }
    }

    /// A commit beside the response; commits count their cost.
    pub(super) const fn publishes(self) -> EndpointSpec {
        EndpointSpec { publishes: true, counts_cost: true, ..self }
    }

    pub(super) const fn counts_cost(self) -> EndpointSpec {
        EndpointSpec { counts_cost: true, ..self }
    }

    pub(super) const fn cached(self) -> EndpointSpec {
        EndpointSpec { cached: true, ..self }
    }

    pub(super) const fn revalidates(self) -> EndpointSpec {
        EndpointSpec { revalidates: true, ..self }
    }

    /// Sends that many commands to Redis, and `of_a_miss` more if a cache has no entry.
    pub(super) const fn redis(self, commands: usize, of_a_miss: usize) -> EndpointSpec {
        EndpointSpec { redis_commands: commands, redis_commands_of_a_miss: of_a_miss, ..self }
    }

    /// Whether the parameter `name` is in the path.
    pub fn is_in_path(&self, name: &str) -> bool {
        self.path
            .split('/')
            .any(|segment| segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) == Some(name))
    }

    /// Whether every response tells what is left of a rate limit. A ceiling is told only when it is exceeded.
    pub fn shows_limit(&self) -> bool {
        !matches!(self.limit, LimitScope::None | LimitScope::Client)
    }

    /// Whether a caller needs an access token.
    pub fn needs_token(&self) -> bool {
        matches!(self.access, Access::Token | Access::Role(_))
    }

    /// Every error code that the endpoint may answer with.
    pub fn error_codes(&self) -> Vec<ErrorCode> {
        let named = |name: &str| self.parameters.iter().any(|parameter| parameter.name == name);
        let mut codes = vec![ErrorCode::BadRequest, ErrorCode::Internal, ErrorCode::Unavailable];
        let mut add = |condition: bool, more: &[ErrorCode]| codes.extend(if condition { more } else { &[] });
        let token = [
            ErrorCode::TokenMissing,
            ErrorCode::TokenInvalid,
            ErrorCode::TokenExpired,
            ErrorCode::SessionRevoked,
        ];
        add(self.needs_token(), &token);
        add(matches!(self.access, Access::Role(_)), &[ErrorCode::ForbiddenRole]);
        let body = [ErrorCode::BadJson, ErrorCode::BodyTooLarge, ErrorCode::BodyIncomplete];
        add(self.request.is_some(), &body);
        add(self.limit != LimitScope::None, &[ErrorCode::RateLimited]);
        add(self.of_branch || named("branch_id"), &BRANCH_CODES);
        add(self.function.is_some() || self.streams || self.request.is_some(), &[ErrorCode::Busy]);
        add(named("cursor"), &[ErrorCode::BadCursor]);
        add(named("limit"), &[ErrorCode::BadLimit]);
        add(named("min"), &[ErrorCode::BadMin]);
        add(true, self.errors);
        codes
    }
}
