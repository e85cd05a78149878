//! The functions of a run, called as the edge calls them, over a network that loses things.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use functions::context::Context as FunctionContext;
use functions::http::dispatch;
use lambda_http::{Body, Request, Response};
use protocol::wire::publication::Publication;
use protocol::wire::push::WriteResult;
use protocol::wire::{REQUEST_ID_HEADER, TOKEN_HEADER, WRITE_RESULT_CONTENT_TYPE};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use super::cast::Caller;
use super::clock::{Clock, skewed};
use super::dice::Dice;
use super::journal::{Answered, Call, Journal};
use super::line::{CALL, Context};
use super::weather::Weather;

/// What is asked of which function.
#[derive(Clone, Debug)]
pub enum Ask {
    /// `POST /api/sync/batch-push` with this body.
    Push(String),
    /// `GET /api/sync/pull-changes` with this query.
    Pull(String),
}

/// An answer that arrived.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, as the edge hands it on.
    pub body: String,
}

/// The functions that a run calls.
pub struct Functions {
    /// `batch-push`
    pub batch_push: FunctionContext,
    /// `pull-changes`
    pub pull_changes: FunctionContext,
}

/// The functions.
pub struct Server {
    functions: Functions,
    clock: Clock,
    journal: Arc<Journal>,
    weather: Weather,
    calm: AtomicBool,
    calls: AtomicU64,
    /// Where commits go that stand beside an answer.
    published: UnboundedSender<Publication>,
}

impl Server {
    /// `functions`, whose commits are also sent to `published`.
    pub fn new(
        functions: Functions,
        clock: Clock,
        journal: Arc<Journal>,
        weather: Weather,
        published: UnboundedSender<Publication>,
    ) -> Server {
        let (calm, calls) = (AtomicBool::new(false), AtomicU64::new(0));
        Server { functions, clock, journal, weather, calm, calls, published }
    }

    /// Ends all faults.
    pub fn calm(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    /// Sends a request; none if no answer comes.
    pub async fn call(self: &Arc<Self>, caller: &Caller, ask: Ask, dice: &mut Dice) -> Option<Reply> {
        let calm = self.calm.load(Ordering::Relaxed);
        let weather = if calm { Weather::calm() } else { self.weather.clone() };
        sleep(dice.between(1, 30)).await;
        if dice.permille(weather.lost) {
            return None;
        }
        if dice.permille(weather.twice) {
            // The edge, or somebody between, sends it once more; nobody hears that answer.
            let (server, caller, ask, mut dice) = (self.clone(), caller.clone(), ask.clone(), dice.clone());
            tokio::spawn(async move {
                sleep(dice.between(1, 2000)).await;
                server.start(&caller, ask, &mut dice, &Weather::calm());
            });
        }
        let reply = self.start(caller, ask, dice, &weather).await.ok().flatten();
        sleep(dice.between(1, 30)).await;
        reply.filter(|_| !dice.permille(weather.answer_lost))
    }

    /// Starts a function, which goes on even if its caller does not wait for it.
    fn start(
        self: &Arc<Self>,
        caller: &Caller,
        ask: Ask,
        dice: &mut Dice,
        weather: &Weather,
    ) -> JoinHandle<Option<Reply>> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let skew = i64::try_from(dice.below(weather.skew_micros * 2 + 1)).unwrap_or_default();
        let now = skewed(self.clock.now(), skew - i64::try_from(weather.skew_micros).unwrap_or_default());
        let context = Arc::new(Context { number, seed: dice.roll(), requests: AtomicU64::new(0) });
        let life = dice.permille(weather.crash).then(|| Duration::from_millis(dice.below(150)));
        if let Ask::Push(body) = &ask {
            let (room, role, body) = (caller.room.clone(), caller.role, body.clone());
            self.journal.called(number, Call { room, role, now, body });
        }
        let (server, token) = (self.clone(), caller.token.clone());
        tokio::spawn(CALL.scope(context, async move {
            let answering = server.answer(number, &token, ask, now);
            match life {
                None => Some(answering.await),
                // It is stopped wherever it stands: between a commit and its answer, for one.
                Some(life) => tokio::time::timeout(life, answering).await.ok(),
            }
        }))
    }

    async fn answer(&self, number: u64, token: &str, ask: Ask, now: protocol::timestamp::Timestamp) -> Reply {
        let (uri, body, pushes) = match ask {
            Ask::Push(body) => ("/pushBatch".to_owned(), Body::Text(body), true),
            Ask::Pull(query) => (format!("/pullChanges?{query}"), Body::Empty, false),
        };
        let request = request(&uri, token, number, body);
        let function = if pushes { &self.functions.batch_push } else { &self.functions.pull_changes };
        let response = dispatch::handle(function, request, now).await;
        let reply = self.through_the_edge(&response);
        self.journal.trace(&format!("{number} answers {} {}", reply.status, reply.body));
        if pushes {
            self.journal.answered(Answered { call: number, status: reply.status, body: reply.body.clone() });
        }
        reply
    }

    /// Takes what is the room's out of the answer.
    fn through_the_edge(&self, response: &Response<Body>) -> Reply {
        let status = response.status().as_u16();
        let body = match response.body() {
            Body::Text(text) => text.clone(),
            _ => String::new(),
        };
        let kind = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        if kind != Some(WRITE_RESULT_CONTENT_TYPE) {
            return Reply { status, body };
        }
        match serde_json::from_str::<WriteResult>(&body) {
            Ok(pushed) => {
                // Nobody listens any more once a run is over.
                pushed.publications.into_iter().for_each(|part| drop(self.published.send(part)));
                Reply { status, body: pushed.answer.as_str().to_owned() }
            }
            Err(error) => {
                self.journal.find("answer", format!("an answer for the edge is none: {error}"));
                Reply { status, body }
            }
        }
    }
}

/// A request as the edge makes it.
fn request(uri: &str, token: &str, number: u64, body: Body) -> Request {
    let request = lambda_http::http::Request::builder().uri(uri).header(TOKEN_HEADER, token);
    // Addresses and headers of our own are always ones.
    request.header(REQUEST_ID_HEADER, format!("call-{number}")).body(body).unwrap_or_default()
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
