//! Everything together: started in the order in which the parts need each other, stopped in reverse.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use functions::accounts::{Accounts, CreateUserError, NewUser};
use protocol::wire::auth::User;

mod error;
mod options;
mod settings;

pub use error::StartError;
pub use options::Options;

use crate::clock::Clock;
use crate::data_dir::DataDir;
use crate::dynamo::connector::Identity;
use crate::dynamo::faults::Faults;
use crate::dynamo::{Dynamo, REGION};
use crate::edge::{self, Edge, EdgeDeath};
use crate::function_host::faults::HostFaults;
use crate::function_host::{FunctionHost, Port};
use crate::handlers::{self, Handlers, Route};
use crate::keys::Keys;
use crate::project;
use crate::redis::Redis;
use crate::stream::{StreamSwitch, Streams};
use crate::template::Template;

/// The whole street, running.
pub struct Stack {
    edge: Edge,
    host: FunctionHost,
    streams: Streams,
    handlers: Arc<Handlers>,
    dynamo: Dynamo,
    redis: Arc<Redis>,
    clock: Clock,
    tables: settings::TableNames,
    // Last: the files go when nobody uses them any more.
    data: DataDir,
}

impl Stack {
    /// Starts it, and comes back when the edge answers.
    pub async fn start(options: Options) -> Result<Stack, StartError> {
        let say = options.say;
        let root = project::root();
        let mut template = Template::read(&root)?;
        let tables = settings::TableNames::of(&template)?;
        // First what may be somebody else's, before anything is started.
        let port = edge::pick_port(options.edge_port)?;
        let data = match &options.data {
            Some(path) => DataDir::take(path, options.fresh)?,
            None => DataDir::temporary()?,
        };
        let keys = Keys::load_or_make(data.path())?;

        let dynamo = Dynamo::start(Some(&data.path().join("dynamo.sqlite")), &template.tables)?;
        say(&format!("DynamoDB is up at {}", dynamo.url()));

        let redis = Arc::new(Redis::start(&keys.redis_token).await?);
        say(&format!("Redis ({}) is up behind {}", redis.engine().kind().name(), redis.url()));

        let functions_port = Port::bind().await.map_err(StartError::Port)?;
        let settings = settings::functions(&keys, port, redis.url(), options.tables.as_deref());
        let handlers = Arc::new(Handlers::new(&template, &dynamo, &settings)?);
        let clock = Clock::default();
        let host =
            FunctionHost::start(functions_port, Arc::clone(&handlers), keys.caller.clone(), clock.clone());
        say(&format!("the functions are up at {}", host.url()));

        say("the edge is starting");
        let mut variables = settings::edge(&keys, host.url(), redis.url());
        variables.extend(options.edge_variables);
        let edge = Edge::start(&root, data.path(), port, &variables, say).await?;
        say(&format!("the edge is up at {}", edge.url()));

        let sources = handlers::take_sources(&mut template)?;
        let streams = Streams::start(&dynamo.database(), sources, &handlers, data.path())?;
        Ok(Stack { edge, host, streams, handlers, dynamo, redis, clock, tables, data })
    }

    /// Where the edge is, without a trailing slash.
    pub fn edge_url(&self) -> &str {
        self.edge.url()
    }

    /// Where the functions are, without a trailing slash: `/<function>/…`, signed.
    pub fn functions_url(&self) -> &str {
        self.host.url()
    }

    /// Where DynamoDB is.
    pub fn dynamodb_url(&self) -> &str {
        self.dynamo.url()
    }

    /// Redis over REST.
    pub fn redis(&self) -> &Arc<Redis> {
        &self.redis
    }

    /// The sync table's name.
    pub fn table(&self) -> &str {
        &self.tables.sync
    }

    /// The accounts table's name.
    pub fn accounts_table(&self) -> &str {
        &self.tables.accounts
    }

    /// The carts table's name.
    pub fn carts_table(&self) -> &str {
        &self.tables.carts
    }

    /// The stack's directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// A client with every permission, for looking at what is stored.
    pub fn client(&self) -> Client {
        self.dynamo.client(Identity::Owner)
    }

    /// The accounts, as their owner sees them.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.client(), self.tables.accounts.clone())
    }

    /// Makes a user.
    pub async fn add_user(&self, new: NewUser) -> Result<User, CreateUserError> {
        self.accounts().create(new).await
    }

    /// The functions, to be called without the network between.
    pub fn handlers(&self) -> &Arc<Handlers> {
        &self.handlers
    }

    /// What goes wrong between functions and DynamoDB, and what is counted there.
    pub fn faults(&self) -> &Faults {
        self.dynamo.faults()
    }

    /// What goes wrong between edge and functions.
    pub fn host_faults(&self) -> &HostFaults {
        self.host.faults()
    }

    /// Holds the streams back.
    pub fn stream(&self) -> &StreamSwitch {
        self.streams.switch()
    }

    /// The functions' clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Comes back when the edge has ended by itself. What is left must still be stopped.
    pub async fn death(&mut self) -> EdgeDeath {
        self.edge.death().await
    }

    /// Stops everything, within five seconds.
    pub async fn stop(self) {
        self.edge.stop().await;
        self.streams.stop().await;
        self.host.stop().await;
        self.dynamo.stop().await;
        self.redis.stop().await;
    }
}

#[cfg(test)]
mod tests;
