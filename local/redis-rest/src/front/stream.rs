//! Answers that do not end: server-sent events, each with one line of data per line of its text.
//!
//! What a client has not read yet is bounded; one that does not keep up is dropped. A client that goes away
//! ends its subscription.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http_body_util::Either;
use hyper::Response;
use hyper::body::{Body, Frame};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tokio::sync::{Notify, broadcast, mpsc};

use super::Context;
use super::answer::{self, Answer};
use crate::access::{Access, ReadOnlyCommands};
use crate::connection::ExchangeError;
use crate::format::Format;
use crate::reply::readable;
use crate::request::Stream;
use crate::subscribe::Subscription;

/// What a client may be behind, in bytes, beyond what the network holds. A single event may be larger.
const UNREAD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The body of such an answer.
pub(super) struct Events {
    events: mpsc::UnboundedReceiver<Bytes>,
    unread: Arc<AtomicUsize>,
}

/// Where events are put.
struct Feed {
    events: mpsc::UnboundedSender<Bytes>,
    unread: Arc<AtomicUsize>,
}

/// The client does not keep up, or is gone.
struct Lost;

/// Begins a stream.
pub(super) async fn open(
    context: &Arc<Context>,
    access: Access,
    hang_up: &Arc<Notify>,
    source: Stream,
) -> Result<Answer, ExchangeError> {
    context.counters.commands(1);
    let (command, channels) = match source {
        // It shows what others write.
        Stream::Monitor if access == Access::ReadOnly => {
            let refusal = ReadOnlyCommands::refusal(&vec![Bytes::from_static(b"MONITOR")]);
            return Ok(answer::single(&refusal, Format::Json));
        }
        Stream::Monitor => {
            context.counters.billed(1);
            let (feed, answer) = begin();
            tokio::spawn(watch(context.monitor.listen(), feed, Arc::clone(hang_up)));
            return Ok(answer);
        }
        Stream::Subscribe(channels) => ("SUBSCRIBE", channels),
        Stream::PatternSubscribe(patterns) => ("PSUBSCRIBE", patterns),
    };
    match Subscription::open(&context.pool, command, channels).await? {
        Err(refusal) => Ok(answer::single(&refusal, Format::Json)),
        Ok(subscription) => {
            context.counters.billed(1);
            let (feed, answer) = begin();
            tokio::spawn(relay(subscription, feed, Arc::clone(hang_up)));
            Ok(answer)
        }
    }
}

async fn relay(mut subscription: Subscription, feed: Feed, hang_up: Arc<Notify>) {
    loop {
        let event = tokio::select! {
            event = subscription.next() => event,
            () = feed.events.closed() => return,
        };
        // Where the engine is gone, the stream ends as one does that has nothing more to say.
        let Ok(text) = event else { return };
        if feed.put(&text).is_err() {
            return hang_up.notify_one();
        }
    }
}

async fn watch(mut commands: broadcast::Receiver<Bytes>, feed: Feed, hang_up: Arc<Notify>) {
    let mut next = Ok(Bytes::from_static(b"\"OK\""));
    loop {
        match next {
            Ok(line) if feed.put(&line).is_ok() => {}
            Err(broadcast::error::RecvError::Closed) => return,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return hang_up.notify_one(),
        }
        next = tokio::select! {
            line = commands.recv() => line,
            () = feed.events.closed() => return,
        };
    }
}

fn begin() -> (Feed, Answer) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let unread = Arc::new(AtomicUsize::new(0));
    let events = Events { events: receiver, unread: Arc::clone(&unread) };
    let mut answer = Response::new(Either::Right(events));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    (Feed { events: sender, unread }, answer)
}

impl Feed {
    fn put(&self, text: &[u8]) -> Result<(), Lost> {
        let event = Bytes::from(event(text));
        let before = self.unread.fetch_add(event.len(), Ordering::Relaxed);
        if before > 0 && before + event.len() > UNREAD_BYTES_MAX {
            return Err(Lost);
        }
        self.events.send(event).map_err(|_| Lost)
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.events.poll_recv(task).map(|event| {
            let event = event?;
            self.unread.fetch_sub(event.len(), Ordering::Relaxed);
            Some(Ok(Frame::data(event)))
        })
    }
}

fn event(text: &[u8]) -> String {
    let lines: String = readable(text).split('\n').map(|line| format!("data: {line}\n")).collect();
    lines + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_a_line_of_data_for_each_of_its_own() {
        assert_eq!(event(b"message,chat,hello"), "data: message,chat,hello\n\n");
        assert_eq!(event(b"message,chat,a\nb\xff"), "data: message,chat,a\ndata: b\u{fffd}\n\n");
    }

    #[test]
    fn a_client_that_does_not_read_is_lost_at_the_limit() {
        let (feed, _answer) = begin();
        let large = vec![b'x'; UNREAD_BYTES_MAX];
        assert!(feed.put(&large).is_ok(), "a single event may be large");
        assert!(feed.put(b"x").is_err());
    }

    #[test]
    fn a_client_that_is_gone_is_noticed() {
        let (feed, answer) = begin();
        drop(answer);
        assert!(feed.put(b"x").is_err());
    }
}
