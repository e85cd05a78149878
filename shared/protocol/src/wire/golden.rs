//! The exact text of every shape that clients see. A change here is a change of the wire, and of PROTOCOL.md.

mod auth;
mod cache;
mod carts;
mod dead_letters;
mod error_response;
mod health;
mod pull;
mod push;
mod record;
mod resolve;
mod sessions;
mod socket;
mod stats;

use serde::Serialize;

use crate::json::JsonText;

fn data(text: &str) -> JsonText {
    JsonText::from_text(text.to_owned()).unwrap()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}
