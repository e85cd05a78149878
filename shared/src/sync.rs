//! Push and pull, as pure functions over explicit state: load → **decide** → commit → **answer**.

pub mod answer;
pub mod dead;
pub mod decide;
pub mod follow;
pub mod log;
pub mod marker;
pub mod outcome;
pub mod pull;
pub mod push;
pub mod replay;
pub mod resolve;
pub mod snapshot;
pub mod stats;
