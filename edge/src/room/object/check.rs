//! What a room does when its alarm rings: it pings silent sockets, closes dead ones, announces who has
//! left, and deletes expired tickets.

use protocol::wire::socket::ServerFrame;
use worker::WebSocket;

use super::Room;
use crate::clock;
use crate::config::Heartbeat;
use crate::room::keepalive::{self, Action};
use crate::room::{measure, sockets, tickets};
use crate::state::AppState;

impl Room {
    pub(super) async fn check_sockets(&self) -> worker::Result<()> {
        self.alarm.rings();
        let now = clock::now();
        let mut open = self.sockets.refreshed(&self.state)?;
        let check = {
            let mut states: Vec<_> = open.iter().map(|socket| socket.state_mut()).collect();
            for (socket, state) in open.iter().zip(&mut states) {
                // A ping that the runtime answered counts as activity.
                let pong = sockets::last_automatic_pong(&self.state, socket.raw());
                state.heard_at = state.heard_at.max(pong.unwrap_or(state.heard_at));
            }
            keepalive::check(states.iter_mut().map(|state| &mut **state), self.heartbeat(), now)
        };
        for (socket, action) in open.iter().zip(check.actions) {
            match action {
                Action::Nothing => {}
                Action::Ping => {
                    socket.save();
                    socket.send_frame(&ServerFrame::Ping);
                }
                Action::Close(reason) => socket.close(reason),
            }
        }
        open.retain(|socket| socket.is_open());
        let next_leave = self.check_presence(&open, now).await;
        let next_tickets = tickets::delete_expired(&self.state, now).await?;
        match check.next_check.into_iter().chain(next_leave).chain(next_tickets).min() {
            Some(at) => self.alarm.wake_by(&self.state, at).await,
            None => Ok(()),
        }
    }

    /// After `socket` has ended: its device may have left, or the room may be empty.
    pub(super) async fn after_close(&self, socket: &WebSocket) -> worker::Result<()> {
        let Some(closed) = self.sockets.remove(&self.state, socket)? else { return Ok(()) };
        let open = self.sockets.all(&self.state)?;
        measure::sockets(&self.env, closed.room(), open.len());
        match self.note_close(&closed, &open, clock::now()).await {
            Some(leave_at) => self.alarm.wake_by(&self.state, leave_at).await,
            None if open.is_empty() && !tickets::is_any_kept(&self.state).await? => {
                self.alarm.delete(&self.state).await
            }
            None => Ok(()),
        }
    }

    pub(super) fn heartbeat(&self) -> Heartbeat {
        // Without a configuration, no request would have come here.
        AppState::of(&self.env).map(|state| state.config.heartbeat).unwrap_or_default()
    }
}
