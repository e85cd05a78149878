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

use shared::error::{Code, Refusal};
use shared::micros::Micros;
use shared::protocol::TOKEN_HEADER;
use shared::token::{Claims, Verifier};

/// The claims of the request's access token: verified here again, whatever the edge did.
fn claims(verifier: &Verifier, request: &lambda_http::Request, now: Micros) -> Result<Claims, Refusal> {
    let header = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let missing = || Refusal::new(Code::TokenMissing, "The access token is missing.");
    verifier.verify(header.ok_or_else(missing)?, now)
}
