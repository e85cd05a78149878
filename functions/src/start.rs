//! How a function starts in Lambda.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_dynamodb::{Client, Config};
use config::{BadConfig, Reader};
use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::{Error, Request, service_fn};
use protocol::timestamp::Timestamp;
use serde::de::IgnoredAny;

use crate::cache_admin::maintenance;
use crate::context::Context;
use crate::context::kind::FunctionKind;
use crate::dynamo::timer::RequestTimer;
use crate::http::dispatch;
use crate::http::request_lines::RequestLines;
use crate::stream;
use crate::sync::redelivery;

/// Runs `function` until Lambda stops the process.
#[tokio::main]
pub async fn run(function: impl Into<FunctionKind>) -> Result<(), Error> {
    lambda_http::tracing::init_default_subscriber();
    let function = function.into();
    let context = &Context::new(function, environment, &dynamo()?)?;
    // The futures are boxed because their types nest too deeply for the compiler.
    match function {
        FunctionKind::Http(_) => {
            let handle = async |request: Request| {
                let response = dispatch::handle(context, request, now()).await;
                response.extensions().get().into_iter().for_each(write);
                Ok::<_, Error>(response)
            };
            Box::pin(lambda_http::run(service_fn(handle))).await
        }
        FunctionKind::Stream(function) => {
            let handle = async |event: LambdaEvent<_>| {
                stream::handle(context, function, event.payload, now()).await.map_err(Error::from)
            };
            Box::pin(lambda_runtime::run(service_fn(handle))).await
        }
        FunctionKind::CacheMaintenance => {
            let handle = async |_: LambdaEvent<IgnoredAny>| {
                let done = maintenance::handle(context).await?;
                Ok::<_, Error>(format!("{done:?}"))
            };
            Box::pin(lambda_runtime::run(service_fn(handle))).await
        }
        FunctionKind::Redelivery => {
            let handle = async |_: LambdaEvent<IgnoredAny>| {
                let done = redelivery::handle(context, now()).await?;
                Ok::<_, Error>(format!("{done} rooms"))
            };
            Box::pin(lambda_runtime::run(service_fn(handle))).await
        }
    }
}

/// Writes the lines about a call to CloudWatch. They come without the members that the subscriber adds: the
/// embedded metric format is read at the root of a line.
fn write(RequestLines(lines): &RequestLines) {
    for line in lines {
        // Without standard output no one could read them.
        let _ = writeln!(io::stdout(), "{}", line.to_json());
    }
}

/// The value of `name` in the process environment.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The current time. A request reads it once.
pub fn now() -> Timestamp {
    let micros =
        SystemTime::now().duration_since(UNIX_EPOCH).map(|elapsed| elapsed.as_micros()).unwrap_or_default();
    Timestamp(u64::try_from(micros).unwrap_or(Timestamp::MAX.0))
}

/// Timeouts and retries for DynamoDB: an outage is noticed well before the edge gives up.
pub fn dynamo_defaults() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8));
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .interceptor(RequestTimer)
}

/// A client with the credentials in the environment, which Lambda sets for the lifetime of the process.
fn dynamo() -> Result<Client, BadConfig> {
    let mut reader = Reader::new(environment);
    let region = Region::new(reader.text("AWS_REGION"));
    let (id, secret) = (reader.text("AWS_ACCESS_KEY_ID"), reader.text("AWS_SECRET_ACCESS_KEY"));
    let session = Some(reader.text("AWS_SESSION_TOKEN"));
    let credentials = Credentials::new(id, secret, session, None, "lambda");
    let config = dynamo_defaults().region(region).credentials_provider(credentials);
    reader.finish(Some(Client::from_conf(config.build())))
}
