//! `/ws?own=1`: a device gets its own changes too. Without it, none does.

use serde_json::json;
use tests::till::socket;

use super::tickets::{ticket, ticket_url};
use crate::shop::{Shop, product};
use crate::sync::broadcast::Listener;
use crate::till::Till;

trials! {
    shared:
    a_device_gets_its_own_changes_only_if_it_asks,
    a_sign_in_without_a_device_follows_the_same_rule,
    a_socket_by_ticket_gets_its_own_changes_if_it_asks,
}

async fn open(till: &Till, options: &str) -> Listener {
    Listener::greeted(&format!("{}{options}", socket::url(&till.api, &till.device)), &till.api).await.0
}

async fn a_device_gets_its_own_changes_only_if_it_asks(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut silent = open(&one, "").await;
    let (mut single, mut batched) = (open(&one, "&own=1").await, open(&one, "&own=1&frames=batch").await);
    let mut stamps = vec![one.push(&[product("p1", &json!({}))]).await.stamp];
    // By the stream as well.
    shop.world.host_faults.cut_fast_path(&shop.client);
    stamps.push(one.push(&[product("p2", &json!({}))]).await.stamp);
    for stamp in stamps {
        assert_eq!(single.next_sync().await.stamp, stamp);
        assert_eq!(batched.next_batch().await.stamp, stamp);
    }
    silent.assert_no_frame().await;
    two.push(&[product("p3", &json!({}))]).await;
    assert_eq!(silent.next_sync().await.record_id, "p3");
    let mut bad = Listener::at(&format!("{}&own=yes", socket::url(&one.api, "till-1")), &one.api).await;
    assert_eq!(bad.refusal().await, (4400, "bad_request".to_owned()));
}

async fn a_sign_in_without_a_device_follows_the_same_rule(shop: &'static Shop) {
    let bound = shop.till("till-1").await;
    let (api, _) = shop.session("anyone", "1", None).await;
    let free = Till { api, device: "till-1".into() };
    let mut sockets = [open(&free, "").await, open(&bound, "").await, open(&free, "&own=1").await];
    let by_free = free.push(&[product("p1", &json!({}))]).await.stamp;
    let by_bound = bound.push(&[product("p2", &json!({}))]).await.stamp;
    for (socket, stamps) in
        sockets.iter_mut().zip([&[by_bound][..], &[by_free][..], &[by_free, by_bound][..]])
    {
        for stamp in stamps {
            assert_eq!(socket.next_sync().await.stamp, *stamp);
        }
        socket.assert_no_frame().await;
    }
}

async fn a_socket_by_ticket_gets_its_own_changes_if_it_asks(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let url = async |options: &str| {
        let ticket = ticket(&till.api, &till.device).await;
        ticket_url(&till.api, &ticket, &till.device) + options
    };
    let (mut silent, _) = Listener::greeted(&url("").await, &till.api).await;
    let (mut own, _) = Listener::greeted(&url("&own=1").await, &till.api).await;
    let pushed = till.push(&[product("p1", &json!({}))]).await;
    assert_eq!(own.next_sync().await.stamp, pushed.stamp);
    silent.assert_no_frame().await;
}
