//! The stored form of an entry: one header line, then the content.
//!
//! `c1 <loaded at> <fresh until> <expires at> <took> <as of> <digest> <form>`. Times are microseconds since
//! the epoch, `took` is the duration of the load in microseconds, `digest` is `-` for an entry without tags.
//! `form` is `t` (the content is text and follows unchanged), `b` (it is bytes and follows as base64url), `n`
//! (the record is missing, and nothing follows) or `m` (it is missing, and a note about it follows). The
//! format is internal: an entry of another version or form is a miss.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::kind::EntryLifetime;
use super::request::Loaded;
use super::tags::TagDigest;
use protocol::timestamp::Timestamp;

/// Version of the format, at the start of an entry.
const VERSION: &str = "c1";

/// An entry. `Debug` does not show the content.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// When the load began.
    pub(super) loaded_at: Timestamp,
    /// When it becomes stale.
    pub(super) fresh_until: Timestamp,
    /// When it must no longer be served.
    pub(super) expires_at: Timestamp,
    /// How long the load took, for early refresh.
    pub(super) took_micros: u64,
    /// Version of the content: for data of a room, the room's stamp when it was read.
    pub(super) as_of: u64,
    /// Digest of the tags' versions before the load.
    pub(super) digest: Option<TagDigest>,
    /// The content; `None` if the record is missing.
    pub(super) payload: Option<Arc<[u8]>>,
    /// Text about a missing record.
    pub(super) note: Option<Arc<str>>,
}

/// A stored value that is not a valid entry.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the cache entry: it is cut, changed or of another version")]
pub(super) struct Damaged;

impl Entry {
    /// An entry for content whose load began at `loaded_at` and took `took_micros`.
    pub(super) fn new(
        loaded: &Loaded,
        digest: Option<TagDigest>,
        (loaded_at, took_micros): (Timestamp, u64),
        life: EntryLifetime,
    ) -> Entry {
        // Counted from the start of the load: the content may be as old as that.
        let after = |millis: u64| Timestamp(loaded_at.0.saturating_add(millis.saturating_mul(1000)));
        Entry {
            loaded_at,
            fresh_until: after(life.fresh_millis),
            expires_at: after(life.total_millis),
            took_micros,
            as_of: loaded.as_of,
            digest,
            payload: loaded.payload.clone(),
            note: loaded.note.clone(),
        }
    }

    /// The entry as text, before encryption.
    pub(super) fn write(&self) -> String {
        let digest = self.digest.map_or_else(|| "-".to_owned(), TagDigest::write);
        let (form, content) = match &self.payload {
            None => match &self.note {
                None => ('n', String::new()),
                Some(note) => ('m', note.to_string()),
            },
            Some(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => ('t', text.to_owned()),
                Err(_) => ('b', BASE64_URL_SAFE_NO_PAD.encode(bytes)),
            },
        };
        let (loaded, fresh, expires) = (self.loaded_at.0, self.fresh_until.0, self.expires_at.0);
        format!(
            "{VERSION} {loaded} {fresh} {expires} {} {} {digest} {form}\n{content}",
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
        let (loaded_at, fresh_until, expires_at) =
            (Timestamp(number()?), Timestamp(number()?), Timestamp(number()?));
        let (took_micros, as_of) = (number()?, number()?);
        let digest = match words.next().ok_or(Damaged)? {
            "-" => None,
            digest => Some(TagDigest::read(digest).ok_or(Damaged)?),
        };
        let mut note = None;
        let payload = match (words.next(), words.next()) {
            (Some("n"), None) if content.is_empty() => None,
            (Some("m"), None) => {
                note = Some(Arc::from(content));
                None
            }
            (Some("t"), None) => Some(Arc::from(content.as_bytes())),
            (Some("b"), None) => Some(BASE64_URL_SAFE_NO_PAD.decode(content).map_err(|_| Damaged)?.into()),
            _ => return Err(Damaged),
        };
        Ok(Entry { loaded_at, fresh_until, expires_at, took_micros, as_of, digest, payload, note })
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

    const LIFE: EntryLifetime = EntryLifetime { fresh_millis: 2, total_millis: 5 };

    fn entry(payload: Option<&[u8]>, digest: Option<TagDigest>) -> Entry {
        let loaded = Loaded { payload: payload.map(Arc::from), note: None, as_of: 42 };
        Entry::new(&loaded, digest, (Timestamp(1_000_000), 700), LIFE)
    }

    #[test]
    fn the_stored_text_is_pinned() {
        let digest = TagDigest::read("AAAAAAAAAAAAAAAAAAAAAA");
        let cases = [
            (
                entry(Some(b"{\"a\":1}"), digest),
                "c1 1000000 1002000 1005000 700 42 AAAAAAAAAAAAAAAAAAAAAA t\n{\"a\":1}",
            ),
            (entry(Some(&[0xff, 0]), None), "c1 1000000 1002000 1005000 700 42 - b\n_wA"),
            (entry(None, None), "c1 1000000 1002000 1005000 700 42 - n\n"),
            (
                Entry { note: Some("{}".into()), ..entry(None, None) },
                "c1 1000000 1002000 1005000 700 42 - m\n{}",
            ),
        ];
        for (entry, text) in cases {
            assert_eq!(entry.write(), text);
            assert_eq!(Entry::read(text.as_bytes()), Ok(entry));
        }
    }

    #[test]
    fn invalid_text_is_damaged() {
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
            "c1 1 2 3 4 5 - o\nx",
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
        fn any_bytes_read_back(bytes: Vec<u8>, as_of: u64, loaded: u64, took: u64) {
            let entry = Entry::new(&Loaded::some(bytes, as_of), None, (Timestamp(loaded), took), LIFE);
            prop_assert_eq!(Entry::read(entry.write().as_bytes()), Ok(entry));
        }
    }
}
