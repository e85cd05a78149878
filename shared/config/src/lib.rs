//! Reads configuration over any lookup, and reports every missing or bad name at once.

mod reader;
mod secret;

pub use reader::{BadConfig, Reader};
pub use secret::Secret;
