//! Passwords: Argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};

/// The hash of a password that nobody knows. Verified against where there is no such user, so that the time an
/// answer takes does not tell which names exist.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm90IGEgcmVhbCBzYWx0$Wk1rK0pYb2hQd1Z0c2R6R0pLb2NqUXh1U2hYc1BhVkE";

/// Hashes a password with a fresh salt, as a PHC string.
pub fn hash(password: &str) -> Result<String, Error> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
}

/// Whether `password` is the one of `hash`. Takes the same time where there is none. Some 30 ms of computing:
/// not for an async thread.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    let parsed = PasswordHash::new(hash.unwrap_or(NOBODY));
    let matches =
        |parsed: PasswordHash| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    parsed.is_ok_and(matches) && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_is_right() {
        let hashed = hash("correct horse").unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("correct horse", Some(&hashed)));
        assert!(!verify("correct horsf", Some(&hashed)));
        assert!(!verify("correct horse", Some("damaged")));
    }

    #[test]
    fn nobody_has_a_hash_that_is_really_computed() {
        assert!(PasswordHash::new(NOBODY).is_ok());
        assert!(!verify("anything", None));
    }
}
