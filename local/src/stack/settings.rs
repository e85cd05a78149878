//! The configuration of the functions and the worker that a deployment would set.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Keys, REGION, Route, edge};
use crate::handlers::HandlersError;
use crate::template::Template;
use crate::template::function::Variable;

/// The names of the tables as in the functions' environment.
#[derive(Debug)]
pub(super) struct TableNames {
    pub(super) sync: String,
    pub(super) accounts: String,
    pub(super) carts: String,
}

impl TableNames {
    pub(super) fn of(template: &Template) -> Result<TableNames, HandlersError> {
        let name = |route: Route, variable: &str| {
            let function = template.functions.get(route.name());
            match function.and_then(|function| function.variables.get(variable)) {
                Some(Variable::Table(name)) => Ok(name.clone()),
                _ => Err(HandlersError::Missing(route.name())),
            }
        };
        Ok(TableNames {
            sync: name(Route::BatchPush, "SYNC_TABLE")?,
            accounts: name(Route::Auth, "ACCOUNTS_TABLE")?,
            carts: name(Route::Carts, "CARTS_TABLE")?,
        })
    }
}

/// The values that the template leaves open or that differ here. Each function gets those that its entry
/// names.
pub(super) fn functions(
    keys: &Keys,
    edge_port: u16,
    redis_url: &str,
    tables: Option<&Path>,
) -> BTreeMap<&'static str, String> {
    let mut settings = BTreeMap::from([
        ("ACCESS_JWKS", keys.access_jwks.clone()),
        ("ACCESS_KEY", keys.access_key.expose().to_owned()),
        ("ACCESS_KID", keys.access_kid.clone()),
        ("EDGE_URL", edge::url(edge_port)),
        ("PUBLISH_SECRET", keys.publish_secret.expose().to_owned()),
        ("UPSTASH_REDIS_REST_URL", redis_url.to_owned()),
        ("UPSTASH_REDIS_REST_TOKEN", keys.redis_token.expose().to_owned()),
        ("CACHE_KEYS", keys.cache_keys.expose().to_owned()),
    ]);
    settings.extend(tables.map(|path| ("TABLES_FILE", path.display().to_string())));
    settings
}

/// The worker's secrets and addresses.
pub(super) fn edge(keys: &Keys, functions_url: &str, redis_url: &str) -> BTreeMap<&'static str, String> {
    let function = |route: Route| format!("{functions_url}/{}", route.name());
    BTreeMap::from([
        ("ACCESS_JWKS", keys.access_jwks.clone()),
        ("PUBLISH_SECRET", keys.publish_secret.expose().to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", keys.caller.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", keys.caller.secret_access_key.expose().to_owned()),
        ("AUTH_FUNCTION_URL", function(Route::Auth)),
        ("BATCH_PUSH_FUNCTION_URL", function(Route::BatchPush)),
        ("PULL_CHANGES_FUNCTION_URL", function(Route::PullChanges)),
        ("RESOLVE_CONFLICT_FUNCTION_URL", function(Route::ResolveConflict)),
        ("SYNC_STATS_FUNCTION_URL", function(Route::SyncStats)),
        ("DEAD_LETTERS_FUNCTION_URL", function(Route::DeadLetters)),
        ("DATA_FUNCTION_URL", function(Route::Data)),
        ("CARTS_FUNCTION_URL", function(Route::Carts)),
        ("CACHE_REPORT_FUNCTION_URL", function(Route::CacheReport)),
        ("CACHE_WARM_FUNCTION_URL", function(Route::CacheWarm)),
        ("UPSTASH_REDIS_REST_URL", redis_url.to_owned()),
        ("UPSTASH_REDIS_REST_TOKEN", keys.redis_token.expose().to_owned()),
    ])
}
