//! Pulls of all rooms of a client: one page of one room at a time.
//!
//! A poll of many branches must not read every HEAD. The stream notes the latest stamp of each branch in the
//! client's list of branches, so a pull reads the list, and the HEADs of branches whose position is not the
//! noted stamp. Notes may be late or lost: each pull also checks the HEADs of some other branches, in
//! rotation.

mod news;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::query::{ClientPull, ClientStart, RoomPull, RoomStart};
use super::{Next, Page};
use crate::cursor::checkpoint::Checkpoint;
use crate::cursor::vector::{BranchPosition, Positions, Tag, Vector};
use crate::cursor::{Cursors, Position, StoredCheckpoint, VectorCursor};
use crate::limits::HEADS_READ_MAX;
use crate::snapshot::Head;
use crate::tables::digest::TablesDigest;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BranchId, Room};
use protocol::limits::{BRANCHES_CHECKED, HEAD_OFFICE_BRANCHES_MAX};
use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;

/// A branch in the list of its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedBranch {
    /// The branch.
    pub id: BranchId,
    /// The stamp of the latest commit that the stream has noted. Only a hint: HEAD may be later, and after a
    /// restore earlier. `None` if no release that notes it has handled a commit yet.
    pub noted: Option<Stamp>,
}

/// A client's branches in serving order, and head office's position in each.
#[derive(Clone, Debug)]
pub struct BranchRotation {
    branches: BTreeMap<Tag, Branch>,
    vector: Vector,
    /// The checkpoint that the caller's cursor named.
    checkpoint: Option<Checkpoint>,
    /// Branches that cannot be read now. Their positions stay, except for a snapshot that was not complete.
    passed: BTreeSet<Tag>,
    /// The branches without news whose HEADs this pull checks; `None` until they are chosen.
    checks: Option<Vec<Tag>>,
    /// Whether the caller named a time, which becomes a position in every branch.
    is_start: bool,
    /// The tables of the pull, for the cursor.
    tables: TablesDigest,
}

#[derive(Clone, Debug)]
struct Branch {
    id: BranchId,
    noted: Option<Stamp>,
    /// HEAD, once it is read.
    head: Option<Head>,
}

/// A response, and what must be stored before it is sent.
#[derive(Clone, Debug)]
pub struct ClientPage {
    /// The response.
    pub response: PullResponse,
    /// The checkpoint that its cursor names, if that is a new one.
    pub stores: Option<StoredCheckpoint>,
}

/// [`ErrorCode::TooManyBranches`] if head office cannot follow that many branches.
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
    /// The positions of `pull` in these branches. `checkpoint` is the one that its cursor names, if it is
    /// still stored.
    pub fn new(
        pull: &ClientPull,
        checkpoint: Option<Checkpoint>,
        branches: impl IntoIterator<Item = ListedBranch>,
    ) -> BranchRotation {
        let branch = |ListedBranch { id, noted }| (Tag::of(&id), Branch { id, noted, head: None });
        let branches: BTreeMap<Tag, Branch> = branches.into_iter().map(branch).collect();
        let mut vector = match &pull.start {
            ClientStart::Vector(vector) => vector.clone(),
            ClientStart::Time(time) => {
                let time = BranchPosition::Time(*time);
                Vector { positions: branches.keys().map(|tag| (*tag, time)).collect(), ..Vector::default() }
            }
        };
        vector.resume(checkpoint.as_ref());
        vector.settle(branches.keys().copied());
        // Branches that the client no longer has are dropped from the cursor.
        let positions: Positions =
            vector.positions.into_iter().filter(|(tag, _)| branches.contains_key(tag)).collect();
        let walk = vector.walk.filter(|(tag, _)| branches.contains_key(tag));
        let tail = vector.tail.filter(|(tag, _)| branches.contains_key(tag));
        let vector = Vector { positions, walk, tail, ..vector };
        let is_start = matches!(pull.start, ClientStart::Time(_));
        let (passed, checks, tables) = (BTreeSet::new(), None, pull.selection.digest);
        BranchRotation { branches, vector, checkpoint, passed, checks, is_start, tables }
    }

    /// The branches whose HEADs to read next. Read them until there are none: then [`BranchRotation::next`]
    /// finds the branch to serve, or no branch has news.
    pub fn unread(&mut self) -> Vec<BranchId> {
        let tags: Vec<Tag> = if self.is_start || self.is_small() {
            self.branches.keys().copied().filter(|&tag| self.is_unread(tag)).collect()
        } else if let Some(tag) = self.unfinished() {
            Some(tag).filter(|&tag| self.is_unread(tag)).into_iter().collect()
        } else if self.checks.is_none() {
            let checked = self.after(self.vector.checked);
            let is_quiet = |tag: &Tag| self.is_unread(*tag) && !self.may_have_news(*tag);
            let checks: Vec<Tag> = checked.filter(is_quiet).take(BRANCHES_CHECKED).collect();
            self.checks = Some(checks.clone());
            let news = self.unread_news().take(BRANCHES_CHECKED);
            checks.into_iter().chain(news).collect()
        } else if self.next_with_news().is_none() {
            self.unread_news().take(HEADS_READ_MAX).collect()
        } else {
            Vec::new()
        };
        tags.iter().filter_map(|tag| Some(self.branches.get(tag)?.id.clone())).collect()
    }

    /// Takes HEADs that were read; `None` for a damaged one.
    pub fn read(&mut self, heads: impl IntoIterator<Item = (BranchId, Option<Head>)>) {
        for (id, head) in heads {
            let tag = Tag::of(&id);
            let Some(head) = head else {
                self.passed.insert(tag);
                continue;
            };
            // Without changes since a time, the position is HEAD: the time could skip a commit by a server
            // whose clock is behind.
            if let Some(position @ BranchPosition::Time(_)) = self.vector.positions.get_mut(&tag)
                && let BranchPosition::Time(time) = *position
                && time >= head.stamp.time()
            {
                *position = BranchPosition::Position(head.stamp);
            }
            if let Some(branch) = self.branches.get_mut(&tag) {
                branch.head = Some(head);
            }
        }
    }

    /// The branch of the next page, if any has new changes: the one whose snapshot is unfinished, or the next
    /// in rotation, so that a busy branch cannot starve the others.
    pub fn next(&self, pull: &ClientPull) -> Option<(RoomPull, &Head)> {
        let tag = self.unfinished().or_else(|| self.next_with_news())?;
        let start = match &self.vector.walk {
            Some((of, walk)) if *of == tag => RoomStart::Walk(walk.clone()),
            _ => self.start_of(tag),
        };
        let branch = self.branches.get(&tag)?;
        let room = Room { client: pull.client.clone(), branch: branch.id.clone() };
        let one = RoomPull { room, start, min: Stamp::ZERO, selection: pull.selection.clone() };
        Some((one, branch.head.as_ref()?))
    }

    /// Whether the next page belongs to a snapshot that is not complete.
    pub fn is_in_snapshot(&self) -> bool {
        self.unfinished().is_some()
    }

    /// Whether a branch after the one served last has new changes.
    pub fn has_more_in_this_round(&self) -> bool {
        self.branches.keys().any(|&tag| Some(tag) > self.vector.served && self.has_news(tag))
    }

    /// Passes over `branch` in this pull, so that it does not hold up the others.
    pub fn pass(&mut self, branch: &BranchId) {
        let tag = Tag::of(branch);
        self.vector.served = Some(tag);
        self.vector.reset_unfinished();
        self.passed.insert(tag);
    }

    /// A page without changes whose cursor continues after the branches that were passed over.
    pub fn passed_over(self, cursors: Cursors<'_>) -> ClientPage {
        let ClientPage { response, stores } = self.nothing_new(cursors);
        ClientPage { response: PullResponse { has_more: true, ..response }, stores }
    }

    /// The response with `page` of `branch`.
    pub fn response(mut self, branch: &BranchId, page: Page, cursors: Cursors<'_>) -> ClientPage {
        let tag = Tag::of(branch);
        self.vector.served = Some(tag);
        let tail = self.vector.tail.filter(|(of, _)| *of == tag && page.snapshot_id.is_none());
        // Of this branch, or of one that cannot be read now.
        self.vector.reset_unfinished();
        match &page.next {
            Next::Position(Position { stamp, through }) => {
                self.vector.positions.insert(tag, BranchPosition::Position(*stamp));
                // A tail ends where it was to end: a busy branch must not hold up the others.
                let end = tail.map_or(*through, |(_, end)| Some(end).filter(|end| end > stamp));
                self.vector.tail = end.map(|end| (tag, end));
            }
            Next::Walk(walk) => self.vector.walk = Some((tag, walk.clone())),
        }
        let others = self.branches.keys().any(|&other| other != tag && self.has_news(other));
        let page = Page { has_more: page.has_more || others, ..page };
        let VectorCursor { text, stores } = self.cursor(cursors);
        let response = PullResponse { branch_id: Some(branch.to_string()), ..page.response_at(text) };
        ClientPage { response, stores }
    }

    /// The response if no branch has new changes; its stamp is the latest of all branches.
    pub fn nothing_new(mut self, cursors: Cursors<'_>) -> ClientPage {
        let stamp = |branch: &Branch| branch.head.as_ref().map(|head| head.stamp).or(branch.noted);
        let latest = self.branches.values().filter_map(stamp).max().unwrap_or_default();
        let next = Next::Position(latest.into());
        let page =
            Page { changes: Vec::new(), damaged: Vec::new(), next, has_more: false, snapshot_id: None };
        let VectorCursor { text, stores } = self.cursor(cursors);
        ClientPage { response: page.response_at(text), stores }
    }

    fn cursor(&mut self, cursors: Cursors<'_>) -> VectorCursor {
        // A branch that was found to have news, and is not served yet, is checked again.
        let done = self.checks.iter().flatten().take_while(|&&tag| !self.is_behind(tag)).last();
        self.vector.checked = done.copied().or(self.vector.checked).filter(|_| !self.is_small());
        cursors.vector(&self.vector, self.checkpoint.as_ref(), self.tables)
    }

    /// Whether each pull reads every HEAD.
    fn is_small(&self) -> bool {
        self.branches.len() <= BRANCHES_CHECKED
    }

    /// The branch whose snapshot is not complete, unless it cannot be read now.
    fn unfinished(&self) -> Option<Tag> {
        let walk = self.vector.walk.as_ref().map(|(tag, _)| *tag).filter(|tag| !self.passed.contains(tag));
        let tail = self.vector.tail.map(|(tag, _)| tag).filter(|tag| !self.passed.contains(tag));
        walk.or(tail)
    }

    /// All branches, beginning after `tag`.
    fn after(&self, tag: Option<Tag>) -> impl Iterator<Item = Tag> {
        let begin = tag.map_or(Bound::Unbounded, Bound::Excluded);
        let end = tag.map_or(Bound::Excluded(Tag::FIRST), Bound::Included);
        let first = self.branches.range((begin, Bound::Unbounded));
        first.chain(self.branches.range((Bound::Unbounded, end))).map(|(tag, _)| *tag)
    }

    /// The next branch in rotation that has news, of those whose HEADs were read.
    fn next_with_news(&self) -> Option<Tag> {
        self.after(self.vector.served).find(|&tag| self.is_behind(tag))
    }

    /// The branches that may have news, in rotation, of those whose HEADs were not read.
    fn unread_news(&self) -> impl Iterator<Item = Tag> {
        let served = self.after(self.vector.served);
        served.filter(|&tag| self.is_unread(tag) && self.may_have_news(tag))
    }
}
