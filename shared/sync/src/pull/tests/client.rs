//! A fake store of all rooms of a client, and head office that follows them.

use std::collections::{BTreeMap, BTreeSet};

use super::follower::Follower;
use super::shop::{Shop, selection};
use crate::cursor::checkpoint::{Checkpoint, CheckpointId};
use crate::cursor::seal::CursorKeys;
use crate::cursor::vector::{Others, Vector};
use crate::cursor::{Cursors, Location};
use crate::pull::head_office::{BranchRotation, ListedBranch};
use crate::pull::query::{ClientPull, ClientStart};
use crate::tests::cursor_keys;
use protocol::ids::BranchId;
use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;

pub(super) type Shops = BTreeMap<BranchId, Shop>;

/// Cursors of the client 1.
pub(super) fn of_client(keys: &CursorKeys) -> Cursors<'_> {
    Cursors { keys, scope: "1" }
}

/// The list of branches, without notes.
pub(super) fn listed(shops: &Shops) -> Vec<ListedBranch> {
    shops.keys().map(|id| ListedBranch { id: id.clone(), noted: None }).collect()
}

/// A client as the store has it.
#[derive(Clone, Default)]
pub(super) struct Client {
    pub(super) shops: Shops,
    pub(super) noted: BTreeMap<BranchId, Stamp>,
    pub(super) checkpoints: BTreeMap<CheckpointId, Vec<u8>>,
}

/// A page, and what it cost.
pub(super) struct PulledPage {
    pub(super) response: PullResponse,
    /// The branches whose HEADs were read.
    pub(super) heads: BTreeSet<BranchId>,
    /// Whether a checkpoint was stored.
    pub(super) stores: bool,
}

impl Client {
    /// One page of all rooms, as the handler builds it.
    pub(super) fn page(&mut self, start: ClientStart, limit: usize) -> PulledPage {
        let keys = cursor_keys(&["a"]);
        let checkpoint = match &start {
            ClientStart::Vector(Vector { others: Others::Checkpoint(id), .. }) => {
                self.checkpoints.get(id).and_then(|bytes| Checkpoint::read(*id, bytes))
            }
            _ => None,
        };
        let pull = ClientPull { client: "1".parse().unwrap(), start, selection: selection(limit) };
        let noted = |id: &BranchId| self.noted.get(id).copied();
        let listed = self.shops.keys().map(|id| ListedBranch { id: id.clone(), noted: noted(id) });
        let mut branches = BranchRotation::new(&pull, checkpoint, listed);
        let mut heads = BTreeSet::new();
        loop {
            let unread = branches.unread();
            if unread.is_empty() {
                break;
            }
            let head = |id: BranchId| (id.clone(), Some(self.shops[&id].head.clone()));
            branches.read(unread.iter().cloned().map(head));
            unread.into_iter().for_each(|id| assert!(heads.insert(id), "a HEAD is read twice"));
        }
        let page = match branches.next(&pull) {
            None => branches.nothing_new(of_client(&keys)),
            Some((room, _)) => {
                let branch = room.room.branch.clone();
                let page = self.shops[&branch].page(&room, (false, false)).unwrap();
                branches.response(&branch, page, of_client(&keys))
            }
        };
        let stores = page.stores.is_some();
        self.checkpoints.extend(page.stores.map(|stored| (stored.id, stored.bytes)));
        PulledPage { response: page.response, heads, stores }
    }

    /// The stream notes the latest commit of `branch`.
    pub(super) fn note(&mut self, branch: &BranchId) {
        let stamp = self.shops[branch].head.stamp;
        let noted = self.noted.entry(branch.clone()).or_default();
        *noted = stamp.max(*noted);
    }
}

/// Head office.
#[derive(Clone, Default)]
pub(super) struct Office {
    pub(super) cursor: Option<String>,
    pub(super) branches: BTreeMap<String, Follower>,
}

impl Office {
    /// Pulls one page. Each follower takes the pages of its branch; the end applies to all of them.
    pub(super) fn pull(&mut self, client: &mut Client, limit: usize) -> PulledPage {
        let keys = cursor_keys(&["a"]);
        let start = match self.cursor.as_ref().map(|cursor| of_client(&keys).read(cursor).unwrap().place) {
            None => ClientStart::Vector(Vector::default()),
            Some(Location::Vector(vector)) => ClientStart::Vector(vector),
            Some(other) => panic!("{other:?} is no vector"),
        };
        let answer = client.page(start, limit);
        let page = &answer.response;
        if let Some(branch) = &page.branch_id {
            let mine = PullResponse { has_more: true, ..page.clone() };
            self.branches.entry(branch.clone()).or_default().take(&mine);
        }
        if !page.has_more {
            let end = PullResponse { changes: Vec::new(), snapshot_id: None, ..page.clone() };
            self.branches.values_mut().for_each(|follower| follower.take(&end));
        }
        self.cursor = Some(page.next_cursor.clone());
        answer
    }

    /// Pulls until there is no more; returns the number of pages.
    pub(super) fn catch_up(&mut self, client: &mut Client, limit: usize) -> usize {
        (1..5000).find(|_| !self.pull(client, limit).response.has_more).expect("there is always more")
    }
}
