//! The scheduled maintenance of the cache.

use cache::maintenance::Maintained;

use super::unavailable;
use crate::context::Context;
use crate::http::error::HandlerError;
use crate::limits::CACHE_MAINTENANCE_STEPS_MAX;

/// Maintains the next keys of the deployment, and reports what it found.
pub async fn handle(context: &Context) -> Result<Maintained, HandlerError> {
    let done = context.cache()?.maintain(CACHE_MAINTENANCE_STEPS_MAX).await.map_err(unavailable)?;
    tracing::info!(?done, "the cache was maintained");
    Ok(done)
}
