//! The Durable Object `Room`.
//!
//! It hibernates: between two events it may lose its memory, but not its sockets and their attachments. Every
//! handler is implemented, because the crate's defaults panic, and no borrow lives across an await.

use std::cell::RefCell;

use protocol::ids::SessionId;
use protocol::limits::ROOM_SOCKETS_MAX;
use protocol::wire::publication::{Publication, PublishRequest};
use protocol::wire::socket::ServerFrame;
use worker::{
    DurableObject, Env, Error, Request, Response, ResponseBuilder, Socket, State, WebSocket,
    WebSocketIncomingMessage, WebSocketPair, console_error, durable_object,
};

use super::alarm;
use super::call::{self, ConnectRequest, FinishedGroup, RoomCall};
use super::close_reason;
use super::deliver::deliver;
use super::keepalive::{self, Action};
use super::recent_commits::RecentCommits;
use super::socket_caps;
use super::socket_state::SocketState;
use super::sockets;
use super::turns;
use super::write_queue::WriteQueue;
use crate::{clock, query};

/// The sockets of one branch, and the queue of its writes.
#[durable_object]
pub struct Room {
    state: State,
    recent_commits: RefCell<RecentCommits>,
    writes: RefCell<WriteQueue>,
}

impl DurableObject for Room {
    fn new(state: State, _env: Env) -> Room {
        if let Err(error) = sockets::answer_pings(&state) {
            // The object then wakes for each ping and answers it.
            console_error!("room: failed to set the automatic pong: {error}");
        }
        Room { state, recent_commits: RefCell::default(), writes: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let url = request.inner().url();
        match RoomCall::parse(request.method().as_ref(), &request.path(), query::of(&url)) {
            Some(RoomCall::Connect(connect)) => self.accept(connect).await,
            Some(RoomCall::Publish(turn)) => {
                if let Some(turn) = turn {
                    // Before the body arrives: the next write need not wait for it.
                    self.writes.borrow_mut().leave(&turn, clock::now());
                }
                self.publish(&mut request).await
            }
            Some(RoomCall::Finish(turn)) => self.finish(&turn, &mut request).await,
            Some(RoomCall::Turn(call)) => {
                let Ok(body) = request.bytes().await else { return Ok(status(400)) };
                let answer = turns::answer(&self.writes, call, &body).await;
                Ok(ResponseBuilder::new().with_status(answer.status).fixed(answer.body.into_bytes()))
            }
            Some(RoomCall::End(sessions)) => self.end_sessions(&sessions),
            None => Ok(status(404)),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let now = clock::now();
        let (sockets, mut states) = self.sockets()?;
        let check = keepalive::check(&mut states, now);
        for ((socket, state), action) in sockets.iter().zip(&states).zip(&check.actions) {
            match action {
                Action::Nothing => {}
                Action::Ping => save_and_send(socket, state, Some(&ServerFrame::Ping)),
                Action::Close(reason) => sockets::close(socket, *reason),
            }
        }
        if let Some(at) = check.next_check {
            alarm::wake_at(&self.state, at).await?;
        }
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
        if !sockets::is_open(&socket) {
            return Ok(());
        }
        if let Some(mut state) = sockets::state_of(&socket) {
            match state.on_frame(text, clock::now()) {
                Ok(answer) => save_and_send(&socket, &state, answer.as_ref()),
                Err(reason) => sockets::close(&socket, reason),
            }
        }
        Ok(())
    }

    async fn websocket_close(&self, _: WebSocket, _: usize, _: String, _: bool) -> worker::Result<()> {
        alarm::delete_if_empty(&self.state).await
    }

    async fn websocket_error(&self, _: WebSocket, _: Error) -> worker::Result<()> {
        alarm::delete_if_empty(&self.state).await
    }

    async fn connect(&self, _: Socket) -> worker::Result<()> {
        Err(Error::from("a room takes no TCP connections"))
    }
}

impl Room {
    async fn accept(&self, connect: ConnectRequest) -> worker::Result<Response> {
        let (sockets, states): (Vec<_>, Vec<_>) = sockets::open(&self.state)?.into_iter().unzip();
        let replaced = socket_caps::replaced(&states, &connect);
        if sockets.len() - replaced.len() >= ROOM_SOCKETS_MAX {
            return Ok(status(call::FULL));
        }
        for socket in replaced.into_iter().filter_map(|place| sockets.get(place)) {
            sockets::close(socket, close_reason::REPLACED);
        }
        let pair = WebSocketPair::new()?;
        let socket_state = SocketState::new(connect, clock::now());
        sockets::accept(&self.state, &pair.server, &socket_state)?;
        alarm::wake_by(&self.state, keepalive::next_check(&socket_state)).await?;
        Response::from_websocket(pair.client)
    }

    async fn publish(&self, request: &mut Request) -> worker::Result<Response> {
        // From this worker, which has checked its length.
        let Ok(body) = request.bytes().await else { return Ok(status(400)) };
        let Ok(publish) = serde_json::from_slice::<PublishRequest>(&body) else { return Ok(status(400)) };
        self.broadcast(&publish.publications)
    }

    async fn finish(&self, turn: &str, request: &mut Request) -> worker::Result<Response> {
        let body = request.bytes().await.unwrap_or_default();
        let Ok(finished) = serde_json::from_slice::<FinishedGroup>(&body) else {
            self.writes.borrow_mut().leave(turn, clock::now());
            return Ok(status(400));
        };
        self.writes.borrow_mut().finish(turn, finished.answers, clock::now());
        self.broadcast(&finished.publications)
    }

    fn broadcast(&self, publications: &[Publication]) -> worker::Result<Response> {
        let now = clock::now();
        let sockets = sockets::open(&self.state)?;
        for publication in publications.iter().filter(|commit| !commit.changes.is_empty()) {
            if self.recent_commits.borrow_mut().insert(publication.last()) {
                deliver(&sockets, publication, now);
            }
        }
        Ok(status(call::ACCEPTED))
    }

    fn end_sessions(&self, sessions: &[SessionId]) -> worker::Result<Response> {
        for (socket, socket_state) in sockets::open(&self.state)? {
            if socket_state.belongs_to(sessions) {
                sockets::close(&socket, close_reason::ENDED);
            }
        }
        Ok(status(call::ACCEPTED))
    }

    /// The open sockets and, in the same order, their states. A ping that the runtime answered counts as
    /// activity.
    fn sockets(&self) -> worker::Result<(Vec<WebSocket>, Vec<SocketState>)> {
        let with_pong = |(socket, mut socket_state): (WebSocket, SocketState)| {
            let pong = sockets::last_automatic_pong(&self.state, &socket);
            socket_state.heard_at = socket_state.heard_at.max(pong.unwrap_or(socket_state.heard_at));
            (socket, socket_state)
        };
        Ok(sockets::open(&self.state)?.into_iter().map(with_pong).unzip())
    }
}

/// Saves `socket_state` and sends `frame`, if there is one; closes a socket that fails.
fn save_and_send(socket: &WebSocket, socket_state: &SocketState, frame: Option<&ServerFrame>) {
    let saved = socket.serialize_attachment(socket_state);
    let sent = frame.map_or(Ok(()), |frame| socket.send_with_str(frame.to_json()));
    if saved.and(sent).is_err() {
        sockets::close(socket, close_reason::GONE);
    }
}

fn status(code: u16) -> Response {
    ResponseBuilder::new().with_status(code).empty()
}
