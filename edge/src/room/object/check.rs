//! What a room does when its alarm rings: it pings silent sockets, closes dead ones, announces who has
//! left, and deletes expired tickets.

use protocol::wire::socket::ServerFrame;
use worker::WebSocket;

use super::Room;
use crate::clock;
use crate::config::Heartbeat;
use crate::room::keepalive::{self, Action};
use crate::room::socket_state::SocketState;
use crate::room::{alarm, measure, sockets, tickets};
use crate::state::AppState;

impl Room {
    pub(super) async fn check_sockets(&self) -> worker::Result<()> {
        let now = clock::now();
        let (sockets, mut states) = self.sockets()?;
        let check = keepalive::check(&mut states, self.heartbeat(), now);
        let mut open = Vec::new();
        for ((socket, state), action) in sockets.into_iter().zip(states).zip(check.actions) {
            match action {
                Action::Nothing => {}
                Action::Ping => sockets::save_and_send(&socket, &state, Some(&ServerFrame::Ping)),
                Action::Close(reason) => {
                    sockets::close(&socket, reason);
                    continue;
                }
            }
            open.push((socket, state));
        }
        let next_leave = self.check_presence(&open, now).await;
        let next_tickets = tickets::delete_expired(&self.state, now).await?;
        match check.next_check.into_iter().chain(next_leave).chain(next_tickets).min() {
            Some(at) => alarm::wake_at(&self.state, at).await,
            None => Ok(()),
        }
    }

    /// After a socket has ended: its device may have left, or the room may be empty.
    pub(super) async fn after_close(&self) -> worker::Result<()> {
        let open = sockets::open(&self.state)?;
        measure::sockets(&self.state, &self.env, open.len());
        match self.check_presence(&open, clock::now()).await {
            Some(leave_at) => alarm::wake_by(&self.state, leave_at).await,
            None if open.is_empty() && !tickets::is_any_kept(&self.state).await? => {
                self.state.storage().delete_alarm().await
            }
            None => Ok(()),
        }
    }

    pub(super) fn heartbeat(&self) -> Heartbeat {
        // Without a configuration, no request would have come here.
        AppState::of(&self.env).map(|state| state.config.heartbeat).unwrap_or_default()
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
