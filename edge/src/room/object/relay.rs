//! How a hub passes on what happens in the branches.

use worker::{Request, Response};

use super::{Room, status};
use crate::clock;
use crate::room::call::{ACCEPTED, RelayedToHub};
use crate::room::deliver::deliver;

impl Room {
    /// Sends commits, and who is online, to the sockets of the hub. It keeps no head: the latest stamp of all
    /// branches does not show that a commit of another branch was lost.
    pub(super) async fn relay(&self, request: &mut Request) -> worker::Result<Response> {
        let Ok(body) = request.bytes().await else { return Ok(status(400)) };
        let Ok(relayed) = serde_json::from_slice::<RelayedToHub>(&body) else { return Ok(status(400)) };
        let (sockets, now) = (self.sockets.all(&self.state)?, clock::now());
        self.unchecked.close_slow(&sockets);
        for publication in relayed.publications.iter().filter(|commit| !commit.changes.is_empty()) {
            if self.recent_commits.borrow_mut().insert(publication) {
                self.unchecked.add(deliver(&sockets, publication, now));
            }
        }
        self.unchecked.add(self.send_presence(&relayed.presence, &sockets, now));
        Ok(status(ACCEPTED))
    }
}
