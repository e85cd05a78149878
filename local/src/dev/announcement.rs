//! What `dev` prints when the stack is ready.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use protocol::wire::auth::LoginRequest;
use protocol::wire::health::ReadinessResponse;
use serde_json::Value;

use crate::dev_file::DevFile;

/// How long the edge may take to report its readiness.
const READINESS_PATIENCE: Duration = Duration::from_secs(5);

/// The response to `GET /readyz` of the edge; `None` if there is none.
pub(super) async fn readiness(edge_url: &str) -> Option<ReadinessResponse> {
    let client = reqwest::Client::builder().no_proxy().timeout(READINESS_PATIENCE).build().ok()?;
    let response = client.get(format!("{edge_url}/readyz")).send().await.ok()?;
    let mut body: Value = serde_json::from_slice(&response.bytes().await.ok()?).ok()?;
    // Where a part is missing, the same is in an error.
    let details = body.pointer_mut("/error/details").map(Value::take);
    serde_json::from_value(details.unwrap_or(body)).ok()
}

/// The addresses, the users, and a command that signs the first one in.
pub(super) fn text(file: &DevFile, data: &Path, ready: Option<&ReadinessResponse>) -> String {
    let mut text = format!(
        "\n  edge       {}\n  functions  {}\n  DynamoDB   {}\n  Redis      {}: {}\n  data       {}\n\n",
        file.edge_url,
        file.functions_url,
        file.dynamodb_url,
        file.redis_url,
        redis_line(ready),
        data.display()
    );
    let mut row = |cells: [&str; 5]| {
        let [user, password, client, branch, role] = cells;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {user:<12} {password:<16} {client:<8} {branch:<8} {role}");
    };
    row(["user", "password", "client", "branch", "role"]);
    for user in &file.users {
        let branch = user.branch_id.as_ref().map_or("-", |branch| branch.as_str());
        let role = serde_json::to_string(&user.role).unwrap_or_default();
        row([
            &user.username,
            user.password.expose(),
            user.client_id.as_str(),
            branch,
            role.trim_matches('"'),
        ]);
    }
    if let Some(user) = file.users.first() {
        let login = LoginRequest {
            username: user.username.clone(),
            password: user.password.expose().to_owned(),
            device_id: None,
            refresh_token: None,
        };
        // Escape single quotes for the shell.
        let body = serde_json::to_string(&login).unwrap_or_default().replace('\'', r"'\''");
        let _ = write!(
            text,
            "\ncurl -s {}/api/auth/login -H 'content-type: application/json' -d '{body}'\n\n\
             Ctrl-C stops everything.",
            file.edge_url
        );
    }
    text
}

/// The state of Redis as the edge reports it.
fn redis_line(ready: Option<&ReadinessResponse>) -> String {
    let Some(redis) = ready.map(|ready| &ready.redis).filter(|redis| redis.reachable) else {
        return "not reachable".to_owned();
    };
    let or_unknown = |known: Option<String>| known.unwrap_or_else(|| "unknown".to_owned());
    let breaker = serde_json::to_string(&redis.breaker).unwrap_or_default();
    format!(
        "answers in {} µs, uses {} KiB, breaker {}, hit ratio {}",
        or_unknown(redis.latency_micros.map(|micros| micros.to_string())),
        or_unknown(redis.used_memory_bytes.map(|bytes| (bytes >> 10).to_string())),
        breaker.trim_matches('"'),
        or_unknown(redis.hit_ratio.clone()),
    )
}

#[cfg(test)]
mod tests {
    use config::Secret;

    use super::*;
    use crate::known_user;
    use protocol::wire::health::{BreakerState, OtherParts, RedisHealth};

    #[test]
    fn the_state_of_redis_is_one_line() {
        let redis = RedisHealth {
            reachable: true,
            latency_micros: Some(412),
            used_memory_bytes: Some(1_048_576),
            breaker: BreakerState::Closed,
            hit_ratio: None,
        };
        let expected = "answers in 412 µs, uses 1024 KiB, breaker closed, hit ratio unknown";
        assert_eq!(redis_line(Some(&ReadinessResponse::new(redis.clone(), OtherParts::default()))), expected);
        assert_eq!(
            redis_line(Some(&ReadinessResponse::new(
                RedisHealth { reachable: false, ..redis },
                OtherParts::default()
            ))),
            "not reachable"
        );
        assert_eq!(redis_line(None), "not reachable");
    }

    #[test]
    fn every_user_is_listed_and_the_printed_command_signs_the_first_one_in() {
        let mut users = known_user::demo().unwrap();
        users[0].password = Secret::new("it's".into());
        let file = DevFile {
            edge_url: "http://127.0.0.1:8787".into(),
            functions_url: "http://127.0.0.1:1".into(),
            dynamodb_url: "http://127.0.0.1:2".into(),
            redis_url: "http://127.0.0.1:3".into(),
            table: "SyncTable".into(),
            accounts_table: "AccountsTable".into(),
            users,
        };
        let text = text(&file, Path::new("/data"), None);
        for word in [
            "till-1",
            "till-2",
            "till-3",
            "other",
            "super_admin",
            "http://127.0.0.1:2",
            "http://127.0.0.1:3: not reachable",
            "/data",
        ] {
            assert!(text.contains(word), "{word}");
        }
        let line = text.lines().find(|line| line.starts_with("curl ")).unwrap();
        let script = line.replacen("curl -s", "printf '%s\\n'", 1);
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        assert!(words.ends_with("-d\n{\"username\":\"till-1\",\"password\":\"it's\"}\n"), "{words}");
    }
}
