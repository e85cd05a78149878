//! The name of one request, in its answer, in the function's log and in ours.

/// 32 hexadecimal digits, made here: a caller's own would let it forge entries in our logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// A new name.
    pub(crate) fn new() -> RequestId {
        let mut bytes = [0; 16];
        // WebCrypto always answers within an event. If it did not, a name that is not unique would still be
        // better than no answer, so the zeros stay.
        let _ = getrandom::fill(&mut bytes);
        RequestId(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
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
    fn names_are_hexadecimal_and_differ() {
        let (one, two) = (RequestId::new(), RequestId::new());
        assert_eq!(one.as_str().len(), 32);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, two);
    }
}
