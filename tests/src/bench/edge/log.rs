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
mod tests {
    use serde_json::json;

    use super::*;

    fn change(stamp: u64, n: u64) -> PulledChange {
        let text = json!({
            "table_name": "products", "record_id": "p1", "data": { "n": n }, "version": 1, "stamp": stamp,
            "server_updated_at": "2025-12-07T10:30:01.000123Z", "operation": "update", "is_deleted": false,
            "device_id": "till-1", "branch_id": "1",
        });
        serde_json::from_str(&text.to_string()).unwrap()
    }

    fn page(from: u64, to: u64, changes: &[PulledChange]) -> Page {
        Page { from: Stamp(from), to: Stamp(to), changes: changes.to_vec() }
    }

    #[test]
    fn a_page_has_each_change_of_its_span_and_all_that_it_says() {
        let changes = [change(3, 1), change(5, 2), change(9, 3)];
        let log = Log(changes.iter().map(|change| (change.stamp, change.clone())).collect());
        assert_eq!(log.head(), Stamp(9));
        assert_eq!(log.rows().get("products", "p1").unwrap().stamp, Stamp(9));
        for right in [page(0, 9, &changes), page(3, 5, &changes[1..2]), page(9, 9, &[]), page(0, 0, &[])] {
            assert!(log.agrees_with(&right));
        }
        let other_data = [change(3, 1), change(5, 7)];
        for wrong in [
            page(0, 9, &changes[..2]),
            page(0, 9, &changes[1..]),
            page(0, 5, &other_data),
            page(5, 9, &[]),
            page(9, 12, &[]),
            page(9, 5, &[]),
            page(3, 3, &changes[..1]),
        ] {
            assert!(!log.agrees_with(&wrong), "{} to {}", wrong.from.0, wrong.to.0);
        }
    }
}
