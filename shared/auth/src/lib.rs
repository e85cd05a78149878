//! Access tokens, signatures and rate limits as pure functions.

pub mod address;
pub mod failures;
pub mod limits;
pub mod rate;
pub mod signature;
pub mod token;
