//! Responses that do not end: server-sent events, with one line of data for each line of an event's text.
//!
//! A bounded number of bytes waits for each client; a client that falls behind further is disconnected. A
//! client that disconnects ends its subscription.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::poll_fn;
use tokio::sync::{broadcast, mpsc};

use super::{Client, Context, response};
use crate::access::{Access, ReadOnlyCommands};
use crate::connection::{Connection, ExchangeError};
use crate::format::Format;
use crate::reply::lossy_text;
use crate::request::arguments;
use crate::resp::Reply;

/// Bytes of events that wait for a client, beyond what the network holds. A single event may be larger.
const UNREAD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The sending end of a response's events.
struct Events {
    sender: mpsc::UnboundedSender<Bytes>,
    unread: Arc<AtomicUsize>,
}

/// The client has fallen behind or disconnected.
struct Lost;

/// Responds to `/subscribe` and `/psubscribe`. Each subscription has a connection to the engine of its own.
pub(super) async fn subscribe(
    context: &Arc<Context>,
    client: Client,
    command: &'static str,
    channels: Vec<Bytes>,
) -> Result<Response, ExchangeError> {
    context.count(1, 0);
    let (connection, first) = context.pool.subscribe(command, channels).await?;
    if matches!(first, Reply::Error(_)) {
        return Ok(response::single(&first, Format::Json));
    }
    context.count(0, 1);
    let (events, response) = begin();
    let context = Arc::clone(context);
    tokio::spawn(async move {
        tokio::select! {
            result = relay(connection, first, &events) => if result.is_err() { client.disconnect() },
            () = events.sender.closed() => {}
            () = context.stopped.cancelled() => client.disconnect(),
        }
    });
    Ok(response)
}

pub(super) fn monitor(context: &Arc<Context>, client: Client, access: Access) -> Response {
    context.count(1, 0);
    // It shows what other clients write.
    if access == Access::ReadOnly {
        return response::single(&ReadOnlyCommands::refusal(&arguments(["MONITOR"])), Format::Json);
    }
    context.count(0, 1);
    let (events, response) = begin();
    let context = Arc::clone(context);
    let commands = context.monitor.listen();
    tokio::spawn(async move {
        tokio::select! {
            Lost = show(commands, &events) => client.disconnect(),
            () = events.sender.closed() => {}
            () = context.stopped.cancelled() => client.disconnect(),
        }
    });
    response
}

/// Returns `Ok` when the engine closes its connection: the stream then ends as if it were complete.
async fn relay(mut connection: Connection, first: Reply, events: &Events) -> Result<(), Lost> {
    let mut reply = first;
    loop {
        events.send(&event_text(&reply))?;
        let Ok(next) = connection.receive().await else { return Ok(()) };
        reply = next;
    }
}

async fn show(mut commands: broadcast::Receiver<Bytes>, events: &Events) -> Lost {
    let mut line = Bytes::from_static(b"\"OK\"");
    loop {
        if events.send(&line).is_err() {
            return Lost;
        }
        // An error means that this client has fallen behind: the monitor lives as long as the server.
        let Ok(next) = commands.recv().await else { return Lost };
        line = next;
    }
}

fn begin() -> (Events, Response) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Bytes>();
    let unread = Arc::new(AtomicUsize::new(0));
    let events = Events { sender, unread: Arc::clone(&unread) };
    let body = Body::from_stream(poll_fn(move |task| {
        receiver.poll_recv(task).map(|event| {
            let event = event?;
            unread.fetch_sub(event.len(), Ordering::Relaxed);
            Some(Ok::<_, Infallible>(event))
        })
    }));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
    (events, (headers, body).into_response())
}

impl Events {
    fn send(&self, text: &[u8]) -> Result<(), Lost> {
        let event = Bytes::from(event(text));
        let before = self.unread.fetch_add(event.len(), Ordering::Relaxed);
        if before > 0 && before + event.len() > UNREAD_BYTES_MAX {
            return Err(Lost);
        }
        self.sender.send(event).map_err(|_| Lost)
    }
}

/// `message,channel,text`
fn event_text(reply: &Reply) -> Vec<u8> {
    let Reply::Array(parts) = reply else { return Vec::new() };
    let part = |part: &Reply| match part {
        Reply::Integer(number) => Bytes::from(number.to_string()),
        part => part.text().cloned().unwrap_or_default(),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(&b',')
}

fn event(text: &[u8]) -> String {
    let lines: String = lossy_text(text).split('\n').map(|line| format!("data: {line}\n")).collect();
    lines + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_a_line_of_data_for_each_line_of_text() {
        assert_eq!(event(b"message,chat,hello"), "data: message,chat,hello\n\n");
        assert_eq!(event(b"message,chat,a\nb\xff"), "data: message,chat,a\ndata: b\u{fffd}\n\n");
    }

    #[test]
    fn the_text_of_an_event_is_its_parts_with_commas() {
        let bulk = |text: &'static [u8]| Reply::Bulk(Bytes::from_static(text));
        let confirmation = Reply::Array(vec![bulk(b"subscribe"), bulk(b"chat"), Reply::Integer(1)]);
        assert_eq!(event_text(&confirmation), b"subscribe,chat,1");
        let message = Reply::Array(vec![bulk(b"message"), bulk(b"chat"), bulk(b"a,b")]);
        assert_eq!(event_text(&message), b"message,chat,a,b");
    }

    #[test]
    fn a_client_that_does_not_read_is_lost_at_the_limit() {
        let (events, _response) = begin();
        let large = vec![b'x'; UNREAD_BYTES_MAX];
        assert!(events.send(&large).is_ok(), "a single event may be large");
        assert!(events.send(b"x").is_err());
    }

    #[test]
    fn a_client_that_disconnects_is_noticed() {
        let (events, response) = begin();
        drop(response);
        assert!(events.send(b"x").is_err());
    }
}
