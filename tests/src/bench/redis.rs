//! What Redis costs: round trips and commands beside what is promised, time beside the bare round trip, and who is
//! served when it is killed.

mod counts;
mod kill;
mod times;

use std::collections::BTreeMap;
use std::error::Error;

use local::keys::Keys;
use local::stack::Stack;

use crate::function_redis::function_redis;

/// Requests a minute, for every limit: as many as may be set, because the callers here never pause.
const RATE: &str = "1000000";

/// What the edge must be told for this.
pub(super) fn edge_variables() -> BTreeMap<&'static str, String> {
    let names = [
        "RATE_USER_PER_MINUTE",
        "RATE_ADDRESS_PER_MINUTE",
        "RATE_LOGIN_NAME_PER_MINUTE",
        "RATE_LOGIN_ADDRESS_PER_MINUTE",
    ];
    names.map(|name| (name, RATE.to_owned())).into()
}

/// Measures everything, and then fails if a count is over its promise or a request was not served. Times are compared
/// and not judged: how near to the bare round trip one comes depends on the machine.
pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let redis = function_redis(stack.redis().url(), &Keys::load_or_make(stack.data())?)?;
    // What the stream's functions ask of Redis would be counted as somebody else's.
    stack.stream().pause();
    let over = counts::measure(stack, &redis).await?;
    times::measure(stack, &redis, rounds).await?;
    stack.stream().resume();
    let unserved = kill::measure(stack).await?;
    if (over, unserved) == (0, 0) {
        return Ok(());
    }
    Err(format!("{over} counts are over what is promised, and {unserved} requests were not served").into())
}
