//! The exact JSON of every type that clients see. A change here changes the protocol and PROTOCOL.md.
//!
//! Each test pins its values to the lines of a fixture, one value per line.

mod push;
mod service;
mod socket;
mod sync;

use serde::Serialize;

use crate::json::JsonText;
use crate::stamp::Stamp;

const AT: &str = "2025-12-07T10:30:01.000123Z";
const STAMP: Stamp = Stamp(1_765_103_401_000_123);

fn data(text: &str) -> JsonText {
    JsonText::from_text(text.to_owned()).unwrap()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// Compares `values` with the lines of `fixture`.
fn pin(fixture: &str, values: &[String]) {
    for (value, line) in values.iter().zip(fixture.lines()) {
        assert_eq!(value, line);
    }
    assert_eq!(values.len(), fixture.lines().count(), "every value has a line");
}
