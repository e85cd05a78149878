//! Random bytes from the operating system.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::ids::SessionId;

/// Fills `bytes` with random bytes. Aborts the process if the system has no random source, because a token
/// that can be guessed is worse than a function that stops.
pub fn fill(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        std::process::abort();
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// `N` random bytes as URL-safe text.
pub fn token<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<N>())
}

/// A new session id.
pub fn session_id() -> SessionId {
    SessionId::of(bytes())
}
