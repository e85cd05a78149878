//! Reads configuration over any lookup, and reports every missing or bad name at once.

mod keyring;
mod reader;
mod secret;

pub use keyring::{BadKeyring, EncryptionKey, KEY_BYTES, KEY_ID_BYTES_MAX, KEYS_MAX, Keyring};
pub use reader::{BadConfig, Reader};
pub use secret::Secret;
