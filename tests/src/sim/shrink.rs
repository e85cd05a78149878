//! The shortest history that still fails: steps are taken out, in ever smaller pieces (Zeller and Hildebrandt's delta
//! debugging, without its complements), for as long as the rest fails.

use super::plan::Step;

/// Runs that are tried at most.
const TRIES_MAX: usize = 400;

/// The steps that matter. `fails` plays a history; that of `steps` must fail.
pub fn shrink(steps: &[Step], fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut short = steps.to_vec();
    let (mut piece, mut tries) = (short.len().div_ceil(2), 0);
    loop {
        let before = short.len();
        let mut start = 0;
        while start < short.len() && tries < TRIES_MAX {
            let rest = without(&short, start, piece);
            tries += 1;
            if fails(&rest) { short = rest } else { start += piece }
        }
        let done = piece == 1 && short.len() == before;
        if done || tries >= TRIES_MAX || short.is_empty() {
            return short;
        }
        piece = piece.div_ceil(2).min(short.len().max(1));
    }
}

/// `steps` without `count` of them; the time that passed before those passes all the same.
fn without(steps: &[Step], start: usize, count: usize) -> Vec<Step> {
    let mut rest = Vec::with_capacity(steps.len());
    let mut waited: u64 = 0;
    for (i, step) in steps.iter().enumerate() {
        if (start..start + count).contains(&i) {
            waited = waited.saturating_add(step.wait_millis);
        } else {
            rest.push(Step {
                wait_millis: step.wait_millis.saturating_add(std::mem::take(&mut waited)),
                ..step.clone()
            });
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::plan::plan;

    #[test]
    fn only_what_matters_is_left_and_time_passes_all_the_same() {
        let steps = plan(5, 3, 200);
        let needs = [17, 18, 150];
        let fails = |steps: &[Step]| needs.iter().all(|need| steps.iter().any(|step| step.number == *need));
        let short = shrink(&steps, fails);
        assert_eq!(short.iter().map(|step| step.number).collect::<Vec<_>>(), needs);
        let until = |steps: &[Step]| -> u64 {
            steps.iter().take_while(|step| step.number <= 150).map(|step| step.wait_millis).sum()
        };
        assert_eq!(until(&short), until(&steps));
    }
}
