//! What all runs of a process share: the deployment's tables, the keys and the rules. It holds no state of a
//! run.

use std::sync::Arc;

use functions::accounts::signer::Signer;
use functions::context::Context;
use functions::context::kind::{FunctionKind, StreamFunction};
use functions::redis::{Redis, RedisLink};
use local::dynamo::in_process::{Tables, client};
use local::keys::Keys as StackKeys;
use local::template::Template;
use local::template::table::Table;
use protocol::endpoints::function::Function;
use redis_client::encryption::Keyring;
use redis_client::keys::Keys;

use super::SimError;
use super::network::FaultyNetwork;
use super::redis::RedisServer;
use super::redis::network::FaultyRedis;
use super::redis::random;
use super::release::Deployment;
use super::server::Functions;

const TEMPLATE: &str = include_str!("../../../template.yaml");
const TABLES_NOW: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sim/tables.toml");
const TABLES_BEFORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sim/tables-before.toml");

pub(crate) const TABLE: &str = "SyncTable";
pub(crate) const CARTS_TABLE: &str = "CartsTable";

pub(crate) struct Environment {
    template: Template,
    /// Signs the tokens of the actors.
    pub(crate) signer: Signer,
    jwks: String,
    cursor_keys: String,
    cache_keys: Keyring,
    pub(crate) redis: Arc<RedisServer>,
}

impl Environment {
    pub(crate) fn load() -> Result<Environment, SimError> {
        let template = Template::parse(TEMPLATE)?;
        let folder = std::env::temp_dir().join(format!("tillsync-sim-{}", crate::fleet::batch_id()));
        std::fs::create_dir(&folder)?;
        let keys = StackKeys::load_or_make(&folder);
        std::fs::remove_dir_all(&folder)?;
        let keys = keys?;
        let signer = Signer::new(keys.access_key.expose(), keys.access_kid)?;
        let cursor_keys = keys.cursor_keys.expose().to_owned();
        let cache_keys = Keyring::parse(keys.cache_keys.expose())?;
        let redis = Arc::new(RedisServer::start()?);
        Ok(Environment { template, signer, jwks: keys.access_jwks, cursor_keys, cache_keys, redis })
    }

    pub(crate) fn tables(&self) -> Result<Tables, SimError> {
        let is_needed = |table: &&Table| [TABLE, CARTS_TABLE].contains(&table.name.as_str());
        Ok(Tables::create(self.template.tables.iter().filter(is_needed))?)
    }

    /// The functions of both releases, with their tables behind `network` and their cache behind `redis`.
    pub(crate) fn deployment(
        &self,
        network: &FaultyNetwork,
        redis: &FaultyRedis,
    ) -> Result<Deployment, SimError> {
        let functions = |tables| self.functions(network, redis, tables);
        Ok(Deployment::new(functions(TABLES_BEFORE)?, functions(TABLES_NOW)?))
    }

    fn functions(
        &self,
        network: &FaultyNetwork,
        redis: &FaultyRedis,
        tables: &str,
    ) -> Result<Functions, SimError> {
        let lookup = |name: &str| match name {
            "SYNC_TABLE" => Some(TABLE.to_owned()),
            "CARTS_TABLE" => Some(CARTS_TABLE.to_owned()),
            "TABLES_FILE" => Some(tables.to_owned()),
            "ACCESS_JWKS" => Some(self.jwks.clone()),
            "CURSOR_KEYS" => Some(self.cursor_keys.clone()),
            _ => None,
        };
        // The SDK keeps a retry budget for each name. A fresh name keeps runs independent of each other.
        let client = client(Arc::new(network.clone()), format!("run-{}", crate::fleet::batch_id()));
        // Each function has a client and a memory of its own.
        let (keys, token) = (Keys::new(redis.prefix())?, &self.redis.token);
        let redis = || {
            let link = RedisLink::Carried(Arc::new(redis.clone()));
            Redis::new(link, token.clone(), keys.clone(), self.cache_keys.clone(), random::fill)
        };
        let context = |function: FunctionKind| Context::with_redis(function, lookup, &client, Some(&redis()));
        Ok(Functions {
            batch_push: context(Function::BatchPush.into())?,
            pull_changes: context(Function::PullChanges.into())?,
            dead_letters: context(Function::DeadLetters.into())?,
            resolve_conflict: context(Function::ResolveConflict.into())?,
            sync_stats: context(Function::SyncStats.into())?,
            data: [context(Function::Data.into())?, context(Function::Data.into())?],
            carts: context(Function::Carts.into())?,
            cache_invalidate: context(StreamFunction::CacheInvalidate.into())?,
            cart_compact: context(StreamFunction::CartCompact.into())?,
        })
    }
}
