//! The configuration of the functions and the worker that a deployment would set.

use std::collections::BTreeMap;
use std::path::Path;

use protocol::endpoints::function::Function;

use super::{Keys, REGION, edge};
use crate::edge::EdgeVariables;
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
        let name = |function: Function, variable: &str| {
            let entry = template.functions.get(function.name());
            match entry.and_then(|entry| entry.variables.get(variable)) {
                Some(Variable::Table(name)) => Ok(name.clone()),
                _ => Err(HandlersError::Missing(function.name())),
            }
        };
        Ok(TableNames {
            sync: name(Function::BatchPush, "SYNC_TABLE")?,
            accounts: name(Function::Auth, "ACCOUNTS_TABLE")?,
            carts: name(Function::Carts, "CARTS_TABLE")?,
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
        ("CURSOR_KEYS", keys.cursor_keys.expose().to_owned()),
    ]);
    settings.extend(tables.map(|path| ("TABLES_FILE", path.display().to_string())));
    settings
}

/// The worker's secrets and addresses.
pub(super) fn edge(keys: &Keys, functions_url: &str, redis_url: &str) -> EdgeVariables {
    let url = |function: Function| (function.url_variable(), format!("{functions_url}/{}", function.name()));
    let variables = [
        ("ACCESS_JWKS", keys.access_jwks.as_str()),
        ("PUBLISH_SECRET", keys.publish_secret.expose()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", &keys.caller.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", keys.caller.secret_access_key.expose()),
        ("UPSTASH_REDIS_REST_URL", redis_url),
        ("UPSTASH_REDIS_REST_TOKEN", keys.redis_token.expose()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    variables.into_iter().chain(Function::ALL.map(url)).collect()
}
