//! The table of endpoints: the only place that names a method, a path, its function, access, limit and types.
//!
//! The edge routes and guards by it, functions dispatch by it, the local function host finds functions by it,
//! and the OpenAPI document and the tests list it. The edge forwards a request to its function as
//! `/{operation_id}?{path parameters}&{query}`, so a path is matched and its parameters are decoded once.

pub mod function;
pub mod parameter;
pub mod route;
pub mod spec;
pub mod wire_type;

use function::Function;
use parameter::{
    BRANCH, BRANCHES_LIMIT, CART, CURSOR, DAY, DEAD_LETTER, DEVICE, DEVICE_NAME, FRAMES, LETTERS_LIMIT, MIN,
    MODE, OWN, PULL_LIMIT, RECORD, SESSION, SINCE, TABLE, TABLES, TICKET, TOKEN, WHOLE,
};
use spec::{EndpointSpec, LimitScope, delete, get, post, put};
use wire_type::WireType;

use crate::error::ErrorCode::{
    BadCredentials, BadCursor, BadSince, BatchIdReused, BatchTooLarge, BodyTooLarge, BranchRequired,
    CartNotFound, DeadLetterNotFound, DeadLettersFull, DeviceMismatch, GroupDamaged, GroupNeedsBatch,
    OriginForbidden, PayloadCut, RecordNotFound, RecordRejected, RefreshInvalid, RefreshReused,
    ResetRequired, RoomFull, SessionNotFound, TableForbidden, TicketInvalid, TooManyBranches, Unavailable,
    UnknownTable, UpgradeRequired, VersionChanged,
};
use crate::role::Role;
use crate::wire::auth::{LoginRequest, MeResponse, RefreshRequest, SessionResponse};
use crate::wire::branches::BranchesResponse;
use crate::wire::cache::{
    CacheReportResponse, CacheStatsResponse, InvalidateRequest, InvalidateResponse, WarmRequest, WarmResponse,
};
use crate::wire::carts::{CartResponse, PutCartRequest, PutCartResponse};
use crate::wire::dead_letters::{DeadLettersResponse, ReplayRequest};
use crate::wire::device::DeviceResponse;
use crate::wire::health::{HealthResponse, ReadinessResponse};
use crate::wire::outcome::RejectionDetails;
use crate::wire::presence::PresenceResponse;
use crate::wire::pull::PullResponse;
use crate::wire::push::{DeadLettersFullDetails, PushRequest, PushResponse};
use crate::wire::record::{BatchGetRequest, BatchGetResponse, RecordResponse};
use crate::wire::resolve::{ResolveRequest, ResolveResponse, VersionChangedDetails};
use crate::wire::sessions::{EndSessionsResponse, SessionsResponse};
use crate::wire::socket::{ClientFrame, ServerFrame};
use crate::wire::stats::{StatsResponse, TablesResponse};
use crate::wire::ticket::{SocketTicketRequest, SocketTicketResponse};

/// Everything that the edge answers, in the order of [`ENDPOINTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the row of each endpoint describes it")]
pub enum Endpoint {
    LogIn,
    RefreshSession,
    LogOut,
    GetCurrentUser,
    ListSessions,
    EndSessions,
    PushBatch,
    PullChanges,
    ResolveConflict,
    GetSyncStats,
    GetDevice,
    ListBranches,
    ListTables,
    CreateSocketTicket,
    ListDeadLetters,
    ReplayDeadLetter,
    DiscardDeadLetter,
    GetRecord,
    BatchGetRecords,
    GetCart,
    PutCart,
    DeleteCart,
    GetCacheReport,
    GetCacheStats,
    InvalidateCache,
    WarmCache,
    OpenSocket,
    StreamEvents,
    GetPresence,
    GetOpenApiDocument,
    GetHealth,
    GetReadiness,
    PublishChanges,
}

/// One row per endpoint, in the order of PROTOCOL.md. A row takes any access token and counts against its
/// user's limit unless it says otherwise; a row without `function` is answered by the edge itself.
#[rustfmt::skip] // A table reads row by row.
pub static ENDPOINTS: [EndpointSpec; 33] = [
    post(Endpoint::LogIn, "/api/auth/login", "logIn", "Signs in.")
        .function(Function::Auth).public(LimitScope::SignIn).request::<LoginRequest>().response::<SessionResponse>()
        .errors(&[BadCredentials]).redis(2, 0),
    post(Endpoint::RefreshSession, "/api/auth/refresh", "refreshSession", "Renews a session.")
        .function(Function::Auth).public(LimitScope::Address).request::<RefreshRequest>().response::<SessionResponse>()
        .errors(&[RefreshInvalid, RefreshReused]).redis(1, 0),
    post(Endpoint::LogOut, "/api/auth/logout", "logOut", "Ends the session of a refresh token.")
        .function(Function::Auth).public(LimitScope::Address).request::<RefreshRequest>().redis(1, 0),
    get(Endpoint::GetCurrentUser, "/api/auth/me", "getCurrentUser", "Returns the user of the access token.")
        .function(Function::Auth).response::<MeResponse>().cached().revalidates().redis(1, 2),
    get(Endpoint::ListSessions, "/api/sessions", "listSessions", "Lists the sessions of the user.")
        .function(Function::Auth).response::<SessionsResponse>().revalidates().redis(20, 0),
    delete(Endpoint::EndSessions, "/api/sessions/{id}", "endSessions", "Ends one or more sessions.")
        .function(Function::Auth).parameters(&[SESSION]).response::<EndSessionsResponse>()
        .errors(&[SessionNotFound]).redis(1, 0),
    post(Endpoint::PushBatch, "/api/sync/batch-push", "pushBatch", "Pushes a batch of records.")
        .function(Function::BatchPush).sync().request::<PushRequest>().response::<PushResponse>()
        .of_branch().publishes().errors(&[DeviceMismatch, BatchIdReused, BatchTooLarge, DeadLettersFull, GroupNeedsBatch])
        .details(&[(DeadLettersFull, WireType::of::<DeadLettersFullDetails>())]),
    get(Endpoint::PullChanges, "/api/sync/pull-changes", "pullChanges", "Pulls a page of changes.")
        .function(Function::PullChanges).sync()
        .parameters(&[SINCE, CURSOR, MODE, TABLES, WHOLE, PULL_LIMIT, MIN, BRANCH]).response::<PullResponse>()
        .counts_cost().cached().revalidates()
        .errors(&[BadSince, UnknownTable, TooManyBranches, TableForbidden, ResetRequired]),
    post(Endpoint::ResolveConflict, "/api/sync/resolve-conflict", "resolveConflict", "Resolves a conflict.")
        .function(Function::ResolveConflict).sync().request::<ResolveRequest>()
        .response::<ResolveResponse>().of_branch().publishes()
        .errors(&[UnknownTable, TableForbidden, DeviceMismatch, RecordNotFound, BatchIdReused, VersionChanged,
            BatchTooLarge, RecordRejected]).redis(4, 0)
        .details(&[
            (VersionChanged, WireType::of::<VersionChangedDetails>()),
            (RecordRejected, WireType::of::<RejectionDetails>()),
        ]),
    get(Endpoint::GetSyncStats, "/api/sync/stats", "getSyncStats", "Returns the figures of a branch.")
        .function(Function::SyncStats).sync().parameters(&[MIN, BRANCH]).response::<StatsResponse>()
        .counts_cost().cached().revalidates().errors(&[ResetRequired]).redis(1, 2),
    get(Endpoint::GetDevice, "/api/sync/devices/{device_id}", "getDevice",
        "Returns the numbered batches that a branch holds of a device.")
        .function(Function::SyncStats).sync().parameters(&[DEVICE_NAME, BRANCH]).response::<DeviceResponse>()
        .counts_cost().revalidates().errors(&[DeviceMismatch]),
    get(Endpoint::ListBranches, "/api/branches", "listBranches", "Lists branches and their figures.")
        .function(Function::SyncStats).parameters(&[BRANCHES_LIMIT, CURSOR]).response::<BranchesResponse>()
        .counts_cost().revalidates().errors(&[BranchRequired]),
    get(Endpoint::ListTables, "/api/sync/tables", "listTables", "Lists the readable tables and their rules.")
        .function(Function::SyncStats).sync().response::<TablesResponse>().revalidates(),
    post(Endpoint::CreateSocketTicket, "/api/sync/ws-ticket", "createSocketTicket",
        "Returns a ticket that opens one WebSocket.")
        .request::<SocketTicketRequest>().response::<SocketTicketResponse>()
        .errors(&[BranchRequired, DeviceMismatch]),
    get(Endpoint::ListDeadLetters, "/api/sync/dead-letters", "listDeadLetters", "Lists rejected records.")
        .function(Function::DeadLetters).role(Role::Manager).sync()
        .parameters(&[LETTERS_LIMIT, CURSOR, BRANCH]).response::<DeadLettersResponse>().counts_cost().revalidates(),
    post(Endpoint::ReplayDeadLetter, "/api/sync/dead-letters/{id}/replay",
        "replayDeadLetter", "Pushes a rejected record.")
        .function(Function::DeadLetters).role(Role::Manager).sync().parameters(&[DEAD_LETTER, BRANCH])
        .optional_request::<ReplayRequest>().response::<PushResponse>().publishes()
        .errors(&[DeadLetterNotFound, BatchIdReused, PayloadCut, GroupDamaged, BatchTooLarge]),
    post(Endpoint::DiscardDeadLetter, "/api/sync/dead-letters/{id}/discard",
        "discardDeadLetter", "Discards a rejected record.")
        .function(Function::DeadLetters).role(Role::Manager).sync().parameters(&[DEAD_LETTER, BRANCH])
        .publishes().errors(&[DeadLetterNotFound, BodyTooLarge]),
    get(Endpoint::GetRecord, "/api/data/{table}/{record_id}", "getRecord", "Returns one record.")
        .function(Function::Data).parameters(&[TABLE, RECORD, MIN, BRANCH]).response::<RecordResponse>()
        .counts_cost().cached().revalidates()
        .errors(&[UnknownTable, TableForbidden, RecordNotFound, ResetRequired]).redis(1, 2),
    post(Endpoint::BatchGetRecords, "/api/data/batch-get", "batchGetRecords", "Returns several records.")
        .function(Function::Data).parameters(&[MIN, BRANCH]).request::<BatchGetRequest>()
        .response::<BatchGetResponse>().counts_cost().cached()
        .errors(&[BatchTooLarge, UnknownTable, TableForbidden, ResetRequired]).redis(1, 2),
    get(Endpoint::GetCart, "/api/carts/{id}", "getCart", "Returns a cart.")
        .function(Function::Carts).parameters(&[CART, MIN, BRANCH]).response::<CartResponse>().counts_cost()
        .cached().revalidates().errors(&[CartNotFound]).redis(1, 1),
    put(Endpoint::PutCart, "/api/carts/{id}", "putCart", "Creates or replaces a cart.")
        .function(Function::Carts).parameters(&[CART, BRANCH]).request::<PutCartRequest>()
        .response::<PutCartResponse>().counts_cost().redis(1, 0),
    delete(Endpoint::DeleteCart, "/api/carts/{id}", "deleteCart", "Removes a cart.")
        .function(Function::Carts).parameters(&[CART, BRANCH]).counts_cost().redis(1, 0),
    get(Endpoint::GetCacheReport, "/api/cache/report", "getCacheReport", "Reports one day of the cache.")
        .function(Function::CacheAdmin).role(Role::Admin).parameters(&[DAY]).response::<CacheReportResponse>().revalidates().redis(2, 0),
    get(Endpoint::GetCacheStats, "/api/cache/stats", "getCacheStats", "Returns the state of the cache.")
        .function(Function::CacheAdmin).role(Role::Admin).response::<CacheStatsResponse>().revalidates(),
    post(Endpoint::InvalidateCache, "/api/cache/invalidate", "invalidateCache", "Removes cached entries.")
        .function(Function::CacheAdmin).role(Role::Admin).request::<InvalidateRequest>().response::<InvalidateResponse>()
        .errors(&[BadCursor]).redis(20, 0),
    post(Endpoint::WarmCache, "/api/cache/warm", "warmCache", "Loads a page of a table into the cache.")
        .function(Function::CacheWarm).role(Role::Admin).request::<WarmRequest>().response::<WarmResponse>()
        .of_branch().counts_cost().errors(&[BadCursor, UnknownTable, TableForbidden]).redis(50, 0),
    get(Endpoint::OpenSocket, "/ws", "openSocket", "Opens a WebSocket for the frames below.")
        .sync().parameters(&[TOKEN, TICKET, DEVICE, FRAMES, OWN, BRANCH]).frames::<ClientFrame, ServerFrame>()
        .errors(&[DeviceMismatch, OriginForbidden, TicketInvalid, UpgradeRequired, RoomFull]),
    get(Endpoint::StreamEvents, "/api/sync/events", "streamEvents", "Streams changes as Server-Sent Events.")
        .sync().parameters(&[TOKEN, DEVICE, CURSOR, SINCE, TABLES, BRANCH]).events::<PullResponse>()
        .errors(&[DeviceMismatch, OriginForbidden, RoomFull, BadSince, UnknownTable, TableForbidden]),
    get(Endpoint::GetPresence, "/api/presence", "getPresence", "Lists the devices of a branch.")
        .role(Role::Manager).parameters(&[BRANCH]).response::<PresenceResponse>().revalidates().redis(1, 0),
    get(Endpoint::GetOpenApiDocument, "/api/openapi.json", "getOpenApiDocument", "Returns this document.")
        .public(LimitScope::None).response::<serde_json::Map<String, serde_json::Value>>().revalidates(),
    get(Endpoint::GetHealth, "/healthz", "getHealth", "Reports whether the edge is configured.")
        .public(LimitScope::None).response::<HealthResponse>(),
    get(Endpoint::GetReadiness, "/readyz", "getReadiness", "Reports the health of every part.")
        .public(LimitScope::None).response::<ReadinessResponse>()
        .details(&[(Unavailable, WireType::of::<ReadinessResponse>())]),
    post(Endpoint::PublishChanges, "/internal/publish", "publishChanges", "Publishes commits to a room.")
        .signed(),
];

impl Endpoint {
    /// The endpoint's row.
    #[allow(clippy::indexing_slicing, reason = "a test holds the rows to the order of the enum")]
    pub fn spec(self) -> &'static EndpointSpec {
        &ENDPOINTS[self as usize]
    }

    /// The endpoint whose operation id is `id`: how a function recognises what the edge forwards.
    pub fn of_operation(id: &str) -> Option<Endpoint> {
        ENDPOINTS.iter().find(|spec| spec.operation_id == id).map(|spec| spec.endpoint)
    }
}
