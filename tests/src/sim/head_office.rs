//! Head office: follows all branches of its client with one cursor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use protocol::limits::BRANCHES_CHECKED;
use protocol::wire::pull::PullResponse;

use super::actors::Caller;
use super::lock;
use super::mutation::Mutation;
use super::rng::Rng;
use super::server::ApiRequest;
use super::storage;
use super::world::World;
use crate::till::state::State;

/// Maximum number of pages in one pull.
const PAGES_MAX: usize = 500;
/// So many branches must be followed in some runs.
const MANY_BRANCHES: usize = 200;

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

    /// Pulls all branches to their ends, and if `in_turn`, until each had its turn: a change whose note was
    /// lost is found by then. Returns whether it got there.
    pub(crate) async fn catch_up(&self, world: &Arc<World>, in_turn: bool, rng: &mut Rng) -> bool {
        let branches = if in_turn { world.branches.len() } else { 0 };
        // So few are all looked at by every pull.
        let turns = if branches > BRANCHES_CHECKED { branches.div_ceil(BRANCHES_CHECKED) } else { 0 };
        for _ in 0..=turns {
            if !self.pull(world, rng).await {
                return false;
            }
        }
        true
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
            // A beginning at a time is a position in each branch, also in those that stay empty.
            let query = cursor.map_or_else(|| "since=0&".to_owned(), |cursor| format!("cursor={cursor}&"));
            let request = ApiRequest::Pull(format!("{query}limit={limit}"));
            let Some(reply) = world.server.call(&self.caller, request, rng).await else { return false };
            match (reply.status, serde_json::from_str::<PullResponse>(&reply.body)) {
                (200, Ok(page)) => {
                    self.on_page(world, &page);
                    if !page.has_more {
                        let is_large = world.branches.len() >= MANY_BRANCHES;
                        let mut entries = world.log.entries();
                        entries.coverage.situation("head office at the end of 200 branches", is_large);
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

    /// Whether the list of branches tells that `branch` has changes which are not `held`, or does not tell.
    fn is_noted(&self, world: &World, branch: &str, held: &State) -> bool {
        let Some(room) = world.branches.iter().find(|room| room.branch.as_str() == branch) else {
            return true;
        };
        let noted = storage::noted(world.network.tables(), room);
        world.branches.len() <= BRANCHES_CHECKED || held.is_in_snapshot() || noted != Some(held.position)
    }

    fn on_page(&self, world: &World, page: &PullResponse) {
        let mut inner = lock(&self.inner);
        let is_empty = page.branch_id.is_none();
        if !is_empty || world.mutation != Some(Mutation::KeptCursor) {
            inner.cursor = Some(page.next_cursor.clone());
        }
        world
            .log
            .entries()
            .coverage
            .situation("cursor with a checkpoint", page.next_cursor.starts_with("h2."));
        match &page.branch_id {
            Some(branch) => {
                let held = inner.branches.get(branch);
                let is_in_turn = held.is_some_and(|held| !self.is_noted(world, branch, held));
                world.log.entries().coverage.situation("commit found without its note", is_in_turn);
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
