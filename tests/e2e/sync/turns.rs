//! Writes to one room take turns through the room's object.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use local::function_host::faults::HostFault;
use protocol::limits::{SESSION_WRITES_MAX, WRITE_TURN_MILLIS};
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tests::api::Reply;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::changed_edge::{ChangedEdge, built_edge, edge_config, replaced};
use crate::replies::assert_error;
use crate::shop::{Shop, product};
use crate::till::Till;

trials! {
    shared:
    many_devices_write_without_lost_attempts_or_refusals,
    a_session_has_only_a_few_places_in_the_queue,
    a_failed_write_gives_back_its_turn,
    a_device_that_disconnects_during_its_write_blocks_no_other,
    a_write_that_does_not_end_blocks_others_no_longer_than_its_lease,
    rooms_do_not_wait_for_each_other,
    writes_go_through_while_the_room_does_not_answer,
}

/// A push is on its way to DynamoDB after this time, on a busy machine too.
const UNDER_WAY: Duration = Duration::from_millis(500);
const LEASE: Duration = Duration::from_millis(WRITE_TURN_MILLIS);

/// Pushes a new record. Returns the reply and how long it took.
async fn push_one(till: &Till, id: &str) -> (Reply, Duration) {
    let started = Instant::now();
    let reply = till.push_raw(&till.batch(Some(id), &[product(id, &json!({}))])).await;
    (reply, started.elapsed())
}

fn assert_accepted(reply: &Reply) {
    assert_eq!(reply.ok::<PushResponse>().unwrap().synced_count, 1);
}

async fn many_devices_write_without_lost_attempts_or_refusals(shop: &'static Shop) {
    const TILLS: usize = 20;
    const BATCHES: usize = 3;
    let watch = shop.world.dynamo_faults.watch(&shop.dynamo_scope());
    shop.world.dynamo_faults.delay(&shop.dynamo_scope(), Duration::from_millis(20));
    let mut running = JoinSet::new();
    for i in 0..TILLS {
        let till = shop.till(&format!("till-{i}")).await;
        running.spawn(async move {
            for n in 0..BATCHES {
                assert_accepted(&push_one(&till, &format!("{i}-{n}")).await.0);
            }
        });
    }
    running.join_all().await;
    shop.world.dynamo_faults.clear(&shop.dynamo_scope());
    let (commits, attempts) = (TILLS * BATCHES, watch.count("TransactWriteItems"));
    assert!(attempts * 10 <= commits as u64 * 11, "{attempts} attempts for {commits} commits");
}

async fn a_session_has_only_a_few_places_in_the_queue(shop: &'static Shop) {
    let (greedy, other) = (shop.till("till-1").await, shop.till("till-2").await);
    shop.world.dynamo_faults.delay(&shop.dynamo_scope(), Duration::from_millis(150));
    let batches: Vec<Value> = (0..3 * SESSION_WRITES_MAX)
        .map(|i| greedy.batch(Some(&format!("b{i}")), &[product(&format!("g{i}"), &json!({}))]))
        .collect();
    let mut running = JoinSet::new();
    for batch in batches.clone() {
        let till = Till { api: greedy.api.clone(), device: greedy.device.clone() };
        running.spawn(async move { till.push_raw(&batch).await });
    }
    sleep(Duration::from_millis(200)).await;
    assert_accepted(&push_one(&other, "other").await.0);
    let replies = running.join_all().await;
    shop.world.dynamo_faults.clear(&shop.dynamo_scope());
    let refused: Vec<&Reply> = replies.iter().filter(|reply| reply.status.as_u16() == 503).collect();
    assert!((1..=2 * SESSION_WRITES_MAX).contains(&refused.len()), "{} refused", refused.len());
    for reply in refused {
        assert_error(reply, 503, "busy");
        assert!(reply.headers.contains_key("retry-after"));
    }
    // Nothing is lost: each batch is accepted when it is sent again.
    for batch in &batches {
        assert_accepted(&greedy.push_raw(batch).await);
    }
}

async fn a_failed_write_gives_back_its_turn(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for (n, fault) in
        [HostFault::Down, HostFault::LostResponse, HostFault::Status(502)].into_iter().enumerate()
    {
        shop.world.host_faults.inject(&shop.client, fault, 1);
        let batch = till.batch(Some(&format!("b{n}")), &[product(&format!("p{n}"), &json!({}))]);
        assert_error(&till.push_raw(&batch).await, 503, "unavailable");
        let started = Instant::now();
        assert_accepted(&till.push_raw(&batch).await);
        let took = started.elapsed();
        assert!(took < LEASE / 2, "after {fault:?} the next write waited {took:?}");
    }
}

/// wrangler's proxy hides from the worker that a client disconnects; Cloudflare does not.
async fn a_device_that_disconnects_during_its_write_blocks_no_other(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    shop.world.dynamo_faults.delay(&shop.dynamo_scope(), Duration::from_millis(700));
    // Dropping the request closes the connection.
    timeout(UNDER_WAY, push_one(&one, "p1")).await.expect_err("the write is still under way");
    shop.world.dynamo_faults.clear(&shop.dynamo_scope());
    let (reply, took) = push_one(&two, "p2").await;
    assert_accepted(&reply);
    assert!(took < LEASE / 2, "the next write waited {took:?}");
}

async fn a_write_that_does_not_end_blocks_others_no_longer_than_its_lease(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let faults = &shop.world.dynamo_faults;
    // Only the requests about this record are slow.
    let id = format!("slow-{}", shop.client);
    faults.delay(&id, LEASE + Duration::from_secs(2));
    let batch = one.batch(Some(&id), &[product(&id, &json!({}))]);
    let slow = {
        let batch = batch.clone();
        tokio::spawn(async move {
            one.push_raw(&batch).await;
            one
        })
    };
    sleep(UNDER_WAY).await;
    let (reply, took) = push_one(&two, "p2").await;
    faults.clear(&id);
    assert_accepted(&reply);
    assert!(took < LEASE + Duration::from_secs(1), "the next write waited {took:?}");
    assert!(took > LEASE - 2 * UNDER_WAY, "the writes did not take turns: {took:?}");
    // It may have been 503 after all attempts; sent again, it is applied, or answered from its marker.
    let one = slow.await.unwrap();
    assert_accepted(&one.push_raw(&batch).await);
}

async fn rooms_do_not_wait_for_each_other(shop: &'static Shop) {
    let (one, elsewhere) = (shop.till("till-1").await, shop.till_of("till-2", "2").await);
    let room = format!("ROOM#{}#1", shop.client);
    // A read and a write, together shorter than the lease of a turn.
    shop.world.dynamo_faults.delay(&room, LEASE.mul_f32(0.45));
    let slow = tokio::spawn(async move { push_one(&one, "p1").await });
    sleep(UNDER_WAY).await;
    let (other, _) = push_one(&elsewhere, "p2").await;
    let was_first = !slow.is_finished();
    let (reply, took) = slow.await.unwrap();
    shop.world.dynamo_faults.clear(&room);
    assert_accepted(&other);
    assert_accepted(&reply);
    assert!(was_first, "the other room waited for the write of {took:?}");
}

/// A worker whose rooms take every call and answer none.
const SILENT_ROOMS: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class Room extends DurableObject {
  async fetch() {
    await scheduler.wait(3600_000);
    return new Response();
  }
}
export default { fetch: () => new Response() };
"#;

/// The edge's configuration, with the rooms of another worker.
fn with_silent_rooms(folder: &Path) -> Vec<PathBuf> {
    let class = "class_name = \"Room\"";
    let edge =
        replaced(&edge_config(&built_edge()), class, &format!("{class}\nscript_name = \"silent-rooms\""));
    let date = edge.lines().find(|line| line.starts_with("compatibility_date")).unwrap();
    let rooms = format!(
        "name = \"silent-rooms\"\nmain = \"rooms.mjs\"\n{date}\n[[durable_objects.bindings]]\n\
         name = \"ROOM\"\n{class}\n[[migrations]]\ntag = \"v1\"\nnew_sqlite_classes = [\"Room\"]\n"
    );
    let files = [("edge.toml", edge.as_str()), ("rooms.toml", &rooms), ("rooms.mjs", SILENT_ROOMS)];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    ["edge.toml", "rooms.toml"].map(|name| folder.join(name)).into()
}

async fn writes_go_through_while_the_room_does_not_answer(_: &'static Shop) {
    let edge = ChangedEdge::start(with_silent_rooms).await;
    let mut running = JoinSet::new();
    for till in edge.tills(4).await {
        running.spawn(async move { push_one(&till, &till.device).await });
    }
    for (reply, took) in running.join_all().await {
        assert_accepted(&reply);
        assert!(took >= Duration::from_millis(900), "the room answered after {took:?}");
        assert!(took < LEASE, "the write waited {took:?}");
    }
    edge.stop().await;
}
