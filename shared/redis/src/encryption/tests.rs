//! Encrypted values, intact and damaged.

use super::*;
use crate::fake::key;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

fn entry(id: &str, byte: u8) -> String {
    format!("{id}:{}", BASE64_STANDARD.encode([byte; 32]))
}

fn ring(entries: &[String]) -> Keyring {
    Keyring::parse(&entries.join(",")).unwrap()
}

fn bytes(value: &Value) -> &[u8] {
    value.as_str().as_bytes()
}

#[test]
fn a_value_decrypts_only_under_its_own_redis_key() {
    let ring = ring(&[entry("k1", 1)]);
    let encrypted = ring.encrypt(&key("a"), [7; 24], b"cart");
    assert!(encrypted.as_str().starts_with("s1.k1.") && !encrypted.as_str().contains("cart"));
    assert_eq!(ring.decrypt(&key("a"), bytes(&encrypted)).as_deref(), Some(b"cart".as_slice()));
    assert_eq!(ring.decrypt(&key("b"), bytes(&encrypted)), None);
}

#[test]
fn the_first_key_encrypts_and_every_key_decrypts() {
    let old = ring(&[entry("k1", 1)]);
    let both = ring(&[entry("k2", 2), entry("k1", 1)]);
    let new = ring(&[entry("k2", 2)]);
    let (by_old, by_both) = (old.encrypt(&key("a"), [1; 24], b"x"), both.encrypt(&key("a"), [2; 24], b"x"));
    assert!(both.decrypt(&key("a"), bytes(&by_old)).is_some());
    assert!(new.decrypt(&key("a"), bytes(&by_both)).is_some());
    assert!(new.decrypt(&key("a"), bytes(&by_old)).is_none());
    // The same id with another key.
    assert!(ring(&[entry("k1", 3)]).decrypt(&key("a"), bytes(&by_old)).is_none());
    // The same key under another id: the id is authenticated too.
    let renamed = by_old.as_str().replace(".k1.", ".k9.");
    assert!(ring(&[entry("k9", 1)]).decrypt(&key("a"), renamed.as_bytes()).is_none());
}

#[test]
fn the_format_is_pinned() {
    // Computed with OpenSSL's ChaCha20-Poly1305 and the draft's HChaCha20, independently of the crate under
    // test.
    let ring = ring(&[entry("k1", 1)]);
    let encrypted = ring.encrypt(&key("a"), [7; 24], b"cart");
    assert_eq!(encrypted.as_str(), PINNED);
}

const PINNED: &str = "s1.k1.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH_k36nOtRrLhtOLkgvUgaWLei3O0";

#[test]
fn a_keyring_is_checked_and_never_shown() {
    let ring = ring(&[entry("k2", 2), entry("k1", 1)]);
    assert_eq!(format!("{ring:?}"), r#"["k2", "k1"]"#);
    let short = format!("k:{}", BASE64_STANDARD.encode([1; 31]));
    let cases = [
        (String::new(), BadKeyring::Entry(1)),
        ("k1".into(), BadKeyring::Entry(1)),
        (entry("K", 1), BadKeyring::Entry(1)),
        (entry("", 1), BadKeyring::Entry(1)),
        (entry("a.b", 1), BadKeyring::Entry(1)),
        (short, BadKeyring::Key(1)),
        ("k:s3cret!".into(), BadKeyring::Key(1)),
        (format!("{},", entry("a", 1)), BadKeyring::Entry(2)),
        (format!("{},{}", entry("a", 1), entry("a", 2)), BadKeyring::Twice(2)),
        ((0..9).map(|id| entry(&format!("k{id}"), id)).collect::<Vec<_>>().join(","), BadKeyring::TooMany),
    ];
    for (text, error) in cases {
        let found = Keyring::parse(&text).unwrap_err();
        assert_eq!(found, error);
        assert!(!format!("{found} {found:?}").contains("s3cret"));
    }
}

proptest! {
    #[test]
    fn every_encrypted_value_decrypts(plain: Vec<u8>, nonce: [u8; 24], id in "\\PC{0,20}") {
        let ring = ring(&[entry("k1", 1)]);
        let encrypted = ring.encrypt(&key(&id), nonce, &plain);
        prop_assert_eq!(ring.decrypt(&key(&id), bytes(&encrypted)), Some(plain));
    }

    #[test]
    fn a_cut_or_changed_value_does_not_decrypt(plain: Vec<u8>, at: prop::sample::Index, byte: u8, cut: bool) {
        let ring = ring(&[entry("k1", 1), entry("k2", 2)]);
        let encrypted = ring.encrypt(&key("a"), [7; 24], &plain);
        let mut damaged = bytes(&encrypted).to_vec();
        let at = at.index(damaged.len());
        if cut { damaged.truncate(at) } else { damaged[at] = byte }
        prop_assume!(damaged != bytes(&encrypted));
        prop_assert_eq!(ring.decrypt(&key("a"), &damaged), None);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(stored: Vec<u8>, text in "s1\\.k1\\.[A-Za-z0-9_-]{0,80}") {
        let ring = ring(&[entry("k1", 1)]);
        prop_assert_eq!(ring.decrypt(&key("a"), &stored), None);
        prop_assert_eq!(ring.decrypt(&key("a"), text.as_bytes()), None);
    }
}
