//! Runs many seeds on several threads, and shrinks the first one that fails.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::arguments::Arguments;
use super::coverage;
use super::environment::Environment;
use super::event_log::Violation;
use super::progress::Progress;
use super::scenario::{Step, scenario};
use super::shrink::shrink;
use super::{RunResult, SimError, lock, simulate};

/// Violations of one run that are printed.
const VIOLATIONS_SHOWN_MAX: usize = 8;
/// Seeds between two lines of progress.
const PROGRESS_SEEDS: u64 = 50;

struct Runner<'a> {
    arguments: &'a Arguments,
    environment: &'a Environment,
    started: Instant,
    next: AtomicU64,
    /// The seed after the last one.
    end: u64,
    /// The seeds that passed in this process.
    passed: AtomicU64,
    stop: AtomicBool,
    progress: Mutex<Progress>,
    /// The seeds that did not pass, each with its violations or the error of the run.
    failed: Mutex<BTreeMap<u64, Result<RunResult, SimError>>>,
}

/// Runs the seeds of the command line. Returns whether all passed.
pub fn run(arguments: &Arguments) -> Result<bool, SimError> {
    let environment = Environment::load()?;
    let processors = || thread::available_parallelism().map_or(1, Into::into);
    let threads = arguments.threads.unwrap_or_else(processors);
    let (first, seeds) = arguments.seeds();
    let progress = Progress::load(arguments.resume.as_deref(), arguments.tills, arguments.steps)?;
    if progress.count() > 0 {
        println!("{} seeds have passed before", progress.count());
    }
    let runner = Runner {
        arguments,
        environment: &environment,
        started: Instant::now(),
        next: AtomicU64::new(first),
        end: first.saturating_add(seeds),
        passed: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        progress: Mutex::new(progress),
        failed: Mutex::default(),
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(usize::try_from(seeds).unwrap_or(usize::MAX)) {
            scope.spawn(|| runner.work());
        }
    });
    runner.report()
}

impl Runner<'_> {
    /// Runs seeds until none are left, the time is up or one has failed.
    fn work(&self) {
        let deadline = self.arguments.minutes.map(|minutes| Duration::from_secs(60 * minutes));
        while !self.stop.load(Ordering::Relaxed) && deadline.is_none_or(|at| self.started.elapsed() < at) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.end {
                return;
            }
            if lock(&self.progress).has_passed(seed) {
                continue;
            }
            let result = match self.simulate(seed, &self.scenario(seed)) {
                Ok(result) if result.violations.is_empty() => self.passed(seed, &result).map(|()| result),
                result => result,
            };
            if !result.as_ref().is_ok_and(|result| result.violations.is_empty()) {
                lock(&self.failed).insert(seed, result);
                self.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    fn scenario(&self, seed: u64) -> Vec<Step> {
        scenario(seed, self.arguments.tills.into(), self.arguments.steps.into())
    }

    fn simulate(&self, seed: u64, steps: &[Step]) -> Result<RunResult, SimError> {
        simulate(self.environment, seed, self.arguments.tills.into(), steps, None)
    }

    fn passed(&self, seed: u64, result: &RunResult) -> Result<(), SimError> {
        let mut progress = lock(&self.progress);
        progress.pass(seed, &result.coverage)?;
        let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if passed.is_multiple_of(PROGRESS_SEEDS) {
            let secs = self.started.elapsed().as_secs().max(1);
            let (rate, left) = (passed * 60 / secs, self.left(&progress) * secs / passed);
            let (all, minutes) = (progress.count(), left.div_ceil(60));
            println!(
                "[{secs:>4} s] {all} seeds passed, {rate} a minute; {minutes} minutes left; \
                 continue with --first-seed {}",
                seed + 1
            );
        }
        Ok(())
    }

    /// The number of seeds that have not passed yet.
    fn left(&self, progress: &Progress) -> u64 {
        let (first, seeds) = self.arguments.seeds();
        seeds.saturating_sub(progress.count_of(first..self.end))
    }

    /// Prints what many seeds must reach and have not. Returns whether that is nothing.
    fn is_covered(&self, passed: u64) -> bool {
        let missing = lock(&self.progress).coverage.missing();
        let must = passed >= coverage::SEEDS_MIN;
        for (kind, name) in &missing {
            println!("{}: {kind:?} {name}", if must { "NOT REACHED" } else { "not reached" });
        }
        missing.is_empty() || !must
    }

    /// Prints the result, and the shortest failing scenario of the first seed that failed.
    fn report(&self) -> Result<bool, SimError> {
        let (passed, secs) = (lock(&self.progress).count(), self.started.elapsed().as_secs_f64());
        let Some((seed, result)) = lock(&self.failed).pop_first() else {
            println!("{}{passed} seeds passed in {secs:.1} s", lock(&self.progress).coverage);
            return Ok(self.is_covered(passed));
        };
        println!("{passed} seeds passed in {secs:.1} s");
        let result = result?;
        println!("seed {seed} FAILED");
        print(&result.violations);
        println!("run again: {}", self.arguments.command(seed));
        let steps = self.scenario(seed);
        let check = |result: &RunResult| result.violations.first().map(|violation| violation.check);
        let fails = |steps: &[Step]| {
            self.simulate(seed, steps).is_ok_and(|shorter| check(&shorter) == check(&result))
        };
        let short = shrink(&steps, fails);
        println!("shortest failing scenario, {} of {} steps:", short.len(), steps.len());
        short.iter().for_each(|step| println!("{step}"));
        print(&self.simulate(seed, &short)?.violations);
        Ok(false)
    }
}

fn print(violations: &[Violation]) {
    violations.iter().take(VIOLATIONS_SHOWN_MAX).for_each(|violation| println!("  {violation}"));
}
