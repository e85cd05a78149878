//! Counting and billing.

use redis_rest::counts::Counts;

use crate::world::World;

const TWO_CALLS: &str = "redis.call('SET','a','1') return redis.call('GET','a')";

pub(crate) async fn requests_and_commands_are_counted(world: World) {
    world.command(r#"["PING"]"#).await;
    world.get("/get/a").await;
    world.post("/pipeline", r#"[["PING"],["GET","a"],["BLPOP","l","0"]]"#).await;
    world.post("/multi-exec", r#"[["PING"],["GET","a"]]"#).await;
    world.post("/", "[]").await;
    assert_eq!(world.server.counts(), Counts { requests: 5, commands: 7, billed: 6 });
}

async fn billed(world: &World, path: &str, body: String) -> u64 {
    let before = world.server.counts();
    world.post(path, body).await;
    let counts = world.server.counts() - before;
    assert_eq!(counts.requests, 1);
    counts.billed
}

pub(crate) async fn scripts_are_billed_by_their_commands(world: World) {
    let eval = format!(r#"["EVAL","{TWO_CALLS}",0]"#);
    assert_eq!(billed(&world, "/", eval.clone()).await, 3);
    assert_eq!(world.command(&eval).await, r#"{"result":"1"}"#, "counting changes no reply");
    assert_eq!(billed(&world, "/", r#"["EVAL","return 1",0]"#.into()).await, 1);
    let flagged = r#"["EVAL","#.to_owned()
        + r##""#!lua flags=allow-key-locking\nreturn redis.pcall('GET', KEYS[1])","1","a"]"##;
    assert_eq!(billed(&world, "/", flagged.clone()).await, 2);
    let keyless =
        r##"["EVAL","#!lua flags=allow-key-locking\nredis.call('TIME') return redis.call('PING')",0]"##;
    assert_eq!(billed(&world, "/", keyless.into()).await, 3);
    let refused = r##"["EVAL","#!lua flags=allow-key-locking\nreturn redis.call('GET', 'b')",0]"##;
    assert_eq!(billed(&world, "/", refused.into()).await, 1);
    let failing = r#"["EVAL","redis.call('GET','a') redis.call('LPUSH','a','1') return 1",0]"#;
    assert_eq!(billed(&world, "/", failing.into()).await, 3);
    let looping = r#"["EVAL","for i = 1, 100 do redis.call('INCR', KEYS[1]) end",1,"n"]"#;
    assert_eq!(billed(&world, "/", looping.into()).await, 101);
    assert_eq!(billed(&world, "/pipeline", format!(r#"[{eval},["PING"],{flagged}]"#)).await, 3 + 1 + 2);
    assert_eq!(billed(&world, "/multi-exec", format!(r#"[{eval},["PING"],{eval}]"#)).await, 3 + 1 + 3);
    let hash = world.command(&format!(r#"["SCRIPT","LOAD","{TWO_CALLS}"]"#)).await;
    let hash = hash.trim_start_matches(r#"{"result":""#).trim_end_matches(r#""}"#).to_owned();
    assert_eq!(billed(&world, "/", format!(r#"["EVALSHA","{hash}",0]"#)).await, 3);
    assert_eq!(world.command(r#"["DBSIZE"]"#).await, r#"{"result":2}"#, "counting leaves no key behind");
}

pub(crate) async fn billing_is_exact_under_load(world: World) {
    const ROUNDS: u64 = 40;
    let eval = format!(r#"["EVAL","{TWO_CALLS}",0]"#);
    world.command(&eval).await;
    let before = world.server.counts();
    let scripts = async || {
        for _ in 0..ROUNDS {
            assert_eq!(world.command(&eval).await, r#"{"result":"1"}"#);
        }
    };
    let others = async || {
        for _ in 0..ROUNDS {
            world.post("/pipeline", r#"[["PING"],["PING"]]"#).await;
        }
    };
    tokio::join!(scripts(), others(), scripts());
    let counts = world.server.counts() - before;
    let expected = Counts { requests: 3 * ROUNDS, commands: 4 * ROUNDS, billed: (3 + 3 + 2) * ROUNDS };
    assert_eq!(counts, expected);
}
