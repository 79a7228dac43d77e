//! What a manifest asks for: the section `[http]`.

use crate::rule::{HttpGrant, Method};
use crate::secret::{BindingError, How, SecretBinding};
use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The section `[http]` of a manifest. A request gives nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The places that the skill speaks to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Wanted>,
    /// `[http.secrets.NAME]`: what each secret is needed for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRequest>,
}

/// One place that a skill wants to speak to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Wanted {
    /// `"GET https://api.example.org/v1"`
    Line(HttpGrant),
    /// `{ url = "https://api.example.org/v1", methods = ["GET"], reason = "weather data" }`
    Table(WantedTable),
}

/// One place that a skill wants to speak to, as a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedTable {
    /// The place.
    pub url: HttpGrant,
    /// The methods; none means all that can be granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<Method>,
    /// What for, shown to the person who grants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Wanted {
    /// The grant that would give it.
    pub fn grant(&self) -> HttpGrant {
        match self {
            Self::Line(grant) => grant.clone(),
            Self::Table(table) if table.methods.is_empty() => table.url.clone(),
            Self::Table(table) => table.url.clone().limited_to(&table.methods),
        }
    }

    /// What it is for, if the manifest says so.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Line(_) => None,
            Self::Table(table) => table.reason.as_deref(),
        }
    }
}

/// Where a skill wants a secret to be put. The skill never sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretRequest {
    /// The place that it goes to, one exact host.
    pub url: HttpGrant,
    /// The methods it goes with; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<Method>,
    /// The header that it is put into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The header's value, `{}` for the secret; `{}` alone when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The user name of Basic authentication, the secret being the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_user: Option<String>,
    /// The parameter of the query that it is put into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What for, shown to the person who grants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl SecretRequest {
    /// The binding that would give it.
    ///
    /// # Errors
    /// It does not say how, says it twice, or asks for what no secret can have.
    pub fn binding(&self, name: &str) -> Result<SecretBinding, BindingError> {
        let how = match (&self.header, &self.basic_user, &self.query) {
            (Some(header), None, None) => {
                let known = HeaderName::from_bytes(header.as_bytes());
                let name = known.map_err(|_| BindingError::Header(header.clone()))?;
                How::Header { name, template: self.template.clone().unwrap_or_else(|| "{}".to_owned()) }
            }
            (None, Some(user), None) if self.template.is_none() => How::Basic { user: user.clone() },
            (None, None, Some(query)) if self.template.is_none() => How::Query { name: query.clone() },
            _ => return Err(BindingError::Form),
        };
        let place = self.url.clone();
        let place = if self.methods.is_empty() { place } else { place.limited_to(&self.methods) };
        SecretBinding::new(name, place, how)
    }
}
