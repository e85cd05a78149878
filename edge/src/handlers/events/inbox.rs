//! What a room has sent and the stream has not yet taken.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use protocol::timestamp::Timestamp;

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

#[derive(Debug)]
pub(super) struct Inbox {
    frames: VecDeque<String>,
    /// Bytes of all frames.
    bytes: usize,
    has_gap: bool,
    closed: Option<String>,
    waker: Option<Waker>,
    /// When the client was last seen to read.
    read_at: Timestamp,
}

impl Inbox {
    pub(super) fn new(now: Timestamp) -> Inbox {
        let frames = VecDeque::new();
        Inbox { frames, bytes: 0, has_gap: false, closed: None, waker: None, read_at: now }
    }

    /// Whether the client reads: its stream waits for a frame, or has asked for one in the last
    /// `silence_secs`.
    pub(super) fn is_read(&self, silence_secs: u64, now: Timestamp) -> bool {
        self.waker.is_some() || now < self.read_at.plus_secs(silence_secs)
    }

    /// Notes that the client is handed a text. Until it has that, its stream asks for no frame.
    pub(super) fn hand_over(&mut self, now: Timestamp) {
        (self.waker, self.read_at) = (None, now);
    }

    /// Drops all frames, and ends the stream with `event` instead.
    pub(super) fn give_up(&mut self, event: String) {
        (self.frames, self.bytes, self.has_gap) = (VecDeque::new(), 0, false);
        self.close(event);
    }

    /// Adds a frame that comes at `now`.
    pub(super) fn add(&mut self, frame: String, now: Timestamp) {
        if self.waker.is_some() {
            // The stream has waited until now, so the next frame must not take its client for a slow one.
            self.read_at = now;
        }
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
    pub(super) fn poll(&mut self, waker: &Waker, now: Timestamp) -> Poll<Received> {
        self.read_at = now;
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

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn take(inbox: &mut Inbox) -> Poll<Received> {
        inbox.poll(Waker::noop(), NOW)
    }

    fn frame(text: &str) -> Poll<Received> {
        Poll::Ready(Received::Frame(text.into()))
    }

    #[test]
    fn frames_come_in_order_and_the_close_last() {
        let mut inbox = Inbox::new(NOW);
        assert_eq!(take(&mut inbox), Poll::Pending);
        inbox.add("a".into(), NOW);
        inbox.add("b".into(), NOW);
        inbox.close("over".into());
        inbox.close("again".into());
        assert_eq!([take(&mut inbox), take(&mut inbox)], [frame("a"), frame("b")]);
        for _ in 0..2 {
            assert_eq!(take(&mut inbox), Poll::Ready(Received::Closed("over".into())));
        }
    }

    #[test]
    fn one_byte_too_many_leaves_a_gap_and_later_frames_come_again() {
        let mut inbox = Inbox::new(NOW);
        inbox.add("x".repeat(INBOX_BYTES_MAX - 1), NOW);
        inbox.add("y".into(), NOW);
        assert!(!inbox.has_gap);
        inbox.add("z".into(), NOW);
        inbox.add("after".into(), NOW);
        assert_eq!(take(&mut inbox), Poll::Ready(Received::Gap));
        assert_eq!((take(&mut inbox), inbox.bytes), (frame("after"), 0));
        assert_eq!(take(&mut inbox), Poll::Pending);
    }

    #[test]
    fn a_client_reads_while_its_stream_waits_and_for_some_seconds_after() {
        let mut inbox = Inbox::new(NOW);
        assert!(inbox.is_read(40, NOW.plus_secs(39)) && !inbox.is_read(40, NOW.plus_secs(40)));
        assert_eq!(inbox.poll(Waker::noop(), NOW.plus_secs(100)), Poll::Pending);
        assert!(inbox.is_read(40, NOW.plus_secs(900)), "it waits");
        inbox.hand_over(NOW.plus_secs(900));
        assert!(inbox.is_read(40, NOW.plus_secs(939)) && !inbox.is_read(40, NOW.plus_secs(940)));
        assert_eq!(inbox.poll(Waker::noop(), NOW.plus_secs(940)), Poll::Pending);
        inbox.add("a".into(), NOW.plus_secs(2000));
        assert!(inbox.is_read(40, NOW.plus_secs(2039)), "it has waited until the frame came");
        inbox.add("b".into(), NOW.plus_secs(2030));
        assert!(!inbox.is_read(40, NOW.plus_secs(2040)), "it has not asked for the second frame");
    }

    #[test]
    fn a_stream_that_was_given_up_holds_nothing_but_its_last_event() {
        let mut inbox = Inbox::new(NOW);
        inbox.add("a".into(), NOW);
        inbox.add("x".repeat(INBOX_BYTES_MAX), NOW);
        inbox.add("b".into(), NOW);
        inbox.give_up("over".into());
        assert_eq!((inbox.frames.len(), inbox.bytes), (0, 0));
        assert_eq!(take(&mut inbox), Poll::Ready(Received::Closed("over".into())));
    }
}
