//! What holds in this container, measured from within and written down as lines. The other side judges.

use crate::sys;
use crate::wire::Header;

const PAGE: usize = 4096;
const PIECE: usize = 1 << 20;
/// How the process that takes memory ends: the kernel gave it no more.
const REFUSED: usize = 41;
/// It got everything it wanted.
const SURVIVED: usize = 42;

/// Addresses that a container on a bridge or a user-mode network reaches: metadata services, the gateways of Docker,
/// Podman, slirp4netns and pasta, and one on the internet.
const PLACES: [(&[u8], [u8; 4], u16); 6] = [
    (b"169.254.169.254:80", [169, 254, 169, 254], 80),
    (b"172.17.0.1:22", [172, 17, 0, 1], 22),
    (b"10.88.0.1:22", [10, 88, 0, 1], 22),
    (b"10.0.2.2:22", [10, 0, 2, 2], 22),
    (b"169.254.1.2:22", [169, 254, 1, 2], 22),
    (b"1.1.1.1:53", [1, 1, 1, 1], 53),
];

/// Writes the report to standard output.
pub fn report(header: &Header) {
    copy(b"/proc/self/status\0");
    copy(b"/proc/self/net/dev\0");
    for (name, address, port) in PLACES {
        say(b"#connect ");
        say(name);
        number(reach(address, port));
    }
    for (name, path, flags) in [
        (&b"#root"[..], &b"/.vox-probe\0"[..], sys::O_CREAT),
        (b"#hosts", b"/etc/hosts\0", 0),
        (b"#kernel", b"/proc/sys/kernel/core_pattern\0", 0),
        (b"#agent", b"/.vox/agent\0", 0),
    ] {
        say(name);
        let file = sys::open(path, sys::O_WRONLY | sys::O_CLOEXEC | flags);
        number(file.min(0));
    }
    processes(header.processes as usize);
    memory(header.file_size as usize);
    say(b"#end\n");
}

/// 0 when a connection could at least be tried, else the error number, negative.
fn reach(address: [u8; 4], port: u16) -> isize {
    let socket = sys::socket(2, 1 | sys::O_CLOEXEC | sys::O_NONBLOCK, 0);
    if socket < 0 {
        return socket;
    }
    let mut bytes = [0; 16];
    bytes[0] = 2;
    bytes[2..4].copy_from_slice(&port.to_be_bytes());
    bytes[4..8].copy_from_slice(&address);
    let result = sys::connect(socket as usize, &bytes);
    sys::close(socket as usize);
    result
}

/// Makes processes until the system says no, and says how many there were.
fn processes(most: usize) {
    let mut pids = [0; 1024];
    let mut count = 0;
    let mut error = 0;
    while count < most.min(pids.len()) {
        let pid = sys::fork();
        if pid == 0 {
            sys::pause();
            sys::exit(0);
        }
        if pid < 0 {
            error = pid;
            break;
        }
        pids[count] = pid;
        count += 1;
    }
    for pid in &pids[..count] {
        sys::kill(*pid as usize, sys::SIGKILL);
        sys::wait(*pid, 0);
    }
    say(b"#processes ");
    digits(count);
    number(error);
}

/// Lets a child take memory, and says how it ended.
fn memory(bytes: usize) {
    let pid = sys::fork();
    if pid == 0 {
        for _ in 0..bytes / PIECE {
            let Some(piece) = sys::anonymous(PIECE) else { sys::exit(REFUSED) };
            for at in (0..PIECE).step_by(PAGE) {
                // SAFETY: within fresh memory of this length.
                unsafe { piece.add(at).write_volatile(1) };
            }
        }
        sys::exit(SURVIVED);
    }
    let (_, how, _) = if pid < 0 { (0, 0, 0) } else { sys::wait(pid, 0) };
    say(match (pid < 0, how & 0x7f, (how >> 8) as usize) {
        (true, ..) => b"#memory untried\n",
        (_, signal, _) if signal as usize == sys::SIGKILL => b"#memory killed\n",
        (_, 0, REFUSED) => b"#memory refused\n",
        (_, 0, SURVIVED) => b"#memory survived\n",
        _ => b"#memory odd\n",
    });
}

fn copy(path: &[u8]) {
    let file = sys::open(path, sys::O_CLOEXEC);
    let mut buffer = [0; 4096];
    loop {
        let got = sys::read(file as usize, &mut buffer);
        if got <= 0 {
            break;
        }
        say(&buffer[..got as usize]);
    }
    sys::close(file as usize);
}

fn say(text: &[u8]) {
    let mut rest = text;
    while !rest.is_empty() {
        let put = sys::write(1, rest);
        if put <= 0 {
            sys::exit(1);
        }
        rest = &rest[put as usize..];
    }
}

/// A space, the error number without its sign, and the end of the line.
fn number(value: isize) {
    say(b" ");
    digits(value.unsigned_abs());
    say(b"\n");
}

fn digits(mut value: usize) {
    let mut text = [0; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    say(&text[at..]);
}
