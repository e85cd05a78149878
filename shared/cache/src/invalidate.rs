//! Invalidating: the stamps are deleted.

use super::Cache;
use redis_client::command::Del;
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::limits::REDIS_REQUEST_BYTES_MAX;
use redis_client::transport::Transport;

/// Bytes of a request beside its keys.
const OVERHEAD_BYTES: usize = 16;

impl<T: Transport> Cache<T> {
    /// Everything that was made from one of `tags` is void, everywhere, once this has returned: one command, one round
    /// trip, for as many as fit a request, which are some thousands. To be called after the source was written.
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
        for tags in parcels(tags) {
            self.patient().run(&Del::new(tags)).await?;
        }
        Ok(())
    }
}

/// `tags` in order, in runs that fit a request: a key is written as it is, in quotes and with a comma.
fn parcels(tags: &[Key]) -> impl Iterator<Item = &[Key]> {
    let mut rest = tags;
    std::iter::from_fn(move || {
        let mut bytes = OVERHEAD_BYTES;
        let fitting = rest.iter().take_while(|tag| {
            bytes += tag.as_str().len() + 3;
            bytes <= REDIS_REQUEST_BYTES_MAX
        });
        let (parcel, left) = rest.split_at_checked(fitting.count().max(1))?;
        rest = left;
        Some(parcel)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis_client::command::Command;
    use redis_client::keys::Keys;

    #[test]
    fn however_long_their_names_all_tags_go_in_requests_that_fit() {
        let (keys, room) = (Keys::new("t").unwrap(), "1:2".parse().unwrap());
        // The longest, each byte of which takes three in a key.
        let tag = |n: usize| keys.record_tag(&room, "products", &format!("{}{n:05}", "ä".repeat(125)));
        let tags: Vec<Key> = (0..5000).map(tag).collect();
        let sizes: Vec<usize> = parcels(&tags)
            .map(|parcel| serde_json::to_vec(&Del::new(parcel).arguments()).unwrap().len())
            .collect();
        assert!(sizes.len() > 1 && sizes.iter().all(|size| *size <= REDIS_REQUEST_BYTES_MAX), "{sizes:?}");
        assert_eq!(parcels(&tags).map(<[Key]>::len).sum::<usize>(), tags.len());
        assert_eq!(parcels(&tags[..50]).count(), 1);
        assert_eq!(parcels(&[]).count(), 0);
    }
}
