use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{EncodingKey, Header};
use sha2::Sha256;

use protocol::role::Role;

use super::*;

// The example key pair of RFC 8410, section 10.3: public, so for tests only.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----";
const JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"test","x":"Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE"}]}"#;
const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

fn claims() -> Claims {
    Claims {
        sub: "u1".into(),
        client_id: "1".parse().unwrap(),
        branch_id: Some("2".parse().unwrap()),
        role: Role::Cashier,
        device: Some("till-1".parse().unwrap()),
        sid: None,
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        exp: NOW.as_secs() + 900,
        iat: NOW.as_secs(),
        jti: "j1".into(),
    }
}

fn sign(kid: &str, claims: &Claims) -> String {
    provider::install();
    let key = EncodingKey::from_ed_pem(PRIVATE.as_bytes()).unwrap();
    let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

/// The public key used as a shared secret: algorithm confusion (RFC 8725, section 2.1).
fn confused(claims: &Claims) -> String {
    let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = base64(br#"{"alg":"HS256","typ":"JWT","kid":"test"}"#);
    let head = format!("{header}.{}", base64(&serde_json::to_vec(claims).unwrap()));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE").unwrap();
    mac.update(head.as_bytes());
    format!("{head}.{}", base64(&mac.finalize().into_bytes()))
}

fn verify(token: &str, now: Timestamp) -> Result<Claims, ErrorCode> {
    Verifier::from_jwks(JWKS).unwrap().verify(token, now).map_err(|error| error.code)
}

#[test]
fn a_token_is_valid_until_it_expires() {
    let token = sign("test", &claims());
    assert_eq!(verify(&token, NOW), Ok(claims()));
    assert_eq!(verify(&token, NOW.plus_secs(899)), Ok(claims()));
    assert_eq!(verify(&token, NOW.plus_secs(900)), Err(ErrorCode::TokenExpired));
}

#[test]
fn forged_tokens_are_invalid() {
    let good = sign("test", &claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let other_claims = sign("test", &Claims { client_id: "2".parse().unwrap(), ..claims() });
    let other_payload = other_claims.split('.').nth(1).unwrap();
    let forged = [
        String::new(),
        "a.b.c".into(),
        format!("{head}."),
        format!("{header}.{other_payload}.{signature}"),
        sign("unknown", &claims()),
        confused(&claims()),
        sign("test", &Claims { iss: "someone".into(), ..claims() }),
        sign("test", &Claims { aud: "another-api".into(), ..claims() }),
        "x".repeat(TOKEN_BYTES_MAX + 1),
    ];
    for token in forged {
        assert_eq!(verify(&token, NOW), Err(ErrorCode::TokenInvalid), "{token}");
    }
}

#[test]
fn a_bad_key_set_is_refused() {
    let short = JWKS.replace("Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE", "GQ");
    for bad in ["", "{}", &short, &JWKS.replace(r#""kid":"test","#, "")] {
        assert!(Verifier::from_jwks(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_token_with_a_device_acts_as_that_device_only() {
    let any = Claims { device: None, ..claims() };
    let other = "till-2".parse().unwrap();
    assert!(claims().acts_as(&"till-1".parse().unwrap()).is_ok());
    assert_eq!(claims().acts_as(&other).unwrap_err().code, ErrorCode::DeviceMismatch);
    assert!(any.acts_as(&other).is_ok());
}

#[test]
fn a_user_without_a_branch_has_no_room() {
    let boss = Claims { branch_id: None, role: Role::SuperAdmin, ..claims() };
    assert_eq!(boss.room_of(None).unwrap_err().code, ErrorCode::BranchRequired);
    assert_eq!(boss.socket_room(None).unwrap().to_string(), "1:*");
    assert_eq!(claims().room_of(None).unwrap().to_string(), "1:2");
    assert_eq!(claims().socket_room(None).unwrap().to_string(), "1:2");
}

#[test]
fn a_user_names_its_own_branch_and_a_super_admin_any() {
    let (own, other) = ("2".parse().unwrap(), "3".parse().unwrap());
    for role in [Role::Cashier, Role::Manager, Role::Admin] {
        let user = Claims { role, ..claims() };
        assert_eq!(user.room_of(Some(&own)).unwrap().to_string(), "1:2");
        assert_eq!(user.room_of(Some(&other)).unwrap_err().code, ErrorCode::BranchForbidden);
        let nowhere = Claims { branch_id: None, ..user };
        assert_eq!(nowhere.room_of(Some(&other)).unwrap_err().code, ErrorCode::BranchForbidden);
    }
    let boss = Claims { branch_id: None, role: Role::SuperAdmin, ..claims() };
    assert_eq!(boss.room_of(Some(&other)).unwrap().to_string(), "1:3");
}

#[test]
fn the_bearer_scheme_is_case_insensitive() {
    assert_eq!(bearer(Some("Bearer abc")), Ok("abc"));
    assert_eq!(bearer(Some("bearer abc")), Ok("abc"));
    for bad in [None, Some(""), Some("abc"), Some("Basic abc"), Some("Bearer "), Some("Bearer")] {
        assert_eq!(bearer(bad).unwrap_err().code, ErrorCode::TokenMissing);
    }
}
