//! Redis over REST, as Upstash offers it: a client over one port, [`transport::Transport`], that an adapter fills.
//!
//! A typed command becomes [`arguments::Arguments`], those a JSON body; the answer becomes a [`reply::Reply`], and that
//! the command's own type. Between the two stands [`client::Client`], which decides on deadlines, repeats and the
//! circuit. Nothing here does I/O, reads a clock or has randomness of its own.
//!
//! The protocol carries JSON text, so **arguments are always text**; what is not goes through
//! [`value::Value::binary`] or [`encryption`]. Replies are asked for in base64 and are bytes. In reading order:

// What is sent, and what comes back.
pub mod arguments;
pub mod command;
pub mod reply;
pub mod script;
pub mod value;

// How it gets there.
pub mod address;
pub mod breaker;
pub mod budget;
pub mod client;
pub mod error;
pub mod pipeline;
mod sync_token;
pub mod transport;

// Under which name, and for whose eyes.
pub mod encryption;
pub mod keys;
pub mod limits;

#[cfg(test)]
mod fake;
