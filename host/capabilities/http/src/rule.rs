//! One line of a grant: methods, a place, a path below it.

use crate::path;
use crate::place::{Host, Origin, Scheme, UrlError, locate};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The methods that a skill can use at all. `CONNECT` and `TRACE` are not among them: the first opens tunnels, the
/// second gives headers back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// The method of this name, exactly as it is written.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.word() == word)
    }
}

/// A place that may be spoken to, written `[METHOD[,METHOD] ]scheme://host[:port][/path-prefix]`.
///
/// `GET https://api.example.org/v1` covers `GET` of `/v1` and everything below it. `https://*.example.org` covers
/// every name below `example.org`, and not `example.org` itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpGrant {
    /// In order and without repetition; none means all.
    pub(crate) methods: Vec<Method>,
    pub(crate) origin: Origin,
    /// Whether the names below the host are meant, and not the host.
    pub(crate) subdomains: bool,
    /// A path prefix, empty for everything.
    pub(crate) path: String,
}

/// Why a line of a grant is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The URL in it is not taken.
    #[error("`{text}` cannot be granted: {why}")]
    Url {
        /// What was written.
        text: String,
        /// What is wrong with it.
        why: UrlError,
    },
    /// A method that no skill can use.
    #[error(
        "`{method}` in `{text}` is no method that can be granted; there are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, in capitals and separated by commas"
    )]
    Method {
        /// What was written.
        text: String,
        /// The method in it.
        method: String,
    },
    /// A wildcard that covers too much or stands in the wrong place.
    #[error(
        "`{0}` cannot be granted: a wildcard has the form `https://*.example.org`, with at least two labels behind it; `*` alone, a part of a label, an address or plain http is too much"
    )]
    Wildcard(String),
    /// A query in the URL.
    #[error("`{0}` cannot be granted: a grant ends with the path; leave out `?` and what follows")]
    Query(String),
    /// A path that servers read in different ways.
    #[error(
        "`{0}` cannot be granted: the path has empty, `.` or `..` segments, or escapes that stand for letters or separators"
    )]
    Path(String),
    /// An address that is nobody's.
    #[error("`{0}` cannot be granted: no single host has this address")]
    Nobody(String),
}

impl HttpGrant {
    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether names below the host are meant, and not the host itself.
    pub fn subdomains(&self) -> bool {
        self.subdomains
    }

    /// The path prefix, empty for every path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The methods it is for; empty means all.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// This grant for some methods only. None at all means all of them.
    pub fn limited_to(mut self, methods: &[Method]) -> Self {
        self.methods = methods.to_vec();
        self.methods.sort_unstable();
        self.methods.dedup();
        self
    }

    pub(crate) fn has_method(&self, method: Method) -> bool {
        self.methods.is_empty() || self.methods.contains(&method)
    }

    /// Whether scheme, host and port are covered.
    pub(crate) fn has_origin(&self, origin: &Origin) -> bool {
        let host = match self.subdomains {
            true => origin.host.is_below(&self.origin.host),
            false => origin.host == self.origin.host,
        };
        host && origin.scheme == self.origin.scheme && origin.port == self.origin.port
    }

    /// Whether a path is covered, given whether it is plain.
    pub(crate) fn has_path(&self, path: &str, plain: bool) -> bool {
        self.path.is_empty() || (plain && path::covers(&self.path, path))
    }

    /// Whether everything that another grant covers under one method is covered.
    pub(crate) fn covers(&self, other: &Self, method: Method) -> bool {
        let host = match (self.subdomains, other.subdomains) {
            (true, true) if self.origin.host == other.origin.host => {
                self.origin.scheme == other.origin.scheme && self.origin.port == other.origin.port
            }
            (false, true) => false,
            _ => self.has_origin(&other.origin),
        };
        host && self.has_method(method) && path::covers(&self.path, &other.path)
    }
}

impl FromStr for HttpGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (words, address) = text.split_once(' ').map_or((None, text), |(words, url)| (Some(words), url));
        let mut methods = Vec::new();
        for word in words.into_iter().flat_map(|words| words.split(',')) {
            let unknown = || GrantError::Method { text: text.to_owned(), method: word.to_owned() };
            methods.push(Method::from_word(word).ok_or_else(unknown)?);
        }
        let subdomains = address.starts_with("https://*.");
        let exact = if subdomains { address.replacen("*.", "", 1) } else { address.to_owned() };
        if exact.contains('*') {
            return Err(GrantError::Wildcard(text.to_owned()));
        }
        let located = locate(&exact).map_err(|why| GrantError::Url { text: text.to_owned(), why })?;
        match &located.origin.host {
            Host::Name(name) if subdomains && !name.contains('.') => return Err(GrantError::Wildcard(text.to_owned())),
            Host::V4(_) | Host::V6(_) if subdomains => return Err(GrantError::Wildcard(text.to_owned())),
            host => {
                let nobody = |ip: std::net::IpAddr| ip.is_unspecified() || ip.is_multicast();
                if host.address().is_some_and(nobody) || matches!(host, Host::V4(ip) if ip.is_broadcast()) {
                    return Err(GrantError::Nobody(text.to_owned()));
                }
            }
        }
        if exact.contains('?') {
            return Err(GrantError::Query(text.to_owned()));
        }
        if !path::is_plain(&located.path) {
            return Err(GrantError::Path(text.to_owned()));
        }
        let path = if located.path == "/" { String::new() } else { located.path };
        Ok(Self { methods: Vec::new(), origin: located.origin, subdomains, path }.limited_to(&methods))
    }
}

impl TryFrom<String> for HttpGrant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}

impl From<HttpGrant> for String {
    fn from(grant: HttpGrant) -> Self {
        grant.to_string()
    }
}

impl fmt::Display for HttpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.methods.is_empty() {
            let words: Vec<_> = self.methods.iter().map(|method| method.word()).collect();
            write!(f, "{} ", words.join(","))?;
        }
        let below = if self.subdomains { "*." } else { "" };
        write!(f, "{}://{below}{}{}", self.origin.scheme.word(), self.origin.authority(), self.path)
    }
}

impl JsonSchema for HttpGrant {
    fn schema_name() -> Cow<'static, str> {
        "HttpGrant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A place that may be spoken to: [METHOD[,METHOD] ]scheme://host[:port][/path-prefix]",
            "examples": ["https://api.example.org", "GET,POST https://api.example.org:8443/v1"],
        })
    }
}

/// Whether a credential may travel to this place: TLS, or this machine by its address.
pub(crate) fn is_confidential(origin: &Origin) -> bool {
    match origin.scheme {
        Scheme::Https => true,
        Scheme::Http => origin.host.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> HttpGrant {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_line_says_what_it_holds() {
        let some = line("POST,GET https://a.example:8443/v1");
        assert_eq!(some.methods(), [Method::Get, Method::Post]);
        assert_eq!((some.path(), some.subdomains()), ("/v1", false));
        assert_eq!(some.origin().to_string(), "https://a.example:8443");
        let all = line("https://*.a.example");
        assert!(all.methods().is_empty() && all.path().is_empty() && all.subdomains());
    }

    /// Each kind of line that is refused has its own reason; one check does not cover for another.
    #[test]
    fn each_mistake_has_its_own_error() {
        for text in ["https://*", "https://*.org", "https://*.*.a.example", "https://a*.example", "http://*.a.example"]
        {
            assert!(matches!(text.parse::<HttpGrant>(), Err(GrantError::Wildcard(_))), "{text}");
        }
        for text in ["https://*.127.0.0.1", "https://*.[::1]", "https://a.example/*"] {
            assert!(matches!(text.parse::<HttpGrant>(), Err(GrantError::Wildcard(_))), "{text}");
        }
        for text in ["http://0.0.0.0", "http://[::]", "http://224.0.0.1", "http://[ff02::1]", "http://255.255.255.255"]
        {
            assert!(matches!(text.parse::<HttpGrant>(), Err(GrantError::Nobody(_))), "{text}");
        }
        assert!(matches!("https://a.example?x=1".parse::<HttpGrant>(), Err(GrantError::Query(_))));
        assert!(matches!("https://a.example/a%2fb".parse::<HttpGrant>(), Err(GrantError::Path(_))));
        assert!(matches!("TRACE https://a.example".parse::<HttpGrant>(), Err(GrantError::Method { .. })));
        assert!(matches!("https://A.example".parse::<HttpGrant>(), Err(GrantError::Url { .. })));
    }

    /// One line against another, under a method: what is covered is never more than what the first one allows.
    #[test]
    fn a_line_covers_what_is_inside_of_it() {
        for (one, other, covered) in [
            ("https://a.example", "https://a.example/v1", true),
            ("https://a.example/v1", "https://a.example/v1/x", true),
            ("https://a.example/v1", "https://a.example/v10", false),
            ("https://a.example/v1", "https://a.example", false),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://a.example:8443", false),
            ("https://a.example", "https://b.example", false),
            ("https://*.a.example", "https://x.a.example", true),
            ("https://*.a.example", "https://a.example", false),
            ("https://*.a.example", "https://*.a.example/v1", true),
            ("https://*.a.example/v1", "https://*.a.example", false),
            ("https://*.a.example", "https://*.x.a.example", true),
            ("https://*.x.a.example", "https://*.a.example", false),
            ("https://*.a.example", "https://*.a.example:8443", false),
            ("https://*.a.example", "https://*.b.example", false),
            ("https://a.example", "https://*.a.example", false),
            ("https://x.a.example", "https://*.a.example", false),
            ("GET https://a.example", "https://a.example", true),
            ("POST https://a.example", "https://a.example", false),
        ] {
            assert_eq!(line(one).covers(&line(other), Method::Get), covered, "{one} over {other}");
        }
    }

    #[test]
    fn editors_are_told_the_form_of_a_line() {
        let schema = serde_json::to_value(schemars::schema_for!(HttpGrant)).unwrap();
        assert_eq!((&schema["title"], &schema["type"]), (&"HttpGrant".into(), &"string".into()), "{schema}");
        for example in schema["examples"].as_array().unwrap() {
            line(example.as_str().unwrap());
        }
    }
}
