//! Head office of many branches: what a poll costs, and commits that the stream did not note.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use functions::dynamo::item::{Item, key};
use functions::sync::items::head_office::NOTED;
use functions::sync::keys;
use lambda_http::Body;
use lambda_http::http::{Request, request};
use protocol::endpoints::function::Function;
use protocol::limits::{BRANCHES_CHECKED, HEAD_OFFICE_BRANCHES_MAX};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::User;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::{PushResponse, WriteResult};
use serde_json::json;
use sync::limits::{CURSOR_BYTES_MAX, LOG_SETTLE_SECS};
use tests::api::{Api, Reply};
use tests::fleet;
use tests::till::state::State;
use tests::wait::poll;

use crate::invariants::partition;
use crate::replies::assert_error;
use crate::shop::{Shop, product};
use crate::stored::Stored;
use crate::sync::absence::live;
use crate::world::{PATIENCE, cashier};

trials! {
    shared:
    an_empty_poll_of_two_hundred_branches_costs_at_most_twenty_read_units,
    a_commit_whose_note_was_lost_is_found_within_the_bound,
    a_branch_that_an_older_release_handled_is_read_each_time,
    a_restored_branch_is_found_within_the_bound,
    a_client_with_too_many_branches_is_refused,
}

pub(super) fn branch(i: usize) -> String {
    format!("b{i}")
}

/// Creates branches, the first `with_commits` of them with one product each.
pub(super) async fn open(shop: &'static Shop, branches: usize, with_commits: usize) {
    let tasks = (0..8).map(|task| {
        tokio::spawn(async move {
            for i in (task..branches).step_by(8) {
                shop.branch(&branch(i)).await;
                if i < with_commits {
                    sell(shop, i, "first").await;
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// The request as head office makes it.
fn head_office(shop: &Shop, request: request::Builder, now: Timestamp) -> request::Builder {
    let user = User { role: Role::SuperAdmin, branch_id: None, ..cashier(&shop.client) };
    request.header(TOKEN_HEADER, shop.world.token_of(&user, now))
}

/// Pushes a product in branch `i`, past the edge.
pub(super) async fn sell(shop: &Shop, i: usize, id: &str) -> PushResponse {
    let (now, records) = (fleet::now(), [product(id, &json!({}))]);
    let body = json!({ "device_id": "till-1", "branch_id": branch(i), "records": records }).to_string();
    let request = head_office(shop, Request::post("/pushBatch"), now).body(Body::Text(body)).unwrap();
    let reply = shop.world.call(Function::BatchPush, request, now).await;
    serde_json::from_str(reply.ok::<WriteResult>().unwrap().answer.as_str()).unwrap()
}

/// Pulls at the time `now`, past the edge.
pub(super) async fn pull_at(shop: &Shop, query: &str, now: Timestamp) -> Reply {
    let request = head_office(shop, Request::get(format!("/pullChanges?{query}")), now);
    shop.world.call(Function::PullChanges, request.body(Body::Empty).unwrap(), now).await
}

pub(super) async fn pull(office: &Api, cursor: &str) -> (PullResponse, Reply) {
    let reply = office.get(&format!("/api/sync/pull-changes?limit=1000&cursor={cursor}")).await.unwrap();
    (reply.ok().unwrap(), reply)
}

/// Branch `i` in the list of branches.
async fn listed(shop: &'static Shop, i: usize) -> Stored {
    let room = shop.room(&branch(i));
    Stored::of(shop, &shop.world.table, keys::client(&room.client), &keys::branch(&room.branch)).await
}

fn stamp(stamp: Stamp) -> Option<AttributeValue> {
    Some(AttributeValue::N(stamp.0.to_string()))
}

/// Waits until the stream has noted `last` for branch `i`.
pub(super) async fn wait_for_note(shop: &'static Shop, i: usize, last: Stamp) {
    let branch = listed(shop, i).await;
    let note = async || branch.now(NOTED).await;
    poll(PATIENCE, note, |noted| *noted == stamp(last)).await.expect("the stream notes the commit");
}

pub(super) async fn delete(shop: &Shop, items: Vec<Item>) {
    for item in items {
        let key = key(item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap());
        let delete = shop.world.dynamo.delete_item().table_name(&shop.world.table);
        delete.set_key(Some(key)).send().await.unwrap();
    }
}

/// Follows from `cursor` until there is no more. Returns the changes by branch, the modes, and the cursor.
pub(super) async fn follow(
    shop: &Shop,
    mut cursor: String,
) -> (BTreeMap<String, State>, BTreeSet<String>, String) {
    let (mut branches, mut modes) = (BTreeMap::<String, State>::new(), BTreeSet::new());
    loop {
        let reply = pull_at(shop, &format!("limit=1000&cursor={cursor}"), fleet::now()).await;
        let page: PullResponse = reply.ok().unwrap();
        assert!(page.next_cursor.len() <= CURSOR_BYTES_MAX);
        if let Some(branch) = &page.branch_id {
            modes.insert(page.mode.clone());
            branches.entry(branch.clone()).or_default().take_page(&page);
        }
        cursor = page.next_cursor.clone();
        if !page.has_more {
            return (branches, modes, cursor);
        }
    }
}

async fn an_empty_poll_of_two_hundred_branches_costs_at_most_twenty_read_units(shop: &'static Shop) {
    open(shop, 200, 200).await;
    let (branches, _, mut cursor) = follow(shop, String::new()).await;
    assert_eq!(branches.len(), 200);
    for i in 0..200 {
        wait_for_note(shop, i, branches[&branch(i)].position).await;
    }
    let office = shop.head_office().await;
    for _ in 0..200 / BRANCHES_CHECKED {
        let (page, reply) = pull(&office, &cursor).await;
        assert_eq!((page.changes.len(), page.has_more), (0, false));
        // The checkpoint, the list of branches, and ten HEADs.
        let cost = reply.cost();
        assert!(cost.requests == 3 && cost.read_tenths <= 200 && cost.write_tenths == 0, "{cost:?}");
        cursor = page.next_cursor;
    }
    // A page of one branch costs its log and a few HEADs more.
    let last = sell(shop, 77, "second").await.stamp;
    wait_for_note(shop, 77, last).await;
    let (page, reply) = pull(&office, &cursor).await;
    assert_eq!((page.branch_id, page.changes.len(), page.has_more), (Some(branch(77)), 1, false));
    assert!(reply.cost().read_tenths <= 230, "{:?}", reply.cost());
}

async fn a_commit_whose_note_was_lost_is_found_within_the_bound(shop: &'static Shop) {
    let branches = 3 * BRANCHES_CHECKED;
    open(shop, branches, branches).await;
    let (held, _, mut cursor) = follow(shop, String::new()).await;
    let before = held[&branch(4)].position;
    let last = sell(shop, 4, "second").await.stamp;
    wait_for_note(shop, 4, last).await;
    // As if the stream had dropped the commit.
    listed(shop, 4).await.set(NOTED, stamp(before)).await;
    let office = shop.head_office().await;
    let mut polls = 0;
    let found = loop {
        let (page, _) = pull(&office, &cursor).await;
        (polls, cursor) = (polls + 1, page.next_cursor.clone());
        if page.branch_id.is_some() {
            break page;
        }
        assert!(polls < branches / BRANCHES_CHECKED, "it is not found");
    };
    assert_eq!((found.branch_id, found.stamp, found.changes.len()), (Some(branch(4)), last, 1));
    // A note that comes late is of no harm, and creating the branch again leaves it as it is.
    listed(shop, 4).await.set(NOTED, stamp(last)).await;
    shop.branch(&branch(4)).await;
    assert_eq!(listed(shop, 4).await.now(NOTED).await, stamp(last));
    assert_eq!(pull(&office, &cursor).await.0.changes.len(), 0);
}

async fn a_branch_that_an_older_release_handled_is_read_each_time(shop: &'static Shop) {
    let branches = 2 * BRANCHES_CHECKED;
    open(shop, branches, branches).await;
    let (held, _, cursor) = follow(shop, String::new()).await;
    let office = shop.head_office().await;
    for i in 0..branches {
        wait_for_note(shop, i, held[&branch(i)].position).await;
    }
    for i in [3, 14] {
        let last = sell(shop, i, "second").await.stamp;
        wait_for_note(shop, i, last).await;
        listed(shop, i).await.set(NOTED, None).await;
    }
    let (first, reply) = pull(&office, &cursor).await;
    let (second, _) = pull(&office, &first.next_cursor).await;
    let served = BTreeSet::from([first.branch_id, second.branch_id]);
    assert_eq!((served, second.has_more), (BTreeSet::from([Some(branch(3)), Some(branch(14))]), false));
    assert!(first.has_more, "{:?}", reply.cost());
}

async fn a_restored_branch_is_found_within_the_bound(shop: &'static Shop) {
    let branches = 2 * BRANCHES_CHECKED;
    open(shop, branches, branches).await;
    let room = shop.room(&branch(7));
    let tables = async || {
        let (client, table) = (&shop.world.dynamo, &shop.world.table);
        [partition(client, table, keys::room(&room)).await, partition(client, table, keys::log(&room)).await]
            .concat()
    };
    let copy = tables().await;
    let last = sell(shop, 7, "lost").await.stamp;
    wait_for_note(shop, 7, last).await;
    let (mut held, _, mut cursor) = follow(shop, String::new()).await;
    // The branch is put back. The note still is of the lost history, and equals head office's position.
    delete(shop, tables().await).await;
    for item in copy {
        let put = shop.world.dynamo.put_item().table_name(&shop.world.table);
        put.set_item(Some(item)).send().await.unwrap();
    }
    let later = fleet::now().plus_secs(LOG_SETTLE_SECS);
    let state = held.get_mut(&branch(7)).unwrap();
    assert_eq!(live(state), ["first", "lost"]);
    for polls in 0.. {
        assert!(polls < branches / BRANCHES_CHECKED, "the restore is not found");
        let reply = pull_at(shop, &format!("cursor={cursor}&limit=1000"), later).await;
        let page: PullResponse = reply.ok().unwrap();
        if page.branch_id.is_some() {
            assert_eq!((page.branch_id.as_deref(), page.mode.as_str()), (Some("b7"), "snapshot"));
            state.take_page(&page);
            break;
        }
        cursor = page.next_cursor;
    }
    assert_eq!(live(state), ["first"]);
}

async fn a_client_with_too_many_branches_is_refused(shop: &'static Shop) {
    let (client, table) = (&shop.world.dynamo, &shop.world.table);
    let room = |i: usize| shop.room(&branch(i));
    let all: Vec<usize> = (0..=HEAD_OFFICE_BRANCHES_MAX).collect();
    for some in all.chunks(25) {
        let put = |&i: &usize| {
            let item = key(keys::client(&room(i).client), keys::branch(&room(i).branch));
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        };
        client.batch_write_item().request_items(table, some.iter().map(put).collect()).send().await.unwrap();
    }
    let office = shop.head_office().await;
    assert_error(&office.get("/api/sync/pull-changes").await.unwrap(), 400, "too_many_branches");
    assert_eq!(office.get("/api/sync/pull-changes?branch_id=b5").await.unwrap().status, 200);
}
