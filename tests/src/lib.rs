//! A client in Rust, and the programs and test tools that use it.

// A client.
pub mod api;
pub mod till;

// Its contract.
pub mod openapi;
pub mod protocol_page;

// A day of sales.
pub mod day;
pub mod fleet;

// Test tools.
pub mod function_redis;
pub mod leaks;
pub mod memory;
pub mod report;
#[cfg(test)]
mod security_page;
pub mod wait;

// Programs.
pub mod bench;
pub mod replay;
pub mod restore_drill;
pub mod sim;

/// Locks a mutex. A test that panicked with the lock has failed already.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
