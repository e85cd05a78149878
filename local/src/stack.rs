//! The whole stack: started in the order of its dependencies, stopped in reverse.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use functions::accounts::Accounts;
use functions::sync::branches::Branches;

mod error;
mod options;
mod settings;

pub use error::StartError;
pub use options::Options;

use crate::data_dir::DataDir;
use crate::dynamo::connector::Identity;
use crate::dynamo::faults::Faults;
use crate::dynamo::{Dynamo, REGION};
use crate::edge::{self, Edge, EdgeDeath};
use crate::function_host::faults::HostFaults;
use crate::function_host::{FunctionHost, Port};
use crate::handlers::{self, Handlers, HandlersError};
use crate::keys::Keys;
use crate::redis::Redis;
use crate::stream::{StreamSwitch, Streams};
use crate::telemetry::Telemetry;
use crate::template::{Template, project_root};

/// A running stack.
pub struct Stack {
    edge: Edge,
    host: FunctionHost,
    streams: Streams,
    handlers: Arc<Handlers>,
    dynamo: Dynamo,
    redis: Arc<Redis>,
    tables: settings::TableNames,
    template: Template,
    settings: BTreeMap<&'static str, String>,
    telemetry: Telemetry,
    // Dropped last, because it removes the files of the others.
    data: DataDir,
}

impl Stack {
    /// Starts all parts and waits until the edge is healthy.
    pub async fn start(options: Options) -> Result<Stack, StartError> {
        let say = options.say;
        let root = project_root();
        let mut template = Template::read(&root)?;
        let tables = settings::TableNames::of(&template)?;
        // First the port and the directory, which another process may have.
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
        let telemetry = Telemetry::default();
        let handlers = Arc::new(Handlers::new(&template, &dynamo, &settings, telemetry.clone())?);
        let host = FunctionHost::start(functions_port, Arc::clone(&handlers), keys.caller.clone());
        say(&format!("the functions are up at {}", host.url()));

        say("the edge is starting");
        let mut variables = settings::edge(&keys, host.url(), redis.url());
        variables.extend(options.edge_variables.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let (configs, counts) = (&options.edge_configs, telemetry.clone());
        let edge = Edge::start(&root, data.path(), port, &variables, configs, counts, say).await?;
        say(&format!("the edge is up at {}", edge.url()));

        let sources = handlers::take_sources(&mut template)?;
        let streams = Streams::start(dynamo.database(), sources, &handlers, data.path())?;
        Ok(Stack {
            edge,
            host,
            streams,
            handlers,
            dynamo,
            redis,
            tables,
            template,
            settings,
            telemetry,
            data,
        })
    }

    /// The id of the edge's process, the ancestor of its runtime; `None` once it has ended.
    pub fn edge_process_id(&self) -> Option<u32> {
        self.edge.process_id()
    }

    /// The edge's base URL, without a trailing slash.
    pub fn edge_url(&self) -> &str {
        self.edge.url()
    }

    /// The functions' base URL, without a trailing slash. A function is at `/<function>/`.
    pub fn functions_url(&self) -> &str {
        self.host.url()
    }

    /// DynamoDB's base URL.
    pub fn dynamodb_url(&self) -> &str {
        self.dynamo.url()
    }

    /// Redis.
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

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// A DynamoDB client with every permission.
    pub fn client(&self) -> Client {
        self.dynamo.client(Identity::Owner)
    }

    /// The accounts, with every permission.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.client(), self.tables.accounts.clone())
    }

    /// The registry of branches, with every permission.
    pub fn branches(&self) -> Branches {
        Branches::new(self.client(), self.tables.sync.clone())
    }

    /// The functions, for calls without HTTP.
    pub fn handlers(&self) -> &Arc<Handlers> {
        &self.handlers
    }

    /// The functions of another deployment over the same data, with the synced tables in `file`: two versions
    /// run at once while one is being installed.
    pub fn other_handlers(&self, file: &Path) -> Result<Handlers, HandlersError> {
        let mut settings = self.settings.clone();
        settings.insert("TABLES_FILE", file.display().to_string());
        Handlers::new(&self.template, &self.dynamo, &settings, self.telemetry.clone())
    }

    /// What edge and functions tell of their requests.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Faults between functions and DynamoDB, and counts of requests.
    pub fn faults(&self) -> &Faults {
        self.dynamo.faults()
    }

    /// Faults between the edge and the functions.
    pub fn host_faults(&self) -> &HostFaults {
        self.host.faults()
    }

    /// Pauses and resumes the streams.
    pub fn stream(&self) -> &StreamSwitch {
        self.streams.switch()
    }

    /// Waits until the edge has ended by itself. The other parts still run.
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
