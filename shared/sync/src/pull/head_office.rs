//! Pulls of all rooms of a client: one page of one room at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::query::{ClientPull, ClientStart, RoomPull, RoomStart};
use super::{Next, Page};
use crate::cursor::vector::{BranchPosition, Tag, Vector};
use crate::cursor::{Cursors, Position};
use crate::snapshot::Head;
use crate::tables::digest::TablesDigest;
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
    /// Branches that cannot be read now. Their positions stay, except for a snapshot that was not complete.
    passed: BTreeSet<Tag>,
    /// The tables of the pull, for the cursor.
    tables: TablesDigest,
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
        let tail = vector.tail.filter(|(tag, _)| branches.contains_key(tag));
        let vector = Vector { positions, walk, tail, served: vector.served };
        BranchRotation { branches, vector, passed, tables: pull.selection.digest }
    }

    /// The branch of the next page, if any has new changes: the one whose snapshot is unfinished, or the next
    /// in rotation, so that a busy branch cannot starve the others.
    pub fn next(&self, pull: &ClientPull) -> Option<(RoomPull, &Head)> {
        let walk = self.vector.walk.as_ref().filter(|(tag, _)| !self.passed.contains(tag));
        let tail = self.vector.tail.filter(|(tag, _)| !self.passed.contains(tag));
        let (tag, start) = match (walk, tail) {
            (Some((tag, walk)), _) => (*tag, RoomStart::Walk(walk.clone())),
            (None, Some((tag, _))) => (tag, self.start_of(tag)),
            (None, None) => {
                let behind = || self.branches.keys().copied().filter(|&tag| self.is_behind(tag));
                let tag = behind().find(|&tag| Some(tag) > self.vector.served).or_else(|| behind().next())?;
                (tag, self.start_of(tag))
            }
        };
        let (branch, head) = self.branches.get(&tag)?;
        let room = Room { client: pull.client.clone(), branch: branch.clone() };
        Some((RoomPull { room, start, min: Stamp::ZERO, selection: pull.selection.clone() }, head))
    }

    /// Whether the next page belongs to a snapshot that is not complete.
    pub fn is_in_snapshot(&self) -> bool {
        let readable = |tag: &Tag| !self.passed.contains(tag);
        self.vector.walk.as_ref().is_some_and(|(tag, _)| readable(tag))
            || self.vector.tail.is_some_and(|(tag, _)| readable(&tag))
    }

    /// Whether a branch after the one served last has new changes.
    pub fn has_more_in_this_round(&self) -> bool {
        self.branches.keys().any(|&tag| Some(tag) > self.vector.served && self.is_behind(tag))
    }

    /// Passes over `branch` in this pull, so that it does not hold up the others.
    pub fn pass(&mut self, branch: &BranchId) {
        let tag = Tag::of(branch);
        self.vector.served = Some(tag);
        self.vector.reset_unfinished();
        self.passed.insert(tag);
    }

    /// A page without changes whose cursor continues after the branches that were passed over.
    pub fn passed_over(self, cursors: Cursors<'_>) -> PullResponse {
        PullResponse { has_more: true, ..self.nothing_new(cursors) }
    }

    /// The response with `page` of `branch`.
    pub fn response(mut self, branch: &BranchId, page: Page, cursors: Cursors<'_>) -> PullResponse {
        let tag = Tag::of(branch);
        self.vector.served = Some(tag);
        // Of this branch, or of one that cannot be read now.
        self.vector.reset_unfinished();
        match &page.next {
            Next::Position(Position { stamp, through }) => {
                self.vector.positions.insert(tag, BranchPosition::Position(*stamp));
                self.vector.tail = through.map(|through| (tag, through));
            }
            Next::Walk(walk) => self.vector.walk = Some((tag, walk.clone())),
        }
        let others = self.branches.keys().any(|&other| other != tag && self.is_behind(other));
        let page = Page { has_more: page.has_more || others, ..page };
        let cursor = cursors.vector_text(&self.vector, self.tables);
        PullResponse { branch_id: Some(branch.to_string()), ..page.response_at(cursor) }
    }

    /// The response if no branch has new changes; its stamp is the latest of all branches.
    pub fn nothing_new(self, cursors: Cursors<'_>) -> PullResponse {
        let latest = self.branches.values().map(|(_, head)| head.stamp).max().unwrap_or_default();
        let next = Next::Position(latest.into());
        let page =
            Page { changes: Vec::new(), damaged: Vec::new(), next, has_more: false, snapshot_id: None };
        page.response_at(cursors.vector_text(&self.vector, self.tables))
    }

    fn start_of(&self, tag: Tag) -> RoomStart {
        let through = self.vector.tail.filter(|(of, _)| *of == tag).map(|(_, through)| through);
        match self.vector.positions.get(&tag) {
            None => RoomStart::Position(Position::default()),
            Some(BranchPosition::Position(stamp)) => RoomStart::Position(Position { stamp: *stamp, through }),
            Some(BranchPosition::Time(time)) => RoomStart::Time(*time),
            Some(BranchPosition::Reset) => RoomStart::Reset,
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
            RoomStart::Position(position) => position.stamp != head || position.through.is_some(),
            RoomStart::Walk(_) | RoomStart::Reset => true,
        }
    }
}

/// The position of a branch from `time` on. Without later changes it is HEAD: a time could skip a commit by a
/// server whose clock is behind.
fn place(time: Timestamp, head: &Head) -> BranchPosition {
    if time >= head.stamp.time() { BranchPosition::Position(head.stamp) } else { BranchPosition::Time(time) }
}
