//! What of the machine's own system programs see.

use super::mounts::{Open, bind, file, folder, freeze, seat, tmpfs};
use super::{Failed, Right};
use rustix::mount::{MountFlags, mount_bind_recursive};
use rustix::process::{getegid, geteuid};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Programs and libraries.
const PROGRAMS: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// Settings that programs need and that hold no secret. Everything else of `/etc` stays outside: passwords, keys, names of
/// machines and people.
const SETTINGS: [&str; 17] = [
    "alternatives",
    "fonts",
    "java",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "perl",
    "protocols",
    "python3",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

/// Devices without a machine behind them.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// Names that programs expect beside them.
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// What `/proc` shows of the machine, or moves it by; the list of container engines (`DefaultMaskedPaths` of OCI).
const MASKED: [&str; 11] = [
    "acpi",
    "asound",
    "kcore",
    "keys",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "scsi",
    "sysrq-trigger",
    "timer_list",
    "timer_stats",
];

/// A part of the system.
enum Part {
    Link(PathBuf),
    Folder(Open),
    File(Open),
}

/// The parts that this machine has, by their path below the root.
pub(super) struct Parts(Vec<(String, Part)>);

impl Parts {
    /// Opens what is there.
    pub(super) fn open() -> Result<Self, Failed> {
        let programs = PROGRAMS.iter().map(|name| (*name).to_owned());
        let settings = SETTINGS.iter().map(|name| format!("etc/{name}"));
        let devices = DEVICES.iter().map(|name| format!("dev/{name}"));
        let mut parts = Vec::new();
        for name in programs.chain(settings).chain(devices) {
            let path = Path::new("/").join(&name);
            let failed = |error| Failed::step(&format!("opening {}", path.display()), error);
            let Ok(meta) = path.symlink_metadata() else { continue };
            let part = if meta.is_symlink() && PROGRAMS.contains(&&*name) {
                Part::Link(fs::read_link(&path).map_err(|error| Failed::step("reading a link", error))?)
            } else {
                // Settings are often links into other folders: what they lead to is shown.
                match path.metadata() {
                    Ok(meta) if meta.is_dir() => Part::Folder(Open::any(&path).map_err(failed)?),
                    Ok(_) => Part::File(Open::any(&path).map_err(failed)?),
                    Err(_) => continue,
                }
            };
            parts.push((name, part));
        }
        Ok(Self(parts))
    }

    /// Puts them below a new root. Gives what programs may do with them.
    pub(super) fn lay_out(self, base: &Path) -> Result<Vec<(PathBuf, Right)>, Failed> {
        let quiet = MountFlags::NOSUID | MountFlags::RDONLY;
        let mut allowed = vec![("/etc".into(), Right::Read), ("/dev".into(), Right::Read)];
        for (name, part) in self.0 {
            let at = base.join(&name);
            let device = name.starts_with("dev/");
            // A device is written to although nothing may be made beside it.
            let flags = if device { MountFlags::NOSUID } else { quiet | MountFlags::NODEV };
            match part {
                Part::Link(to) => symlink(to, &at).map_err(|error| Failed::step("making a link", error))?,
                Part::Folder(from) => {
                    folder(&at)?;
                    bind(&from, seat(base, &Path::new("/").join(&name))?.as_fd(), flags)?;
                }
                Part::File(from) => {
                    file(&at, "")?;
                    let to = Open::any(&at).map_err(|error| Failed::step("opening a place", error))?;
                    bind(&from, std::os::fd::OwnedFd::from(to).as_fd(), flags)?;
                }
            }
            match (device, PROGRAMS.contains(&&*name)) {
                (true, _) => allowed.push((Path::new("/").join(&name), Right::Device)),
                (_, true) => allowed.push((Path::new("/").join(&name), Right::Execute)),
                _ => {}
            }
        }
        for (name, to) in LINKS {
            symlink(to, base.join("dev").join(name)).map_err(|error| Failed::step("making a link", error))?;
        }
        for (name, text) in names() {
            file(&base.join("etc").join(name), &text)?;
        }
        // The name of the machine is nobody's business. Where it stays, /etc/hostname still says another.
        let _ = rustix::system::sethostname(b"vox");
        Ok(allowed)
    }
}

/// Files of `/etc` that say who is there: the user of vox under a name that says nothing, and nobody.
fn names() -> [(&'static str, String); 5] {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let nobody = "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
    [
        ("passwd", format!("vox:x:{user}:{group}:vox:/home:/bin/sh\n{nobody}")),
        ("group", format!("vox:x:{group}:\nnogroup:x:65534:\n")),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n".to_owned()),
        ("hosts", "127.0.0.1 localhost\n".to_owned()),
        ("hostname", "vox\n".to_owned()),
    ]
}

/// Covers what is masked: files by `/dev/null`, folders by empty ones.
pub(super) fn mask(proc: &Path) -> Result<(), Failed> {
    for name in MASKED {
        let at = proc.join(name);
        let Ok(meta) = at.symlink_metadata() else { continue };
        if meta.is_dir() {
            tmpfs(&at, "size=4k,nr_inodes=2,mode=0555")?;
        } else {
            mount_bind_recursive("/dev/null", &at).map_err(|error| Failed::step(&format!("covering {name}"), error))?;
        }
        freeze(&at, MountFlags::NOSUID | MountFlags::RDONLY)?;
    }
    Ok(())
}
