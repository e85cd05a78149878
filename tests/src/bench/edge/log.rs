//! The log of a branch as its function returns it, without the edge, and whether pages agree with it.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Bound::{Excluded, Included};

use lambda_http::Body;
use lambda_http::http::Request;
use local::stack::Stack;
use protocol::endpoints::function::Function;
use protocol::stamp::Stamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::pull::{PullResponse, PulledChange};

use crate::bench::client::BenchClient;
use crate::fleet;
use crate::till::rows::{Row, Rows};

/// Every change of a branch.
#[derive(Default)]
pub(super) struct Log(BTreeMap<Stamp, PulledChange>);

/// A page as a till was given it.
pub(super) struct Page {
    /// The position that the till asked from.
    pub(super) from: Stamp,
    /// The position at its end.
    pub(super) to: Stamp,
    pub(super) changes: Vec<PulledChange>,
}

impl Log {
    /// Reads it as `client`.
    pub(super) async fn read(stack: &Stack, client: &BenchClient) -> Result<Log, Box<dyn Error>> {
        let (mut log, mut place) = (Log::default(), "since=0".to_owned());
        loop {
            let request = Request::get(format!("/pullChanges?limit=1000&{place}"));
            let request = request.header(TOKEN_HEADER, client.api.token()).body(Body::Empty)?;
            let response = stack.handlers().call(Function::PullChanges, request, fleet::now()).await;
            let page: PullResponse = serde_json::from_slice(response.body())?;
            log.0.extend(page.changes.into_iter().map(|change| (change.stamp, change)));
            if !page.has_more {
                return Ok(log);
            }
            place = format!("cursor={}", page.next_cursor);
        }
    }

    /// The stamp of the last change.
    pub(super) fn head(&self) -> Stamp {
        self.0.keys().next_back().copied().unwrap_or(Stamp::ZERO)
    }

    /// Whether `page` has exactly the changes of the log between its ends, with all that they say.
    pub(super) fn agrees_with(&self, page: &Page) -> bool {
        if page.to == page.from {
            return page.changes.is_empty();
        }
        let is_ahead = page.to > page.from && self.0.contains_key(&page.to);
        let held = || self.0.range((Excluded(page.from), Included(page.to))).map(|(_, change)| change);
        is_ahead && page.changes.iter().eq(held())
    }

    /// The records after the last change.
    pub(super) fn rows(&self) -> Rows {
        let mut rows = Rows::default();
        for change in self.0.values() {
            rows.set(&change.table_name, &change.record_id, Row::from(change));
        }
        rows
    }
}

#[cfg(test)]
mod tests;
