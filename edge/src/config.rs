//! The configuration of a deployment: read once per isolate, from variables and secrets.

use std::time::Duration;

use auth::rate::limit::Limit;
use auth::rate::limit::Rates;
use auth::token::Verifier;
use config::{BadConfig, Reader, Secret};
use redis_client::address::Address;
use redis_client::keys::Keys;

mod heartbeat;
mod origins;
mod urls;

pub(crate) use heartbeat::Heartbeat;
pub(crate) use origins::AllowedOrigins;
use urls::FunctionUrls;

use crate::limits::CLIENT_CALLS_MAX;

const REDIS_PREFIX: &str = "tillsync";
/// The default of `HEAD_BOUND_MILLIS`.
const HEAD_BOUND: Duration = Duration::from_secs(15);

/// The configuration of the edge. No `Debug`: it holds secrets.
pub(crate) struct Config {
    pub(crate) verifier: Verifier,
    /// The key with which functions sign publications.
    pub(crate) publish_secret: Secret,
    pub(crate) keys: AwsKeys,
    pub(crate) urls: FunctionUrls,
    pub(crate) redis: RedisAccess,
    pub(crate) rates: Rates,
    /// Calls of functions for one client at once, in one isolate.
    pub(crate) client_calls_max: usize,
    /// How long ago a function may have confirmed the head at which the edge answers a pull; zero if
    /// functions answer all.
    pub(crate) head_bound: Duration,
    pub(crate) origins: AllowedOrigins,
    pub(crate) heartbeat: Heartbeat,
    /// Where the lines about requests go.
    pub(crate) line_level: LineLevel,
}

/// The level of the edge's lines about requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LineLevel {
    #[default]
    Log,
    /// For the local stack: wrangler shows lower levels only together with a line of its own per request.
    Warn,
}

impl std::str::FromStr for LineLevel {
    type Err = BadLineLevel;

    fn from_str(text: &str) -> Result<LineLevel, BadLineLevel> {
        match text {
            "log" => Ok(LineLevel::Log),
            "warn" => Ok(LineLevel::Warn),
            _ => Err(BadLineLevel),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it must be `log` or `warn`")]
pub(crate) struct BadLineLevel;

/// A Redis database and our part of it.
pub(crate) struct RedisAccess {
    pub(crate) address: Address,
    pub(crate) token: Secret,
    pub(crate) keys: Keys,
}

/// The credentials of the edge's AWS user, which may only invoke the function URLs.
pub(crate) struct AwsKeys {
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
}

impl Config {
    /// Reads all names from `lookup`, or reports every name that is missing or bad.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Config, BadConfig> {
        let mut reader = Reader::new(lookup);
        let verifier = reader.parsed("ACCESS_JWKS", Verifier::from_jwks);
        let publish_secret = reader.secret("PUBLISH_SECRET");
        let keys = AwsKeys {
            region: reader.text("AWS_REGION"),
            access_key_id: reader.text("AWS_ACCESS_KEY_ID"),
            secret_access_key: reader.secret("AWS_SECRET_ACCESS_KEY"),
        };
        let urls = FunctionUrls::read(&mut reader);
        // The reader notes what is missing or bad, and `finish` returns the list.
        let address = reader.parsed("UPSTASH_REDIS_REST_URL", str::parse::<Address>);
        let token = reader.secret("UPSTASH_REDIS_REST_TOKEN");
        let ours = Keys::new(REDIS_PREFIX).ok();
        let ours = reader.parsed_or("REDIS_PREFIX", ours, |text| Keys::new(text).map(Some)).flatten();
        let rates = rates(&mut reader);
        let calls_max = reader.parsed_or("CLIENT_CALLS_MAX", CLIENT_CALLS_MAX, count);
        let client_calls_max = calls_max.unwrap_or(CLIENT_CALLS_MAX);
        let head_bound = reader.parsed_or("HEAD_BOUND_MILLIS", HEAD_BOUND, millis).unwrap_or(HEAD_BOUND);
        let heartbeat = heartbeat(&mut reader);
        let none = AllowedOrigins::default();
        let origins = reader.parsed_or("ALLOWED_ORIGINS", none, AllowedOrigins::parse).unwrap_or_default();
        let line_level = reader.parsed_or("LINE_LEVEL", LineLevel::Log, str::parse).unwrap_or_default();
        let redis = address.zip(ours).map(|(address, keys)| RedisAccess { address, token, keys });
        let config = verifier.zip(redis).map(|(verifier, redis)| Config {
            verifier,
            publish_secret,
            keys,
            urls,
            redis,
            rates,
            client_calls_max,
            head_bound,
            origins,
            heartbeat,
            line_level,
        });
        reader.finish(config)
    }
}

fn rates<L: Fn(&str) -> Option<String>>(reader: &mut Reader<L>) -> Rates {
    let mut rate = |name: &str, limit: Limit| {
        reader.parsed_or(name, limit, |text| limit.with_quota(text)).unwrap_or(limit)
    };
    let Rates { user, address, login_address, client_sync } = Rates::default();
    Rates {
        user: rate("RATE_USER_PER_MINUTE", user),
        address: rate("RATE_ADDRESS_PER_MINUTE", address),
        login_address: rate("RATE_LOGIN_ADDRESS_PER_MINUTE", login_address),
        client_sync: rate("RATE_CLIENT_SYNC_PER_MINUTE", client_sync),
    }
}

fn heartbeat<L: Fn(&str) -> Option<String>>(reader: &mut Reader<L>) -> Heartbeat {
    let mut secs = |name: &str, secs: u64| reader.parsed_or(name, secs, heartbeat::secs).unwrap_or(secs);
    let Heartbeat { ping_after_secs, pong_within_secs } = Heartbeat::default();
    Heartbeat {
        ping_after_secs: secs("SOCKET_PING_AFTER_SECS", ping_after_secs),
        pong_within_secs: secs("SOCKET_PONG_WITHIN_SECS", pong_within_secs),
    }
}

fn count(text: &str) -> Result<usize, std::num::ParseIntError> {
    text.parse::<std::num::NonZero<usize>>().map(std::num::NonZero::get)
}

fn millis(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticate::tests::JWKS;
    use protocol::endpoints::function::Function;

    const NAMES: [(&str, &str); 17] = [
        ("ACCESS_JWKS", JWKS),
        ("PUBLISH_SECRET", "s3cret"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "s3cret"),
        ("AUTH_FUNCTION_URL", "https://a.lambda-url.eu-central-1.on.aws/"),
        ("BATCH_PUSH_FUNCTION_URL", "http://127.0.0.1:9000/batch-push"),
        ("PULL_CHANGES_FUNCTION_URL", "http://127.0.0.1:9000/pull-changes"),
        ("RESOLVE_CONFLICT_FUNCTION_URL", "http://127.0.0.1:9000/resolve-conflict"),
        ("SYNC_STATS_FUNCTION_URL", "http://127.0.0.1:9000/sync-stats"),
        ("DEAD_LETTERS_FUNCTION_URL", "http://127.0.0.1:9000/dead-letters"),
        ("DATA_FUNCTION_URL", "http://127.0.0.1:9000/data"),
        ("CARTS_FUNCTION_URL", "http://127.0.0.1:9000/carts"),
        ("CACHE_ADMIN_FUNCTION_URL", "http://127.0.0.1:9000/cache-admin"),
        ("CACHE_WARM_FUNCTION_URL", "http://127.0.0.1:9000/cache-warm"),
        ("UPSTASH_REDIS_REST_URL", "https://eu1-shop.upstash.io/"),
        ("UPSTASH_REDIS_REST_TOKEN", "s3cret"),
    ];

    fn read_but(change: impl Fn(&str) -> Option<&'static str>) -> Result<Config, BadConfig> {
        Config::read(|name| match change(name) {
            Some(value) => Some(value.to_owned()),
            None => NAMES.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        })
    }

    #[test]
    fn a_whole_configuration_is_read() {
        let config = read_but(|_| None).ok().unwrap();
        assert_eq!(config.urls.of(Function::Auth), "https://a.lambda-url.eu-central-1.on.aws");
        assert_eq!(config.redis.address.at("/"), "https://eu1-shop.upstash.io/");
        assert_eq!(config.redis.keys, Keys::new("tillsync").unwrap());
        assert_eq!((config.rates, config.head_bound), (Rates::default(), HEAD_BOUND));
        assert_eq!(config.heartbeat, Heartbeat::default());
        assert_eq!(config.line_level, LineLevel::Log);
        let level = |text| read_but(move |name| (name == "LINE_LEVEL").then_some(text));
        assert_eq!(level("warn").ok().unwrap().line_level, LineLevel::Warn);
        assert!(level("info").err().unwrap().to_string().contains("LINE_LEVEL is wrong"));
        for function in Function::ALL.into_iter().filter(|function| *function != Function::Auth) {
            assert_eq!(config.urls.of(function), format!("http://127.0.0.1:9000/{}", function.name()));
        }
    }

    #[test]
    fn every_missing_name_is_reported_at_once_and_no_secret_is_shown() {
        let problems = read_but(|_| Some("")).err().unwrap().to_string();
        for (name, _) in NAMES {
            assert!(problems.contains(&format!("{name} is not set")), "{problems}");
        }
        let problems = read_but(|name| (name == "ACCESS_JWKS").then_some("s3cret")).err().unwrap();
        assert!(!problems.to_string().contains("s3cret"), "{problems}");
    }

    #[test]
    fn prefix_limits_and_bound_may_be_set_and_are_checked() {
        let names = [
            "SOCKET_PING_AFTER_SECS",
            "SOCKET_PONG_WITHIN_SECS",
            "REDIS_PREFIX",
            "HEAD_BOUND_MILLIS",
            "RATE_USER_PER_MINUTE",
            "RATE_ADDRESS_PER_MINUTE",
            "RATE_LOGIN_ADDRESS_PER_MINUTE",
            "RATE_CLIENT_SYNC_PER_MINUTE",
        ];
        let config = read_but(|name| names.contains(&name).then_some("7")).ok().unwrap();
        assert_eq!(config.redis.keys, Keys::new("7").unwrap());
        assert_eq!(config.head_bound, Duration::from_millis(7));
        assert_eq!(config.heartbeat, Heartbeat { ping_after_secs: 7, pong_within_secs: 7 });
        let Rates { user, address, login_address, client_sync } = config.rates;
        assert!([user, address, login_address, client_sync].iter().all(|limit| limit.quota() == 7));
        assert_eq!(login_address.name, "login-address");
        let problems = read_but(|name| names.contains(&name).then_some("A!")).err().unwrap().to_string();
        assert!(names.iter().all(|name| problems.contains(&format!("{name} is wrong"))), "{problems}");
    }
}
