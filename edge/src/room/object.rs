//! The Durable Object `Room`.
//!
//! It hibernates: between two events its memory may be lost, its sockets and their seats are not. Every
//! handler is implemented, because the crate's defaults panic; none returns an error that a socket's event
//! could do anything about; and no borrow lives across an await.

use std::cell::RefCell;

use protocol::ids::SessionId;
use protocol::limits::ROOM_SOCKETS_MAX;
use protocol::wire::publication::Publish;
use protocol::wire::socket::ServerFrame;
use worker::{
    DurableObject, Env, Error, Request, Response, ResponseBuilder, Socket, State, WebSocket,
    WebSocketIncomingMessage, WebSocketPair, console_error, durable_object,
};

use super::alarm;
use super::call::{self, Guest, RoomCall};
use super::deliver::deliver;
use super::remembered::Remembered;
use super::seat::Seat;
use super::sockets;
use super::watch::{self, Due};
use crate::{body, clock, query};

/// The sockets of one branch.
#[durable_object]
pub struct Room {
    state: State,
    remembered: RefCell<Remembered>,
}

impl DurableObject for Room {
    fn new(state: State, _env: Env) -> Room {
        if let Err(error) = sockets::answer_pings(&state) {
            // The object then answers each ping itself.
            console_error!("room: failed to have pings answered: {error}");
        }
        Room { state, remembered: RefCell::default() }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let url = request.inner().url();
        match RoomCall::parse(request.method().as_ref(), &request.path(), query::of(&url)) {
            Some(RoomCall::Connect(guest)) => self.enter(guest).await,
            Some(RoomCall::Publish) => self.publish(&request).await,
            Some(RoomCall::End(sessions)) => self.end(&sessions),
            None => Ok(status(404)),
        }
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let now = clock::now();
        let (sockets, mut seats) = self.seats()?;
        let round = watch::round(&mut seats, now);
        for ((socket, seat), due) in sockets.iter().zip(&seats).zip(&round.due) {
            match due {
                Due::Nothing => {}
                Due::Ping => tell(socket, seat, Some(&ServerFrame::Ping)),
                Due::Close(farewell) => sockets::close(socket, *farewell),
            }
        }
        if let Some(at) = round.wake_at {
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
        if let Some(mut seat) = sockets::seat(&socket) {
            let answer = seat.hear(text, clock::now());
            tell(&socket, &seat, answer.as_ref());
        }
        Ok(())
    }

    async fn websocket_close(&self, _: WebSocket, _: usize, _: String, _: bool) -> worker::Result<()> {
        alarm::sleep_if_empty(&self.state).await
    }

    async fn websocket_error(&self, _: WebSocket, _: Error) -> worker::Result<()> {
        alarm::sleep_if_empty(&self.state).await
    }

    async fn connect(&self, _: Socket) -> worker::Result<()> {
        Err(Error::from("a room takes no TCP connections"))
    }
}

impl Room {
    async fn enter(&self, guest: Guest) -> worker::Result<Response> {
        if sockets::open(&self.state)?.len() >= ROOM_SOCKETS_MAX {
            return Ok(status(call::FULL));
        }
        let pair = WebSocketPair::new()?;
        let seat = Seat::new(guest, clock::now());
        sockets::accept(&self.state, &pair.server, &seat)?;
        alarm::wake_by(&self.state, watch::wake_for(&seat)).await?;
        Response::from_websocket(pair.client)
    }

    async fn publish(&self, request: &Request) -> worker::Result<Response> {
        let Ok(body) = body::read(request).await else { return Ok(status(400)) };
        let Ok(publish) = serde_json::from_slice::<Publish>(&body) else { return Ok(status(400)) };
        let now = clock::now();
        let sockets = sockets::open(&self.state)?;
        for publication in publish.publications.iter().filter(|commit| !commit.changes.is_empty()) {
            if self.remembered.borrow_mut().is_new(publication.last()) {
                deliver(&sockets, publication, now);
            }
        }
        Ok(status(call::TAKEN))
    }

    fn end(&self, sessions: &[SessionId]) -> worker::Result<Response> {
        for (socket, seat) in sockets::open(&self.state)? {
            if seat.is_of(sessions) {
                sockets::close(&socket, watch::ENDED);
            }
        }
        Ok(status(call::TAKEN))
    }

    /// The open sockets and, in the same order, their seats, with the pings that the runtime answered by
    /// itself taken for the signs of life they are.
    fn seats(&self) -> worker::Result<(Vec<WebSocket>, Vec<Seat>)> {
        let heard = |(socket, mut seat): (WebSocket, Seat)| {
            let pong = sockets::last_automatic_pong(&self.state, &socket);
            seat.heard_at = seat.heard_at.max(pong.unwrap_or(seat.heard_at));
            (socket, seat)
        };
        Ok(sockets::open(&self.state)?.into_iter().map(heard).unzip())
    }
}

/// Keeps `seat` and sends `frame`, if there is one. A socket that fails is on its way out.
fn tell(socket: &WebSocket, seat: &Seat, frame: Option<&ServerFrame>) {
    let kept = socket.serialize_attachment(seat);
    let sent = frame.map_or(Ok(()), |frame| socket.send_with_str(frame.to_json()));
    if kept.and(sent).is_err() {
        sockets::close(socket, sockets::GONE);
    }
}

fn status(code: u16) -> Response {
    ResponseBuilder::new().with_status(code).empty()
}
