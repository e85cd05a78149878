//! What each function is made of, read from its configuration once, at start.

mod auth;
mod carts;
mod keeper;
mod read;
mod stream;
mod sync;

pub use auth::AuthApp;
pub use carts::{CartsApp, FoldApp};
pub use keeper::{KeeperApp, ReportApp};
pub use read::{ReadApp, Reading};
pub use stream::StreamApp;
pub use sync::{ResolveApp, SyncApp};

use ::auth::token::Verifier;
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::TOKEN_HEADER;

/// The claims of the request's access token: verified here again, whatever the edge did.
fn claims(verifier: &Verifier, request: &lambda_http::Request, now: Timestamp) -> Result<Claims, ApiError> {
    let header = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let missing = || ApiError::new(ErrorCode::TokenMissing, "The access token is missing.");
    verifier.verify(header.ok_or_else(missing)?, now)
}
