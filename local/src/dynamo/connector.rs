//! Where a client's requests pass on their way out: its role is held against it, faults strike.

use std::io::ErrorKind;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::call::Call;
use super::faults::{Fault, Faults};
use super::refusal;
use crate::template::role::Grants;

/// Who a client is.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Whoever owns the account: may do everything.
    Owner,
    /// A function, which may do what its role allows.
    Function {
        /// The function's name.
        name: String,
        /// What its role in the template allows.
        grants: Grants,
    },
}

/// The SDK's own connector with a gate before it.
#[derive(Debug, Clone)]
pub struct Connector {
    identity: Identity,
    faults: Faults,
    network: SharedHttpClient,
}

impl Connector {
    /// A connector for the clients of `identity`.
    pub fn new(identity: Identity, faults: Faults) -> Connector {
        // Nothing on this machine speaks TLS.
        let network = aws_smithy_http_client::Builder::new().build_http();
        Connector { identity, faults, network }
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Gate {
            identity: self.identity.clone(),
            faults: self.faults.clone(),
            network: self.network.http_connector(settings, components),
        })
    }
}

#[derive(Debug)]
struct Gate {
    identity: Identity,
    faults: Faults,
    network: SharedHttpConnector,
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = match self.judge(&request) {
            Verdict::Pass => return self.network.call(request),
            Verdict::Fail(Fault::LostAnswer) => return lose_answer(self.network.call(request)),
            Verdict::Fail(Fault::Refused) => Err(broken(ErrorKind::ConnectionRefused)),
            Verdict::Fail(Fault::Throttled) => refusal::throttled(),
            Verdict::Fail(Fault::TransactionConflict) => {
                refusal::conflict(Call::read(&request).and_then(|call| call.transaction_len()))
            }
            Verdict::Deny(sentence) => {
                let answer = refusal::denied(&sentence);
                self.faults.deny(sentence);
                answer
            }
        };
        HttpConnectorFuture::ready(answer)
    }
}

/// What becomes of a request.
enum Verdict {
    /// It goes on.
    Pass,
    /// It meets this fault.
    Fail(Fault),
    /// It goes no further, for the reason given.
    Deny(String),
}

impl Gate {
    fn judge(&self, request: &HttpRequest) -> Verdict {
        let Some(call) = Call::read(request) else { return Verdict::Pass };
        let fault = self.faults.meet(call.action, call.body);
        match self.forbids(&call) {
            Some(sentence) => Verdict::Deny(sentence),
            None => fault.map_or(Verdict::Pass, Verdict::Fail),
        }
    }

    /// Why the caller may not do this, if it may not.
    fn forbids(&self, call: &Call<'_>) -> Option<String> {
        let Identity::Function { name, grants } = &self.identity else { return None };
        let Some(permissions) = call.permissions() else {
            return Some(format!("{name} calls dynamodb:{}, which is not known here", call.action));
        };
        let (action, table) = permissions.into_iter().find(|(action, table)| !grants.allow(action, table))?;
        Some(format!("the role of {name} in the template does not allow dynamodb:{action} on {table}"))
    }
}

fn lose_answer(executed: HttpConnectorFuture) -> HttpConnectorFuture {
    HttpConnectorFuture::new(async {
        executed.await?;
        Err(broken(ErrorKind::ConnectionReset))
    })
}

pub(super) fn broken(kind: ErrorKind) -> ConnectorError {
    ConnectorError::io(std::io::Error::from(kind).into())
}
