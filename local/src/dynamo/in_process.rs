//! DynamoDB without a socket: a [`Transport`] carries what the SDK sends and executes it in place.
//!
//! Nothing here waits, reads a clock or draws a random number. The transport alone decides when a request
//! arrives, in which order, and whether it does, so a simulation replays from its seed.

mod tables;

use std::fmt::Debug;
use std::io::ErrorKind;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{IdentityCache, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use futures_util::future::BoxFuture;

use super::call::Call;
use super::error_response::{connection_error, of_fault, response};
use super::faults::Fault;
pub(super) use tables::run;
pub use tables::{Response, Tables};

/// What the SDK asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The operation, such as `TransactWriteItems`.
    pub action: String,
    /// Its JSON.
    pub body: String,
}

/// A request on its way.
pub type Sending = BoxFuture<'static, Result<Response, Fault>>;

/// What stands between a client and [`Tables`]. Each attempt is one call, so the SDK's retries are visible.
pub trait Transport: Debug + Send + Sync + 'static {
    /// Takes a request to the tables and brings the response back, or fails with a fault.
    fn send(&self, request: Request) -> Sending;
}

/// A client that sends through `transport`, with the functions' own time-outs and retries.
///
/// The SDK shares its retry quota between all clients of a process that have the same retry partition. A
/// simulation passes the name of its run as `partition`, so that no run depends on those before it.
pub fn client(transport: Arc<dyn Transport>, partition: String) -> Client {
    let config = super::client_config("http://dynamodb.invalid")
        .identity_cache(IdentityCache::no_cache())
        .retry_partition(RetryPartition::new(partition))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(InProcess(transport));
    Client::from_conf(config.build())
}

/// The HTTP client that hands the SDK's requests to the transport.
#[derive(Debug, Clone)]
struct InProcess(Arc<dyn Transport>);

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(call) = Call::read(&request) else {
            return HttpConnectorFuture::ready(Err(connection_error(ErrorKind::InvalidInput)));
        };
        let transaction_len = call.transaction_len();
        let sending = self.0.send(Request { action: call.action.to_owned(), body: call.body.to_owned() });
        HttpConnectorFuture::new(async move {
            match sending.await {
                Ok(Response { status, body }) => response(status, body),
                Err(fault) => of_fault(fault, transaction_len),
            }
        })
    }
}

#[cfg(test)]
mod tests;
