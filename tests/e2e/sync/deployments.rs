//! Deployments that add a table or open one to a role, while tills follow their room and two versions run at
//! once.

use lambda_http::Body;
use lambda_http::http::Request;
use local::handlers::Handlers;
use protocol::endpoints::function::Function;
use protocol::follow::Follow;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::User;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::{PushRequest, PushResponse, WriteResult};
use protocol::wire::socket::SyncFrame;
use serde_json::{Value, json};
use tests::fleet;
use tests::till::state::State;

use crate::shop::{Shop, advance, hall, product};
use crate::sync::absence::{expire_log, live, week_later};
use crate::world::cashier;

trials! {
    shared:
    what_a_deployment_opens_reaches_a_till_that_moved_on_by_pushes_and_frames,
    an_older_instance_answers_503_where_it_does_not_know_a_table,
    an_older_instance_does_not_walk_over_a_table_that_it_does_not_know,
    head_office_passes_over_a_branch_that_its_instance_cannot_read,
    head_office_walks_every_branch_after_a_deployment,
}

/// Cashiers do not read the advances, and there are no halls.
const OLD: &str = r#"
[employee_advances]
policy = "append-only"
read = "manager"

[products]
policy = "field-merge"
"#;

const NEW: &str = r#"
[employee_advances]
policy = "append-only"

[halls]
policy = "last-writer-wins"

[products]
policy = "field-merge"
"#;

/// The functions of one version, called by the users of one branch.
pub(crate) struct Version {
    shop: &'static Shop,
    handlers: Handlers,
}

impl Version {
    pub(crate) fn new(shop: &'static Shop, tables: &str) -> Version {
        Version { shop, handlers: shop.world.other_deployment(tables) }
    }

    pub(crate) async fn call(
        &self,
        role: Role,
        function: Function,
        path: &str,
        body: &str,
        now: Timestamp,
    ) -> (u16, String) {
        let branch_id = cashier(&self.shop.client).branch_id.filter(|_| role != Role::SuperAdmin);
        let user = User { role, branch_id, ..cashier(&self.shop.client) };
        let method = if body.is_empty() { "GET" } else { "POST" };
        let request = Request::builder().method(method).uri(path);
        let request = request.header(TOKEN_HEADER, self.shop.world.token_of(&user, now));
        let response =
            self.handlers.call(function, request.body(Body::Text(body.into())).unwrap(), now).await;
        let retries = response.headers().contains_key("retry-after");
        assert_eq!(retries, response.status() == 503);
        (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
    }

    pub(crate) async fn push(&self, role: Role, device: &str, records: &[Value]) -> PushResponse {
        self.push_at(role, device, records, fleet::now()).await
    }

    /// Pushes at the time `now`.
    pub(crate) async fn push_at(
        &self,
        role: Role,
        device: &str,
        records: &[Value],
        now: Timestamp,
    ) -> PushResponse {
        let body = json!({ "device_id": device, "records": records }).to_string();
        let (_, body) = self.call(role, Function::BatchPush, "/pushBatch", &body, now).await;
        let result: WriteResult = serde_json::from_str(&body).unwrap();
        serde_json::from_str(result.answer.as_str()).unwrap()
    }

    pub(crate) async fn pull(&self, role: Role, query: &str, now: Timestamp) -> (u16, String) {
        self.call(role, Function::PullChanges, &format!("/pullChanges?{query}"), "", now).await
    }

    pub(crate) async fn page(&self, role: Role, query: &str, now: Timestamp) -> PullResponse {
        let (status, body) = self.pull(role, query, now).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Pulls as a cashier until there are no more pages. Returns their modes.
    async fn catch_up(&self, till: &mut State) -> Vec<String> {
        let mut modes = Vec::new();
        loop {
            let page = self.page(Role::Cashier, &till.pull_query(), fleet::now()).await;
            modes.push(page.mode.clone());
            if !till.take_page(&page).more {
                return modes;
            }
        }
    }
}

/// The frame of the only change of `response`.
fn frame(shop: &Shop, response: &PushResponse, record: &Value) -> SyncFrame {
    let applied = &response.applied[0];
    let frame = json!({ "table_name": applied.table_name, "record_id": applied.record_id, "operation": "create",
        "data": record["data"], "version": applied.version, "server_updated_at": applied.server_updated_at,
        "stamp": response.stamp, "is_deleted": false, "device_id": "office", "prev": response.prev,
        "room": format!("{}:1", shop.client) });
    serde_json::from_value(frame).unwrap()
}

async fn what_a_deployment_opens_reaches_a_till_that_moved_on_by_pushes_and_frames(shop: &'static Shop) {
    shop.till("till-1").await;
    let (old, new) = (Version::new(shop, OLD), Version::new(shop, NEW));
    let mut till = State::default();
    // Under the old rules the pull passes over the advance, which a cashier may not read.
    old.push(Role::Manager, "office", &[advance("a1"), product("p0", &json!({}))]).await;
    assert_eq!(old.catch_up(&mut till).await, ["changes"]);
    assert_eq!(live(&till), ["p0"]);
    // The new version takes the till's push, and a frame of another device follows.
    let request = json!({ "device_id": "till-1", "batch_id": "b1", "records": [product("p1", &json!({}))] });
    till.queue.add(serde_json::from_value::<PushRequest>(request.clone()).unwrap());
    let pushed = new.push(Role::Cashier, "till-1", request["records"].as_array().unwrap()).await;
    assert_eq!(till.take_push(&pushed), Follow::Apply);
    let record = hall("h1", &json!({}));
    let pushed = new.push(Role::Manager, "office", std::slice::from_ref(&record)).await;
    assert_eq!(till.on_frame(&frame(shop, &pushed, &record)).0, Follow::Apply);
    assert_eq!((till.position, live(&till)), (pushed.stamp, vec!["h1", "p0", "p1"]));
    // It stands at HEAD, and yet it lacks the advance. Its next pull finds out.
    assert_eq!(new.catch_up(&mut till).await[0], "snapshot");
    assert_eq!((till.position, live(&till)), (pushed.stamp, vec!["a1", "h1", "p0", "p1"]));
    assert_eq!(new.catch_up(&mut till).await, ["changes"], "only once");
    // Back to the old rules: the till gives the advance back, and keeps none of it.
    let known = "tables=employee_advances,products";
    let (status, body) = old.pull(Role::Cashier, known, fleet::now()).await;
    assert_eq!(status, 403, "{body}");
}

async fn an_older_instance_answers_503_where_it_does_not_know_a_table(shop: &'static Shop) {
    shop.till("till-1").await;
    let (old, new) = (Version::new(shop, OLD), Version::new(shop, NEW));
    let records = [product("p1", &json!({})), hall("h1", &json!({})), product("p2", &json!({}))];
    new.push(Role::Cashier, "till-1", &records).await;
    let mut till = State::default();
    let page = old.page(Role::Cashier, &till.pull_query(), fleet::now()).await;
    assert!(till.take_page(&page).more, "the page ends before the hall");
    assert_eq!(live(&till), ["p1"]);
    for _ in 0..2 {
        let (status, body) = old.pull(Role::Cashier, &till.pull_query(), fleet::now()).await;
        assert_eq!((status, body.contains("unavailable")), (503, true), "{body}");
    }
    // Head office skips the branch for now, and says that there is more.
    let office = old.pull(Role::SuperAdmin, "", fleet::now()).await;
    assert_eq!(office.0, 200, "{}", office.1);
    // The table does not matter to a reader of other tables.
    let page = old.page(Role::Cashier, "since=0&tables=products", fleet::now()).await;
    assert_eq!((page.changes.len(), page.has_more), (2, false));
    // The till's next request reaches the new version.
    new.catch_up(&mut till).await;
    assert_eq!(live(&till), ["h1", "p1", "p2"]);
}

async fn an_older_instance_does_not_walk_over_a_table_that_it_does_not_know(shop: &'static Shop) {
    shop.till("till-1").await;
    let (old, new) = (Version::new(shop, OLD), Version::new(shop, NEW));
    let records = [advance("a1"), hall("h1", &json!({})), product("p1", &json!({}))];
    new.push(Role::Manager, "office", &records).await;
    expire_log(shop, &shop.room("1"), |_| true).await;
    let later = week_later();
    // Between two tables that a manager reads.
    let first = old.page(Role::Manager, "", later).await;
    assert_eq!((first.changes.len(), first.has_more, first.mode.as_str()), (1, true, "snapshot"));
    let (status, body) = old.pull(Role::Manager, &format!("cursor={}", first.next_cursor), later).await;
    assert_eq!((status, body.contains("unavailable")), (503, true), "{body}");
    // Outside the tables that a cashier reads, the walk does not meet it. The next version begins another
    // walk.
    let mut till = State::default();
    let page = old.page(Role::Cashier, &till.pull_query(), later).await;
    assert!(!till.take_page(&page).more);
    assert_eq!(live(&till), ["p1"]);
    let page = new.page(Role::Cashier, &till.pull_query(), later).await;
    assert_eq!((page.mode.as_str(), till.take_page(&page).more), ("snapshot", false));
    assert_eq!(live(&till), ["a1", "h1", "p1"]);
}

async fn head_office_passes_over_a_branch_that_its_instance_cannot_read(shop: &'static Shop) {
    shop.till("till-1").await;
    let second = shop.till_of("till-2", "2").await;
    let (old, new) = (Version::new(shop, OLD), Version::new(shop, NEW));
    // The first row that head office has not read is of a table that the old instance does not know.
    new.push(Role::Cashier, "till-1", &[hall("h1", &json!({}))]).await;
    second.push(&[product("p2", &json!({}))]).await;
    let page = old.page(Role::SuperAdmin, "", fleet::now()).await;
    let ids: Vec<_> = page.changes.iter().map(|change| change.record_id.as_str()).collect();
    assert_eq!((page.branch_id.as_deref(), ids), (Some("2"), vec!["p2"]));
    // Where nothing else is left, the failure is the answer, and the position stays.
    let cursor = format!("cursor={}", page.next_cursor);
    let (status, body) = old.pull(Role::SuperAdmin, &cursor, fleet::now()).await;
    assert_eq!((status, body.contains("unavailable")), (503, true), "{body}");
    let mut found = Vec::new();
    let mut page = new.page(Role::SuperAdmin, &cursor, fleet::now()).await;
    loop {
        found.extend(page.changes.iter().map(|change| change.record_id.clone()));
        if !page.has_more {
            break;
        }
        page = new.page(Role::SuperAdmin, &format!("cursor={}", page.next_cursor), fleet::now()).await;
    }
    assert!(found.contains(&"h1".to_owned()), "{found:?}");
}

async fn head_office_walks_every_branch_after_a_deployment(shop: &'static Shop) {
    let rows = [product("p1", &json!({})), product("p2", &json!({}))];
    for (name, branch) in [("till-1", "1"), ("till-2", "2")] {
        shop.till_of(name, branch).await.push(&rows).await;
    }
    let (old, new) = (Version::new(shop, OLD), Version::new(shop, NEW));
    let follow = async |version: &Version, mut cursor: String| {
        let mut pages = Vec::new();
        loop {
            let query = format!("cursor={cursor}");
            let page = version.page(Role::SuperAdmin, &query, week_later()).await;
            cursor = page.next_cursor.clone();
            let more = page.has_more;
            pages.push(page);
            if !more {
                return (pages, cursor);
            }
        }
    };
    let (first, cursor) = follow(&old, String::new()).await;
    assert!(first.iter().all(|page| page.mode == "changes"));
    let (none, cursor) = follow(&old, cursor).await;
    assert_eq!((none.len(), none[0].changes.len()), (1, 0));
    let (pages, cursor) = follow(&new, cursor).await;
    let walked: Vec<_> = pages.iter().filter(|page| page.mode == "snapshot").collect();
    let mut branches: Vec<_> = walked.iter().filter_map(|page| page.branch_id.clone()).collect();
    branches.sort();
    assert_eq!((branches, walked[0].changes.len()), (vec!["1".to_owned(), "2".to_owned()], 2));
    let (none, _) = follow(&new, cursor).await;
    assert_eq!((none.len(), none[0].changes.len()), (1, 0), "only once");
}
