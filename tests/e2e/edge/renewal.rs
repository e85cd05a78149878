//! `auth` frames: a socket is renewed with the next access token of its session.

use auth::limits::ACCESS_TOKEN_SECS;
use auth::token::SESSION_ENDED;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::{SessionResponse, User};
use redis_rest::faults::Fault;
use serde_json::{Value, json};
use tests::fleet;

use crate::accounts::refresh;
use crate::shop::{Shop, before_now, product};
use crate::sync::broadcast::Listener;
use crate::world::cashier;

trials! {
    exclusive:
    a_renewed_socket_outlives_its_first_token,
    a_token_of_another_caller_closes_the_socket,
    a_bad_token_closes_the_socket,
    an_ended_session_renews_no_socket,
    a_socket_is_renewed_while_redis_is_down,
}

fn auth(token: &str) -> Value {
    json!({ "type": "auth", "token": token })
}

/// The answer to a token that was signed at `signed_at`.
fn authenticated(signed_at: Timestamp) -> Value {
    let expires_at = Timestamp(0).plus_secs(signed_at.as_secs() + ACCESS_TOKEN_SECS);
    json!({ "type": "authenticated", "expires_at": expires_at.to_string() })
}

async fn a_renewed_socket_outlives_its_first_token(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let now = fleet::now();
    let short = shop.world.token_at(&shop.client, before_now(ACCESS_TOKEN_SECS - 4));
    let api = shop.anonymous().with_token(short.clone());
    let mut renewed = Listener::open(&api, "till-2").await;
    let mut not_renewed = Listener::open(&api, "till-3").await;
    renewed.send(&auth(&shop.world.token_at(&shop.client, now))).await;
    assert_eq!(renewed.next().await, authenticated(now));
    // An earlier token takes nothing back.
    renewed.send(&auth(&short)).await;
    assert_eq!(renewed.next().await, authenticated(now));
    assert_eq!(not_renewed.close_frame().await, (4401, "token expired".to_owned()));
    till.push(&[product("p1", &json!({}))]).await;
    assert_eq!(renewed.next_sync().await.record_id, "p1");
}

async fn a_token_of_another_caller_closes_the_socket(shop: &'static Shop) {
    let world = shop.world;
    let (own, now) = (cashier(&shop.client), fleet::now());
    let branch_2 = Some("2".parse().unwrap());
    let others = [
        world.token_of(&User { id: "u2".into(), ..own.clone() }, now),
        world.token_of(&User { role: Role::Manager, ..own.clone() }, now),
        world.token_of(&User { branch_id: branch_2, ..own.clone() }, now),
        world.token_of(&cashier("another"), now),
        world.bound_token(&own, Some("till-2"), None, now),
        world.bound_token(&own, None, Some("s2"), now),
    ];
    let api = shop.anonymous().with_token(world.token_of(&own, before_now(60)));
    for token in others {
        let mut listener = Listener::open(&api, "till-1").await;
        listener.send(&auth(&token)).await;
        assert_eq!(listener.close_frame().await, (4403, "token of another caller".to_owned()));
    }
    // A token of the same device is one of the same caller.
    let mut listener = Listener::open(&api, "till-1").await;
    listener.send(&auth(&world.bound_token(&own, Some("till-1"), None, now))).await;
    assert_eq!(listener.next().await, authenticated(now));
}

async fn a_bad_token_closes_the_socket(shop: &'static Shop) {
    let world = shop.world;
    let api = shop.anonymous().with_token(world.token_at(&shop.client, fleet::now()));
    for (token, reason) in [
        (world.expired_token(&shop.client), "token expired"),
        (world.foreign_token(&shop.client), "token invalid"),
        ("a.b.c".to_owned(), "token invalid"),
        (String::new(), "token invalid"),
    ] {
        let mut listener = Listener::open(&api, "till-1").await;
        listener.send(&auth(&token)).await;
        assert_eq!(listener.close_frame().await, (4401, reason.to_owned()));
    }
    let mut listener = Listener::open(&api, "till-1").await;
    for malformed in [json!({ "type": "auth" }), json!({ "type": "auth", "token": 5 })] {
        listener.send(&malformed).await;
        assert_eq!(listener.next().await["code"], "bad_frame");
    }
}

async fn an_ended_session_renews_no_socket(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", Some("till-1")).await;
    let mut listener = Listener::open(&api, "till-1").await;
    // A token that expires in the same second is none that Redis is asked about.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let next: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    listener.send(&auth(&next.access_token)).await;
    assert_eq!(listener.next().await["type"], "authenticated");

    // The session ends, and the message about it to the room is lost.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let last: SessionResponse = refresh(&api, &next.refresh_token).await.ok().unwrap();
    let sessions = crate::accounts::sessions::sessions(&api).await;
    let key = format!("tillsync:{}:session:{}", shop.client, sessions.sessions[0].id);
    shop.world.redis_command(&["SET", &key, SESSION_ENDED, "EX", "900"]).await;
    listener.send(&auth(&last.access_token)).await;
    assert_eq!(listener.close_frame().await, (4401, "session ended".to_owned()));
}

async fn a_socket_is_renewed_while_redis_is_down(shop: &'static Shop) {
    let world = shop.world;
    let (own, now) = (cashier(&shop.client), fleet::now());
    let token = |at| world.bound_token(&own, None, Some("s1"), at);
    let mut listener = Listener::open(&shop.anonymous().with_token(token(before_now(60))), "till-1").await;
    world.begin_redis_fault(Fault::Status(500));
    listener.send(&auth(&token(now))).await;
    assert_eq!(listener.next().await, authenticated(now));
}
