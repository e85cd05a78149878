//! DynamoDB as every capability uses it.

pub mod cost;
pub mod error;
pub mod item;
pub mod table;
