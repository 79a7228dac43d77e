//! System calls of Linux on x86-64, and the four memory functions that the compiler asks for.
//!
//! Each wrapper returns what the kernel returned: a result, or a negative error number.

use core::arch::asm;

pub const EINTR: isize = -4;
pub const SIGKILL: usize = 9;
pub const SIGCHLD: usize = 17;
pub const POLLIN: i16 = 1;
pub const O_WRONLY: usize = 1;
pub const O_CREAT: usize = 0o100;
pub const O_CLOEXEC: usize = 0o2_000_000;
pub const O_NONBLOCK: usize = 0o4000;
pub const WNOHANG: usize = 1;

/// One entry of `poll`.
#[repr(C)]
pub struct PollFd {
    pub fd: i32,
    pub events: i16,
    pub revents: i16,
}

#[repr(C)]
struct IoVec {
    base: *mut u8,
    length: usize,
}

#[repr(C)]
struct MsgHdr {
    name: usize,
    name_length: u32,
    vectors: *mut IoVec,
    vector_count: usize,
    control: *mut u8,
    control_length: usize,
    flags: i32,
}

/// The control message that brings descriptors: header of 16 bytes, then up to four numbers.
#[repr(C, align(8))]
struct Rights {
    length: usize,
    level: i32,
    kind: i32,
    fds: [i32; 4],
}

/// # Safety
/// The arguments have to be what the system call with this number expects.
unsafe fn call(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> isize {
    let result: isize;
    // SAFETY: the caller vouches for the arguments; the kernel clobbers rcx and r11 and nothing else.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c,
             in("r10") d, in("r8") e, in("r9") 0, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// Declares wrappers whose arguments are plain numbers: the kernel can refuse them, and they touch no memory of ours.
macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) = $number:literal, [$($rest:expr),*];)*) => {$(
        $(#[$doc])*
        pub fn $name($($arg: usize),*) -> isize {
            // SAFETY: no argument is a pointer.
            unsafe { call($number, $($arg,)* $($rest),*) }
        }
    )*};
}

plain! {
    close(fd) = 3, [0, 0, 0, 0];
    dup2(old, new) = 33, [0, 0, 0];
    dup3(old, new, flags) = 292, [0, 0];
    pause() = 34, [0, 0, 0, 0, 0];
    socket(domain, kind, protocol) = 41, [0, 0];
    listen(fd, backlog) = 50, [0, 0, 0];
    fork() = 57, [0, 0, 0, 0, 0];
    kill(pid, signal) = 62, [0, 0, 0];
    getpid() = 39, [0, 0, 0, 0, 0];
    setsid() = 112, [0, 0, 0, 0, 0];
    prctl(option, value) = 157, [0, 0, 0];
    close_range(first, last) = 436, [0, 0, 0];
}

/// Ends the process.
pub fn exit(code: usize) -> ! {
    loop {
        // SAFETY: exit_group takes a number and does not return.
        unsafe { call(231, code, 0, 0, 0, 0) };
    }
}

/// Anonymous memory of this length, or none.
pub fn anonymous(length: usize) -> Option<*mut u8> {
    let result: isize;
    // SAFETY: mmap of new anonymous memory (PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, fd −1) touches nothing
    // that exists.
    unsafe {
        asm!("syscall", inlateout("rax") 9_isize => result, in("rdi") 0, in("rsi") length, in("rdx") 3,
             in("r10") 0x22, in("r8") -1_isize, in("r9") 0, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    (result > 0).then_some(result as *mut u8)
}

pub fn read(fd: usize, into: &mut [u8]) -> isize {
    // SAFETY: the kernel writes at most the slice's length.
    unsafe { call(0, fd, into.as_mut_ptr() as usize, into.len(), 0, 0) }
}

pub fn write(fd: usize, from: &[u8]) -> isize {
    // SAFETY: the kernel reads at most the slice's length.
    unsafe { call(1, fd, from.as_ptr() as usize, from.len(), 0, 0) }
}

/// Opens a file; the path ends in NUL.
pub fn open(path: &[u8], flags: usize) -> isize {
    debug_assert!(path.ends_with(&[0]));
    // SAFETY: the path is ended by a NUL, as all literals and body texts here are.
    unsafe { call(2, path.as_ptr() as usize, flags, 0o600, 0, 0) }
}

pub fn chdir(path: &[u8]) -> isize {
    // SAFETY: the path is ended by a NUL.
    unsafe { call(80, path.as_ptr() as usize, 0, 0, 0, 0) }
}

pub fn poll(fds: &mut [PollFd]) -> isize {
    // SAFETY: the kernel writes into the entries of the slice alone; −1 waits without end.
    unsafe { call(7, fds.as_mut_ptr() as usize, fds.len(), usize::MAX, 0, 0) }
}

pub fn pipe() -> Result<(usize, usize), isize> {
    let mut fds = [0_i32; 2];
    // SAFETY: the kernel writes two numbers.
    let result = unsafe { call(293, fds.as_mut_ptr() as usize, O_CLOEXEC, 0, 0, 0) };
    if result < 0 { Err(result) } else { Ok((fds[0] as usize, fds[1] as usize)) }
}

/// Connects to an address in the layout of its family.
pub fn connect(fd: usize, address: &[u8]) -> isize {
    // SAFETY: the kernel reads the slice.
    unsafe { call(42, fd, address.as_ptr() as usize, address.len(), 0, 0) }
}

/// Binds to an address in the layout of its family.
pub fn bind(fd: usize, address: &[u8]) -> isize {
    // SAFETY: the kernel reads the slice.
    unsafe { call(49, fd, address.as_ptr() as usize, address.len(), 0, 0) }
}

/// Takes a connection; its descriptor is closed by an `execve`.
pub fn accept(fd: usize) -> isize {
    // SAFETY: accept4 without a place for the address writes nothing.
    unsafe { call(288, fd, 0, 0, O_CLOEXEC, 0) }
}

/// Executes a program. The arrays end in a null pointer and hold texts ended by NUL.
pub fn execve(path: &[u8], arguments: &[*const u8], variables: &[*const u8]) -> isize {
    // SAFETY: see above; on success this does not return.
    unsafe { call(59, path.as_ptr() as usize, arguments.as_ptr() as usize, variables.as_ptr() as usize, 0, 0) }
}

/// Waits for a child: its number, how it ended, and the microseconds of processor time.
pub fn wait(pid: isize, options: usize) -> (isize, u32, u64) {
    let mut status = 0_u32;
    let mut usage = [0_u64; 18];
    // SAFETY: the kernel writes one status and one `rusage`, which is 144 bytes.
    let ended = unsafe { call(61, pid as usize, (&raw mut status) as usize, options, usage.as_mut_ptr() as usize, 0) };
    (ended, status, (usage[0] + usage[2]) * 1_000_000 + usage[1] + usage[3])
}

/// Blocks these signals (a bit each), or with 0 lets all through.
pub fn signal_mask(mask: u64) -> isize {
    // SAFETY: the kernel reads eight bytes; 2 is SIG_SETMASK.
    unsafe { call(14, 2, (&raw const mask) as usize, 0, 8, 0) }
}

/// A descriptor that is readable while one of these signals waits.
pub fn signal_fd(mask: u64) -> isize {
    // SAFETY: the kernel reads eight bytes.
    unsafe { call(289, usize::MAX, (&raw const mask) as usize, 8, O_CLOEXEC | O_NONBLOCK, 0) }
}

/// Sets a resource limit.
pub fn limit(resource: usize, soft: u64, hard: u64) -> isize {
    let pair = [soft, hard];
    // SAFETY: the kernel reads sixteen bytes.
    unsafe { call(302, 0, resource, pair.as_ptr() as usize, 0, 0) }
}

/// Reads bytes and the descriptors that came with them; those not sent are −1.
pub fn receive(fd: usize, into: &mut [u8]) -> (isize, [i32; 4]) {
    const CLOSE_ON_EXEC: usize = 0x4000_0000;
    let mut vector = IoVec { base: into.as_mut_ptr(), length: into.len() };
    let mut rights = Rights { length: 0, level: 0, kind: 0, fds: [-1; 4] };
    let mut header = MsgHdr {
        name: 0,
        name_length: 0,
        vectors: &raw mut vector,
        vector_count: 1,
        control: (&raw mut rights).cast(),
        control_length: size_of::<Rights>(),
        flags: 0,
    };
    // SAFETY: every pointer of the header leads to a live value of the given length.
    let got = unsafe { call(47, fd, (&raw mut header) as usize, CLOSE_ON_EXEC, 0, 0) };
    // SCM_RIGHTS at SOL_SOCKET; anything else brings no descriptors.
    if header.control_length < 16 || rights.level != 1 || rights.kind != 1 {
        rights.fds = [-1; 4];
    }
    (got, rights.fds)
}

/// Sends one byte with a descriptor, or nothing where it would have to wait.
pub fn send_descriptor(fd: usize, byte: u8, descriptor: i32) -> isize {
    const DONT_WAIT: usize = 0x40;
    const NO_SIGNAL: usize = 0x4000;
    /// `CMSG_LEN` of one number.
    const ONE: usize = 20;
    let mut byte = byte;
    let mut vector = IoVec { base: &raw mut byte, length: 1 };
    // SOL_SOCKET and SCM_RIGHTS.
    let mut rights = Rights { length: ONE, level: 1, kind: 1, fds: [descriptor, 0, 0, 0] };
    let header = MsgHdr {
        name: 0,
        name_length: 0,
        vectors: &raw mut vector,
        vector_count: 1,
        control: (&raw mut rights).cast(),
        control_length: ONE,
        flags: 0,
    };
    // SAFETY: every pointer of the header leads to a live value of the given length; the kernel reads them.
    unsafe { call(46, fd, (&raw const header) as usize, DONT_WAIT | NO_SIGNAL, 0, 0) }
}

/// # Safety
/// As for C's `memcpy`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: the caller vouches for both ranges.
    unsafe {
        asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") length => _, options(nostack))
    };
    to
}

/// # Safety
/// As for C's `memset`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the range.
    unsafe {
        asm!("rep stosb", inout("rdi") to => _, in("al") value as u8, inout("rcx") length => _, options(nostack))
    };
    to
}

/// # Safety
/// As for C's `memcmp`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    for at in 0..length {
        // SAFETY: the caller vouches for both ranges; volatile keeps the compiler from making a call of memcmp.
        let (l, r) = unsafe { (left.add(at).read_volatile(), right.add(at).read_volatile()) };
        if l != r {
            return i32::from(l) - i32::from(r);
        }
    }
    0
}

/// # Safety
/// As for C's `bcmp`.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    // SAFETY: the caller vouches for both ranges.
    unsafe { memcmp(left, right, length) }
}
