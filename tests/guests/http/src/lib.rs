//! Sends requests and gives the answers back. URLs are cut at their separators and not looked at, so that odd ones reach
//! the host as they are.

#[allow(missing_docs, unsafe_op_in_unsafe_fn, reason = "generated; the WIT has the documentation")]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "http", generate_all });
}

use bindings::exports::test::http::api::Guest;
use bindings::wasi::http::outgoing_handler;
use bindings::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    Scheme,
};
use bindings::wasi::io::streams::StreamError;

/// Bytes of one read, and of one write: what the stream takes at once.
const PIECE: usize = 4096;

type Headers = Vec<(String, String)>;

struct Http;

impl Guest for Http {
    fn get(url: String) -> Result<String, String> {
        Self::send("GET".to_owned(), url, Vec::new(), String::new()).map(|(_, _, body)| body)
    }

    fn repeat(url: String, count: u32) -> Result<String, String> {
        (0..count).try_fold(String::new(), |_, _| Self::get(url.clone()))
    }

    fn send(method: String, url: String, headers: Headers, body: String) -> Result<(u16, Headers, String), String> {
        let request = request(&method, &url, &headers)?;
        let outgoing = request.body().map_err(|()| "the request has no body")?;
        let answer = outgoing_handler::handle(request, None).map_err(|code| failed("handle", &code))?;
        write(outgoing, body.as_bytes())?;
        let response = wait(answer).map_err(|code| failed("response", &code))?;
        let status = response.status();
        let fields = response.headers().entries();
        let fields = fields.into_iter().map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()));
        let fields = fields.collect();
        let body = read(response.consume().map_err(|()| "the answer has no body")?)?;
        Ok((status, fields, String::from_utf8_lossy(&body).into_owned()))
    }

    fn flood(url: String, count: u32) -> Vec<String> {
        let begin = |_| {
            let request = request("GET", &url, &[])?;
            outgoing_handler::handle(request, None).map_err(|code| failed("handle", &code))
        };
        let begun: Vec<Result<FutureIncomingResponse, String>> = (0..count).map(begin).collect();
        let mut kept = Vec::new();
        let mut told = Vec::new();
        for answer in begun {
            match answer.and_then(|answer| wait(answer).map_err(|code| failed("response", &code))) {
                Ok(response) => {
                    told.push(response.status().to_string());
                    kept.push(response);
                }
                Err(text) => told.push(text),
            }
        }
        told
    }

    fn each(urls: Vec<String>) -> Vec<String> {
        urls.iter().map(|url| told(url).unwrap_or_else(|error| error)).collect()
    }

    fn shout(urls: Vec<String>, panics: bool) -> Result<String, String> {
        let mut all = Self::each(urls).join("\n");
        for (name, value) in std::env::vars() {
            all.push_str(&format!("\n{name}={value}"));
        }
        all.extend(std::env::args().map(|argument| format!("\n{argument}")));
        println!("{all}");
        eprintln!("{all}");
        // Where no folder is granted there is nowhere to write to.
        let _ = std::fs::write("out/seen", &all);
        assert!(!panics, "{all}");
        Err(all)
    }
}

/// All that a `GET` gives.
fn told(url: &str) -> Result<String, String> {
    let request = request("GET", url, &[])?;
    let answer = outgoing_handler::handle(request, None).map_err(|code| failed("handle", &code))?;
    let response = wait(answer).map_err(|code| failed("response", &code))?;
    let mut text = format!("{}\n", response.status());
    put(&mut text, &response.headers());
    let body = response.consume().map_err(|()| "the answer has no body")?;
    let (bytes, error) = stream(&body);
    text.push_str(&String::from_utf8_lossy(&bytes));
    text.extend(error.map(|error| format!("body: {error}")));
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    match trailers.get() {
        Some(Ok(Ok(Some(fields)))) => put(&mut text, &fields),
        Some(Ok(Err(code))) => text.push_str(&failed("trailers", &code)),
        _ => {}
    }
    Ok(text)
}

/// Writes fields down.
fn put(text: &mut String, fields: &Fields) {
    for (name, value) in fields.entries() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&value)));
    }
}

/// What failed, and the code.
fn failed(step: &str, code: &ErrorCode) -> String {
    format!("{step}: {code:?}")
}

/// A request from parts that are cut out of a URL.
fn request(method: &str, url: &str, headers: &[(String, String)]) -> Result<OutgoingRequest, String> {
    let fields = Fields::new();
    for (name, value) in headers {
        fields.append(name, value.as_bytes()).map_err(|error| format!("header {name}: {error:?}"))?;
    }
    let (scheme, rest) = url.split_once("://").ok_or("the URL has no scheme")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    };
    let request = OutgoingRequest::new(fields);
    request.set_method(&method).map_err(|()| "the method is refused")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "the scheme is refused")?;
    request.set_authority(Some(authority)).map_err(|()| "the authority is refused")?;
    let path = if path.is_empty() { "/" } else { path };
    request.set_path_with_query(Some(path)).map_err(|()| "the path is refused")?;
    Ok(request)
}

/// Writes the body and ends it.
fn write(outgoing: OutgoingBody, body: &[u8]) -> Result<(), String> {
    let stream = outgoing.write().map_err(|()| "the body cannot be written")?;
    for piece in body.chunks(PIECE) {
        // A host that has refused the request has closed the stream; the answer says why.
        if stream.blocking_write_and_flush(piece).is_err() {
            break;
        }
    }
    drop(stream);
    // Likewise.
    let _ = OutgoingBody::finish(outgoing, None);
    Ok(())
}

/// Waits for an answer.
fn wait(answer: FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(response)) => response,
        _ => Err(ErrorCode::InternalError(Some("the answer was there, and then it was not".to_owned()))),
    }
}

/// Reads a body to its end.
fn read(body: IncomingBody) -> Result<Vec<u8>, String> {
    match stream(&body) {
        (bytes, None) => Ok(bytes),
        (bytes, Some(error)) => Err(format!("body after {} bytes: {error}", bytes.len())),
    }
}

/// What there is of a body, and why there is no more of it.
fn stream(body: &IncomingBody) -> (Vec<u8>, Option<String>) {
    let Ok(stream) = body.stream() else { return (Vec::new(), Some("the body cannot be read".to_owned())) };
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(PIECE as u64) {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(StreamError::Closed) => return (bytes, None),
            Err(StreamError::LastOperationFailed(error)) => return (bytes, Some(error.to_debug_string())),
        }
    }
}

bindings::export!(Http with_types_in bindings);
