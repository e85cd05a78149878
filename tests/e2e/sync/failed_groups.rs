//! Groups of pushes that fail, in whole or in part: each push is still answered by itself, and applied once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use functions::dynamo::kind::FORMAT;
use functions::sync::keys;
use lambda_http::Body;
use lambda_http::http::Request;
use local::function_host::faults::HostFault;
use protocol::endpoints::function::Function;
use protocol::limits::{GROUP_PUSHES_MAX, WRITE_TURN_MILLIS};
use protocol::stamp::Stamp;
use protocol::telemetry::function_line::FunctionLine;
use protocol::wire::auth::User;
use protocol::wire::push::PushResponse;
use protocol::wire::push_group::{CONTENT_TYPE, GroupedPush, OPERATION, PushGroup, PushGroupResult};
use serde_json::{Value, json};
use tests::api::Reply;
use tests::fleet;
use tokio::time::sleep;

use crate::accounts::sessions::{end, is_revoked};
use crate::changed_edge::{ChangedEdge, built_edge, edge_config};
use crate::replies::assert_error;
use crate::shop::{Shop, advance, with};
use crate::stored::Stored;
use crate::sync::groups::{
    BLOCKED, Waited, accepted, assert_applied_once, create, one_each, tills, wait_behind, wait_together,
};
use crate::till::Till;
use crate::world::cashier;

trials! {
    shared:
    a_bad_push_does_not_harm_its_group,
    a_function_checks_each_push_of_a_group_by_itself,
    a_push_of_an_ended_session_does_not_harm_the_others,
    a_function_of_the_release_before_gets_the_pushes_one_by_one,
    a_group_whose_response_is_lost_is_applied_once,
    a_group_that_cannot_be_read_is_pushed_one_by_one,
    a_group_that_does_not_end_blocks_its_pushes_no_longer_than_its_lease,
    a_room_that_loses_its_memory_in_the_middle_of_a_group_loses_no_push,
}

const LEASE: Duration = Duration::from_millis(WRITE_TURN_MILLIS);

async fn a_bad_push_does_not_harm_its_group(shop: &'static Shop) {
    let tills = tills(shop, 8).await;
    let record = |till: &Till| create(&till.device);
    let mut batches: Vec<_> =
        tills.iter().map(|till| (till.clone(), till.batch(Some("b1"), &[record(till)]))).collect();
    batches[0].1["records"] = vec![create("p"); 51].into();
    batches[2].1["device_id"] = "till-9".into();
    batches[3].1["branch_id"] = "9".into();
    let stale = with(create("never"), "base_version", 7);
    batches[4].1 = with(tills[4].batch(Some("b1"), &[record(&tills[4]), stale]), "atomic", true);
    batches[6].1["records"] = "none".into();
    // A cashier may not write this table.
    batches[7].1 = tills[7].batch(Some("b1"), &[advance("a1"), record(&tills[7])]);
    let Waited { replies, transactions, .. } = wait_together(shop, batches, async || {}).await;
    assert_eq!(transactions, 1);
    assert_error(&replies[0], 413, "batch_too_large");
    assert_error(&replies[2], 403, "device_mismatch");
    assert_error(&replies[3], 403, "branch_forbidden");
    let undone = accepted(&replies[4]);
    assert_eq!((undone.success, undone.applied.len(), undone.conflicts.len()), (false, 0, 1));
    assert_error(&replies[6], 400, "bad_request");
    let forbidden = accepted(&replies[7]);
    assert_eq!((forbidden.synced_count, &*forbidden.errors[0].code), (1, "forbidden"));
    for good in [1, 5] {
        assert_eq!(accepted(&replies[good]).synced_count, 1);
    }
    assert_eq!(tills[0].pull_all(Stamp::ZERO, 100).await.len(), 4);
}

/// Calls the function as the edge does, with one push of each token and batch.
async fn push_group(shop: &'static Shop, pushes: Vec<(String, Value)>) -> Reply {
    let grouped = |(i, (token, batch)): (usize, (String, Value))| GroupedPush {
        request_id: i.to_string(),
        arrived_at: fleet::now(),
        token,
        body: batch.to_string(),
    };
    let group = PushGroup { pushes: pushes.into_iter().enumerate().map(grouped).collect() };
    let body = Body::Text(serde_json::to_string(&group).unwrap());
    let request = Request::post(format!("/{OPERATION}")).body(body).unwrap();
    shop.world.call(Function::BatchPush, request, fleet::now()).await
}

async fn a_function_checks_each_push_of_a_group_by_itself(shop: &'static Shop) {
    shop.branch("1").await;
    shop.branch("2").await;
    let (world, client) = (shop.world, &shop.client);
    let token = || world.token_of(&cashier(client), fleet::now());
    let elsewhere = User { branch_id: Some("2".parse().unwrap()), ..cashier(client) };
    let batch = |device: &str, id: Option<&str>| json!({ "device_id": device, "batch_id": id, "records": [create(device)] });
    let pushes = vec![
        (world.expired_token(client), batch("till-0", Some("b1"))),
        (token(), batch("till-1", Some("b1"))),
        (world.foreign_token(client), batch("till-2", Some("b1"))),
        // Each of these is to be sent again alone.
        (world.token_of(&elsewhere, fleet::now()), batch("till-3", Some("b1"))),
        (token(), batch("till-4", None)),
        (token(), batch("till-1", Some("b2"))),
        (token(), batch("till-6", Some("b1"))),
    ];
    let reply = push_group(shop, pushes.clone()).await;
    assert_eq!(reply.header("content-type"), Some(CONTENT_TYPE));
    let result: PushGroupResult = reply.ok().unwrap();
    let answers: Vec<_> = result.answers.iter().map(|answer| answer.as_ref()).collect();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.map(|answer| answer.status)).collect();
    assert_eq!(statuses, [Some(401), Some(200), Some(401), None, None, None, Some(200)]);
    for (answer, code) in [(answers[0], "token_expired"), (answers[2], "token_invalid")] {
        assert!(answer.unwrap().body.as_str().contains(code));
    }
    assert_eq!(result.publications.len(), 2);
    assert!(result.publications.iter().all(|part| part.room() == shop.room("1")));
    let many = vec![pushes[1].clone(); GROUP_PUSHES_MAX + 1];
    assert_eq!(push_group(shop, many).await.code().as_deref(), Some("bad_request"));
}

async fn a_push_of_an_ended_session_does_not_harm_the_others(shop: &'static Shop) {
    let tills = tills(shop, 4).await;
    let mut batches = one_each(&tills);
    end(&tills[1].api, "all").await.ok::<Value>().unwrap();
    let ended = tills[1].push_raw(&batches.remove(1).1).await;
    assert_error(&ended, 401, "session_revoked");
    // One that ends while its push waits.
    let last = tills[3].api.clone();
    let end_last = async move || drop(end(&last, "all").await.ok::<Value>().unwrap());
    let Waited { replies, transactions, .. } = wait_together(shop, batches.clone(), end_last).await;
    assert_eq!(transactions, 1);
    replies.iter().for_each(|reply| drop(accepted(reply)));
    assert!(is_revoked(&tills[3].api).await);
    batches.pop();
    let changes = tills[0].pull_all(Stamp::ZERO, 100).await;
    assert_eq!(changes.len(), 4, "the blocker and three tills, and not the one whose session had ended");
}

async fn a_function_of_the_release_before_gets_the_pushes_one_by_one(shop: &'static Shop) {
    shop.world.host_faults.refuse_groups(&shop.client);
    let batches = one_each(&tills(shop, 5).await);
    let Waited { replies, transactions, .. } = wait_together(shop, batches.clone(), async || {}).await;
    assert_eq!(transactions, 5, "in turns, without lost attempts");
    let responses: Vec<PushResponse> = replies.iter().map(accepted).collect();
    assert!(responses.windows(2).all(|pair| pair[1].prev == pair[0].stamp), "in the order of arrival");
    assert_applied_once(&batches).await;
}

async fn a_group_whose_response_is_lost_is_applied_once(shop: &'static Shop) {
    let batches = one_each(&tills(shop, 4).await);
    let lose = async || shop.world.host_faults.inject(&shop.client, HostFault::LostResponse, 1);
    let Waited { replies, transactions, .. } = wait_together(shop, batches.clone(), lose).await;
    assert_eq!(transactions, 1, "the others found their markers");
    assert_error(&replies[0], 503, "unavailable");
    replies[1..].iter().for_each(|reply| drop(accepted(reply)));
    assert_applied_once(&batches).await;
}

async fn a_group_that_cannot_be_read_is_pushed_one_by_one(shop: &'static Shop) {
    let mut batches = one_each(&tills(shop, 4).await);
    // A newer release wrote the marker of one batch.
    let (till, batch) = (batches[2].0.clone(), batches[2].1.clone());
    till.push_batch(&batch).await;
    let marker = keys::batch(&till.device.parse().unwrap(), &"b1".parse().unwrap());
    let marker = Stored::in_room(shop, &marker).await;
    marker.set(FORMAT, Some(functions::dynamo::item::number(2))).await;
    let replies = wait_together(shop, batches.clone(), async || {}).await.replies;
    assert_error(&replies[2], 503, "unavailable");
    for good in [0, 1, 3] {
        assert_eq!(accepted(&replies[good]).synced_count, 1);
    }
    // The call for the group has a line as well, beside those of the pushes.
    let lines = shop.world.telemetry.counted().function_lines;
    let of_client = |route: &str| {
        let of_shop = |line: &FunctionLine| line.client.as_ref().is_some_and(|id| id.as_str() == shop.client);
        let is_ours = |line: &&FunctionLine| line.route == route && of_shop(line);
        lines.iter().filter(is_ours).map(|line| line.status.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of_client(OPERATION), ["503"]);
    assert!(of_client("pushBatch").len() >= 5, "{:?}", of_client("pushBatch"));
    marker.repair().await;
    batches.rotate_left(1);
    assert_applied_once(&batches).await;
}

async fn a_group_that_does_not_end_blocks_its_pushes_no_longer_than_its_lease(shop: &'static Shop) {
    let tills = tills(shop, 3).await;
    let (slow, faults) = (format!("slow-{}", shop.client), &shop.world.dynamo_faults);
    let mut batches = one_each(&tills);
    batches[0].1["records"] = json!([create(&slow)]);
    // Only the requests about this record are slow: the whole group, and later the first push alone.
    let delay = async || faults.delay(&slow, LEASE + Duration::from_secs(3));
    let others_end = async {
        // The others are pushed alone as soon as the lease is over.
        sleep(BLOCKED + LEASE + Duration::from_secs(2)).await;
        faults.clear(&slow);
        tills[1].pull_all(Stamp::ZERO, 100).await
    };
    let (Waited { replies, .. }, changes) =
        tokio::join!(wait_together(shop, batches.clone(), delay), others_end);
    assert_eq!(changes.len(), 3, "the blocker and the two others");
    replies[1..].iter().for_each(|reply| drop(accepted(reply)));
    assert!(matches!(replies[0].status.as_u16(), 200 | 503), "{}", replies[0].body);
    assert_applied_once(&batches).await;
}

/// Rooms that lose their memory whenever a group has finished, as in an eviction or a deployment.
const FORGETFUL_ROOMS: &str = r#"
import edge, { Room as BuiltRoom } from "EDGE";
import { DurableObject } from "cloudflare:workers";
export default edge;
export class Room extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.room = new BuiltRoom(ctx, env);
  }
  async fetch(request) {
    if (new URL(request.url).pathname === "/finish") {
      this.ctx.abort("the room loses its memory");
    }
    return this.room.fetch(request);
  }
  alarm() {
    return this.room.alarm();
  }
}
"#;

/// The edge's configuration, with forgetful rooms.
fn with_forgetful_rooms(folder: &Path) -> Vec<PathBuf> {
    let main = folder.join("edge.mjs");
    let files = [
        (&main, FORGETFUL_ROOMS.replace("EDGE", &built_edge().display().to_string())),
        (&folder.join("edge.toml"), edge_config(&main)),
    ];
    for (file, text) in files {
        std::fs::write(file, text).unwrap();
    }
    vec![folder.join("edge.toml")]
}

async fn a_room_that_loses_its_memory_in_the_middle_of_a_group_loses_no_push(_: &'static Shop) {
    const TILLS: usize = 4;
    let edge = ChangedEdge::start(with_forgetful_rooms).await;
    let mut tills = edge.tills(TILLS + 1).await;
    let blocker = tills.pop().unwrap();
    let batches = one_each(&tills);
    let waited = wait_behind(blocker, edge.stack.faults(), "ROOM#1#1", batches.clone(), async || {}).await;
    waited.replies.iter().for_each(|reply| drop(accepted(reply)));
    // The group was committed. Each of the others then read its marker by itself.
    assert_eq!((waited.transactions, waited.reads), (1, TILLS as u64));
    assert_applied_once(&batches).await;
    edge.stop().await;
}
