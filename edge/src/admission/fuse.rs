//! The fuse in front of Redis: Redis is billed by command, so a flood from one address must not reach it.
//!
//! The platform counts by itself, for free and about right, per location (the binding `ADDRESS_FUSE` in
//! wrangler.toml). It counts commands, so a request that needs none is never refused.

use std::net::IpAddr;
use std::time::Duration;

use protocol::error::{ApiError, ErrorCode};
use protocol::wire::error_response::RateLimitDetails;
use worker::{Env, RateLimiter};

use crate::client_info::ClientInfo;
use crate::clock;

/// The binding in `wrangler.toml`.
const BINDING: &str = "ADDRESS_FUSE";
/// Commands of one address in [`WINDOW_SECS`], as in `wrangler.toml`.
const COMMANDS_MAX: u32 = 1000;
const WINDOW_SECS: u64 = 10;

/// How long the fuse may take. It is in the same data centre, if not in the same process.
const FUSE_BOUND: Duration = Duration::from_millis(200);

/// Counts `commands` that a request of `client_info` is about to send; whether they may be sent. A fuse that
/// does not respond lets everything through: the limits in Redis still hold.
pub(crate) async fn allows(env: &Env, client_info: &ClientInfo, commands: usize) -> worker::Result<bool> {
    let Some(address) = client_info.address().filter(|address| !is_loopback(address)) else {
        return Ok(true);
    };
    let fuse = env.rate_limiter(BINDING)?;
    let key = auth::address::network(address);
    let counted = clock::within(FUSE_BOUND, count(&fuse, &key, commands)).await;
    counted.unwrap_or_else(|| Err("no answer in time".into()))
}

async fn count(fuse: &RateLimiter, key: &str, commands: usize) -> worker::Result<bool> {
    for _ in 0..commands {
        if !fuse.limit(key.to_owned()).await?.success {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the address is of the same machine, as only on a local stack, where load tests have one address.
fn is_loopback(address: &str) -> bool {
    address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The refusal of a request beyond the fuse.
pub(crate) fn refusal() -> ApiError {
    let details = RateLimitDetails {
        policy: "address-fuse",
        limit: COMMANDS_MAX,
        window_secs: WINDOW_SECS,
        retry_after_secs: WINDOW_SECS,
    };
    let message = format!("Too many requests from this address; come back in {WINDOW_SECS} seconds.");
    let error = ApiError::new(ErrorCode::RateLimited, message).with_details(&details);
    ApiError { retry_after_secs: Some(WINDOW_SECS), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_binding() {
        let config = include_str!("../../../wrangler.toml");
        let (_, binding) = config.split_once(&format!("name = \"{BINDING}\"")).unwrap();
        let simple = format!("simple = {{ limit = {COMMANDS_MAX}, period = {WINDOW_SECS} }}");
        assert!(binding.lines().take(4).any(|line| line == simple), "{simple}");
    }

    #[test]
    fn a_local_stack_has_no_fuse() {
        assert!(["127.0.0.1", "::1", "::ffff:127.0.0.1"].into_iter().all(is_loopback));
        assert!(!["203.0.113.7", "2001:db8::1", "10.0.0.1", "unknown", ""].into_iter().any(is_loopback));
    }

    #[test]
    fn the_refusal_says_when_to_come_back() {
        let refusal = refusal();
        assert_eq!((refusal.code, refusal.retry_after_secs()), (ErrorCode::RateLimited, Some(10)));
        assert!(refusal.details.unwrap().as_str().contains(r#""window_secs":10"#));
    }
}
