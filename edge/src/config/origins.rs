//! The origins of web pages that may call the edge.

use http::Uri;

/// The origins of web pages that may call the edge, beside the edge's own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedOrigins(Vec<String>);

/// Why a list of origins is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be an origin as browsers send it, like https://shop.example or http://localhost:5173")]
pub(crate) struct NotAnOrigin(String);

impl AllowedOrigins {
    /// Parses origins that are separated by commas.
    pub(super) fn parse(text: &str) -> Result<AllowedOrigins, NotAnOrigin> {
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        origins.map(origin).collect::<Result<_, _>>().map(AllowedOrigins)
    }

    /// Whether a page of `origin`, as the browser sent it, may call the edge.
    pub(crate) fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }
}

/// Checks that the text is what a browser sends: lower case, no default port and no path. Otherwise it would
/// never match.
fn origin(text: &str) -> Result<String, NotAnOrigin> {
    let bad = || NotAnOrigin(text.to_owned());
    let uri: Uri = text.parse().map_err(|_| bad())?;
    let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(bad)?;
    let default_port = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let has_default_port = authority.port_u16().is_some_and(|port| Some(port) == default_port);
    let is_plain = format!("{scheme}://{authority}").to_ascii_lowercase() == text;
    let is_origin = is_plain && !has_default_port && !authority.as_str().contains(['@', '*']);
    if is_origin { Ok(text.to_owned()) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_are_allowed() {
        let origins = AllowedOrigins::parse("https://shop.example, http://localhost:5173,tauri://localhost");
        let origins = origins.unwrap();
        for allowed in ["https://shop.example", "http://localhost:5173", "tauri://localhost"] {
            assert!(origins.contains(allowed), "{allowed}");
        }
        for other in ["null", "", "http://shop.example", "https://shop.example.evil.example"] {
            assert!(!origins.contains(other), "{other}");
        }
        assert!(!AllowedOrigins::parse("").unwrap().contains("null"));
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for bad in [
            "*",
            "null",
            "shop.example",
            "https://shop.example/",
            "https://shop.example/a",
            "https://Shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://u@shop.example",
            "https://*.example",
            "https://",
        ] {
            assert_eq!(AllowedOrigins::parse(bad), Err(NotAnOrigin(bad.to_owned())));
        }
    }
}
