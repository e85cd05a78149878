//! Sealed values, whole and damaged.

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
fn a_sealed_value_opens_where_it_was_stored_and_nowhere_else() {
    let ring = ring(&[entry("k1", 1)]);
    let sealed = ring.seal(&key("a"), [7; 24], b"cart");
    assert!(sealed.as_str().starts_with("s1.k1.") && !sealed.as_str().contains("cart"));
    assert_eq!(ring.open(&key("a"), bytes(&sealed)).as_deref(), Some(b"cart".as_slice()));
    assert_eq!(ring.open(&key("b"), bytes(&sealed)), None);
}

#[test]
fn the_first_key_writes_and_every_key_reads() {
    let old = ring(&[entry("k1", 1)]);
    let both = ring(&[entry("k2", 2), entry("k1", 1)]);
    let new = ring(&[entry("k2", 2)]);
    let (by_old, by_both) = (old.seal(&key("a"), [1; 24], b"x"), both.seal(&key("a"), [2; 24], b"x"));
    assert!(both.open(&key("a"), bytes(&by_old)).is_some());
    assert!(new.open(&key("a"), bytes(&by_both)).is_some());
    assert!(new.open(&key("a"), bytes(&by_old)).is_none());
    // The right id over the wrong key.
    assert!(ring(&[entry("k1", 3)]).open(&key("a"), bytes(&by_old)).is_none());
    // The same key under another id: the id is bound as well.
    let renamed = by_old.as_str().replace(".k1.", ".k9.");
    assert!(ring(&[entry("k9", 1)]).open(&key("a"), renamed.as_bytes()).is_none());
}

#[test]
fn what_is_sealed_is_what_others_would_seal() {
    // Computed with OpenSSL's ChaCha20-Poly1305 under the draft's HChaCha20 of key and nonce, not by the crate tested.
    let ring = ring(&[entry("k1", 1)]);
    let sealed = ring.seal(&key("a"), [7; 24], b"cart");
    assert_eq!(sealed.as_str(), PINNED);
}

const PINNED: &str = "s1.k1.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH_k36nOtRrLhtOLkgvUgaWLei3O0";

#[test]
fn a_keyring_is_read_whole_and_never_shown() {
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
    fn whatever_is_sealed_opens(plain: Vec<u8>, nonce: [u8; 24], id in "\\PC{0,20}") {
        let ring = ring(&[entry("k1", 1)]);
        let sealed = ring.seal(&key(&id), nonce, &plain);
        prop_assert_eq!(ring.open(&key(&id), bytes(&sealed)), Some(plain));
    }

    #[test]
    fn whatever_is_cut_or_changed_does_not(plain: Vec<u8>, at: prop::sample::Index, byte: u8, cut: bool) {
        let ring = ring(&[entry("k1", 1), entry("k2", 2)]);
        let sealed = ring.seal(&key("a"), [7; 24], &plain);
        let mut damaged = bytes(&sealed).to_vec();
        let at = at.index(damaged.len());
        if cut { damaged.truncate(at) } else { damaged[at] = byte }
        prop_assume!(damaged != bytes(&sealed));
        prop_assert_eq!(ring.open(&key("a"), &damaged), None);
    }

    #[test]
    fn no_bytes_are_a_panic(stored: Vec<u8>, text in "s1\\.k1\\.[A-Za-z0-9_-]{0,80}") {
        let ring = ring(&[entry("k1", 1)]);
        prop_assert_eq!(ring.open(&key("a"), &stored), None);
        prop_assert_eq!(ring.open(&key("a"), text.as_bytes()), None);
    }
}
