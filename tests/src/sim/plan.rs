//! What is to happen in a run, made from its seed before it begins: so that steps can be taken out and the rest run
//! again.

use std::fmt;

use super::dice::Dice;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place in the first history.
    pub number: usize,
    /// What it draws its own decisions from.
    pub seed: u64,
    /// Milliseconds that pass before it.
    pub wait_millis: u64,
    /// What happens.
    pub act: Act,
}

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Somebody writes records at a till; they wait in its queue.
    Edit(usize),
    /// A till pushes what waits and pulls.
    Sync(usize),
    /// A till loses its connection.
    Leave(usize),
    /// A till has its connection back.
    Return(usize),
    /// A till stops in the middle of whatever it does, and starts again with what is on its disk.
    Crash(usize),
    /// A till sends a batch again that was answered long ago.
    Resend(usize),
    /// What has expired is deleted, some of it.
    Sweep,
    /// Head office pulls.
    Oversee,
    /// Head office writes into a branch.
    Direct,
}

const MINUTE_MILLIS: u64 = 60_000;
const DAY_MILLIS: u64 = 24 * 60 * MINUTE_MILLIS;

/// The steps of the run with `seed`.
pub fn plan(seed: u64, tills: usize, steps: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    // Some runs are one busy hour, in others somebody is away for months.
    let calendar =
        dice.weighted(&[(5, Calendar::Hours), (4, Calendar::Days), (2, Calendar::Months)], Calendar::Hours);
    (0..steps)
        .map(|number| Step {
            number,
            seed: dice.roll(),
            wait_millis: calendar.wait(&mut dice),
            act: act(&mut dice, tills),
        })
        .collect()
}

#[derive(Clone, Copy)]
enum Calendar {
    Hours,
    Days,
    Months,
}

impl Calendar {
    fn wait(self, dice: &mut Dice) -> u64 {
        let moment = dice.between(0, 40);
        let pause = dice.between(1000, 20 * MINUTE_MILLIS);
        let days = dice.between(DAY_MILLIS / 4, 4 * DAY_MILLIS);
        let weeks = dice.between(8 * DAY_MILLIS, 40 * DAY_MILLIS);
        match self {
            Calendar::Hours => dice.weighted(&[(90, moment), (10, pause)], moment),
            Calendar::Days => dice.weighted(&[(85, moment), (10, pause), (5, days)], moment),
            Calendar::Months => dice.weighted(&[(82, moment), (10, pause), (4, days), (4, weeks)], moment),
        }
    }
}

fn act(dice: &mut Dice, tills: usize) -> Act {
    let till = usize::try_from(dice.below(tills as u64)).unwrap_or_default();
    let acts = [
        (34, Act::Edit(till)),
        (36, Act::Sync(till)),
        (6, Act::Leave(till)),
        (8, Act::Return(till)),
        (3, Act::Crash(till)),
        (3, Act::Resend(till)),
        (4, Act::Sweep),
        (4, Act::Oversee),
        (2, Act::Direct),
    ];
    dice.weighted(&acts, Act::Sweep)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4}  after {:>10} ms  ", self.number, self.wait_millis)?;
        match self.act {
            Act::Edit(till) => write!(f, "till {till} writes"),
            Act::Sync(till) => write!(f, "till {till} syncs"),
            Act::Leave(till) => write!(f, "till {till} goes offline"),
            Act::Return(till) => write!(f, "till {till} comes back"),
            Act::Crash(till) => write!(f, "till {till} crashes"),
            Act::Resend(till) => write!(f, "till {till} sends an old batch again"),
            Act::Sweep => write!(f, "what has expired is swept"),
            Act::Oversee => write!(f, "head office pulls"),
            Act::Direct => write!(f, "head office writes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_the_same_every_time_and_runs_differ() {
        assert_eq!(plan(3, 5, 50), plan(3, 5, 50));
        assert_ne!(plan(3, 5, 50), plan(4, 5, 50));
        assert!(plan(3, 5, 50).iter().all(|step| !matches!(step.act, Act::Edit(till) if till >= 5)));
    }
}
