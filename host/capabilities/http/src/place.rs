//! Where a URL points, read strictly: one spelling for one place, and two parsers that have to agree on it.
//!
//! Everything that grants and requests are compared by is made here, so that no spelling can mean one thing to the
//! policy and another to the connection.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of a host name (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;

/// Bytes of one label of it.
const MAX_LABEL: usize = 63;

/// Bytes of a whole URL. Long enough for every API, short enough to be looked through for each request.
const MAX_URL: usize = 8 << 10;

/// How a place is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS, the certificate checked.
    Https,
}

impl Scheme {
    /// As it is written in a URL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that is meant where none is written.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A host in its one canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name: lower-case letters, digits and hyphens; international names as A-labels.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

impl Host {
    /// Reads a host in its canonical spelling; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// It is spelled in any other way, or is no host.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if let Some(inside) = text.strip_prefix('[') {
            let inside = inside.strip_suffix(']').ok_or(UrlError::Address)?;
            let ip: Ipv6Addr = inside.parse().map_err(|_| UrlError::Address)?;
            return if ip.to_string() == inside { Ok(Self::V6(ip)) } else { Err(UrlError::Address) };
        }
        let last = text.rsplit('.').next().unwrap_or_default();
        let numeric = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
        let hexadecimal = last.starts_with("0x") && last.bytes().skip(2).all(|b| b.is_ascii_hexdigit());
        if numeric || hexadecimal {
            let ip: Ipv4Addr = text.parse().map_err(|_| UrlError::Address)?;
            return if ip.to_string() == text { Ok(Self::V4(ip)) } else { Err(UrlError::Address) };
        }
        name(text)?;
        Ok(Self::Name(text.to_owned()))
    }

    /// The address, where the host is written as one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(ip) => Some(IpAddr::V4(*ip)),
            Self::V6(ip) => Some(IpAddr::V6(*ip)),
        }
    }

    /// Whether it is an address of this machine.
    pub fn is_loopback(&self) -> bool {
        self.address().is_some_and(|ip| ip.is_loopback())
    }

    /// Whether this name lies below another one.
    pub(crate) fn is_below(&self, base: &Self) -> bool {
        match (self, base) {
            (Self::Name(name), Self::Name(base)) => {
                name.strip_suffix(base.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
            _ => false,
        }
    }

    /// For people: an international name in both of its forms, so that neither hides something.
    pub(crate) fn for_people(&self) -> String {
        match self {
            Self::Name(name) if name.contains("xn--") => format!("{name} ({})", idna::domain_to_unicode(name).0),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(ip) => ip.fmt(f),
            Self::V6(ip) => write!(f, "[{ip}]"),
        }
    }
}

/// Letters, digits and hyphens in labels of their length, and valid A-labels where it says so.
fn name(text: &str) -> Result<(), UrlError> {
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text == "localhost" || text.ends_with(".localhost") {
        return Err(UrlError::Localhost);
    }
    // The library is asked too: only it knows which A-labels decode to something that encodes back to the same.
    let same = idna::domain_to_ascii(text).is_ok_and(|ascii| ascii == text);
    if text.len() > MAX_NAME || !text.split('.').all(label) || !same {
        return Err(UrlError::Name);
    }
    Ok(())
}

/// Scheme, host and port: what a connection is made to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// The host.
    pub host: Host,
    /// The port, never implicit.
    pub port: u16,
}

impl Origin {
    /// Host and port as they stand in a `Host` field: the port only where it is not the usual one.
    pub fn authority(&self) -> String {
        match self.port == self.scheme.default_port() {
            true => self.host.to_string(),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.word(), self.authority())
    }
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) origin: Origin,
    /// Starts with a slash.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
}

/// Why a URL is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not `http` or `https`, or not a URL at all.
    #[error("it has to start with `https://` or `http://` and name a host")]
    Scheme,
    /// Too long.
    #[error("it is longer than {MAX_URL} bytes")]
    Length,
    /// Other characters than a URL may have.
    #[error(
        "it holds spaces, control characters, `#`, `\\` or characters outside ASCII; percent-encode them, and write international names as A-labels (`xn--…`)"
    )]
    Characters,
    /// `user:password@`.
    #[error("it holds a user name or a password; credentials never stand in URLs, bind them with `--secret`")]
    UserInfo,
    /// A host name in another spelling than the canonical one.
    #[error(
        "the host is not a name in canonical form: lower-case letters, digits and hyphens, no empty label, no dot at the end, international names as valid A-labels (`xn--…`)"
    )]
    Name,
    /// An address in another spelling than the canonical one.
    #[error(
        "the host is an address, and not in canonical form: four decimal numbers, or the shortest form of IPv6 in brackets and without a zone; no octal, hexadecimal or short forms"
    )]
    Address,
    /// `localhost`.
    #[error("`localhost` is not looked up; write the address, `127.0.0.1` or `[::1]`")]
    Localhost,
    /// The port is empty, zero, too large or has leading zeros.
    #[error("the port has to be a number from 1 to 65535 without leading zeros")]
    Port,
    /// The path starts with two slashes.
    #[error("the path starts with `//`, which some servers take for another host")]
    Slashes,
    /// Two parsers read different things out of it.
    #[error(
        "two URL parsers do not agree on it; leave out `.` and `..` segments, and percent-encode quotes, braces, brackets, carets and backslashes"
    )]
    Disagree,
}

/// Takes a URL apart.
///
/// # Errors
/// It is not in canonical form, or `http` and `url` read different things out of it.
pub(crate) fn locate(text: &str) -> Result<Located, UrlError> {
    if text.len() > MAX_URL {
        return Err(UrlError::Length);
    }
    if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'#' && b != b'\\') {
        return Err(UrlError::Characters);
    }
    let scheme = match text.split_once("://") {
        Some(("http", _)) => Scheme::Http,
        Some(("https", _)) => Scheme::Https,
        _ => return Err(UrlError::Scheme),
    };
    let uri: http::Uri = text.parse().map_err(|_| UrlError::Name)?;
    let authority = uri.authority().ok_or(UrlError::Scheme)?.as_str();
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    let (host, port) = split(authority)?;
    let origin = Origin { scheme, host: Host::parse(host)?, port: port.unwrap_or(scheme.default_port()) };
    if uri.path().starts_with("//") {
        return Err(UrlError::Slashes);
    }
    let located = Located { origin, path: uri.path().to_owned(), query: uri.query().map(str::to_owned) };
    if agrees(text, &located) { Ok(located) } else { Err(UrlError::Disagree) }
}

/// Host and port of an authority without user information.
fn split(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    let end = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    if port.is_empty() {
        return Ok((host, None));
    }
    let digits = port.strip_prefix(':').ok_or(UrlError::Port)?;
    let number: u16 = digits.parse().map_err(|_| UrlError::Port)?;
    if number == 0 || number.to_string() != digits {
        return Err(UrlError::Port);
    }
    Ok((host, Some(number)))
}

/// The second parser: the one of browsers, which mends what it reads. Where it mends anything, it does not agree.
fn agrees(text: &str, located: &Located) -> bool {
    let Ok(url) = url::Url::parse(text) else { return false };
    // It writes `'` in a query as `%27`, which is the same to every server and common in real queries.
    let query = located.query.as_deref().map(|query| query.replace('\'', "%27"));
    url.scheme() == located.origin.scheme.word()
        && url.username().is_empty()
        && url.password().is_none()
        && url.host_str() == Some(located.origin.host.to_string().as_str())
        && url.port_or_known_default() == Some(located.origin.port)
        && url.path() == located.path
        && url.query() == query.as_deref()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests;
