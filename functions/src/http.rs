//! HTTP as the functions speak it: from a forwarded request to its handler, and from its result to a
//! response.

pub mod dispatch;
pub mod error;
pub mod request;
pub mod request_lines;
pub mod response;
