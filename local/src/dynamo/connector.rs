//! The HTTP connector of the SDK's clients: checks the caller's role and injects faults.

use std::io::ErrorKind;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::call::{Call, Permission};
use super::error_response;
use super::faults::{Fault, Faults};
use crate::template::role::Grants;

/// Who a client is.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The owner of the account, who may do everything.
    Owner,
    /// A function, which may do what its role allows.
    Function {
        /// The function's name.
        name: String,
        /// What its role in the template allows.
        grants: Grants,
    },
}

/// The SDK's own HTTP client, behind the check of the role and the faults.
#[derive(Debug, Clone)]
pub(super) struct CheckedClient {
    identity: Identity,
    faults: Faults,
    network: SharedHttpClient,
}

impl CheckedClient {
    pub(super) fn new(identity: Identity, faults: Faults) -> CheckedClient {
        // Nothing on this machine speaks TLS.
        let network = aws_smithy_http_client::Builder::new().build_http();
        CheckedClient { identity, faults, network }
    }
}

impl HttpClient for CheckedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(CheckedConnector {
            identity: self.identity.clone(),
            faults: self.faults.clone(),
            network: self.network.http_connector(settings, components),
        })
    }
}

#[derive(Debug)]
struct CheckedConnector {
    identity: Identity,
    faults: Faults,
    network: SharedHttpConnector,
}

impl HttpConnector for CheckedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(call) = Call::read(&request) else { return self.network.call(request) };
        let fault = self.faults.take(call.action, call.body);
        let delay = self.faults.delay_of(call.body);
        if let Some(reason) = self.denial(&call) {
            let response = error_response::access_denied(&reason);
            self.faults.deny(reason);
            return HttpConnectorFuture::ready(response);
        }
        match fault {
            None if delay.is_zero() => self.network.call(request),
            None => self.call_after(delay, request),
            Some(Fault::LostResponse) => lose_response(self.network.call(request)),
            Some(fault) => {
                HttpConnectorFuture::ready(error_response::of_fault(fault, call.transaction_len()))
            }
        }
    }
}

impl CheckedConnector {
    fn call_after(&self, delay: Duration, request: HttpRequest) -> HttpConnectorFuture {
        let network = self.network.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(delay).await;
            network.call(request).await
        })
    }

    /// Why the caller's role does not allow `call`; `None` if it does.
    fn denial(&self, call: &Call<'_>) -> Option<String> {
        let Identity::Function { name, grants } = &self.identity else { return None };
        let Some(permissions) = call.permissions() else {
            return Some(format!("{name} calls dynamodb:{}, which is not known here", call.action));
        };
        let allowed = |need: &Permission| grants.allow(need.action, &need.table, need.pk.as_deref());
        let Permission { action, table, .. } = permissions.into_iter().find(|need| !allowed(need))?;
        Some(format!("the role of {name} in the template does not allow dynamodb:{action} on {table}"))
    }
}

fn lose_response(executing: HttpConnectorFuture) -> HttpConnectorFuture {
    HttpConnectorFuture::new(async {
        executing.await?;
        Err(error_response::connection_error(ErrorKind::ConnectionReset))
    })
}
