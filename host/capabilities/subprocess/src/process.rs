//! A program that runs while the skill goes on.

use crate::limits::STDIN;
use crate::state::{Admitted, StopOnDrop};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::watch;
use vox_model::programs::{Pipe, ProgramError, Spawned, Status, Stop};
use wasmtime_wasi::p2::pipe::{AsyncReadStream, AsyncWriteStream};
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

/// The standard input of a program.
pub(crate) type Writing = Counted<Sender>;

/// The standard output of a program.
pub(crate) type Reading = Counted<Receiver>;

/// How a program ended.
pub(crate) type Ended = Result<Status, ProgramError>;

/// The handle of a skill to a program. Dropping it kills the program and its children.
pub struct Process {
    stdin: Option<Pipe>,
    stdout: Option<Pipe>,
    stderr: Option<Pipe>,
    /// Bytes that the skill got and gave.
    received: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
    ended: watch::Receiver<Option<Ended>>,
    stop: StopOnDrop,
}

impl Process {
    /// Starts a program. What is counted in `handle` lives until the program has ended and the skill has dropped it.
    pub(crate) async fn start(admitted: Admitted, until: Instant, handle: Arc<()>) -> Result<Self, ProgramError> {
        let Admitted { command, need, shared, about } = admitted;
        let stop = StopOnDrop(Stop::default());
        let [received, sent] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        let (tell_end, ended) = watch::channel(None);
        let (started, begun) = tokio::sync::oneshot::channel();
        let (heard, counts) = (stop.0.clone(), [received.clone(), sent.clone()]);
        // One thread for the whole life of the program: when the skill is gone before it has started, it is ended there.
        tokio::task::spawn_blocking(move || {
            let _handle = handle;
            let Spawned { stdin, stdout, stderr, running } = match shared.spawn(&need, &command) {
                Ok(spawned) => spawned,
                Err(error) => {
                    about.record(Err(&error), 0, 0);
                    // Whoever waited for it may be gone.
                    let _ = started.send(Err(error));
                    return;
                }
            };
            let _ = started.send(Ok((stdin, stdout, stderr)));
            let done = shared.wait(running, until, &heard, |done| {
                let [received, sent] = counts.map(|count| count.load(Ordering::Relaxed));
                match done {
                    Ok(status) => about.record(Ok(status.to_string()), received, sent),
                    Err(error) => about.record(Err(error), received, sent),
                }
            });
            let _ = tell_end.send(Some(done));
        });
        let lost = |_| ProgramError::Unavailable("a thread of the host failed".to_owned());
        let (stdin, stdout, stderr) = begun.await.map_err(lost)??;
        Ok(Self { stdin: Some(stdin), stdout: Some(stdout), stderr: Some(stderr), received, sent, ended, stop })
    }

    /// Its standard input, once.
    pub(crate) fn stdin(&mut self) -> Option<Result<DynOutputStream, ProgramError>> {
        let sent = self.sent.clone();
        let stream = |pipe| -> io::Result<DynOutputStream> {
            let sender = Sender::from_owned_fd(pipe)?;
            Ok(Box::new(AsyncWriteStream::new(STDIN, Counted { inner: sender, count: sent })))
        };
        self.stdin.take().map(|pipe| stream(pipe).map_err(unusable))
    }

    /// Its standard output, once.
    pub(crate) fn stdout(&mut self) -> Option<Result<DynInputStream, ProgramError>> {
        let pipe = self.stdout.take()?;
        Some(self.reading(pipe))
    }

    /// Its standard error, once.
    pub(crate) fn stderr(&mut self) -> Option<Result<DynInputStream, ProgramError>> {
        let pipe = self.stderr.take()?;
        Some(self.reading(pipe))
    }

    fn reading(&self, pipe: Pipe) -> Result<DynInputStream, ProgramError> {
        let inner = Receiver::from_owned_fd(pipe).map_err(unusable)?;
        Ok(Box::new(AsyncReadStream::new(Counted { inner, count: self.received.clone() })))
    }

    /// All its streams, for one who reads and writes for the skill.
    ///
    /// # Errors
    /// One was taken already, or cannot be used.
    pub(crate) fn streams(&mut self) -> Result<(Writing, Reading, Receiver), ProgramError> {
        let gone = || ProgramError::Unavailable("a stream of a program was taken already".to_owned());
        let [stdin, stdout, stderr] = [&mut self.stdin, &mut self.stdout, &mut self.stderr].map(Option::take);
        let writing = Sender::from_owned_fd(stdin.ok_or_else(gone)?).map_err(unusable)?;
        let reading = Receiver::from_owned_fd(stdout.ok_or_else(gone)?).map_err(unusable)?;
        let errors = Receiver::from_owned_fd(stderr.ok_or_else(gone)?).map_err(unusable)?;
        let (sent, received) = (self.sent.clone(), self.received.clone());
        Ok((Counted { inner: writing, count: sent }, Counted { inner: reading, count: received }, errors))
    }

    /// Tells the end to one who waits for more than that.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Ended>> {
        self.ended.clone()
    }

    /// How it ended; none while it runs.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.ended.borrow().clone()
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn kill(&mut self) {
        self.stop.0.stop();
        self.ready().await;
    }
}

#[async_trait]
impl Pollable for Process {
    async fn ready(&mut self) {
        // The other side goes only after it has told the end, or with the call.
        let _ = self.ended.wait_for(Option::is_some).await;
    }
}

fn unusable(error: io::Error) -> ProgramError {
    ProgramError::Unavailable(format!("a stream of a program cannot be used: {error}"))
}

/// Counts the bytes that go through.
pub(crate) struct Counted<S> {
    inner: S,
    count: Arc<AtomicU64>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, into);
        self.count.fetch_add((into.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.count.fetch_add(*count as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
