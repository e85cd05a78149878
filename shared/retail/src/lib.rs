//! Rules of retail flows.

pub mod cart;
pub mod limits;
