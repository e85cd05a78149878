//! End to end: every test goes through workerd, the Lambda handlers and DynamoDB, on a stack that the tests
//! share.
//!
//! Each test has a tenant of its own, so that tests run side by side. After a test, ARCHITECTURE.md's
//! invariants are checked on what the test has written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

/// Defines `trials()`: the tests of a module and of its submodules. A test's name is its path, for example
/// `sync::push::batch_ids_are_per_device`. `exclusive` tests stop Redis or count its commands, and run one at
/// a time on a stack of their own. `NAME = EXPRESSION` is a call of a function that several tests share.
macro_rules! trials {
    (@test $name:ident) => { $name };
    (@test $name:ident $test:expr) => { $test };
    (modules: $($module:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            [$($module::trials()),+].into_iter().flatten().collect()
        }
    };
    ($stack:ident: $($name:ident $(= $test:expr)?),+ $(,)? $(; modules: $($module:ident),+)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            let path = |name| concat!(module_path!(), "::").to_owned() + name;
            let own = vec![
                $(crate::world::$stack(&path(stringify!($name)), trials!(@test $name $($test)?))),+
            ];
            [own $($(, $module::trials())+)?].into_iter().flatten().collect()
        }
    };
}

mod accounts;
mod cache_admin;
mod carts;
mod edge;
mod records;
mod redis;
mod sync;

mod changed_edge;
mod invariants;
mod leaks;
mod redis_rest;
mod replies;
mod shop;
mod stored;
mod till;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

trials! {
    modules: accounts, cache_admin, carts, edge, records, redis, sync,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let conclusion = libtest_mimic::run(&arguments, trials());
    world::stop();
    conclusion.exit_code()
}
