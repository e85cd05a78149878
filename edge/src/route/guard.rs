//! What a request has to pass before anything is done for it.

use super::Route;

/// What is checked at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Nothing: the answer is the same for everybody, or the request is sealed.
    Open,
    /// How often there were sign-ins by that name, and from that address.
    SignIn,
    /// How often there were requests from that address.
    Address,
    /// Whether the session stands. Sync is not limited: a till that comes back has a day's sales to bring, and a
    /// deployment that drops every socket must not keep them out.
    Session,
    /// Whether the session stands, and how often its user has asked.
    User,
}

impl Route {
    /// What a request to it has to pass.
    pub(crate) fn guard(self) -> Guard {
        match self {
            Route::Health | Route::Ready | Route::OpenApi | Route::Publish => Guard::Open,
            Route::Login => Guard::SignIn,
            Route::Refresh | Route::Logout => Guard::Address,
            Route::BatchPush
            | Route::PullChanges
            | Route::ResolveConflict
            | Route::SyncStats
            | Route::DeadLetters
            | Route::ReplayDeadLetter
            | Route::DiscardDeadLetter
            | Route::Socket => Guard::Session,
            Route::Me
            | Route::Sessions
            | Route::EndSession
            | Route::Record
            | Route::BatchGet
            | Route::Cart
            | Route::PutCart
            | Route::DeleteCart
            | Route::CacheReport
            | Route::CacheStats
            | Route::CacheInvalidate
            | Route::CacheWarm => Guard::User,
        }
    }
}
