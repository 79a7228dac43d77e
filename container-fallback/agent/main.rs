//! The first process of a session's container: it runs commands for the owner of a socket, and ends with it.
//!
//! Freestanding: no standard library and no C library, so that it works in every image and stays small. `build.rs`
//! compiles it, the library embeds it, and each session mounts it read-only into its container.
//!
//! It trusts the socket and nothing else. Programs that it runs have its user, but cannot trace it (it is not
//! dumpable), cannot stop or kill it (it is the init of its process namespace), and hold none of its descriptors.
#![no_std]
#![no_main]

mod listen;
mod probe;
mod run;
mod sys;
#[allow(dead_code, reason = "the owner of the socket uses the rest")]
mod wire;

use core::arch::global_asm;
use listen::Listener;
use run::{Commands, Request};
use wire::{BODY, HEADER, Header};

global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    start = sym start,
);

/// The owner is gone: not an error.
const OWNER_GONE: usize = 0;
/// What came over the socket makes no sense.
const CONFUSED: usize = 102;
/// Something that every system has did not work.
const UNABLE: usize = 103;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    sys::exit(101)
}

extern "C" fn start(stack: *const usize) -> ! {
    // SAFETY: the kernel puts the count and then the pointers of the arguments on the stack.
    let (count, path) = unsafe { (*stack, *stack.add(2) as *const u8) };
    // Outside of a process namespace of its own it would kill what is not its own.
    if count != 2 || sys::getpid() != 1 {
        sys::exit(CONFUSED);
    }
    // Nothing that the engine left open may reach a command; 0 to 2 stay, so that no number of ours is one of them.
    sys::close_range(3, u32::MAX as usize);
    const SET_DUMPABLE: usize = 4;
    sys::prctl(SET_DUMPABLE, 0);

    let children = 1 << (sys::SIGCHLD - 1);
    sys::signal_mask(children);
    let socket = connected(path);
    let signals = sys::signal_fd(children);
    let Some(memory) = sys::anonymous(BODY) else { sys::exit(UNABLE) };
    if signals < 0 {
        sys::exit(UNABLE);
    }
    // SAFETY: fresh memory of this length that nothing else knows.
    let body = unsafe { core::slice::from_raw_parts_mut(memory, BODY) };
    serve(socket, signals as usize, body)
}

/// The socket of the owner.
fn connected(path: *const u8) -> usize {
    let mut address = [0_u8; 110];
    address[0] = 1; // AF_UNIX
    for (at, place) in address[2..109].iter_mut().enumerate() {
        // SAFETY: the argument ends in a NUL, and the loop ends there.
        let byte = unsafe { *path.add(at) };
        if byte == 0 {
            break;
        }
        *place = byte;
    }
    const UNIX_STREAM: (usize, usize) = (1, 1 | sys::O_CLOEXEC);
    let socket = sys::socket(UNIX_STREAM.0, UNIX_STREAM.1, 0);
    if socket < 0 || sys::connect(socket as usize, &address) < 0 {
        sys::exit(UNABLE);
    }
    socket as usize
}

fn serve(socket: usize, signals: usize, body: &mut [u8]) -> ! {
    let mut commands = Commands::new();
    let mut listener = Listener::none();
    loop {
        let wanted = |fd: i32| sys::PollFd { fd, events: sys::POLLIN, revents: 0 };
        // The kernel passes over a negative number.
        let mut fds = [wanted(socket as i32), wanted(signals as i32), wanted(listener.number())];
        if sys::poll(&mut fds) < 0 {
            continue;
        }
        if fds[1].revents != 0 {
            // What is read says no more than that children ended, and several signals count once.
            let mut ignored = [0; 1024];
            sys::read(signals, &mut ignored);
            commands.reap();
        }
        if fds[2].revents != 0 {
            listener.pass_on(socket);
        }
        if fds[0].revents != 0 {
            let mut header = [0; HEADER];
            let (got, fds) = sys::receive(socket, &mut header);
            if got == sys::EINTR {
                continue;
            }
            if got <= 0 {
                sys::exit(OWNER_GONE);
            }
            read_whole(socket, &mut header[got as usize..]);
            let header = Header::decode(&header);
            match header.kind {
                wire::LISTEN => listener.open(header.id, socket),
                _ => handle(&mut commands, socket, &header, fds, body),
            }
        }
    }
}

fn handle(commands: &mut Commands, socket: usize, header: &Header, fds: [i32; 4], body: &mut [u8]) {
    let Some(body) = body.get_mut(..header.body as usize) else { sys::exit(CONFUSED) };
    read_whole(socket, body);
    match header.kind {
        wire::KILL => commands.kill(header.id),
        wire::RUN | wire::PROBE => {
            if fds.iter().any(|fd| *fd < 0) {
                sys::exit(CONFUSED);
            }
            let fds = fds.map(|fd| fd as usize);
            match Request::read(header, body, fds) {
                Some(request) => commands.start(&request),
                None => sys::exit(CONFUSED),
            }
        }
        _ => sys::exit(CONFUSED),
    }
}

fn read_whole(socket: usize, mut rest: &mut [u8]) {
    while !rest.is_empty() {
        match sys::read(socket, rest) {
            sys::EINTR => {}
            got if got > 0 => rest = &mut rest[got as usize..],
            _ => sys::exit(OWNER_GONE),
        }
    }
}
