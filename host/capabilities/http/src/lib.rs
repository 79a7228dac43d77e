//! Outgoing HTTP for skills.
//!
//! A skill speaks `wasi:http`. What it asks for goes through one way: [`authorise`] holds it against the [`Grant`], the
//! host is looked up once, every address is checked ([`address`]), only checked addresses are dialled, secrets are
//! added as the last step, and the answer is capped, timed and searched for those secrets before the skill sees it.
//! Every request is taken down as an effect, with the flag that would have allowed it where it was denied.
//!
//! The embedder makes one [`Client`] for its host and one [`Http`] for each call, and [`link`]s the interfaces.

pub mod address;
mod body;
mod client;
mod connect;
mod egress;
mod grant;
mod headers;
mod inject;
mod limits;
mod manifest;
mod path;
mod place;
mod policy;
mod pool;
mod problem;
mod record;
mod resolve;
mod rule;
mod scan;
mod secret;
mod sender;
mod throttle;
mod wasi;

pub use client::{Client, ClientError, Options, check_roots};
pub use grant::Grant;
pub use limits::HttpLimits;
pub use manifest::{Request, SecretRequest, Wanted, WantedTable};
pub use place::{Host, Origin, Scheme, UrlError};
pub use policy::{Authorised, Denied, authorise};
pub use resolve::{Resolve, ResolveError, Resolving, StubResolver};
pub use rule::{GrantError, HttpGrant, Method};
pub use secret::{BindingError, How, NoSecrets, SecretBinding, Secrets};
pub use wasi::{Http, HttpCtxView, HttpView, link};

/// The secret type of [`Secrets`], and the body, error and options of [`Http::send`].
pub use {
    secrecy::SecretString, wasmtime_wasi_http::Error, wasmtime_wasi_http::RequestOptions, wasmtime_wasi_http::WasiBody,
};
