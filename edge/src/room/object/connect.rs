//! How sockets open in a room, with a token or with a ticket.

use worker::{Response, ResponseBuilder, WebSocketPair};

use super::{Room, status};
use crate::clock;
use crate::room::call::{FULL, SESSION_ENDED};
use crate::room::close_reason::REPLACED;
use crate::room::socket_state::SocketState;
use crate::room::ticket::{BAD_TICKET, TicketCall};
use crate::room::{ConnectRequest, keepalive, measure, socket_caps, tickets};
use crate::state::AppState;

impl Room {
    /// Opens a socket, unless its session has ended.
    pub(super) async fn connect_unless_ended(&self, connect: ConnectRequest) -> worker::Result<Response> {
        if let Some(session) = &connect.session {
            let Ok(app) = AppState::of(&self.env) else { return Ok(status(500)) };
            let checks = &self.session_checks;
            if checks.has_ended(&self.state, &app, connect.room.client(), session).await {
                return Ok(status(SESSION_ENDED));
            }
        }
        self.accept(connect).await
    }

    /// Keeps a ticket, or takes one and opens its socket.
    pub(super) async fn ticket(&self, call: TicketCall) -> worker::Result<Response> {
        match call {
            TicketCall::Issue(ticket) => {
                let id = tickets::issue(&self.state, &ticket, clock::now()).await?;
                self.alarm.wake_by(&self.state, id.expires_at()).await?;
                Ok(ResponseBuilder::new().fixed(id.to_string().into_bytes()))
            }
            TicketCall::Redeem(redemption) => {
                match tickets::redeem(&self.state, redemption, clock::now()).await? {
                    // It may have ended before the room had the ticket to delete.
                    Some(connect) => self.connect_unless_ended(connect).await,
                    None => Ok(status(BAD_TICKET)),
                }
            }
        }
    }

    async fn accept(&self, connect: ConnectRequest) -> worker::Result<Response> {
        let others = self.sockets.all(&self.state)?;
        let replaced = {
            let states: Vec<_> = others.iter().map(|socket| socket.state()).collect();
            let states: Vec<&SocketState> = states.iter().map(|state| &**state).collect();
            socket_caps::admit(&states, &connect)
        };
        let Some(replaced) = replaced else { return Ok(status(FULL)) };
        for socket in replaced.into_iter().filter_map(|place| others.get(place)) {
            socket.close(REPLACED);
        }
        let room = connect.room.clone();
        let (pair, socket_state) = (WebSocketPair::new()?, SocketState::new(connect, clock::now()));
        let socket = self.sockets.accept(&self.state, pair.server, socket_state)?;
        let (greeting, next_check) = {
            let state = socket.state();
            (state.greeting(self.head.get()), keepalive::next_check(&state, self.heartbeat()))
        };
        socket.send_frame(&greeting);
        self.alarm.wake_by(&self.state, next_check).await?;
        self.announce(&others, &socket).await;
        measure::sockets(&self.env, room, self.sockets.all(&self.state)?.len());
        Response::from_websocket(pair.client)
    }
}
