//! The examples of the page, parsed from its fenced blocks.
//!
//! An `http` block is a request, and the block after it the response: `json` for a 200, or `http` with a
//! status line. A `ws` block is a conversation over a socket: `>` marks a frame of the client and `<` one of
//! the server; a `GET` line opens a new socket. Every block is run, and `text` blocks are skipped.

use serde_json::Value;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The page's line.
    pub line: usize,
    /// The action.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Sends a request and compares the response.
    Call(Request, Response),
    /// Opens a socket.
    Open(String),
    /// Sends a frame over the last opened socket.
    Send(String),
    /// Receives a frame there.
    Receive(Value),
}

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty without one.
    pub body: String,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Option<Value>,
}

/// A page with a malformed example.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the page at line {line}: {why}")]
pub struct BadPage {
    /// The line of the example.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

/// A fenced block.
struct Block<'a> {
    line: usize,
    kind: &'a str,
    text: String,
}

/// Reads the examples of `page`.
pub fn steps(page: &str) -> Result<Vec<Step>, BadPage> {
    let mut steps = Vec::new();
    let mut blocks = blocks(page)?.into_iter();
    while let Some(block) = blocks.next() {
        let line = block.line;
        match block.kind {
            "http" => {
                let request = request(&block)?;
                let block = blocks.next().ok_or_else(|| bad(line, "the request has no response"))?;
                steps.push(Step { line, action: Action::Call(request, response(&block)?) });
            }
            "ws" => steps.extend(frames(&block)?),
            _ => return Err(bad(line, "a response follows no request")),
        }
    }
    Ok(steps)
}

fn bad(line: usize, why: impl Into<String>) -> BadPage {
    BadPage { line, why: why.into() }
}

fn blocks(page: &str) -> Result<Vec<Block<'_>>, BadPage> {
    let (mut blocks, mut open): (Vec<Block<'_>>, Option<Block<'_>>) = (Vec::new(), None);
    for (number, text) in (1..).zip(page.lines()) {
        match (&mut open, text.strip_prefix("```")) {
            (None, Some(kind)) => open = Some(Block { line: number, kind, text: String::new() }),
            (None, None) => {}
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(text);
                block.text.push('\n');
            }
        }
    }
    if let Some(block) = open {
        return Err(bad(block.line, "the block has no end"));
    }
    match blocks.iter().find(|block| !matches!(block.kind, "http" | "json" | "ws" | "text")) {
        Some(block) => Err(bad(block.line, format!("{:?} blocks cannot be run", block.kind))),
        None => Ok(blocks.into_iter().filter(|block| block.kind != "text").collect()),
    }
}

fn request(block: &Block<'_>) -> Result<Request, BadPage> {
    let (head, body) = block.text.split_once("\n\n").unwrap_or((&block.text, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().split_once(' ');
    let Some((method, target)) = first.filter(|(_, target)| target.starts_with('/')) else {
        return Err(bad(block.line, "the request has no method and address"));
    };
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) =
            line.split_once(": ").ok_or_else(|| bad(block.line, format!("{line:?} is not a header")))?;
        headers.push((name.to_owned(), value.to_owned()));
    }
    if !body.trim().is_empty() {
        json(block.line, body)?;
    }
    Ok(Request { method: method.into(), target: target.into(), headers, body: body.trim().to_owned() })
}

fn response(block: &Block<'_>) -> Result<Response, BadPage> {
    if block.kind == "json" {
        return Ok(Response { status: 200, body: Some(json(block.line, &block.text)?) });
    }
    let (head, body) = block.text.split_once("\n\n").unwrap_or((&block.text, ""));
    let status =
        head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| bad(block.line, "the response has no status"))?;
    let body =
        Some(body).filter(|body| !body.trim().is_empty()).map(|body| json(block.line, body)).transpose()?;
    Ok(Response { status, body })
}

fn frames(block: &Block<'_>) -> Result<Vec<Step>, BadPage> {
    let step = |(i, text): (usize, &str)| {
        let line = block.line + 1 + i;
        let action = match text.split_once(' ') {
            Some(("GET", target)) => Action::Open(target.to_owned()),
            Some((">", frame)) => Action::Send(frame.to_owned()),
            Some(("<", frame)) => Action::Receive(json(line, frame)?),
            _ => return Err(bad(line, "a frame begins with > or <")),
        };
        Ok(Step { line, action })
    };
    block.text.lines().enumerate().map(step).collect()
}

fn json(line: usize, text: &str) -> Result<Value, BadPage> {
    serde_json::from_str(text).map_err(|error| bad(line, format!("malformed JSON: {error}")))
}

#[cfg(test)]
mod tests;
