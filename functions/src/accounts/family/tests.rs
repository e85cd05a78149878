//! Presenting tokens again, late, or after they were copied.

use super::secret::FAMILY_ID_CHARS;
use super::*;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
const DAY_SECS: u64 = 24 * 3600;

fn user(role: Role) -> User {
    let (client_id, branch_id) = ("1".parse().unwrap(), Some("2".parse().unwrap()));
    User { id: "u1".into(), username: "till-1".into(), role, client_id, branch_id }
}

const TAG_KEY: [u8; 32] = [5; 32];

fn family() -> Family {
    new_family().0
}

/// The secret of the first token of [`family`].
fn first() -> SecretBytes {
    new_family().1
}

fn new_family() -> (Family, SecretBytes) {
    let (id, session) = ("f".repeat(FAMILY_ID_CHARS), "s1".parse().unwrap());
    let new = NewFamily { id, session, device: None, client: ClientInfo::default() };
    Family::new(&user(Role::Cashier), new, &[1; 32], TAG_KEY, NOW)
}

fn rotated(family: &Family, secret: &SecretBytes, at: Timestamp) -> (Family, SecretBytes) {
    match family.present(secret, [9; 32], at) {
        Presented::Rotate { next, secret } => (*next, secret),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_retry_after_a_lost_response_gets_the_same_successor_for_a_minute() {
    let (family, second) = rotated(&family(), &first(), NOW);
    assert_eq!(family.present(&first(), [8; 32], NOW.plus_secs(59)), Presented::Repeat { secret: second });
    assert_eq!(family.present(&first(), [8; 32], NOW.plus_secs(60)), Presented::Reused);
}

#[test]
fn a_token_whose_successor_was_used_is_reused() {
    let (family, second) = rotated(&family(), &first(), NOW);
    let (family, third) = rotated(&family, &second, NOW.plus_secs(1));
    assert_eq!(family.present(&first(), [8; 32], NOW.plus_secs(2)), Presented::Reused);
    assert_eq!(family.present(&second, [8; 32], NOW.plus_secs(2)), Presented::Repeat { secret: third });
}

#[test]
fn a_forged_token_ends_no_session_and_an_old_token_does() {
    let (family, second) = rotated(&family(), &first(), NOW);
    let (family, _) = rotated(&family, &second, NOW.plus_secs(1));
    assert!(family.is_own(&first()));
    assert_eq!(family.present(&first(), [8; 32], NOW), Presented::Reused);
    let flipped = |at: usize| {
        let mut secret = second;
        secret[at] ^= 1;
        secret
    };
    let forged = [[0; 32], [1; 32], flipped(0), flipped(15), flipped(16), flipped(31)];
    for secret in forged {
        assert!(!family.is_own(&secret));
        assert_eq!(family.present(&secret, [8; 32], NOW), Presented::Forged);
    }
    // A tag of another family's key does not count.
    assert!(!family.is_own(&tagged(&[1; 32], &[6; 32])));
}

#[test]
fn a_family_without_tags_gets_them_at_its_next_refresh() {
    let untagged = Family { tag_key: None, current: hash(&[1; 32]), ..family() };
    assert_eq!(untagged.present(&[2; 32], [9; 32], NOW), Presented::Reused);
    assert!(untagged.is_own(&[1; 32]) && !untagged.is_own(&[2; 32]));
    let (family, second) = rotated(&untagged, &[1; 32], NOW);
    assert_eq!(family.present(&[1; 32], [8; 32], NOW), Presented::Repeat { secret: second });
    assert_eq!(family.present(&[2; 32], [8; 32], NOW), Presented::Forged);
    // An earlier release rotated it: the successor has no tag.
    let plain = successor(&[1; 32], &family.salt);
    let earlier = Family { current: hash(&plain), ..family };
    assert_eq!(earlier.present(&[1; 32], [8; 32], NOW), Presented::Repeat { secret: plain });
}

#[test]
fn a_revoked_or_expired_family_is_over() {
    let revoked = Family { revoked: true, ..family() };
    assert_eq!(revoked.present(&first(), [9; 32], NOW), Presented::Over);
    assert_eq!(family().present(&first(), [9; 32], NOW.plus_secs(REFRESH_TOKEN_SECS)), Presented::Over);
}

#[test]
fn a_family_ends_even_if_it_is_refreshed_regularly() {
    let (mut family, mut secret, mut days) = (family(), first(), 0);
    while family.is_live(NOW.plus_secs(days * DAY_SECS)) {
        (family, secret) = rotated(&family, &secret, NOW.plus_secs(days * DAY_SECS));
        days += 20;
    }
    assert_eq!(family.expires_at, NOW.plus_secs(SESSION_SECS_MAX));
    assert_eq!(days, 100);
}

#[test]
fn another_role_or_branch_begins_another_session() {
    let fresh = || "s2".parse().unwrap();
    let same = family().with_privileges(Privileges::of(&user(Role::Cashier)), fresh());
    assert_eq!(same, family());
    let moved = User { branch_id: Some("3".parse().unwrap()), ..user(Role::Manager) };
    let other = family().with_privileges(Privileges::of(&moved), fresh());
    // The ended session has the old branch.
    assert_eq!((other.session.as_str(), &other.before), ("s2", &Some(family().ended())));
    assert_eq!(family().ended().branch, Some("2".parse().unwrap()));
    assert_eq!(other.privileges.role, Role::Manager);
}

#[test]
fn a_family_whose_device_has_signed_in_again_ends_before_the_oldest() {
    let sign_in = |(id, device): &(&str, Option<&str>)| Family {
        id: (*id).to_owned(),
        device: device.map(|device| device.parse().unwrap()),
        ..family()
    };
    // The latest first.
    let all =
        [("6", Some("a")), ("5", None), ("4", Some("b")), ("3", Some("a")), ("2", None), ("1", Some("a"))];
    let leave = |most| {
        let families: Vec<Family> = all.iter().map(sign_in).collect();
        surplus(families, most).into_iter().map(|family| family.id).collect::<Vec<_>>()
    };
    assert_eq!(leave(6), [""; 0]);
    assert_eq!(leave(5), ["1"]);
    assert_eq!(leave(4), ["1", "3"]);
    assert_eq!(leave(2), ["1", "3", "2", "4"]);
    assert_eq!(leave(0).len(), 6);
}

#[test]
fn a_token_reads_back_and_other_text_is_refused() {
    let family = "f".repeat(FAMILY_ID_CHARS);
    let token = Token { user: "u1", family: &family, secret: [7; 32] };
    let text = token.to_string();
    assert_eq!(Token::read(&text), Some(token));
    let bad =
        [&text[2..], &text[3..], &text[..text.len() - 1], &text.replacen('f', "#", 1), &format!("{text}.")];
    for bad in ["", ".", "..", "a.b", "a.b.c"].into_iter().chain(bad) {
        assert_eq!(Token::read(bad), None, "{bad}");
    }
}

#[test]
fn debug_shows_no_secret_salt_or_key() {
    let (family, second) = rotated(&family(), &first(), NOW);
    let token = Token { user: "u1", family: &family.id, secret: second };
    let shown = format!("{family:?} {token:?} {:?}", family.present(&second, [9; 32], NOW));
    // The secret, the salt and the key as `Debug` would write them.
    for hidden in [second, first(), [9; 32], TAG_KEY] {
        let bytes = format!("{:?}", &hidden[..4]);
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
    }
}
