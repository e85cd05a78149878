//! The request as it arrived. Each part is read from the runtime once: such a read costs more than most of
//! what the edge does with it.

use worker::web_sys;

/// A request of a caller.
pub(crate) struct Request {
    raw: web_sys::Request,
    headers: web_sys::Headers,
    pub(crate) method: String,
    /// The whole URL, as the runtime has normalized it.
    pub(crate) url: String,
}

impl Request {
    pub(crate) fn new(raw: web_sys::Request) -> Request {
        Request { headers: raw.headers(), method: raw.method(), url: raw.url(), raw }
    }

    pub(crate) fn header(&self, name: &str) -> worker::Result<Option<String>> {
        Ok(self.headers.get(name)?)
    }

    /// The path of the URL.
    pub(crate) fn path(&self) -> &str {
        path_of(&self.url)
    }

    /// The body, if there is one.
    pub(crate) fn body(&self) -> Option<web_sys::ReadableStream> {
        self.raw.body()
    }
}

/// The place in `url` at which the path begins. The crate's parser of URLs would make the worker a tenth
/// larger, with its tables of international names.
fn path_start(url: &str) -> Option<usize> {
    let authority = url.find("://").map_or(0, |scheme| scheme + "://".len());
    Some(authority + url.get(authority..)?.find('/')?)
}

/// The origin in `url`.
pub(crate) fn origin_of(url: &str) -> &str {
    path_start(url).and_then(|path| url.get(..path)).unwrap_or(url)
}

fn path_of(url: &str) -> &str {
    let path = path_start(url).and_then(|path| url.get(path..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_an_origin_and_a_path() {
        for (url, origin, path) in [
            ("https://shop.example/api/x?y=https://z/", "https://shop.example", "/api/x"),
            ("http://localhost:8787/", "http://localhost:8787", "/"),
            ("https://shop.example", "https://shop.example", "/"),
            ("http://[::1]:8787/a#b/c?d", "http://[::1]:8787", "/a"),
        ] {
            assert_eq!((origin_of(url), path_of(url)), (origin, path));
        }
    }
}
