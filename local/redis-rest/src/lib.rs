//! A true local Upstash: the whole of its REST protocol over a real Redis on this machine.
//!
//! In reading order: [`engine`] is the Redis, a child process; [`front`] is the HTTP server over it.
//! Behind the front, `request` says what may arrive and `command` what becomes of a command (both pure);
//! `transcript` sends commands and takes replies, `reply` writes these as the service does; `subscribe`
//! and `monitor` are the streams. `access` knows the tokens, `script` and `metering` what scripts need.
//! [`counts`] and [`faults`] are for tests that run the front in their own process.
//!
//! Where Upstash's documentation leaves something open, the front does what `@upstash/redis` expects, and
//! the module concerned says so.

pub mod command_line;
pub mod counts;
pub mod engine;
pub mod faults;
pub mod front;

mod access;
mod command;
mod connection;
mod format;
mod metering;
mod monitor;
mod pool;
mod redis_url;
mod reply;
mod request;
mod resp;
mod script;
mod subscribe;
mod transcript;
