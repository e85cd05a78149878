//! Delta debugging without complements (Zeller and Hildebrandt 2002): removes ever smaller pieces of a
//! scenario as long as the rest still fails.

use super::scenario::Step;

/// Maximum number of runs.
const RUNS_MAX: usize = 400;

/// A shorter scenario that still fails. `fails` runs a scenario; `steps` itself must fail.
pub(crate) fn shrink(steps: &[Step], fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut short = steps.to_vec();
    let (mut piece, mut runs) = (short.len().div_ceil(2), 0);
    loop {
        let before = short.len();
        let mut start = 0;
        while start < short.len() && runs < RUNS_MAX {
            let rest = without(&short, start, piece);
            runs += 1;
            if fails(&rest) { short = rest } else { start += piece }
        }
        let done = piece == 1 && short.len() == before;
        if done || runs >= RUNS_MAX || short.is_empty() {
            return short;
        }
        piece = piece.div_ceil(2).min(short.len().max(1));
    }
}

/// `steps` without `count` of them. The next step waits for their time as well.
fn without(steps: &[Step], start: usize, count: usize) -> Vec<Step> {
    let mut rest = Vec::with_capacity(steps.len());
    let mut waited: u64 = 0;
    for (i, step) in steps.iter().enumerate() {
        if (start..start + count).contains(&i) {
            waited = waited.saturating_add(step.wait_millis);
        } else {
            let wait_millis = step.wait_millis.saturating_add(std::mem::take(&mut waited));
            rest.push(Step { wait_millis, ..step.clone() });
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::scenario::scenario;

    #[test]
    fn only_the_needed_steps_remain_and_at_the_same_time() {
        let steps = scenario(5, 3, 200);
        let needs = [17, 18, 150];
        let fails = |steps: &[Step]| needs.iter().all(|need| steps.iter().any(|step| step.number == *need));
        let short = shrink(&steps, fails);
        assert_eq!(short.iter().map(|step| step.number).collect::<Vec<_>>(), needs);
        let time = |steps: &[Step]| -> u64 {
            steps.iter().take_while(|step| step.number <= 150).map(|step| step.wait_millis).sum()
        };
        assert_eq!(time(&short), time(&steps));
    }
}
