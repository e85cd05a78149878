//! Faults between edge and functions, for one client at a time, so that tests do not disturb each other.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFault {
    /// The connection ends before the function is called.
    Down,
    /// The function is called, and the connection ends before its answer.
    LostAnswer,
    /// The platform answers this status, and no function is called.
    Status(u16),
}

/// The faults that are still to come.
#[derive(Clone, Default)]
pub struct HostFaults(Arc<Mutex<Planned>>);

#[derive(Default)]
struct Planned {
    next: Vec<(String, HostFault)>,
    fast_path_cut: HashSet<String>,
}

impl HostFaults {
    fn with<T>(&self, act: impl FnOnce(&mut Planned) -> T) -> T {
        // Every change is a single step, so a panic elsewhere leaves nothing half done.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the next `times` calls of `client` meet `fault`.
    pub fn inject(&self, client: &str, fault: HostFault, times: usize) {
        self.with(|planned| planned.next.extend(std::iter::repeat_n((client.to_owned(), fault), times)));
    }

    /// Takes the commits of `client` out of every answer from now on: only the stream tells the room.
    pub fn cut_fast_path(&self, client: &str) {
        self.with(|planned| planned.fast_path_cut.insert(client.to_owned()));
    }

    /// The fault that the next call of `client` meets.
    pub(super) fn take(&self, client: &str) -> Option<HostFault> {
        self.with(|planned| {
            let place = planned.next.iter().position(|(of, _)| of == client)?;
            Some(planned.next.remove(place).1)
        })
    }

    pub(super) fn is_fast_path_cut(&self, client: &str) -> bool {
        self.with(|planned| planned.fast_path_cut.contains(client))
    }
}

/// The client that a token names; empty for none. Not verified: this only chooses whose call fails.
pub(super) fn client_of(token: &str) -> String {
    #[derive(Deserialize)]
    struct Payload {
        client_id: String,
    }
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let payload: Option<Payload> = payload.and_then(|json| serde_json::from_slice(&json).ok());
    payload.map(|payload| payload.client_id).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_the_calls_of_its_client_as_often_as_said() {
        let faults = HostFaults::default();
        faults.inject("1", HostFault::Down, 2);
        assert_eq!(faults.take("2"), None);
        assert_eq!(faults.take("1"), Some(HostFault::Down));
        assert_eq!(faults.take("1"), Some(HostFault::Down));
        assert_eq!(faults.take("1"), None);
    }

    #[test]
    fn the_client_is_read_from_the_token() {
        let payload = URL_SAFE_NO_PAD.encode(br#"{"client_id":"7"}"#);
        assert_eq!(client_of(&format!("h.{payload}.s")), "7");
        assert_eq!(client_of("nonsense"), "");
    }
}
