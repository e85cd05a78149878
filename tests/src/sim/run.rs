//! Many seeds, several at a time; each thread has a runtime of its own for each run.

use std::ffi::OsString;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::arguments::{Arguments, BadArguments};
use super::plan::{Step, plan};
use super::shrink::shrink;
use super::stage::Stage;
use super::{Outcome, SimError, lock, play};

/// Findings of one run that are printed.
const FINDINGS_SHOWN_MAX: usize = 8;
/// Seeds between two lines of progress.
const PROGRESS_SEEDS: u64 = 50;

/// Why a simulation did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The command line.
    #[error(transparent)]
    Arguments(#[from] BadArguments),
    /// The stage.
    #[error(transparent)]
    Sim(#[from] SimError),
}

/// What several threads share.
struct Shared<'a> {
    arguments: &'a Arguments,
    stage: &'a Stage,
    started: Instant,
    next: AtomicU64,
    done: AtomicU64,
    stop: AtomicBool,
    failed: Mutex<Vec<(u64, Outcome)>>,
    error: Mutex<Option<SimError>>,
}

/// Plays the seeds that the command line asks for; whether all held.
pub fn run(arguments: impl Iterator<Item = OsString>) -> Result<bool, RunError> {
    let arguments = Arguments::parse(arguments)?;
    let stage = Stage::build()?;
    let threads =
        arguments.threads.or_else(|| thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let shared = Shared {
        arguments: &arguments,
        stage: &stage,
        started: Instant::now(),
        next: AtomicU64::new(arguments.first_seed),
        done: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        failed: Mutex::new(Vec::new()),
        error: Mutex::new(None),
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(usize::try_from(arguments.seeds).unwrap_or(usize::MAX)) {
            scope.spawn(|| shared.work());
        }
    });
    if let Some(error) = lock(&shared.error).take() {
        return Err(error.into());
    }
    shared.conclude()
}

impl Shared<'_> {
    /// Plays seeds until there are no more, the time is up or one has failed.
    fn work(&self) {
        let last = self.arguments.first_seed.saturating_add(self.arguments.seeds);
        while !self.stop.load(Ordering::Relaxed) && !self.is_late() {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= last {
                return;
            }
            let steps = plan(seed, self.arguments.tills, self.arguments.steps);
            match play(self.stage, seed, self.arguments.tills, &steps, None) {
                Ok(outcome) if outcome.findings.is_empty() => self.held(seed),
                Ok(outcome) => {
                    lock(&self.failed).push((seed, outcome));
                    self.stop.store(true, Ordering::Relaxed);
                }
                Err(error) => {
                    *lock(&self.error) = Some(error);
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    fn is_late(&self) -> bool {
        self.arguments
            .minutes
            .is_some_and(|minutes| self.started.elapsed() >= Duration::from_secs(60 * minutes))
    }

    fn held(&self, seed: u64) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(PROGRESS_SEEDS) {
            let secs = self.started.elapsed().as_secs();
            println!("[{secs:>4} s] {done} seeds held; go on with --first-seed {}", seed + 1);
        }
    }

    /// Prints what came of it, and the shortest history of the first seed that failed.
    fn conclude(&self) -> Result<bool, RunError> {
        let (done, secs) = (self.done.load(Ordering::Relaxed), self.started.elapsed().as_secs_f64());
        println!("{done} seeds held in {secs:.1} s");
        let mut failed = lock(&self.failed);
        failed.sort_by_key(|(seed, _)| *seed);
        let Some((seed, outcome)) = failed.first() else { return Ok(true) };
        println!("seed {seed} FAILED");
        outcome.findings.iter().take(FINDINGS_SHOWN_MAX).for_each(|finding| println!("  {finding}"));
        println!("again: {}", self.arguments.again(*seed));
        let steps = plan(*seed, self.arguments.tills, self.arguments.steps);
        let short = shrink(&steps, |steps| self.fails(*seed, steps, outcome));
        println!("shortest history, {} of {} steps:", short.len(), steps.len());
        short.iter().for_each(|step| println!("{step}"));
        if let Ok(outcome) = play(self.stage, *seed, self.arguments.tills, &short, None) {
            outcome.findings.iter().take(FINDINGS_SHOWN_MAX).for_each(|finding| println!("  {finding}"));
        }
        Ok(false)
    }

    /// Whether the same check notices something.
    fn fails(&self, seed: u64, steps: &[Step], as_in: &Outcome) -> bool {
        let check = |outcome: &Outcome| outcome.findings.first().map(|finding| finding.check);
        play(self.stage, seed, self.arguments.tills, steps, None)
            .is_ok_and(|outcome| check(&outcome) == check(as_in))
    }
}
