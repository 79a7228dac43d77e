//! F1: names that lead astray, on every operation.

use super::*;

/// Names that are refused as such: whatever the operation, nothing is found and nothing is made.
const REFUSED: &[&str] = &[
    "",
    "/",
    "//",
    "/etc/passwd",
    "/file",
    "//file",
    "..",
    "../",
    "../live",
    "../live/file",
    "./..",
    "dir/../..",
    "dir/../../live/file",
    "dir/./../../x",
    "../../../../../../../../etc/passwd",
    "a\0b",
    "\0",
    "file\0",
    "dirlink/../..",
    "dirlink/../../live",
    ".vox-",
    ".vox-0123456789abcdef",
    ".vox-0123456789abcdef/new/0",
    "dir/../.vox-x",
    "dir/.vox-x",
    "dir/.vox-x/new",
];

/// Names that are odd and harmless: they mean what they say, inside.
const ODD: &[&str] = &[
    "a b",
    " ",
    "-",
    "--help",
    "~",
    "$HOME",
    "*",
    "a:b",
    "C:\\x",
    "..\\x",
    "CON",
    "NUL",
    "aux.txt",
    "a\nb",
    "é",
    "世界",
    "\u{202e}x",
    "...",
    ".hidden",
    "x.vox-y",
    "\u{7f}",
];

/// A path into nothing, or a last name that none can have.
const MALFORMED: &[&str] =
    &["missing/x", "missing/../file", "file/x", "file/", "file/.", "file/..", "missing/", "missing/."];

#[test]
fn names_that_lead_outward_are_refused_by_every_operation_on_every_kind_of_grant() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        for operation in OPERATIONS {
            for name in REFUSED {
                let bench = Bench::furnished();
                std::fs::write(bench.temp.path().join("outside"), "secret").unwrap();
                let before = snapshot(bench.temp.path());
                let result = operate(&*bench.open(access), &root(), operation, name);
                let refused = matches!(result, Err(FsError::NotPermitted | FsError::Invalid | FsError::ReadOnly));
                assert!(refused, "{access:?} {operation} {name:?}: {}", word(&result));
                let mut after = snapshot(bench.temp.path());
                after.retain(|path, _| !path.starts_with("store/drafts"));
                let mut before = before;
                before.retain(|path, _| !path.starts_with("store/drafts"));
                assert_eq!(after, before, "{access:?} {operation} {name:?}");
            }
        }
    }
}

#[test]
fn over_long_names_and_paths_are_refused_by_every_operation() {
    let long = "n".repeat(256);
    let deep = vec!["d"; 65].join("/");
    let endless = format!("{}file", "./".repeat(3000));
    for access in [Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let before = bench.snapshot();
        for operation in OPERATIONS {
            for name in [&long, &endless] {
                let result = operate(&*bench.open(access), &root(), operation, name);
                assert_eq!(word(&result), "NameTooLong", "{access:?} {operation}");
            }
            let result = operate(&*bench.open(access), &root(), operation, &deep);
            assert!(matches!(result, Err(FsError::NotFound | FsError::NameTooLong)), "{operation}: {}", word(&result));
        }
        assert_eq!(bench.snapshot(), before);
    }
}

#[test]
fn the_longest_name_and_the_deepest_place_work() {
    let bench = Bench::new();
    let name = "n".repeat(255);
    let (tree, staged) = bench.overlay();
    put(&*tree, &name, "x");
    assert_eq!(get(&*tree, &name).unwrap(), "x");
    let mut path = String::from("d");
    tree.create_directory(&root(), &path).unwrap();
    for _ in 1..63 {
        path.push_str("/d");
        tree.create_directory(&root(), &path).unwrap();
    }
    put(&*tree, &format!("{path}/leaf"), "deep");
    tree.create_directory(&root(), &format!("{path}/e")).unwrap();
    assert_eq!(word(&tree.create_directory(&root(), &format!("{path}/e/f"))), "NameTooLong");
    let set = staged.seal(&bench.store).unwrap().unwrap();
    bench.store.approve(&yes(&set)).unwrap();
    assert_eq!(bench.read(&format!("{path}/leaf")), "deep");
}

#[test]
fn odd_names_are_plain_names() {
    for access in [Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let tree = bench.open(access);
        for name in ODD {
            put(&*tree, name, name);
            assert_eq!(get(&*tree, name).unwrap(), *name, "{name:?}");
            assert_eq!(get(&*tree, &format!("./{name}")).unwrap(), *name, "{name:?}");
            assert!(names(&*tree, ".").contains(&(*name).to_owned()), "{name:?}");
            tree.remove_file(&root(), name).unwrap();
            assert_eq!(word(&tree.stat(&root(), name, true)), "NotFound");
        }
    }
}

#[test]
fn malformed_paths_make_nothing() {
    for access in [Access::Write, Access::WriteThrough] {
        for operation in OPERATIONS {
            for name in MALFORMED {
                let bench = Bench::furnished();
                let tree = bench.open(access);
                let result = operate(&*tree, &root(), operation, name);
                // The one thing that a trailing slash is good for.
                if operation == "make-directory" && *name == "missing/" {
                    assert_eq!(word(&result), "Ok");
                    continue;
                }
                assert!(result.is_err(), "{access:?} {operation} {name:?}");
                assert_eq!(names(&*tree, "."), ["dir", "dirlink", "empty", "file", "link"], "{operation} {name:?}");
                assert_eq!(get(&*tree, "file").unwrap(), "content");
            }
        }
    }
}

#[test]
fn paths_start_at_a_directory_and_do_not_leave_it() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        std::os::unix::fs::symlink("../file", bench.live.join("dir/up")).unwrap();
        let tree = bench.open(access);
        let base = Place(vec!["dir".to_owned()]);
        assert_eq!(word(&tree.stat(&base, "inner", true)), "Ok");
        assert_eq!(word(&tree.stat(&base, "deep/../inner", true)), "Ok");
        for operation in ["stat", "stat-follow", "read", "open-directory"] {
            assert_eq!(word(&operate(&*tree, &base, operation, "../file")), "NotPermitted");
        }
        assert_eq!(word(&tree.stat(&base, "up", true)), "NotPermitted");
        assert_eq!(word(&tree.stat(&root(), "dir/up", true)), "Ok");
    }
}

/// Programs that make a path with all its parents try the granted folder first, and go on when it exists.
#[test]
fn what_is_made_where_something_is_exists() {
    for access in [Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let tree = bench.open(access);
        for path in [".", "./", "./.", "dir/.", "dir/..", "dir", "dirlink", "file"] {
            assert_eq!(word(&tree.create_directory(&root(), path)), "Exists", "{access:?} {path}");
            assert_eq!(word(&tree.symlink("file", &root(), path)), "Exists", "{access:?} {path}");
        }
        for (path, expected) in [("missing/.", "NotFound"), ("file/.", "NotDirectory"), ("..", "NotPermitted")] {
            assert_eq!(word(&tree.create_directory(&root(), path)), expected, "{access:?} {path}");
        }
    }
}
