//! DynamoDB as every capability uses it.

pub mod cost;
pub mod damage;
pub mod error;
pub mod item;
pub mod kind;
pub mod rewrite;
pub mod skipped;
pub mod table;
pub mod timer;
