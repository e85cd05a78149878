//! A client for Redis over REST (Upstash). The HTTP transport is a port, [`transport::Transport`], that an
//! adapter implements.
//!
//! A typed [`command::Command`] holds [`arguments::Arguments`], which are sent as JSON; the response becomes
//! a [`reply::Reply`], which the command decodes. [`client::Client`] enforces deadlines, repeats requests
//! that may run twice, and stops asking a dead Redis. This crate does no I/O, reads no clock and has no
//! randomness of its own.
//!
//! The protocol carries JSON text, so **arguments are always text**; bytes go through
//! [`value::Value::binary`] or [`encryption`]. Replies are requested in base64 and are bytes. In reading
//! order:

// What is sent and what comes back.
pub mod arguments;
pub mod command;
pub mod reply;
pub mod script;
pub mod value;

// How it is sent.
pub mod address;
pub mod breaker;
pub mod budget;
pub mod client;
pub mod error;
pub mod pipeline;
mod sync_token;
pub mod transport;

// Key names and encryption.
pub mod encryption;
pub mod keys;
pub mod limits;

#[cfg(any(test, feature = "testing"))]
pub mod fake;
