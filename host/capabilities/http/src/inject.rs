//! Puts secrets into requests, as the last step before they go out.

use crate::policy::Authorised;
use crate::problem::Problem;
use crate::scan::Needles;
use crate::secret::{How, Secrets};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use url::form_urlencoded;
use vox_model::check_secret;
use zeroize::Zeroizing;

/// One credential, ready to go out.
enum Credential {
    Header(HeaderName, HeaderValue),
    Query(String, SecretString),
}

/// The credentials of one request.
pub(crate) struct Injection {
    /// With the secret's name.
    credentials: Vec<(String, Credential)>,
    /// What to look for in the answer.
    pub(crate) needles: Arc<Needles>,
}

/// One credential that was put in.
pub(crate) struct Injected {
    /// The secret's name.
    pub(crate) secret: String,
    /// What it was put into.
    pub(crate) into: String,
    /// Whether the skill had set the same itself, which was replaced.
    pub(crate) replaced: bool,
}

impl Injection {
    /// Fetches the secrets that go with a request; none where none do.
    pub(crate) fn of(authorised: &Authorised, secrets: &dyn Secrets) -> Result<Option<Self>, Problem> {
        let mut found = Vec::new();
        for binding in authorised.bindings() {
            let name = binding.secret();
            let secret = secrets.get(name).ok_or_else(|| Problem::NoSecret(name.to_owned()))?;
            check_secret(secret.expose_secret().as_bytes())
                .map_err(|why| Problem::BadSecret(name.to_owned(), why.to_string().into()))?;
            found.push((binding, secret));
        }
        if found.is_empty() {
            return Ok(None);
        }
        // What stands on the wire is as good as the secret, and an encoding of it holds no encoding of the secret.
        let tokens: Vec<_> = found.iter().map(|(binding, secret)| on_the_wire(binding.how(), secret)).collect();
        let mut pairs = Vec::new();
        for ((binding, secret), token) in found.iter().zip(&tokens) {
            pairs.push((binding.secret(), secret.expose_secret()));
            pairs.extend(token.as_ref().map(|token| (binding.secret(), token.as_str())));
        }
        let too_large =
            |_| Problem::BadSecret(pairs[0].0.to_owned(), "it is too large to be looked for in the answer".into());
        let needles = Needles::new(&pairs).map_err(too_large)?;
        let credentials = found
            .into_iter()
            .map(|(binding, secret)| {
                Ok((binding.secret().to_owned(), credential(binding.secret(), binding.how(), secret)?))
            })
            .collect::<Result<_, Problem>>()?;
        Ok(Some(Self { credentials, needles }))
    }

    /// The names of the fields that are set.
    pub(crate) fn fields(&self) -> Vec<HeaderName> {
        let header = |(_, credential): &(String, Credential)| match credential {
            Credential::Header(name, _) => Some(name.clone()),
            Credential::Query(..) => None,
        };
        self.credentials.iter().filter_map(header).collect()
    }

    /// Puts everything in. Replaces what the skill has set under the same names.
    pub(crate) fn apply(self, fields: &mut HeaderMap, target: &mut Zeroizing<String>) -> Vec<Injected> {
        let mut injected = Vec::new();
        for (secret, credential) in self.credentials {
            let (into, replaced) = match credential {
                Credential::Header(name, value) => (name.to_string(), fields.insert(name, value).is_some()),
                Credential::Query(name, value) => {
                    let (text, replaced) = with_parameter(target, &name, value.expose_secret());
                    *target = text;
                    (format!("query parameter {name}"), replaced)
                }
            };
            injected.push(Injected { secret, into, replaced });
        }
        injected
    }
}

fn credential(name: &str, how: &How, secret: SecretString) -> Result<Credential, Problem> {
    let (field, text) = match how {
        How::Query { name } => return Ok(Credential::Query(name.clone(), secret)),
        How::Header { name, template } => (name, Zeroizing::new(template.replacen("{}", secret.expose_secret(), 1))),
        How::Basic { user } => (&AUTHORIZATION, Zeroizing::new(format!("Basic {}", token(user, &secret).as_str()))),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Problem::BadSecret(name.to_owned(), "it is not valid in a header".into()))?;
    // Keeps it out of the compression tables of HTTP/2 and out of what the libraries print.
    value.set_sensitive(true);
    Ok(Credential::Header(field.clone(), value))
}

/// What a secret becomes on the wire, where it becomes something else.
fn on_the_wire(how: &How, secret: &SecretString) -> Option<Zeroizing<String>> {
    match how {
        How::Header { .. } => None,
        How::Basic { user } => Some(token(user, secret)),
        How::Query { .. } => {
            Some(Zeroizing::new(form_urlencoded::byte_serialize(secret.expose_secret().as_bytes()).collect()))
        }
    }
}

/// User and password as Basic writes them (RFC 7617, section 2).
fn token(user: &str, secret: &SecretString) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{}", secret.expose_secret()));
    Zeroizing::new(STANDARD.encode(pair.as_bytes()))
}

/// A target with one parameter, in place of all of its name.
fn with_parameter(target: &str, name: &str, value: &str) -> (Zeroizing<String>, bool) {
    let (path, query) = target.split_once('?').map_or((target, ""), |(path, query)| (path, query));
    let is_same = |piece: &&str| form_urlencoded::parse(piece.as_bytes()).any(|(key, _)| key == name);
    let replaced = query.split('&').any(|piece| is_same(&piece));
    let mut text = Zeroizing::new(format!("{path}?"));
    for piece in query.split('&').filter(|piece| !piece.is_empty() && !is_same(piece)) {
        text.push_str(piece);
        text.push('&');
    }
    text.extend(form_urlencoded::byte_serialize(name.as_bytes()));
    text.push('=');
    text.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    (text, replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_the_same_name_are_replaced() {
        for (target, expected, replaced) in [
            ("/v1", "/v1?key=a%2Fb+c", false),
            ("/v1?x=1&y=%20", "/v1?x=1&y=%20&key=a%2Fb+c", false),
            ("/v1?key=mine", "/v1?key=a%2Fb+c", true),
            ("/v1?x&key&%6bey=2&key=3&keys=4", "/v1?x&keys=4&key=a%2Fb+c", true),
        ] {
            let (text, was) = with_parameter(target, "key", "a/b c");
            assert_eq!((text.as_str(), was), (expected, replaced), "{target}");
        }
    }
}
