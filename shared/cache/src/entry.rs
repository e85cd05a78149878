//! How an entry is written: one line that says what it is, then the content.
//!
//! `c1 <made> <fresh until> <gone at> <took> <as of> <seen> <form>`, where times are microseconds since the epoch, `took`
//! is how many of them the load took, `seen` is `-` for an entry that has no tags, and `form` is `t` (the content is text
//! and follows as it is), `b` (it is bytes and follows as base64url) or `n` (there is none, and that is what is
//! remembered). The format is internal: another version of it is a miss.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::kind::Lifetime;
use super::tags::Seen;
use protocol::timestamp::Timestamp;

/// The version of the format, which entries begin with.
const VERSION: &str = "c1";

/// What stands in an entry. `Debug` does not show the content.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// When the load began.
    pub(super) made_at: Timestamp,
    /// Until when it is fresh.
    pub(super) fresh_until: Timestamp,
    /// From when on it must not be served.
    pub(super) gone_at: Timestamp,
    /// How long the load took, for early refresh.
    pub(super) took_micros: u64,
    /// The version of the content: for data of a room, the stamp that the room stood at when it was read.
    pub(super) as_of: u64,
    /// What its tags were before the load.
    pub(super) seen: Option<Seen>,
    /// The content; nothing if there is none.
    pub(super) payload: Option<Arc<[u8]>>,
}

/// An entry that is not our work.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the cache entry: it is cut, changed or of another version")]
pub(super) struct Damaged;

impl Entry {
    /// An entry for content of version `as_of` whose load began at `made_at` and took `took_micros`.
    pub(super) fn new(
        payload: Option<Arc<[u8]>>,
        as_of: u64,
        seen: Option<Seen>,
        (made_at, took_micros): (Timestamp, u64),
        life: Lifetime,
    ) -> Entry {
        // From the moment it was read: what took long to load is no fresher for it.
        let after = |millis: u64| Timestamp(made_at.0.saturating_add(millis.saturating_mul(1000)));
        Entry {
            made_at,
            fresh_until: after(life.fresh_millis),
            gone_at: after(life.gone_millis),
            took_micros,
            as_of,
            seen,
            payload,
        }
    }

    /// As it is stored, unless it is sealed.
    pub(super) fn write(&self) -> String {
        let seen = self.seen.map_or_else(|| "-".to_owned(), Seen::write);
        let (form, content) = match &self.payload {
            None => ('n', String::new()),
            Some(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => ('t', text.to_owned()),
                Err(_) => ('b', BASE64_URL_SAFE_NO_PAD.encode(bytes)),
            },
        };
        let (made, fresh, gone) = (self.made_at.0, self.fresh_until.0, self.gone_at.0);
        format!(
            "{VERSION} {made} {fresh} {gone} {} {} {seen} {form}\n{content}",
            self.took_micros, self.as_of
        )
    }

    /// Reads what [`Entry::write`] wrote.
    pub(super) fn read(stored: &[u8]) -> Result<Entry, Damaged> {
        let text = std::str::from_utf8(stored).map_err(|_| Damaged)?;
        let (line, content) = text.split_once('\n').ok_or(Damaged)?;
        let mut words = line.split(' ');
        if words.next() != Some(VERSION) {
            return Err(Damaged);
        }
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).ok_or(Damaged);
        let (made_at, fresh_until, gone_at) =
            (Timestamp(number()?), Timestamp(number()?), Timestamp(number()?));
        let (took_micros, as_of) = (number()?, number()?);
        let seen = match words.next().ok_or(Damaged)? {
            "-" => None,
            seen => Some(Seen::read(seen).ok_or(Damaged)?),
        };
        let payload = match (words.next(), words.next()) {
            (Some("n"), None) if content.is_empty() => None,
            (Some("t"), None) => Some(Arc::from(content.as_bytes())),
            (Some("b"), None) => Some(BASE64_URL_SAFE_NO_PAD.decode(content).map_err(|_| Damaged)?.into()),
            _ => return Err(Damaged),
        };
        Ok(Entry { made_at, fresh_until, gone_at, took_micros, as_of, seen, payload })
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.payload.as_ref().map(|payload| payload.len());
        write!(f, "Entry as of {} with {bytes:?} bytes, fresh until {}", self.as_of, self.fresh_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIFE: Lifetime = Lifetime { fresh_millis: 2, gone_millis: 5 };

    fn entry(payload: Option<&[u8]>, seen: Option<Seen>) -> Entry {
        Entry::new(payload.map(Arc::from), 42, seen, (Timestamp(1_000_000), 700), LIFE)
    }

    #[test]
    fn the_text_is_pinned_because_it_is_stored() {
        let seen = Seen::read("AAAAAAAAAAAAAAAAAAAAAA");
        let cases = [
            (
                entry(Some(b"{\"a\":1}"), seen),
                "c1 1000000 1002000 1005000 700 42 AAAAAAAAAAAAAAAAAAAAAA t\n{\"a\":1}",
            ),
            (entry(Some(&[0xff, 0]), None), "c1 1000000 1002000 1005000 700 42 - b\n_wA"),
            (entry(None, None), "c1 1000000 1002000 1005000 700 42 - n\n"),
        ];
        for (entry, text) in cases {
            assert_eq!(entry.write(), text);
            assert_eq!(Entry::read(text.as_bytes()), Ok(entry));
        }
    }

    #[test]
    fn what_is_not_ours_is_damage() {
        for bad in [
            "",
            "OK",
            "c1 1 2 3 4 5 - t",
            "c2 1 2 3 4 5 - t\nx",
            "c1 1 2 3 4 - t\nx",
            "c1 1 2 3 4 5 - t t\nx",
            "c1 1 2 3 4 -5 - t\nx",
            "c1 1 2 3 4 5 AAAA t\nx",
            "c1 1 2 3 4 5 - n\nx",
            "c1 1 2 3 4 5 - b\n!",
        ] {
            assert_eq!(Entry::read(bad.as_bytes()), Err(Damaged), "{bad}");
        }
        assert_eq!(Entry::read(b"c1 1 2 3 4 5 - t\n\xff"), Err(Damaged));
    }

    #[test]
    fn the_content_is_not_shown() {
        assert!(!format!("{:?}", entry(Some(b"s3cret"), None)).contains("s3cret"));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>, as_of: u64, made: u64, took: u64) {
            let entry = Entry::new(Some(bytes.into()), as_of, None, (Timestamp(made), took), LIFE);
            prop_assert_eq!(Entry::read(entry.write().as_bytes()), Ok(entry));
        }
    }
}
