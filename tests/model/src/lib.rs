//! A reference model of push: the rules of sync once more, written from ARCHITECTURE.md alone and as plainly
//! as possible.
//!
//! Nothing here calls the product's rules, and the crate does not depend on them: where the two disagree, one
//! is wrong. The model is sequential. The simulation feeds it the pushes in commit order, each with the time
//! at which the function decided it.

mod applied_before;
mod batch;
mod groups;
mod merge;
mod numbers;
mod record;
mod room;
mod rules;
mod seen;
mod size;
mod special;
mod write;

pub mod decimal;
pub mod member;

pub use batch::Push;
pub use member::Members;
pub use numbers::Numbers;
pub use room::{ExpectedResult, Key, Model, Prediction, RoomState, Row, Written};
pub use rules::{TableRule, table_rule};
