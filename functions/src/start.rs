//! How a function starts in Lambda.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_dynamodb::{Client, Config};
use config::{BadConfig, Reader};
use protocol::timestamp::Timestamp;

/// Finds a value by its name.
pub type Lookup = fn(&str) -> Option<String>;

/// A value of the function's environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The time, once per request.
pub fn now() -> Timestamp {
    let micros =
        SystemTime::now().duration_since(UNIX_EPOCH).map(|elapsed| elapsed.as_micros()).unwrap_or_default();
    Timestamp(u64::try_from(micros).unwrap_or(Timestamp::MAX.0))
}

/// How the functions use DynamoDB, wherever it is: a dead one must be noticed well before the edge gives up.
pub fn dynamo_defaults() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(8));
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard().with_max_attempts(3))
}

/// The client for the credentials that Lambda puts into the environment, good for the sandbox's life.
fn dynamo() -> Result<Client, BadConfig> {
    let mut reader = Reader::new(environment);
    let region = Region::new(reader.text("AWS_REGION"));
    let (id, secret) = (reader.text("AWS_ACCESS_KEY_ID"), reader.text("AWS_SECRET_ACCESS_KEY"));
    let session = Some(reader.text("AWS_SESSION_TOKEN"));
    let credentials = Credentials::new(id, secret, session, None, "lambda");
    let config = dynamo_defaults().region(region).credentials_provider(credentials);
    reader.finish(Some(Client::from_conf(config.build())))
}

/// Starts logging, and makes a function's app from its environment.
pub fn app<A>(new: impl FnOnce(Lookup, Client) -> Result<A, BadConfig>) -> Result<A, BadConfig> {
    lambda_http::tracing::init_default_subscriber();
    new(environment, dynamo()?)
}
