//! The steps of a run. They are drawn from the seed before the run begins, so that steps can be removed and
//! the rest replayed.

use std::fmt;

use super::actors::has_many_branches;
use super::rng::Rng;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its place in the original scenario.
    pub(crate) number: usize,
    /// The seed of its own decisions.
    pub(crate) seed: u64,
    pub(crate) wait_millis: u64,
    pub(crate) action: Action,
}

/// What may happen. The number is a till's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A cashier edits records; they wait in the till's queue.
    Edit(usize),
    /// A till pushes its queue and pulls.
    Sync(usize),
    /// A till loses its connection.
    Disconnect(usize),
    /// A till has its connection again, and syncs.
    Reconnect(usize),
    /// A till crashes and restarts from its disk.
    Crash(usize),
    /// A batch that was answered long ago is sent again.
    Resend(usize),
    /// DynamoDB deletes some expired items.
    Expire,
    /// Head office pulls all branches.
    HeadOfficePull,
    /// Head office writes into a branch.
    HeadOfficeWrite,
    /// A program sends a request that must be refused.
    Probe,
    /// A manager replays or discards a dead letter.
    HandleDeadLetter,
    /// A till loses its disk and begins again under the same device id.
    Reinstall(usize),
    /// An item of a room is damaged.
    Damage,
    /// Head office looks at the statistics of a branch.
    ReadStats,
    /// The tables are copied.
    Copy,
    /// The tables are put back to the last copy.
    Restore,
    /// The next release is rolled out, or rolled back.
    Deploy,
    /// A program reads records, perhaps from the cache.
    Read,
    /// A till writes, reads or removes a cart.
    UseCart,
    /// A person resolves a conflict.
    Resolve,
    /// Redis forgets some keys, or all.
    ForgetKeys,
    /// Redis does not respond for a while.
    StopRedis,
}

/// Share of the runs in which the tables are put back to an earlier moment.
const RESTORES_PERMILLE: u64 = 150;
/// Share of the other runs in which tills lose their disks. Such a till cannot offer anything again.
const REINSTALLS_PERMILLE: u64 = 300;
/// Share of the runs in which items are damaged.
const DAMAGE_PERMILLE: u64 = 150;
/// Share of the runs with other programs beside the tills: they read through the cache and use carts.
const PROGRAMS_PERMILLE: u64 = 220;
/// Share of their steps that are followed by one of those programs.
const BESIDE_PERMILLE: u64 = 250;
/// Share of the runs that begin before a deployment.
const DEPLOYMENTS_PERMILLE: u64 = 250;
const MINUTE_MILLIS: u64 = 60_000;
const DAY_MILLIS: u64 = 24 * 60 * MINUTE_MILLIS;

/// What only some runs have: 1 or 0.
struct Seldom {
    restores: u64,
    reinstalls: u64,
    damage: u64,
    deployments: u64,
    many_branches: u64,
}

pub(crate) fn scenario(seed: u64, tills: usize, steps: usize) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    // Some runs are one busy hour; in others a till is offline for months.
    let span = rng.weighted(&[(5, Span::Hours), (4, Span::Days), (2, Span::Months)], Span::Hours);
    let has_restores = rng.chance(RESTORES_PERMILLE);
    let seldom = Seldom {
        restores: has_restores.into(),
        reinstalls: (!has_restores && rng.chance(REINSTALLS_PERMILLE)).into(),
        damage: rng.chance(DAMAGE_PERMILLE).into(),
        deployments: rng.chance(DEPLOYMENTS_PERMILLE).into(),
        many_branches: has_many_branches(seed).into(),
    };
    // From a generator of its own, so that the seeds that show rare mutations stay.
    let mut beside = Rng::derived(seed, 5);
    let permille = if has_programs(seed) { BESIDE_PERMILLE } else { 0 };
    let mut all: Vec<Step> = Vec::new();
    for _ in 0..steps {
        let (seed, wait_millis) = (rng.next_u64(), span.wait_millis(&mut rng));
        let action = action(&mut rng, tills, &seldom);
        all.push(Step { number: all.len(), seed, wait_millis, action });
        if beside.chance(permille) {
            let (seed, action) = (beside.next_u64(), action_beside(&mut beside));
            all.push(Step { number: all.len(), seed, wait_millis: 0, action });
        }
    }
    all
}

/// Whether a run has other programs beside the tills.
pub(crate) fn has_programs(seed: u64) -> bool {
    Rng::derived(seed, 6).chance(PROGRAMS_PERMILLE)
}

/// What happens beside the tills' pushes and pulls.
fn action_beside(rng: &mut Rng) -> Action {
    let actions = [
        (10, Action::Read),
        (12, Action::UseCart),
        (6, Action::Resolve),
        (3, Action::ReadStats),
        (2, Action::ForgetKeys),
        (2, Action::StopRedis),
    ];
    rng.weighted(&actions, Action::Read)
}

#[derive(Clone, Copy)]
enum Span {
    Hours,
    Days,
    Months,
}

impl Span {
    fn wait_millis(self, rng: &mut Rng) -> u64 {
        let moment = rng.between(0, 40);
        let pause = rng.between(1000, 20 * MINUTE_MILLIS);
        let days = rng.between(DAY_MILLIS / 4, 4 * DAY_MILLIS);
        let weeks = rng.between(8 * DAY_MILLIS, 40 * DAY_MILLIS);
        match self {
            Span::Hours => rng.weighted(&[(90, moment), (10, pause)], moment),
            Span::Days => rng.weighted(&[(85, moment), (10, pause), (5, days)], moment),
            Span::Months => rng.weighted(&[(82, moment), (10, pause), (4, days), (4, weeks)], moment),
        }
    }
}

fn action(rng: &mut Rng, tills: usize, seldom: &Seldom) -> Action {
    let till = usize::try_from(rng.below(tills as u64)).unwrap_or_default();
    let actions = [
        (34, Action::Edit(till)),
        (36, Action::Sync(till)),
        (6, Action::Disconnect(till)),
        (8, Action::Reconnect(till)),
        (3, Action::Crash(till)),
        (3, Action::Resend(till)),
        (4, Action::Expire),
        (4 + 4 * seldom.many_branches, Action::HeadOfficePull),
        (2 + 8 * seldom.many_branches, Action::HeadOfficeWrite),
        (1, Action::Probe),
        (3, Action::HandleDeadLetter),
        (1, Action::ReadStats),
        (seldom.reinstalls, Action::Reinstall(till)),
        (3 * seldom.damage, Action::Damage),
        (2 * seldom.restores, Action::Copy),
        (seldom.restores, Action::Restore),
        (seldom.deployments, Action::Deploy),
    ];
    rng.weighted(&actions, Action::Expire)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4}  after {:>10} ms  {:?}", self.number, self.wait_millis, self.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_depends_on_its_seed_alone() {
        assert_eq!(scenario(3, 5, 50), scenario(3, 5, 50));
        assert_ne!(scenario(3, 5, 50), scenario(4, 5, 50));
        assert!(
            scenario(3, 5, 50).iter().all(|step| !matches!(step.action, Action::Edit(till) if till >= 5))
        );
    }
}
