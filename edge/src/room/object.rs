//! The Durable Object `Room`.
//!
//! It hibernates: between two events it may lose its memory, but not its sockets and their attachments. Every
//! handler is implemented, because the crate's defaults panic, and no borrow lives across an await.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use protocol::ids::SessionId;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishRequest};
use worker::{
    DurableObject, Env, Error, Request, Response, ResponseBuilder, Socket, State, WebSocket,
    WebSocketIncomingMessage, console_error, durable_object,
};

use super::alarm::RoomAlarm;
use super::backlog::Unchecked;
use super::call::{self, FinishedGroup, RoomCall};
use super::close_reason;
use super::deliver::deliver;
use super::head_pages::HeadPages;
use super::measure;
use super::open_sockets::OpenSockets;
use super::page_call::{self, PageCall, PageToKeep};
use super::presence::AnnouncedDevices;
use super::presence_queue::PresenceQueue;
use super::recent_commits::RecentCommits;
use super::renewal;
use super::session_checks::SessionChecks;
use super::socket_state::Reaction;
use super::sockets;
use super::tickets;
use super::turns;
use super::write_queue::WriteQueue;
use crate::state::AppState;
use crate::{clock, query};

mod check;
mod connect;
mod presence;
mod relay;

/// The sockets of one branch and the queue of its writes, or the sockets of a hub.
#[durable_object]
pub struct Room {
    state: State,
    env: Env,
    /// The latest stamp that was published to the room, as far as it knows.
    head: Cell<Option<Stamp>>,
    recent_commits: RefCell<RecentCommits>,
    writes: RefCell<WriteQueue>,
    head_pages: RefCell<HeadPages>,
    /// The devices that were announced as online; read from storage when they are needed.
    announced: RefCell<Option<AnnouncedDevices>>,
    presence_queue: Rc<PresenceQueue>,
    sockets: OpenSockets,
    session_checks: Rc<SessionChecks>,
    alarm: RoomAlarm,
    unchecked: Unchecked,
}

impl DurableObject for Room {
    fn new(state: State, env: Env) -> Room {
        let now = clock::now();
        let room = Room {
            head: Cell::new(sockets::answered_head(&state)),
            state,
            env,
            recent_commits: RefCell::default(),
            writes: RefCell::new(WriteQueue::starting(now)),
            head_pages: RefCell::new(HeadPages::new(now)),
            announced: RefCell::default(),
            presence_queue: Rc::default(),
            sockets: OpenSockets::default(),
            session_checks: Rc::default(),
            alarm: RoomAlarm::default(),
            unchecked: Unchecked::default(),
        };
        room.answer_pings();
        room
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let url = request.inner().url();
        match RoomCall::parse(request.method().as_ref(), &request.path(), query::of(&url)) {
            Some(RoomCall::Connect(connect)) => self.connect_unless_ended(connect).await,
            Some(RoomCall::Ticket(call)) => self.ticket(call).await,
            Some(RoomCall::Publish(turn)) => {
                // Before the body arrives: the next write need not wait for it, and no page from before the
                // commit may be given out.
                let began_at = turn.and_then(|turn| self.end_turn(&turn));
                if began_at.is_some() {
                    self.head_pages.borrow_mut().doubt();
                }
                self.publish(&mut request, began_at).await
            }
            Some(RoomCall::Online) => self.online(),
            Some(RoomCall::Relay) => self.relay(&mut request).await,
            Some(RoomCall::Finish(turn)) => self.finish(&turn, &mut request).await,
            Some(RoomCall::Turn(call)) => {
                let Ok(body) = request.bytes().await else { return Ok(status(400)) };
                let answer = turns::answer(&self.writes, call, &body).await;
                Ok(ResponseBuilder::new().with_status(answer.status).fixed(answer.body.into_bytes()))
            }
            Some(RoomCall::Page(call)) => self.page(call, &mut request).await,
            Some(RoomCall::End(sessions)) => self.end_sessions(&sessions).await,
            None => Ok(status(404)),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.check_sockets().await?;
        Response::empty()
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> worker::Result<()> {
        let text = match &message {
            WebSocketIncomingMessage::String(text) => Some(text.as_str()),
            WebSocketIncomingMessage::Binary(_) => None,
        };
        let Some(socket) = self.sockets.find(&self.state, &socket)?.filter(|socket| socket.is_open()) else {
            return Ok(());
        };
        let reaction = socket.state_mut().on_frame(text, self.head.get(), clock::now());
        match reaction {
            Ok(Reaction::Reply(reply)) => {
                socket.save();
                if let Some(reply) = &reply {
                    socket.send_frame(reply);
                }
            }
            Ok(Reaction::Renew(token)) => {
                socket.save();
                if let Err(reason) = renewal::renew(&self.env, &socket, &token.0).await {
                    socket.close(reason);
                }
            }
            Err(reason) => socket.close(reason),
        }
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        code: usize,
        reason: String,
        _: bool,
    ) -> worker::Result<()> {
        sockets::answer_close(&socket, code, &reason);
        self.after_close(&socket).await
    }

    async fn websocket_error(&self, socket: WebSocket, _: Error) -> worker::Result<()> {
        self.after_close(&socket).await
    }

    async fn connect(&self, _: Socket) -> worker::Result<()> {
        Err(Error::from("a room takes no TCP connections"))
    }
}

impl Room {
    /// Ends the turn of a write. Returns when it began, if the write still had it.
    fn end_turn(&self, turn: &str) -> Option<Timestamp> {
        let mut writes = self.writes.borrow_mut();
        let began_at = writes.granted_at(turn);
        writes.leave(turn, clock::now());
        began_at
    }

    async fn page(&self, call: PageCall, request: &mut Request) -> worker::Result<Response> {
        match call {
            PageCall::Look(lookup) => {
                let now = clock::now();
                let is_quiet = self.writes.borrow_mut().is_quiet(now);
                let Ok(state) = AppState::of(&self.env) else { return Ok(status(500)) };
                let bound = state.config.head_bound;
                page_call::response(self.head_pages.borrow_mut().look(&lookup, is_quiet, bound, now))
            }
            PageCall::Keep => {
                let body = request.bytes().await.unwrap_or_default();
                let Ok(page) = serde_json::from_slice::<PageToKeep>(&body) else { return Ok(status(400)) };
                self.head_pages.borrow_mut().keep(page);
                Ok(status(call::ACCEPTED))
            }
        }
    }

    async fn publish(&self, request: &mut Request, began_at: Option<Timestamp>) -> worker::Result<Response> {
        // From this worker, which has checked its length.
        let Ok(body) = request.bytes().await else { return Ok(status(400)) };
        let Ok(publish) = serde_json::from_slice::<PublishRequest>(&body) else { return Ok(status(400)) };
        self.broadcast(&publish.publications, began_at)
    }

    async fn finish(&self, turn: &str, request: &mut Request) -> worker::Result<Response> {
        let body = request.bytes().await.unwrap_or_default();
        let Ok(finished) = serde_json::from_slice::<FinishedGroup>(&body) else {
            self.writes.borrow_mut().lose(turn, clock::now());
            return Ok(status(400));
        };
        let began_at = self.writes.borrow().granted_at(turn);
        self.head_pages.borrow_mut().doubt();
        self.writes.borrow_mut().finish(turn, finished.answers, clock::now());
        self.broadcast(&finished.publications, began_at)
    }

    /// Sends commits to the sockets. `began_at` is when their write got its turn, if it had one.
    fn broadcast(
        &self,
        publications: &[Publication],
        began_at: Option<Timestamp>,
    ) -> worker::Result<Response> {
        let now = clock::now();
        let sockets = self.sockets.all(&self.state)?;
        self.unchecked.close_slow(&sockets);
        self.raise_head(publications);
        for publication in publications.iter().filter(|commit| !commit.changes.is_empty()) {
            self.head_pages.borrow_mut().committed(publication.last(), began_at);
            if self.recent_commits.borrow_mut().insert(publication) {
                self.unchecked.add(deliver(&sockets, publication, now));
                measure::broadcast(&self.env, publication, sockets.len(), now);
            }
        }
        Ok(status(call::ACCEPTED))
    }

    /// Notes how far the room is. A publication may be an old one that comes again.
    fn raise_head(&self, publications: &[Publication]) {
        let known = self.head.get();
        let head = publications.iter().map(Publication::last).max().max(known);
        if head != known {
            self.head.set(head);
            self.answer_pings();
        }
    }

    fn answer_pings(&self) {
        if let Err(error) = sockets::answer_pings(&self.state, self.head.get()) {
            // The object then wakes for each ping and answers it, or the head is told with the next commit.
            console_error!("room: failed to set the automatic pong: {error}");
        }
    }

    async fn end_sessions(&self, sessions: &[SessionId]) -> worker::Result<Response> {
        self.session_checks.note_end(sessions);
        tickets::end_sessions(&self.state, sessions).await?;
        for socket in self.sockets.all(&self.state)? {
            if socket.state().belongs_to(sessions) {
                socket.close(close_reason::ENDED);
            }
        }
        Ok(status(call::ACCEPTED))
    }
}

fn status(code: u16) -> Response {
    ResponseBuilder::new().with_status(code).empty()
}
