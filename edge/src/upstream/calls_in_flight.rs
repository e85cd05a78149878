//! The calls of functions that are under way, with a cap for each client: one client must not take all of the
//! concurrency that an account has. Each isolate counts its own calls.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use protocol::error::{ApiError, ErrorCode};
use protocol::ids::ClientId;
use protocol::timestamp::Timestamp;

use super::CALL_TIMEOUT;

/// After this time a call counts no more. The runtime may never resume the future of a request whose client
/// has gone, and then nothing reports the end of its call.
const COUNTED: Duration = CALL_TIMEOUT.saturating_add(Duration::from_secs(1));

#[derive(Clone, Debug)]
pub(crate) struct CallsInFlight {
    calls: Rc<RefCell<Calls>>,
    client_max: usize,
}

#[derive(Debug, Default)]
struct Calls {
    last_id: u64,
    /// When each call began.
    by_client: HashMap<ClientId, BTreeMap<u64, Timestamp>>,
}

/// A call, which counts until this value is dropped.
#[derive(Debug)]
pub(crate) struct CallInFlight {
    calls: Rc<RefCell<Calls>>,
    client: ClientId,
    id: u64,
}

impl CallsInFlight {
    /// Counts at most `client_max` calls of a client at once.
    pub(crate) fn new(client_max: usize) -> CallsInFlight {
        CallsInFlight { calls: Rc::default(), client_max }
    }

    /// Begins a call of `client` at `now`; [`ErrorCode::Busy`] if it has too many.
    pub(crate) fn begin(&self, client: &ClientId, now: Timestamp) -> Result<CallInFlight, ApiError> {
        let mut calls = self.calls.borrow_mut();
        let id = calls.last_id + 1;
        let under_way = calls.by_client.entry(client.clone()).or_default();
        if under_way.len() >= self.client_max {
            under_way.retain(|_, began_at| now < began_at.plus_secs(COUNTED.as_secs()));
        }
        if under_way.len() >= self.client_max {
            let message = "This client has as many requests under way as one client may. Nothing is lost: send \
                           the same request again.";
            return Err(ApiError::new(ErrorCode::Busy, message));
        }
        under_way.insert(id, now);
        calls.last_id = id;
        Ok(CallInFlight { calls: Rc::clone(&self.calls), client: client.clone(), id })
    }
}

impl Drop for CallInFlight {
    fn drop(&mut self) {
        let mut calls = self.calls.borrow_mut();
        let Some(under_way) = calls.by_client.get_mut(&self.client) else { return };
        under_way.remove(&self.id);
        if under_way.is_empty() {
            calls.by_client.remove(&self.client);
        }
    }
}

#[cfg(test)]
mod tests;
