//! What counting costs: commands beside those that the requests are for.

use std::error::Error;

use cache::limits::CACHE_FLUSH_READS;
use lambda_http::http::Method;
use protocol::endpoints::function::Function;

use super::rooms::push;
use super::table::Table;
use crate::bench::counter::Counter;
use crate::report::per;

/// Requests that are counted, without pause.
const READS: u64 = 5 * CACHE_FLUSH_READS;
/// Requests for which one command may be sent: 0.02 each.
const READS_PER_COMMAND: u64 = 50;

pub(super) async fn measure(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let counter = Counter::open(table.stack, "statistics").await?;
    push(table.stack, &counter, "p1").await?;
    let path = "/getRecord?table=products&record_id=p1";
    let mut beside = 0;
    for read in 0..CACHE_FLUSH_READS + READS {
        let call = counter.call(table.stack, Function::Data, Method::GET, path, String::new());
        let (_, asked) = table.asked(call).await?;
        // Into the first hundred fall what others have left to write, and the day's first.
        if read >= CACHE_FLUSH_READS {
            beside += asked.commands.saturating_sub(1);
        }
    }
    let measured = per(beside * 10, usize::try_from(READS)?);
    table.figure("statistics, commands a request", &measured, "0.02", beside * READS_PER_COMMAND > READS);
    // Nothing at all would be cheaper, and no statistics.
    if beside == 0 {
        return Err("statistics are never written".into());
    }
    Ok(())
}
