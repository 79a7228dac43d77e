use super::*;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("scripts")).unwrap();
    fs::write(folder.path().join("SKILL.md"), "x").unwrap();
    fs::write(folder.path().join("scripts/a.py"), "print(1)").unwrap();
    folder
}

#[test]
fn a_folder_is_read_whole_and_laid_out_again() {
    let folder = folder();
    fs::set_permissions(folder.path().join("scripts/a.py"), fs::Permissions::from_mode(0o755)).unwrap();
    let tree = Tree::read(folder.path()).unwrap();
    let paths: Vec<_> = tree.files().iter().map(|file| (file.path.as_str(), file.executable)).collect();
    assert_eq!(paths, [("SKILL.md", false), ("scripts/a.py", true)]);
    assert_eq!(tree.size(), 9);
    let to = tempfile::tempdir().unwrap();
    tree.lay(to.path()).unwrap();
    let again = Tree::read(to.path()).unwrap();
    assert_eq!((again.digest(), again.files()), (tree.digest(), tree.files()));
}

#[test]
fn whatever_a_script_could_see_changes_the_digest() {
    let folder = folder();
    let mut seen = vec![Tree::read(folder.path()).unwrap().digest()];
    let mut changed = |what: &str| {
        let digest = Tree::read(folder.path()).unwrap().digest();
        assert!(!seen.contains(&digest), "{what}");
        seen.push(digest);
    };
    fs::write(folder.path().join("scripts/a.py"), "print(2)").unwrap();
    changed("content");
    fs::set_permissions(folder.path().join("scripts/a.py"), fs::Permissions::from_mode(0o700)).unwrap();
    changed("mode");
    fs::rename(folder.path().join("scripts/a.py"), folder.path().join("scripts/b.py")).unwrap();
    changed("name");
    fs::write(folder.path().join("scripts/.hidden"), "").unwrap();
    changed("a file more");
}

#[test]
fn odd_things_are_refused_by_name() {
    type Make = fn(&Path);
    let cases: [(&str, Make); 4] = [
        ("is a link", |at| symlink("/etc/passwd", at.join("scripts/x")).unwrap()),
        ("is a link", |at| symlink("..", at.join("scripts/up")).unwrap()),
        ("is a pipe", |at| {
            rustix::fs::mknodat(rustix::fs::CWD, at.join("scripts/p"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        }),
        ("control characters", |at| {
            let name = std::ffi::OsStr::from_bytes(b"scripts/a\x1b[2Jb");
            fs::write(at.join(name), "").unwrap();
        }),
    ];
    for (said, make) in cases {
        let folder = folder();
        make(folder.path());
        let error = Tree::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains('\u{1b}'), "{error}");
    }
    let folder = folder();
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "").unwrap();
    assert!(matches!(Tree::read(folder.path()), Err(TreeError::Name { .. })));
}

#[test]
fn limits_hold_on_both_sides() {
    let folder = folder();
    let many = folder.path().join("many");
    fs::create_dir(&many).unwrap();
    (2..MAX_FILES).for_each(|n| fs::write(many.join(n.to_string()), "").unwrap());
    assert_eq!(Tree::read(folder.path()).unwrap().files().len(), MAX_FILES);
    fs::write(many.join("one-more"), "").unwrap();
    assert!(matches!(Tree::read(folder.path()), Err(TreeError::TooLarge { .. })));
    fs::remove_dir_all(&many).unwrap();

    let big = folder.path().join("big");
    let file = File::create(&big).unwrap();
    file.set_len(MAX_BYTES - 9).unwrap();
    assert_eq!(Tree::read(folder.path()).unwrap().size(), MAX_BYTES);
    file.set_len(MAX_BYTES - 8).unwrap();
    let error = Tree::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("more than 16 MiB"), "{error}");
    // A file of a size that nobody has memory for is not read either.
    file.set_len(1 << 40).unwrap();
    assert!(Tree::read(folder.path()).is_err());
    fs::remove_file(&big).unwrap();

    let deep: PathBuf = (0..MAX_DEPTH).map(|_| "d").collect();
    fs::create_dir_all(folder.path().join(&deep)).unwrap();
    assert!(Tree::read(folder.path()).is_ok());
    fs::create_dir_all(folder.path().join(&deep).join("d")).unwrap();
    assert!(matches!(Tree::read(folder.path()), Err(TreeError::TooLarge { .. })));
}

#[test]
fn what_is_no_folder_is_said() {
    assert!(matches!(Tree::read(Path::new("/no/such/folder")), Err(TreeError::Unreadable { .. })));
    let folder = folder();
    assert!(Tree::read(&folder.path().join("SKILL.md")).is_err());
}
