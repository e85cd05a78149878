//! PROTOCOL.md as a program: its examples in order, and how what a server answers is compared with them.
//!
//! The page says by which rules; they are [`example::Examples`] in code.

pub mod example;
pub mod steps;

#[cfg(test)]
mod tests;
