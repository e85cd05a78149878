//! Errors of the start of a stack.

use crate::data_dir::DataDirError;
use crate::dynamo::StartDynamoError;
use crate::edge::EdgeError;
use crate::handlers::HandlersError;
use crate::keys::KeysError;
use crate::redis::RedisError;
use crate::stream::StreamError;
use crate::template::TemplateError;

/// The part of a stack that did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `template.yaml` cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// The keys cannot be read or generated.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// DynamoDB did not start.
    #[error(transparent)]
    Dynamo(#[from] StartDynamoError),
    /// Redis did not start.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The functions have no port.
    #[error("failed to start the functions: {0}")]
    Port(#[source] std::io::Error),
    /// The functions did not start.
    #[error(transparent)]
    Handlers(#[from] HandlersError),
    /// A stream cannot be delivered.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The edge did not start.
    #[error(transparent)]
    Edge(#[from] EdgeError),
}
