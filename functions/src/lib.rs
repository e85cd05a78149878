//! The Lambda functions of tillsync.
//!
//! A request enters through `bin/<function>.rs` in Lambda, or through the function host of `local`.
//! `http::dispatch` finds its endpoint by the operation id in the path, checks who may ask, and calls the
//! endpoint's handler in the folder of its capability. A handler reads load → decide → commit → respond: the
//! decision is one pure call into a crate of `shared`. In reading order:

// How a function starts and what it is made of.
pub mod context;
pub mod limits;
pub mod random;
pub mod start;

// How a request or a batch of stream records reaches its handler.
pub mod http;
pub mod stream;

// The clients of DynamoDB and Redis.
pub mod dynamo;
pub mod redis;

// The capabilities: handlers, keys, storage and stream consumers side by side.
pub mod accounts;
pub mod cache_admin;
pub mod carts;
pub mod records;
pub mod sync;
