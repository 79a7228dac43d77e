//! Sending through the library, as a guest's request goes.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use std::convert::Infallible;
use std::sync::Arc;
use vox_capabilities::http::{Client, Error, Grant, Http, HttpLimits, Options, RequestOptions, Resolve, WasiBody};
use vox_model::CallScope;

/// Limits of a campaign: many requests, none of which may take long.
pub fn limits() -> HttpLimits {
    HttpLimits { requests: u32::MAX, in_flight: 64, ..HttpLimits::default() }
}

/// A client that looks names up in one place.
pub fn client(resolver: Arc<dyn Resolve>) -> Client {
    let options = Options { limits: limits(), ..Options::new(resolver) };
    Client::new(options).unwrap_or_else(|error| panic!("{error}"))
}

/// A fresh call under a grant.
pub fn call(client: &Client, grant: Grant) -> Http {
    Http::new(client, Arc::new(grant), CallScope::unwatched("test"), "test", None)
}

/// A grant of these lines.
pub fn grant<S: AsRef<str>>(allow: &[S]) -> Grant {
    let line = |text: &S| text.as_ref().parse().unwrap_or_else(|error| panic!("{error}"));
    Grant { allow: allow.iter().map(line).collect(), ..Grant::default() }
}

/// Sends a `GET` and reads the answer to its end: status and body.
pub async fn get(http: &Http, uri: http::Uri) -> Result<(u16, Vec<u8>), Error> {
    let body: WasiBody = Full::new(Bytes::new()).map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut request = http::Request::new(body);
    *request.uri_mut() = uri;
    let (parts, body) = http.send(request, RequestOptions::default()).await?.into_parts();
    Ok((parts.status.as_u16(), body.collect().await?.to_bytes().to_vec()))
}
