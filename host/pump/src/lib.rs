//! Feeding a program and taking what it prints, until it ends, a time is over or someone cancels: the same for programs in
//! containers and in processes.
#![forbid(unsafe_code)]

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes taken at a time: what a pipe holds.
const PIECE: usize = 64 << 10;

/// Ends commands from another thread. Clones share one state; once cancelled it stays so.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<OwnedFd>);

impl Cancel {
    /// A handle that nobody has used yet.
    ///
    /// # Errors
    /// The process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    /// Ends what runs with this handle, and everything that is started with it later.
    pub fn cancel(&self) {
        // The only failure is a counter that is full, which says the same.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}

impl AsFd for Cancel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Where a piece of output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Takes output as it comes.
pub type Sink<'s> = &'s mut dyn FnMut(Stream, &[u8]);

/// Why pumping stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The end came.
    Ended,
    /// The time was over.
    Late,
    /// Someone cancelled.
    Cancelled,
}

/// One stream of output: what is kept of it, and how much was not.
#[derive(Debug)]
pub struct Taken {
    from: Option<OwnedFd>,
    /// Bytes that were kept or given to the sink.
    passed: u64,
    /// Bytes kept, at most as many as allowed.
    pub kept: Vec<u8>,
    /// Bytes beyond that.
    pub lost: u64,
}

impl Taken {
    fn new(from: OwnedFd) -> io::Result<Self> {
        unblock(&from)?;
        Ok(Self { from: Some(from), passed: 0, kept: Vec::new(), lost: 0 })
    }

    /// Reads once. What is beyond the limit is read too, so that the program does not wait for ever.
    fn take(&mut self, most: u64, which: Stream, sink: &mut Option<Sink<'_>>, buffer: &mut [u8]) -> io::Result<()> {
        let Some(from) = &self.from else { return Ok(()) };
        match rustix::io::read(from, &mut *buffer) {
            Ok(0) => self.from = None,
            Ok(got) => {
                let room = most.saturating_sub(self.passed);
                let fits = usize::try_from(room).unwrap_or(usize::MAX).min(got);
                self.passed += fits as u64;
                self.lost += (got - fits) as u64;
                match sink {
                    Some(_) if fits == 0 => {}
                    Some(sink) => sink(which, &buffer[..fits]),
                    None => self.kept.extend_from_slice(&buffer[..fits]),
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// The ends of a program's pipes that are ours.
pub struct Pump<'p> {
    input: Option<(OwnedFd, &'p [u8])>,
    /// Standard output and standard error.
    pub taken: [Taken; 2],
    most: u64,
    sink: Option<Sink<'p>>,
    buffer: Vec<u8>,
}

impl<'p> Pump<'p> {
    /// Takes the ends: input with what is to be written, output, error; keeps `most` bytes of each.
    pub fn new(
        input: Option<(OwnedFd, &'p [u8])>,
        output: OwnedFd,
        error: OwnedFd,
        most: u64,
        sink: Option<Sink<'p>>,
    ) -> io::Result<Self> {
        if let Some((input, _)) = &input {
            unblock(input)?;
        }
        let taken = [Taken::new(output)?, Taken::new(error)?];
        Ok(Self { input, taken, most, sink, buffer: vec![0; PIECE] })
    }

    /// Pumps until `end` is readable, then takes what is left in the pipes.
    pub fn until(
        &mut self,
        end: BorrowedFd<'_>,
        cancel: Option<BorrowedFd<'_>>,
        deadline: Instant,
    ) -> io::Result<Stop> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let [ended, cancelled] = self.turn(Some(end), cancel, left)?;
            if ended {
                self.drain()?;
                return Ok(Stop::Ended);
            }
            if cancelled {
                return Ok(Stop::Cancelled);
            }
            if left.is_zero() {
                return Ok(Stop::Late);
            }
        }
    }

    /// Takes what is left. All that wrote into the pipes is gone, or is not waited for.
    fn drain(&mut self) -> io::Result<()> {
        self.input = None;
        let deadline = Instant::now() + Duration::from_millis(100);
        while self.taken.iter().any(|taken| taken.from.is_some()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.turn(None, None, left)?;
        }
        Ok(())
    }

    /// Waits for something to happen and deals with the pipes; whether the end and the cancellation are there.
    fn turn(
        &mut self,
        end: Option<BorrowedFd<'_>>,
        cancel: Option<BorrowedFd<'_>>,
        wait: Duration,
    ) -> io::Result<[bool; 2]> {
        let ready = {
            let [output, error] = [0, 1].map(|at| self.taken[at].from.as_ref().map(AsFd::as_fd));
            let input = self.input.as_ref().map(|(fd, _)| fd.as_fd());
            let all = [end, cancel, output, error, input];
            let flags = [PollFlags::IN, PollFlags::IN, PollFlags::IN, PollFlags::IN, PollFlags::OUT];
            let mut fds: Vec<PollFd<'_>> =
                all.iter().zip(flags).filter_map(|(fd, flags)| Some(PollFd::from_borrowed_fd((*fd)?, flags))).collect();
            match poll(&mut fds, Some(&timespec(wait))) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let mut answers = fds.iter().map(|fd| !fd.revents().is_empty());
            all.map(|fd| fd.is_some() && answers.next().unwrap_or(false))
        };
        for (at, which) in [(0, Stream::Output), (1, Stream::Error)] {
            if ready[2 + at] {
                self.taken[at].take(self.most, which, &mut self.sink, &mut self.buffer)?;
            }
        }
        if ready[4] || self.input.as_ref().is_some_and(|(_, rest)| rest.is_empty()) {
            self.feed();
        }
        Ok([ready[0], ready[1]])
    }

    /// Writes once; closes the pipe when everything is written or nobody reads.
    fn feed(&mut self) {
        let Some((to, rest)) = &mut self.input else { return };
        match rustix::io::write(&*to, rest) {
            Ok(put) if put < rest.len() => *rest = &rest[put..],
            Err(Errno::AGAIN | Errno::INTR) => {}
            // A program that does not read its input to the end is not at fault.
            Ok(_) | Err(_) => self.input = None,
        }
    }
}

/// Waits for one descriptor; whether it became readable, or its other end is gone.
///
/// # Errors
/// The system cannot wait for it.
pub fn ready(fd: BorrowedFd<'_>, time: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + time;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&timespec(left))) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX), tv_nsec: time.subsec_nanos().into() }
}

fn unblock(fd: &OwnedFd) -> io::Result<()> {
    Ok(fcntl_setfl(fd, fcntl_getfl(fd)? | OFlags::NONBLOCK)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn pipe() -> (OwnedFd, io::PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        (reader.into(), writer)
    }

    #[test]
    fn what_is_beyond_the_limit_is_counted_not_kept() {
        let ((output, mut to), (error, _error)) = (pipe(), pipe());
        let (end, ended) = pipe();
        to.write_all(&[7; 1000]).unwrap();
        drop((to, ended));
        let mut pump = Pump::new(None, output, error, 100, None).unwrap();
        let stop = pump.until(end.as_fd(), None, Instant::now() + Duration::from_secs(5)).unwrap();
        assert_eq!((stop, pump.taken[0].kept.len(), pump.taken[0].lost), (Stop::Ended, 100, 900));
    }

    #[test]
    fn input_goes_in_whole_and_output_beyond_the_limit_is_counted() {
        let ((output, to), (error, to_error), (end, ended)) = (pipe(), pipe(), pipe());
        let (mut input, to_input) = io::pipe().unwrap();
        let text = vec![b'x'; 300_000];
        let echo = std::thread::spawn(move || {
            let (mut to, mut read) = (to, Vec::new());
            input.read_to_end(&mut read).unwrap();
            to.write_all(&read).unwrap();
            drop((to, to_error, ended));
            read.len()
        });
        let mut pump = Pump::new(Some((to_input.into(), &text)), output, error, 1000, None).unwrap();
        let stop = pump.until(end.as_fd(), None, Instant::now() + Duration::from_secs(30)).unwrap();
        assert_eq!((stop, echo.join().unwrap()), (Stop::Ended, text.len()));
        assert_eq!((pump.taken[0].kept.len(), pump.taken[0].lost), (1000, 299_000));
        assert_eq!((pump.taken[1].kept.len(), pump.taken[1].lost), (0, 0));
    }

    #[test]
    fn time_and_cancellation_stop_it() {
        let ((output, _to), (error, _error), (end, _ended)) = (pipe(), pipe(), pipe());
        let (_input, to_input) = io::pipe().unwrap();
        let mut pump = Pump::new(Some((to_input.into(), b"")), output, error, 1, None).unwrap();
        let cancel = Cancel::new().unwrap();
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(pump.until(end.as_fd(), Some(cancel.as_fd()), soon).unwrap(), Stop::Late);
        cancel.cancel();
        let late = Instant::now() + Duration::from_secs(60);
        assert_eq!(pump.until(end.as_fd(), Some(cancel.as_fd()), late).unwrap(), Stop::Cancelled);
    }
}
