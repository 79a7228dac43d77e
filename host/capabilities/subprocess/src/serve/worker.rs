//! A command that runs and answers, one call after the other.

use super::frame::{self, Unframed};
use super::message::{self, shown};
use super::{Unanswered, untold};
use crate::limits::{GRACE, LAST_WORDS, STDERR_KEPT, STDERR_LINES};
use crate::process::{Ended, Process, Reading, Writing};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vox_model::programs::ProgramError;
use vox_model::{Function, Limit, WorkerFault};

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// A command that serves an interface. Dropping it ends the program and its children.
pub(crate) struct Worker {
    process: Process,
    /// None when it was told to end.
    stdin: Option<Writing>,
    stdout: BufReader<Reading>,
    errors: Errors,
    asked: u64,
}

/// Why an exchange gave no answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// What it sent is wrong: a sentence.
    Wrong(String),
    /// What it sent is no frame.
    Unframed(Unframed),
    /// The program ended.
    Ended,
    /// The time of the call is over.
    Late,
}

impl Worker {
    /// Takes a program for a worker.
    ///
    /// # Errors
    /// Its streams cannot be used.
    pub(crate) fn of(mut process: Process) -> Result<Self, ProgramError> {
        let (stdin, stdout, stderr) = process.streams()?;
        let stdout = BufReader::with_capacity(BUFFER, stdout);
        Ok(Self { process, stdin: Some(stdin), stdout, errors: Errors::of(stderr), asked: 0 })
    }

    /// The number of the next call.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    /// Says what is asked for, and hears which version of the protocol is spoken.
    pub(crate) async fn greet(&mut self, interface: &str, most: u64, until: Instant) -> Result<(), Broken> {
        let answer = self.exchange(&message::greeting(interface), most, until).await?;
        message::greeted(&answer).map_err(Broken::Wrong)
    }

    /// Sends one frame and waits for one.
    pub(crate) async fn exchange(&mut self, request: &[u8], most: u64, until: Instant) -> Result<Vec<u8>, Broken> {
        let Self { process, stdin, stdout, .. } = self;
        if !stdout.buffer().is_empty() {
            return Err(Broken::Wrong(UNASKED.to_owned()));
        }
        let Some(stdin) = stdin.as_mut() else { return Err(Broken::Ended) };
        let work = async {
            // Side by side: a command may begin to answer before it has read all, and both pipes are small.
            let (written, read) = tokio::join!(frame::write(stdin, request), frame::read(stdout, most));
            let read = read.map_err(Broken::Unframed)?;
            written.map_err(Broken::Unframed)?;
            Ok(read)
        };
        let ended = over(process.watch());
        let read = tokio::select! {
            biased;
            done = work => done?,
            () = ended => return Err(Broken::Ended),
            () = tokio::time::sleep_until(until.into()) => return Err(Broken::Late),
        };
        match self.stdout.buffer().is_empty() {
            true => Ok(read),
            false => Err(Broken::Wrong(UNASKED.to_owned())),
        }
    }

    /// Ends its input. It is a good worker that ends itself then.
    pub(crate) fn dismiss(&mut self) {
        self.stdin = None;
    }

    /// What went wrong, as the skill's caller is told; ends the command.
    pub(crate) async fn explain(mut self, function: &Function, broken: Broken) -> Unanswered {
        self.dismiss();
        let ended = match &broken {
            // It is on its way out: how it ends is worth a moment.
            Broken::Ended | Broken::Unframed(Unframed::End | Unframed::Cut { .. }) => self.end().await,
            _ => self.process.ended(),
        };
        if let Some(Err(
            error @ (ProgramError::Limit { .. } | ProgramError::Unavailable(_) | ProgramError::NotFound(_)),
        )) = ended
        {
            return untold(function, error);
        }
        let stderr = self.errors.tail();
        if let Broken::Late = broken {
            let said =
                if stderr.is_empty() { String::new() } else { format!("; its standard error ends with:\n{stderr}") };
            let text = format!("{} was not answered before the time of the call was over{said}", function.id);
            return Unanswered::Limit { limit: Limit::Time, text };
        }
        let how = match &ended {
            Some(Ok(status)) => format!("the command ended with {status}"),
            Some(Err(error)) => shown(&error.to_string()),
            None => "the command closed its standard output".to_owned(),
        };
        let what = match broken {
            Broken::Wrong(what) => what,
            Broken::Unframed(unframed) => sentence(&unframed, &how),
            Broken::Ended | Broken::Late => format!("{how} before it answered"),
        };
        Unanswered::Fault(WorkerFault { function: function.id.to_string(), what, stderr })
    }

    /// Waits a moment for the end of the program and of what it says.
    async fn end(&mut self) -> Option<Ended> {
        let mut watch = self.process.watch();
        let waited = tokio::time::timeout(LAST_WORDS, watch.wait_for(Option::is_some)).await;
        let ended = waited.ok().and_then(Result::ok).and_then(|ended| ended.clone());
        let _ = tokio::time::timeout(GRACE, &mut self.errors.reader).await;
        ended
    }
}

/// What is said of a frame that nobody waits for.
const UNASKED: &str = "it sent more than one answer to a call";

/// What is wrong with a stream of frames.
fn sentence(unframed: &Unframed, how: &str) -> String {
    match unframed {
        Unframed::End => format!("{how} before it answered"),
        Unframed::Cut { length: Some(length), came } => {
            format!("{how} in the middle of its answer, after {came} of {length} bytes")
        }
        Unframed::Cut { length: None, came } => format!("{how} after {came} of the 4 bytes that begin a frame"),
        Unframed::TooLong { head } => {
            let printed = head.iter().all(|byte| (b' '..=b'~').contains(byte));
            let hint = match printed {
                true => format!(
                    ". The bytes are the text \"{}\": does it print to standard output, which is for frames alone?",
                    shown(&String::from_utf8_lossy(head))
                ),
                false => "; `--limit-output` sets how long an answer may be".to_owned(),
            };
            format!("it sent a frame of {} bytes, more than an answer may have{hint}", u32::from_be_bytes(*head))
        }
        Unframed::Failed(error) => format!("its streams failed: {error}"),
    }
}

/// Waits until the program has ended and its last bytes have had time to arrive.
async fn over(mut ended: watch::Receiver<Option<Ended>>) {
    // The other side goes only after it has told the end, or with the call.
    let _ = ended.wait_for(Option::is_some).await;
    tokio::time::sleep(GRACE).await;
}

/// What a command writes to standard error: all of it is read, the end is kept.
struct Errors {
    kept: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

impl Errors {
    fn of(mut stderr: Receiver) -> Self {
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let into = kept.clone();
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; 16 << 10];
            while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
                keep(&into, &buffer[..count]);
                // A flood of it is not to keep others from this thread.
                tokio::task::yield_now().await;
            }
        });
        Self { kept, reader }
    }

    /// The last lines, escaped.
    fn tail(&self) -> String {
        let bytes: Vec<u8> = self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text.trim_end().lines().map(vox_cap_log::escape).collect();
        lines[lines.len().saturating_sub(STDERR_LINES)..].join("\n")
    }
}

/// Adds bytes to the end, and lets the oldest go.
fn keep(kept: &Mutex<VecDeque<u8>>, bytes: &[u8]) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.extend(bytes);
    let beyond = kept.len().saturating_sub(STDERR_KEPT);
    kept.drain(..beyond);
}

impl Drop for Errors {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
