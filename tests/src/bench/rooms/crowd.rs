//! Many sockets of one worker.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auth::signature::{SIGNATURE_HEADER, sign};
use functions::accounts::signer::Signer;
use futures_util::future::try_join_all;
use futures_util::stream::iter;
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use local::keys::Keys;
use local::stack::Stack;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::User;
use protocol::wire::publication::{Publication, PublishRequest};
use protocol::wire::socket::{ServerFrame, batch_frame};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::bench::product;
use crate::fleet;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Sockets that open at the same time.
const OPENING: usize = 200;
/// How long a commit may take to the last socket.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whose rooms they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tillsync,
    Partyserver,
}

/// Sockets of one room.
#[derive(Clone, Copy)]
pub(super) struct RoomSockets {
    /// The number of the room.
    pub(super) room: usize,
    pub(super) sockets: usize,
}

impl RoomSockets {
    fn name(self) -> Result<Room, Box<dyn Error>> {
        Ok(format!("bench:room-{}", self.room).parse()?)
    }
}

/// The sockets of one worker, and how it is told of commits.
pub(super) struct Crowd {
    kind: Kind,
    url: String,
    http: reqwest::Client,
    keys: Keys,
    rooms: Vec<Room>,
    sockets: usize,
    stamp: u64,
    progress: Arc<Progress>,
    /// Read until it is dropped.
    _readers: JoinSet<()>,
}

/// What the sockets have got of the current commits.
#[derive(Default)]
struct Progress {
    missing: AtomicUsize,
    complete: Notify,
}

impl Progress {
    fn begin(&self, frames: usize) {
        self.missing.store(frames, Ordering::SeqCst);
    }

    fn one_more(&self) {
        if self.missing.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.complete.notify_one();
        }
    }

    async fn completed(&self) -> Result<(), Box<dyn Error>> {
        timeout(PATIENCE, self.complete.notified()).await.map_err(|_| "a frame is missing")?;
        Ok(())
    }
}

/// One socket that opens.
pub(super) struct Device {
    room: Room,
    id: String,
    token: String,
}

/// The devices of `rooms`, each with an access token.
pub(super) fn devices(stack: &Stack, rooms: &[RoomSockets]) -> Result<Vec<Device>, Box<dyn Error>> {
    let keys = Keys::load_or_make(stack.data())?;
    let signer = Signer::new(keys.access_key.expose(), keys.access_kid.clone())?;
    let mut devices = Vec::new();
    for of_room in rooms {
        let room = of_room.name()?;
        for i in 0..of_room.sockets {
            let id = format!("till-{i}");
            let user = User {
                id: format!("user-{i}"),
                username: id.clone(),
                role: Role::Cashier,
                client_id: room.client.clone(),
                branch_id: Some(room.branch.clone()),
            };
            let session = format!("session-{}-{i}", room.branch).parse()?;
            let token = signer.sign(&user, Some(id.parse()?), Some(session), fleet::now())?;
            devices.push(Device { room: room.clone(), id, token });
        }
    }
    Ok(devices)
}

impl Crowd {
    pub(super) async fn open(
        stack: &Stack,
        kind: Kind,
        url: &str,
        rooms: &[RoomSockets],
    ) -> Result<Crowd, Box<dyn Error>> {
        Crowd::open_with(stack, kind, url, rooms, &devices(stack, rooms)?).await
    }

    /// Opens the sockets of `devices`, and returns once each was greeted.
    pub(super) async fn open_with(
        stack: &Stack,
        kind: Kind,
        url: &str,
        rooms: &[RoomSockets],
        devices: &[Device],
    ) -> Result<Crowd, Box<dyn Error>> {
        let address = |Device { room, id, token }: &Device| {
            let edge = url.replacen("http", "ws", 1);
            match kind {
                Kind::Tillsync => format!("{edge}/ws?frames=batch&device_id={id}&token={token}"),
                Kind::Partyserver => format!("{edge}/parties/room/{room}?_pk={id}"),
            }
        };
        let opened: Vec<Stream> =
            iter(devices.iter().map(address)).map(open).buffer_unordered(OPENING).try_collect().await?;
        let progress = Arc::new(Progress::default());
        let mut readers = JoinSet::new();
        for stream in opened {
            readers.spawn(read(stream, Arc::clone(&progress)));
        }
        Ok(Crowd {
            kind,
            url: url.to_owned(),
            http: reqwest::Client::new(),
            keys: Keys::load_or_make(stack.data())?,
            rooms: rooms.iter().map(|room| room.name()).collect::<Result<_, _>>()?,
            sockets: devices.len(),
            stamp: fleet::now().0,
            progress,
            _readers: readers,
        })
    }

    /// Sends a commit of `changes` to each room at once. Returns the time to the last frame of all.
    pub(super) async fn commit(&mut self, changes: usize) -> Result<Duration, Box<dyn Error>> {
        let commits = self.next_commits(changes)?;
        self.progress.begin(self.sockets);
        let began = Instant::now();
        let told = try_join_all(commits.into_iter().map(|(room, body)| self.tell(room, body)));
        let (told, completed) = futures_util::join!(told, async {
            let completed = self.progress.completed().await;
            (completed, began.elapsed())
        });
        told?;
        completed.0?;
        Ok(completed.1)
    }

    /// Sends commits, each as soon as the one before was accepted. Returns the frames that arrived in a
    /// second.
    pub(super) async fn sustained(&mut self, duration: Duration) -> Result<u128, Box<dyn Error>> {
        let (began, mut frames) = (Instant::now(), 0);
        // More than can arrive, so that no commit completes it.
        self.progress.begin(usize::MAX / 2);
        while began.elapsed() < duration {
            for (room, body) in self.next_commits(1)? {
                self.tell(room, body).await?;
            }
            frames += self.sockets;
        }
        let missing = frames - (usize::MAX / 2 - self.progress.missing.load(Ordering::SeqCst));
        if missing > 0 {
            self.progress.missing.fetch_sub(usize::MAX / 2 - frames, Ordering::SeqCst);
            self.progress.completed().await?;
        }
        Ok((frames as u128 * 1_000_000).checked_div(began.elapsed().as_micros()).unwrap_or_default())
    }

    /// The next commit of each room, as the worker takes it.
    fn next_commits(&mut self, changes: usize) -> Result<Vec<(Room, String)>, Box<dyn Error>> {
        let (prev, first) = (self.stamp, self.stamp + 1);
        self.stamp += changes as u64;
        let mut commits = Vec::new();
        for room in &self.rooms {
            let commit = commit(room, prev, first, changes)?;
            let body = match self.kind {
                Kind::Tillsync => serde_json::to_string(&PublishRequest { publications: vec![commit] })?,
                Kind::Partyserver => ServerFrame::SyncBatch(batch_frame(&commit, Role::Cashier)).to_json(),
            };
            commits.push((room.clone(), body));
        }
        Ok(commits)
    }

    async fn tell(&self, room: Room, body: String) -> Result<(), Box<dyn Error>> {
        let request = match self.kind {
            Kind::Tillsync => {
                let signature = sign(&self.keys.publish_secret, fleet::now(), body.as_bytes());
                let url = format!("{}/internal/publish", self.url);
                self.http.post(url).header(SIGNATURE_HEADER, signature)
            }
            Kind::Partyserver => self.http.post(format!("{}/parties/room/{room}", self.url)),
        };
        let status = request.body(body).send().await?.status();
        if status.is_success() { Ok(()) } else { Err(format!("the worker answered {status}").into()) }
    }
}

fn commit(room: &Room, prev: u64, first: u64, changes: usize) -> Result<Publication, serde_json::Error> {
    let change = |i: usize| {
        let mut change = product(&format!("p{i}"), i);
        if let Value::Object(members) = &mut change {
            members.remove("local_updated_at");
            members.extend([("operation".to_owned(), json!("update")), ("version".to_owned(), json!(2))]);
        }
        change
    };
    serde_json::from_value(json!({
        "client_id": room.client, "branch_id": room.branch, "device_id": "office", "prev": Stamp(prev),
        "first": Stamp(first), "changes": (0..changes).map(change).collect::<Vec<Value>>(),
    }))
}

/// Opens a socket, and waits for its greeting.
async fn open(address: String) -> Result<Stream, Box<dyn Error>> {
    let (mut stream, _) = connect_async(address).await?;
    match stream.next().await {
        Some(Ok(Message::Text(text))) if text.contains("connected") => Ok(stream),
        other => Err(format!("no greeting but {other:?}").into()),
    }
}

async fn read(mut stream: Stream, progress: Arc<Progress>) {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Text(text) = message else { continue };
        if text.starts_with(r#"{"type":"sync_batch""#) {
            progress.one_more();
        } else if text.as_str() == r#"{"type":"ping"}"# {
            let _ = stream.send(Message::text(r#"{"type":"pong"}"#)).await;
        }
    }
}
