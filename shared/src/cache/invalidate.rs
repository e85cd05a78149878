//! Invalidating: the stamps are deleted.

use super::Cache;
use crate::redis::command::Del;
use crate::redis::error::RedisError;
use crate::redis::keys::Key;
use crate::redis::transport::Transport;

impl<T: Transport> Cache<T> {
    /// Everything that was made from one of `tags` is void, everywhere, once this has returned: one command, one round
    /// trip, however many. To be called after the source was written.
    ///
    /// # Errors
    ///
    /// If Redis does not answer, nothing is known: the caller must try again, from a record of the change that lasts, or
    /// old entries may be served until their time is over. It may be repeated at will.
    pub async fn invalidate(&self, tags: &[Key]) -> Result<(), RedisError> {
        if tags.is_empty() {
            return Ok(());
        }
        self.memory().forget(tags);
        self.patient().run(&Del::new(tags)).await.map(drop)
    }
}
