//! Spellings of names and passwords: text that looks the same is the same (RFC 8265).
//!
//! A new name must fit the profile UsernameCasePreserved, word by word, which excludes invisible
//! characters; passwords follow OpaqueString. Names stay case-sensitive, as they were before there were
//! profiles. Signing in compares spellings without excluding any character, so that older names and
//! passwords keep working.

use precis_profiles::precis_core::profile::{Profile, Rules};
use precis_profiles::{OpaqueString, UsernameCasePreserved};
use unicode_normalization::UnicodeNormalization;

/// `name` as a new user gets it; `None` if it is not allowed.
pub fn new_name(name: &str) -> Option<String> {
    let profile = UsernameCasePreserved::new();
    let words: Result<Vec<_>, _> = name.split(' ').map(|word| profile.enforce(word)).collect();
    Some(words.ok()?.join(" "))
}

/// The spellings under which `name` may be stored: as sent, as a new user gets it, and decomposed. Each once.
pub fn name_spellings(name: &str) -> Vec<String> {
    let composed = composed_name(name);
    let decomposed = composed.nfd().collect();
    distinct([name.to_owned(), composed, decomposed])
}

/// The spelling that failed sign-ins are counted under.
pub fn composed_name(name: &str) -> String {
    let profile = UsernameCasePreserved::new();
    let narrow = profile.width_mapping_rule(name).unwrap_or_else(|_| name.into());
    narrow.nfc().collect()
}

/// The spelling of `password` that a new hash is made of.
pub fn composed_password(password: &str) -> String {
    let plain = OpaqueString::new().additional_mapping_rule(password).unwrap_or_else(|_| password.into());
    plain.nfc().collect()
}

/// The spellings that the hash of `password` may be made of: composed, or as sent, for older hashes. Each
/// once.
pub fn password_spellings(password: &str) -> Vec<String> {
    distinct([composed_password(password), password.to_owned()])
}

fn distinct<const N: usize>(spellings: [String; N]) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::with_capacity(N);
    for spelling in spellings {
        if !distinct.contains(&spelling) {
            distinct.push(spelling);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPOSED: &str = "Jos\u{e9}";
    const DECOMPOSED: &str = "Jose\u{301}";

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for name in [COMPOSED, DECOMPOSED] {
            assert_eq!(new_name(name).as_deref(), Some(COMPOSED));
            assert_eq!(composed_name(name), COMPOSED);
            let mut spellings = name_spellings(name);
            spellings.sort();
            assert_eq!(spellings, [DECOMPOSED, COMPOSED]);
        }
        // Full-width letters.
        assert_eq!(new_name("\u{ff34}ill-1").as_deref(), Some("Till-1"));
        assert_eq!(composed_name("\u{ff34}ill-1"), "Till-1");
        assert_eq!(name_spellings("till-1"), ["till-1"]);
    }

    #[test]
    fn a_new_name_keeps_its_case_and_has_no_invisible_characters() {
        for name in
            ["till-1@t1", "Till-1", "Kasse 1", "\u{5e97}\u{8217}1", "\u{43a}\u{430}\u{441}\u{441}\u{430}"]
        {
            assert_eq!(new_name(name).as_deref(), Some(name));
        }
        for invisible in
            ["Jos\u{e9}\u{200b}", "\u{feff}anna", "an\u{ad}na", "anna ", " anna", "a  b", "a\u{a0}b", ""]
        {
            assert_eq!(new_name(invisible), None, "{invisible:?}");
        }
    }

    #[test]
    fn passwords_that_look_the_same_are_the_same() {
        assert_eq!(composed_password(&format!("{DECOMPOSED}\u{a0}1")), format!("{COMPOSED} 1"));
        assert_eq!(password_spellings(DECOMPOSED), [COMPOSED, DECOMPOSED]);
        // Case, emoji and repeated spaces are part of a password.
        let odd = "A  b\u{1fae8}";
        assert_eq!(password_spellings(odd), [odd]);
    }
}
