//! Two releases of the functions over one store, as while a deployment is rolled out.

use std::sync::atomic::{AtomicU8, Ordering};

use super::rng::Rng;
use super::server::Functions;

/// A release. They differ in `tables-before.toml` and `tables.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// It does not know `vouchers`, and shows `deposits` to managers only.
    Before,
    Now,
}

impl Release {
    /// The tables that the release does not know.
    pub(crate) fn unknown_tables(self) -> &'static [&'static str] {
        match self {
            Release::Before => &["vouchers"],
            Release::Now => &[],
        }
    }
}

/// Which releases answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Before,
    Both,
    Now,
}

/// The releases of a run and the stage of their deployment.
pub(crate) struct Deployment {
    before: Functions,
    now: Functions,
    stage: AtomicU8,
}

impl Deployment {
    pub(crate) fn new(before: Functions, now: Functions) -> Deployment {
        Deployment { before, now, stage: AtomicU8::new(Stage::Now as u8) }
    }

    /// Before the deployment.
    pub(crate) fn begin(&self) {
        self.set(Stage::Before);
    }

    /// The next stage, or seldom the one before.
    pub(crate) fn advance(&self, rng: &mut Rng) {
        let is_back = rng.chance(200);
        self.set(match self.stage() {
            Stage::Both if is_back => Stage::Before,
            Stage::Now if is_back => Stage::Both,
            Stage::Before => Stage::Both,
            Stage::Both | Stage::Now => Stage::Now,
        });
    }

    pub(crate) fn finish(&self) {
        self.set(Stage::Now);
    }

    /// The release that answers a call.
    pub(crate) fn pick(&self, rng: &mut Rng) -> Release {
        match self.stage() {
            Stage::Before => Release::Before,
            Stage::Both if rng.chance(500) => Release::Before,
            Stage::Both | Stage::Now => Release::Now,
        }
    }

    pub(crate) fn functions(&self, release: Release) -> &Functions {
        match release {
            Release::Before => &self.before,
            Release::Now => &self.now,
        }
    }

    fn stage(&self) -> Stage {
        let is = |stage: &Stage| *stage as u8 == self.stage.load(Ordering::Relaxed);
        [Stage::Before, Stage::Both].into_iter().find(is).unwrap_or(Stage::Now)
    }

    fn set(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::role::Role;
    use sync::tables::Tables;

    use super::*;
    use crate::sim::check::pages::may_read;

    #[test]
    fn the_two_files_of_tables_are_those_of_the_releases() {
        let tables = [
            (Release::Before, Tables::parse(include_str!("tables-before.toml")).unwrap()),
            (Release::Now, Tables::parse(include_str!("tables.toml")).unwrap()),
        ];
        let all: BTreeSet<&str> = tables[1].1.names().collect();
        for (release, known) in &tables {
            let unknown: Vec<&str> = all.iter().copied().filter(|name| !known.contains(name)).collect();
            assert_eq!(unknown, release.unknown_tables());
            for role in [Role::Cashier, Role::Manager, Role::Admin, Role::SuperAdmin] {
                for name in known.names() {
                    assert_eq!(known.may_read(name, role), may_read(*release, role, name), "{role} {name}");
                }
            }
        }
    }
}
