//! Bodies on their way: counted, capped, watched, and searched for secrets.

use crate::headers;
use crate::limits::HttpLimits;
use crate::pool::{Connection, Key, Pool};
use crate::problem::Problem;
use crate::record::Record;
use crate::scan::Scanner;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};
use vox_model::{CallScope, Capability};
use wasmtime_wasi_http::{Error, WasiBody};

/// How often it is asked, while nothing comes, whether the grant still holds.
pub(crate) const WATCH: Duration = Duration::from_millis(250);

/// The body of a request was stopped; why stands in [`Sending`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body of the request was stopped")
    }
}

impl std::error::Error for Stopped {}

/// How far the body of a request has come; seen from both sides.
pub(crate) struct Sending {
    sent: Arc<AtomicU64>,
    done: AtomicBool,
    trouble: Mutex<Option<Problem>>,
}

impl Sending {
    /// Whether all of it went out.
    fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Why it was stopped, if it was.
    pub(crate) fn trouble(&self) -> Option<Problem> {
        self.trouble.lock().ok().and_then(|mut trouble| trouble.take())
    }
}

/// The body of a request.
pub(crate) struct Upload {
    inner: WasiBody,
    scope: CallScope,
    sending: Arc<Sending>,
    /// What the skill said in `content-length`. The field is the host's; the promise is held.
    declared: Option<u64>,
    limit: u64,
    seen: u64,
    /// Fields that the host has set, which trailers must not set again.
    own: Vec<HeaderName>,
}

impl Upload {
    pub(crate) fn new(
        inner: WasiBody,
        scope: CallScope,
        declared: Option<u64>,
        limit: u64,
        own: Vec<HeaderName>,
        sent: Arc<AtomicU64>,
    ) -> Self {
        let sending = Arc::new(Sending { sent, done: AtomicBool::new(false), trouble: Mutex::new(None) });
        let upload = Self { inner, scope, sending, declared, limit, seen: 0, own };
        upload.sending.done.store(upload.is_end_stream(), Ordering::Release);
        upload
    }

    pub(crate) fn sending(&self) -> Arc<Sending> {
        self.sending.clone()
    }

    fn stop<T>(&self, problem: Problem) -> Option<Result<T, Stopped>> {
        if let Ok(mut trouble) = self.sending.trouble.lock() {
            trouble.get_or_insert(problem);
        }
        Some(Err(Stopped))
    }

    fn data(&mut self, data: Bytes) -> Option<Result<Frame<Bytes>, Stopped>> {
        self.seen += data.len() as u64;
        if !self.scope.lease.holds(Capability::HttpOut) {
            return self.stop(Problem::TakenBack);
        }
        if self.seen > self.limit {
            return self.stop(Problem::RequestBody(self.limit));
        }
        match self.declared {
            Some(length) if self.seen > length => return self.stop(Problem::RequestLength(length)),
            _ => {}
        }
        // hyper does not ask again when it has as many bytes as were announced.
        if self.is_end_stream() {
            self.sending.done.store(true, Ordering::Release);
        }
        self.sending.sent.fetch_add(data.len() as u64, Ordering::Relaxed);
        Some(Ok(Frame::data(data)))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Stopped;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        let this = self.get_mut();
        Poll::Ready(match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
            None => match this.declared {
                Some(length) if this.seen < length => this.stop(Problem::RequestLength(length)),
                _ => {
                    this.sending.done.store(true, Ordering::Release);
                    None
                }
            },
            Some(Err(_)) => this.stop(Problem::Aborted),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => this.data(data),
                Err(frame) => {
                    let mut fields = frame.into_trailers().unwrap_or_default();
                    headers::trailers(&mut fields, &this.own);
                    this.sending.done.store(true, Ordering::Release);
                    Some(Ok(Frame::trailers(fields)))
                }
            },
        })
    }

    fn is_end_stream(&self) -> bool {
        match self.declared {
            Some(length) => self.seen == length,
            None => self.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.declared {
            Some(length) => SizeHint::with_exact(length.saturating_sub(self.seen)),
            None => self.inner.size_hint(),
        }
    }
}

impl Drop for Upload {
    /// hyper drops a body that it is done with, also one that it never asks for anything, such as that of a `GET`. Where
    /// it gives up on one instead, it closes the connection.
    fn drop(&mut self) {
        self.sending.done.store(true, Ordering::Release);
    }
}

/// A connection that goes back to the pool once the answer is read.
pub(crate) struct Kept {
    pub(crate) pool: Arc<Pool>,
    pub(crate) key: Key,
    pub(crate) connection: Connection,
}

/// What the body of an answer is held to.
pub(crate) struct Reading {
    pub(crate) limits: HttpLimits,
    /// When the whole exchange has to be over.
    pub(crate) until: Instant,
    /// How long may pass between two pieces.
    pub(crate) between: Duration,
    /// Looks for the secrets that were sent.
    pub(crate) scanner: Option<Scanner>,
    /// Counts as one request under way until the answer is read.
    pub(crate) _slot: OwnedSemaphorePermit,
}

/// The body of an answer.
pub(crate) struct Download {
    /// None when it is over.
    open: Option<(Incoming, Reading)>,
    record: Record,
    sending: Arc<Sending>,
    kept: Option<Kept>,
    received: u64,
    /// Since when nothing has come.
    waiting: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    ready: VecDeque<Frame<Bytes>>,
}

impl Download {
    pub(crate) fn new(
        inner: Incoming,
        reading: Reading,
        mut record: Record,
        sending: Arc<Sending>,
        kept: Option<Kept>,
    ) -> Self {
        record.answered();
        let timer = Box::pin(sleep_until(reading.until));
        let open = Some((inner, reading));
        Self { open, record, sending, kept, received: 0, waiting: None, timer, ready: VecDeque::new() }
    }

    /// Takes one piece.
    fn data(&mut self, data: &Bytes) -> Result<(), Problem> {
        if !self.record.holds() {
            return Err(Problem::TakenBack);
        }
        let Some((_, reading)) = &mut self.open else { return Ok(()) };
        self.received += data.len() as u64;
        if self.received > reading.limits.response_body {
            return Err(Problem::ResponseBody(reading.limits.response_body));
        }
        let safe = match &mut reading.scanner {
            Some(scanner) => scanner.push(data).map_err(|leak| Problem::Leak(leak.0))?,
            None => data.clone(),
        };
        self.hand_on(safe);
        Ok(())
    }

    fn hand_on(&mut self, data: Bytes) {
        if !data.is_empty() {
            self.record.receive(data.len());
            self.ready.push_back(Frame::data(data));
        }
    }

    /// The body is whole, with these trailers.
    fn finish(&mut self, trailers: Option<HeaderMap>) -> Result<(), Problem> {
        let Some((_, mut reading)) = self.open.take() else { return Ok(()) };
        // An answer to half of a request is none.
        if let Some(problem) = self.sending.trouble() {
            return Err(problem);
        }
        if let Some(scanner) = &mut reading.scanner {
            let rest = scanner.finish().map_err(|leak| Problem::Leak(leak.0))?;
            self.hand_on(rest);
        }
        if let Some(fields) = trailers {
            check_fields(&fields, &reading.limits)?;
            if let Some(scanner) = &reading.scanner {
                scanner.needles().check_fields(&fields).map_err(|leak| Problem::Leak(leak.0))?;
            }
            self.record.receive(headers::size(&fields));
            self.ready.push_back(Frame::trailers(fields));
        }
        if let Some(kept) = self.kept.take().filter(|_| self.sending.is_done()) {
            kept.pool.put(kept.key, kept.connection);
        }
        // What was said when the answer came is what is taken down.
        self.record.done();
        Ok(())
    }

    /// Ends the body with an error, and the connection with it.
    fn fail(&mut self, problem: &Problem) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.open = None;
        self.kept = None;
        self.ready.clear();
        self.record.settle(problem);
        Poll::Ready(Some(Err(problem.code())))
    }

    /// Nothing has come: whether it is time to stop waiting, and when to look again.
    fn wait(&mut self, cx: &mut Context<'_>) -> Result<(), Problem> {
        let Some((_, reading)) = &self.open else { return Ok(()) };
        let (until, between) = (reading.until, reading.between);
        loop {
            let now = Instant::now();
            let since = *self.waiting.get_or_insert(now);
            if now >= until {
                return Err(Problem::ExchangeTime);
            }
            if now.duration_since(since) >= between {
                return Err(Problem::FirstByte);
            }
            self.timer.as_mut().reset(until.min(since + between).min(now + WATCH));
            if self.timer.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            if !self.record.holds() {
                return Err(Problem::TakenBack);
            }
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        loop {
            if let Some(frame) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            let Some((inner, reading)) = &mut this.open else { return Poll::Ready(None) };
            if Instant::now() >= reading.until {
                return this.fail(&Problem::ExchangeTime);
            }
            let Poll::Ready(frame) = Pin::new(inner).poll_frame(cx) else {
                return match this.wait(cx) {
                    Ok(()) => Poll::Pending,
                    Err(problem) => this.fail(&problem),
                };
            };
            this.waiting = None;
            let done = match frame {
                None => this.finish(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.data(&data),
                    Err(frame) => this.finish(frame.into_trailers().ok()),
                },
                Some(Err(error)) => {
                    let problem = problem_of(&error, reading.limits.header_bytes);
                    Err(this.sending.trouble().unwrap_or(problem))
                }
            };
            if let Err(problem) = done {
                return this.fail(&problem);
            }
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // Answers without a body are never read to their end.
        if self.open.as_ref().is_some_and(|(inner, _)| inner.is_end_stream()) {
            let _ = self.finish(None);
        }
    }
}

/// Whether header fields or trailers keep to their limits.
pub(crate) fn check_fields(fields: &HeaderMap, limits: &HttpLimits) -> Result<(), Problem> {
    if fields.len() > limits.header_fields {
        return Err(Problem::HeaderFields(limits.header_fields));
    }
    if headers::size(fields) > limits.header_bytes as usize {
        return Err(Problem::HeaderBytes(limits.header_bytes));
    }
    Ok(())
}

/// What an error of hyper means. Its text stays here: it may quote the server.
pub(crate) fn problem_of(error: &hyper::Error, header_bytes: u32) -> Problem {
    if error.is_parse_too_large() {
        Problem::HeaderBytes(header_bytes)
    } else if error.is_parse() {
        Problem::Protocol
    } else if error.is_timeout() {
        Problem::FirstByte
    } else {
        Problem::Broken
    }
}
