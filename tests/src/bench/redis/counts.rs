//! What one operation asks of Redis. Each round trip and each command is billed, so how many there are is a promise.

mod door;
mod entries;
mod rooms;
mod statistics;
mod table;

use std::error::Error;

use functions::redis::Redis;
use local::stack::Stack;

use table::Table;

/// Prints a line for each operation; how many are over their promise.
pub(super) async fn measure(stack: &Stack, redis: &Redis) -> Result<usize, Box<dyn Error>> {
    let mut table = Table::begin(stack);
    entries::measure(&mut table, redis).await?;
    rooms::measure(&mut table).await?;
    door::measure(&mut table).await?;
    statistics::measure(&mut table).await?;
    println!();
    Ok(table.over)
}
