//! Tests `tillsync-local dev` and `user add` as programs: start, requests, stop, and crashes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use local::dev_file::DevFile;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tillsync-local");
const READY_WITHIN: Duration = Duration::from_secs(150);
const STOPPED_WITHIN: Duration = Duration::from_secs(15);

/// A folder that is removed after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tillsync-dev-test-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The running program, which is stopped if the test fails.
struct Running(Option<Child>);

impl Running {
    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.0.as_ref().unwrap())
    }

    fn output(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            let _ = child.wait();
        }
    }
}

fn dev(data: &Path, port: u16) -> Running {
    let mut command = Command::new(PROGRAM);
    command.args(["dev", "--edge-port", &port.to_string(), "--data"]).arg(data);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Running(Some(command.spawn().unwrap()))
}

fn wait_until_ready(running: &mut Running, data: &Path) -> DevFile {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(file) = DevFile::read(data).unwrap() {
            return file;
        }
        assert!(running.child().try_wait().unwrap().is_none(), "it ended before it was ready");
        assert!(Instant::now() < deadline, "it is not ready in time");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Every process below `parent`.
fn descendants(parent: Pid) -> Vec<Pid> {
    let parent = parent.as_raw_nonzero().get();
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let ids: Vec<i32> = children
        .flat_map(|ids| ids.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect();
    ids.into_iter()
        .filter_map(Pid::from_raw)
        .flat_map(|child| [vec![child], descendants(child)].concat())
        .collect()
}

fn is_alive(process: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    status.is_ok_and(|status| !status.contains(") Z "))
}

/// Waits for the end, which must be in time and leave none of `processes` running.
fn wait_for_end(running: Running, processes: &[Pid]) -> Output {
    let started = Instant::now();
    let output = running.output();
    assert!(started.elapsed() < STOPPED_WITHIN, "it took {:?}", started.elapsed());
    let left: Vec<_> = processes.iter().filter(|process| is_alive(**process)).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    output
}

fn stop(running: Running) {
    let processes = descendants(running.pid());
    assert!(!processes.is_empty());
    kill_process(running.pid(), Signal::TERM).unwrap();
    assert!(wait_for_end(running, &processes).status.success());
}

/// Sends a request to the edge and returns status and body.
fn send(url: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
    let client = reqwest::Client::new();
    let mut request = body.map_or_else(|| client.get(url), |body| client.post(url).body(body.to_string()));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let response = request.send().await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    })
}

fn token(file: &DevFile, username: &str) -> String {
    let user = file.users.iter().find(|user| user.username == username).unwrap();
    let body = json!({ "username": username, "password": user.password.expose() });
    let (status, session) = send(&format!("{}/api/auth/login", file.edge_url), None, Some(body));
    assert_eq!(status, 200, "{session}");
    session["accessToken"].as_str().unwrap().to_owned()
}

fn add_user(data: &Path, name: &str) -> Output {
    let words = ["user", "add", name, "--client", "1", "--branch", "2", "--role", "cashier", "--data"];
    Command::new(PROGRAM).args(words).arg(data).output().unwrap()
}

/// Asserts that the program failed and that its message contains `expected`.
fn assert_failed(output: &Output, expected: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(expected), "{text}");
}

#[test]
fn data_and_users_survive_a_restart() {
    let folder = Folder::new("restart");
    let mut running = dev(&folder.0, 0);
    let file = wait_until_ready(&mut running, &folder.0);
    let names: Vec<_> = file.users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["till-1", "till-2", "till-3", "boss", "other"]);
    assert!(add_user(&folder.0, "late").status.success());
    assert_failed(&add_user(&folder.0, "late"), "the name late is taken");
    let record = json!({ "table_name": "products", "record_id": "p1", "data": {"name": "Tea"}, "local_updated_at": "2025-12-07T10:30:00Z",
        "base_version": 0 });
    let push = json!({ "device_id": "till-1", "records": [record] });
    let (status, response) =
        send(&format!("{}/api/sync/batch-push", file.edge_url), Some(&token(&file, "till-1")), Some(push));
    assert_eq!((status, &response["synced_count"]), (200, &json!(1)));
    stop(running);
    assert!(DevFile::read(&folder.0).unwrap().is_none(), "dev.json is still there");
    assert_failed(&add_user(&folder.0, "later"), "no stack is running");

    let mut running = dev(&folder.0, 0);
    let file = wait_until_ready(&mut running, &folder.0);
    for (user, changes) in [("till-2", 1), ("late", 1), ("till-3", 0), ("other", 0)] {
        let (status, page) =
            send(&format!("{}/api/sync/pull-changes", file.edge_url), Some(&token(&file, user)), None);
        assert_eq!((status, page["changes"].as_array().unwrap().len()), (200, changes), "{user}");
    }
    assert_failed(&dev(&folder.0, 0).output(), "another stack is running");
    stop(running);
}

#[test]
fn a_crash_of_workerd_stops_the_stack_with_a_message() {
    let folder = Folder::new("death");
    let mut running = dev(&folder.0, 0);
    wait_until_ready(&mut running, &folder.0);
    let processes = descendants(running.pid());
    let name = |process: &Pid| std::fs::read_to_string(format!("/proc/{}/comm", process.as_raw_nonzero()));
    let workerd =
        processes.iter().rfind(|process| name(process).is_ok_and(|name| name.trim() == "workerd")).unwrap();
    kill_process(*workerd, Signal::KILL).unwrap();
    let output = wait_for_end(running, &processes);
    assert_failed(&output, "failed to keep the edge running");
    assert!(DevFile::read(&folder.0).unwrap().is_none(), "dev.json is still there");
}

#[test]
fn a_bad_tables_file_fails_the_start_with_line_and_reason() {
    let folder = Folder::new("tables");
    let tables = folder.0.join("tables.toml");
    std::fs::write(&tables, "[parrots]\npolicy = \"best\"\n").unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["dev", "--edge-port", "0", "--data"]).arg(&folder.0).arg("--tables").arg(&tables);
    let output = command.output().unwrap();
    for part in ["TABLES_FILE is wrong", "line 2", "best"] {
        assert_failed(&output, part);
    }
}

#[test]
fn a_taken_port_fails_the_start() {
    let folder = Folder::new("port");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    assert_failed(&dev(&folder.0, port).output(), &format!("port {port} is taken"));
}
