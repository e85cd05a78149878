//! Tags, and why nothing comes back after it was invalidated.
//!
//! Each tag has a key of its own in Redis, the *stamp*: 16 random bytes that nobody draws twice. An entry holds a digest
//! of all its tags' stamps, as they stood **before** its content was loaded, and is good only while every stamp is
//! there and all of them still make that digest. To invalidate is to delete the stamps: one command, however many, it
//! may be repeated, and it leaves no key behind that would need a TTL.
//!
//! That a stamp must be *there* is what makes this hold when Redis evicts keys. A scheme in which an absent stamp
//! can be a good one lets stale data revive: a slow load begins, the tag is invalidated, whatever the invalidation
//! wrote is evicted, the load stores what it read; now the database looks as if there had been no invalidation, and no
//! reader can tell. So whoever finds a stamp missing must write one before loading (`SET NX`), and what was lost,
//! for whatever reason, is a miss. The price is one more command at the first miss after an invalidation or a day, and
//! it buys something: of all who see a stamp missing one writes it, and that one loads while the others wait.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use redis_client::keys::Key;

/// Bytes of a stamp.
const STAMP_BYTES: usize = 16;

/// A fresh stamp, as it is stored.
pub(super) fn draw_stamp(random: fn(&mut [u8])) -> String {
    let mut bytes = [0; STAMP_BYTES];
    random(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What an entry saw of its tags: 16 bytes of a SHA-256 over their keys and stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen([u8; 16]);

impl Seen {
    /// What is seen of `tags`, in the request's order; nothing if one of their stamps is missing.
    pub(super) fn of<'a>(tags: impl IntoIterator<Item = (&'a Key, Option<&'a [u8]>)>) -> Option<Seen> {
        let mut digest = Sha256::new();
        for (tag, stamp) in tags {
            let stamp = stamp?;
            for part in [tag.as_str().as_bytes(), stamp] {
                // With its length, so that no two lists of parts are the same bytes.
                digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
                digest.update(part);
            }
        }
        digest.finalize().first_chunk().copied().map(Seen)
    }

    /// As it is stored.
    pub(super) fn write(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what [`Seen::write`] wrote.
    pub(super) fn read(text: &str) -> Option<Seen> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis_client::keys::Keys;

    #[test]
    fn what_is_seen_depends_on_every_tag_and_every_stamp_and_is_nothing_if_one_is_missing() {
        let (keys, room) = (Keys::new("t").unwrap(), "1:2".parse().unwrap());
        let (a, b) = (keys.room_tag(&room), keys.table_tag(&room, "products"));
        let seen = |tags: [(&Key, &str); 2]| {
            Seen::of(tags.map(|(tag, stamp)| (tag, Some(stamp.as_bytes())))).unwrap()
        };
        let all = [
            seen([(&a, "x"), (&b, "y")]),
            seen([(&a, "y"), (&b, "x")]),
            seen([(&a, "xy"), (&b, "")]),
            seen([(&b, "x"), (&a, "y")]),
            Seen::of([(&a, Some(b"x".as_slice()))]).unwrap(),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}");
            assert_eq!(Seen::read(&one.write()), Some(*one));
        }
        assert_eq!(Seen::of([(&a, Some(b"x".as_slice())), (&b, None)]), None);
    }

    #[test]
    fn stamps_are_what_the_source_of_randomness_says() {
        assert_eq!(draw_stamp(|bytes| bytes.fill(0)), "A".repeat(22));
    }
}
