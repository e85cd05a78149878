//! Pulls of all rooms of a client: one page of one room at a time.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Branches that cannot be read now. Their positions stay.
    passed: BTreeSet<Tag>,
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
    /// The positions of `pull` in these branches; a branch whose HEAD is damaged has `None`.
    pub fn new(
        pull: &ClientPull,
        branches: impl IntoIterator<Item = (BranchId, Option<Head>)>,
    ) -> BranchRotation {
        let branches: Vec<_> = branches.into_iter().map(|(id, head)| (Tag::of(&id), id, head)).collect();
        let passed = branches.iter().filter(|(.., head)| head.is_none()).map(|(tag, ..)| *tag).collect();
        let place = |time, head: &Option<Head>| match head {
            Some(head) => place(time, head),
            None => BranchPosition::Time(time),
        };
        let vector = match &pull.start {
            ClientStart::Vector(vector) => vector.clone(),
            ClientStart::Time(time) => Vector {
                positions: branches.iter().map(|(tag, _, head)| (*tag, place(*time, head))).collect(),
                ..Vector::default()
            },
        };
        let branches: BTreeMap<Tag, (BranchId, Head)> =
            branches.into_iter().map(|(tag, id, head)| (tag, (id, head.unwrap_or_default()))).collect();
        // Branches that the client no longer has are dropped from the cursor.
        let positions = vector.positions.into_iter().filter(|(tag, _)| branches.contains_key(tag)).collect();
        let walk = vector.walk.filter(|(tag, _)| branches.contains_key(tag));
        BranchRotation { branches, vector: Vector { positions, walk, served: vector.served }, passed }
    }

    /// The branch of the next page, if any has new changes: the one whose walk is unfinished, or the next in
    /// rotation, so that a busy branch cannot starve the others.
    pub fn next(&self, pull: &ClientPull) -> Option<(RoomPull, &Head)> {
        let walk = self.vector.walk.as_ref().filter(|(tag, _)| !self.passed.contains(tag));
        let (tag, start) = match walk {
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

    /// Passes over `branch` in this pull, so that it does not hold up the others.
    pub fn pass(&mut self, branch: &BranchId) {
        self.vector.served = Some(Tag::of(branch));
        self.vector.walk = None;
        self.passed.insert(Tag::of(branch));
    }

    /// A page without changes whose cursor continues after the branches that were passed over.
    pub fn passed_over(self) -> PullResponse {
        PullResponse { has_more: true, ..self.nothing_new() }
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
        let page =
            Page { changes: Vec::new(), damaged: Vec::new(), next, has_more: false, snapshot_id: None };
        page.response_at(&Cursor::Vector(self.vector))
    }

    fn start_of(&self, tag: Tag) -> RoomStart {
        match self.vector.positions.get(&tag) {
            None => RoomStart::Cursor(Stamp::ZERO),
            Some(BranchPosition::Position(stamp)) => RoomStart::Cursor(*stamp),
            Some(BranchPosition::Time(time)) => RoomStart::Time(*time),
        }
    }

    /// Whether a branch has new changes that can be read. A position beyond HEAD counts too: the server was
    /// restored.
    fn is_behind(&self, tag: Tag) -> bool {
        if self.passed.contains(&tag) {
            return false;
        }
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
