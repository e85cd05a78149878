//! PROTOCOL.md as a test: runs its examples in order and compares the responses by the rules that the page
//! states.

pub mod example;
pub mod steps;

#[cfg(test)]
mod tests;
