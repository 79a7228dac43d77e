//! A skill and programs on one folder. The side of the programs is played by a layer of a kernel overlay that is written the
//! way the kernel writes it.

use super::model::{self, Op, furnish, on_path, seen, without_modes};
use super::*;
use crate::sys::Root;
use crate::tree::Tree;
use proptest::prelude::*;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use vox_model::programs::{MountAccess, ProgramError, SharedFolder};

/// A mounted overlay, played: what programs see of a folder and of a layer above it.
struct Mounted {
    lower: PathBuf,
    upper: PathBuf,
    layer: Root,
}

fn other(text: &str) -> io::Error {
    io::Error::other(text.to_owned())
}

impl Mounted {
    fn of(live: &Path, shared: &dyn SharedFolder) -> Self {
        let mount = shared.mount("/work").unwrap();
        let MountAccess::Write { upper, work } = mount.access else { panic!("{mount:?}") };
        assert_eq!(std::fs::read_dir(work).unwrap().count(), 0);
        let layer = Root::open(&std::fs::canonicalize(&upper).unwrap()).unwrap();
        Self { lower: live.to_owned(), upper, layer }
    }

    fn is_whiteout(meta: &std::fs::Metadata) -> bool {
        meta.file_type().is_char_device() && meta.rdev() == 0
    }

    fn opaque(&self, place: &Place) -> bool {
        let written = place.parent().map(|parent| self.layer.written(&parent).unwrap()).unwrap_or_default();
        let mine = written.into_iter().find(|entry| entry.name.as_ref().ok() == place.0.last());
        mine.is_some_and(|entry| matches!(entry.what, crate::sys::Layered::Directory { opaque: true, .. }))
    }

    /// Whether the folder below shows at a place, were nothing above it in the layer.
    fn shines(&self, place: &Place) -> bool {
        let mut at = Place::default();
        for name in &place.0[..place.0.len() - 1] {
            at.0.push(name.clone());
            let above = std::fs::symlink_metadata(self.upper.join(at.to_string()));
            let hides = above.is_ok_and(|meta| !meta.is_dir() || self.opaque(&at));
            let below = std::fs::symlink_metadata(self.lower.join(at.to_string()));
            if hides || !below.is_ok_and(|meta| meta.is_dir()) {
                return false;
            }
        }
        std::fs::symlink_metadata(self.lower.join(place.to_string())).is_ok()
    }

    /// Where the object of a place is; none if nowhere. A link on the way is an error: those are not played.
    fn find(&self, place: &Place) -> io::Result<Option<PathBuf>> {
        for count in 1..place.0.len() {
            let parent = Place(place.0[..count].to_vec());
            let real = self.find(&parent)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
            if !std::fs::symlink_metadata(real)?.is_dir() {
                return Err(other("not a directory"));
            }
        }
        let above = self.upper.join(place.to_string());
        match std::fs::symlink_metadata(&above) {
            Ok(meta) if Self::is_whiteout(&meta) => Ok(None),
            Ok(_) => Ok(Some(above)),
            Err(_) if self.shines(place) => Ok(Some(self.lower.join(place.to_string()))),
            Err(_) => Ok(None),
        }
    }

    fn names(&self, place: &Place) -> io::Result<Vec<String>> {
        let mut names = std::collections::BTreeSet::new();
        for side in [&self.lower, &self.upper] {
            for entry in std::fs::read_dir(side.join(place.to_string())).into_iter().flatten() {
                names.insert(entry?.file_name().into_string().unwrap());
            }
        }
        let there = |name: &String| self.find(&place.child(name)).is_ok_and(|found| found.is_some());
        Ok(names.into_iter().filter(there).collect())
    }

    /// Makes room in the layer: its directories above a place, and no whiteout at it. Whether one was there.
    fn enter(&self, place: &Place) -> io::Result<()> {
        for count in 1..place.0.len() {
            let parent = self.upper.join(Place(place.0[..count].to_vec()).to_string());
            if std::fs::symlink_metadata(&parent).is_err() {
                std::fs::create_dir(parent)?;
            }
        }
        let above = self.upper.join(place.to_string());
        if std::fs::symlink_metadata(&above).is_ok_and(|meta| Self::is_whiteout(&meta)) {
            std::fs::remove_file(above)?;
        }
        Ok(())
    }

    fn kind(&self, place: &Place) -> io::Result<Option<std::fs::FileType>> {
        self.find(place)?.map(|real| Ok(std::fs::symlink_metadata(real)?.file_type())).transpose()
    }

    fn write(&self, place: &Place, content: &[u8]) -> io::Result<()> {
        let there = self.find(place)?;
        if there.is_some() && !self.kind(place)?.is_some_and(|kind| kind.is_file()) {
            return Err(other("no file"));
        }
        let mode = there.as_ref().map(|real| std::fs::metadata(real).map(|meta| meta.permissions())).transpose()?;
        self.enter(place)?;
        std::fs::write(self.upper.join(place.to_string()), content)?;
        mode.map_or(Ok(()), |mode| std::fs::set_permissions(self.upper.join(place.to_string()), mode))
    }

    fn remove(&self, place: &Place) -> io::Result<()> {
        let above = self.upper.join(place.to_string());
        if let Ok(meta) = std::fs::symlink_metadata(&above) {
            if meta.is_dir() { std::fs::remove_dir_all(&above)? } else { std::fs::remove_file(&above)? }
        }
        if self.shines(place) {
            self.enter(place)?;
            self.layer.create_whiteout(place).unwrap();
        }
        Ok(())
    }

    fn act(&self, op: &Op) -> io::Result<()> {
        let place = |path: &str| Place::parse(path).unwrap();
        let kind = |path: &str| self.kind(&place(path));
        match op {
            Op::Write(path, text) => self.write(&place(path), text.as_bytes()),
            Op::Append(path, text) => {
                let real = self.find(&place(path))?.ok_or_else(|| other("nothing"))?;
                if !std::fs::symlink_metadata(&real)?.is_file() {
                    return Err(other("no file"));
                }
                self.write(&place(path), &[&std::fs::read(real)?, text.as_bytes()].concat())
            }
            Op::Cut(path, size) => {
                let real = self.find(&place(path))?.ok_or_else(|| other("nothing"))?;
                if !std::fs::symlink_metadata(&real)?.is_file() {
                    return Err(other("no file"));
                }
                let mut content = std::fs::read(real)?;
                content.resize(*size as usize, 0);
                self.write(&place(path), &content)
            }
            Op::Remove(path) => match kind(path)? {
                Some(kind) if !kind.is_dir() => self.remove(&place(path)),
                _ => Err(other("no file")),
            },
            Op::MakeDirectory(path) => {
                if kind(path)?.is_some() {
                    return Err(other("there"));
                }
                let place = place(path);
                let hides = self.shines(&place);
                self.enter(&place)?;
                std::fs::create_dir(self.upper.join(path))?;
                if hides {
                    self.layer.set_opaque(&place).unwrap();
                }
                Ok(())
            }
            Op::RemoveDirectory(path) => match kind(path)? {
                Some(kind) if kind.is_dir() && self.names(&place(path))?.is_empty() => self.remove(&place(path)),
                _ => Err(other("no empty directory")),
            },
            Op::Rename(from, to) => {
                let real = self.find(&place(from))?.ok_or_else(|| other("nothing"))?;
                let meta = std::fs::symlink_metadata(&real)?;
                let to_file = kind(to)?.is_none_or(|kind| kind.is_file());
                if !meta.is_file() || !to_file || from == to {
                    return Err(other("only files are moved here"));
                }
                let content = std::fs::read(real)?;
                if kind(to)?.is_some() {
                    self.remove(&place(to))?;
                }
                self.write(&place(to), &content)?;
                std::fs::set_permissions(self.upper.join(to), meta.permissions())?;
                self.remove(&place(from))
            }
            Op::Link(target, path) => {
                if kind(path)?.is_some() {
                    return Err(other("there"));
                }
                self.enter(&place(path))?;
                std::os::unix::fs::symlink(target, self.upper.join(path))
            }
            _ => Err(other("it changes no content, or says what others here say")),
        }
    }
}

/// An operation of the skill; nothing stays open.
fn on_tree(tree: &dyn Tree, op: &Op) -> FsResult<String> {
    model::on_tree(tree, &mut Default::default(), op)
}

/// The same in a real folder.
fn on_folder(root: &Path, op: &Op) -> io::Result<String> {
    model::on_folder(root, &mut Default::default(), op)
}

/// A link that a skill may not have, which the play leaves out as well.
fn leads_outward(op: &Op) -> bool {
    matches!(op, Op::Link(target, path)
        if crate::walk::may_point_to(&Place::parse(path).unwrap(), target).is_err())
}

/// How much more is tried before a release than for every merge.
fn scale() -> u32 {
    std::env::var("VOX_TEST_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[derive(Clone, Debug)]
enum Turn {
    Skill(Vec<Op>),
    Program(Vec<Op>),
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        prop::collection::vec(on_path(), 1..8).prop_map(Turn::Skill),
        prop::collection::vec(on_path(), 1..8).prop_map(Turn::Program),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24 * scale(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_skill_and_its_programs_see_one_folder(turns in prop::collection::vec(turn(), 1..8)) {
        let bench = Bench::new();
        let model = bench.temp.path().join("model");
        furnish(&bench.live);
        furnish(&model);
        let before = bench.snapshot();
        let folder = bench.open_with(Access::Write, Quota::default(), CallScope::unwatched("test"));
        let mut mounted: Option<Mounted> = None;
        for turn in &turns {
            match turn {
                Turn::Skill(ops) => for op in ops {
                    match on_tree(&*folder.tree, op) {
                        Err(FsError::CrossDevice | FsError::NotPermitted) => {}
                        done => prop_assert_eq!(done.is_ok(), on_folder(&model, op).is_ok(), "{:?}", op),
                    }
                },
                Turn::Program(ops) => {
                    if mounted.is_none() || folder.shared.stale() {
                        mounted = Some(Mounted::of(&bench.live, &*folder.shared));
                    }
                    let Some(mounted) = &mounted else { unreachable!("it was mounted") };
                    for op in ops.iter().filter(|op| !leads_outward(op)) {
                        if mounted.act(op).is_ok() {
                            on_folder(&model, op).unwrap_or_else(|error| panic!("{op:?}: {error}"));
                        }
                    }
                    prop_assert_eq!(folder.shared.take(), Ok(Vec::new()));
                }
            }
            prop_assert_eq!(seen(&*folder.tree), without_modes(&model), "after {:?}", turn);
        }
        prop_assert_eq!(bench.snapshot(), before);
        if let Some(set) = folder.staged.unwrap().seal(&bench.store).unwrap() {
            bench.store.approve(&yes(&set)).unwrap();
        }
        prop_assert_eq!(contents(&bench.live), contents(&model));
    }
}

fn shared(bench: &Bench, quota: Quota) -> Folder {
    bench.open_with(Access::Write, quota, CallScope::unwatched("test"))
}

#[test]
fn what_no_change_set_holds_is_left_out_and_told() {
    let bench = Bench::furnished();
    let folder = shared(&bench, Quota::default());
    let mounted = Mounted::of(&bench.live, &*folder.shared);
    let upper = &mounted.upper;
    let fifo = std::process::Command::new("mkfifo").arg(upper.join("pipe")).status().unwrap();
    assert!(fifo.success());
    std::os::unix::fs::symlink("/etc/passwd", upper.join("outward")).unwrap();
    std::os::unix::fs::symlink("../..", upper.join("up")).unwrap();
    std::fs::create_dir(upper.join(".vox-mine")).unwrap();
    std::fs::write(upper.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff")), "x").unwrap();
    std::fs::write(upper.join("good"), "x").unwrap();
    std::fs::set_permissions(upper.join("good"), std::os::unix::fs::PermissionsExt::from_mode(0o4755)).unwrap();
    // What is younger than a tick is looked at again, and told again.
    std::thread::sleep(std::time::Duration::from_millis(60));
    let mut left = folder.shared.take().unwrap();
    left.sort();
    let starts = |at: usize, text: &str| assert!(left[at].starts_with(text), "{left:?}");
    assert_eq!(left.len(), 5, "{left:?}");
    starts(0, "work/.vox-mine: names that begin");
    starts(1, "work/outward: it is a link that leads out");
    starts(2, "work/pipe: it is a pipe");
    starts(3, "work/up: it is a link that leads out");
    starts(4, "work/\u{fffd}: its name is no UTF-8");
    assert_eq!(folder.shared.take().unwrap().len(), 2, "what has no place is told each time, the rest once");
    assert_eq!(get(&*folder.tree, "good").unwrap(), "x");
    let set = folder.staged.unwrap().seal(&bench.store).unwrap().unwrap();
    let paths: Vec<&str> = set.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["good"]);
    let mode = match &set.changes[0].after {
        Some(crate::changes::After::File { mode, .. }) => *mode,
        after => panic!("{after:?}"),
    };
    assert_eq!(mode, 0o755, "set-id bits are not carried");
}

#[test]
fn more_than_may_be_staged_is_kept_in_no_part() {
    let bench = Bench::furnished();
    let folder = shared(&bench, Quota { bytes: 100, ..Quota::default() });
    put(&*folder.tree, "first", "kept so far");
    let mounted = Mounted::of(&bench.live, &*folder.shared);
    assert_eq!(folder.shared.over(), None);
    std::fs::write(mounted.upper.join("large"), [7; 101]).unwrap();
    assert!(folder.shared.over().is_some_and(|text| text.contains("more into `work`")), "the disk is watched");
    assert!(matches!(folder.shared.take(), Err(ProgramError::Limit { .. })));
    let error = folder.staged.unwrap().seal(&bench.store).unwrap_err().to_string();
    assert!(error.contains("more into `work` than may be staged"), "{error}");
    assert_eq!(snapshot(&bench.store.root().join("sets")), Snapshot::new());
}

#[test]
fn programs_see_what_was_staged_and_folders_as_they_were_granted() {
    let bench = Bench::furnished();
    let folder = shared(&bench, Quota::default());
    put(&*folder.tree, "dir/new", "1");
    folder.tree.remove_file(&root(), "file").unwrap();
    assert!(folder.shared.stale(), "programs have not seen it");
    let mounted = Mounted::of(&bench.live, &*folder.shared);
    assert!(!folder.shared.stale());
    assert_eq!(mounted.find(&Place::parse("file").unwrap()).unwrap(), None);
    assert_eq!(std::fs::read(mounted.find(&Place::parse("dir/new").unwrap()).unwrap().unwrap()).unwrap(), b"1");
    assert_eq!(mounted.find(&Place::parse("dir/inner").unwrap()).unwrap().unwrap(), bench.live.join("dir/inner"));
    folder.shared.take().unwrap();
    assert!(!folder.shared.stale(), "nothing was written since");
    let handle = open(&*folder.tree, "dir/new", WRITE).unwrap();
    handle.append(b"2").unwrap();
    assert!(folder.shared.stale(), "a handle wrote");
    for (access, expected) in [(Access::Read, MountAccess::Read), (Access::WriteThrough, MountAccess::Direct)] {
        let plain = bench.open_with(access, Quota::default(), CallScope::unwatched("test"));
        let mount = plain.shared.mount("/x").unwrap();
        assert_eq!((mount.access, mount.host, mount.guest.as_str()), (expected, bench.live.clone(), "/x"));
        assert!(!plain.shared.stale() && plain.shared.take().unwrap().is_empty());
    }
}

#[test]
fn a_skill_that_writes_meanwhile_keeps_its_write() {
    let bench = Bench::furnished();
    let folder = shared(&bench, Quota::default());
    let mounted = Mounted::of(&bench.live, &*folder.shared);
    std::fs::write(mounted.upper.join("theirs"), "program").unwrap();
    put(&*folder.tree, "ours", "skill");
    put(&*folder.tree, "dir/ours", "skill");
    folder.shared.take().unwrap();
    assert_eq!(get(&*folder.tree, "ours").unwrap(), "skill");
    assert_eq!(get(&*folder.tree, "dir/ours").unwrap(), "skill");
    assert_eq!(get(&*folder.tree, "theirs").unwrap(), "program");
    assert!(folder.shared.stale(), "programs have not seen `ours`");
}
