//! Wrong passwords delay a guesser, and not the user's own devices and addresses.

use auth::limits::{
    KNOWN_NETWORK_AGAIN_SECS, KNOWN_NETWORK_SECS, LOGIN_DELAY_SECS_MAX, LOGIN_FAILURES_FREE,
    LOGIN_FAILURES_SECS,
};
use lambda_http::http::Request;
use protocol::endpoints::function::Function;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::ADDRESS_HEADER;
use protocol::wire::auth::SessionResponse;
use serde_json::{Value, json};
use tests::api::Reply;
use tests::fleet;

use super::refresh;
use crate::replies::assert_error;
use crate::shop::{PASSWORD, Shop};

trials! {
    shared:
    wrong_passwords_delay_their_name_through_the_edge,
    the_delay_doubles_and_is_forgotten_after_a_day,
    concurrent_guesses_count_before_they_are_verified,
    a_device_with_a_refresh_token_is_not_delayed_by_strangers,
    an_address_where_the_user_is_signed_in_is_not_delayed_by_strangers,
    an_address_where_the_user_was_signed_in_is_not_delayed_for_ninety_days,
    a_network_is_forgotten_after_ninety_days,
    an_unknown_name_is_delayed_like_a_known_one,
}

const HOME: &str = "192.0.2.1";
/// Where the user has not signed in yet.
const ELSEWHERE: &str = "192.0.2.2";
const GUESSER: &str = "198.51.100.66";

/// Calls the function as the edge does for a sign-in from `address` at `now`.
async fn sign_in(shop: &Shop, body: &Value, address: &str, now: Timestamp) -> Reply {
    let request = Request::post("/logIn").header(ADDRESS_HEADER, address);
    shop.world.call(Function::Auth, request.body(body.to_string().into()).unwrap(), now).await
}

fn body(name: &str, password: &str) -> Value {
    json!({ "username": name, "password": password })
}

/// A cashier's name.
async fn name(shop: &Shop) -> String {
    shop.user("till-1", Role::Cashier, Some("1")).await.username
}

/// Guesses, each time from another address, until the name is delayed for all of them.
async fn exhaust(shop: &Shop, name: &str, now: Timestamp) {
    for guess in 0..LOGIN_FAILURES_FREE {
        let address = format!("203.0.113.{guess}");
        assert_eq!(sign_in(shop, &body(name, "a guess"), &address, now).await.status, 401);
    }
    let stranger = sign_in(shop, &body(name, PASSWORD), "203.0.113.254", now).await;
    assert_error(&stranger, 429, "rate_limited");
}

fn retry_after_secs(reply: &Reply) -> u64 {
    assert_error(reply, 429, "rate_limited");
    let secs = reply.header("retry-after").unwrap().parse().unwrap();
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["error"]["details"]["policy"], "login-failures");
    assert_eq!(body["error"]["details"]["retry_after_secs"], secs);
    secs
}

async fn wrong_passwords_delay_their_name_through_the_edge(shop: &'static Shop) {
    let name = name(shop).await;
    let login = async |name: &str, password: &str| {
        shop.anonymous().post("/api/auth/login", body(name, password).to_string()).await.unwrap()
    };
    // A success takes the failures before it back.
    for _ in 0..2 {
        for _ in 1..LOGIN_FAILURES_FREE {
            assert_error(&login(&name, "a guess").await, 401, "bad_credentials");
        }
        login(&name, PASSWORD).await.ok::<SessionResponse>().unwrap();
    }
    let mut guesses = 0;
    let refused = loop {
        let reply = login(&name, "a guess").await;
        if reply.status == 429 {
            break reply;
        }
        guesses += 1;
        assert!(guesses <= LOGIN_FAILURES_FREE, "a name is not limited");
    };
    assert_eq!(guesses, LOGIN_FAILURES_FREE);
    assert!(refused.header("ratelimit").is_some());
    assert_eq!(retry_after_secs(&refused), 1);
    // Another name is not affected.
    let other = shop.user("till-2", Role::Cashier, Some("1")).await;
    login(&other.username, PASSWORD).await.ok::<SessionResponse>().unwrap();
}

async fn the_delay_doubles_and_is_forgotten_after_a_day(shop: &'static Shop) {
    let (name, mut now) = (name(shop).await, fleet::now());
    let guess = body(&name, "a guess");
    for _ in 0..LOGIN_FAILURES_FREE {
        assert_eq!(sign_in(shop, &guess, GUESSER, now).await.status, 401);
    }
    for delay_secs in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, LOGIN_DELAY_SECS_MAX, LOGIN_DELAY_SECS_MAX] {
        // Even the right password must wait, and waiting costs no more than the delay.
        for _ in 0..2 {
            let refused = sign_in(shop, &body(&name, PASSWORD), GUESSER, now).await;
            assert_eq!(retry_after_secs(&refused), delay_secs);
        }
        now = now.plus_secs(delay_secs);
        assert_eq!(sign_in(shop, &guess, GUESSER, now).await.status, 401);
    }
    now = now.plus_secs(LOGIN_FAILURES_SECS);
    for _ in 0..LOGIN_FAILURES_FREE {
        assert_eq!(sign_in(shop, &guess, GUESSER, now).await.status, 401);
    }
    assert_eq!(sign_in(shop, &guess, GUESSER, now).await.status, 429);
}

async fn concurrent_guesses_count_before_they_are_verified(shop: &'static Shop) {
    let (name, now) = (name(shop).await, fleet::now());
    let guess = |n: u32| {
        let (name, address) = (name.clone(), format!("203.0.113.{n}"));
        tokio::spawn(async move { sign_in(shop, &body(&name, "a guess"), &address, now).await.status })
    };
    let guesses: Vec<_> = (0..3 * LOGIN_FAILURES_FREE).map(guess).collect();
    let mut verified = 0;
    for guess in guesses {
        verified += u32::from(guess.await.unwrap() == 401);
    }
    assert_eq!(verified, LOGIN_FAILURES_FREE);
}

async fn a_device_with_a_refresh_token_is_not_delayed_by_strangers(shop: &'static Shop) {
    let (name, now) = (name(shop).await, fleet::now());
    let first: SessionResponse = sign_in(shop, &body(&name, PASSWORD), HOME, now).await.ok().unwrap();
    exhaust(shop, &name, now).await;
    let with_token = |password: &str, token: &str| json!({ "username": name, "password": password, "refreshToken": token });
    // From a new address, with the last token or the one before it.
    let api = shop.anonymous();
    let renewed: SessionResponse = refresh(&api, &first.refresh_token).await.ok().unwrap();
    for token in [&first.refresh_token, &renewed.refresh_token] {
        sign_in(shop, &with_token(PASSWORD, token), ELSEWHERE, now).await.ok::<SessionResponse>().unwrap();
    }
    // A made up token, another user's, or one of an ended session helps no one.
    let other = shop.user("till-2", Role::Cashier, Some("1")).await.username;
    let other: SessionResponse = sign_in(shop, &body(&other, PASSWORD), HOME, now).await.ok().unwrap();
    let (prefix, secret) = renewed.refresh_token.rsplit_once('.').unwrap();
    let forged = format!("{prefix}.{}", "A".repeat(secret.len()));
    for token in [&*forged, &other.refresh_token, "nonsense"] {
        retry_after_secs(&sign_in(shop, &with_token(PASSWORD, token), GUESSER, now).await);
    }
    super::logout(&api, &renewed.refresh_token).await;
    retry_after_secs(&sign_in(shop, &with_token(PASSWORD, &renewed.refresh_token), GUESSER, now).await);
}

async fn an_address_where_the_user_is_signed_in_is_not_delayed_by_strangers(shop: &'static Shop) {
    let (name, now) = (name(shop).await, fleet::now());
    sign_in(shop, &body(&name, PASSWORD), HOME, now).await.ok::<SessionResponse>().unwrap();
    exhaust(shop, &name, now).await;
    sign_in(shop, &body(&name, PASSWORD), HOME, now).await.ok::<SessionResponse>().unwrap();
    // Its own failures count there.
    for _ in 0..LOGIN_FAILURES_FREE {
        assert_eq!(sign_in(shop, &body(&name, "a guess"), HOME, now).await.status, 401);
    }
    retry_after_secs(&sign_in(shop, &body(&name, PASSWORD), HOME, now).await);
}

async fn an_address_where_the_user_was_signed_in_is_not_delayed_for_ninety_days(shop: &'static Shop) {
    let (name, now) = (name(shop).await, fleet::now());
    let right = body(&name, PASSWORD);
    let session: SessionResponse = sign_in(shop, &right, HOME, now).await.ok().unwrap();
    super::logout(&shop.anonymous(), &session.refresh_token).await;
    exhaust(shop, &name, now).await;
    retry_after_secs(&sign_in(shop, &right, ELSEWHERE, now).await);
    sign_in(shop, &right, HOME, now).await.ok::<SessionResponse>().unwrap();
    // No sign-in lives as long. A sign-in on a later day counts from then on.
    let next_day = now.plus_secs(KNOWN_NETWORK_AGAIN_SECS);
    sign_in(shop, &right, HOME, next_day).await.ok::<SessionResponse>().unwrap();
    let last = Timestamp(next_day.plus_secs(KNOWN_NETWORK_SECS).0 - 1);
    exhaust(shop, &name, last).await;
    sign_in(shop, &right, HOME, last).await.ok::<SessionResponse>().unwrap();
    // Nor does it help anyone else.
    let other = shop.user("till-2", Role::Cashier, Some("1")).await.username;
    exhaust(shop, &other, now).await;
    retry_after_secs(&sign_in(shop, &body(&other, PASSWORD), HOME, now).await);
}

async fn a_network_is_forgotten_after_ninety_days(shop: &'static Shop) {
    let (name, now) = (name(shop).await, fleet::now());
    let right = body(&name, PASSWORD);
    sign_in(shop, &right, HOME, now).await.ok::<SessionResponse>().unwrap();
    let later = now.plus_secs(KNOWN_NETWORK_SECS);
    exhaust(shop, &name, later).await;
    retry_after_secs(&sign_in(shop, &right, HOME, later).await);
}

async fn an_unknown_name_is_delayed_like_a_known_one(shop: &'static Shop) {
    let (unknown, now) = (shop.username("unknown"), fleet::now());
    exhaust(shop, &unknown, now).await;
    let refused = sign_in(shop, &body(&unknown, PASSWORD), "203.0.113.9", now).await;
    assert_eq!(retry_after_secs(&refused), 1);
}
