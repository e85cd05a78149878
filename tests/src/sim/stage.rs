//! What all runs of a process share: the deployment's tables, keys and rules. Made once, it holds nothing of a run.

use std::sync::Arc;

use functions::accounts::signer::Signer;
use functions::app::SyncApp;
use local::dynamo::in_process::{Tables, client};
use local::keys::Keys;
use local::template::Template;

use super::SimError;
use super::cast::{self, Part};
use super::dice::Dice;
use super::line::FaultyLine;

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The name that the sync table has on this machine.
pub const TABLE: &str = "SyncTable";

/// What every run begins with.
pub struct Stage {
    template: Template,
    signer: Signer,
    jwks: String,
    synced: sync::tables::Tables,
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
        let synced = sync::tables::Tables::parse(include_str!("tables.toml"))?;
        Ok(Stage { template, signer, jwks: keys.access_jwks, synced })
    }

    /// Empty tables.
    pub fn tables(&self) -> Result<Tables, SimError> {
        let sync = self.template.tables.iter().filter(|table| table.name == TABLE);
        Ok(Tables::create(sync)?)
    }

    /// The functions, with their tables at the end of `line`.
    pub fn app(&self, line: &FaultyLine) -> Result<SyncApp, SimError> {
        let lookup = |name: &str| match name {
            "SYNC_TABLE" => Some(TABLE.to_owned()),
            "ACCESS_JWKS" => Some(self.jwks.clone()),
            _ => None,
        };
        // A run that is played again must not find what the first left of the SDK's allowance.
        let client = client(Arc::new(line.clone()), format!("run-{}", crate::fleet::batch_id()));
        let mut app = SyncApp::new(lookup, client)?;
        app.rules.tables = self.synced.clone();
        Ok(app)
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
