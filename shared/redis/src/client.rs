//! The client: sends commands within deadlines, repeats those that may run twice, and stops asking a dead
//! Redis.

mod attempts;
mod counters;
mod health;

use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::arguments::Arguments;
use super::breaker::Breaker;
use super::budget::Budget;
use super::command::{Command, Repeat};
use super::error::RedisError;
use super::pipeline::{Pipeline, Replies, typed};
use super::reply::{Reply, read_many, read_one};
use super::sync_token::SyncToken;
use super::transport::Transport;
use attempts::Deadline;
use config::Secret;
use counters::Counters;
pub use counters::Counts;
pub use health::Health;

/// Path for one command.
const ONE: &str = "/";
/// Path for several commands.
const PIPELINE: &str = "/pipeline";
/// Path for several commands that run atomically.
const TRANSACTION: &str = "/multi-exec";

/// A client of one database. Clones share the circuit breaker, the sync token and the counts.
pub struct Client<T> {
    shared: Arc<Shared<T>>,
    budget: Budget,
}

/// What all clones of a client share.
struct Shared<T> {
    transport: T,
    token: Secret,
    random: fn(&mut [u8]),
    breaker: Mutex<Breaker>,
    sync_token: SyncToken,
    counters: Counters,
}

impl<T: Transport> Client<T> {
    /// A client that sends over `transport`, authenticates with `token`, and draws the jitter of its pauses
    /// from `random`, which fills the given bytes.
    pub fn new(transport: T, token: Secret, random: fn(&mut [u8])) -> Client<T> {
        let (breaker, sync_token) = (Mutex::new(Breaker::new()), SyncToken::default());
        let counters = Counters::default();
        let shared = Shared { transport, token, random, breaker, sync_token, counters };
        Client { shared: Arc::new(shared), budget: Budget::DEFAULT }
    }

    /// The same client with other deadlines.
    pub fn within(&self, budget: Budget) -> Client<T> {
        Client { budget, ..self.clone() }
    }

    /// Runs one command in one round trip. A script whose hash the server does not know costs a second round
    /// trip.
    pub async fn run<R>(&self, command: &Command<R>) -> Result<R, RedisError> {
        let deadline = self.deadline();
        let mut reply = self.send_one(&deadline, &command.arguments, command.repeat).await?;
        if let (true, Some(with_text)) = (is_no_script(&reply), &command.with_script_text) {
            reply = self.send_one(&deadline, with_text, command.repeat).await?;
        }
        typed(reply, command.decode)
    }

    /// Runs several commands in order in one round trip. Other clients' commands may run in between; a failed
    /// command stops no other.
    ///
    /// Scripts whose hash the server does not know are sent again with their text in a second round trip:
    /// they run after the commands that follow them.
    pub async fn pipeline(&self, pipeline: &Pipeline) -> Result<Replies, RedisError> {
        let items = pipeline.items();
        let deadline = self.deadline();
        let arguments: Vec<_> = items.iter().map(|item| &item.arguments).collect();
        let mut replies = self.send_many(&deadline, PIPELINE, &arguments, pipeline.repeat()).await?;
        let unknown = replies.iter_mut().zip(items).filter(|(reply, _)| is_no_script(reply));
        let (places, with_text): (Vec<_>, Vec<_>) =
            unknown.filter_map(|(reply, item)| Some((reply, item.with_script_text.as_ref()?))).unzip();
        let second = self.send_many(&deadline, PIPELINE, &with_text, pipeline.repeat()).await?;
        for (place, reply) in places.into_iter().zip(second) {
            *place = reply;
        }
        Ok(Replies::new(replies))
    }

    /// Runs several commands atomically in one round trip. The service rejects all of them if it cannot
    /// accept one; a command that fails while it runs undoes no other.
    ///
    /// Scripts are sent with their text, because half a transaction cannot be sent again.
    pub async fn transaction(&self, pipeline: &Pipeline) -> Result<Replies, RedisError> {
        let items = pipeline.items();
        let arguments: Vec<_> =
            items.iter().map(|item| item.with_script_text.as_ref().unwrap_or(&item.arguments)).collect();
        let replies = self.send_many(&self.deadline(), TRANSACTION, &arguments, pipeline.repeat()).await?;
        Ok(Replies::new(replies))
    }

    async fn send_one(
        &self,
        deadline: &Deadline,
        arguments: &Arguments,
        repeat: Repeat,
    ) -> Result<Reply, RedisError> {
        let response = self.send(deadline, ONE, &to_json(arguments)?, 1, repeat).await?;
        Ok(read_one(&response)?)
    }

    /// One reply for each of `commands`. Sends nothing without commands.
    async fn send_many(
        &self,
        deadline: &Deadline,
        path: &'static str,
        commands: &[&Arguments],
        repeat: Repeat,
    ) -> Result<Vec<Reply>, RedisError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let response = self.send(deadline, path, &to_json(&commands)?, commands.len(), repeat).await?;
        let replies = read_many(&response)?.map_err(RedisError::Refused)?;
        if replies.len() != commands.len() {
            return Err(RedisError::Miscounted { answers: replies.len(), commands: commands.len() });
        }
        Ok(replies)
    }
}

fn to_json(body: &impl Serialize) -> Result<Vec<u8>, RedisError> {
    serde_json::to_vec(body).map_err(RedisError::Write)
}

fn is_no_script(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(error) if error.is_no_script())
}

impl<T> Clone for Client<T> {
    fn clone(&self) -> Client<T> {
        Client { shared: Arc::clone(&self.shared), budget: self.budget }
    }
}

impl<T> std::fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("budget", &self.budget).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
