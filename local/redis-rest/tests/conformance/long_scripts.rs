//! Scripts and functions that do not end.

use std::time::{Duration, Instant};

use redis_rest::server::{Server, ServerOptions};

use crate::world::{ENGINE_DEADLINE, SCRIPT_DEADLINE, TOKEN, World, send, until};

const ENDLESS: &str = r#"["EVAL","while true do end",0]"#;
/// Ends by itself, after longer than a script may run.
const WRITES: &str = r#"["EVAL","redis.call('SET', KEYS[1], 'written') while true do end",1,"a"]"#;

/// Long enough for the engine to listen to KILL, and less than the server's own limit.
const BUSY: Duration = Duration::from_millis(2100);

async fn is_alive(world: &World) {
    assert_eq!(world.command(r#"["GET","kept"]"#).await, r#"{"result":"yes"}"#);
}

pub(crate) async fn no_script_runs_no_script_is_killed(world: World) {
    for name in ["SCRIPT", "FUNCTION"] {
        let response = world.post("/", format!(r#"["{name}","KILL"]"#)).await;
        assert_eq!(response.status, 400);
        assert!(response.text().starts_with(r#"{"error":"NOTBUSY "#), "{}", response.text());
    }
}

pub(crate) async fn scripts_and_functions_can_be_killed(world: World) {
    let patient = ServerOptions {
        script_deadline: Duration::from_secs(60),
        engine_deadline: Duration::from_secs(60),
        ..ServerOptions::new(world.engine.url(), TOKEN)
    };
    let patient = Server::start(patient).await.unwrap();
    world.command(r#"["SET","kept","yes"]"#).await;
    let code = r"#!lua name=lib\nredis.register_function('f', function() while true do end end)";
    world.command(&format!(r#"["FUNCTION","LOAD","{code}"]"#)).await;
    for (name, endless) in [("SCRIPT", ENDLESS), ("FUNCTION", r#"["FCALL","f",0]"#)] {
        let run = send(world.http.post(patient.url()).bearer_auth(TOKEN).body(endless));
        let kill = async {
            tokio::time::sleep(BUSY).await;
            let busy = world.command(r#"["GET","kept"]"#).await;
            assert!(busy.contains("BUSY"), "{name}: {busy}");
            assert_eq!(world.command(&format!(r#"["{name}","KILL"]"#)).await, r#"{"result":"OK"}"#);
        };
        let (ended, ()) = tokio::join!(run, kill);
        assert_eq!(ended.status, 400);
        assert!(ended.text().contains("killed by user"), "{name}: {}", ended.text());
        is_alive(&world).await;
    }
}

pub(crate) async fn endless_scripts_end_by_themselves(world: World) {
    world.command(r#"["SET","kept","yes"]"#).await;
    for (path, body) in [("/", ENDLESS.to_owned()), ("/multi-exec", format!("[{ENDLESS}]"))] {
        let started = Instant::now();
        let response = world.post(path, body).await;
        assert!(response.text().contains("killed by user"), "{path}: {}", response.text());
        let took = started.elapsed();
        assert!((SCRIPT_DEADLINE..ENGINE_DEADLINE).contains(&took), "{path} took {took:?}");
        is_alive(&world).await;
    }
}

/// Redis cannot kill it; its writes go, as on the service, and all others stay.
pub(crate) async fn endless_scripts_that_wrote_are_undone(world: World) {
    world.command(r#"["SET","kept","yes"]"#).await;
    let response = world.post("/", WRITES).await;
    let text = response.text();
    assert_eq!((response.status, text.contains("had written; nothing of it stays")), (400, true), "{text}");
    let answers = async || world.command(r#"["PING"]"#).await == r#"{"result":"PONG"}"#;
    until("the engine to come back", answers).await;
    is_alive(&world).await;
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
    // And again, with the next script there as soon as the engine listens.
    let is_undone = async || world.command(WRITES).await.contains("had written");
    for _ in 0..2 {
        until("the script to be undone", &is_undone).await;
    }
    until("the engine to come back", answers).await;
    is_alive(&world).await;
}
