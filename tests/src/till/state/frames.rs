//! What a till hears over its socket.

use protocol::follow::Follow;
use protocol::stamp::Stamp;
use protocol::wire::socket::{SyncBatchFrame, SyncFrame};

use super::State;
use crate::till::rows::Row;

impl State {
    /// Applies a frame if it is the next one. Returns also whether its change was new.
    pub fn on_frame(&mut self, frame: &SyncFrame) -> (Follow, bool) {
        let followed = self.follow(frame.prev, frame.stamp);
        if followed != Follow::Apply {
            return (followed, false);
        }
        self.position = frame.stamp;
        (followed, self.set(&frame.table_name, &frame.record_id, Row::from(frame)))
    }

    /// Applies the frame of a commit if it is the next one. Returns also the indexes of its changes that were
    /// new.
    pub fn on_batch_frame(&mut self, frame: &SyncBatchFrame) -> (Follow, Vec<usize>) {
        let followed = self.follow(frame.prev, frame.stamp);
        if followed != Follow::Apply {
            return (followed, Vec::new());
        }
        self.position = frame.stamp;
        let mut new = Vec::new();
        for (i, change) in frame.changes.iter().enumerate() {
            let is_new = self.set(&change.table_name, &change.record_id, Row::from(change));
            new.extend(is_new.then_some(i));
        }
        (followed, new)
    }

    /// The till is told the head of its room. Returns whether it has to pull.
    pub fn on_head(&mut self, head: Stamp) -> bool {
        // The position of a snapshot says nothing about what the till has.
        let position = if self.is_in_snapshot() { Stamp::ZERO } else { self.position };
        self.heads.tell(position, head)
    }

    /// The connection to the room is open, and the room knows its `head` or not. Returns whether the till has
    /// to pull.
    pub fn on_connected(&mut self, head: Option<Stamp>) -> bool {
        let is_behind = head.is_none_or(|head| self.on_head(head));
        is_behind || self.pulled.is_none() || self.is_in_snapshot()
    }
}
