//! One `GET` over `wasi:http`.

use crate::address::{Address, Scheme};
use crate::bindings::exports::example::fetch_json::fetch::{Answer, Error};
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme as WasiScheme, http_error_code,
};
use crate::bindings::wasi::io::streams::{InputStream, StreamError};

/// Bytes of an answer. The tree that the bundle's `json` makes of so many takes up to 96 MiB (measured with
/// `[[],[],…]`), and the manifest asks for 128 MiB.
pub const MAX_BODY: u64 = 2 << 20;

/// Bytes of one read.
const PIECE: u64 = 64 << 10;

/// Nanoseconds of a second: `wasi:http` counts in those.
const SECOND: u64 = 1_000_000_000;

/// What a server may take to accept the connection, to begin its answer, and between two pieces of it. Together well
/// below the time that the manifest asks for, so that it is the server that is named, and not a limit of the call.
const PATIENCE: [u64; 3] = [10 * SECOND, 15 * SECOND, 10 * SECOND];

/// The body of the answer to a `GET`.
///
/// # Errors
/// See the interface: `denied`, `unreachable`, `bad-status`, `too-large`.
pub fn get(address: &Address<'_>) -> Result<Vec<u8>, Error> {
    let failed = |code: ErrorCode| explained(&code, address);
    let request = request(address)?;
    let body = request.body().map_err(|()| unset("body"))?;
    let answer = outgoing_handler::handle(request, Some(patience()?)).map_err(failed)?;
    // There is nothing to send. Where the request failed meanwhile, the answer says why.
    let _ = OutgoingBody::finish(body, None);
    let response = wait(&answer)?.map_err(failed)?;
    accepted(&response)?;
    let body = response.consume().map_err(|()| Error::Unreachable("the answer has no body".to_owned()))?;
    let stream = body.stream().map_err(|()| Error::Unreachable("the answer has no body".to_owned()))?;
    read(&stream, address)
}

fn request(address: &Address<'_>) -> Result<OutgoingRequest, Error> {
    let fields = Fields::new();
    for (name, value) in [("accept", "application/json"), ("user-agent", "vox-example-fetch-json/0.1.0")] {
        fields.append(name, value.as_bytes()).map_err(|_| unset(name))?;
    }
    let request = OutgoingRequest::new(fields);
    let scheme = match address.scheme {
        Scheme::Http => WasiScheme::Http,
        Scheme::Https => WasiScheme::Https,
    };
    request.set_scheme(Some(&scheme)).map_err(|()| unset("scheme"))?;
    request.set_authority(Some(address.authority)).map_err(|()| unset("host"))?;
    request.set_path_with_query(Some(&address.path)).map_err(|()| unset("path"))?;
    Ok(request)
}

/// The host did not take a part of the request.
fn unset(part: &str) -> Error {
    Error::InvalidUrl(format!("its {part} is not one that can be sent"))
}

fn patience() -> Result<RequestOptions, Error> {
    let options = RequestOptions::new();
    let [connect, first, between] = PATIENCE;
    options
        .set_connect_timeout(Some(connect))
        .and_then(|()| options.set_first_byte_timeout(Some(first)))
        .and_then(|()| options.set_between_bytes_timeout(Some(between)))
        .map_err(|()| Error::Unreachable("this host takes no timeouts".to_owned()))?;
    Ok(options)
}

fn wait(answer: &FutureIncomingResponse) -> Result<Result<IncomingResponse, ErrorCode>, Error> {
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(response)) => Ok(response),
        // Only after a second `get`, or before it is ready; neither happens here.
        _ => Err(Error::Unreachable("the answer was there, and then it was not".to_owned())),
    }
}

/// Whether the answer is worth reading, as far as its header tells.
fn accepted(response: &IncomingResponse) -> Result<(), Error> {
    let status = response.status();
    let headers = response.headers();
    let text = |name: &str| headers.get(name).into_iter().next().and_then(|value| String::from_utf8(value).ok());
    if !(200..=299).contains(&status) {
        return Err(Error::BadStatus(Answer { status, location: text("location") }));
    }
    match text("content-length").and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > MAX_BODY => Err(Error::TooLarge(MAX_BODY)),
        _ => Ok(()),
    }
}

/// Reads to the end, or to the first byte too many.
fn read(stream: &InputStream, address: &Address<'_>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(PIECE) {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(match http_error_code(&error) {
                    Some(code) => explained(&code, address),
                    None => Error::Unreachable(format!("the answer broke off after {} bytes", bytes.len())),
                });
            }
        }
        if bytes.len() as u64 > MAX_BODY {
            return Err(Error::TooLarge(MAX_BODY));
        }
    }
}

/// What an error code of `wasi:http` means for the caller.
fn explained(code: &ErrorCode, address: &Address<'_>) -> Error {
    let place = address.place();
    let what = match code {
        ErrorCode::HttpRequestDenied => return Error::Denied(place),
        ErrorCode::HttpRequestUriInvalid => return Error::InvalidUrl("the host does not take it".to_owned()),
        ErrorCode::HttpResponseBodySize(_) => return Error::TooLarge(MAX_BODY),
        ErrorCode::DnsError(_) => "the name has no address",
        ErrorCode::DnsTimeout => "no name server answered",
        ErrorCode::ConnectionRefused | ErrorCode::DestinationUnavailable => "it did not take the connection",
        ErrorCode::ConnectionTimeout => "connecting took too long",
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => "it took too long to answer",
        ErrorCode::ConnectionTerminated => "the connection broke",
        ErrorCode::TlsCertificateError => "its certificate is not valid for this name, or not trusted",
        ErrorCode::TlsProtocolError => "TLS failed",
        ErrorCode::HttpProtocolError => "its answer is not valid HTTP",
        other => return Error::Unreachable(format!("{place}: {other:?}")),
    };
    Error::Unreachable(format!("{place}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(code: &ErrorCode) -> Error {
        let address = Address::parse("https://a.example:8443/x").unwrap_or_else(|why| panic!("{why}"));
        explained(code, &address)
    }

    #[test]
    fn codes_become_cases() {
        assert!(matches!(at(&ErrorCode::HttpRequestDenied), Error::Denied(place) if place == "https://a.example:8443"));
        assert!(matches!(at(&ErrorCode::HttpResponseBodySize(Some(9))), Error::TooLarge(MAX_BODY)));
        assert!(matches!(at(&ErrorCode::HttpRequestUriInvalid), Error::InvalidUrl(_)));
    }

    #[test]
    fn what_is_unreachable_is_named() {
        for (code, said) in [
            (ErrorCode::ConnectionRefused, "https://a.example:8443: it did not take the connection"),
            (ErrorCode::ConnectionTimeout, "https://a.example:8443: connecting took too long"),
            (ErrorCode::LoopDetected, "https://a.example:8443: ErrorCode::LoopDetected"),
        ] {
            match at(&code) {
                Error::Unreachable(text) => assert_eq!(text, said),
                other => panic!("{code:?} is no {other:?}"),
            }
        }
    }
}
