//! Invalidation: deletes tag versions.

use super::{Cache, Clock};
use redis_client::command::del;
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::limits::REDIS_REQUEST_BYTES_MAX;
use redis_client::transport::Transport;

/// Bytes of a request in addition to its keys.
const OVERHEAD_BYTES: usize = 16;

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Invalidates every entry that depends on one of `tags`, for all processes: one command and one round
    /// trip for each request's worth of tags, which is some thousands. To be called after the source was
    /// written. Idempotent.
    ///
    /// # Errors
    ///
    /// If Redis does not respond, it is unknown whether the entries are invalid. The caller must retry from a
    /// durable record of the change, or old entries may be served until they expire.
    pub async fn invalidate(&self, tags: &[Key]) -> Result<(), RedisError> {
        if tags.is_empty() {
            return Ok(());
        }
        self.memory().invalidate(tags);
        for tags in split(tags) {
            self.patient().run(&del(tags)).await?;
        }
        Ok(())
    }
}

/// `tags` in order, in slices that fit a request, in which each key is quoted and followed by a comma.
fn split(tags: &[Key]) -> impl Iterator<Item = &[Key]> {
    let mut rest = tags;
    std::iter::from_fn(move || {
        let mut bytes = OVERHEAD_BYTES;
        let fitting = rest.iter().take_while(|tag| {
            bytes += tag.as_str().len() + 3;
            bytes <= REDIS_REQUEST_BYTES_MAX
        });
        let (slice, left) = rest.split_at_checked(fitting.count().max(1))?;
        rest = left;
        Some(slice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis_client::arguments::Arguments;
    use redis_client::keys::Keys;

    #[test]
    fn tags_with_the_longest_names_are_split_into_requests_that_fit() {
        let (keys, room) = (Keys::new("t").unwrap(), "1:2".parse().unwrap());
        // The longest id, each byte of which takes three in a key.
        let tag = |n: usize| keys.record_tag(&room, "products", &format!("{}{n:05}", "ä".repeat(125)));
        let tags: Vec<Key> = (0..5000).map(tag).collect();
        let sizes: Vec<usize> = split(&tags)
            .map(|slice| serde_json::to_vec(&Arguments::new("DEL").keys(slice)).unwrap().len())
            .collect();
        assert!(sizes.len() > 1 && sizes.iter().all(|size| *size <= REDIS_REQUEST_BYTES_MAX), "{sizes:?}");
        assert_eq!(split(&tags).map(<[Key]>::len).sum::<usize>(), tags.len());
        assert_eq!(split(&tags[..50]).count(), 1);
        assert_eq!(split(&[]).count(), 0);
    }
}
