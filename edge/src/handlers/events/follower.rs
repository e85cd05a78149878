//! Where a stream stands: what it pulls, what it sends of a page or a frame, and when it must pull.

use std::borrow::Cow;

use protocol::endpoints::parameter::{BRANCH, CURSOR, PULL_LIMIT, SINCE, TABLES};
use protocol::follow::{Follow, follow, is_behind};
use protocol::ids::BranchId;
use protocol::limits::PULL_LIMIT_MAX;
use protocol::room_cursor::RoomCursor;
use protocol::stamp::Stamp;
use protocol::wire::pull::CHANGES;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::handlers::pull::PageEnd;
use crate::query;

#[derive(Debug)]
pub(super) struct Follower {
    /// The id of the last event, or a later cursor after changes of other tables.
    cursor: Option<String>,
    /// Where the first pull begins without a cursor.
    since: Option<String>,
    /// The names of the tables, separated by commas; `None` for all.
    tables: Option<String>,
    /// The branch that the caller has named.
    branch: Option<BranchId>,
    /// The position of `cursor`, if the room's frames may continue it.
    position: Option<Stamp>,
    /// The latest head that was known when the last page was asked for.
    pulled_for: Stamp,
    head: Stamp,
    must_pull: bool,
}

/// A page that a function did not write.
#[derive(Debug, thiserror::Error)]
#[error("failed to read a page of a pull")]
pub(crate) struct UnreadablePage;

impl Follower {
    pub(super) fn new(
        cursor: Option<String>,
        since: Option<String>,
        tables: Option<String>,
        branch: Option<BranchId>,
    ) -> Follower {
        let (pulled_for, head) = (Stamp::ZERO, Stamp::ZERO);
        Follower { cursor, since, tables, branch, position: None, pulled_for, head, must_pull: true }
    }

    pub(super) fn must_pull(&self) -> bool {
        self.must_pull
    }

    /// The query of the next pull, which the caller sends now.
    pub(super) fn next_query(&mut self) -> String {
        self.pulled_for = self.head;
        let start = match (&self.cursor, &self.since) {
            (Some(cursor), _) => Some((CURSOR.name, cursor.as_str())),
            (None, since) => since.as_ref().map(|since| (SINCE.name, since.as_str())),
        };
        let tables = self.tables.as_ref().map(|tables| (TABLES.name, tables.as_str()));
        let limit = PULL_LIMIT_MAX.to_string();
        let branch = self.branch.as_ref().map(|branch| (BRANCH.name, branch.as_str()));
        let limit = [(PULL_LIMIT.name, limit.as_str())];
        query::write(start.into_iter().chain(tables).chain(branch).chain(limit))
    }

    /// Moves to the end of a page. Returns its event, unless the stream is there already.
    pub(super) fn on_page(&mut self, body: &[u8]) -> Result<Option<String>, UnreadablePage> {
        let end = PageEnd::read(body).map_err(|_| UnreadablePage)?;
        let page = std::str::from_utf8(body).map_err(|_| UnreadablePage)?;
        (self.must_pull, self.position) = (end.has_more, end.head());
        if self.cursor.as_ref() == Some(&end.next_cursor) {
            return Ok(None);
        }
        let event = event(Some(&end.next_cursor), "changes", page);
        self.cursor = Some(end.next_cursor);
        Ok(Some(event))
    }

    /// Takes a frame of the room. Returns its event, if it is the next commit and has changes of the tables.
    pub(super) fn on_frame(&mut self, text: &str) -> Option<String> {
        let frame: RoomFrame<'_> = serde_json::from_str(text).ok()?;
        if let Some(head) = frame.head {
            self.head = self.head.max(head);
            self.must_pull |= is_behind(self.position.unwrap_or_default(), self.pulled_for, head);
        }
        let (prev, stamp) = (frame.prev?, frame.stamp?);
        let followed = self.position.map_or(Follow::Pull, |position| follow(position, prev, stamp));
        let at = self.cursor.as_deref().and_then(RoomCursor::read);
        let cursor = match (followed, at) {
            (Follow::Drop, _) => return None,
            (Follow::Apply, Some(at)) => at.moved_to(stamp),
            _ => {
                self.must_pull = true;
                return None;
            }
        };
        self.position = Some(stamp);
        let cursor = self.cursor.insert(cursor);
        let mut changes = frame.changes;
        changes.retain(|change| is_of(self.tables.as_deref(), change));
        if changes.is_empty() {
            return None;
        }
        let page = CommitPage { changes, has_more: false, next_cursor: cursor, stamp, mode: CHANGES };
        Some(event(Some(cursor), "changes", &serde_json::to_string(&page).ok()?))
    }

    /// Notes that frames may be missing.
    pub(super) fn on_gap(&mut self) {
        self.must_pull = true;
    }
}

/// A frame of the room: one that tells the head, or a `sync_batch`.
#[derive(Deserialize)]
struct RoomFrame<'a> {
    head: Option<Stamp>,
    #[serde(borrow, default)]
    changes: Vec<&'a RawValue>,
    prev: Option<Stamp>,
    stamp: Option<Stamp>,
}

/// A commit as a `PullResponse`.
#[derive(Serialize)]
struct CommitPage<'a> {
    changes: Vec<&'a RawValue>,
    has_more: bool,
    next_cursor: &'a str,
    stamp: Stamp,
    mode: &'static str,
}

/// Whether `change` is of one of `tables`.
fn is_of(tables: Option<&str>, change: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        table_name: Cow<'a, str>,
    }
    let Some(tables) = tables else { return true };
    let named = serde_json::from_str::<Named<'_>>(change.get());
    named.is_ok_and(|change| tables.split(',').any(|table| table == change.table_name))
}

/// The event that tells why the stream ends.
pub(super) fn close_event(code: u16, reason: &str) -> String {
    #[derive(Serialize)]
    struct Close<'a> {
        code: u16,
        reason: &'a str,
    }
    event(None, "close", &serde_json::to_string(&Close { code, reason }).unwrap_or_default())
}

/// The text of an event. White space in `data` may be line breaks, each of which begins a line of its own.
fn event(id: Option<&str>, name: &str, data: &str) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let mut text = format!("event: {name}\n{id}");
    for line in data.split(['\n', '\r']) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
