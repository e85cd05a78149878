//! All rooms of a client, one page of one room at a time.

use std::collections::BTreeMap;

use super::query::{ClientPull, RoomPull, Since, Start};
use super::{Next, Page};
use crate::cursor::Cursor;
use crate::cursor::vector::{Place, Tag, Vector};
use crate::snapshot::Head;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, Room};
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;

/// A client's branches with their HEADs, in the order in which they are served, and where head office stands in them.
#[derive(Clone, Debug)]
pub struct Branches {
    branches: BTreeMap<Tag, (BranchId, Head)>,
    vector: Vector,
}

/// Refuses more branches than one cursor holds.
pub fn few_enough(branches: usize) -> Result<(), ApiError> {
    if branches <= HEAD_OFFICE_BRANCHES_MAX {
        return Ok(());
    }
    let message = format!(
        "This client has more than the {HEAD_OFFICE_BRANCHES_MAX} branches that one pull follows; name a `branch_id`."
    );
    Err(ApiError::new(ErrorCode::TooManyBranches, message))
}

impl Branches {
    /// Where `pull` stands in these branches.
    pub fn new(pull: &ClientPull, branches: impl IntoIterator<Item = (BranchId, Head)>) -> Branches {
        let branches: BTreeMap<Tag, (BranchId, Head)> =
            branches.into_iter().map(|(id, head)| (Tag::of(&id), (id, head))).collect();
        let vector = match &pull.start {
            Start::Vector(vector) => vector.clone(),
            Start::Time(time) => Vector {
                places: branches.iter().map(|(&tag, (_, head))| (tag, place(*time, head))).collect(),
                ..Vector::default()
            },
        };
        // A branch that is none of the client's takes no room in the cursor.
        let places = vector.places.into_iter().filter(|(tag, _)| branches.contains_key(tag)).collect();
        let walk = vector.walk.filter(|(tag, _)| branches.contains_key(tag));
        Branches { branches, vector: Vector { places, walk, served: vector.served } }
    }

    /// The branch that the next page is of, if any is behind: one whose walk has begun, or the first after the one
    /// served last, so that no branch waits for another that never stops selling.
    pub fn next(&self, pull: &ClientPull) -> Option<(RoomPull, &Head)> {
        let (tag, since) = match &self.vector.walk {
            Some((tag, walk)) => (*tag, Since::Walk(walk.clone())),
            None => {
                let behind = || self.branches.keys().copied().filter(|&tag| self.is_behind(tag));
                let tag = behind().find(|&tag| Some(tag) > self.vector.served).or_else(|| behind().next())?;
                (tag, self.since(tag))
            }
        };
        let (branch, head) = self.branches.get(&tag)?;
        let room = Room { client: pull.client.clone(), branch: branch.clone() };
        Some((RoomPull { room, since, min: Stamp::ZERO, window: pull.window.clone() }, head))
    }

    /// Passes over `branch` for now: what it lacks may be there later, and no other branch waits for it.
    pub fn pass_over(&mut self, branch: &BranchId) {
        self.vector.served = Some(Tag::of(branch));
        self.vector.walk = None;
    }

    /// The answer with `page` of `branch`.
    pub fn answer(mut self, branch: &BranchId, page: Page) -> PullResponse {
        let tag = Tag::of(branch);
        self.vector.served = Some(tag);
        self.vector.walk = None;
        match &page.next {
            Next::Position(stamp) => drop(self.vector.places.insert(tag, Place::Position(*stamp))),
            Next::Walk(walk) => self.vector.walk = Some((tag, walk.clone())),
        }
        let others = self.branches.keys().any(|&other| other != tag && self.is_behind(other));
        let page = Page { has_more: page.has_more || others, ..page };
        PullResponse { branch_id: Some(branch.to_string()), ..page.answer_at(&Cursor::Vector(self.vector)) }
    }

    /// The answer when no branch has anything new: it stands at the latest change of all.
    pub fn nothing_new(self) -> PullResponse {
        let latest = self.branches.values().map(|(_, head)| head.stamp).max().unwrap_or_default();
        let next = Next::Position(latest);
        let page = Page { changes: Vec::new(), next, has_more: false, snapshot_id: None };
        page.answer_at(&Cursor::Vector(self.vector))
    }

    fn since(&self, tag: Tag) -> Since {
        match self.vector.places.get(&tag) {
            None => Since::Cursor(Stamp::ZERO),
            Some(Place::Position(stamp)) => Since::Cursor(*stamp),
            Some(Place::Time(time)) => Since::Time(*time),
        }
    }

    /// Whether there is something to tell of a branch; a position beyond HEAD is behind too, after a restore.
    fn is_behind(&self, tag: Tag) -> bool {
        let head = self.branches.get(&tag).map_or(Stamp::ZERO, |(_, head)| head.stamp);
        match self.since(tag) {
            Since::Time(time) => time < head.time(),
            Since::Cursor(stamp) => stamp != head,
            Since::Stamp(_) | Since::Walk(_) => true,
        }
    }
}

/// Where a branch stands that was asked for from `time` on. One with nothing later stands at its HEAD from now on: a
/// time would pass over a commit by a clock that is behind ours.
fn place(time: Timestamp, head: &Head) -> Place {
    if time >= head.stamp.time() { Place::Position(head.stamp) } else { Place::Time(time) }
}
