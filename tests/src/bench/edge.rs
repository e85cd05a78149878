//! What the edge saves: function calls of tills that poll.

mod polls;

use std::collections::BTreeMap;
use std::error::Error;

use local::stack::Stack;

use crate::day::Invoice;

/// Limits that let all tills sign in from one address, and a bound that passes as fast as the hour.
pub(super) fn edge_variables() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("RATE_LOGIN_ADDRESS_PER_MINUTE", "100000".to_owned()),
        ("HEAD_BOUND_MILLIS", polls::bound().as_millis().to_string()),
    ])
}

/// Plays an hour of `day` twice: as the edge answers, and with functions that answer each poll.
pub(super) async fn measure(stack: &Stack, day: &[Invoice]) -> Result<(), Box<dyn Error>> {
    polls::measure(stack, day).await
}
