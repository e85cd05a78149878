//! The program: what it prints, and that its engine ends with it, however it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::net::TcpStream;
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_redis-rest"))
            .args(["--port", "0", "--token", "t", "--read-only-token", "r"])
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

#[tokio::test]
async fn a_wrong_command_line_prints_the_usage() {
    let output = Command::new(env!("CARGO_BIN_EXE_redis-rest")).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("--token <TOKEN>") && text.contains("Usage: redis-rest"), "{text}");
}
