//! What all runs of a process share: the deployment's tables, keys and rules. Made once, it holds nothing of a run.

use std::sync::Arc;

use functions::accounts::signer::Signer;
use functions::context::Context as FunctionContext;
use local::dynamo::in_process::{Tables, client};
use local::keys::Keys;
use local::template::Template;
use protocol::endpoints::function::Function;

use super::SimError;
use super::cast::{self, Part};
use super::dice::Dice;
use super::line::FaultyLine;
use super::server::Functions;

const TEMPLATE: &str = include_str!("../../../template.yaml");
const TABLES_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sim/tables.toml");

/// The name that the sync table has on this machine.
pub const TABLE: &str = "SyncTable";

/// What every run begins with.
pub struct Stage {
    template: Template,
    signer: Signer,
    jwks: String,
}

impl Stage {
    /// Reads the deployment and makes keys, which live as long as this.
    pub fn build() -> Result<Stage, SimError> {
        let template = Template::parse(TEMPLATE)?;
        let folder = std::env::temp_dir().join(format!("tillsync-sim-{}", crate::fleet::batch_id()));
        std::fs::create_dir(&folder)?;
        let keys = Keys::load_or_make(&folder);
        std::fs::remove_dir_all(&folder)?;
        let keys = keys?;
        let signer = Signer::new(keys.access_key.expose(), keys.access_kid)
            .map_err(|error| SimError::Key(error.into()))?;
        Ok(Stage { template, signer, jwks: keys.access_jwks })
    }

    /// Empty tables.
    pub fn tables(&self) -> Result<Tables, SimError> {
        let sync = self.template.tables.iter().filter(|table| table.name == TABLE);
        Ok(Tables::create(sync)?)
    }

    /// The functions, with their tables at the end of `line`.
    pub fn functions(&self, line: &FaultyLine) -> Result<Functions, SimError> {
        let lookup = |name: &str| match name {
            "SYNC_TABLE" => Some(TABLE.to_owned()),
            "ACCESS_JWKS" => Some(self.jwks.clone()),
            "TABLES_FILE" => Some(TABLES_FILE.to_owned()),
            _ => None,
        };
        // A run that is played again must not find what the first left of the SDK's allowance.
        let client = client(Arc::new(line.clone()), format!("run-{}", crate::fleet::batch_id()));
        let context = |function: Function| FunctionContext::new(function.into(), lookup, &client);
        Ok(Functions {
            batch_push: context(Function::BatchPush)?,
            pull_changes: context(Function::PullChanges)?,
        })
    }

    /// The tills of a run.
    pub fn tills(&self, dice: &mut Dice, tills: usize) -> Result<Vec<Part>, SimError> {
        Ok(cast::tills(&self.signer, dice, tills)?)
    }

    /// Head office's devices in a run.
    pub fn offices(&self, dice: &mut Dice) -> Result<Vec<Part>, SimError> {
        Ok(cast::offices(&self.signer, dice)?)
    }
}
