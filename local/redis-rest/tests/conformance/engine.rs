//! Engines die, come back, hang.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis_rest::front::{Front, FrontOptions};
use reqwest::Method;

use crate::world::{ENGINE_DEADLINE, TOKEN, World, send};

/// How long "at once" may be on a busy machine.
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
        let answer = world.post(path, body).await;
        assert_eq!((answer.status, answer.text().as_str()), (503, UNREACHABLE), "{path}");
        assert!(started.elapsed() < AT_ONCE, "{path} took {:?}", started.elapsed());
    }
    // What needs no engine is answered all the same.
    assert_eq!(world.command(r#"["CLIENT","SETINFO","LIB-NAME","x"]"#).await, r#"{"result":"OK"}"#);
    assert_eq!(send(world.request(Method::GET, "/ping")).await.status, 401);
}

/// A server that takes connections and never says anything.
pub(crate) async fn silent_engine_is_an_error_in_time(world: World) {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let options =
        FrontOptions { engine_deadline: Duration::from_millis(300), ..FrontOptions::new(&url, TOKEN) };
    let front = Front::start(options).await.unwrap();
    let started = Instant::now();
    let answer = send(world.http.get(format!("{}/ping", front.url())).bearer_auth(TOKEN)).await;
    assert_eq!((answer.status, answer.text().as_str()), (503, UNREACHABLE));
    assert!(started.elapsed() < ENGINE_DEADLINE);
    front.stop().await;
}

pub(crate) async fn restarted_engine_is_found_again(world: World) {
    for round in 0..3 {
        world.command(r#"["SET","a","1"]"#).await;
        let url = world.engine.url().to_owned();
        world.engine.restart().await.unwrap();
        assert_eq!(world.engine.url(), url);
        assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#, "round {round}");
        assert_eq!(world.command(r#"["EVAL","return redis.call('PING')",0]"#).await, r#"{"result":"PONG"}"#);
    }
}

/// Whatever is under way when the engine dies is answered, and so is all that comes while it is gone.
pub(crate) async fn death_under_load_hangs_nobody(world: World) {
    const CLIENTS: usize = 16;
    let (world, done) = (Arc::new(world), Arc::new(AtomicBool::new(false)));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(ask_until(Arc::clone(&world), Arc::clone(&done)));
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

/// How many requests were executed, and how many were told that they could not be.
async fn ask_until(world: Arc<World>, done: Arc<AtomicBool>) -> (usize, usize) {
    let (mut executed, mut unreachable) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let started = Instant::now();
        let answer = world.post("/pipeline", r#"[["INCR","a"],["EVAL","return 1",0]]"#).await;
        assert!(started.elapsed() < ENGINE_DEADLINE + AT_ONCE, "{:?}", started.elapsed());
        match answer.status {
            200 => executed += 1,
            503 => unreachable += 1,
            other => panic!("{other}: {}", answer.text()),
        }
    }
    (executed, unreachable)
}

pub(crate) async fn stopped_fronts_are_gone(world: World) {
    let url = world.front.url().to_owned();
    let gone =
        async |url: String| world.http.get(format!("{url}/ping")).bearer_auth(TOKEN).send().await.is_err();
    let other = Front::start(FrontOptions::new(world.engine.url(), TOKEN)).await.unwrap();
    let dropped = other.url().to_owned();
    drop(other);
    let other = Front::start(FrontOptions::new(world.engine.url(), TOKEN)).await.unwrap();
    let stopped = other.url().to_owned();
    other.stop().await;
    assert!(gone(stopped).await);
    crate::world::until("a dropped front to be gone", async || gone(dropped.clone()).await).await;
    assert!(!gone(url).await);
}

pub(crate) async fn engines_need_their_password(world: World) {
    let (_, host) = world.engine.url().rsplit_once('@').unwrap();
    let front = Front::start(FrontOptions::new(&format!("redis://{host}"), TOKEN)).await.unwrap();
    let answer = send(world.http.get(format!("{}/get/a", front.url())).bearer_auth(TOKEN)).await;
    assert!(answer.text().contains("NOAUTH"), "{}", answer.text());
    let front = Front::start(FrontOptions::new(&format!("redis://:wrong@{host}"), TOKEN)).await.unwrap();
    let answer = send(world.http.get(format!("{}/get/a", front.url())).bearer_auth(TOKEN)).await;
    assert_eq!(answer.status, 503);
}
