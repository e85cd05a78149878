//! Engines that die, come back or hang; servers that stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis_rest::faults::Fault;
use redis_rest::server::{Server, ServerOptions};
use reqwest::Method;
use tokio::io::AsyncReadExt;

use crate::world::{DEADLINE, ENGINE_DEADLINE, TOKEN, World, connect, send, until};

/// What counts as "at once" on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);
const UNREACHABLE: &str = r#"{"error":"ERR database is unreachable, try again later"}"#;

pub(crate) async fn dead_engine_is_an_error_at_once(world: World) {
    world.command(r#"["SET","a","1"]"#).await;
    world.engine.kill().await;
    for (path, body) in [
        ("/", r#"["GET","a"]"#),
        ("/pipeline", r#"[["GET","a"]]"#),
        ("/multi-exec", r#"[["GET","a"]]"#),
        ("/get/a", ""),
    ] {
        let started = Instant::now();
        let response = world.post(path, body).await;
        assert_eq!((response.status, response.text().as_str()), (503, UNREACHABLE), "{path}");
        assert!(started.elapsed() < AT_ONCE, "{path} took {:?}", started.elapsed());
    }
    // These need no engine.
    assert_eq!(world.command(r#"["CLIENT","SETINFO","LIB-NAME","x"]"#).await, r#"{"result":"OK"}"#);
    assert_eq!(send(world.request(Method::GET, "/ping")).await.status, 401);
}

/// An engine that accepts connections and never replies.
pub(crate) async fn silent_engine_is_an_error_in_time(world: World) {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let options =
        ServerOptions { engine_deadline: Duration::from_millis(300), ..ServerOptions::new(&url, TOKEN) };
    let server = Server::start(options).await.unwrap();
    let started = Instant::now();
    let response = send(world.http.get(format!("{}/ping", server.url())).bearer_auth(TOKEN)).await;
    assert_eq!((response.status, response.text().as_str()), (503, UNREACHABLE));
    assert!(started.elapsed() < ENGINE_DEADLINE);
    server.stop().await;
}

pub(crate) async fn restarted_engine_is_used_again(world: World) {
    for round in 0..3 {
        world.command(r#"["SET","a","1"]"#).await;
        let url = world.engine.url().to_owned();
        world.engine.restart().await.unwrap();
        assert_eq!(world.engine.url(), url);
        assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#, "round {round}");
        assert_eq!(world.command(r#"["EVAL","return redis.call('PING')",0]"#).await, r#"{"result":"PONG"}"#);
    }
}

/// Requests get a response when the engine dies meanwhile, and while it is gone.
pub(crate) async fn engine_death_under_load_hangs_no_request(world: World) {
    const CLIENTS: usize = 16;
    let (world, done) = (Arc::new(world), Arc::new(AtomicBool::new(false)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(request_until(Arc::clone(&world), Arc::clone(&done)));
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.engine.kill().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.engine.restart().await.unwrap();
        assert_eq!(world.command(r#"["PING"]"#).await, r#"{"result":"PONG"}"#);
    }
    done.store(true, Ordering::Relaxed);
    for (executed, unreachable) in clients.join_all().await {
        assert!(executed > 0 && unreachable > 0, "{executed} executed, {unreachable} not");
    }
}

/// Counts the requests that were executed, and those that got status 503.
async fn request_until(world: Arc<World>, done: Arc<AtomicBool>) -> (usize, usize) {
    let (mut executed, mut unreachable) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let started = Instant::now();
        let response = world.post("/pipeline", r#"[["INCR","a"],["EVAL","return 1",0]]"#).await;
        assert!(started.elapsed() < ENGINE_DEADLINE + AT_ONCE, "{:?}", started.elapsed());
        match response.status {
            200 => executed += 1,
            503 => unreachable += 1,
            other => panic!("{other}: {}", response.text()),
        }
    }
    (executed, unreachable)
}

pub(crate) async fn stopped_servers_do_not_listen(world: World) {
    let url = world.server.url().to_owned();
    let gone =
        async |url: String| world.http.get(format!("{url}/ping")).bearer_auth(TOKEN).send().await.is_err();
    let other = Server::start(ServerOptions::new(world.engine.url(), TOKEN)).await.unwrap();
    let dropped = other.url().to_owned();
    drop(other);
    let other = Server::start(ServerOptions::new(world.engine.url(), TOKEN)).await.unwrap();
    let stopped = other.url().to_owned();
    other.stop().await;
    assert!(gone(stopped).await);
    until("a dropped server to stop", async || gone(dropped.clone()).await).await;
    assert!(!gone(url).await);
}

/// Idle connections, streams and requests that are held.
pub(crate) async fn stopped_servers_close_connections(world: World) {
    let server = Server::start(ServerOptions::new(world.engine.url(), TOKEN)).await.unwrap();
    let mut connections = Vec::new();
    for path in ["/ping", "/subscribe/chat", "/monitor"] {
        let mut connection = connect(&server, path).await;
        assert!(connection.read(&mut [0; 1024]).await.unwrap() > 0, "{path} has no response");
        connections.push(connection);
    }
    server.faults().begin(Fault::Hold);
    connections.push(connect(&server, "/incr/held").await);
    until("the held request", async || world.command(r#"["GET","held"]"#).await.contains("\"1\"")).await;
    server.stop().await;
    for mut connection in connections {
        let mut rest = Vec::new();
        let end = connection.read_to_end(&mut rest);
        // Closed or reset, but at once.
        let _ = tokio::time::timeout(DEADLINE, end).await.expect("the connection is closed");
    }
}

pub(crate) async fn engines_require_their_password(world: World) {
    let (_, host) = world.engine.url().rsplit_once('@').unwrap();
    let server = Server::start(ServerOptions::new(&format!("redis://{host}"), TOKEN)).await.unwrap();
    let response = send(world.http.get(format!("{}/get/a", server.url())).bearer_auth(TOKEN)).await;
    assert!(response.text().contains("NOAUTH"), "{}", response.text());
    let server = Server::start(ServerOptions::new(&format!("redis://:wrong@{host}"), TOKEN)).await.unwrap();
    let response = send(world.http.get(format!("{}/get/a", server.url())).bearer_auth(TOKEN)).await;
    assert_eq!(response.status, 503);
}
