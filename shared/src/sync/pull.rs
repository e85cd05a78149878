//! Pull: reading the question, and cutting one page out of the log.

use std::collections::BTreeSet;

use crate::error::{Code, Refusal};
use crate::limits::{LOG_RETENTION_SECS, PULL_BYTES_MAX, PULL_LIMIT_DEFAULT, PULL_LIMIT_MAX};
use crate::micros::Micros;
use crate::protocol::publication::{Publication, PublishedChange};
use crate::protocol::pull::{ChangeBody, PullAnswer};
use crate::record::Operation;
use crate::stamp::{Stamp, cursor, parse_cursor, parse_digits};
use crate::sync::snapshot::Head;
use crate::tables::Tables;

/// Where a pull begins; always exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// A continuation: a position this server gave out, so a change's stamp or the beginning.
    Cursor(Stamp),
    /// A stamp the caller chose; not beyond HEAD either, since stamps come from this server.
    Stamp(Stamp),
    /// A time the caller chose, which may well lie beyond the last change.
    Time(Micros),
}

/// A pull that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullQuery {
    /// Where it begins.
    pub since: Since,
    /// The tables to return; all, if none are named.
    pub tables: Option<BTreeSet<String>>,
    /// Changes in the page, at most.
    pub limit: usize,
    /// A position the answer must not be older than.
    pub min: Stamp,
}

impl PullQuery {
    /// Reads the query string's decoded `pairs`. Names it does not know are left to newer servers.
    pub fn parse<'a>(
        tables: &Tables,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<PullQuery, Refusal> {
        let beginning = Since::Stamp(Stamp::ZERO);
        let mut query =
            PullQuery { since: beginning, tables: None, limit: PULL_LIMIT_DEFAULT, min: Stamp::ZERO };
        let mut continued = None;
        for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            match name {
                "cursor" => continued = Some(read_cursor(value)?),
                "since" => query.since = read_since(value)?,
                "limit" => query.limit = read_limit(value)?,
                "tables" => query.tables = Some(read_tables(tables, value)?),
                "min" => query.min = read_min(value)?,
                _ => {}
            }
        }
        // A continuation wins over where the caller once began.
        query.since = continued.map_or(query.since, Since::Cursor);
        Ok(query)
    }
}

fn read_cursor(value: &str) -> Result<Stamp, Refusal> {
    let message = "`cursor` must be one that this server gave out, unchanged.";
    parse_cursor(value).map_err(|_| Refusal::new(Code::BadCursor, message))
}

fn read_since(value: &str) -> Result<Since, Refusal> {
    let message = "`since` must be RFC 3339, such as 2025-12-07T10:30:00Z, or a stamp of this server.";
    match parse_digits(value) {
        Some(stamp) => Ok(Since::Stamp(stamp)),
        None => Micros::parse(value).map(Since::Time).map_err(|_| Refusal::new(Code::BadSince, message)),
    }
}

fn read_min(value: &str) -> Result<Stamp, Refusal> {
    let message = "`min` must be a `cursor` or `stamp` that this server gave out.";
    let stamp = parse_digits(value).or_else(|| parse_cursor(value).ok());
    stamp.ok_or_else(|| Refusal::new(Code::BadMin, message))
}

fn read_limit(value: &str) -> Result<usize, Refusal> {
    let limit = value.parse().ok().filter(|limit| (1..=PULL_LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| {
        Refusal::new(Code::BadLimit, format!("`limit` must be a number from 1 to {PULL_LIMIT_MAX}."))
    })
}

fn read_tables(tables: &Tables, value: &str) -> Result<BTreeSet<String>, Refusal> {
    let names = value.split(',').map(|name| match tables.contains(name) {
        true => Ok(name.to_owned()),
        false => {
            Err(Refusal::new(Code::UnknownTable, format!("`tables` names {name:?}, which is not synced.")))
        }
    });
    names.collect()
}

/// What a pull has to read, once HEAD is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Nothing: the position is HEAD's.
    Nothing,
    /// The log after `position`.
    Log {
        /// The position.
        position: Stamp,
        /// How many items fill a page, if they are like the average one: reading more would be paid for
        /// and thrown away.
        items: usize,
    },
}

fn reset_required(why: &str) -> Refusal {
    let then = "Keep what you hold and pull from the beginning; if that is refused too, this server cannot tell yet.";
    Refusal::new(Code::ResetRequired, format!("{why} {then}"))
}

/// What to read for `query` in a room at `head`.
pub fn plan(head: &Head, query: &PullQuery) -> Result<Read, Refusal> {
    if query.min > head.stamp {
        return Err(reset_required("`min` lies beyond the last change: the server was restored."));
    }
    let position = match query.since {
        Since::Cursor(position) | Since::Stamp(position) if position > head.stamp => {
            return Err(reset_required("The position lies beyond the last change: the server was restored."));
        }
        Since::Cursor(position) | Since::Stamp(position) => position,
        // No position beyond HEAD is ever handed out, so a time to come stands at HEAD.
        Since::Time(time) => Stamp(time.0).min(head.stamp),
    };
    if position == head.stamp {
        return Ok(Read::Nothing);
    }
    let items = (query.limit as u64).saturating_mul(head.log_items).div_ceil(head.changes.max(1));
    let items = usize::try_from(items).unwrap_or(query.limit).clamp(1, query.limit);
    Ok(Read::Log { position, items })
}

/// The answer when there is nothing new.
pub fn nothing_new(head: &Head) -> PullAnswer {
    page_at(head.stamp, head, Vec::new())
}

/// Cuts a page out of `log`, the items after `position` in order; reads no more of it than fills the page.
///
/// The page ends at `query.limit` changes, at 2 MiB of data, at HEAD as it was read, and where the log ends or
/// its chain breaks. A till that follows `next_cursor` until `has_more` is false stands exactly at HEAD.
pub fn page<E: From<Refusal>>(
    head: &Head,
    query: &PullQuery,
    position: Stamp,
    log: impl Iterator<Item = Result<Publication, E>>,
    now: Micros,
) -> Result<PullAnswer, E> {
    let mut page = Page { head, query, at: position, changes: Vec::new(), bytes: 0 };
    // What is missing if nothing is found: everything up to HEAD, or up to the first item there is.
    let mut missing = head.stamp;
    for item in log {
        let item = item?;
        if query.since == Since::Cursor(page.at) && item.prev < page.at && page.at < item.first {
            return Err(reset_required("The position is none of this log: the server was restored.").into());
        }
        // An item says which stamp comes before it: a later one than ours means that items are missing.
        if item.prev > page.at {
            missing = item.prev;
            break;
        }
        if !page.take(&item) {
            break;
        }
    }
    if page.at == position {
        return Err(nothing_found(missing, now).into());
    }
    Ok(page_at(page.at, head, page.changes))
}

/// The log lacks what comes next, up to `missing`: it has expired, or is so new that this read did not see it yet
/// (HEAD and log are read one after the other, and DynamoDB promises no common view of a transaction).
fn nothing_found(missing: Stamp, now: Micros) -> Refusal {
    if missing.time().plus_secs(LOG_RETENTION_SECS) <= now {
        return reset_required("The position is older than the log.");
    }
    Refusal::new(Code::Unavailable, "The last commit cannot be read yet. Nothing is lost: pull again.")
}

fn page_at(at: Stamp, head: &Head, changes: Vec<ChangeBody>) -> PullAnswer {
    let mode = "changes".to_owned();
    PullAnswer { changes, has_more: at < head.stamp, next_cursor: cursor(at), stamp: at, mode, snapshot_id: None }
}

struct Page<'a> {
    head: &'a Head,
    query: &'a PullQuery,
    at: Stamp,
    changes: Vec<ChangeBody>,
    bytes: usize,
}

impl Page<'_> {
    /// Takes what is new of `item`; false when the page is full.
    fn take(&mut self, item: &Publication) -> bool {
        for (i, change) in item.changes.iter().enumerate() {
            let stamp = item.first.plus(i);
            if stamp <= self.at {
                continue;
            }
            let full = self.changes.len() >= self.query.limit || self.bytes >= PULL_BYTES_MAX;
            if full || stamp > self.head.stamp {
                return false;
            }
            self.at = stamp;
            if self.query.tables.as_ref().is_none_or(|tables| tables.contains(&change.table_name)) {
                self.bytes += change.data.as_str().len();
                self.changes.push(change_body(item, change, stamp));
            }
        }
        true
    }
}

fn change_body(item: &Publication, change: &PublishedChange, stamp: Stamp) -> ChangeBody {
    ChangeBody {
        table_name: change.table_name.clone(),
        record_id: change.record_id.clone(),
        data: change.data.clone(),
        version: change.version,
        stamp,
        server_updated_at: stamp.time().to_string(),
        operation: change.operation,
        is_deleted: change.operation == Operation::Delete,
        device_id: item.device_id.to_string(),
        branch_id: item.branch_id.to_string(),
    }
}

#[cfg(test)]
mod tests;
