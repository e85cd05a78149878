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
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn client(id: &str) -> ClientId {
        id.parse().unwrap()
    }

    #[test]
    fn one_call_too_many_of_a_client_is_refused_and_other_clients_are_not() {
        let calls = CallsInFlight::new(3);
        let mut held: Vec<_> = (0..3).map(|_| calls.begin(&client("1"), NOW).unwrap()).collect();
        let refused = calls.begin(&client("1"), NOW).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_secs()), (ErrorCode::Busy, Some(1)));
        assert!(calls.begin(&client("2"), NOW).is_ok());
        held.pop();
        held.push(calls.begin(&client("1"), NOW).unwrap());
        assert!(calls.begin(&client("1"), NOW).is_err());
        drop(held);
        assert!(calls.calls.borrow().by_client.is_empty());
    }

    #[test]
    fn a_call_whose_end_is_never_reported_stops_to_count() {
        let calls = CallsInFlight::new(2);
        let lost = [calls.begin(&client("1"), NOW).unwrap(), calls.begin(&client("1"), NOW).unwrap()];
        let (late, over) = (NOW.plus_secs(COUNTED.as_secs() - 1), NOW.plus_secs(COUNTED.as_secs()));
        assert!(calls.begin(&client("1"), late).is_err());
        let call = calls.begin(&client("1"), over).unwrap();
        // An end that comes late takes nothing from the others.
        drop(lost);
        assert_eq!(calls.calls.borrow().by_client[&client("1")].len(), 1);
        drop(call);
    }
}
