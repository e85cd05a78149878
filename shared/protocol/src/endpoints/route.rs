//! From method and path to an endpoint.

use std::sync::LazyLock;

use matchit::Router;
use percent_encoding::percent_decode_str;

use super::spec::EndpointSpec;
use super::{ENDPOINTS, Endpoint};
use crate::error::{ApiError, ErrorCode};
use crate::ids::DeviceId;
use crate::record::is_record_id;

/// The endpoint of a request, and its path parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Name and decoded value of each path parameter, in the order of the path.
    pub parameters: Vec<(&'static str, String)>,
}

/// Why there is no endpoint for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// The path is unknown.
    NotFound,
    /// The path has these methods only, listed as the header `Allow` lists them.
    MethodNotAllowed(String),
}

/// The endpoints of each path.
static ROUTER: LazyLock<Router<Vec<&'static EndpointSpec>>> = LazyLock::new(|| {
    let mut router = Router::new();
    for spec in &ENDPOINTS {
        let first = ENDPOINTS.iter().find(|other| other.path == spec.path);
        if first.is_some_and(|first| first.endpoint == spec.endpoint) {
            let same_path = ENDPOINTS.iter().filter(|other| other.path == spec.path).collect();
            // The table's paths do not conflict: `every_endpoint_is_found` fails otherwise.
            let _ = router.insert(spec.path, same_path);
        }
    }
    router
});

impl Route {
    /// The endpoint of `method` and `path`, both as sent. `method` is text, because the Worker's own enum
    /// reads unknown methods as GET.
    pub fn find(method: &str, path: &str) -> Result<Route, NoRoute> {
        let found = ROUTER.at(path).map_err(|_| NoRoute::NotFound)?;
        let mut parameters = Vec::new();
        for (name, sent) in found.params.iter() {
            let value = value(name, sent).ok_or(NoRoute::NotFound)?;
            let known = found.value.iter().flat_map(|spec| spec.parameters).find(|known| known.name == name);
            parameters.push((known.ok_or(NoRoute::NotFound)?.name, value));
        }
        match found.value.iter().find(|spec| spec.method == method) {
            Some(spec) => Ok(Route { endpoint: spec.endpoint, parameters }),
            None => {
                let methods: Vec<_> = found.value.iter().map(|spec| spec.method).collect();
                Err(NoRoute::MethodNotAllowed(methods.join(", ")))
            }
        }
    }
}

/// The value of a path parameter. The id of a record or a device may be any text and is percent-decoded;
/// every other id consists of RFC 3986's unreserved characters, and a segment of dots alone means another
/// path.
fn value(name: &str, sent: &str) -> Option<String> {
    let is_valid: fn(&str) -> bool = match name {
        "record_id" => is_record_id,
        "device_id" => |id| id.parse::<DeviceId>().is_ok(),
        _ => {
            let is_unreserved =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
            let valid = sent.bytes().all(is_unreserved) && sent.bytes().any(|byte| byte != b'.');
            return valid.then(|| sent.to_owned());
        }
    };
    let decoded = percent_decode_str(sent).decode_utf8().ok()?;
    is_valid(&decoded).then(|| decoded.into_owned())
}

impl From<&NoRoute> for ApiError {
    fn from(none: &NoRoute) -> ApiError {
        match none {
            NoRoute::NotFound => ApiError::new(ErrorCode::NotFound, "There is nothing at this address."),
            NoRoute::MethodNotAllowed(allowed) => {
                ApiError::new(ErrorCode::MethodNotAllowed, format!("This address answers {allowed} only."))
            }
        }
    }
}

#[cfg(test)]
mod tests;
