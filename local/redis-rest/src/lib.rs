//! A local Upstash: its REST protocol over a real Redis on this machine.
//!
//! In reading order: [`engine`] runs Redis as a child process, [`server`] is the HTTP server in front of it.
//! `request` parses what a client sends, and `command` decides which commands reach Redis (both pure).
//! `batch` turns the commands of one request into Redis commands and reads their replies; `connection` and
//! `resp` carry them; `error_text` and `reply` write replies as the service does. `access` checks tokens,
//! `script` and `metering` rewrite and bill scripts, `monitor` feeds `/monitor`. [`counts`] and [`faults`]
//! are for tests that run the server in their own process.
//!
//! Where Upstash's documentation leaves something open, the server does what `@upstash/redis` expects, and
//! the module in question says so.

pub mod counts;
pub mod engine;
pub mod faults;
pub mod server;

mod access;
mod batch;
mod command;
mod connection;
mod error_text;
mod format;
mod metering;
mod monitor;
mod redis_url;
mod reply;
mod request;
mod resp;
mod script;
