//! The conformance suite of the server, run over every engine on this machine.

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

use libtest_mimic::Trial;
use redis_rest::engine::EngineKind;

mod access;
mod commands;
mod counts;
mod engine;
#[path = "../support/engines.rs"]
mod engines;
mod faults;
mod formats;
mod key_locking;
mod limits;
mod long_scripts;
mod scripts;
mod service_texts;
mod streams;
mod transactions;
#[path = "../support/until.rs"]
mod until;
mod world;

use world::World;

/// A name, and a test that gets a world of its own.
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
    formats: body_is_a_command, path_is_a_command, body_is_the_last_argument, head_has_no_body,
        pipeline_responds_to_each_command, base64_is_exact, resp2_is_raw, wrong_formats_are_refused,
        wrong_bodies_are_refused, browsers_may_read_responses;
    access: every_path_requires_a_token, query_may_carry_the_token, read_only_token_reads,
        read_only_token_may_run_read_only_scripts, scripts_are_no_way_around_the_read_only_token,
        equal_tokens_are_refused;
    commands: every_sort_of_reply, big_integers_are_exact, binary_values, thousands_in_a_pipeline,
        large_pipelines_do_not_deadlock, refused_commands_are_not_forwarded, unknown_commands,
        sync_token_changes;
    transactions: transaction_is_executed, errors_of_commands_are_kept, discarded_transaction_is_one_error,
        transactions_are_isolated;
    scripts: key_locking_flag_is_accepted, hashes_are_those_of_the_original_text, errors_name_line_and_hash,
        other_flags_reach_the_engine, functions_reach_the_engine;
    key_locking: undeclared_keys_are_refused, declared_keys_may_be_computed, database_wide_writes_are_refused,
        errors_are_those_of_the_script_without_the_flag, read_only_scripts_are_held_to_it,
        functions_are_held_to_it_each_by_its_flag, functions_keep_their_line_numbers;
    long_scripts: no_script_runs_no_script_is_killed, scripts_and_functions_can_be_killed,
        endless_scripts_end_by_themselves, endless_scripts_that_wrote_are_undone;
    service_texts: numbers_have_the_services_text, missing_scripts_have_the_services_text,
        commands_that_the_engine_lacks_name_it, commands_that_the_server_lacks_say_so,
        keyspace_events_are_configured, wait_does_not_wait, a_consumer_group_may_be_called_block;
    streams: subscription_gets_messages, pattern_subscription, disconnected_clients_are_unsubscribed,
        slow_clients_are_disconnected, monitor_shows_commands, engine_death_ends_streams;
    limits: large_requests_are_refused, large_replies_are_refused;
    counts: requests_and_commands_are_counted, scripts_are_billed_by_their_commands,
        billing_is_exact_under_load;
    faults: refused_requests_get_no_response_and_are_not_executed, injected_statuses_are_sent,
        responses_are_held;
    engine: dead_engine_is_an_error_at_once, silent_engine_is_an_error_in_time,
        restarted_engine_is_used_again, engine_death_under_load_hangs_no_request,
        stopped_servers_do_not_listen,
        stopped_servers_close_connections,
        engines_require_their_password;
}

fn main() -> ExitCode {
    engines::run(|kind| CASES.iter().map(|case| trial(kind, *case)).collect())
}

fn trial(kind: EngineKind, (name, case): Case) -> Trial {
    let run = async move || {
        case(World::start(kind).await).await;
        Ok(())
    };
    Trial::test(format!("{}::{name}", kind.name()), move || engines::block_on(run()))
}
