//! `/multi-exec`.

use crate::world::World;

pub(crate) async fn transaction_is_executed(world: World) {
    let commands = r#"[["SET","a","1"],["INCR","a"],["MGET","a","none"]]"#;
    let response = world.post("/multi-exec", commands).await;
    let expected = r#"[{"result":"OK"},{"result":2},{"result":["2",null]}]"#;
    assert_eq!((response.status, response.text().as_str()), (200, expected));
}

pub(crate) async fn errors_of_commands_are_kept(world: World) {
    let response = world.post("/multi-exec", r#"[["SET","a","x"],["INCR","a"],["GET","a"]]"#).await;
    let error = r#"{"error":"ERR value is not an int or out of range"}"#;
    let expected = format!(r#"[{{"result":"OK"}},{error},{{"result":"x"}}]"#);
    assert_eq!((response.status, response.text()), (200, expected));
}

pub(crate) async fn discarded_transaction_is_one_error(world: World) {
    let unavailable = "ERR Command is not available: 'FOO'. \
                       See https://upstash.com/docs/redis/overall/rediscompatibility for details";
    let not_in_rest =
        |name| format!(r#"ERR Command \"{name}\" is not allowed in REST or it has a special context path"#);
    for (command, expected) in [(r#"["WATCH","a"]"#, "WATCH"), (r#"["EXEC"]"#, "EXEC")] {
        discards(&world, command, &not_in_rest(expected)).await;
    }
    let arity = "ERR wrong number of arguments for 'get' command";
    for (command, expected) in [(r#"["foo","a"]"#, unavailable), (r#"["GET"]"#, arity)] {
        discards(&world, command, expected).await;
    }
}

async fn discards(world: &World, command: &str, expected: &str) {
    let response = world.post("/multi-exec", format!(r#"[["SET","a","1"],{command}]"#)).await;
    assert_eq!((response.status, response.text()), (400, format!(r#"{{"error":"{expected}"}}"#)));
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#, "{command}");
}

/// Each transaction reads its own increment: nothing runs in between.
pub(crate) async fn transactions_are_isolated(world: World) {
    const ROUNDS: usize = 50;
    let count = async || {
        for _ in 0..ROUNDS {
            let commands = r#"[["INCR","n"],["ECHO","-"],["DECR","n"],["GET","n"]]"#;
            let expected = r#"[{"result":1},{"result":"-"},{"result":0},{"result":"0"}]"#;
            assert_eq!(world.post("/multi-exec", commands).await.text(), expected);
        }
    };
    tokio::join!(count(), count(), count(), count());
}
