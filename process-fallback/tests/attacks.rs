//! What a program must not be able to do, tried from within, as root and as an ordinary user. Each attack that works ends
//! with the status 7; where it harms nobody it is tried outside as well, where it has to work: an attack that never works
//! proves nothing.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use common::{Bench, everybody, python, said, sh};
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::Command;
use vox_model::programs::{MountAccess, Status};

/// What is common to the scripts: the C library, and `worked`, which ends a script whose attack worked.
const PRELUDE: &str = "
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def worked(what): print('worked:', what); sys.exit(7)
def call(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(number, *arguments), ctypes.get_errno()
";

/// Tries an attack in a session, and outside of it.
fn outside(script: &str) -> Option<i32> {
    let script = format!("{PRELUDE}\n{script}");
    Command::new("/usr/bin/python3").args(["-c", &script]).output().unwrap().status.code()
}

#[test]
fn attacks_that_work_outside_fail_inside() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let name = format!("vox-attack-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    for who in everybody() {
        let bench = Bench::new(who);
        let (granted, other) = (bench.folder("granted"), bench.folder("other"));
        let secret = other.join("secret");
        bench.file(&secret, "canary");
        symlink(&secret, granted.join("link")).unwrap();
        let session = bench.start(vec![bench.mount(&granted, "/work", MountAccess::Direct)]);
        let (secret, granted) = (secret.display(), granted.display());
        let attacks = [
            ("read a file that was not granted", format!("worked(open('{secret}').read())")),
            ("read through a link", format!("worked(open('{granted}/link').read())")),
            ("write outside", format!("open('{secret}', 'a').close(); worked('write')")),
            ("see the folders of users", "worked(os.listdir('/var'))".to_owned()),
            ("connect by TCP", format!("worked(socket.create_connection(('127.0.0.1', {port}), 5))")),
            (
                "connect to an abstract socket",
                format!("s = socket.socket(socket.AF_UNIX); s.connect('\\0{name}'); worked('connect')"),
            ),
            ("open a netlink socket", "worked(socket.socket(16, socket.SOCK_RAW, 0))".to_owned()),
            ("be traced by its parent", "r = call(101, 0, 0, 0, 0)\nif r[0] == 0: worked('ptrace')".to_owned()),
            ("read the environment of its parent", "worked(open(f'/proc/{os.getppid()}/environ').read())".to_owned()),
            ("list the descriptors of its parent", "worked(os.readlink(f'/proc/{os.getppid()}/fd/0'))".to_owned()),
            ("read the memory of its parent", "worked(open(f'/proc/{os.getppid()}/maps').read(10))".to_owned()),
            ("make a user name space", "r = call(272, 0x10000000)\nif r[0] == 0: worked('unshare')".to_owned()),
            ("have 300 MiB", "worked(len(bytearray(300 << 20)))".to_owned()),
            (
                "write a file of 300 MiB",
                "f = open('/tmp/vox-attack', 'wb'); os.unlink(f.name); f.truncate(300 << 20); worked('truncate')"
                    .to_owned(),
            ),
            (
                "open more files",
                "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (2048, 2048)); worked('limit')".to_owned(),
            ),
            ("have memory without a mapping", "f = os.memfd_create('x'); worked(f)".to_owned()),
            (
                "see many processes",
                "n = [p for p in os.listdir('/proc') if p.isdigit()]\nif len(n) > 2: worked(n)".to_owned(),
            ),
            ("read the hashed passwords", "worked(os.stat('/etc/shadow'))".to_owned()),
            ("look at the devices of the machine", "worked(os.stat('/sys/class'))".to_owned()),
        ];
        for (what, script) in &attacks {
            assert_eq!(outside(script), Some(7), "{what}: the attack does not work outside, so it proves nothing");
            let ran = python(&*session, &format!("{PRELUDE}\n{script}"));
            let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
            assert_ne!(ran.status, Status::Exited(7), "{who:?}: {what}: {out}");
            assert!(matches!(ran.status, Status::Exited(0 | 1)), "{who:?}: {what}: {:?} {err}", ran.status);
        }
        session.end().unwrap();
    }
}

/// Numbers of x86-64 that must say EPERM: name and number by arch/x86/entry/syscalls/syscall_64.tbl.
const DENIED: [(&str, u32); 33] = [
    ("ptrace", 101),
    ("process_vm_readv", 310),
    ("process_vm_writev", 311),
    ("pidfd_getfd", 438),
    ("kcmp", 312),
    ("mount", 165),
    ("umount2", 166),
    ("pivot_root", 155),
    ("chroot", 161),
    ("open_tree", 428),
    ("move_mount", 429),
    ("fsopen", 430),
    ("mount_setattr", 442),
    ("setns", 308),
    ("unshare", 272),
    ("open_by_handle_at", 304),
    ("name_to_handle_at", 303),
    ("bpf", 321),
    ("userfaultfd", 323),
    ("io_uring_setup", 425),
    ("io_uring_enter", 426),
    ("io_uring_register", 427),
    ("perf_event_open", 298),
    ("add_key", 248),
    ("request_key", 249),
    ("keyctl", 250),
    ("personality", 135),
    ("kexec_load", 246),
    ("init_module", 175),
    ("finit_module", 313),
    ("reboot", 169),
    ("swapon", 167),
    ("syslog", 103),
];

#[test]
fn system_calls_are_filtered() {
    let numbers: Vec<String> = DENIED.iter().map(|(_, number)| number.to_string()).collect();
    let script = format!(
        "{PRELUDE}
for n in [{}]: print(n, call(n, 0, 0, 0, 0, 0, 0)[1])
for n in [435, 350, 400, 468, 1000, 0x40000000 + 39]: print('new', call(n, 0, 0, 0, 0, 0, 0)[1])
for flag in [0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000]:
    print('clone', call(56, flag | 17, 0, 0, 0, 0)[1])
for family in range(46):
    try: socket.socket(family, socket.SOCK_STREAM).close(); print('family', family, 0)
    except OSError as error: print('family', family, error.errno)
print('pair', socket.socketpair() is not None)
",
        numbers.join(", ")
    );
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        let said = said(&python(&*session, &script));
        for (name, number) in DENIED {
            assert!(said.lines().any(|line| line == format!("{number} 1")), "{who:?}: {name}: {said}");
        }
        assert_eq!(said.lines().filter(|line| *line == "new 38").count(), 6, "{who:?}: {said}");
        assert_eq!(said.lines().filter(|line| *line == "clone 1").count(), 7, "{who:?}: {said}");
        let families = said.lines().filter_map(|line| line.strip_prefix("family "));
        let open: Vec<&str> = families.filter(|line| !line.ends_with(" 1")).collect();
        assert_eq!(open, ["1 0"], "{who:?}: only sockets of the machine itself");
        assert!(said.contains("pair True"), "{who:?}");
    }
}

#[test]
fn processes_are_counted_and_all_of_them_are_ended() {
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        let bomb = "
import os, time
n = 0
while True:
    try: pid = os.fork()
    except OSError: break
    if pid == 0: time.sleep(600.25)
    n += 1
print(n)";
        let count: u32 = said(&python(&*session, bomb)).trim().parse().unwrap();
        assert!((10..=vox_process::PROCESSES).contains(&count), "{who:?}: {count}");
        // The command has ended, and with it everything that it left.
        let seen = said(&sh(&*session, "ls /proc | grep -c '^[0-9]'"));
        assert!(seen.trim().parse::<u32>().unwrap() <= 5, "{who:?}: {seen}");
        // A program that leaves its group and its session.
        said(&sh(&*session, "setsid sleep 600.5 > /dev/null 2>&1 & sleep 0.1"));
        let left = said(&sh(&*session, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"));
        assert!(!left.contains("600.5"), "{who:?}: {left}");
    }
}

#[test]
fn the_first_process_cannot_be_ended_from_within() {
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        sh(&*session, "kill -9 1; kill -STOP 1; kill -9 -1");
        assert_eq!(said(&sh(&*session, "echo alive")), "alive\n", "{who:?}");
    }
}

#[test]
fn memory_for_files_ends_somewhere() {
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        for (place, most) in [("/tmp", 64), ("/home", 64), ("/dev/shm", 16)] {
            let script =
                format!("cd {place} && dd if=/dev/zero of=fill bs=1M count=100 2>&1; stat -c %s fill; rm fill");
            let said = said(&sh(&*session, &script));
            assert!(said.contains("No space left"), "{who:?}: {place}: {said}");
            let size: u64 = said.lines().last().unwrap().parse().unwrap();
            assert!(size <= most << 20, "{who:?}: {place}: {size}");
        }
        let small = said(&sh(
            &*session,
            "cd /tmp; n=0; while mkdir d$n 2>/dev/null && [ $n -lt 70 ]; do n=$((n+1)); done; echo $n",
        ));
        assert_eq!(small, "70\n", "{who:?}: there is room for what is ordinary");
    }
}

#[test]
fn the_system_is_there_and_cannot_be_changed() {
    let script = "
for at in / /usr /usr/bin /bin /etc /proc /proc/sys/kernel /dev /.vox; do
    if echo x > $at/vox-attack 2>/dev/null; then echo \"wrote $at\"; fi
done
for at in /etc/passwd /etc/hosts /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/1/oom_score_adj; do
    if echo x >> $at 2>/dev/null; then echo \"wrote $at\"; fi
done
if mknod /tmp/disk b 8 0 2>/dev/null; then echo device; fi
if mount -t tmpfs none /tmp 2>/dev/null; then echo mount; fi
head -c 1 /proc/kcore 2>/dev/null | wc -c
cat /proc/sys/kernel/hostname; id -un; echo $HOME $TMPDIR; ls /home; ls /etc/ssh 2>/dev/null
echo x > /dev/null && head -c 3 /dev/zero | wc -c && [ -e /dev/fd/0 ] && umask
";
    for who in everybody() {
        let bench = Bench::new(who);
        let session = bench.start(Vec::new());
        let said = said(&sh(&*session, script));
        assert_eq!(said, "0\nvox\nvox\n/home /tmp\n3\n0022\n", "{who:?}");
    }
}

#[test]
fn a_program_of_root_gains_nothing_by_its_bit() {
    for who in everybody() {
        let bench = Bench::new(who);
        let granted = bench.folder("granted");
        let program = granted.join("id");
        fs::copy("/usr/bin/id", &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o6755)).unwrap();
        let session = bench.start(vec![bench.mount(&granted, "/work", MountAccess::Direct)]);
        let user = said(&sh(&*session, "id -u"));
        assert_eq!(said(&sh(&*session, "/work/id -u")), user, "{who:?}");
        let status = said(&sh(&*session, "grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status | tr -d ' \\t'"));
        for line in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(status.contains(&format!("{line}:0000000000000000\n")), "{who:?}: {status}");
        }
        assert!(status.contains("NoNewPrivs:1") && status.contains("Seccomp:2"), "{who:?}: {status}");
    }
}
