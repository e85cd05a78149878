//! Tags, and why invalidated content never comes back.
//!
//! Each tag has a key in Redis that holds its *version*: 16 random bytes. An entry holds a digest of the
//! versions of all its tags as they were **before** its content was loaded. It is valid only while every tag
//! has a version and the versions still have that digest. Invalidating deletes the versions: one command for
//! any number of tags, idempotent, and it leaves no key behind that would need a TTL.
//!
//! A missing version always counts as a miss, because Redis may evict keys. If an entry could be valid
//! without a version, stale data could come back: a slow load begins, the tag is invalidated, Redis evicts
//! what the invalidation wrote, and the load stores its old content; no reader could tell. So a reader that
//! finds a version missing must write a new one before it loads (`SET NX`). This costs one command at the
//! first miss after an invalidation or a day. In return, of all readers that find the version missing, the
//! one whose write succeeds loads while the others wait.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use redis_client::keys::Key;
use redis_client::value::Value;

/// Bytes of a tag version.
const VERSION_BYTES: usize = 16;

/// The version of a tag, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TagVersion(pub(super) Vec<u8>);

impl TagVersion {
    /// A new version.
    pub(super) fn draw(random: fn(&mut [u8])) -> TagVersion {
        let mut bytes = [0; VERSION_BYTES];
        random(&mut bytes);
        TagVersion(BASE64_URL_SAFE_NO_PAD.encode(bytes).into_bytes())
    }

    /// The version as a value to store.
    pub(super) fn value(&self) -> Value {
        Value::text(String::from_utf8_lossy(&self.0))
    }
}

/// A digest of tag versions: 16 bytes of a SHA-256 over tags and versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TagDigest([u8; 16]);

impl TagDigest {
    /// The digest of `tags` in the request's order; `None` if one of their versions is missing.
    pub(super) fn of<'a>(
        tags: impl IntoIterator<Item = (&'a Key, Option<&'a TagVersion>)>,
    ) -> Option<TagDigest> {
        let mut digest = Sha256::new();
        for (tag, version) in tags {
            for part in [tag.as_str().as_bytes(), &version?.0] {
                // With its length, so that different lists of parts are different bytes.
                digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
                digest.update(part);
            }
        }
        digest.finalize().first_chunk().copied().map(TagDigest)
    }

    /// The digest as text.
    pub(super) fn write(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what [`TagDigest::write`] wrote.
    pub(super) fn read(text: &str) -> Option<TagDigest> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(TagDigest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis_client::keys::Keys;

    #[test]
    fn a_digest_depends_on_every_tag_and_version_and_needs_all_versions() {
        let (keys, room) = (Keys::new("t").unwrap(), "1:2".parse().unwrap());
        let (a, b) = (keys.room_tag(&room), keys.table_tag(&room, "products"));
        let version = |text: &str| TagVersion(text.into());
        let digest = |tags: [(&Key, &str); 2]| {
            let tags = tags.map(|(tag, text)| (tag, version(text)));
            TagDigest::of(tags.iter().map(|(tag, version)| (*tag, Some(version)))).unwrap()
        };
        let x = version("x");
        let all = [
            digest([(&a, "x"), (&b, "y")]),
            digest([(&a, "y"), (&b, "x")]),
            digest([(&a, "xy"), (&b, "")]),
            digest([(&b, "x"), (&a, "y")]),
            TagDigest::of([(&a, Some(&x))]).unwrap(),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}");
            assert_eq!(TagDigest::read(&one.write()), Some(*one));
        }
        assert_eq!(TagDigest::of([(&a, Some(&x)), (&b, None)]), None);
    }

    #[test]
    fn versions_come_from_the_source_of_randomness() {
        assert_eq!(TagVersion::draw(|bytes| bytes.fill(0)).0, "A".repeat(22).into_bytes());
    }
}
