//! The back room of tillsync: Lambda functions that push, pull, sign in and publish.
//!
//! A request goes through `bin/<function>.rs` (in Lambda) or the function host of `local` (on one machine)
//! to `handle/<route>.rs`, which reads load → decide → commit → answer: the decision is one pure call into
//! `shared`, the rest is `store` and `accounts`. In reading order:

// How a function starts, and what it answers.
pub mod app;
pub mod http;
pub mod limits;
pub mod query;
pub mod random;
pub mod rules;
pub mod start;

// What it keeps, and what it remembers of users.
pub mod accounts;
pub mod carts;
pub mod store;
pub mod stream_record;

// What it need not ask for again.
pub mod cache;
pub mod copies;
pub mod redis;

// What it does, one file per route or event.
pub mod handle;
pub mod publish;
pub mod write;
