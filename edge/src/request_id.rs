//! The id of one request, in its response and in all logs.

/// 32 hexadecimal digits, made here: a caller's own id could forge log entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn new() -> RequestId {
        RequestId(hex::encode(random::<16>()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The bytes of an id.
pub(crate) fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    // WebCrypto does not fail within an event, and an id of zeros is better than no response.
    let _ = getrandom::fill(&mut bytes);
    bytes
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hexadecimal_and_differ() {
        let (one, two) = (RequestId::new(), RequestId::new());
        assert_eq!(one.as_str().len(), 32);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, two);
    }
}
