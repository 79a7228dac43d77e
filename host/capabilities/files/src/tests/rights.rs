//! F6: every right × every operation × every kind of object, and F3: rights do not grow with a handle.

use super::*;
use vox_model::Scope;

/// What each operation gives on each kind of object with full rights: file, directory, link to a file, link to a
/// directory, nothing.
#[rustfmt::skip]
const FULL: [(&str, [&str; 5]); 18] = [
    ("stat",             ["Ok", "Ok", "Ok", "Ok", "NotFound"]),
    ("stat-follow",      ["Ok", "Ok", "Ok", "Ok", "NotFound"]),
    ("read",             ["Ok", "Ok", "Ok", "Ok", "NotFound"]),
    ("read-nofollow",    ["Ok", "Ok", "Loop", "Loop", "NotFound"]),
    ("write",            ["Ok", "IsDirectory", "Ok", "IsDirectory", "NotFound"]),
    ("create",           ["Ok", "IsDirectory", "Ok", "IsDirectory", "Ok"]),
    ("create-new",       ["Exists", "Exists", "Exists", "Exists", "Ok"]),
    ("truncate",         ["Ok", "IsDirectory", "Ok", "IsDirectory", "NotFound"]),
    ("open-directory",   ["NotDirectory", "Ok", "NotDirectory", "Ok", "NotFound"]),
    ("read-link",        ["Invalid", "Invalid", "Ok", "Ok", "NotFound"]),
    ("make-directory",   ["Exists", "Exists", "Exists", "Exists", "Ok"]),
    ("remove-directory", ["NotDirectory", "NotEmpty", "NotDirectory", "NotDirectory", "NotFound"]),
    ("remove-file",      ["Ok", "IsDirectory", "Ok", "Ok", "NotFound"]),
    ("rename-from",      ["Ok", "Ok", "Ok", "Ok", "NotFound"]),
    ("rename-to",        ["Ok", "IsDirectory", "Ok", "Ok", "Ok"]),
    ("link",             ["Exists", "Exists", "Exists", "Exists", "Ok"]),
    ("set-time",         ["Ok", "Ok", "Ok", "Ok", "NotFound"]),
    ("set-time-follow",  ["Ok", "Ok", "Ok", "Ok", "NotFound"]),
];

const OBJECTS: [&str; 5] = ["file", "dir", "link", "dirlink", "nothing"];

const READING: [&str; 6] = ["stat", "stat-follow", "read", "read-nofollow", "open-directory", "read-link"];

/// Refuses everything: a grant that was taken back.
struct Revoked;

impl vox_model::Lease for Revoked {
    fn holds(&self, _: vox_model::Capability) -> bool {
        false
    }
}

#[test]
fn every_right_by_every_operation_by_every_object() {
    let mut cells = 0;
    for rights in ["none", "read", "overlay", "write-through"] {
        for (operation, expected) in FULL {
            for (object, full) in OBJECTS.into_iter().zip(expected) {
                // Through the folder, through a directory in it, and where the object itself is staged.
                for staged in [false, true] {
                    let bench = Bench::furnished();
                    let before = bench.snapshot();
                    let scope = CallScope::unwatched("test");
                    let (access, scope) = match rights {
                        "none" => (
                            Access::WriteThrough,
                            Scope { lease: Arc::new(Revoked), ..Scope::unwatched("test") }.into(),
                        ),
                        "read" => (Access::Read, scope),
                        "overlay" => (Access::Write, scope),
                        _ => (Access::WriteThrough, scope),
                    };
                    let folder = bench.open_with(access, Quota::default(), scope);
                    let tree = folder.tree;
                    if staged && rights == "overlay" {
                        furnish_anew(&*tree);
                    }
                    let expected = match (rights, operation) {
                        ("none", _) => "Access",
                        ("read", operation) if !READING.contains(&operation) => "ReadOnly",
                        // A directory of the folder itself is not moved; a staged one is.
                        ("overlay", "rename-from") if object == "dir" && !staged => "CrossDevice",
                        _ => full,
                    };
                    let result = operate(&*tree, &root(), operation, object);
                    assert_eq!(word(&result), expected, "{rights} {operation} {object} staged: {staged}");
                    if rights != "write-through" {
                        assert_eq!(bench.snapshot(), before, "{rights} {operation} {object}");
                    }
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 4 * 18 * 5 * 2);
}

/// The same objects, made by the guest.
fn furnish_anew(tree: &dyn Tree) {
    for path in ["file", "link", "dirlink", "dir/inner", "dir/deep/leaf"] {
        tree.remove_file(&root(), path).unwrap();
    }
    for path in ["dir/deep", "dir"] {
        tree.remove_directory(&root(), path).unwrap();
    }
    put(tree, "file", "content");
    tree.create_directory(&root(), "dir").unwrap();
    put(tree, "dir/inner", "inside");
    tree.symlink("file", &root(), "link").unwrap();
    tree.symlink("dir", &root(), "dirlink").unwrap();
}

#[test]
fn handles_do_what_they_were_opened_for_and_no_more() {
    for access in [Access::Read, Access::Write, Access::WriteThrough] {
        let bench = Bench::furnished();
        let tree = bench.open(access);
        let reading = open(&*tree, "file", READ).unwrap();
        assert_eq!(reading.read_at(3, 100).unwrap(), b"tent");
        assert_eq!(reading.read_at(1, 2).unwrap(), b"on");
        assert_eq!(reading.read_at(7, 1).unwrap(), b"");
        assert_eq!(reading.read_at(u64::MAX, 1).unwrap(), b"");
        let refused = [
            word(&reading.write_at(0, b"x")),
            word(&reading.append(b"x")),
            word(&reading.set_size(0)),
            word(&reading.set_modified(std::time::SystemTime::UNIX_EPOCH)),
        ];
        assert_eq!(refused, ["NotPermitted"; 4]);
        if access != Access::Read {
            let writing = open(&*tree, "file", How { read: false, ..WRITE }).unwrap();
            assert_eq!(word(&writing.read_at(0, 1)), "NotPermitted");
            writing.append(b"!").unwrap();
            writing.write_at(0, b"C").unwrap();
            assert_eq!(reading.read_at(0, 100).unwrap(), b"Content!");
            writing.set_size(2).unwrap();
            assert_eq!(reading.read_at(0, 100).unwrap(), b"Co");
            assert_eq!(reading.stat().unwrap().size, 2);
        }
        assert_eq!(bench.read("file"), if access == Access::WriteThrough { "Co" } else { "content" });
    }
}

#[test]
fn ids_name_objects_and_nothing_of_the_host() {
    for access in [Access::Read, Access::Write] {
        let bench = Bench::furnished();
        std::fs::hard_link(bench.live.join("file"), bench.live.join("same")).unwrap();
        let tree = bench.open(access);
        let id = |path: &str| tree.stat(&root(), path, true).unwrap().id;
        assert_eq!(id("file"), id("link"));
        assert_eq!(id("file"), id("same"));
        assert_ne!(id("file"), id("dir"));
        assert_eq!(open(&*tree, "file", READ).unwrap().stat().unwrap().id, id("file"));
        let inode = bench.live.join("file").metadata().unwrap().ino();
        assert_ne!(id("file"), inode);
        // Another call has other numbers.
        assert_ne!(bench.open(access).stat(&root(), "file", true).unwrap().id, id("file"));
        if access == Access::Write {
            let before = id("file");
            let handle = open(&*tree, "file", WRITE).unwrap();
            handle.append(b"!").unwrap();
            tree.rename((&root(), "file"), (&root(), "moved")).unwrap();
            assert_eq!(id("moved"), before);
            assert_eq!(handle.stat().unwrap().id, before);
        }
    }
}
