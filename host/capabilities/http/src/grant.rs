//! What a person grants: places that may be spoken to, places that may not, and secrets that go along.

use crate::manifest::Request;
use crate::rule::{HttpGrant, Method};
use crate::secret::SecretBinding;
use serde::{Deserialize, Serialize};
use vox_model::Capability;

/// The grant of outgoing HTTP. Empty means nothing, deny beats allow, and it holds no secrets, only their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Places that may be spoken to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<HttpGrant>,
    /// Places that may not, whatever else is granted. One with a path stops what a server could take for that path;
    /// one that is an address also stops names that lead to the address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<HttpGrant>,
    /// Which secrets the host adds to which requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretBinding>,
}

impl AsRef<Self> for Grant {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Grant {
    /// Whether it gives nothing.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty()
    }

    /// Adds what another grant gives and takes away.
    pub fn merge(&mut self, other: &Self) {
        add(&mut self.allow, &other.allow);
        add(&mut self.deny, &other.deny);
        add(&mut self.secrets, &other.secrets);
    }

    /// What it gives, in sentences for a person. International names are shown in both of their forms.
    pub fn describe(&self) -> Vec<String> {
        let place = |grant: &HttpGrant| {
            let methods: Vec<_> = grant.methods.iter().map(|method| method.word()).collect();
            let methods = if methods.is_empty() { "any method".to_owned() } else { methods.join(", ") };
            let below = if grant.subdomains { "every name below " } else { "" };
            let host = grant.origin.host.for_people();
            let path = if grant.path.is_empty() { String::new() } else { format!(", paths under {}", grant.path) };
            format!("{below}{host} by {} on port {} ({methods}{path})", grant.origin.scheme.word(), grant.origin.port)
        };
        let allow = self.allow.iter().map(|grant| format!("may send requests to {}", place(grant)));
        let deny = self.deny.iter().map(|grant| format!("may not send requests to {}", place(grant)));
        let secrets = self.secrets.iter().map(|binding| {
            format!(
                "the secret {} is added as {} to requests to {}",
                binding.secret,
                binding.sets(),
                place(&binding.place)
            )
        });
        allow.chain(deny).chain(secrets).collect()
    }

    /// The flags that would give what is asked for and not granted. Bindings of secrets that no place could have are
    /// left out: no flag gives them.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        let mut flags = Vec::new();
        for wanted in &request.allow {
            let wanted = wanted.grant();
            if !self.gives(&wanted) {
                flags.push(allow_flag(&wanted));
            }
        }
        for (name, wanted) in &request.secrets {
            if let Ok(binding) = wanted.binding(name)
                && !self.secrets.contains(&binding)
            {
                flags.push(format!("--secret {}", quoted(&binding.to_string())));
            }
        }
        flags
    }

    /// Whether a whole place is granted, each of its methods by some line.
    fn gives(&self, wanted: &HttpGrant) -> bool {
        let methods = if wanted.methods.is_empty() { &Method::ALL[..] } else { &wanted.methods };
        methods.iter().all(|method| self.allow.iter().any(|grant| grant.covers(wanted, *method)))
    }
}

fn add<T: Clone + PartialEq>(to: &mut Vec<T>, from: &[T]) {
    for item in from {
        if !to.contains(item) {
            to.push(item.clone());
        }
    }
}

/// The flag that grants a place.
pub(crate) fn allow_flag(grant: &HttpGrant) -> String {
    format!("--allow-http {}", quoted(&grant.to_string()))
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/%@,+=".contains(&b);
    match text.bytes().all(safe) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// What the list of capabilities and the store of grants ask of every grant.
impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::HttpOut];

    /// The words under which it gives anything.
    pub fn capabilities(&self) -> Vec<Capability> {
        if self.is_empty() { Vec::new() } else { Self::SERVES.to_vec() }
    }

    /// Takes away what the other gives. What overlaps only in part is forbidden besides, because deny beats allow.
    pub fn subtract(&mut self, denied: &Self) {
        self.allow.retain(|place| !denied.gives(place));
        add(&mut self.deny, &denied.allow);
        add(&mut self.deny, &denied.deny);
        self.secrets.retain(|binding| !denied.secrets.contains(binding));
    }

    /// What this gives and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        // What the other forbids and this does not, the other does not give, wherever it lies.
        let forbids_more = !other.deny.iter().all(|place| self.deny.contains(place));
        let allow = self.allow.iter().filter(|place| forbids_more || !other.gives(place));
        let secrets = self.secrets.iter().filter(|binding| !other.secrets.contains(binding));
        Self { allow: allow.cloned().collect(), deny: Vec::new(), secrets: secrets.cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(allow: &[&str]) -> Grant {
        Grant { allow: allow.iter().map(|text| text.parse().unwrap()).collect(), ..Grant::default() }
    }

    #[test]
    fn lines_go_there_and_back() {
        for text in [
            "https://api.example.org",
            "GET https://api.example.org:8443/v1/",
            "GET,POST https://api.example.org/v1",
            "http://127.0.0.1:8080",
            "http://example.org",
            "http://[::1]:8080/x",
            "https://*.example.org",
            "https://xn--mnchen-3ya.de",
        ] {
            assert_eq!(text.parse::<HttpGrant>().unwrap_or_else(|e| panic!("{text}: {e}")).to_string(), text);
        }
        assert_eq!("https://a.example:443/".parse::<HttpGrant>().unwrap().to_string(), "https://a.example");
        assert_eq!(
            "POST,GET,GET https://a.example".parse::<HttpGrant>().unwrap().to_string(),
            "GET,POST https://a.example"
        );
        assert!("https://*.example.org".parse::<HttpGrant>().unwrap().subdomains());
    }

    #[test]
    fn lines_that_give_too_much_or_mean_two_things_are_refused() {
        for text in [
            "",
            "*",
            "https://*",
            "https://*.",
            "https://*.org",
            "https://*.*.example.org",
            "https://a*.example.org",
            "https://a.*.example.org",
            "http://*.example.org",
            "https://*.127.0.0.1",
            "https://*.[::1]",
            "https://example.org/*",
            "*://example.org",
            "https://example.org:*",
            "https://example.org?x=1",
            "https://example.org/?",
            "https://example.org/a/../b",
            "https://example.org/a%2fb",
            "https://example.org/a//b",
            "https://user@example.org",
            "https://example.org.",
            "https://EXAMPLE.org",
            "https://example.org/#",
            "http://2130706433",
            "http://localhost:8080",
            "http://0.0.0.0",
            "http://[::]:80",
            "http://224.0.0.1",
            "http://255.255.255.255",
            "example.org",
            "ftp://example.org",
            "get https://example.org",
            "CONNECT https://example.org",
            "TRACE https://example.org",
            "GET, POST https://example.org",
            " https://example.org",
            "https://example.org ",
            "GET  https://example.org",
            "https://münchen.de",
        ] {
            assert!(text.parse::<HttpGrant>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn refusals_teach() {
        let error = |text: &str| text.parse::<HttpGrant>().unwrap_err().to_string();
        assert!(error("http://localhost:1").contains("127.0.0.1"), "{}", error("http://localhost:1"));
        assert!(error("https://user:pw@a.example").contains("--secret"));
        assert!(error("TRACE https://a.example").contains("`TRACE`"));
    }

    #[test]
    fn what_is_missing_comes_as_flags() {
        let request: Request = toml::from_str(
            r#"
            allow = ["https://api.example.org", { url = "https://b.example/v1", methods = ["GET", "POST"], reason = "x" }]
            [secrets.token]
            url = "https://api.example.org/v1"
            header = "Authorization"
            template = "Bearer {}"
            "#,
        )
        .unwrap();
        assert_eq!(
            Grant::default().missing(&request),
            [
                "--allow-http https://api.example.org",
                "--allow-http 'GET,POST https://b.example/v1'",
                "--secret 'token=https://api.example.org/v1;header=authorization:Bearer {}'",
            ]
        );
        let mut given = grant(&["https://*.example.org", "GET https://b.example", "POST https://b.example/v1"]);
        assert_eq!(given.missing(&request).len(), 1, "the secret alone: {:?}", given.missing(&request));
        given.secrets.push("token=https://api.example.org/v1;header=Authorization:Bearer {}".parse().unwrap());
        assert!(given.missing(&request).is_empty());
        assert_eq!(grant(&["GET https://api.example.org"]).missing(&request).len(), 3, "a method is not all methods");
    }

    #[test]
    fn grants_are_stored_as_text_and_checked_when_read() {
        let mut given = grant(&["GET https://a.example/v1"]);
        given.secrets.push("t=https://a.example;basic=u".parse().unwrap());
        let text = serde_json::to_string(&given).unwrap();
        assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), given);
        assert!(serde_json::from_str::<Grant>(r#"{"allow":["https://*"]}"#).is_err());
        assert!(serde_json::from_str::<Grant>(r#"{"allowed":[]}"#).is_err());
        assert!(Grant::default().is_empty());
    }

    #[test]
    fn unknown_keys_of_a_manifest_are_errors() {
        for text in ["alow = []", "allow = [{ url = \"https://a.example\", method = [] }]", "[htp]"] {
            assert!(toml::from_str::<Request>(text).is_err(), "{text}");
        }
        let two = "[secrets.t]\nurl = \"https://a.example\"\nheader = \"x\"\nquery = \"y\"";
        let request: Request = toml::from_str(two).unwrap();
        assert!(request.secrets["t"].binding("t").is_err());
    }

    #[test]
    fn merging_adds_once() {
        let mut all = grant(&["https://a.example"]);
        all.merge(&grant(&["https://a.example", "https://b.example"]));
        assert_eq!(all, grant(&["https://a.example", "https://b.example"]));
        assert_eq!(all.describe().len(), 2);
    }

    #[test]
    fn the_schema_says_what_is_taken() {
        let schema = serde_json::to_value(schemars::schema_for!(Request)).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        assert!(schema["properties"]["allow"].is_object() && schema["properties"]["secrets"].is_object());
    }

    /// A grant of places, of places that are denied, and of secrets.
    fn whole(allow: &[&str], deny: &[&str], secrets: &[&str]) -> Grant {
        Grant {
            deny: grant(deny).allow,
            secrets: secrets.iter().map(|text| text.parse().unwrap()).collect(),
            ..grant(allow)
        }
    }

    #[test]
    fn what_allows_something_is_a_grant_and_nothing_else_is() {
        let deny_alone = whole(&[], &["https://a.example"], &["t=https://a.example;basic=u"]);
        assert!(deny_alone.is_empty() && deny_alone.capabilities().is_empty());
        let one = grant(&["https://a.example"]);
        assert!(!one.is_empty());
        assert_eq!(one.capabilities(), [Capability::HttpOut]);
    }

    /// What is denied goes where it is covered, and is forbidden besides where it lies inside of what stays.
    #[test]
    fn a_denial_takes_away_and_forbids() {
        let mut less = whole(
            &["https://a.example", "https://b.example/v1", "https://c.example"],
            &["https://c.example/old"],
            &["s=https://a.example;basic=u", "t=https://b.example;basic=u"],
        );
        less.subtract(&whole(
            &["https://b.example", "https://a.example/admin"],
            &["https://c.example/new"],
            &["t=https://b.example;basic=u"],
        ));
        let left = whole(
            &["https://a.example", "https://c.example"],
            &["https://c.example/old", "https://b.example", "https://a.example/admin", "https://c.example/new"],
            &["s=https://a.example;basic=u"],
        );
        assert_eq!(less, left);
    }

    #[test]
    fn what_widened_is_shown() {
        let known = whole(&["https://a.example", "GET https://b.example"], &[], &["s=https://a.example;basic=u"]);
        let wants = whole(
            &["https://a.example/v1", "https://b.example", "https://c.example"],
            &["https://a.example/x"],
            &["s=https://a.example;basic=u", "t=https://a.example;basic=u"],
        );
        let new = whole(&["https://b.example", "https://c.example"], &[], &["t=https://a.example;basic=u"]);
        assert_eq!(wants.without(&known), new);
        // What the other forbids it does not give, so nothing of it counts as known, unless this forbids it too.
        let forbids = Grant { deny: grant(&["https://a.example/x"]).allow, ..known.clone() };
        assert_eq!(known.without(&forbids).allow, known.allow);
        assert_eq!(forbids.without(&forbids).allow, []);
    }
}
