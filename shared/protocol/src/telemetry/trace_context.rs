//! Trace contexts (W3C Trace Context, level 1): the header `traceparent`, which joins the spans of one
//! request across services.

/// The header of a trace context, in requests and responses.
pub const TRACE_HEADER: &str = "traceparent";

/// Hexadecimal digits of the id of a trace, and of a span.
const TRACE_DIGITS: usize = 32;
const SPAN_DIGITS: usize = 16;

/// A span of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: String,
    span_id: String,
    /// Whether the caller records its part of the trace.
    is_sampled: bool,
}

impl TraceContext {
    /// The first span of a new trace.
    pub fn root(trace_id: [u8; 16], span_id: [u8; 8]) -> TraceContext {
        TraceContext { trace_id: hex::encode(trace_id), span_id: hex::encode(span_id), is_sampled: false }
    }

    /// Reads a header. `None` if it is malformed: the trace then begins here.
    pub fn parse(header: &str) -> Option<TraceContext> {
        let mut parts = header.trim().split('-');
        let [version, trace_id, span_id, flags] = [(); 4].map(|()| parts.next().unwrap_or_default());
        // A later version may have more parts; version 255 is invalid.
        let is_known = version == "00" && parts.next().is_none() || is_hex(version, 2) && version > "00";
        let is_valid = |id: &str, digits| is_hex(id, digits) && id.bytes().any(|byte| byte != b'0');
        let are_valid = is_valid(trace_id, TRACE_DIGITS) && is_valid(span_id, SPAN_DIGITS);
        if !is_known || version == "ff" || !is_hex(flags, 2) || !are_valid {
            return None;
        }
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(TraceContext { trace_id: trace_id.to_owned(), span_id: span_id.to_owned(), is_sampled })
    }

    /// Another span of the same trace.
    pub fn with_span(self, span_id: [u8; 8]) -> TraceContext {
        TraceContext { span_id: hex::encode(span_id), ..self }
    }

    /// The id of the trace.
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// The header.
    pub fn header(&self) -> String {
        format!("00-{}-{}-0{}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

/// Lower case digits only, as the standard asks.
fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_span_goes_on_with_the_trace_of_its_caller() {
        let caller = TraceContext::parse(&format!("00-{TRACE}-00f067aa0ba902b7-01")).unwrap();
        let own = caller.with_span([7; 8]);
        assert_eq!(own.header(), format!("00-{TRACE}-0707070707070707-01"));
        assert_eq!(TraceContext::parse(&own.header()), Some(own));
        let later = TraceContext::parse(&format!("01-{TRACE}-00f067aa0ba902b7-02-more")).unwrap();
        assert_eq!(later.header(), format!("00-{TRACE}-00f067aa0ba902b7-00"));
    }

    #[test]
    fn a_malformed_header_begins_a_trace() {
        let zeros = "0".repeat(32);
        for bad in [
            String::new(),
            TRACE.to_owned(),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-00f067aa0ba902b-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-+1"),
        ] {
            assert_eq!(TraceContext::parse(&bad), None, "{bad}");
        }
        assert_eq!(TraceContext::root([0xab; 16], [1; 8]).trace_id(), "ab".repeat(16));
    }
}
