//! Looking at, and copying, what lies in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Kind, permission bits and content of everything in a folder, by path.
pub type Tree = BTreeMap<String, String>;

fn wrong(path: &Path, error: &std::io::Error) -> ! {
    panic!("{}: {error}", path.display())
}

/// All that is in a folder, with the folder's own name left out.
pub fn walk(root: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let mut found = Vec::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(folder) = ahead.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.unwrap_or_else(|error| wrong(&folder, &error)),
        };
        for entry in entries {
            let path = entry.unwrap_or_else(|error| wrong(&folder, &error)).path();
            let about = fs::symlink_metadata(&path).unwrap_or_else(|error| wrong(&path, &error));
            if about.is_dir() {
                ahead.push(path.clone());
            }
            found.push((path, about));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// What a folder holds.
pub fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    for (path, about) in walk(root) {
        let content = if about.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap_or_else(|error| wrong(&path, &error)).display())
        } else if about.is_dir() {
            "/".to_owned()
        } else {
            let bytes = fs::read(&path).unwrap_or_else(|error| wrong(&path, &error));
            format!("{:?}", String::from_utf8_lossy(&bytes))
        };
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        tree.insert(name, format!("{:o} {content}", about.permissions().mode()));
    }
    tree
}

/// Files that were only there to become others: nobody wants them once a command has ended.
pub fn leftovers(root: &Path) -> Vec<PathBuf> {
    let temporary = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        [".new-", ".vox-", ".tmp", "draft-"].iter().any(|start| name.starts_with(start)) || name.ends_with(".new")
    };
    walk(root).into_iter().map(|(path, _)| path).filter(|path| temporary(path)).collect()
}

/// Copies a folder with the permissions of everything in it.
pub fn copy(from: &Path, to: &Path) {
    for (path, about) in walk(from) {
        let target = to.join(path.strip_prefix(from).unwrap_or(&path));
        let done = match about.is_dir() {
            true => fs::create_dir_all(&target).and_then(|()| fs::set_permissions(&target, about.permissions())),
            false => fs::copy(&path, &target).map(drop),
        };
        done.unwrap_or_else(|error| wrong(&target, &error));
    }
}

/// Makes temporary files look as if they had been left long ago: young ones may belong to a command that still runs.
pub fn age(files: &[PathBuf]) {
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for path in files {
        let file = fs::File::open(path).unwrap_or_else(|error| wrong(path, &error));
        let times = fs::FileTimes::new().set_modified(long_ago);
        file.set_times(times).unwrap_or_else(|error| wrong(path, &error));
    }
}
