//! Commands: started, waited for, killed.

use crate::sys;
use crate::wire::{self, ARGUMENTS, COMMANDS, Header, Status, VARIABLES};

/// Where programs are looked for when the command brings no `PATH`.
const SEARCH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// `No such file or directory`.
const NOT_THERE: isize = -2;
/// `Permission denied`.
const NOT_ALLOWED: isize = -13;
/// `Resource temporarily unavailable`.
const TRY_AGAIN: isize = -11;
/// The descriptor that a child reports a failed start on; it is closed by a successful one.
const REPORT: usize = 3;

/// What to run, taken apart.
pub struct Request<'b> {
    header: &'b Header,
    fds: [usize; 4],
    folder: &'b [u8],
    program: &'b [u8],
    /// Pointers to texts in the body, ended by a null pointer.
    arguments: [*const u8; ARGUMENTS + 2],
    variables: [*const u8; VARIABLES + 1],
    search: &'b [u8],
}

impl<'b> Request<'b> {
    /// Takes a body apart; none when it is not what its header says.
    pub fn read(header: &'b Header, body: &'b [u8], fds: [usize; 4]) -> Option<Self> {
        let mut request = Self {
            header,
            fds,
            folder: b"/\0",
            program: b"\0",
            arguments: [core::ptr::null(); ARGUMENTS + 2],
            variables: [core::ptr::null(); VARIABLES + 1],
            search: SEARCH,
        };
        if header.kind == wire::PROBE {
            return Some(request);
        }
        let (arguments, variables) = (header.arguments as usize, header.variables as usize);
        if !body.ends_with(&[0]) || arguments > ARGUMENTS + 1 || variables > VARIABLES {
            return None;
        }
        let mut texts = body.split_inclusive(|byte| *byte == 0);
        request.folder = texts.next()?;
        request.program = texts.next()?;
        for place in &mut request.arguments[..arguments] {
            *place = texts.next()?.as_ptr();
        }
        for place in &mut request.variables[..variables] {
            let text = texts.next()?;
            if let Some(search) = text.strip_prefix(b"PATH=") {
                request.search = &search[..search.len() - 1];
            }
            *place = text.as_ptr();
        }
        texts.next().is_none().then_some(request)
    }
}

#[derive(Clone, Copy)]
struct Entry {
    /// 0 where nothing runs.
    pid: isize,
    id: u32,
    status: usize,
}

/// The commands that run.
pub struct Commands([Entry; COMMANDS]);

impl Commands {
    pub fn new() -> Self {
        Self([Entry { pid: 0, id: 0, status: 0 }; COMMANDS])
    }

    /// Starts a command. Whatever goes wrong is its status.
    pub fn start(&mut self, request: &Request) {
        let [input, output, error, status] = request.fds;
        let started = match self.0.iter_mut().find(|entry| entry.pid == 0) {
            Some(free) => spawn(request).map(|pid| *free = Entry { pid, id: request.header.id, status }),
            None => Err((wire::AT_FORK, TRY_AGAIN)),
        };
        for fd in [input, output, error] {
            sys::close(fd);
        }
        if let Err((step, error)) = started {
            tell(status, Status { kind: wire::NOT_STARTED, value: error.unsigned_abs() as u32, step, cpu_micros: 0 });
        }
    }

    /// Ends a command and its process group; everything, when nothing else runs.
    pub fn kill(&mut self, id: u32) {
        let others = self.0.iter().any(|entry| entry.pid != 0 && entry.id != id);
        if let Some(entry) = self.0.iter().find(|entry| entry.pid != 0 && entry.id == id) {
            sys::kill(entry.pid.wrapping_neg() as usize, sys::SIGKILL);
            if !others {
                sys::kill(usize::MAX, sys::SIGKILL);
            }
        }
    }

    /// Takes the status of children that ended, also of those that became ours because their parent ended.
    pub fn reap(&mut self) {
        loop {
            let (pid, how, cpu_micros) = sys::wait(-1, sys::WNOHANG);
            if pid <= 0 {
                return;
            }
            let Some(place) = self.0.iter().position(|entry| entry.pid == pid) else { continue };
            let entry = self.0[place];
            self.0[place].pid = 0;
            // Before anyone hears of the end, nothing of the command runs any more, so that its output is complete
            // and what it left in the background does not stay.
            sys::kill(pid.wrapping_neg() as usize, sys::SIGKILL);
            if self.0.iter().all(|entry| entry.pid == 0) {
                sweep();
            }
            let signal = how & 0x7f;
            let (kind, value) = if signal == 0 { (wire::EXITED, how >> 8 & 0xff) } else { (wire::SIGNALLED, signal) };
            tell(entry.status, Status { kind, value, step: 0, cpu_micros });
        }
    }
}

/// Kills every other process of the container and waits until it is gone. The kernel signals all in one go, and a
/// fork under way fails, so a fork bomb does not outrun it.
fn sweep() {
    sys::kill(usize::MAX, sys::SIGKILL);
    loop {
        let (pid, _, _) = sys::wait(-1, 0);
        if pid < 0 && pid != sys::EINTR {
            return;
        }
    }
}

fn tell(status: usize, what: Status) {
    // Nobody may be there to hear it; a pipe always takes this much.
    sys::write(status, &what.encode());
    sys::close(status);
}

fn spawn(request: &Request) -> Result<isize, (u32, isize)> {
    let (told, tell) = sys::pipe().map_err(|error| (wire::AT_FORK, error))?;
    let pid = sys::fork();
    if pid == 0 {
        child(request, tell);
    }
    sys::close(tell);
    let mut report = [0; 8];
    let got = if pid < 0 { 0 } else { sys::read(told, &mut report) };
    sys::close(told);
    if pid < 0 {
        return Err((wire::AT_FORK, pid));
    }
    if got == 8 {
        sys::kill(pid as usize, sys::SIGKILL);
        sys::wait(pid, 0);
        let word = |at: usize| u32::from_le_bytes([report[at], report[at + 1], report[at + 2], report[at + 3]]);
        return Err((word(0), -(word(4) as isize)));
    }
    Ok(pid)
}

fn child(request: &Request, tell: usize) -> ! {
    let [input, output, error, _] = request.fds;
    for (from, to) in [(input, 0), (output, 1), (error, 2)] {
        sys::dup2(from, to);
    }
    // Takes the number of the socket, which is the first that this process opened.
    sys::dup3(tell, REPORT, sys::O_CLOEXEC);
    sys::close_range(REPORT + 1, u32::MAX as usize);
    sys::setsid();
    sys::signal_mask(0);
    limits(request.header);
    // When memory runs out, the kernel takes commands before the agent. Only a dumpable process may write the file;
    // nothing of the agent is left in this one but a copy of its memory, which holds no secret.
    sys::prctl(4, 1);
    let score = sys::open(b"/proc/self/oom_score_adj\0", sys::O_WRONLY | sys::O_CLOEXEC);
    if score >= 0 {
        sys::write(score as usize, b"500");
        sys::close(score as usize);
    }
    if request.header.kind == wire::PROBE {
        sys::close(REPORT);
        crate::probe::report(request.header);
        sys::exit(0);
    }
    let entered = sys::chdir(request.folder);
    if entered < 0 {
        fail(wire::AT_FOLDER, entered);
    }
    fail(wire::AT_EXEC, execute(request))
}

fn fail(step: u32, error: isize) -> ! {
    let mut report = [0; 8];
    report[..4].copy_from_slice(&step.to_le_bytes());
    report[4..].copy_from_slice(&(error.unsigned_abs() as u32).to_le_bytes());
    sys::write(REPORT, &report);
    sys::exit(127)
}

/// Resource limits of the command; no core dumps in any case.
fn limits(header: &Header) {
    const CPU: usize = 0;
    const FILE_SIZE: usize = 1;
    const CORE: usize = 4;
    const ADDRESS_SPACE: usize = 9;
    sys::limit(CORE, 0, 0);
    // The soft limit sends SIGXCPU, by which the other side knows the reason; the hard one kills what ignores that.
    if header.cpu_seconds > 0 {
        sys::limit(CPU, header.cpu_seconds, header.cpu_seconds + 1);
    }
    if header.file_size > 0 && header.kind != wire::PROBE {
        sys::limit(FILE_SIZE, header.file_size, header.file_size);
    }
    if header.address_space > 0 {
        sys::limit(ADDRESS_SPACE, header.address_space, header.address_space);
    }
}

/// Executes the program, looked up in the search path when its name has no `/`. Comes back only with an error.
fn execute(request: &Request) -> isize {
    let program = request.program;
    if program.contains(&b'/') {
        return sys::execve(program, &request.arguments, &request.variables);
    }
    let mut worst = NOT_THERE;
    for folder in request.search.split(|byte| *byte == b':').filter(|folder| folder.starts_with(b"/")) {
        let mut path = [0; 4096];
        let length = folder.len() + 1 + program.len();
        if length > path.len() {
            continue;
        }
        path[..folder.len()].copy_from_slice(folder);
        path[folder.len()] = b'/';
        path[folder.len() + 1..length].copy_from_slice(program);
        match sys::execve(&path, &request.arguments, &request.variables) {
            NOT_THERE | -20 => {}
            NOT_ALLOWED => worst = NOT_ALLOWED,
            error => return error,
        }
    }
    worst
}
