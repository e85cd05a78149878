//! The schedule → the cache: what nobody else tidies up.

use shared::cache::clear::ClearError;
use shared::cache::maintenance::Maintained;

use crate::app::KeeperApp;

/// Steps in one call of the function, at most: a step looks at some thousands of keys, and the next day is another one.
const STEPS_MAX: usize = 200;

/// Looks after all keys of the deployment, and says what was found.
pub async fn handle(app: &KeeperApp) -> Result<Maintained, ClearError> {
    let mut done = Maintained::default();
    for _ in 0..STEPS_MAX {
        let cursor = done.next.take();
        done = done.plus(app.cache.maintain(cursor.as_deref()).await?);
        if done.next.is_none() {
            break;
        }
    }
    tracing::info!(?done, "the cache was looked after");
    Ok(done)
}
