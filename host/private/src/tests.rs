use super::*;
use std::os::unix::fs::symlink;
use tempfile::{TempDir, tempdir};

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

fn home() -> TempDir {
    let home = tempdir().unwrap();
    chmod(home.path(), 0o700);
    home
}

fn refusal<T>(tried: io::Result<T>) -> String {
    let error = tried.err().expect("it was taken");
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
    error.to_string()
}

#[test]
fn what_is_made_is_closed_to_others() {
    let home = home();
    let inner = home.path().join("a/b");
    folder(&inner, Others::Nothing).unwrap();
    write(&inner, "x", b"1").unwrap();
    assert_eq!((mode(&home.path().join("a")), mode(&inner), mode(&inner.join("x"))), (0o700, 0o700, 0o600));
}

#[test]
fn folders_that_others_reach_are_refused() {
    let home = home();
    let path = home.path().join("f");
    folder(&path, Others::Look).unwrap();
    for (mode, others, good) in [
        (0o755, Others::Look, true),
        (0o755, Others::Nothing, false),
        (0o711, Others::Nothing, false),
        (0o770, Others::Look, false),
        (0o702, Others::Look, false),
        (0o700, Others::Nothing, true),
    ] {
        chmod(&path, mode);
        match good {
            true => folder(&path, others).unwrap(),
            false => assert!(refusal(folder(&path, others)).contains(&format!("run `chmod 700 {}`", path.display()))),
        }
    }
}

#[test]
fn links_and_files_are_no_folders() {
    let home = home();
    folder(&home.path().join("real"), Others::Look).unwrap();
    symlink(home.path().join("real"), home.path().join("link")).unwrap();
    assert!(refusal(folder(&home.path().join("link"), Others::Look)).contains("no folder"));
    write(home.path(), "file", b"").unwrap();
    assert!(folder(&home.path().join("file"), Others::Look).is_err());
}

#[test]
fn files_that_are_not_ours_alone_are_refused() {
    let home = home();
    write(home.path(), "x", b"12345").unwrap();
    let path = home.path().join("x");
    assert!(open(&path, 5).is_ok() && open_to_write(&path).is_ok());
    assert!(refusal(open(&path, 4)).contains("5 bytes"));
    for bad in [0o640, 0o604, 0o620, 0o602] {
        chmod(&path, bad);
        refusal(open(&path, 5));
        refusal(open_to_write(&path));
    }
    chmod(&path, 0o600);
    std::fs::hard_link(&path, home.path().join("y")).unwrap();
    refusal(open(&path, 5));
    symlink("x", home.path().join("z")).unwrap();
    assert!(open(&home.path().join("z"), 5).is_err());
    let fifo = (rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR);
    rustix::fs::mknodat(rustix::fs::CWD, home.path().join("fifo"), fifo.0, fifo.1, 0).unwrap();
    refusal(open(&home.path().join("fifo"), 5));
    assert_eq!(open(&home.path().join("none"), 5).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_name_is_replaced_or_kept() {
    let home = home();
    write(home.path(), "x", b"old").unwrap();
    assert_eq!(write_new(home.path(), "x", b"new").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(home.path().join("x")).unwrap(), b"old");
    write(home.path(), "x", b"new").unwrap();
    write_new(home.path(), "y", b"1").unwrap();
    assert_eq!(std::fs::read(home.path().join("x")).unwrap(), b"new");
    assert_eq!(read_dir(home.path()).unwrap().count(), 2);
}

/// Opens `x` while somebody changes it without end; gives how often it was there.
fn opened_meanwhile(change: impl Fn(&Path) + Sync, open: impl Fn(&Path) -> io::Result<File>) -> usize {
    let home = home();
    let path = home.path().join("x");
    write(home.path(), "x", b"1").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let opened: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                // Without waiting for the disk: the more often, the sooner they meet.
                change(&path);
            }
        });
        let opened = (0..100_000).map(|_| open(&path).map(drop).map_err(|error| error.kind())).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        opened
    });
    let odd = opened.iter().find(|result| !matches!(result, Ok(()) | Err(io::ErrorKind::NotFound)));
    assert_eq!(odd, None);
    opened.iter().filter(|result| result.is_ok()).count()
}

#[test]
fn what_is_replaced_while_it_is_opened_is_read_as_it_was() {
    let replace = |path: &Path| drop(draft(path.parent().unwrap()).unwrap().persist(path).unwrap());
    assert_eq!(opened_meanwhile(replace, |path| open(path, 1)), 100_000);
}

#[test]
fn what_is_removed_while_it_is_opened_is_not_written_to() {
    let remake = |path: &Path| {
        remove_file(path).unwrap();
        draft(path.parent().unwrap()).unwrap().persist(path).unwrap();
    };
    assert!(opened_meanwhile(remake, open_to_write) > 0);
}

#[test]
fn what_a_killed_writer_left_goes_away_and_nothing_else() {
    let home = home();
    write(home.path(), "x", b"1").unwrap();
    let (held, held_path) = draft(home.path()).unwrap().keep().unwrap();
    held.try_lock().unwrap();
    let (left, left_path) = draft(home.path()).unwrap().keep().unwrap();
    drop(left);
    tidy(home.path(), Duration::from_secs(60)).unwrap();
    assert!(left_path.exists(), "it is too young");
    tidy(home.path(), Duration::ZERO).unwrap();
    assert!(!left_path.exists() && held_path.exists() && home.path().join("x").exists());
    drop(held);
    symlink("x", home.path().join(".new-link")).unwrap();
    tidy(home.path(), Duration::ZERO).unwrap();
    assert!(!held_path.exists() && !home.path().join(".new-link").is_symlink());
    tidy(&home.path().join("none"), Duration::ZERO).unwrap();
}
