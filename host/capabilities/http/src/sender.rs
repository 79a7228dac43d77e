//! One exchange from its beginning to its answer. The only way out of this crate.

use crate::body::{Download, Kept, Reading, Sending, Upload, WATCH, check_fields, problem_of};
use crate::client::Shared;
use crate::connect;
use crate::grant::Grant;
use crate::headers;
use crate::inject::Injection;
use crate::policy::{self, Authorised};
use crate::pool::{Connection, Key, Sender};
use crate::problem::Problem;
use crate::record::{self, Record};
use crate::rule::Method;
use crate::scan::{Needles, Scanner};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use vox_model::{CallScope, GrantOf, Verdict};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};
use zeroize::Zeroizing;

/// The least that a skill can wish for; a wish of zero means this.
const LEAST: Duration = Duration::from_millis(1);

/// How long a kept connection has to show that it is ready.
const READY: Duration = Duration::from_millis(100);

/// What the exchanges of one call share.
pub(crate) struct Call {
    pub(crate) client: Arc<Shared>,
    pub(crate) grant: GrantOf<Grant>,
    pub(crate) scope: CallScope,
    pub(crate) tenant: Arc<str>,
    /// When the call itself is over.
    pub(crate) until: Option<std::time::Instant>,
    /// Requests so far.
    pub(crate) begun: AtomicU32,
    /// One for each request that may be under way.
    pub(crate) slots: Arc<Semaphore>,
}

/// A request as it goes out.
struct Wire {
    method: Method,
    authority: String,
    scheme: &'static str,
    target: Zeroizing<String>,
    fields: HeaderMap,
}

/// When the steps of an exchange have to be over.
#[derive(Clone, Copy)]
struct Times {
    connect: Instant,
    first_byte: Duration,
    until: Instant,
}

impl Times {
    /// The header of an answer to a request that is sent now.
    fn head(self) -> Instant {
        self.until.min(Instant::now() + self.first_byte)
    }
}

/// What came back, and on which connection.
struct Answer {
    response: Response<Incoming>,
    key: Key,
    connection: Connection,
}

/// Sends a request and gives the answer as soon as its header is there, or a code that a skill may know. Whatever becomes
/// of it is taken down.
pub(crate) async fn send(
    call: Arc<Call>,
    request: Request<WasiBody>,
    wishes: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    exchange(call, request, wishes).await.map_err(|problem| problem.code())
}

/// Takes down that a request was refused before it could be one, such as a `CONNECT` to a place that is not granted. It
/// counts like any other. Gives the reason, which is another one where the call may not send at all.
pub(crate) fn refuse(call: &Call, method: &http::Method, uri: &http::Uri, problem: Problem) -> Problem {
    let mut record = Record::new(&call.scope, record::target(method, uri));
    let problem = admit(call, &mut record).err().unwrap_or(problem);
    record.settle(&problem);
    problem
}

/// The same as [`send`], with the whole reason.
pub(crate) async fn exchange(
    call: Arc<Call>,
    request: Request<WasiBody>,
    wishes: RequestOptions,
) -> Result<Response<WasiBody>, Problem> {
    let mut record = Record::new(&call.scope, record::target(request.method(), request.uri()));
    let exchange = begin(&call, &mut record, request, wishes).await;
    match exchange {
        Ok((response, reading, sending, kept)) => {
            let (parts, body) = response.into_parts();
            record.receive(headers::size(&parts.headers));
            let body = Download::new(body, reading, record, sending, Some(kept));
            // Only status and fields go on: extensions of the library are not for skills.
            let mut response = Response::new(body.boxed_unsync());
            *response.status_mut() = parts.status;
            *response.headers_mut() = parts.headers;
            Ok(response)
        }
        Err(problem) => {
            record.settle(&problem);
            Err(problem)
        }
    }
}

/// Whether the call may send another request at all. Counts it.
fn admit(call: &Call, record: &mut Record) -> Result<(), Problem> {
    if !record.holds() {
        return Err(Problem::TakenBack);
    }
    let limit = call.client.limits.requests;
    let begun = call.begun.fetch_add(1, Ordering::Relaxed);
    if begun > limit {
        record.silence();
    }
    if begun < limit { Ok(()) } else { Err(Problem::Requests(limit)) }
}

type Begun = (Response<Incoming>, Reading, Arc<Sending>, Kept);

/// Everything up to the header of the answer.
async fn begin(
    call: &Call,
    record: &mut Record,
    request: Request<WasiBody>,
    wishes: RequestOptions,
) -> Result<Begun, Problem> {
    let limits = call.client.limits;
    admit(call, record)?;
    let (parts, body) = request.into_parts();
    let authorised = policy::authorise(&parts.method, &parts.uri, (*call.grant).as_ref()).map_err(Problem::Denied)?;
    record.granted_by(authorised.grant().to_string());
    throttle(call, &authorised)?;
    let slot = call.slots.clone().try_acquire_owned().map_err(|_| Problem::InFlight(limits.in_flight))?;
    let until = deadline(call, limits.exchange);

    let injection = Injection::of(&authorised, &*call.client.secrets)?;
    let needles = injection.as_ref().map(|injection| injection.needles.clone());
    let own = injection.as_ref().map(Injection::fields).unwrap_or_default();
    let upload = upload(call, record, body, &parts.headers, own)?;
    let sending = upload.sending();

    let connect = until.min(Instant::now() + clamp(wishes.connect_timeout, limits.connect));
    let times = Times { connect, first_byte: clamp(wishes.first_byte_timeout, limits.first_byte), until };
    let addresses = connect::addresses(&*call.client.resolver, &authorised);
    let addresses = watched(record, connect, Problem::ConnectTime, addresses).await?;
    let wire = wire(&authorised, parts.headers, injection, record);
    let exchange = transmit(call, &authorised, &addresses, &wire, upload, times);
    let answer = watched(record, until, Problem::ExchangeTime, exchange).await;
    // Why the body was stopped says more than that the connection broke over it, or than an answer to half of it.
    let answer = sending.trouble().map_or(answer, Err)?;

    check_head(&answer.response, authorised.method(), needles.as_ref(), &limits)?;
    let between = clamp(wishes.between_bytes_timeout, limits.first_byte);
    let reading = Reading { limits, until, between, scanner: needles.map(Scanner::new), _slot: slot };
    let kept = Kept { pool: call.client.pool.clone(), key: answer.key, connection: answer.connection };
    Ok((answer.response, reading, sending, kept))
}

/// Names under a wildcard are counted over calls.
fn throttle(call: &Call, authorised: &Authorised) -> Result<(), Problem> {
    let limit = call.client.limits.wildcard_names;
    let name = authorised.origin().host.to_string();
    let free =
        !authorised.grant().subdomains() || call.client.throttle.takes(&call.tenant, call.scope.digest, &name, limit);
    if free { Ok(()) } else { Err(Problem::WildcardNames(limit)) }
}

/// The body of the request, held to what the skill said about it.
fn upload(
    call: &Call,
    record: &Record,
    body: WasiBody,
    fields: &HeaderMap,
    own: Vec<http::HeaderName>,
) -> Result<Upload, Problem> {
    let limit = call.client.limits.request_body;
    // The wasi side has let one number through at most.
    let declared = fields.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if declared.is_some_and(|length: u64| length > limit) {
        return Err(Problem::RequestBody(limit));
    }
    Ok(Upload::new(body, call.scope.clone(), declared, limit, own, record.sent()))
}

/// The request as it goes out: rebuilt from parts, credentials last.
fn wire(authorised: &Authorised, fields: HeaderMap, injection: Option<Injection>, record: &Record) -> Wire {
    let mut fields = headers::outgoing(fields, injection.is_some());
    let mut target = Zeroizing::new(authorised.target().to_owned());
    // What of the request is the skill's own and leaves with it.
    record.sent().fetch_add((headers::size(&fields) + target.len()) as u64, Ordering::Relaxed);
    for injected in injection.map(|injection| injection.apply(&mut fields, &mut target)).into_iter().flatten() {
        if injected.replaced {
            let rule = format!("the skill set {} itself; the host's value replaced it", injected.into);
            record.credential(&injected.secret, Verdict::Denied, rule);
        }
        record.credential(&injected.secret, Verdict::Allowed, format!("added as {}", injected.into));
    }
    let origin = authorised.origin();
    Wire { method: authorised.method(), authority: origin.authority(), scheme: origin.scheme.word(), target, fields }
}

impl Wire {
    /// The request for one version of HTTP. The host's name comes from the grant.
    fn request(&self, sender: &Sender, body: Upload) -> Result<Request<Upload>, Problem> {
        let mut request = Request::new(body);
        *request.method_mut() =
            http::Method::from_bytes(self.method.word().as_bytes()).map_err(|_| Problem::Protocol)?;
        *request.headers_mut() = self.fields.clone();
        let target = http::uri::PathAndQuery::try_from(self.target.as_bytes()).map_err(|_| Problem::Protocol)?;
        let mut parts = http::uri::Parts::default();
        parts.path_and_query = Some(target);
        match sender {
            Sender::H1(_) => {
                let host = HeaderValue::from_str(&self.authority).map_err(|_| Problem::Protocol)?;
                request.headers_mut().insert(HOST, host);
            }
            Sender::H2(_) => {
                parts.scheme = Some(self.scheme.parse().map_err(|_| Problem::Protocol)?);
                parts.authority = Some(self.authority.parse().map_err(|_| Problem::Protocol)?);
            }
        }
        *request.uri_mut() = http::Uri::from_parts(parts).map_err(|_| Problem::Protocol)?;
        Ok(request)
    }
}

/// Sends on a kept connection, or on a new one where there is none or the kept one turns out to be closed.
async fn transmit(
    call: &Call,
    authorised: &Authorised,
    addresses: &[SocketAddr],
    wire: &Wire,
    mut upload: Upload,
    times: Times,
) -> Result<Answer, Problem> {
    let client = &call.client;
    let keys: Vec<_> = addresses.iter().map(|address| key(call, authorised, *address)).collect();
    if let Some((key, mut connection)) = client.pool.take(&keys)
        && is_ready(&mut connection.sender).await
    {
        let head_until = times.head();
        match over(&mut connection.sender, wire, upload, head_until, client.limits.header_bytes).await {
            Ok(response) => return Ok(Answer { response, key, connection }),
            Err((_, Some(unsent))) => upload = unsent,
            Err((problem, None)) => return Err(problem),
        }
    }
    let opened = connect::open(authorised.origin(), addresses, &client.tls, &client.limits, times.connect).await;
    let (mut connection, address) = opened?;
    let key = key(call, authorised, address);
    // Requests that come while this one runs go over the same connection.
    if let Some(shared) = connection.share() {
        client.pool.put(key.clone(), shared);
    }
    let head_until = times.head();
    let response = over(&mut connection.sender, wire, upload, head_until, client.limits.header_bytes).await;
    response.map(|response| Answer { response, key, connection }).map_err(|(problem, _)| problem)
}

/// Whether a kept connection can take a request.
async fn is_ready(sender: &mut Sender) -> bool {
    // Nobody may have moved it since its last request: what came meanwhile, such as its end, is seen first, then acted on.
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    let ready = async {
        match sender {
            Sender::H1(sender) => sender.ready().await.is_ok(),
            Sender::H2(sender) => sender.ready().await.is_ok(),
        }
    };
    timeout(READY, ready).await.unwrap_or(false)
}

/// Sends, and waits for the header of the answer. Gives the body back where nothing of it was sent.
async fn over(
    sender: &mut Sender,
    wire: &Wire,
    upload: Upload,
    until: Instant,
    header_bytes: u32,
) -> Result<Response<Incoming>, (Problem, Option<Upload>)> {
    let request = wire.request(sender, upload).map_err(|problem| (problem, None))?;
    let sent = async {
        match sender {
            Sender::H1(sender) => sender.try_send_request(request).await,
            Sender::H2(sender) => sender.try_send_request(request).await,
        }
    };
    match timeout_at(until, sent).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(mut error)) => {
            let unsent = error.take_message().map(Request::into_body);
            Err((problem_of(error.error(), header_bytes), unsent))
        }
        Err(_) => Err((Problem::FirstByte, None)),
    }
}

/// Whether the header of an answer keeps to the limits, and holds no secret.
fn check_head(
    response: &Response<Incoming>,
    method: Method,
    needles: Option<&Arc<Needles>>,
    limits: &crate::HttpLimits,
) -> Result<(), Problem> {
    let fields = response.headers();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Problem::Protocol);
    }
    check_fields(fields, limits)?;
    let length = fields.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if method != Method::Head && length.is_some_and(|length: u64| length > limits.response_body) {
        return Err(Problem::ResponseBody(limits.response_body));
    }
    if let Some(needles) = needles {
        needles.check_fields(fields).map_err(|leak| Problem::Leak(leak.0))?;
        if fields.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
            return Err(Problem::Compressed);
        }
    }
    Ok(())
}

/// Waits for a step until it is done, late, or not granted any more.
async fn watched<T>(
    record: &mut Record,
    until: Instant,
    late: Problem,
    step: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let mut step = pin!(step);
    loop {
        match timeout_at(until.min(Instant::now() + WATCH), &mut step).await {
            Ok(done) => return done,
            Err(_) if Instant::now() >= until => return Err(late),
            Err(_) if !record.holds() => return Err(Problem::TakenBack),
            Err(_) => {}
        }
    }
}

/// A wish of the skill within the limit.
fn clamp(wish: Option<Duration>, limit: Duration) -> Duration {
    wish.map_or(limit, |wish| wish.clamp(LEAST.min(limit), limit))
}

/// When the exchange has to be over: never later than the call.
fn deadline(call: &Call, limit: Duration) -> Instant {
    let own = Instant::now() + limit;
    call.until.map_or(own, |until| own.min(Instant::from_std(until)))
}

fn key(call: &Call, authorised: &Authorised, address: SocketAddr) -> Key {
    let bindings: Vec<_> = authorised.bindings().iter().map(ToString::to_string).collect();
    Key {
        tenant: call.tenant.clone(),
        skill: call.scope.digest,
        grant: format!("{}\n{}", authorised.grant(), bindings.join("\n")),
        origin: authorised.origin().clone(),
        address,
        identity: call.client.identity,
        runtime: tokio::runtime::Handle::current().id(),
    }
}
