//! Limits of retail flows.

/// Seconds a cart is kept after its last change: 30 days.
pub const CART_RETENTION_SECS: u64 = 30 * 24 * 3600;
