//! One suite that the front passes over every engine on this machine.
//!
//! What an engine lacks is written down in `capabilities`, and the cases hold it to that, too: where one
//! learns something, its case fails until the list says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use redis_rest::engine::{Engine, EngineKind};

mod access;
mod capabilities;
mod commands;
mod counts;
mod engine;
mod faults;
mod forms;
mod limits;
mod scripts;
mod streams;
mod transactions;
mod world;

use world::World;

/// A case: a name, and what is done in a world of its own.
type Case = (&'static str, fn(World) -> Pin<Box<dyn Future<Output = ()>>>);

/// Names a case after its function.
macro_rules! cases {
    ($($module:ident: $($name:ident),+;)+) => {
        const CASES: &[Case] = &[$($((
            concat!(stringify!($module), "::", stringify!($name)),
            |world| Box::pin($module::$name(world)),
        )),+),+];
    };
}

cases! {
    forms: body_is_a_command, path_is_a_command, body_is_the_last_argument, head_has_no_body,
        pipeline_answers_each, base64_is_exact, resp2_is_raw, wrong_forms_are_refused,
        wrong_bodies_are_refused, browsers_may_ask;
    access: every_path_asks_for_a_token, token_may_stand_in_the_query, read_only_token_reads,
        read_only_token_and_scripts;
    commands: every_sort_of_reply, big_integers_are_exact, binary_values, thousands_in_a_pipeline,
        large_pipelines_do_not_deadlock, refused_commands_are_not_forwarded, unknown_commands,
        sync_token_moves;
    transactions: all_or_nothing_is_executed, errors_of_commands_are_kept, discarded_ones_are_one_error,
        others_cannot_come_between;
    scripts: key_locking_flag_runs, hashes_are_those_of_the_text, errors_name_line_and_hash,
        other_flags, functions;
    streams: subscription_gets_messages, pattern_subscription, gone_clients_are_unsubscribed,
        slow_clients_are_dropped, monitor_shows_commands, engine_death_ends_streams;
    limits: large_requests_are_refused, large_replies_are_refused;
    counts: requests_commands_and_billed, scripts_are_billed_by_their_commands,
        billing_is_exact_among_others;
    faults: refused_requests_are_not_executed, lost_answers_are_executed, statuses_are_answered,
        answers_are_late, answers_are_held;
    engine: dead_engine_is_an_error_at_once, silent_engine_is_an_error_in_time,
        restarted_engine_is_found_again, death_under_load_hangs_nobody, stopped_fronts_are_gone,
        engines_need_their_password;
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let engines = Engine::available();
    if engines.is_empty() {
        eprintln!("failed to test: there is no Redis on this machine; run `cargo xtask test`");
        return ExitCode::FAILURE;
    }
    let trials = engines.into_iter().flat_map(|kind| CASES.iter().map(move |case| trial(kind, *case)));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trial(kind: EngineKind, (name, case): Case) -> Trial {
    Trial::test(format!("{}::{name}", kind.name()), move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async { case(World::start(kind).await).await });
        Ok(())
    })
}
