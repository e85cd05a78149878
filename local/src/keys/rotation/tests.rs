use auth::token::Verifier;
use functions::accounts::signer::Signer;
use protocol::wire::auth::User;

use super::*;
use crate::data_dir::DataDir;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

/// A deployment: what it signs with and what it verifies with.
fn deployment(folder: &Path) -> (Signer, Verifier) {
    let keys = Keys::load_or_make(folder).unwrap();
    let verifier = Verifier::from_jwks(&keys.access_jwks).unwrap();
    (Signer::new(keys.access_key.expose(), keys.access_kid).unwrap(), verifier)
}

fn token(signer: &Signer, at: Timestamp) -> String {
    let user: User = serde_json::from_value(json!({
        "id": "u1", "username": "anna", "role": "cashier", "client_id": "1", "branch_id": "1",
    }))
    .unwrap();
    signer.sign(&user, None, None, at).unwrap()
}

/// While one step replaces another, edge, functions and sign-in may be of either.
#[test]
fn no_valid_token_is_refused_while_a_step_is_rolled_out() {
    let dir = DataDir::temporary().unwrap();
    let mut before = deployment(dir.path());
    let (first, mut now) = (token(&before.0, NOW), NOW);
    for round in 0..2 {
        for step in 0..3 {
            // The last step waits until the tokens of the old key have expired.
            now = now.plus_secs(if step == 2 { OLD_KEY_SECS } else { 5 });
            let rotated = rotate(dir.path(), now).unwrap();
            let is_expected = match step {
                0 => matches!(rotated, Rotated::Announced(_)),
                1 => matches!(rotated, Rotated::Switched(_)),
                _ => matches!(rotated, Rotated::Finished(_)),
            };
            assert!(is_expected, "round {round}, step {step}: {rotated:?}");
            let after = deployment(dir.path());
            for (signer, _) in [&before, &after] {
                let token = token(signer, now);
                for (_, verifier) in [&before, &after] {
                    verifier.verify(&token, now).expect("a valid token is verified");
                }
            }
            before = after;
        }
    }
    assert!(before.1.verify(&first, NOW).is_err(), "the first key is gone");
}

#[test]
fn the_old_key_stays_as_long_as_its_tokens() {
    let dir = DataDir::temporary().unwrap();
    let (signer, _) = deployment(dir.path());
    rotate(dir.path(), NOW).unwrap();
    let switched_at = NOW.plus_secs(100);
    // Signed just before the switch took effect everywhere.
    let last = token(&signer, switched_at);
    rotate(dir.path(), switched_at).unwrap();
    let early = switched_at.plus_secs(OLD_KEY_SECS - 1);
    assert!(matches!(rotate(dir.path(), early), Err(RotateError::TooEarly(1))));
    let verified_at = switched_at.plus_secs(ACCESS_TOKEN_SECS - 1);
    deployment(dir.path()).1.verify(&last, verified_at).unwrap();
    rotate(dir.path(), switched_at.plus_secs(OLD_KEY_SECS)).unwrap();
    assert!(deployment(dir.path()).1.verify(&last, verified_at).is_err());
}

#[test]
fn without_keys_there_is_nothing_to_rotate() {
    let dir = DataDir::temporary().unwrap();
    assert!(matches!(rotate(dir.path(), NOW), Err(RotateError::NoKeys)));
}
