//! Why a download or build failed, by its last lines.

use std::fmt;

/// The cause that an error message names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    /// Nothing could be downloaded.
    NoNetwork,
    /// See the last lines, which were printed.
    SeeAbove,
}

/// Messages of cargo (libcurl), npm (Node's error codes), pip and rustup.
const NO_NETWORK_SIGNS: [&str; 14] = [
    "could not resolve host",
    "couldn't resolve host",
    "could not connect to server",
    "couldn't connect to server",
    "failed to connect to",
    "could not download file",
    "dns error",
    "eai_again",
    "econnrefused",
    "enetunreach",
    "enotfound",
    "etimedout",
    "failed to establish a new connection",
    "name or service not known",
];

pub(crate) fn diagnose(last_lines: &[String]) -> Diagnosis {
    let has_sign = |line: &String| {
        let line = line.to_lowercase();
        NO_NETWORK_SIGNS.iter().any(|sign| line.contains(sign))
    };
    if last_lines.iter().any(has_sign) { Diagnosis::NoNetwork } else { Diagnosis::SeeAbove }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNetwork => "the network cannot be reached, and this installation needs it once",
            Self::SeeAbove => "its last lines are above",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_network_is_distinguished_from_other_failures() {
        let lines = |line: &str| vec!["warning: spurious".to_owned(), line.to_owned()];
        for line in [
            "  [6] Could not resolve hostname (Could not resolve host: index.example)",
            "npm error code EAI_AGAIN",
            "npm error code ECONNREFUSED",
            "ERROR: ... Failed to establish a new connection: [Errno -2] Name or service not known",
        ] {
            assert_eq!(diagnose(&lines(line)), Diagnosis::NoNetwork, "{line}");
        }
        assert_eq!(diagnose(&lines("error: linker `cc` not found")), Diagnosis::SeeAbove);
        assert_eq!(diagnose(&[]), Diagnosis::SeeAbove);
    }
}
