//! The schedule → the cache: what nobody else tidies up.

use crate::limits::CACHE_MAINTENANCE_STEPS_MAX;
use cache::maintenance::Maintained;
use redis_client::error::RedisError;

use crate::app::KeeperApp;

/// Looks after the next keys of the deployment, and says what was found.
pub async fn handle(app: &KeeperApp) -> Result<Maintained, RedisError> {
    let done = app.cache.maintain(CACHE_MAINTENANCE_STEPS_MAX).await?;
    tracing::info!(?done, "the cache was looked after");
    Ok(done)
}
