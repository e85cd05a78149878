//! Head office: follows all branches of its client with one cursor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use protocol::wire::pull::PullResponse;

use super::actors::Caller;
use super::lock;
use super::rng::Rng;
use super::server::ApiRequest;
use super::world::World;
use crate::till::state::State;

/// Maximum number of pages in one pull.
const PAGES_MAX: usize = 200;

#[derive(Debug)]
pub(crate) struct HeadOffice {
    /// The user. Only the client of its room matters.
    pub(crate) caller: Caller,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    cursor: Option<String>,
    branches: BTreeMap<String, State>,
    busy: bool,
}

impl HeadOffice {
    pub(crate) fn new(caller: Caller) -> HeadOffice {
        HeadOffice { caller, inner: Mutex::default() }
    }

    pub(crate) fn branches(&self) -> BTreeMap<String, State> {
        lock(&self.inner).branches.clone()
    }

    /// Pulls all branches to their ends. Returns whether it got there; false as well if a pull runs already.
    pub(crate) async fn pull(&self, world: &Arc<World>, rng: &mut Rng) -> bool {
        if std::mem::replace(&mut lock(&self.inner).busy, true) {
            return false;
        }
        let done = self.pull_pages(world, rng).await;
        lock(&self.inner).busy = false;
        done
    }

    async fn pull_pages(&self, world: &Arc<World>, rng: &mut Rng) -> bool {
        for _ in 0..PAGES_MAX {
            let limit = rng.weighted(&[(2, 2), (5, 500)], 500);
            let cursor = lock(&self.inner).cursor.clone();
            let query = cursor.map_or_else(String::new, |cursor| format!("cursor={cursor}&"));
            let request = ApiRequest::Pull(format!("{query}limit={limit}"));
            let Some(reply) = world.server.call(&self.caller, request, rng).await else { return false };
            match (reply.status, serde_json::from_str::<PullResponse>(&reply.body)) {
                (200, Ok(page)) => {
                    self.on_page(world, &page);
                    if !page.has_more {
                        return true;
                    }
                }
                (503, _) => return false,
                (status, _) => {
                    let what = format!("a pull of head office is answered {status}: {}", reply.body);
                    world.log.violation("refused", what);
                    return false;
                }
            }
        }
        false
    }

    fn on_page(&self, world: &World, page: &PullResponse) {
        let mut inner = lock(&self.inner);
        inner.cursor = Some(page.next_cursor.clone());
        match &page.branch_id {
            Some(branch) => {
                if page.changes.iter().any(|change| change.branch_id != *branch) {
                    world.log.violation("tills", "a page for head office has changes of two branches");
                }
                inner.branches.entry(branch.clone()).or_default().take_page(page);
            }
            None if page.changes.is_empty() => {}
            None => world.log.violation("tills", "a page for head office has changes without a branch"),
        }
        if !page.has_more {
            // Every branch is at its end, so the tail of every snapshot has arrived.
            inner.branches.values_mut().for_each(State::end_snapshot);
        }
    }
}
