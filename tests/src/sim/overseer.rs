//! Head office: follows all branches of its client with one cursor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use protocol::wire::pull::PullResponse;

use super::cast::Caller;
use super::dice::Dice;
use super::lock;
use super::server::Ask;
use super::world::World;
use crate::till::state::State;

/// Pages that head office asks for in one go.
const PAGES_MAX: usize = 200;

/// Head office.
#[derive(Debug)]
pub struct Overseer {
    /// Who is signed in: the room is one of its client, and means nothing.
    pub caller: Caller,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    cursor: Option<String>,
    branches: BTreeMap<String, State>,
    busy: bool,
}

impl Overseer {
    /// Head office on its first day.
    pub fn new(caller: Caller) -> Overseer {
        Overseer { caller, inner: Mutex::default() }
    }

    /// What it has of each branch.
    pub fn branches(&self) -> BTreeMap<String, State> {
        lock(&self.inner).branches.clone()
    }

    /// Pulls until there is nothing new in any branch, unless it does already; whether that came to its end.
    pub async fn pull(&self, world: &Arc<World>, dice: &mut Dice) -> bool {
        if std::mem::replace(&mut lock(&self.inner).busy, true) {
            return false;
        }
        let done = self.pages(world, dice).await;
        lock(&self.inner).busy = false;
        done
    }

    async fn pages(&self, world: &Arc<World>, dice: &mut Dice) -> bool {
        for _ in 0..PAGES_MAX {
            let limit = dice.weighted(&[(2, 2), (5, 500)], 500);
            let cursor = lock(&self.inner).cursor.clone();
            let query = cursor.map_or_else(String::new, |cursor| format!("cursor={cursor}&"));
            let ask = Ask::Pull(format!("{query}limit={limit}"));
            let Some(reply) = world.server.call(&self.caller, ask, dice).await else { return false };
            match (reply.status, serde_json::from_str::<PullResponse>(&reply.body)) {
                (200, Ok(page)) => {
                    self.take(world, &page);
                    if !page.has_more {
                        return true;
                    }
                }
                (503, _) => return false,
                (status, _) => {
                    world
                        .journal
                        .find("refused", format!("head office was answered {status}: {}", reply.body));
                    return false;
                }
            }
        }
        false
    }

    fn take(&self, world: &World, page: &PullResponse) {
        let mut inner = lock(&self.inner);
        inner.cursor = Some(page.next_cursor.clone());
        match &page.branch_id {
            Some(branch) => {
                if page.changes.iter().any(|change| change.branch_id != *branch) {
                    world.journal.find("tills", "head office got changes of two branches in one page");
                }
                inner.branches.entry(branch.clone()).or_default().take_page(page);
            }
            None if page.changes.is_empty() => {}
            None => world.journal.find("tills", "head office got changes of no branch"),
        }
        if !page.has_more {
            // Nothing is left in any branch, so every snapshot's tail is through.
            inner.branches.values_mut().for_each(State::end_walk);
        }
    }
}
