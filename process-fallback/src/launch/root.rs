//! The private root of a session: the system's folders, read-only; the granted folders; nothing else of this machine.

mod mounts;
mod system;

use super::{Failed, WITHOUT};
use crate::limits::{PROCESSES, SHARED, TEMPORARY};
use crate::wire::{Access, Folder, Setup};
use mounts::{Open, bind, file, folder, overlay, tmpfs};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount};
use rustix::process::{chdir, geteuid, pivot_root};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// A place under a rule of Landlock.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) at: OwnedFd,
    pub(super) right: Right,
}

/// What programs may do below a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// See names.
    List,
    /// Read.
    Read,
    /// Read and execute.
    Execute,
    /// Read and execute one file.
    ExecuteFile,
    /// Read and write what is there.
    Device,
    /// Everything but making devices.
    All,
}

/// Where the new root is put together. Whatever lies there was opened before.
const BASE: &str = "/tmp";

/// A folder that is writable but for Landlock: the probe tries it.
pub(super) const CANARY: &str = "/.vox";

/// The overlay of a session that measures.
pub(super) const PROBED: &str = "/probe";

/// Where programs find the system, and no folder can be granted. The links to `/usr` are among them.
const TAKEN: [&str; 12] =
    ["/proc", "/sys", "/dev", "/.vox", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"];

/// Whether the system of a session lies at a path.
fn taken(guest: &str) -> bool {
    TAKEN.iter().any(|taken| Path::new(guest).starts_with(taken))
}

/// Makes the root and enters it. Gives what Landlock is to allow in it.
pub(super) fn enter(setup: &Setup) -> Result<Vec<Place>, Failed> {
    let step = |what: &'static str| move |error: rustix::io::Errno| Failed::step(what, error);
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)
        .map_err(step("keeping mounts to ourselves"))?;
    // Opened before anything is covered.
    let system = system::Parts::open()?;
    let granted = setup.folders.iter().map(granted).collect::<Result<Vec<_>, _>>()?;
    let this = File::open("/proc/self/exe").map_err(|error| Failed::step("opening this program", error))?;
    let base = Path::new(BASE);
    tmpfs(base, "size=4m,nr_inodes=8192,mode=0755")?;
    let mut allowed = system.lay_out(base)?;
    // Nothing is below it that may not be seen.
    allowed.push(("/".into(), Right::List));
    for (place, options) in [("tmp", TEMPORARY), ("home", TEMPORARY), ("dev/shm", SHARED)] {
        let mode = if place == "home" { "0755" } else { "1777" };
        folder(&base.join(place))?;
        tmpfs(&base.join(place), &format!("size={options},nr_inodes=65536,mode={mode}"))?;
        allowed.push((PathBuf::from("/").join(place), Right::All));
    }
    processes(base)?;
    allowed.push(("/proc".into(), Right::Read));
    folder(&base.join(&CANARY[1..]))?;
    tmpfs(&base.join(&CANARY[1..]), "size=64k,nr_inodes=64,mode=0755")?;
    if setup.measures {
        measured_overlay(base)?;
        allowed.push((PROBED.into(), Right::All));
    }
    for (one, opened) in in_order(&setup.folders, &granted) {
        lay(base, one, opened)?;
        let right = if one.access == Access::Read { Right::Execute } else { Right::All };
        allowed.push((one.guest.clone().into(), right));
    }
    let places = pivot(base, allowed)?;
    let own = Place { at: this.into(), right: Right::ExecuteFile };
    Ok(places.into_iter().chain(setup.measures.then_some(own)).collect())
}

/// A granted folder, open.
struct Granted {
    host: Open,
    layer: Option<(Open, Open)>,
}

fn granted(one: &Folder) -> Result<Granted, Failed> {
    let open = |path: &OsString| {
        Open::folder(Path::new(path)).map_err(|error| Failed {
            what: format!("the folder {} cannot be opened: {error}", Path::new(path).display()),
            fix: "grant a folder that is there and that this user may enter".to_owned(),
        })
    };
    let layer = match &one.access {
        Access::Write { upper, work } => Some((open(upper)?, open(work)?)),
        Access::Read | Access::Direct => None,
    };
    Ok(Granted { host: open(&one.host)?, layer })
}

/// Folders before those that lie in them.
fn in_order<'f>(folders: &'f [Folder], granted: &'f [Granted]) -> Vec<(&'f Folder, &'f Granted)> {
    let mut all: Vec<_> = folders.iter().zip(granted).collect();
    all.sort_by_key(|(one, _)| Path::new(&one.guest).components().count());
    all
}

/// Puts a granted folder where programs see it.
fn lay(base: &Path, one: &Folder, granted: &Granted) -> Result<(), Failed> {
    let seat = Path::new(&one.guest);
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    if !seat.is_absolute() || seat == Path::new("/") || !seat.components().all(plain) || taken(&one.guest) {
        return Err(Failed {
            what: format!(
                "programs cannot see a folder as {:?}: that is no plain path, or the system lies there",
                one.guest
            ),
            fix: "grant it under another path, such as `--allow-read DIR::docs`".to_owned(),
        });
    }
    let target = mounts::seat(base, seat)?;
    match (&one.access, &granted.layer) {
        (Access::Write { .. }, Some((upper, work))) => {
            overlay(&granted.host, upper, work, target.as_fd()).map_err(|error| Failed {
                what: format!(
                    "writes to {} cannot be staged: mounting an overlay failed: {error}",
                    Path::new(&one.host).display()
                ),
                fix: format!("keep vox's state folder (VOX_HOME) on a disk of this machine, or {WITHOUT}"),
            })
        }
        (Access::Direct, _) => bind(&granted.host, target.as_fd(), MountFlags::NOSUID | MountFlags::NODEV),
        _ => bind(&granted.host, target.as_fd(), MountFlags::NOSUID | MountFlags::NODEV | MountFlags::RDONLY),
    }
}

/// The overlay that the probe writes to, as staged folders get one, but in memory: the probe leaves nothing on a disk.
fn measured_overlay(base: &Path) -> Result<(), Failed> {
    let layers = ["lower", "upper", "work"].map(|name| base.join(&CANARY[1..]).join(name));
    layers.iter().try_for_each(|layer| folder(layer))?;
    file(&layers[0].join("below"), "below")?;
    let opened: Result<Vec<Open>, _> = layers.iter().map(|layer| Open::folder(layer)).collect();
    let opened = opened.map_err(|error| Failed::step("opening a layer", error))?;
    let target = mounts::seat(base, Path::new(PROBED))?;
    overlay(&opened[0], &opened[1], &opened[2], target.as_fd()).map_err(|error| Failed {
        what: format!("folders cannot be staged: this user may not mount an overlay: {error}"),
        fix: format!("run Linux 5.11 or newer with the module overlay (`sudo modprobe overlay`), or {WITHOUT}"),
    })
}

/// `/proc` of the new process name space, read-only, without what shows or moves the machine.
fn processes(base: &Path) -> Result<(), Failed> {
    let proc = base.join("proc");
    folder(&proc)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", &proc, "proc", flags, None).map_err(|error| Failed {
        what: format!("/proc of the name space cannot be mounted: {error}"),
        fix: format!("run vox outside of a container that covers parts of /proc, or {WITHOUT}"),
    })?;
    if geteuid().is_root() {
        count_processes(&proc)?;
    }
    system::mask(&proc)?;
    mounts::freeze(&proc, flags | MountFlags::RDONLY)
}

/// The first Linux whose process name spaces have a largest process number of their own (`pid_max` in Documentation/admin-guide/sysctl/kernel.rst). On an older
/// one the same file is the whole machine's, and writing it would leave the machine without processes.
const OWN_NUMBERS: (u32, u32) = (6, 14);

/// Bounds the number of processes for root, whom `RLIMIT_NPROC` spares.
fn count_processes(proc: &Path) -> Result<(), Failed> {
    let refused = |why: String| Failed {
        what: format!("the number of processes of root cannot be limited: {why}"),
        fix: format!("run vox as another user than root, or Linux 6.14 or newer, or {WITHOUT}"),
    };
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy();
    if version(&release).is_none_or(|version| version < OWN_NUMBERS) {
        return Err(refused(format!("Linux {release} has one number for the whole machine")));
    }
    // Numbers below 300 are given once and not again (RESERVED_PIDS), so they are passed over first.
    for (name, value) in [("ns_last_pid", 300), ("pid_max", 300 + PROCESSES)] {
        fs::write(proc.join("sys/kernel").join(name), value.to_string())
            .map_err(|error| refused(format!("writing {name} failed: {error}")))?;
    }
    Ok(())
}

/// The first two numbers of a release such as `6.1.0-18-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Makes the new root the root, and lets go of the old one.
fn pivot(base: &Path, allowed: Vec<(PathBuf, Right)>) -> Result<Vec<Place>, Failed> {
    let step = |what: &'static str| move |error: rustix::io::Errno| Failed::step(what, error);
    chdir(base).map_err(step("entering the new root"))?;
    // The old root lies over the new one for a moment (pivot_root(2), "pivot_root(".", ".")").
    pivot_root(".", ".").map_err(step("changing the root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(step("letting go of the old root"))?;
    chdir("/").map_err(step("entering the root"))?;
    mounts::freeze(Path::new("/"), MountFlags::NOSUID | MountFlags::NODEV | MountFlags::RDONLY)?;
    let place = |(path, right): (PathBuf, Right)| {
        let at = Open::any(&path).map_err(|error| Failed::step(&format!("opening {}", path.display()), error))?;
        Ok(Place { at: at.into(), right })
    };
    allowed.into_iter().map(place).collect()
}

/// A descriptor as a path, which mounts follow wherever it leads.
fn link(fd: BorrowedFd<'_>) -> String {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_system_is_nothing_can_be_granted() {
        for path in ["/usr", "/usr/local/x", "/etc", "/lib64/x", "/proc/1", "/.vox"] {
            assert!(taken(path), "{path}");
        }
        for path in ["/work", "/work/usr", "/home/me", "/tmp/x", "/usrx", "/srv/etc"] {
            assert!(!taken(path), "{path}");
        }
    }

    #[test]
    fn releases_are_told_apart() {
        for (release, expected) in [
            ("6.18.44-fc-v595", Some((6, 18))),
            ("6.1.0-18-amd64", Some((6, 1))),
            ("6.14-rc1", Some((6, 14))),
            ("7.0", Some((7, 0))),
            ("odd", None),
            ("6", None),
        ] {
            assert_eq!(version(release), expected, "{release}");
        }
        assert!(version("6.9").is_some_and(|version| version < OWN_NUMBERS));
    }

    #[test]
    fn folders_come_before_what_lies_in_them() {
        let folder = |guest: &str| Folder { host: "/".into(), guest: guest.to_owned(), access: Access::Read };
        let folders = [folder("/work/a/b"), folder("/srv"), folder("/work/a")];
        let granted: Vec<Granted> =
            folders.iter().map(|_| Granted { host: Open::folder(Path::new("/")).unwrap(), layer: None }).collect();
        let order: Vec<&str> = in_order(&folders, &granted).iter().map(|(one, _)| &*one.guest).collect();
        assert_eq!(order, ["/srv", "/work/a", "/work/a/b"]);
    }
}
