//! The client: sends commands by deadlines, repeats what may be repeated, and leaves a dead Redis alone.

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
use super::pipeline::{Pipeline, Replies, decode};
use super::reply::{Reply, read_many, read_one};
use super::sync_token::SyncToken;
use super::transport::Transport;
use config::Secret;
use counters::Counters;
pub use counters::Counts;
pub use health::Health;

/// Where one command is sent.
const ONE: &str = "/";
/// Where several are.
const PIPELINE: &str = "/pipeline";
/// Where several are that run as one.
const TRANSACTION: &str = "/multi-exec";

/// A client of one database. Clones share the circuit breaker, the sync token and the counts.
pub struct Client<T> {
    line: Arc<Line<T>>,
    budget: Budget,
}

/// What all clones of a client share.
struct Line<T> {
    transport: T,
    token: Secret,
    random: fn(&mut [u8]),
    breaker: Mutex<Breaker>,
    sync_token: SyncToken,
    counters: Counters,
}

impl<T: Transport> Client<T> {
    /// A client that sends by `transport`, is known to the service by `token`, and draws the jitter of its pauses from
    /// `random`, which fills what it is given.
    pub fn new(transport: T, token: Secret, random: fn(&mut [u8])) -> Client<T> {
        let (breaker, sync_token) = (Mutex::new(Breaker::new()), SyncToken::default());
        let counters = Counters::default();
        let line = Line { transport, token, random, breaker, sync_token, counters };
        Client { line: Arc::new(line), budget: Budget::DEFAULT }
    }

    /// The same client with other deadlines.
    pub fn within(&self, budget: Budget) -> Client<T> {
        Client { budget, ..self.clone() }
    }

    /// What the client sends by, whose clock and pauses are also those of what stands on the client.
    pub fn transport(&self) -> &T {
        &self.line.transport
    }

    /// Runs one command, in one round trip. A script that the server does not know by its hash costs a second.
    pub async fn run<C: Command>(&self, command: &C) -> Result<C::Reply, RedisError> {
        let repeat = command.repeat();
        let mut clock = self.start();
        let mut reply = self.send_one(&mut clock, &command.arguments(), repeat).await?;
        if let (true, Some(in_full)) = (is_no_script(&reply), command.in_full()) {
            reply = self.send_one(&mut clock, &in_full, repeat).await?;
        }
        decode::<C>(reply)
    }

    /// Runs several commands in order, in one round trip. Others' commands may run in between, and one that fails
    /// stops no other.
    ///
    /// Scripts that the server does not know by their hashes are sent again with their texts, in a second round trip:
    /// they run after the commands that follow them.
    pub async fn pipeline(&self, pipeline: &Pipeline) -> Result<Replies, RedisError> {
        let items = pipeline.items();
        let mut clock = self.start();
        let arguments: Vec<_> = items.iter().map(|item| &item.arguments).collect();
        let mut replies = self.send_many(&mut clock, PIPELINE, &arguments, pipeline.repeat()).await?;
        let unknown = replies.iter_mut().zip(items).filter(|(reply, _)| is_no_script(reply));
        let (places, in_full): (Vec<_>, Vec<_>) =
            unknown.filter_map(|(reply, item)| Some((reply, item.in_full.as_ref()?))).unzip();
        let again = self.send_many(&mut clock, PIPELINE, &in_full, pipeline.repeat()).await?;
        for (place, reply) in places.into_iter().zip(again) {
            *place = reply;
        }
        Ok(Replies::new(replies))
    }

    /// Runs several commands as one, in one round trip: nobody's command comes in between. The service refuses all of
    /// them if it cannot accept one; a command that fails while it runs undoes no other.
    ///
    /// Scripts go with their whole text, since half a transaction could not be sent again.
    pub async fn transaction(&self, pipeline: &Pipeline) -> Result<Replies, RedisError> {
        let items = pipeline.items();
        let arguments: Vec<_> =
            items.iter().map(|item| item.in_full.as_ref().unwrap_or(&item.arguments)).collect();
        let mut clock = self.start();
        let replies = self.send_many(&mut clock, TRANSACTION, &arguments, pipeline.repeat()).await?;
        Ok(Replies::new(replies))
    }

    async fn send_one(
        &self,
        clock: &mut attempts::Clock,
        arguments: &Arguments,
        repeat: Repeat,
    ) -> Result<Reply, RedisError> {
        let body = write(arguments)?;
        let answer = self.send(clock, ONE, &body, 1, repeat).await?;
        Ok(read_one(&answer)?)
    }

    /// The replies to `commands`, as many as those; without commands, nothing is sent.
    async fn send_many(
        &self,
        clock: &mut attempts::Clock,
        path: &'static str,
        commands: &[&Arguments],
        repeat: Repeat,
    ) -> Result<Vec<Reply>, RedisError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let body = write(&commands)?;
        let answer = self.send(clock, path, &body, commands.len(), repeat).await?;
        let replies = read_many(&answer)?.map_err(RedisError::Refused)?;
        if replies.len() != commands.len() {
            return Err(RedisError::Miscounted { answers: replies.len(), commands: commands.len() });
        }
        Ok(replies)
    }
}

fn write(body: &impl Serialize) -> Result<Vec<u8>, RedisError> {
    serde_json::to_vec(body).map_err(RedisError::Write)
}

fn is_no_script(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(error) if error.is_no_script())
}

impl<T> Clone for Client<T> {
    fn clone(&self) -> Client<T> {
        Client { line: Arc::clone(&self.line), budget: self.budget }
    }
}

impl<T> std::fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("budget", &self.budget).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
