//! A URL, cut into what a request needs. The host judges it again, and more strictly.

/// Bytes of a URL: what servers take (RFC 9110, section 4.1, recommends 8000 octets).
const MAX: usize = 8 << 10;

/// How the server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// The parts of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'u> {
    /// How.
    pub scheme: Scheme,
    /// Host, and port where there is one.
    pub authority: &'u str,
    /// Path and query, from the first `/`.
    pub path: String,
}

impl<'u> Address<'u> {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// Why it cannot be asked for.
    pub fn parse(url: &'u str) -> Result<Self, String> {
        if url.len() > MAX {
            return Err(format!("it has {} bytes, at most {MAX} are sent", url.len()));
        }
        if let Some(odd) = url.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(format!("it holds {odd:?}; write it percent-encoded, such as %20 for a blank"));
        }
        let (scheme, rest) = match url.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            Some((other, _)) => return Err(format!("the scheme `{other}` is neither `http` nor `https`")),
            None => return Err("it has no scheme; write http://… or https://…".to_owned()),
        };
        // The fragment is for whoever reads the document, the server never sees it.
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() {
            return Err("it names no host".to_owned());
        }
        if authority.contains('@') {
            return Err("it holds a user name; credentials are the host's to add: vox call … --secret".to_owned());
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, authority, path })
    }

    /// Scheme and authority: what a grant is about.
    pub fn place(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        format!("{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_apart() {
        for (url, authority, path) in [
            ("http://a.example", "a.example", "/"),
            ("http://a.example/", "a.example", "/"),
            ("http://a.example:8080/x/y?z=1&u=%20", "a.example:8080", "/x/y?z=1&u=%20"),
            ("http://a.example?z=/1", "a.example", "/?z=/1"),
            ("http://[::1]:80/x#part", "[::1]:80", "/x"),
            ("http://a.example#/x?y", "a.example", "/"),
        ] {
            let read = Address::parse(url).unwrap_or_else(|why| panic!("{url}: {why}"));
            assert_eq!((read.scheme, read.authority, &*read.path), (Scheme::Http, authority, path), "{url}");
        }
        assert_eq!(Address::parse("https://a.example:1/b").unwrap().place(), "https://a.example:1");
    }

    #[test]
    fn what_is_no_url_is_said_so() {
        for (url, why) in [
            ("", "no scheme"),
            ("a.example/x", "no scheme"),
            ("mailto:a@b", "no scheme"),
            ("ftp://a.example", "`ftp`"),
            ("HTTP://a.example", "`HTTP`"),
            ("file:///etc/passwd", "`file`"),
            ("http://", "no host"),
            ("http:///x", "no host"),
            ("http://?x", "no host"),
            ("http://user:password@a.example/", "user name"),
            ("http://a.example/a b", "' '"),
            ("http://a.example/\r\nX-Evil: 1", "'\\r'"),
            ("http://exämple/", "'ä'"),
        ] {
            let said = Address::parse(url).expect_err(url);
            assert!(said.contains(why), "{url:?}: {said}");
        }
        assert!(Address::parse(&format!("http://a/{}", "x".repeat(MAX))).is_err());
        assert!(Address::parse(&format!("http://a/{}", "x".repeat(MAX - 9))).is_ok());
    }

    /// A password that was written into the URL does not come back in a message.
    #[test]
    fn passwords_are_not_repeated() {
        assert!(!Address::parse("http://user:hunter2@a.example/").unwrap_err().contains("hunter2"));
    }
}
