//! F2, F5, F14: links that lead outward or nowhere, and what is neither file, directory nor link.

use super::*;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

const BOTH: [Access; 2] = [Access::Write, Access::WriteThrough];

#[test]
fn links_that_lead_outward_are_not_followed_by_any_operation() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let outside = bench.temp.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("secret"), "secret").unwrap();
        for (name, target) in [
            ("absolute", outside.to_str().unwrap()),
            ("absolute-slash", &format!("{}/", outside.display())),
            ("up", "../outside"),
            ("up-slash", "../outside/"),
            ("devious", "dir/../../outside"),
            ("over-link", "dirlink/../../outside"),
            ("proc", "/proc/self/root"),
            ("fd", "/proc/self/fd"),
            ("self", "/proc/self/exe"),
        ] {
            symlink(target, bench.live.join(name)).unwrap();
            let before = snapshot(bench.temp.path());
            let tree = bench.open(access);
            for path in [name.to_owned(), format!("{name}/secret"), format!("{name}/"), format!("{name}/.")] {
                for operation in OPERATIONS {
                    let on_the_link_itself = matches!(
                        operation,
                        "stat" | "remove-file" | "rename-from" | "rename-to" | "set-time" | "remove-directory" | "link"
                    );
                    if on_the_link_itself && (path == name || path.ends_with('/')) {
                        continue;
                    }
                    let result = operate(&*tree, &root(), operation, &path);
                    assert!(result.is_err(), "{access:?} {operation} {path}");
                }
            }
            assert_eq!(word(&tree.read_link(&root(), name)), "NotPermitted", "{name}");
            let kept = |path: &String| path.starts_with("outside");
            let (mut old, mut new) = (before, snapshot(bench.temp.path()));
            old.retain(|path, _| kept(path));
            new.retain(|path, _| kept(path));
            assert_eq!(new, old, "{access:?} {name}");
        }
    }
}

#[test]
fn links_inside_are_followed_and_loops_end() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        symlink("dir/deep/..", bench.live.join("round")).unwrap();
        symlink("a", bench.live.join("b")).unwrap();
        symlink("b", bench.live.join("a")).unwrap();
        symlink("me/x", bench.live.join("me")).unwrap();
        let mut last = "file".to_owned();
        for number in 0..41 {
            let name = format!("chain{number}");
            symlink(&last, bench.live.join(&name)).unwrap();
            last = name;
        }
        let tree = bench.open(access);
        assert_eq!(get(&*tree, "link").unwrap(), "content");
        assert_eq!(get(&*tree, "dirlink/inner").unwrap(), "inside");
        assert_eq!(get(&*tree, "round/inner").unwrap(), "inside");
        assert_eq!(tree.read_link(&root(), "link").unwrap(), "file");
        assert_eq!(get(&*tree, "chain39").unwrap(), "content");
        assert_eq!(word(&get(&*tree, "chain40")), "Loop");
        assert_eq!(word(&get(&*tree, "a")), "Loop");
        assert_eq!(word(&get(&*tree, "me")), "Loop");
        assert_eq!(word(&get(&*tree, "link/")), "NotDirectory");
        assert_eq!(word(&tree.stat(&root(), "dirlink/", false)), "Ok");
    }
}

#[test]
fn outward_links_cannot_be_made_or_come_about_by_moving() {
    for access in BOTH {
        let bench = Bench::furnished();
        let tree = bench.open(access);
        for target in ["/", "/etc/passwd", "..", "../x", "dir/../../x", "dir/..", "a/../b", "../../x", "./.."] {
            assert_eq!(word(&tree.symlink(target, &root(), "new")), "NotPermitted", "{target}");
        }
        assert_eq!(word(&tree.symlink("../../x", &root(), "dir/new")), "NotPermitted");
        assert_eq!(word(&tree.symlink("", &root(), "new")), "Invalid");
        assert_eq!(word(&tree.symlink("a\0", &root(), "new")), "Invalid");
        tree.symlink("../file", &root(), "dir/new").unwrap();
        assert_eq!(get(&*tree, "dir/new").unwrap(), "content");
        // Further up, it would lead out.
        assert_eq!(word(&tree.rename((&root(), "dir/new"), (&root(), "new"))), "NotPermitted");
        tree.rename((&root(), "dir/new"), (&root(), "dir/deep/new")).unwrap();
        // The same with a whole directory, that is staged or real.
        tree.create_directory(&root(), "dir/made").unwrap();
        tree.symlink("../../file", &root(), "dir/made/l").unwrap();
        assert_eq!(word(&tree.rename((&root(), "dir/made"), (&root(), "made"))), "NotPermitted");
        tree.rename((&root(), "dir/made"), (&root(), "dir/deep/made")).unwrap();
    }
}

#[test]
fn a_link_in_place_of_a_directory_catches_neither_reads_nor_writes() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let outside = bench.temp.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("inner"), "secret").unwrap();
        let tree = bench.open(access);
        let Opened::Directory(dir) = tree.open(&root(), "dir", DIRECTORY).unwrap() else { panic!() };
        std::fs::rename(bench.live.join("dir"), bench.live.join("was")).unwrap();
        symlink(&outside, bench.live.join("dir")).unwrap();
        for operation in OPERATIONS {
            let result = operate(&*tree, &dir, operation, "inner");
            assert!(result.is_err(), "{access:?} {operation}");
        }
        assert!(tree.list(&dir).is_err());
        assert_eq!(std::fs::read_to_string(outside.join("inner")).unwrap(), "secret");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    }
}

#[test]
fn swapping_directories_and_links_lets_nothing_out() {
    let bench = Bench::furnished();
    let outside = bench.temp.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("inner"), "secret").unwrap();
    symlink(&outside, bench.live.join("evil")).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let tree = bench.open(Access::WriteThrough);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            let (one, other) = (bench.live.join("dir"), bench.live.join("evil"));
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let until = Instant::now() + Duration::from_secs(2);
        let mut read = 0;
        while Instant::now() < until {
            if let Ok(text) = get(&*tree, "dir/inner") {
                assert_eq!(text, "inside");
                read += 1;
            }
            let _ = open(&*tree, "dir/made", CREATE).map(|file| file.write_at(0, b"x"));
            let _ = tree.remove_file(&root(), "dir/made");
            let _ = tree.create_directory(&root(), "dir/sub");
            let _ = tree.remove_directory(&root(), "dir/sub");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(read > 0);
    });
    assert_eq!(std::fs::read_to_string(outside.join("inner")).unwrap(), "secret");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn fifos_and_sockets_are_never_opened_and_never_replaced() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let fifo = bench.live.join("dir/fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(bench.live.join("socket")).unwrap();
        symlink("dir/fifo", bench.live.join("to-fifo")).unwrap();
        let tree = bench.open(access);
        let started = Instant::now();
        for operation in OPERATIONS {
            for path in ["dir/fifo", "socket", "dir/fifo/", "dir/fifo/x"] {
                let result = operate(&*tree, &root(), operation, path);
                let refused = matches!(result, Err(FsError::NotPermitted | FsError::ReadOnly));
                assert!(refused, "{access:?} {operation} {path}: {}", word(&result));
            }
        }
        assert_eq!(word(&get(&*tree, "to-fifo")), "NotPermitted");
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(!names(&*tree, ".").contains(&"socket".to_owned()));
        assert_eq!(names(&*tree, "dir"), ["deep", "inner"]);
        socket.set_nonblocking(true).unwrap();
        assert!(socket.accept().is_err());
        if access != Access::Read {
            // Not shown, but there: the directory is not empty.
            tree.remove_file(&root(), "dir/inner").unwrap();
            tree.remove_file(&root(), "dir/deep/leaf").unwrap();
            tree.remove_directory(&root(), "dir/deep").unwrap();
            assert_eq!(names(&*tree, "dir"), [""; 0]);
            assert_eq!(word(&tree.remove_directory(&root(), "dir")), "NotEmpty");
        }
    }
}

#[test]
fn what_the_kernel_has_mounted_is_not_entered() {
    let grant = FolderGrant { host: "/dev".into(), guest: "dev".to_owned(), access: Access::Read };
    if !Path::new("/dev/shm").is_dir() {
        return;
    }
    let tree = Folder::open(&grant, None, Quota::default(), CallScope::unwatched("test")).unwrap().tree;
    let device = |path: &str| std::fs::metadata(path).unwrap().dev();
    if device("/dev") != device("/dev/shm") {
        assert_eq!(word(&tree.stat(&root(), "shm", true)), "NotPermitted");
        assert_eq!(word(&tree.stat(&root(), "shm/x", true)), "NotPermitted");
    }
    for name in ["null", "zero", "full"] {
        assert_eq!(word(&get(&*tree, name)), "NotPermitted");
    }
}
