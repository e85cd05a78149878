//! The codes with which the server closes a WebSocket. RFC 6455 leaves 4000 to 4999 to applications.

use strum::VariantArray;

use crate::error::ErrorCode;

/// Why the server closes a socket: 4000 and the HTTP status that is closest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
#[repr(u16)]
pub enum CloseCode {
    /// The request was malformed.
    BadRequest = 4400,
    /// The token is missing, wrong or expired, or its session has ended.
    Unauthorized = 4401,
    /// The caller may not do this.
    Forbidden = 4403,
    /// The client did not answer a ping.
    Silent = 4408,
    /// The client reads more slowly than changes come.
    Behind = 4409,
    /// A newer socket took its place.
    Replaced = 4410,
    /// The client sent too much.
    TooMany = 4429,
    /// A fault on our side.
    Internal = 4500,
    /// The room is full, or a dependency does not respond.
    Unavailable = 4503,
}

impl CloseCode {
    /// Every code.
    pub const ALL: &'static [CloseCode] = CloseCode::VARIANTS;

    /// The code on the wire.
    pub fn as_u16(self) -> u16 {
        self as u16
    }

    /// The code that closes a socket which is refused with `error`.
    pub fn of_refusal(error: ErrorCode) -> CloseCode {
        match error.status() {
            401 => CloseCode::Unauthorized,
            403 => CloseCode::Forbidden,
            429 => CloseCode::TooMany,
            500 => CloseCode::Internal,
            503 => CloseCode::Unavailable,
            _ => CloseCode::BadRequest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_protocol_page_lists_every_code_and_no_other() {
        let page = include_str!("../../../../PROTOCOL.md");
        let (_, table) = page.split_once("| close code | why |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let listed: BTreeSet<u16> = table.lines().filter_map(|row| row.get(2..6)?.parse().ok()).collect();
        assert_eq!(listed, CloseCode::ALL.iter().map(|code| code.as_u16()).collect());
    }

    #[test]
    fn a_refusal_closes_with_the_class_of_its_status() {
        assert_eq!(CloseCode::of_refusal(ErrorCode::TokenExpired), CloseCode::Unauthorized);
        assert_eq!(CloseCode::of_refusal(ErrorCode::RoomFull).as_u16(), 4503);
        for error in ErrorCode::ALL {
            let is_of_caller = CloseCode::of_refusal(*error).as_u16() < 4500;
            assert!(is_of_caller == (error.status() < 500) || error.status() == 507, "{error:?}");
        }
    }
}
