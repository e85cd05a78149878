//! DynamoDB without a socket: what the SDK sends is carried by a [`Line`] and executed where it is called.
//!
//! Nothing here waits, reads a clock or draws a number, so whoever holds the line decides alone when something
//! arrives, whether it does, and in which order: a simulation replays from its seed.

mod tables;

use std::fmt::Debug;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{Credentials, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::call::Call;
use super::connector::broken;
use super::faults::Fault;
use super::{REGION, refusal};
pub use tables::{Answer, Tables};

/// What the SDK asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The operation, such as `TransactWriteItems`.
    pub action: String,
    /// Its JSON.
    pub body: String,
}

/// What became of a request.
#[derive(Debug)]
pub enum Carried {
    /// It was answered.
    Answered(Answer),
    /// It met a fault.
    Failed(Fault),
}

/// A request on its way.
pub type Carrying = Pin<Box<dyn Future<Output = Carried> + Send>>;

/// What stands between a client and [`Tables`]. An attempt is one call, so the SDK's retries are seen.
pub trait Line: Debug + Send + Sync + 'static {
    /// Takes a request to the tables and an answer back, or loses either.
    fn carry(&self, request: Request) -> Carrying;
}

/// A client whose requests go over `line`, with the functions' own time-outs and retries.
///
/// The SDK shares its allowance for retries between all clients of a process unless they name a partition of their
/// own: `name` is that of one run, so that no run depends on those before it.
pub fn client(line: Arc<dyn Line>, name: String) -> Client {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let config = functions::start::dynamo_defaults()
        .region(Region::new(REGION))
        .endpoint_url("http://dynamodb.invalid")
        .credentials_provider(credentials)
        .identity_cache(IdentityCache::no_cache())
        .retry_partition(RetryPartition::new(name))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(InProcess(line));
    Client::from_conf(config.build())
}

/// The SDK's way to the line.
#[derive(Debug, Clone)]
struct InProcess(Arc<dyn Line>);

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(call) = Call::read(&request) else {
            return HttpConnectorFuture::ready(Err(broken(ErrorKind::InvalidInput)));
        };
        let transaction_len = call.transaction_len();
        let carrying = self.0.carry(Request { action: call.action.to_owned(), body: call.body.to_owned() });
        HttpConnectorFuture::new(async move {
            match carrying.await {
                Carried::Answered(answer) => answer.into_response(),
                Carried::Failed(fault) => fail(fault, transaction_len),
            }
        })
    }
}

fn fail(fault: Fault, transaction_len: Option<usize>) -> Result<HttpResponse, ConnectorError> {
    match fault {
        Fault::Refused => Err(broken(ErrorKind::ConnectionRefused)),
        Fault::LostAnswer => Err(broken(ErrorKind::ConnectionReset)),
        Fault::Throttled => refusal::throttled(),
        Fault::TransactionConflict => refusal::conflict(transaction_len),
    }
}

#[cfg(test)]
mod tests;
