//! Devices whose clocks are wrong.

use std::fmt::Display;
use std::time::Duration;

use protocol::limits::WRITE_TURN_MILLIS;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};
use tests::fleet;
use tokio::time::sleep;

use crate::replies::assert_error;
use crate::shop::{Shop, before_now, hall, product, record, with};
use crate::till::Till;

trials! {
    shared:
    a_till_with_a_fast_clock_closes_its_shift,
    a_time_of_any_year_loses_no_sale_and_a_pull_may_begin_there,
    device_time_corrects_a_fast_clock_and_a_slow_one,
    a_corrected_push_that_waits_for_its_turn_is_as_early_as_it_arrived,
}

/// The time in `minutes` minutes.
fn in_minutes(minutes: u64) -> Timestamp {
    fleet::now().plus_secs(60 * minutes)
}

fn dated(record: Value, at: impl Display) -> Value {
    with(record, "local_updated_at", at.to_string())
}

async fn a_till_with_a_fast_clock_closes_its_shift(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let shift = |status: &str| dated(record("shifts", "s1", &json!({ "status": status })), in_minutes(10));
    for (base, status) in [(0, "open"), (1, "closed")] {
        let response = till.push(&[with(shift(status), "base_version", base)]).await;
        assert_eq!(
            (response.applied[0].version, &response.applied[0].flags[..]),
            (base + 1, &["clock_clamped".into()][..])
        );
    }
    // Nothing lets a fast clock win over another device.
    let other = shop.till("till-2").await;
    other.push(&[hall("h1", &json!({ "by": 2 }))]).await;
    let fast = till.push(&[dated(hall("h1", &json!({ "by": 1 })), in_minutes(10))]).await;
    assert_eq!(fast.errors[0].code, "clock_ahead");
    let later = other.push(&[with(hall("h1", &json!({ "by": 3 })), "base_version", 1)]).await;
    assert_eq!(later.applied[0].version, 2);
}

async fn a_time_of_any_year_loses_no_sale_and_a_pull_may_begin_there(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let years = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T02:00:00+03:00"];
    for (i, year) in years.iter().enumerate() {
        let sale = dated(record("invoices", &format!("i{i}"), &json!({ "total": "9.90" })), year);
        let response = till.push(&[sale]).await;
        assert_eq!(response.applied[0].flags, ["clock_clamped"], "{year}");
    }
    let leap = till.push(&[dated(record("invoices", "leap", &json!({})), "2016-12-31T23:59:60Z")]).await;
    assert_eq!(leap.applied[0].flags.len(), 0);
    for (since, changes) in years.iter().zip([4, 0, 4]) {
        let reply = till.pull_raw(&format!("since={}", since.replace('+', "%2B"))).await;
        assert_eq!(reply.ok::<PullResponse>().unwrap().changes.len(), changes, "{since}");
    }
    assert_error(&till.pull_raw("since=yesterday").await, 400, "bad_since");
    let never = till.push(&[dated(record("invoices", "i9", &json!({})), "2025-02-30T00:00:00Z")]).await;
    assert_eq!(never.errors[0].code, "bad_time");
}

/// Pushes a hall from a device whose clock shows `clock`, written `age_secs` ago, and returns its version, or
/// the reason of the conflict.
async fn push_from(till: &Till, clock: Timestamp, age_secs: u64, by: u64) -> Result<u64, String> {
    let written = Timestamp(clock.0 - age_secs * 1_000_000);
    let batch = till.batch(None, &[dated(hall("h1", &json!({ "by": by })), written)]);
    let response = till.push_batch(&with(batch, "device_time", clock.to_string())).await;
    match response.conflicts.first() {
        Some(conflict) => Err(conflict.reason.clone()),
        None => Ok(response.applied[0].version),
    }
}

async fn device_time_corrects_a_fast_clock_and_a_slow_one(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[dated(hall("h1", &json!({ "by": 1 })), before_now(600))]).await;
    let year_earlier = || before_now(365 * 24 * 3600);
    for (i, clock) in [in_minutes(10), in_minutes(100_000), year_earlier()].into_iter().enumerate() {
        // Its clock tells how long ago it wrote, and so whether it was before or after the other till.
        assert_eq!(push_from(&two, clock, 1200, 2).await, Err("newer_on_server".into()), "{clock}");
        assert_eq!(
            push_from(&two, clock, 60 - i as u64, 3 + i as u64).await,
            Ok(2 * i as u64 + 2),
            "{clock}"
        );
        let now = hall("h1", &json!({ "by": 10 + i }));
        let again = one.push(&[with(dated(now, before_now(600)), "base_version", 2 * i + 2)]).await;
        assert_eq!(again.applied[0].version, 2 * i as u64 + 3);
    }
}

async fn a_corrected_push_that_waits_for_its_turn_is_as_early_as_it_arrived(shop: &'static Shop) {
    let (one, two, other) = (shop.till("till-1").await, shop.till("till-2").await, shop.till("till-3").await);
    // After the push of till-2 arrives, and before its turn.
    one.push(&[dated(hall("h1", &json!({ "by": 1 })), fleet::now().plus_secs(3))]).await;
    let faults = &shop.world.dynamo_faults;
    // Only the requests about this record are slow.
    let id = format!("slow-{}", shop.client);
    faults.delay(&id, Duration::from_millis(WRITE_TURN_MILLIS + 2000));
    let slow = {
        let id = id.clone();
        tokio::spawn(async move { other.push_raw(&other.batch(None, &[product(&id, &json!({}))])).await })
    };
    sleep(Duration::from_millis(500)).await;
    let waited = push_from(&two, before_now(365 * 24 * 3600), 0, 2).await;
    faults.clear(&id);
    assert_eq!(waited, Err("newer_on_server".into()));
    // Whether the slow push is applied or has to be sent again does not matter here.
    slow.await.unwrap();
}
