//! Feeding a program and taking what it prints, until it ends, its time is over or somebody stops it.

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// Bytes taken at a time: what a pipe holds.
const PIECE: usize = 64 << 10;

/// How long the rest of the output is waited for once a program has ended. All that wrote into the pipes is dead then.
const REST: Duration = Duration::from_millis(100);

/// A descriptor that becomes readable when [`ring`] is called on it.
pub(crate) fn bell() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

/// Makes a [`bell`] readable, for good.
pub(crate) fn ring(bell: &OwnedFd) {
    // It fails only where the counter is full, which says the same.
    let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

/// Waits for one descriptor; whether it became readable, or its other end is gone.
pub(crate) fn ready(fd: BorrowedFd<'_>, time: Duration) -> io::Result<bool> {
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

/// One stream of output: what is kept of it, and how much was not.
pub(crate) struct Taken {
    from: Option<OwnedFd>,
    /// At most as much as allowed.
    pub(crate) kept: Vec<u8>,
    /// Bytes beyond.
    pub(crate) lost: u64,
}

impl Taken {
    fn new(from: OwnedFd) -> io::Result<Self> {
        unblock(&from)?;
        Ok(Self { from: Some(from), kept: Vec::new(), lost: 0 })
    }

    /// Reads once. What is beyond the limit is read too: the program is not to wait for ever.
    fn take(&mut self, most: u64, buffer: &mut [u8]) -> io::Result<()> {
        let Some(from) = &self.from else { return Ok(()) };
        match rustix::io::read(from, &mut *buffer) {
            Ok(0) => self.from = None,
            Ok(got) => {
                let room = usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(self.kept.len());
                let fits = room.min(got);
                self.kept.extend_from_slice(&buffer[..fits]);
                self.lost += (got - fits) as u64;
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Why pumping stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The end is there.
    Ended,
    /// The time is over.
    Late,
    /// Somebody rang.
    Stopped,
}

/// Our ends of a program's pipes.
pub(crate) struct Pump<'p> {
    input: Option<OwnedFd>,
    rest: &'p [u8],
    /// Standard output and standard error.
    pub(crate) taken: [Taken; 2],
    most: u64,
    buffer: Vec<u8>,
}

impl<'p> Pump<'p> {
    /// Takes the ends; writes `text` to the input and keeps `most` bytes of each output.
    pub(crate) fn new(input: OwnedFd, text: &'p [u8], outputs: [OwnedFd; 2], most: u64) -> io::Result<Self> {
        unblock(&input)?;
        let [output, error] = outputs;
        let input = (!text.is_empty()).then_some(input);
        Ok(Self { input, rest: text, taken: [Taken::new(output)?, Taken::new(error)?], most, buffer: vec![0; PIECE] })
    }

    /// Pumps until `end` is readable, then takes what is left in the pipes.
    pub(crate) fn until(&mut self, end: BorrowedFd<'_>, bell: &OwnedFd, deadline: Instant) -> io::Result<Why> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (ended, rung) = self.turn(&[end, bell.as_fd()], left)?;
            if ended {
                self.drain()?;
                return Ok(Why::Ended);
            }
            if rung {
                return Ok(Why::Stopped);
            }
            if left.is_zero() {
                return Ok(Why::Late);
            }
        }
    }

    /// Takes what is left.
    fn drain(&mut self) -> io::Result<()> {
        self.input = None;
        let deadline = Instant::now() + REST;
        while self.taken.iter().any(|taken| taken.from.is_some()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.turn(&[], left)?;
        }
        Ok(())
    }

    /// Waits for something to happen, and deals with the pipes. Whether the first and the second of `signs` are there.
    fn turn(&mut self, signs: &[BorrowedFd<'_>], wait: Duration) -> io::Result<(bool, bool)> {
        let happened: Vec<bool> = {
            let signs = signs.iter().map(|sign| PollFd::from_borrowed_fd(*sign, PollFlags::IN));
            let outputs = self.taken.iter().filter_map(|taken| taken.from.as_ref());
            let outputs = outputs.map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
            let input = self.input.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::OUT));
            let mut fds: Vec<PollFd<'_>> = signs.chain(outputs).chain(input).collect();
            match poll(&mut fds, Some(&timespec(wait))) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            fds.iter().map(|fd| !fd.revents().is_empty()).collect()
        };
        // Reading where nothing is costs one call and says so; only the input must not be written to in vain.
        for taken in &mut self.taken {
            taken.take(self.most, &mut self.buffer)?;
        }
        if self.input.is_some() && happened.last() == Some(&true) {
            self.feed();
        }
        let sign = |at: usize| at < signs.len() && happened.get(at) == Some(&true);
        Ok((sign(0), sign(1)))
    }

    /// Writes once; closes the pipe when everything is written or nobody reads.
    fn feed(&mut self) {
        let Some(to) = &self.input else { return };
        match rustix::io::write(to, self.rest) {
            Ok(put) if put < self.rest.len() => self.rest = &self.rest[put..],
            Err(Errno::AGAIN | Errno::INTR) => {}
            // A program that does not read its input to the end is not at fault.
            Ok(_) | Err(_) => self.input = None,
        }
    }
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
        let mut pump = Pump::new(to_input.into(), &text, [output, error], 1000).unwrap();
        let bell = bell().unwrap();
        let why = pump.until(end.as_fd(), &bell, Instant::now() + Duration::from_secs(30)).unwrap();
        assert_eq!((why, echo.join().unwrap()), (Why::Ended, text.len()));
        assert_eq!((pump.taken[0].kept.len(), pump.taken[0].lost), (1000, 299_000));
        assert_eq!((pump.taken[1].kept.len(), pump.taken[1].lost), (0, 0));
    }

    #[test]
    fn time_and_a_bell_end_it() {
        let ((output, _to), (error, _error), (end, _ended)) = (pipe(), pipe(), pipe());
        let (_input, to_input) = io::pipe().unwrap();
        let mut pump = Pump::new(to_input.into(), b"", [output, error], 1).unwrap();
        let bell = bell().unwrap();
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(pump.until(end.as_fd(), &bell, soon).unwrap(), Why::Late);
        ring(&bell);
        let late = Instant::now() + Duration::from_secs(60);
        assert_eq!(pump.until(end.as_fd(), &bell, late).unwrap(), Why::Stopped);
    }
}
