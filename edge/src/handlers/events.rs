//! `GET /api/sync/events`: the changes of a branch as Server-Sent Events (HTML standard, section 9.2).
//!
//! The worker holds the stream and a socket to the room, so the room can hibernate. An event is a page of a
//! pull: pages up to the head of the room, and then one for each commit that the socket brings. After a gap
//! the worker pulls again.

use std::rc::Rc;
use std::time::Duration;

use futures_util::stream;
use protocol::endpoints::parameter::{CURSOR, SINCE, TABLES};
use protocol::ids::SocketRoom;
use protocol::limits::{EVENTS_COMMENT_SECS, EVENTS_HUB_PULL_SECS, EVENTS_RETRY_MILLIS};
use protocol::timestamp::Timestamp;
use worker::{Delay, ResponseBuilder, console_error};

use crate::authenticate::socket_token;
use crate::clock;
use crate::context::{Caller, RequestContext};
use crate::error::RequestError;
use crate::handlers::pull::{self, Pulled};
use crate::query;
use crate::response::Response;
use crate::room::{self, ConnectRequest, FrameOptions};

mod follower;
mod inbox;
mod room_socket;

pub(crate) use follower::UnreadablePage;

use follower::Follower;
use inbox::Received;
use room_socket::RoomSocket;

const LAST_EVENT_ID_HEADER: &str = "last-event-id";
/// A line that clients ignore. It keeps proxies from closing the stream, and shows whether the client is
/// still there.
const COMMENT: &str = ":\n\n";

/// Opens the stream. The first page comes before the socket and the response, so that a request that cannot
/// be served has the status of a pull, and costs the room nothing.
pub(crate) async fn handle(context: &Rc<RequestContext>) -> Result<Response, RequestError> {
    context.origin.check()?;
    let query = query::canonical(&context.query())?;
    let caller = context.authenticate(socket_token(&query, context.header("authorization")?.as_deref())?)?;
    let branch = query::branch(&query)?;
    caller.claims.room_of(branch.as_ref())?;
    // The hub for head office, so that the stream ends with its session like every socket.
    let room = caller.claims.socket_room(branch.as_ref())?;
    let device = query::device(&query)?;
    caller.claims.acts_as(&device)?;
    context.admit_to_socket(&caller.claims).await?;
    let parameter = |name| query::value(&query, name).filter(|value| !value.is_empty());
    // A browser that comes back sends the id of the last event, and the address as before.
    let cursor = context.header(LAST_EVENT_ID_HEADER)?.filter(|id| !id.is_empty());
    let cursor = cursor.or_else(|| parameter(CURSOR.name));
    let tables = parameter(TABLES.name);
    let mut follower = Follower::new(cursor, parameter(SINCE.name), tables, branch.clone());
    let first = match pull_page(context, &caller, &mut follower).await? {
        Ok(first) => first,
        Err(refusal) => return Ok(*refusal),
    };
    let options = FrameOptions { batched: true, own: true, branch };
    let tells_head = matches!(room, SocketRoom::Branch(_));
    let connect = ConnectRequest::new(caller.claims.clone(), room, device, options);
    let silence_secs = context.state.config.heartbeat.silence_secs();
    let socket = RoomSocket::new(&room::open_socket(&context.env, &connect).await?, silence_secs)?;
    // A commit may have come between page and socket.
    follower.on_gap();
    let (context, now) = (context.clone(), clock::now());
    let events = Events { context, caller, follower, socket, tells_head, sent_at: now, pulled_at: now };
    events.into_response(first.as_deref())
}

/// Pulls the next page. Returns its event, if it has news, or the refusal of the function.
async fn pull_page(
    context: &RequestContext,
    caller: &Caller,
    follower: &mut Follower,
) -> Result<Result<Option<String>, Box<Response>>, RequestError> {
    let query = follower.next_query();
    match pull::pull(context, caller, &query).await? {
        Pulled::ByEdge { page, .. } => Ok(Ok(follower.on_page(&page.body.to_vec())?)),
        Pulled::ByFunction(page) if page.status == 200 => Ok(Ok(follower.on_page(&page.body)?)),
        Pulled::ByFunction(refusal) => Ok(Err(Box::new(refusal.passed_on()))),
    }
}

/// A stream. Dropping it closes its socket.
struct Events {
    context: Rc<RequestContext>,
    caller: Caller,
    follower: Follower,
    socket: RoomSocket,
    /// Whether the pong of its room tells the head, by which a lost frame is noticed. That of a hub does not.
    tells_head: bool,
    /// When the last bytes were sent.
    sent_at: Timestamp,
    /// When the last page was asked for.
    pulled_at: Timestamp,
}

/// What comes next in a stream.
enum Next {
    Text(String),
    /// The last text.
    End(String),
}

impl Events {
    fn into_response(self, first: Option<&str>) -> Result<Response, RequestError> {
        let start = format!("retry: {EVENTS_RETRY_MILLIS}\n\n{}", first.unwrap_or_default());
        let start: worker::Result<Vec<u8>> = Ok(start.into_bytes());
        let rest = stream::unfold(Some(self), |events| async {
            let mut events = events?;
            let (text, events) = match events.next().await {
                Next::Text(text) => (text, Some(events)),
                Next::End(text) => (text, None),
            };
            Some((Ok(text.into_bytes()), events))
        });
        let text = stream::StreamExt::chain(stream::iter([start]), rest);
        let response = ResponseBuilder::new().with_header("content-type", "text/event-stream")?;
        Ok(response.from_stream(text)?.into())
    }

    /// Waits for the next text. Whatever goes wrong ends the stream: the client comes back and continues.
    async fn next(&mut self) -> Next {
        loop {
            if self.follower.must_pull() {
                match self.pull().await {
                    Ok(Ok(Some(event))) => return self.sent(event),
                    Ok(Ok(None)) => {}
                    Ok(Err(_)) => return Next::End(String::new()),
                    Err(error) => {
                        console_error!("{} ends its events: {error}", self.context.id);
                        return Next::End(String::new());
                    }
                }
                continue;
            }
            match self.receive().await {
                Some(Received::Frame(frame)) => {
                    if let Some(event) = self.follower.on_frame(&frame) {
                        return self.sent(event);
                    }
                }
                Some(Received::Gap) => self.follower.on_gap(),
                Some(Received::Closed(event)) => return Next::End(event),
                None => {
                    // The runtime answers, and the room does not wake.
                    self.socket.ping();
                    if !self.tells_head && clock::now() >= self.pulled_at.plus_secs(EVENTS_HUB_PULL_SECS) {
                        self.follower.on_gap();
                    }
                    return self.sent(COMMENT.to_owned());
                }
            }
        }
    }

    fn sent(&mut self, text: String) -> Next {
        self.sent_at = clock::now();
        self.socket.hand_over();
        Next::Text(text)
    }

    /// What the room sends; `None` if nothing was sent to the client for so long that a comment is due.
    async fn receive(&mut self) -> Option<Received> {
        let due = self.sent_at.plus_secs(EVENTS_COMMENT_SECS);
        let left = Duration::from_micros(due.0.saturating_sub(clock::now().0)).max(Duration::from_millis(1));
        clock::within(left, self.socket.next()).await
    }

    /// Pulls the next page, once the client's ceiling allows it.
    async fn pull(&mut self) -> Result<Result<Option<String>, Box<Response>>, RequestError> {
        while let Err(refusal) = self.context.count_pull(&self.caller.claims) {
            let secs = refusal.retry_after_secs().unwrap_or(1).min(EVENTS_COMMENT_SECS);
            Delay::from(Duration::from_secs(secs.max(1))).await;
        }
        self.pulled_at = clock::now();
        pull_page(&self.context, &self.caller, &mut self.follower).await
    }
}
