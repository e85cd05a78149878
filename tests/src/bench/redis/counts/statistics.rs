//! The cost of cache statistics: commands beyond those of the requests themselves.

use std::error::Error;

use cache::limits::CACHE_FLUSH_READS;
use protocol::endpoints::function::Function;

use super::Table;
use crate::bench::client::BenchClient;
use crate::report::per;

/// Counted requests.
const READS: u64 = 5 * CACHE_FLUSH_READS;
/// Requests for each permitted command: 0.02 commands a request.
const READS_PER_COMMAND: u64 = 50;

pub(super) async fn measure(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let stack = table.stack;
    let client = BenchClient::open(stack, "statistics", "statistics").await?;
    client.push_product(stack, "p1").await?;
    let mut extra = 0;
    for read in 0..CACHE_FLUSH_READS + READS {
        let counts =
            table.count(client.get(stack, Function::Data, "/getRecord?table=products&record_id=p1")).await?;
        // The first requests write the statistics of earlier measurements and the first of the day.
        if read >= CACHE_FLUSH_READS {
            extra += counts.commands.saturating_sub(1);
        }
    }
    let measured = per(extra * 10, usize::try_from(READS)?);
    table.print("statistics, commands a request", &measured, "0.02", extra * READS_PER_COMMAND > READS);
    if extra == 0 {
        return Err("statistics are never written".into());
    }
    Ok(())
}
