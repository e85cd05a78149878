//! Passwords: Argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes).

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};

use super::credentials;

/// A hash that no password has. Passwords of unknown users are verified against it, so that the response time
/// does not tell which names exist.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm90IGEgcmVhbCBzYWx0$Wk1rK0pYb2hQd1Z0c2R6R0pLb2NqUXh1U2hYc1BhVkE";

/// Hashes a password with a fresh salt, as a PHC string.
pub fn hash(password: &str) -> Result<String, Error> {
    let password = credentials::composed_password(password);
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
}

/// Whether `password`, in one of its spellings, has the hash `hash`. Takes the same time without a hash.
/// Computes for about 30 ms per spelling, so call it on a blocking thread.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(DUMMY_HASH)) else { return false };
    let has_hash = |password: String| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    credentials::password_spellings(password).into_iter().any(has_hash) && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_verifies() {
        let hashed = hash("correct horse").unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("correct horse", Some(&hashed)));
        assert!(!verify("correct horsf", Some(&hashed)));
        assert!(!verify("correct horse", Some("damaged")));
    }

    #[test]
    fn a_password_verifies_in_every_spelling_and_an_old_hash_in_its_own() {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
        for (hashed, typed) in [(composed, decomposed), (decomposed, composed), (decomposed, decomposed)] {
            assert!(verify(typed, Some(&hash(hashed).unwrap())));
        }
        // A hash from before spellings were compared.
        let old = Argon2::default().hash_password(decomposed.as_bytes()).unwrap().to_string();
        assert!(verify(decomposed, Some(&old)) && !verify("cafe", Some(&old)));
    }

    #[test]
    fn the_dummy_hash_is_valid_and_verifies_no_password() {
        assert!(PasswordHash::new(DUMMY_HASH).is_ok());
        assert!(!verify("anything", None));
    }
}
