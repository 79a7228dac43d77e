//! Credentials: where one goes, and how it gets there. A binding knows the name of a secret, never the secret.

use crate::headers;
use crate::rule::{GrantError, HttpGrant, is_confidential};
use http::HeaderName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use vox_model::{BadSecretName, check_secret_name};

/// Bytes of a user's name, and of a parameter's.
const MAX_NAME: usize = 64;

/// Bytes of the text around a secret in a header.
const MAX_TEMPLATE: usize = 256;

/// What stands for the secret in a template.
const HOLE: &str = "{}";

/// Gives secrets by name. The embedder keeps them; this crate asks at the last step of each request and forgets.
pub trait Secrets: Send + Sync {
    /// The secret of this name, if there is one. Called within requests, so it must not block for long.
    fn get(&self, name: &str) -> Option<SecretString>;
}

/// There are no secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn get(&self, _: &str) -> Option<SecretString> {
        None
    }
}

/// How a secret is put into a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// A header; `{}` in the template stands for the secret.
    Header {
        /// The header's name.
        name: HeaderName,
        /// Its value, with `{}` in it once.
        template: String,
    },
    /// `Authorization: Basic`, the secret as the password.
    Basic {
        /// The user name.
        user: String,
    },
    /// A parameter of the query. Queries end up in the logs of servers, so only where nothing else is offered.
    Query {
        /// The parameter's name.
        name: String,
    },
}

/// Which secret goes to which place, and how. Written `NAME=PLACE;HOW`:
///
/// - `token=https://api.example.org/v1;header=Authorization:Bearer {}`
/// - `token=GET,POST https://api.example.org;basic=robot`
/// - `token=https://api.example.org;query=key`
///
/// The place is written as in a grant, is one exact host, and is `https` or an address of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretBinding {
    pub(crate) secret: String,
    pub(crate) place: HttpGrant,
    pub(crate) how: How,
}

/// Why a binding is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// It has another form.
    #[error(
        "a secret is bound as `NAME=https://host[/path];header=Authorization:Bearer {{}}`, `…;basic=USER` or `…;query=PARAMETER`"
    )]
    Form,
    /// The name of the secret.
    #[error(transparent)]
    Name(#[from] BadSecretName),
    /// The place.
    #[error(transparent)]
    Place(#[from] GrantError),
    /// A wildcard.
    #[error("a secret goes to one exact host: `{0}` has a wildcard")]
    Wildcard(HttpGrant),
    /// Plain text.
    #[error(
        "a secret travels over https only, or to an address of this machine such as `http://127.0.0.1:8080`; `{0}` is neither"
    )]
    PlainText(HttpGrant),
    /// The header cannot be used.
    #[error("`{0}` is no header that a secret can be put into")]
    Header(String),
    /// The template cannot be used.
    #[error(
        "the value of a header has `{{}}` in it once, where the secret goes, and printable ASCII around it, at most {MAX_TEMPLATE} bytes"
    )]
    Template,
    /// The user name cannot be used.
    #[error("a user name is 1 to {MAX_NAME} printable characters of ASCII without `:`")]
    User,
    /// The parameter cannot be used.
    #[error("the name of a parameter is 1 to {MAX_NAME} letters, digits, `_`, `-` and `.`")]
    Parameter,
}

impl SecretBinding {
    /// Binds a secret to a place.
    ///
    /// # Errors
    /// A name, the place or the way is not one that a secret can have.
    pub fn new(secret: &str, place: HttpGrant, how: How) -> Result<Self, BindingError> {
        check_secret_name(secret)?;
        if place.subdomains {
            return Err(BindingError::Wildcard(place));
        }
        if !is_confidential(&place.origin) {
            return Err(BindingError::PlainText(place));
        }
        let printable = |text: &str| text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        match &how {
            How::Header { name, .. } if !headers::can_hold_secret(name) => {
                return Err(BindingError::Header(name.to_string()));
            }
            How::Header { template, .. } => {
                let once = template.matches(HOLE).count() == 1 && template.matches(['{', '}']).count() == 2;
                if !once || template.len() > MAX_TEMPLATE || !printable(template) || template.trim() != template {
                    return Err(BindingError::Template);
                }
            }
            How::Basic { user } => {
                if user.is_empty() || user.len() > MAX_NAME || user.contains(':') || !printable(user) {
                    return Err(BindingError::User);
                }
            }
            How::Query { name } if !is_word(name) => return Err(BindingError::Parameter),
            How::Query { .. } => {}
        }
        Ok(Self { secret: secret.to_owned(), place, how })
    }

    /// The secret's name.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Where it goes.
    pub fn place(&self) -> &HttpGrant {
        &self.place
    }

    /// How it gets there.
    pub fn how(&self) -> &How {
        &self.how
    }

    /// What it sets, for people: `authorization` or `query parameter key`.
    pub(crate) fn sets(&self) -> String {
        match &self.how {
            How::Header { name, .. } => name.to_string(),
            How::Basic { .. } => "authorization".to_owned(),
            How::Query { name } => format!("query parameter {name}"),
        }
    }
}

/// Whether a text is a plain word: what names of parameters are made of.
fn is_word(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

impl FromStr for SecretBinding {
    type Err = BindingError;

    fn from_str(text: &str) -> Result<Self, BindingError> {
        let (secret, rest) = text.split_once('=').ok_or(BindingError::Form)?;
        let (place, how) = rest.split_once(';').ok_or(BindingError::Form)?;
        let how = match how.split_once('=').ok_or(BindingError::Form)? {
            ("header", field) => {
                let (name, template) = field.split_once(':').ok_or(BindingError::Form)?;
                let known = HeaderName::from_bytes(name.as_bytes());
                let name = known.map_err(|_| BindingError::Header(name.to_owned()))?;
                How::Header { name, template: template.trim_start().to_owned() }
            }
            ("basic", user) => How::Basic { user: user.to_owned() },
            ("query", name) => How::Query { name: name.to_owned() },
            _ => return Err(BindingError::Form),
        };
        Self::new(secret, place.parse()?, how)
    }
}

impl TryFrom<String> for SecretBinding {
    type Error = BindingError;

    fn try_from(text: String) -> Result<Self, BindingError> {
        text.parse()
    }
}

impl From<SecretBinding> for String {
    fn from(binding: SecretBinding) -> Self {
        binding.to_string()
    }
}

impl fmt::Display for SecretBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={};", self.secret, self.place)?;
        match &self.how {
            How::Header { name, template } => write!(f, "header={name}:{template}"),
            How::Basic { user } => write!(f, "basic={user}"),
            How::Query { name } => write!(f, "query={name}"),
        }
    }
}

impl JsonSchema for SecretBinding {
    fn schema_name() -> Cow<'static, str> {
        "SecretBinding".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Which secret goes where: NAME=https://host[/path];header=NAME:TEMPLATE, ;basic=USER or ;query=PARAMETER",
            "examples": ["token=https://api.example.org;header=Authorization:Bearer {}"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_goes_there_and_back() {
        for text in [
            "token=https://api.example.org/v1;header=authorization:Bearer {}",
            "token=GET,POST https://api.example.org;basic=robot",
            "a-b-c=http://127.0.0.1:8080;query=key",
            "t=http://[::1]:8080;header=x-key:{}",
        ] {
            assert_eq!(text.parse::<SecretBinding>().unwrap_or_else(|e| panic!("{text}: {e}")).to_string(), text);
        }
        let spaced: SecretBinding = "t=https://a.example;header=Authorization: Bearer {}".parse().unwrap();
        assert_eq!(spaced.how, How::Header { name: http::header::AUTHORIZATION, template: "Bearer {}".to_owned() });
    }

    #[test]
    fn what_could_give_a_secret_away_is_refused() {
        for text in [
            "",
            "token",
            "token=https://a.example",
            "=https://a.example;query=k",
            "a b=https://a.example;query=k",
            "t=https://a.example;cookie=x",
            "t=https://a.example;header=Authorization",
            // Downgrades, wildcards, other spellings.
            "t=http://a.example;query=k",
            "t=http://10.0.0.1;query=k",
            "t=https://*.a.example;query=k",
            "t=https://user@a.example;query=k",
            "t=https://a.example./;query=k",
            "t=https://a.example/../;query=k",
            // Templates.
            "t=https://a.example;header=Authorization:Bearer",
            "t=https://a.example;header=Authorization:{} {}",
            "t=https://a.example;header=Authorization:{}\r\nHost: b",
            "t=https://a.example;header=x y:{}",
            "t=https://a.example;header=X:{{}}",
            // Headers that belong to the host.
            "t=https://a.example;header=Host:{}",
            "t=https://a.example;header=Content-Length:{}",
            "t=https://a.example;header=Transfer-Encoding:{}",
            "t=https://a.example;header=Accept-Encoding:{}",
            "t=https://a.example;header=X-Forwarded-For:{}",
            "t=https://a.example;basic=",
            "t=https://a.example;basic=a:b",
            "t=https://a.example;query=",
            "t=https://a.example;query=a&b",
        ] {
            assert!(text.parse::<SecretBinding>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_binding_says_what_it_holds() {
        let bound: SecretBinding = "t=GET https://a.example/v1;basic=u".parse().unwrap();
        assert_eq!((bound.secret(), bound.sets().as_str()), ("t", "authorization"));
        assert_eq!(bound.place().to_string(), "GET https://a.example/v1");
        assert_eq!(bound.how(), &How::Basic { user: "u".to_owned() });
        let sets = |how: &str| format!("t=https://a.example;{how}").parse::<SecretBinding>().unwrap().sets();
        assert_eq!([sets("header=X-Key:{}"), sets("query=k")], ["x-key", "query parameter k"]);
        assert!(NoSecrets.get("t").is_none());
    }

    /// The longest user, parameter and template are taken, and one byte more is not.
    #[test]
    fn texts_around_a_secret_have_bounds() {
        let takes = |how: String| format!("t=https://a.example;{how}").parse::<SecretBinding>();
        let (most, more) = ("u".repeat(MAX_NAME), "u".repeat(MAX_NAME + 1));
        assert!(takes(format!("basic={most}")).is_ok());
        assert_eq!(takes(format!("basic={more}")), Err(BindingError::User));
        assert!(takes(format!("query={most}")).is_ok());
        assert_eq!(takes(format!("query={more}")), Err(BindingError::Parameter));
        let template = |length: usize| format!("header=X-Key:{}{{}}", "x".repeat(length - HOLE.len()));
        assert!(takes(template(MAX_TEMPLATE)).is_ok());
        assert_eq!(takes(template(MAX_TEMPLATE + 1)), Err(BindingError::Template));
        assert!(takes("query=a_b-c.9".to_owned()).is_ok());
    }

    /// Each mistake has its own reason, so that one check does not cover for another.
    #[test]
    fn each_mistake_has_its_own_error() {
        let error = |text: &str| text.parse::<SecretBinding>().unwrap_err();
        assert!(matches!(error("t=https://*.a.example;query=k"), BindingError::Wildcard(_)));
        assert!(matches!(error("t=http://a.example;query=k"), BindingError::PlainText(_)));
        assert!(matches!(error("t=https://a.example;header=Host:{}"), BindingError::Header(_)));
        assert!(matches!(error("t=https://a.example;header=x y:{}"), BindingError::Header(_)));
        assert!(matches!(error("a b=https://a.example;query=k"), BindingError::Name(_)));
        assert!(matches!(error("t=https://A.example;query=k"), BindingError::Place(_)));
        for template in ["", "x", "{}{}", "{{}}", "{} {", "é{}", "{}\t{}", "{}\r\nx: y"] {
            let text = format!("t=https://a.example;header=X-Key:{template}");
            assert_eq!(error(&text), BindingError::Template, "{template:?}");
        }
        for user in ["", "a:b", "a\n", "é"] {
            assert_eq!(error(&format!("t=https://a.example;basic={user}")), BindingError::User, "{user:?}");
        }
        for parameter in ["", "a&b", "a=b", "a b", "é"] {
            assert_eq!(error(&format!("t=https://a.example;query={parameter}")), BindingError::Parameter);
        }
        for form in ["t", "t=https://a.example", "t=https://a.example;basic", "t=https://a.example;cookie=x"] {
            assert_eq!(error(form), BindingError::Form, "{form}");
        }
    }

    #[test]
    fn editors_are_told_the_form_of_a_binding() {
        let schema = serde_json::to_value(schemars::schema_for!(SecretBinding)).unwrap();
        assert_eq!((&schema["title"], &schema["type"]), (&"SecretBinding".into(), &"string".into()), "{schema}");
        for example in schema["examples"].as_array().unwrap() {
            assert!(example.as_str().unwrap().parse::<SecretBinding>().is_ok(), "{example}");
        }
    }
}
