//! The one place where a request becomes an authorised one.

use crate::address::{Named, special};
use crate::grant::{Grant, allow_flag};
use crate::place::{Located, Origin, locate};
use crate::rule::{HttpGrant, Method};
use crate::secret::SecretBinding;
use crate::{path, rule};
use std::fmt;

/// A request that a grant covers. [`authorise`] alone makes it, and nothing is sent without it.
#[derive(Clone, Debug)]
pub struct Authorised {
    method: Method,
    origin: Origin,
    /// Path and query as they go into the request line.
    target: String,
    grant: HttpGrant,
    bindings: Vec<SecretBinding>,
    named: Named,
}

impl Authorised {
    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// What the connection is made to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The line of the grant that covers it.
    pub fn grant(&self) -> &HttpGrant {
        &self.grant
    }

    /// The secrets that go along.
    pub fn bindings(&self) -> &[SecretBinding] {
        &self.bindings
    }

    pub(crate) fn named(&self) -> &Named {
        &self.named
    }
}

/// A request that no grant covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The rule that said no, for people.
    pub rule: String,
    /// The flag that would allow it: `--allow-http https://api.example.org`. None where no flag would.
    pub allow: Option<String>,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)?;
        match &self.allow {
            Some(flag) => write!(f, "; {flag} would allow it"),
            None => Ok(()),
        }
    }
}

impl Denied {
    fn never(rule: impl Into<String>) -> Self {
        Self { rule: rule.into(), allow: None }
    }
}

/// Holds a request against a grant. The one constructor of [`Authorised`].
///
/// # Errors
/// No line covers it, a line denies it, or it is written in a way that could mean two things.
pub fn authorise(method: &http::Method, uri: &http::Uri, grant: &Grant) -> Result<Authorised, Denied> {
    let Some(method) = Method::from_word(method.as_str()) else {
        return Err(Denied::never("only GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS can be sent"));
    };
    let Located { origin, path, query } =
        locate(&uri.to_string()).map_err(|why| Denied::never(format!("the URL is refused: {why}")))?;
    let plain = path::is_plain(&path);
    let at_origin = |line: &&HttpGrant| line.has_origin(&origin) && line.has_method(method);
    // A path that servers could read in different ways is taken for the denied one.
    let denies = |line: &&HttpGrant| at_origin(line) && (!plain || path::covers(&line.path, &path));
    if let Some(line) = grant.deny.iter().find(denies) {
        return Err(Denied::never(format!("denied by `{line}`")));
    }
    let Some(line) = grant.allow.iter().find(|line| at_origin(line) && line.has_path(&path, plain)) else {
        return Err(not_granted(method, &origin, plain, grant));
    };
    let mut bindings: Vec<_> =
        grant.secrets.iter().filter(|binding| goes_along(binding, method, &origin, &path)).collect();
    // Of two secrets for one field the one with the longer path goes; the sort keeps the order of equals.
    bindings.sort_by_key(|binding| std::cmp::Reverse(binding.place.path.len()));
    let mut taken = Vec::new();
    bindings.retain(|binding| {
        let first = !taken.contains(&binding.sets());
        taken.push(binding.sets());
        first
    });
    Ok(Authorised {
        method,
        target: query.map_or_else(|| path.clone(), |query| format!("{path}?{query}")),
        grant: line.clone(),
        bindings: bindings.into_iter().cloned().collect(),
        named: Named::of(grant, &origin),
        origin,
    })
}

/// Whether a program may open a tunnel to a place, in which its requests are then held against the grant one by one.
///
/// # Errors
/// No line covers anything there, or a line denies all of it.
pub(crate) fn tunnels(origin: &Origin, grant: &Grant) -> Result<(), Denied> {
    let whole = |line: &&HttpGrant| line.methods.is_empty() && line.path.is_empty() && line.has_origin(origin);
    if let Some(line) = grant.deny.iter().find(whole) {
        return Err(Denied::never(format!("denied by `{line}`")));
    }
    match grant.allow.iter().any(|line| line.has_origin(origin)) {
        true => Ok(()),
        // The method is that of most requests; with the host alone in question the flag has none.
        false => Err(not_granted(Method::Get, origin, true, grant)),
    }
}

/// Whether a secret goes along: the exact host of the binding, and a way on which nobody listens.
fn goes_along(binding: &SecretBinding, method: Method, origin: &Origin, path: &str) -> bool {
    let place = &binding.place;
    rule::is_confidential(origin)
        && !place.subdomains
        && place.origin == *origin
        && place.has_method(method)
        && place.has_path(path, path::is_plain(path))
}

/// Why nothing covers it, as exactly as it can be said, and a flag that would: for the host where it is new, for the
/// method alone where it is known.
fn not_granted(method: Method, origin: &Origin, plain: bool, grant: &Grant) -> Denied {
    let whole = HttpGrant { methods: Vec::new(), origin: origin.clone(), subdomains: false, path: String::new() };
    let host: Vec<_> = grant.allow.iter().filter(|line| line.has_origin(origin)).collect();
    let rule = if host.is_empty() {
        match grant.allow.iter().any(|line| line.origin.host == origin.host) {
            true => "the host is granted for another scheme or port".to_owned(),
            // A flag is named all the same; whoever types it should know what stands there.
            false => match origin.host.address().and_then(special) {
                Some(why) => format!("the host is not granted, and its address is special: {why}"),
                None => "the host is not granted".to_owned(),
            },
        }
    } else if !host.iter().any(|line| line.has_method(method)) {
        format!("the host is granted, the method {} is not", method.word())
    } else if !plain {
        "the grant is for some paths, and this one holds empty segments or escaped separators, letters or dots"
            .to_owned()
    } else {
        "the host is granted, this path is not".to_owned()
    };
    let needed = if host.is_empty() { whole } else { whole.limited_to(&[method]) };
    Denied { rule, allow: Some(allow_flag(&needed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(allow: &[&str], deny: &[&str], secrets: &[&str]) -> Grant {
        Grant {
            allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
            deny: deny.iter().map(|text| text.parse().unwrap()).collect(),
            secrets: secrets.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn ask(method: &str, url: &str, grant: &Grant) -> Result<Authorised, Denied> {
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        authorise(&method, &url.parse().unwrap_or_else(|e| panic!("{url}: {e}")), grant)
    }

    #[test]
    fn lines_cover_what_they_say() {
        let given = grant(
            &["https://a.example", "GET,HEAD https://b.example/v1", "http://127.0.0.1:8080", "https://*.c.example"],
            &[],
            &[],
        );
        for (method, url) in [
            ("GET", "https://a.example/"),
            ("DELETE", "https://a.example:443/x?y=z"),
            ("GET", "https://a.example/group%2Fproject"),
            ("HEAD", "https://b.example/v1"),
            ("GET", "https://b.example/v1/x"),
            ("POST", "http://127.0.0.1:8080/"),
            ("GET", "https://x.c.example/"),
            ("GET", "https://x.y.c.example/"),
        ] {
            assert!(ask(method, url, &given).is_ok(), "{method} {url}");
        }
        for (method, url) in [
            ("GET", "http://a.example/"),
            ("GET", "https://a.example:8443/"),
            ("GET", "https://aa.example/"),
            ("GET", "https://x.a.example/"),
            ("GET", "https://A.example/"),
            ("GET", "https://a.example./"),
            ("GET", "https://a.example//b"),
            ("CONNECT", "https://a.example/"),
            ("TRACE", "https://a.example/"),
            ("get", "https://a.example/"),
            ("PROPFIND", "https://a.example/"),
            ("POST", "https://b.example/v1"),
            ("GET", "https://b.example/"),
            ("GET", "https://b.example/v10"),
            ("GET", "https://b.example/v1/%2e%2e/x"),
            ("GET", "https://b.example/v1/..%2fx"),
            ("GET", "https://b.example/v1/..;/x"),
            ("GET", "https://b.example/v1/a//b"),
            ("GET", "http://127.0.0.1:8081/"),
            ("GET", "http://127.0.0.2:8080/"),
            ("GET", "https://c.example/"),
            ("GET", "https://badc.example/"),
            ("GET", "https://evil.example/"),
        ] {
            assert!(ask(method, url, &given).is_err(), "{method} {url}");
        }
    }

    #[test]
    fn tunnels_lead_where_something_is_granted() {
        let given = grant(
            &["GET https://a.example/v1", "http://b.example:8080", "https://*.c.example", "https://d.example"],
            &["https://d.example", "https://x.c.example", "DELETE https://a.example"],
            &[],
        );
        let may = |url: &str| tunnels(&locate(url).unwrap().origin, &given);
        for url in ["https://a.example", "http://b.example:8080", "https://y.c.example"] {
            assert!(may(url).is_ok(), "{url}");
        }
        for url in [
            "http://a.example",
            "https://a.example:8443",
            "https://b.example:8080",
            "https://c.example",
            "https://x.c.example",
            "https://d.example",
            "https://evil.example",
        ] {
            assert!(may(url).is_err(), "{url}");
        }
        assert_eq!(may("https://d.example").unwrap_err().rule, "denied by `https://d.example`");
        assert_eq!(may("https://e.example").unwrap_err().allow.as_deref(), Some("--allow-http https://e.example"));
    }

    #[test]
    fn deny_beats_allow() {
        let given = grant(
            &["https://a.example", "https://*.b.example"],
            &["DELETE https://a.example", "https://a.example/admin", "https://secret.b.example"],
            &[],
        );
        assert!(ask("GET", "https://a.example/", &given).is_ok());
        assert!(ask("GET", "https://ok.b.example/", &given).is_ok());
        for (method, url) in [
            ("DELETE", "https://a.example/"),
            ("GET", "https://a.example/admin"),
            ("GET", "https://a.example/admin/x"),
            ("GET", "https://a.example/%61dmin"),
            ("GET", "https://a.example/x//admin"),
            ("GET", "https://a.example/x/..%2fadmin"),
            ("GET", "https://secret.b.example/"),
        ] {
            let denied = ask(method, url, &given).unwrap_err();
            assert!(denied.rule.starts_with("denied by"), "{method} {url}: {denied}");
            assert_eq!(denied.allow, None, "no flag helps against a denial");
        }
    }

    #[test]
    fn a_denial_names_a_flag_that_helps() {
        let given = grant(&["GET https://a.example/v1"], &[], &[]);
        let flag = |method: &str, url: &str| ask(method, url, &given).unwrap_err().allow.unwrap();
        assert_eq!(flag("GET", "https://b.example/x"), "--allow-http https://b.example");
        assert_eq!(flag("GET", "http://[::1]:8080/x"), "--allow-http 'http://[::1]:8080'");
        assert_eq!(flag("POST", "https://a.example/v1"), "--allow-http 'POST https://a.example'");
        assert_eq!(flag("GET", "https://a.example/v2"), "--allow-http 'GET https://a.example'");
        let metadata = ask("GET", "http://169.254.169.254/latest", &given).unwrap_err();
        assert!(metadata.rule.contains("credentials"), "{metadata}");
        let again = grant(&["POST https://a.example"], &[], &[]);
        assert!(ask("POST", "https://a.example/v1", &again).is_ok(), "the flag does what it says");
    }

    /// K4 of the threat model.
    #[test]
    fn secrets_go_to_the_exact_place_only() {
        let given = grant(
            &[
                "https://a.example",
                "http://a.example",
                "https://a.example:8443",
                "https://*.a.example",
                "http://127.0.0.1:1",
            ],
            &[],
            &["t=GET https://a.example/v1;query=k", "u=http://127.0.0.1:1;basic=u"],
        );
        let bound = |method: &str, url: &str| ask(method, url, &given).unwrap().bindings.len();
        assert_eq!(bound("GET", "https://a.example/v1"), 1);
        assert_eq!(bound("GET", "http://127.0.0.1:1/"), 1);
        for (method, url) in [
            ("GET", "http://a.example/v1"),
            ("GET", "https://a.example:8443/v1"),
            ("GET", "https://x.a.example/v1"),
            ("POST", "https://a.example/v1"),
            ("GET", "https://a.example/v2"),
            ("GET", "https://a.example/v10"),
            ("GET", "https://a.example/v1/..%2fv2"),
        ] {
            assert_eq!(bound(method, url), 0, "{method} {url}");
        }
    }

    #[test]
    fn of_two_secrets_for_one_field_the_nearer_one_goes() {
        let given = grant(
            &["https://a.example"],
            &[],
            &[
                "a=https://a.example;header=X-Key:{}",
                "b=https://a.example/v1;header=X-Key:{}",
                "c=https://a.example;query=k",
            ],
        );
        let names = |url: &str| -> Vec<String> {
            ask("GET", url, &given).unwrap().bindings.iter().map(|b| b.secret.clone()).collect()
        };
        assert_eq!(names("https://a.example/v1"), ["b", "c"]);
        assert_eq!(names("https://a.example/"), ["a", "c"]);
    }

    #[test]
    fn what_was_authorised_is_what_was_asked() {
        let given = grant(
            &["GET https://a.example/v1", "https://a.example", "https://10.0.0.1"],
            &[],
            &["t=https://a.example;query=k"],
        );
        let asked = ask("GET", "https://a.example/v1/x?b=c", &given).unwrap();
        assert_eq!((asked.method(), asked.target()), (Method::Get, "/v1/x?b=c"));
        assert_eq!(asked.origin().to_string(), "https://a.example");
        assert_eq!(asked.grant().to_string(), "GET https://a.example/v1", "the first line that covers it");
        assert_eq!(asked.bindings().iter().map(SecretBinding::secret).collect::<Vec<_>>(), ["t"]);
        assert!(asked.named().check(&["10.0.0.1".parse().unwrap()], asked.origin()).is_ok());
        assert_eq!(ask("POST", "https://a.example/", &given).unwrap().target(), "/");
    }

    #[test]
    fn a_denial_says_what_exactly_is_missing() {
        let given = grant(&["GET https://a.example/v1"], &["https://d.example"], &[]);
        let rule = |method: &str, url: &str| ask(method, url, &given).unwrap_err().rule;
        assert_eq!(rule("GET", "https://b.example/"), "the host is not granted");
        for other in ["http://a.example/v1", "https://a.example:8443/v1"] {
            assert_eq!(rule("GET", other), "the host is granted for another scheme or port");
        }
        assert!(rule("GET", "https://10.0.0.1/").ends_with("its address is special: private"));
        assert_eq!(rule("POST", "https://a.example/v1"), "the host is granted, the method POST is not");
        assert_eq!(rule("GET", "https://a.example/v2"), "the host is granted, this path is not");
        assert!(rule("GET", "https://a.example/v1/a%2fb").starts_with("the grant is for some paths, and this one"));
        assert!(rule("TRACE", "https://a.example/v1").starts_with("only GET, HEAD"));
        assert!(rule("GET", "https://A.example/v1").starts_with("the URL is refused: the host is not a name"));
        let denied = |url: &str| ask("GET", url, &given).unwrap_err().to_string();
        assert_eq!(denied("https://d.example/"), "denied by `https://d.example`");
        assert_eq!(
            denied("https://b.example/"),
            "the host is not granted; --allow-http https://b.example would allow it"
        );
    }
}
