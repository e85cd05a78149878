//! A Redis for tests that answers what it was told to, and remembers what it was asked.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use config::Secret;
use protocol::timestamp::Timestamp;
use redis_client::client::Client;
use redis_client::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use serde_json::{Value, json};

/// What is sent, and what is answered; with no answer left, nobody answers in time.
#[derive(Clone, Default)]
pub(crate) struct Scripted(Rc<RefCell<Line>>);

#[derive(Default)]
struct Line {
    sent: Vec<String>,
    answers: VecDeque<Value>,
    micros: u64,
}

/// A client of `line`.
pub(crate) fn client(line: &Scripted) -> Client<Scripted> {
    Client::new(line.clone(), Secret::new("s3cret".into()), |bytes| bytes.fill(0))
}

/// The result of a future that waits for nothing.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a test waits for nothing"),
    }
}

impl Scripted {
    /// Answers the next pipeline with these replies; text stands for itself, an object for an error.
    pub(crate) fn answers(&self, replies: &[Value]) {
        let result = |reply: &Value| {
            if reply.is_object() { reply.clone() } else { json!({ "result": encoded(reply) }) }
        };
        self.0.borrow_mut().answers.push_back(replies.iter().map(result).collect());
    }

    /// The bodies that were sent.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.0.borrow().sent.clone()
    }
}

/// Strings in base64, as they are asked for.
fn encoded(reply: &Value) -> Value {
    match reply {
        Value::String(text) => base64(text.as_bytes()).into(),
        Value::Array(items) => items.iter().map(encoded).collect(),
        other => other.clone(),
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let number = three.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        let number = number << (8 * (3 - three.len()));
        let digit = |i: usize| if i <= three.len() { ALPHABET[number >> (18 - 6 * i) & 63] } else { b'=' };
        (0..4).map(|i| char::from(digit(i))).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

impl Transport for Scripted {
    async fn exchange(&self, request: HttpRequest<'_>, _: Duration) -> Result<HttpResponse, TransportError> {
        let mut line = self.0.borrow_mut();
        line.sent.push(String::from_utf8(request.body.to_vec()).unwrap());
        line.micros += 1850;
        let body = line.answers.pop_front().ok_or(TransportError::Late)?;
        Ok(HttpResponse { status: 200, sync_token: None, body: body.to_string().into_bytes() })
    }

    async fn wait(&self, pause: Duration) {
        self.0.borrow_mut().micros += u64::try_from(pause.as_micros()).unwrap();
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.0.borrow().micros)
    }
}
