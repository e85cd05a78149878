//! Pulls of all rooms of a client: one page of one room at a time.

use std::collections::BTreeMap;

use super::query::{ClientPull, ClientStart, RoomPull, RoomStart};
use super::{Next, Page};
use crate::cursor::Cursor;
use crate::cursor::vector::{BranchPosition, Tag, Vector};
use crate::snapshot::Head;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, Room};
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;

/// A client's branches with their HEADs in serving order, and head office's position in each.
#[derive(Clone, Debug)]
pub struct BranchRotation {
    branches: BTreeMap<Tag, (BranchId, Head)>,
    vector: Vector,
}

/// [`ErrorCode::TooManyBranches`] if one cursor cannot hold that many branches.
pub fn check_branch_count(branches: usize) -> Result<(), ApiError> {
    if branches <= HEAD_OFFICE_BRANCHES_MAX {
        return Ok(());
    }
    let message = format!(
        "This client has more than the {HEAD_OFFICE_BRANCHES_MAX} branches that one pull follows; name a `branch_id`."
    );
    Err(ApiError::new(ErrorCode::TooManyBranches, message))
}

impl BranchRotation {
    /// The positions of `pull` in these branches.
    pub fn new(pull: &ClientPull, branches: impl IntoIterator<Item = (BranchId, Head)>) -> BranchRotation {
        let branches: BTreeMap<Tag, (BranchId, Head)> =
            branches.into_iter().map(|(id, head)| (Tag::of(&id), (id, head))).collect();
        let vector = match &pull.start {
            ClientStart::Vector(vector) => vector.clone(),
            ClientStart::Time(time) => Vector {
                positions: branches.iter().map(|(&tag, (_, head))| (tag, place(*time, head))).collect(),
                ..Vector::default()
            },
        };
        // Branches that the client no longer has are dropped from the cursor.
        let positions = vector.positions.into_iter().filter(|(tag, _)| branches.contains_key(tag)).collect();
        let walk = vector.walk.filter(|(tag, _)| branches.contains_key(tag));
        BranchRotation { branches, vector: Vector { positions, walk, served: vector.served } }
    }

    /// The branch of the next page, if any has new changes: the one whose walk is unfinished, or the next in
    /// rotation, so that a busy branch cannot starve the others.
    pub fn next(&self, pull: &ClientPull) -> Option<(RoomPull, &Head)> {
        let (tag, start) = match &self.vector.walk {
            Some((tag, walk)) => (*tag, RoomStart::Walk(walk.clone())),
            None => {
                let behind = || self.branches.keys().copied().filter(|&tag| self.is_behind(tag));
                let tag = behind().find(|&tag| Some(tag) > self.vector.served).or_else(|| behind().next())?;
                (tag, self.start_of(tag))
            }
        };
        let (branch, head) = self.branches.get(&tag)?;
        let room = Room { client: pull.client.clone(), branch: branch.clone() };
        Some((RoomPull { room, start, min: Stamp::ZERO, window: pull.window.clone() }, head))
    }

    /// Skips `branch` for now, so that it does not delay the others.
    pub fn skip(&mut self, branch: &BranchId) {
        self.vector.served = Some(Tag::of(branch));
        self.vector.walk = None;
    }

    /// The response with `page` of `branch`.
    pub fn response(mut self, branch: &BranchId, page: Page) -> PullResponse {
        let tag = Tag::of(branch);
        self.vector.served = Some(tag);
        self.vector.walk = None;
        match &page.next {
            Next::Position(stamp) => {
                self.vector.positions.insert(tag, BranchPosition::Position(*stamp));
            }
            Next::Walk(walk) => self.vector.walk = Some((tag, walk.clone())),
        }
        let others = self.branches.keys().any(|&other| other != tag && self.is_behind(other));
        let page = Page { has_more: page.has_more || others, ..page };
        PullResponse { branch_id: Some(branch.to_string()), ..page.response_at(&Cursor::Vector(self.vector)) }
    }

    /// The response if no branch has new changes; its stamp is the latest of all branches.
    pub fn nothing_new(self) -> PullResponse {
        let latest = self.branches.values().map(|(_, head)| head.stamp).max().unwrap_or_default();
        let next = Next::Position(latest);
        let page = Page { changes: Vec::new(), next, has_more: false, snapshot_id: None };
        page.response_at(&Cursor::Vector(self.vector))
    }

    fn start_of(&self, tag: Tag) -> RoomStart {
        match self.vector.positions.get(&tag) {
            None => RoomStart::Cursor(Stamp::ZERO),
            Some(BranchPosition::Position(stamp)) => RoomStart::Cursor(*stamp),
            Some(BranchPosition::Time(time)) => RoomStart::Time(*time),
        }
    }

    /// Whether a branch has new changes. A position beyond HEAD counts too: the server was restored.
    fn is_behind(&self, tag: Tag) -> bool {
        let head = self.branches.get(&tag).map_or(Stamp::ZERO, |(_, head)| head.stamp);
        match self.start_of(tag) {
            RoomStart::Time(time) => time < head.time(),
            RoomStart::Cursor(stamp) => stamp != head,
            RoomStart::Stamp(_) | RoomStart::Walk(_) => true,
        }
    }
}

/// The position of a branch from `time` on. Without later changes it is HEAD: a time could skip a commit by a
/// server whose clock is behind.
fn place(time: Timestamp, head: &Head) -> BranchPosition {
    if time >= head.stamp.time() { BranchPosition::Position(head.stamp) } else { BranchPosition::Time(time) }
}
