use super::text;
use crate::role::Role;
use crate::wire::auth::{Me, Session, User};

fn user(branch: Option<&str>) -> User {
    let branch_id = branch.map(|id| id.parse().unwrap());
    User {
        id: "u1".into(),
        username: "till-1".into(),
        role: Role::Cashier,
        client_id: "1".parse().unwrap(),
        branch_id,
    }
}

#[test]
fn a_session_and_me() {
    let session = Session {
        access_token: "a".into(),
        refresh_token: "r".into(),
        expires_in: 900,
        user: user(Some("2")),
    };
    let who = r#"{"id":"u1","username":"till-1","role":"cashier","client_id":"1","branch_id":"2"}"#;
    assert_eq!(
        text(&session),
        format!(r#"{{"accessToken":"a","refreshToken":"r","expiresIn":900,"user":{who}}}"#)
    );
    let boss = User { role: Role::SuperAdmin, ..user(None) };
    let me = Me { user: boss, permissions: vec!["sync:push".into()] };
    let who = r#"{"id":"u1","username":"till-1","role":"super_admin","client_id":"1","branch_id":null}"#;
    assert_eq!(text(&me), format!(r#"{{"user":{who},"permissions":["sync:push"]}}"#));
}
