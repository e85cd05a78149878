//! What a room has sent and the stream has not yet taken.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

/// Bytes of frames that wait for a client that reads too slowly. More are dropped: a pull brings them.
const INBOX_BYTES_MAX: usize = 1024 * 1024;

/// What the stream takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A text frame.
    Frame(String),
    /// Frames were dropped here.
    Gap,
    /// The room has closed the socket; the event that says why, if the client should know.
    Closed(String),
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    frames: VecDeque<String>,
    /// Bytes of all frames.
    bytes: usize,
    has_gap: bool,
    closed: Option<String>,
    waker: Option<Waker>,
}

impl Inbox {
    /// Adds a frame.
    pub(super) fn add(&mut self, frame: String) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        if self.bytes > INBOX_BYTES_MAX {
            (self.frames, self.bytes, self.has_gap) = (VecDeque::new(), 0, true);
        }
        self.wake();
    }

    /// Notes that no frame will follow.
    pub(super) fn close(&mut self, event: String) {
        self.closed.get_or_insert(event);
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Takes what came first, or wakes `waker` when there is something.
    pub(super) fn poll(&mut self, waker: &Waker) -> Poll<Received> {
        if std::mem::take(&mut self.has_gap) {
            return Poll::Ready(Received::Gap);
        }
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.len();
            return Poll::Ready(Received::Frame(frame));
        }
        if let Some(event) = self.closed.clone() {
            return Poll::Ready(Received::Closed(event));
        }
        self.waker = Some(waker.clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(inbox: &mut Inbox) -> Poll<Received> {
        inbox.poll(Waker::noop())
    }

    fn frame(text: &str) -> Poll<Received> {
        Poll::Ready(Received::Frame(text.into()))
    }

    #[test]
    fn frames_come_in_order_and_the_close_last() {
        let mut inbox = Inbox::default();
        assert_eq!(take(&mut inbox), Poll::Pending);
        inbox.add("a".into());
        inbox.add("b".into());
        inbox.close("over".into());
        inbox.close("again".into());
        assert_eq!([take(&mut inbox), take(&mut inbox)], [frame("a"), frame("b")]);
        for _ in 0..2 {
            assert_eq!(take(&mut inbox), Poll::Ready(Received::Closed("over".into())));
        }
    }

    #[test]
    fn one_byte_too_many_leaves_a_gap_and_later_frames_come_again() {
        let mut inbox = Inbox::default();
        inbox.add("x".repeat(INBOX_BYTES_MAX - 1));
        inbox.add("y".into());
        assert!(!inbox.has_gap);
        inbox.add("z".into());
        inbox.add("after".into());
        assert_eq!(take(&mut inbox), Poll::Ready(Received::Gap));
        assert_eq!((take(&mut inbox), inbox.bytes), (frame("after"), 0));
        assert_eq!(take(&mut inbox), Poll::Pending);
    }
}
