//! Lines with what was measured beside what is promised.

use std::error::Error;

use local::stack::Stack;
use redis_rest::counts::Counts;

/// How often an operation is counted. Now and then a process writes its statistics along, or an entry is loaded
/// anew before its time: what counts is the middle one, and statistics have a line of their own.
pub(super) const ROUNDS: usize = 9;

/// The lines, as they are printed.
pub(super) struct Table<'a> {
    /// Whose Redis is counted.
    pub(super) stack: &'a Stack,
    /// Lines that are over their promise.
    pub(super) over: usize,
}

/// Round trips, commands, and commands as they are billed.
pub(super) const fn counts(requests: u64, commands: u64, billed: u64) -> Counts {
    Counts { requests, commands, billed }
}

impl<'a> Table<'a> {
    /// The table's head.
    pub(super) fn begin(stack: &'a Stack) -> Table<'a> {
        println!("asked of Redis by one operation: round trips, commands, commands as billed\n");
        Table { stack, over: 0 }
    }

    /// What Redis is asked while `work` is done.
    pub(super) async fn asked<T>(
        &self,
        work: impl Future<Output = Result<T, Box<dyn Error>>>,
    ) -> Result<(T, Counts), Box<dyn Error>> {
        let front = self.stack.redis().front();
        let before = front.counts();
        let done = work.await?;
        Ok((done, front.counts() - before))
    }

    /// A line for an operation that may ask `promised` at most; `operation` does it and says what it asked.
    pub(super) async fn line(
        &mut self,
        name: &str,
        promised: Counts,
        mut operation: impl AsyncFnMut(&Table<'a>, usize) -> Result<Counts, Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let mut all = Vec::with_capacity(ROUNDS);
        for round in 0..ROUNDS {
            all.push(operation(self, round).await?);
        }
        let measured = middle(all);
        self.figure(name, &text(measured), &text(promised), is_over(measured, promised));
        Ok(())
    }

    /// A line for a figure of another kind.
    pub(super) fn figure(&mut self, name: &str, measured: &str, promised: &str, over: bool) {
        let verdict = if over { "  OVER" } else { "" };
        println!("{name:<46} {measured:>9} (promised: at most {promised}){verdict}");
        self.over += usize::from(over);
    }
}

fn middle(mut all: Vec<Counts>) -> Counts {
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
    fn one_that_did_more_is_not_the_middle_one() {
        let all = [counts(1, 1, 1), counts(2, 3, 3), counts(1, 1, 1), counts(1, 1, 1), counts(2, 2, 2)];
        assert_eq!(middle(all.to_vec()), counts(1, 1, 1));
        assert_eq!(middle(vec![]), counts(0, 0, 0));
    }

    #[test]
    fn a_promise_is_broken_by_one_figure_too_many() {
        for more in [counts(2, 1, 3), counts(1, 2, 3), counts(1, 1, 4)] {
            assert!(is_over(more, counts(1, 1, 3)), "{more:?}");
        }
        assert!(!is_over(counts(1, 1, 3), counts(1, 1, 3)));
        assert!(!is_over(counts(0, 0, 0), counts(1, 1, 3)));
    }
}
