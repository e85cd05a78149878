//! A device that has only a stream, and vanishes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use local::stack::Options;
use protocol::role::Role;
use protocol::wire::auth::User;
use protocol::wire::presence::PresenceResponse;
use tests::wait::poll;

use crate::changed_edge::ChangedEdge;
use crate::shop::Shop;
use crate::world::{PATIENCE, cashier};

trials! {
    shared:
    a_device_whose_stream_was_cut_leaves,
}

/// The worker learns of a cut connection with the next comment at the latest. PROTOCOL.md promises this.
const OFFLINE_WITHIN: Duration = Duration::from_secs(45);

async fn a_device_whose_stream_was_cut_leaves(_: &'static Shop) {
    let secs = |name| (name, "1".to_owned());
    let edge_variables = [secs("SOCKET_PING_AFTER_SECS"), secs("SOCKET_PONG_WITHIN_SECS")].into();
    let edge = ChangedEdge::with(Options { edge_variables, ..Options::default() }).await;
    let till = edge.tills(1).await.remove(0);
    let manager = edge.caller(&User { id: "boss".into(), role: Role::Manager, ..cashier("1") });
    let online = async || {
        let presence: PresenceResponse = manager.get("/api/presence").await.unwrap().ok().unwrap();
        presence.online.len()
    };
    let address = edge.stack.edge_url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let (device, token) = (&till.device, till.api.token());
    let request = format!(
        "GET /api/sync/events?device_id={device} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut read = [0; 1024];
    let bytes = stream.read(&mut read).unwrap();
    assert!(read[..bytes].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&read[..bytes]));
    poll(PATIENCE, online, |online| *online == 1).await.expect("the device is online");
    drop(stream);
    let cut = Instant::now();
    poll(OFFLINE_WITHIN, online, |online| *online == 0).await.expect("the device is offline");
    println!(
        "with a heartbeat of 1 s and 1 s, a device was offline {:?} after its stream was cut",
        cut.elapsed()
    );
    edge.stop().await;
}
