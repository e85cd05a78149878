//! Round trips and commands of one operation. Each of them is billed, so their number is a promise.

mod cache;
mod records;
mod sessions;
mod statistics;

use std::error::Error;

use functions::redis::Redis;
use local::stack::Stack;
use redis_rest::counts::Counts;

/// How often an operation is counted. The median counts, because a process sometimes writes its statistics
/// along or refreshes an entry early. Statistics have a line of their own.
const ROUNDS: usize = 9;

/// Prints a line for each operation. Returns how many are over their promise.
pub(super) async fn measure(stack: &Stack, redis: &Redis) -> Result<usize, Box<dyn Error>> {
    println!("Redis commands of one operation: round trips, commands, billed commands\n");
    let mut table = Table { stack, over: 0 };
    cache::measure(&mut table, redis).await?;
    records::measure(&mut table).await?;
    sessions::measure(&mut table).await?;
    statistics::measure(&mut table).await?;
    println!();
    Ok(table.over)
}

/// The printed lines.
struct Table<'a> {
    stack: &'a Stack,
    /// The number of lines over their promise.
    over: usize,
}

impl Table<'_> {
    /// Counts the commands of `operation`.
    async fn count<T>(
        &self,
        operation: impl Future<Output = Result<T, Box<dyn Error>>>,
    ) -> Result<Counts, Box<dyn Error>> {
        let front = self.stack.redis().front();
        let before = front.counts();
        operation.await?;
        Ok(front.counts() - before)
    }

    /// A line for an operation. It gets the number of the round.
    async fn line<T>(
        &mut self,
        name: &str,
        promised: Counts,
        operation: impl AsyncFnMut(usize) -> Result<T, Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        self.line_after(name, promised, async |round| Ok(round), operation).await
    }

    /// A line for an operation that gets the result of `prepare`, whose own commands do not count.
    async fn line_after<P, T>(
        &mut self,
        name: &str,
        promised: Counts,
        mut prepare: impl AsyncFnMut(usize) -> Result<P, Box<dyn Error>>,
        mut operation: impl AsyncFnMut(P) -> Result<T, Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let mut all = Vec::with_capacity(ROUNDS);
        for round in 0..ROUNDS {
            let prepared = prepare(round).await?;
            all.push(self.count(operation(prepared)).await?);
        }
        let measured = median(all);
        self.print(name, &text(measured), &text(promised), is_over(measured, promised));
        Ok(())
    }

    fn print(&mut self, name: &str, measured: &str, promised: &str, over: bool) {
        let verdict = if over { "  OVER" } else { "" };
        println!("{name:<46} {measured:>9} (promised: at most {promised}){verdict}");
        self.over += usize::from(over);
    }
}

/// Round trips, commands and billed commands.
const fn counts(requests: u64, commands: u64, billed: u64) -> Counts {
    Counts { requests, commands, billed }
}

fn median(mut all: Vec<Counts>) -> Counts {
    all.sort_unstable_by_key(|counts| (counts.requests, counts.commands, counts.billed));
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn is_over(measured: Counts, promised: Counts) -> bool {
    let Counts { requests, commands, billed } = measured;
    requests > promised.requests || commands > promised.commands || billed > promised.billed
}

fn text(Counts { requests, commands, billed }: Counts) -> String {
    format!("{requests}, {commands}, {billed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_rounds_that_did_more() {
        let all = [counts(1, 1, 1), counts(2, 3, 3), counts(1, 1, 1), counts(1, 1, 1), counts(2, 2, 2)];
        assert_eq!(median(all.to_vec()), counts(1, 1, 1));
        assert_eq!(median(vec![]), counts(0, 0, 0));
    }

    #[test]
    fn one_count_over_its_promise_is_enough() {
        for more in [counts(2, 1, 3), counts(1, 2, 3), counts(1, 1, 4)] {
            assert!(is_over(more, counts(1, 1, 3)), "{more:?}");
        }
        assert!(!is_over(counts(1, 1, 3), counts(1, 1, 3)));
        assert!(!is_over(counts(0, 0, 0), counts(1, 1, 3)));
    }
}
