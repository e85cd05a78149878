//! What all runs of a process share: the deployment's tables, the keys and the rules. It holds no state of a
//! run.

use std::sync::Arc;

use functions::accounts::signer::Signer;
use functions::context::Context;
use local::dynamo::in_process::{Tables, client};
use local::keys::Keys;
use local::template::Template;
use protocol::endpoints::function::Function;

use super::SimError;
use super::network::FaultyNetwork;
use super::release::Deployment;
use super::server::Functions;

const TEMPLATE: &str = include_str!("../../../template.yaml");
const TABLES_NOW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sim/tables.toml");
const TABLES_BEFORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sim/tables-before.toml");

pub(crate) const TABLE: &str = "SyncTable";

pub(crate) struct Environment {
    template: Template,
    /// Signs the tokens of the actors.
    pub(crate) signer: Signer,
    jwks: String,
    cursor_keys: String,
}

impl Environment {
    pub(crate) fn load() -> Result<Environment, SimError> {
        let template = Template::parse(TEMPLATE)?;
        let folder = std::env::temp_dir().join(format!("tillsync-sim-{}", crate::fleet::batch_id()));
        std::fs::create_dir(&folder)?;
        let keys = Keys::load_or_make(&folder);
        std::fs::remove_dir_all(&folder)?;
        let keys = keys?;
        let signer = Signer::new(keys.access_key.expose(), keys.access_kid)?;
        let cursor_keys = keys.cursor_keys.expose().to_owned();
        Ok(Environment { template, signer, jwks: keys.access_jwks, cursor_keys })
    }

    pub(crate) fn tables(&self) -> Result<Tables, SimError> {
        Ok(Tables::create(self.template.tables.iter().filter(|table| table.name == TABLE))?)
    }

    /// The functions of both releases, with their tables behind `network`.
    pub(crate) fn deployment(&self, network: &FaultyNetwork) -> Result<Deployment, SimError> {
        let functions = |tables| self.functions(network, tables);
        Ok(Deployment::new(functions(TABLES_BEFORE)?, functions(TABLES_NOW)?))
    }

    fn functions(&self, network: &FaultyNetwork, tables: &str) -> Result<Functions, SimError> {
        let lookup = |name: &str| match name {
            "SYNC_TABLE" => Some(TABLE.to_owned()),
            "TABLES_FILE" => Some(tables.to_owned()),
            "ACCESS_JWKS" => Some(self.jwks.clone()),
            "CURSOR_KEYS" => Some(self.cursor_keys.clone()),
            _ => None,
        };
        // The SDK keeps a retry budget for each name. A fresh name keeps runs independent of each other.
        let client = client(Arc::new(network.clone()), format!("run-{}", crate::fleet::batch_id()));
        let context = |function: Function| Context::new(function.into(), lookup, &client);
        Ok(Functions {
            batch_push: context(Function::BatchPush)?,
            pull_changes: context(Function::PullChanges)?,
            dead_letters: context(Function::DeadLetters)?,
        })
    }
}
