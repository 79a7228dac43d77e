//! A program that the host itself starts for a skill: the interpreter of a script. It is admitted, taken down and watched
//! like one that a component starts.

use crate::bindings::vox::skill::processes as wit;
use crate::state::{Admitted, ProgramsState};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use vox_model::programs::{Pipe, ProgramError, Spawned, Status, Stop};

/// Bytes that are taken from a pipe at once.
const PIECE: usize = 64 << 10;

/// What to run. It starts in the first granted folder.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The program, by a name that has to be granted.
    pub program: String,
    /// Its arguments, without its own name.
    pub arguments: Vec<String>,
    /// Variables, each of which has to be granted.
    pub environment: Vec<(String, String)>,
    /// Standard input, whole.
    pub input: Vec<u8>,
}

impl ProgramsState {
    /// Runs a program to its end, and passes on what it prints as it comes. Blocks for that.
    ///
    /// # Errors
    /// [`ProgramError`]; everything that belongs to the program has ended in any case.
    pub fn run_through(
        &mut self,
        order: Order,
        stop: &Stop,
        out: impl FnMut(&[u8]) + Send,
        err: impl FnMut(&[u8]) + Send,
    ) -> Result<Status, ProgramError> {
        let Order { program, arguments, environment, input } = order;
        let environment = environment.into_iter().map(|(name, value)| wit::Variable { name, value }).collect();
        let limits = wit::Limits { time_ms: None, output_bytes: None, memory_bytes: None };
        let asked = wit::Command { program, arguments, environment, working_folder: None, input: None, limits };
        let Admitted { command, need, shared, about } = self.admit(asked, None)?;
        let until = self.until(&command);
        let begun = shared.spawn(&need, &command).inspect_err(|error| about.record(Err(error), 0, 0))?;
        let Spawned { stdin, stdout, stderr, running } = begun;
        let (received, sent) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            // A program that ends before it has read everything is no error.
            scope.spawn(|| feed(stdin, &input, &sent));
            scope.spawn(|| pass(stdout, out, &received));
            scope.spawn(|| pass(stderr, err, &received));
            shared.wait(running, until, stop, |ended| {
                let (received, sent) = (received.load(Ordering::Relaxed), sent.load(Ordering::Relaxed));
                match ended {
                    Ok(status) => about.record(Ok(status.to_string()), received, sent),
                    Err(error) => about.record(Err(error), received, sent),
                }
            })
        })
    }
}

/// Writes standard input and closes it.
fn feed(pipe: Pipe, input: &[u8], count: &AtomicU64) {
    let mut pipe = File::from(pipe);
    for piece in input.chunks(PIECE) {
        if pipe.write_all(piece).is_err() {
            return;
        }
        count.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
}

/// Reads a stream to its end, which comes with the end of the program at the latest.
fn pass(pipe: Pipe, mut to: impl FnMut(&[u8]), count: &AtomicU64) {
    let mut pipe = File::from(pipe);
    let mut piece = vec![0; PIECE];
    loop {
        match pipe.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => {
                count.fetch_add(read as u64, Ordering::Relaxed);
                to(&piece[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
