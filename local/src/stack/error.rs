//! Why a stack did not start: one of its parts did not.

use crate::data_dir::DataDirError;
use crate::dynamo::StartDynamoError;
use crate::edge::EdgeError;
use crate::handlers::HandlersError;
use crate::keys::KeysError;
use crate::redis::RedisError;
use crate::stream::StreamError;
use crate::template::TemplateError;

/// Why a stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `template.yaml` cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// There are no keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// DynamoDB did not start.
    #[error(transparent)]
    Dynamo(#[from] StartDynamoError),
    /// Redis did not start.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// There is no port for the functions.
    #[error("failed to start the functions: {0}")]
    Port(#[source] std::io::Error),
    /// The functions did not start.
    #[error(transparent)]
    Handlers(#[from] HandlersError),
    /// The stream cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The edge did not start.
    #[error(transparent)]
    Edge(#[from] EdgeError),
}
