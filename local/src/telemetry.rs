//! What edge and functions tell of their requests, counted: the same lines from which the platforms make
//! their metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use functions::http::request_lines::RequestLines;
use protocol::ids::{ClientId, Room, SocketRoom};
use protocol::telemetry::function_line::{FunctionLine, NO_CACHE};
use protocol::telemetry::{EdgeLine, LogEvent, RoomLine};

/// Lines of each side that are kept; older ones are only counted.
const LINES_MAX: usize = 10_000;

/// The variable with which the edge's lines get through wrangler. A stack without it, such as one that is
/// measured, counts the functions' requests only.
pub fn shown() -> (&'static str, String) {
    ("LINE_LEVEL", "warn".to_owned())
}

/// The counts of a stack. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Telemetry(Arc<Mutex<Counted>>);

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Requests at the edge.
    pub edge: BTreeMap<Label, u64>,
    /// Requests at the functions.
    pub functions: BTreeMap<Label, u64>,
    /// The sockets of each room that has any.
    pub sockets: BTreeMap<SocketRoom, usize>,
    /// The delay of the last broadcast, in microseconds.
    pub delay_micros: Option<u64>,
    /// The delay of each room's last broadcast, in microseconds.
    pub delays: BTreeMap<Room, u64>,
    /// The latest lines of the edge.
    pub edge_lines: Vec<EdgeLine>,
    /// The latest lines of the functions.
    pub function_lines: Vec<FunctionLine>,
}

/// By what requests are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The tenant; `None` without a valid token.
    pub client: Option<ClientId>,
    /// The operation id.
    pub route: String,
    /// The HTTP status.
    pub status: String,
    /// The cache result, or `none`.
    pub cache: String,
}

/// What wrangler puts before a warning of the worker.
const WARNING: &str = "▲ [WARNING] ";

impl Telemetry {
    /// Counts a line of the edge's log; false for any other line.
    pub fn edge_line(&self, text: &str) -> bool {
        match LogEvent::parse(text.strip_prefix(WARNING).unwrap_or(text)) {
            Some(LogEvent::Edge(line)) => self.lock().edge_request(line),
            Some(LogEvent::Room(line)) => self.lock().room(&line),
            None => return false,
        }
        true
    }

    /// Counts the lines about a call of a function.
    pub fn function_lines(&self, RequestLines(lines): &RequestLines) {
        lines.iter().cloned().for_each(|line| self.lock().function_request(line));
    }

    /// What was counted so far.
    pub fn counted(&self) -> Counted {
        self.lock().clone()
    }

    /// The figures for a status line.
    pub fn figures(&self) -> Figures {
        let counted = self.lock();
        let sum = |is_it: fn(&Label) -> bool| {
            counted.edge.iter().filter(|(label, _)| is_it(label)).map(|(_, count)| count).sum()
        };
        Figures {
            requests: sum(|_| true),
            cached: sum(Label::is_cached),
            cacheable: sum(|label| label.cache != NO_CACHE),
            errors: sum(|label| label.status.starts_with('5')),
            sockets: counted.sockets.values().sum(),
            delay_micros: counted.delay_micros,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Label {
    /// Whether no function had to load the answer.
    fn is_cached(&self) -> bool {
        !matches!(self.cache.as_str(), NO_CACHE | "loaded")
    }
}

/// What a status line shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests at the edge.
    pub requests: u64,
    /// Those that a cache or a room has answered.
    pub cached: u64,
    /// Those that a cache or a room might have answered.
    pub cacheable: u64,
    /// Those with a status of 500 or more.
    pub errors: u64,
    /// Open sockets.
    pub sockets: usize,
    /// The delay of the last broadcast, in microseconds.
    pub delay_micros: Option<u64>,
}

impl Counted {
    fn edge_request(&mut self, line: EdgeLine) {
        let label = Label {
            client: line.client.clone(),
            route: line.route.clone(),
            status: line.status.to_string(),
            cache: line.cache.clone().unwrap_or_else(|| NO_CACHE.to_owned()),
        };
        *self.edge.entry(label).or_default() += 1;
        keep(&mut self.edge_lines, line);
    }

    fn function_request(&mut self, line: FunctionLine) {
        let label = Label {
            client: line.client.clone(),
            route: line.route.clone(),
            status: line.status.clone(),
            cache: line.cache.clone(),
        };
        *self.functions.entry(label).or_default() += 1;
        keep(&mut self.function_lines, line);
    }

    fn room(&mut self, line: &RoomLine) {
        self.delay_micros = line.delay_micros.or(self.delay_micros);
        let room = SocketRoom::from((line.client.clone(), line.branch.clone()));
        if let (SocketRoom::Branch(room), Some(delay)) = (&room, line.delay_micros) {
            self.delays.insert(room.clone(), delay);
        }
        match line.sockets {
            0 => self.sockets.remove(&room),
            sockets => self.sockets.insert(room, sockets),
        };
    }
}

/// Keeps the latest lines. Half are dropped at once, so that each costs little.
fn keep<T>(lines: &mut Vec<T>, line: T) {
    if lines.len() >= LINES_MAX {
        lines.drain(..LINES_MAX / 2);
    }
    lines.push(line);
}

#[cfg(test)]
mod tests;
