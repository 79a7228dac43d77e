//! One connection of a program: its requests, one after the other.

use super::authority::Authority;
use super::tunnel::{self, Tunnel};
use super::{answer, tunnel::Opened};
use crate::headers;
use crate::place::{Origin, Scheme, UrlError, locate};
use crate::policy::{Denied, tunnels};
use crate::problem::Problem;
use crate::sender::{self, Call};
use http::header::{CONNECTION, HOST, HeaderName, UPGRADE};
use http::uri::{Authority as HostAndPort, PathAndQuery};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// How long a program may take to send the header of a request, and how long a connection may wait for the next one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of the header of a request: what the fields of a component may have, and a line.
const HEADER: usize = 40 << 10;

/// Bytes that are read ahead.
const READ_AHEAD: usize = 64 << 10;

/// A connection in both directions. One type for plain ones and those with TLS keeps one copy of the server.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What requests on a connection may be.
pub(super) enum Front {
    /// Those that a proxy gets.
    Proxy,
    /// Those for one host, after a `CONNECT`.
    Host {
        /// The host.
        origin: Origin,
        /// What the program said in the handshake, where that is another host.
        misnamed: bool,
    },
}

/// What the requests of a connection share.
struct Desk {
    call: Arc<Call>,
    front: Front,
    /// Set by the `CONNECT` that ends the requests.
    tunnel: Mutex<Option<Tunnel>>,
}

/// A request that is not passed on.
enum Not {
    /// It is no request that a proxy or a host takes.
    Request(StatusCode, &'static str),
    /// Something of the call stands in the way.
    Problem(Problem),
}

/// Serves a connection to its end, with the tunnel that it may become.
pub(super) async fn serve(call: Arc<Call>, authority: Arc<Authority>, connection: TcpStream) {
    let Ok(stream) = connection.set_nonblocking(true).and_then(|()| tokio::net::TcpStream::from_std(connection)) else {
        return;
    };
    // Answers are waited for.
    let _ = stream.set_nodelay(true);
    let Some(tunnel) = requests(&call, Front::Proxy, Box::new(stream)).await else { return };
    let Some(Opened { stream, front }) = tunnel::open(tunnel, &authority, &call).await else { return };
    // A `CONNECT` in there is answered like any other method that is not sent.
    requests(&call, front, stream).await;
}

/// Answers requests until the connection ends or becomes a tunnel.
async fn requests(call: &Arc<Call>, front: Front, stream: Box<dyn Stream>) -> Option<Tunnel> {
    let desk = Arc::new(Desk { call: call.clone(), front, tunnel: Mutex::new(None) });
    let limits = &call.client.limits;
    let answering = desk.clone();
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_headers(limits.header_fields)
        .max_header_size(HEADER)
        .max_buf_size(READ_AHEAD)
        .auto_date_header(false)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| {
                let desk = answering.clone();
                async move { Ok::<_, Infallible>(desk.answer(request).await) }
            }),
        )
        .with_upgrades()
        .await;
    // A program that goes away in the middle, or speaks no HTTP, was told so by the library where that makes sense.
    served.ok()?;
    desk.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Response<WasiBody> {
        let done = match &self.front {
            Front::Proxy if request.method() == Method::CONNECT => self.connect(request),
            front => match uri(front, &request) {
                Ok(uri) => self.pass_on(request, uri).await,
                Err(not) => Err(self.refuse(&request, not)),
            },
        };
        match done {
            Ok(response) => response,
            Err(Not::Request(status, text)) => answer::said(status, text),
            Err(Not::Problem(problem)) => answer::of(&problem),
        }
    }

    /// Takes a request down that goes nowhere.
    fn refuse(&self, request: &Request<Incoming>, not: Not) -> Not {
        let problem = match &not {
            Not::Request(_, text) => Problem::Denied(Denied { rule: (*text).to_owned(), allow: None }),
            Not::Problem(problem) => problem.clone(),
        };
        match sender::refuse(&self.call, request.method(), &shown(&self.front, request), problem) {
            // A limit or a grant that was taken back comes first.
            problem @ (Problem::Requests(_) | Problem::TakenBack) => Not::Problem(problem),
            _ => not,
        }
    }

    /// Opens a tunnel to a host that is granted.
    fn connect(&self, mut request: Request<Incoming>) -> Result<Response<WasiBody>, Not> {
        match self.tunnel_to(&request) {
            Ok(places) => {
                let upgrade = hyper::upgrade::on(&mut request);
                *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(Tunnel { places, upgrade });
                Ok(answer::agreed())
            }
            Err(not) => Err(self.refuse(&request, not)),
        }
    }

    /// The places that a tunnel may lead to: the same host and port with TLS, without, or both.
    fn tunnel_to(&self, request: &Request<Incoming>) -> Result<Vec<Origin>, Not> {
        let authority = request.uri().authority().filter(|authority| authority.port().is_some());
        let authority = authority.ok_or(Not::Request(
            StatusCode::BAD_REQUEST,
            "CONNECT names a host and a port, as in `CONNECT api.example.org:443`",
        ))?;
        let named = host_field(request.headers(), request.version())?;
        let secure = place("https", authority.as_str()).map_err(|why| {
            Not::Problem(Problem::Denied(Denied { rule: format!("the host is refused: {why}"), allow: None }))
        })?;
        // Some programs leave the port out of the field.
        let same = |named: &str| place("https", named).is_ok_and(|named| named.host == secure.host);
        if named.is_some_and(|named| named != authority.as_str() && !same(named)) {
            return Err(OTHER_HOST);
        }
        if !self.call.scope.lease.holds(vox_model::Capability::HttpOut) {
            return Err(Not::Problem(Problem::TakenBack));
        }
        let plain = Origin { scheme: Scheme::Http, ..secure.clone() };
        let denied = tunnels(&secure, (*self.call.grant).as_ref()).err();
        let open: Vec<Origin> =
            [secure, plain].into_iter().filter(|origin| tunnels(origin, (*self.call.grant).as_ref()).is_ok()).collect();
        match denied {
            Some(denied) if open.is_empty() => Err(Not::Problem(Problem::Denied(denied))),
            _ => Ok(open),
        }
    }

    /// Sends a request the way that the component's own go.
    async fn pass_on(&self, request: Request<Incoming>, uri: Uri) -> Result<Response<WasiBody>, Not> {
        let (mut parts, body) = request.into_parts();
        hop_by_hop(&mut parts.headers);
        let mut request = Request::new(body.map_err(|_| Error::HttpProtocolError).boxed_unsync());
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (parts.method, uri, parts.headers);
        let sent = sender::exchange(self.call.clone(), request, RequestOptions::default()).await;
        let mut response = sent.map_err(Not::Problem)?;
        hop_by_hop(response.headers_mut());
        Ok(response)
    }
}

const OTHER_HOST: Not = Not::Request(
    StatusCode::MISDIRECTED_REQUEST,
    "the field `Host` names another host than the request, which servers read in different ways",
);

/// The URL that a request means.
fn uri(front: &Front, request: &Request<Incoming>) -> Result<Uri, Not> {
    let fields = request.headers();
    if request.method() == Method::CONNECT {
        return Err(Not::Request(StatusCode::BAD_REQUEST, "there is no CONNECT within a tunnel"));
    }
    if fields.contains_key(UPGRADE) {
        let text = "upgrades are not passed on: neither WebSocket nor HTTP/2 without TLS goes through the proxy of vox";
        return Err(Not::Request(StatusCode::NOT_IMPLEMENTED, text));
    }
    let named = host_field(fields, request.version())?;
    match front {
        Front::Proxy => {
            let (Some(scheme), Some(authority)) = (request.uri().scheme_str(), request.uri().authority()) else {
                let text = "this is a proxy: the line of a request names the whole URL, as in `GET http://a.example/`";
                return Err(Not::Request(StatusCode::BAD_REQUEST, text));
            };
            let same = |named: &str| {
                named == authority.as_str()
                    || place(scheme, named).is_ok_and(|named| Ok(named) == place(scheme, authority.as_str()))
            };
            if named.is_some_and(|named| !same(named)) {
                return Err(OTHER_HOST);
            }
            Ok(request.uri().clone())
        }
        Front::Host { misnamed: true, .. } => {
            let text = "the TLS handshake names another host (SNI) than the CONNECT";
            Err(Not::Request(StatusCode::MISDIRECTED_REQUEST, text))
        }
        Front::Host { origin, .. } => {
            let scheme = origin.scheme.word();
            if named.is_some_and(|named| place(scheme, named).as_ref() != Ok(origin)) {
                return Err(OTHER_HOST);
            }
            if request.uri().authority().is_some() || !request.uri().path().starts_with('/') {
                let text = "the line of a request in a tunnel holds a path, as in `GET /v1 HTTP/1.1`";
                return Err(Not::Request(StatusCode::BAD_REQUEST, text));
            }
            Ok(whole(origin, request.uri().path_and_query()))
        }
    }
}

/// The place that a host, with or without a port, means under a scheme.
fn place(scheme: &str, text: &str) -> Result<Origin, UrlError> {
    match text.contains(['/', '?']) {
        true => Err(UrlError::Characters),
        false => locate(&format!("{scheme}://{text}/")).map(|located| located.origin),
    }
}

/// The one field `Host` of a request; HTTP/1.0 may do without.
fn host_field(fields: &HeaderMap, version: Version) -> Result<Option<&str>, Not> {
    let mut all = fields.get_all(HOST).iter();
    match (all.next().map(|value| value.to_str()), all.next()) {
        (Some(Ok(host)), None) => Ok(Some(host)),
        (None, _) if version < Version::HTTP_11 => Ok(None),
        _ => Err(Not::Request(StatusCode::BAD_REQUEST, "a request has one field `Host` (RFC 9112, section 3.2)")),
    }
}

/// The URL of a path on a host. What cannot be one is refused where it is read again.
fn whole(origin: &Origin, path: Option<&PathAndQuery>) -> Uri {
    let path = path.map_or("/", PathAndQuery::as_str);
    let authority: Result<HostAndPort, _> = origin.authority().parse();
    let built = authority.and_then(|authority| Ok((authority, path.parse::<PathAndQuery>()?))).ok().and_then(
        |(authority, path)| {
            Uri::builder().scheme(origin.scheme.word()).authority(authority).path_and_query(path).build().ok()
        },
    );
    built.unwrap_or_default()
}

/// What a request is called in the record.
fn shown(front: &Front, request: &Request<Incoming>) -> Uri {
    match front {
        Front::Proxy => request.uri().clone(),
        Front::Host { origin, .. } => whole(origin, request.uri().path_and_query()),
    }
}

/// Takes out what belongs to one connection (RFC 9110, section 7.6.1), and what is the host's in every request.
fn hop_by_hop(fields: &mut HeaderMap) {
    let named: Vec<HeaderName> = fields
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let own: Vec<HeaderName> = fields.keys().filter(|name| headers::is_forbidden(name)).cloned().collect();
    for name in named.iter().chain(&own) {
        fields.remove(name);
    }
}
