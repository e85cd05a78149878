//! The cost of Redis: commands beside their promises, latency beside the bare round trip, and failed requests
//! while Redis is killed.

mod counts;
mod kill;
mod times;

use std::collections::BTreeMap;
use std::error::Error;

use local::keys::Keys;
use local::stack::Stack;

use crate::function_redis::function_redis;

/// Every rate limit in requests a minute: the maximum, because these clients never pause.
const RATE: &str = "1000000";

/// The edge's variables for this benchmark.
pub(super) fn edge_variables() -> BTreeMap<&'static str, String> {
    let names = ["RATE_USER_PER_MINUTE", "RATE_ADDRESS_PER_MINUTE", "RATE_LOGIN_ADDRESS_PER_MINUTE"];
    names.map(|name| (name, RATE.to_owned())).into()
}

/// Measures everything, then fails if a count is over its promise or a request failed. Latency is printed
/// without a verdict, because it depends on the machine.
pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let redis = function_redis(stack.redis().url(), &Keys::load_or_make(stack.data())?)?;
    // The commands of the stream's functions would be counted as well.
    stack.stream().pause();
    let over = counts::measure(stack, &redis).await?;
    times::measure(stack, &redis, rounds).await?;
    stack.stream().resume();
    let failed = kill::measure(stack).await?;
    if (over, failed) == (0, 0) {
        return Ok(());
    }
    Err(format!("{over} counts are over their promise, and {failed} requests failed").into())
}
