//! A service by script, with a clock that only moves when something takes time: what the tests of this crate talk to.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::client::Client;
use super::keys::{Key, Keys};
use super::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use config::Secret;
use protocol::timestamp::Timestamp;

/// The token that the tests' client has, to be looked for where it must not be.
pub(crate) const TOKEN: &str = "s3cret-token";

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// It is answered, after a millisecond.
    Answer { status: u16, body: String, sync_token: Option<&'static str> },
    /// The connection is refused, after a millisecond.
    Refused,
    /// The connection breaks off, after a millisecond.
    BrokeOff,
    /// Nothing comes until the deadline.
    Silent,
}

impl Step {
    /// An answer with status 200 and this body.
    pub(crate) fn ok(body: &str) -> Step {
        Step::status(200, body)
    }

    /// An answer with this status and body.
    pub(crate) fn status(status: u16, body: &str) -> Step {
        Step::Answer { status, body: body.to_owned(), sync_token: None }
    }

    /// An answer to one command: a string.
    pub(crate) fn string(text: &str) -> Step {
        Step::ok(&format!("{{\"result\":\"{}\"}}", BASE64_STANDARD.encode(text)))
    }
}

/// A request as the service saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    pub(crate) deadline: Duration,
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct State {
    now: u64,
    steps: VecDeque<Step>,
    seen: Vec<Seen>,
}

/// The service; clones are the same one. A request for which nothing is scripted fails the test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripted(Arc<Mutex<State>>);

impl Scripted {
    /// A service to which `steps` will happen, and a client of it. The client's pauses are as long as they may be.
    pub(crate) fn client(steps: impl IntoIterator<Item = Step>) -> (Scripted, Client<Scripted>) {
        let service = Scripted::default();
        service.then(steps);
        let longest = |bytes: &mut [u8]| bytes.copy_from_slice(&LONGEST_PAUSES.to_le_bytes());
        let client = Client::new(service.clone(), Secret::new(TOKEN.into()), longest);
        (service, client)
    }

    /// Adds what happens after that.
    pub(crate) fn then(&self, steps: impl IntoIterator<Item = Step>) {
        self.0.lock().unwrap().steps.extend(steps);
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.0.lock().unwrap().now += u64::try_from(time.as_micros()).unwrap();
    }
}

/// A number that leaves 20,000 when divided by 20,001, 40,000 by 40,001, 80,000 by 80,001, 160,000 by 160,001 and 200,000
/// by 200,001: their product less one, as far as 64 bits reach.
const LONGEST_PAUSES: u64 = 20_001 * 40_001 * 80_001 - 1;

impl Transport for Scripted {
    async fn exchange(
        &self,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        let (path, headers) = (request.path, request.headers());
        let step = {
            let mut state = self.0.lock().unwrap();
            let at = Timestamp(state.now);
            state.seen.push(Seen { at, deadline, path, headers, body });
            state.steps.pop_front().expect("nothing is scripted for this request")
        };
        self.pass(if matches!(step, Step::Silent) {
            deadline
        } else {
            Duration::from_millis(1).min(deadline)
        });
        match step {
            Step::Answer { status, body, sync_token } => {
                let sync_token = sync_token.map(str::to_owned);
                Ok(HttpResponse { status, sync_token, body: body.into_bytes() })
            }
            Step::Refused => Err(TransportError::NeverArrived("refused".into())),
            Step::BrokeOff => Err(TransportError::BrokeOff("reset".into())),
            Step::Silent => Err(TransportError::Late),
        }
    }

    async fn wait(&self, pause: Duration) {
        self.pass(pause);
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.0.lock().unwrap().now)
    }
}

/// Runs a future that never has to wait, as those over [`Scripted`] are.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something that is not scripted"),
    }
}

/// Some key, as it may be.
pub(crate) fn key(id: &str) -> Key {
    Keys::new("t").unwrap().cart(&"1:2".parse().unwrap(), id)
}
