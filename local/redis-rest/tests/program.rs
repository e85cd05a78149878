//! The program: what it prints, and that its engine ends with it, however it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use until::{DEADLINE, until};

#[path = "support/until.rs"]
mod until;

struct Program {
    child: Child,
    url: String,
    engine_port: u16,
}

impl Program {
    async fn start() -> Program {
        Program::start_with(&[]).await
    }

    async fn start_with(variables: &[(&str, &Path)]) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_redis-rest"))
            .args(["--port", "0", "--token", "t", "--read-only-token", "r"])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut url = None;
        while let Some(line) = tokio::time::timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap() {
            if let Some(printed) = line.strip_prefix("UPSTASH_REDIS_REST_URL=") {
                url = Some(printed.to_owned());
            }
            if line.starts_with("# to read only: UPSTASH_REDIS_REST_TOKEN=r") {
                break;
            }
        }
        let url = url.expect("the address is printed");
        let info = reqwest::Client::new().get(format!("{url}/info/server")).bearer_auth("t");
        let info: serde_json::Value =
            serde_json::from_slice(&info.send().await.unwrap().bytes().await.unwrap()).unwrap();
        let text = info.get("result").and_then(|text| text.as_str()).unwrap();
        let port = text.lines().find_map(|line| line.strip_prefix("tcp_port:"));
        Program { child, url, engine_port: port.unwrap().trim().parse().unwrap() }
    }

    fn engine_answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.engine_port)).is_ok()
    }

    async fn engine_ends(&self) {
        until("the engine to end with the program", async || !self.engine_answers()).await;
    }
}

#[tokio::test]
async fn a_signal_ends_the_program_and_its_engine() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut program = Program::start().await;
        assert!(program.url.starts_with("http://127.0.0.1:") && program.engine_answers());
        let id = program.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
        let status = tokio::time::timeout(DEADLINE, program.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{signal}: {status}");
        program.engine_ends().await;
    }
}

#[tokio::test]
async fn the_engine_ends_even_if_the_program_is_killed() {
    let mut program = Program::start().await;
    program.child.kill().await.unwrap();
    program.engine_ends().await;
}

/// What the program prints when it does not start.
async fn refusal(options: &[&str], path: Option<&Path>) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_redis-rest"));
    program.args(options).envs(path.map(|path| ("PATH", path))).kill_on_drop(true);
    let output = tokio::time::timeout(DEADLINE, program.output()).await.expect("it does not start").unwrap();
    assert!(!output.status.success(), "{options:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_wrong_command_line_prints_the_usage() {
    let text = refusal(&[], None).await;
    assert!(text.contains("--token <TOKEN>") && text.contains("Usage: redis-rest"), "{text}");
}

#[tokio::test]
async fn a_wrong_option_names_itself() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    for (options, named) in [
        (vec!["--token", ""], "--token"),
        (vec!["--token", "t", "--read-only-token", ""], "--read-only-token"),
        (vec!["--token", "t", "--read-only-token", "t"], "--read-only-token: "),
        (vec!["--token", "t", "--redis-url", "http://h"], "--redis-url: "),
        (vec!["--token", "t", "--port", "x"], "--port"),
        (vec!["--token", "t", "--host", "x"], "--host"),
        (vec!["--token", "t", "--redis-url", "redis://h", "--port", &taken], "--port: "),
    ] {
        let text = refusal(&options, None).await;
        assert!(text.contains(named), "{options:?}: {text}");
    }
}

#[tokio::test]
async fn without_a_redis_it_says_where_one_comes_from() {
    let text = refusal(&["--token", "t", "--port", "0"], Some(Path::new("/nowhere"))).await;
    let expected = "neither redis-server nor valkey-server is on PATH; `cargo xtask` installs Valkey";
    assert!(text.contains(expected), "{text}");
}

/// The data of an engine is in a folder that goes with it, however the program ends.
#[tokio::test]
async fn no_data_is_left_behind() {
    let folder = std::env::temp_dir().join(format!("redis-rest-test-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let is_empty = || std::fs::read_dir(&folder).unwrap().next().is_none();
    for signal in ["-TERM", "-KILL"] {
        let program = Program::start_with(&[("TMPDIR", &folder)]).await;
        assert!(!is_empty(), "the engine has a data folder");
        let id = program.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
        until("the data to be removed", async || is_empty()).await;
    }
    std::fs::remove_dir(&folder).unwrap();
}
