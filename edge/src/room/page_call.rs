//! The calls about pages of pulls, and their encoding.

use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use worker::{Response, ResponseBuilder};

use super::head_pages::Page;
use crate::query;

/// The body has the page.
pub(super) const PAGE: u16 = 200;
/// The room has no page; the body is [`Unanswered`].
pub(super) const NO_PAGE: u16 = 203;

/// Bytes of a page that a room keeps. A larger one is rarely asked for twice.
pub(super) const PAGE_BYTES_MAX: usize = 64 * 1024;

/// A call about a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PageCall {
    /// Asks for a page.
    Look(Lookup),
    /// Keeps the page in the body, a [`PageToKeep`].
    Keep,
}

/// A pull, as far as a room must know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lookup {
    /// Names role, and all parameters but `min`: pulls with the same key get the same page.
    pub(crate) pull: String,
    /// Names role, and the tables that the pull names: readers with the same key may read the same tables.
    pub(crate) reader: String,
    /// The page must not be older.
    pub(crate) min: Stamp,
}

/// What a room knows instead of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unanswered {
    pub(super) generation: u64,
    /// The time of the room.
    pub(super) asked_at: Timestamp,
    /// The digest of the tables that the reader may read, if it is confirmed.
    pub(crate) digest: Option<String>,
}

/// What a function has answered to a pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageToKeep {
    pub(super) generation: u64,
    pub(super) asked_at: Timestamp,
    pub(super) pull: String,
    pub(super) reader: String,
    pub(super) digest: String,
    /// The head, if the page ends there.
    pub(super) ends_at: Option<Stamp>,
    /// The page, if it ends at the head and is small enough.
    pub(super) body: Option<String>,
}

impl Unanswered {
    /// What a function has answered to `lookup`: the digest of the reader's tables and, if the page ends at
    /// the head, head and page.
    pub(crate) fn answered(
        &self,
        lookup: Lookup,
        digest: &str,
        at_head: Option<(Stamp, &[u8])>,
    ) -> PageToKeep {
        let small = at_head.filter(|(_, body)| body.len() <= PAGE_BYTES_MAX);
        let body = small.and_then(|(_, body)| String::from_utf8(body.to_vec()).ok());
        PageToKeep {
            generation: self.generation,
            asked_at: self.asked_at,
            pull: lookup.pull,
            reader: lookup.reader,
            digest: digest.to_owned(),
            ends_at: at_head.map(|(head, _)| head),
            body,
        }
    }
}

/// The path of a lookup.
pub(super) const LOOK: &str = "/page/look";
const KEEP: &str = "/page/keep";

impl PageCall {
    /// Path and query of the call.
    pub(super) fn target(&self) -> String {
        match self {
            PageCall::Look(Lookup { pull, reader, min }) => {
                let min = min.0.to_string();
                let pairs = [("pull", pull.as_str()), ("reader", reader), ("min", &min)];
                format!("{LOOK}?{}", query::write(pairs))
            }
            PageCall::Keep => KEEP.to_owned(),
        }
    }

    /// Parses a call; `None` for anything else.
    pub(super) fn parse(path: &str, url_query: &str) -> Option<PageCall> {
        match path {
            LOOK => Some(PageCall::Look(Lookup {
                pull: query::value(url_query, "pull")?,
                reader: query::value(url_query, "reader")?,
                min: Stamp(query::value(url_query, "min")?.parse().ok()?),
            })),
            KEEP => Some(PageCall::Keep),
            _ => None,
        }
    }
}

/// The answer to a lookup.
pub(super) fn response(found: Result<&Page, Unanswered>) -> worker::Result<Response> {
    let builder = ResponseBuilder::new();
    Ok(match found {
        Ok(page) => {
            builder.with_status(PAGE).with_header("etag", &page.etag)?.fixed(page.body.as_bytes().to_vec())
        }
        Err(unanswered) => builder.with_status(NO_PAGE).fixed(serde_json::to_vec(&unanswered)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_survive_encoding() {
        let look = PageCall::Look(Lookup {
            pull: "cashier cursor=p1.5.x&tables=a%2Cb".into(),
            reader: "cashier a,b".into(),
            min: Stamp(7),
        });
        for call in [look, PageCall::Keep] {
            let target = call.target();
            let (path, url_query) = target.split_once('?').unwrap_or((&target, ""));
            assert_eq!(PageCall::parse(path, url_query), Some(call));
        }
        for (path, url_query) in [("/page/look", "pull=a"), ("/page/go", ""), ("/page/look", "min=x")] {
            assert_eq!(PageCall::parse(path, url_query), None, "{path}");
        }
    }
}
