//! Who walks in: tills, and the days and worlds they live in.

// A client.
pub mod api;
pub mod till;

// What it may rely on.
pub mod openapi;
pub mod protocol_page;

// What it sells.
pub mod day;

// Where it sells.
pub mod fleet;
pub mod function_redis;
pub mod wait;

// What it is for.
pub mod bench;
pub mod replay;
pub mod report;
pub mod sim;
