//! The examples of the page, read out of its fenced blocks.
//!
//! A block marked `http` is a request; the block behind it is its answer: `json` with 200, or `http` that begins with the
//! status. A block marked `ws` is a part of a conversation over a socket, `>` before what the client sends and `<` before
//! what it hears; it opens a new socket where it begins with the address. Every such block is run, so there is none that
//! nobody checks.

use serde_json::Value;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The line of the page at which it begins.
    pub line: usize,
    /// What.
    pub act: Act,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A request, and its answer.
    Ask(Request, Answer),
    /// Opens a socket.
    Open(String),
    /// Sends a frame over the socket that was opened last.
    Send(String),
    /// Hears a frame there.
    Hear(Value),
}

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty, if there is none.
    pub body: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body, if it has one.
    pub body: Option<Value>,
}

/// A page that cannot be run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the page at line {line}: {why}")]
pub struct BadPage {
    /// Where.
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
                let answer = blocks.next().ok_or_else(|| bad(line, "the request has no answer"))?;
                steps.push(Step { line, act: Act::Ask(request, answer_of(&answer)?) });
            }
            "ws" => steps.extend(frames(&block)?),
            _ => return Err(bad(line, "there is an answer to nothing")),
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
        Some(block) => Err(bad(block.line, format!("nobody can run {:?}", block.kind))),
        None => Ok(blocks.into_iter().filter(|block| block.kind != "text").collect()),
    }
}

fn request(block: &Block<'_>) -> Result<Request, BadPage> {
    let (head, body) = block.text.split_once("\n\n").unwrap_or((&block.text, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().split_once(' ');
    let Some((method, target)) = first.filter(|(_, target)| target.starts_with('/')) else {
        return Err(bad(block.line, "the request names no method and address"));
    };
    let mut headers = Vec::new();
    for line in lines {
        // An address that is too long for one line goes on in the next.
        let (name, value) =
            line.split_once(": ").ok_or_else(|| bad(block.line, format!("{line:?} is no header")))?;
        headers.push((name.to_owned(), value.to_owned()));
    }
    if !body.trim().is_empty() {
        json(block.line, body)?;
    }
    Ok(Request { method: method.into(), target: target.into(), headers, body: body.trim().to_owned() })
}

fn answer_of(block: &Block<'_>) -> Result<Answer, BadPage> {
    if block.kind == "json" {
        return Ok(Answer { status: 200, body: Some(json(block.line, &block.text)?) });
    }
    let (head, body) = block.text.split_once("\n\n").unwrap_or((&block.text, ""));
    let status =
        head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| bad(block.line, "the answer has no status"))?;
    let body =
        Some(body).filter(|body| !body.trim().is_empty()).map(|body| json(block.line, body)).transpose()?;
    Ok(Answer { status, body })
}

fn frames(block: &Block<'_>) -> Result<Vec<Step>, BadPage> {
    let step = |(i, text): (usize, &str)| {
        let line = block.line + 1 + i;
        let act = match text.split_once(' ') {
            Some(("GET", target)) => Act::Open(target.to_owned()),
            Some((">", frame)) => Act::Send(frame.to_owned()),
            Some(("<", frame)) => Act::Hear(json(line, frame)?),
            _ => return Err(bad(line, "a frame begins with > or <")),
        };
        Ok(Step { line, act })
    };
    block.text.lines().enumerate().map(step).collect()
}

fn json(line: usize, text: &str) -> Result<Value, BadPage> {
    serde_json::from_str(text).map_err(|error| bad(line, format!("this is no JSON: {error}")))
}

#[cfg(test)]
mod tests;
