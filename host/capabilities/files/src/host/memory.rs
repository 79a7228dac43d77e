//! A tree in memory, for tests: small, strict where the real ones are, and able to fail on command.

use crate::tree::{FsError, FsResult, How, Kind, OpenFile, Opened, Place, Stat, Tree};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

/// Links on one path, directories in directories, bytes of a name and of a path.
const MAX_LINKS: usize = 8;
const MAX_DEPTH: usize = 64;
const MAX_NAME: usize = 255;
const MAX_PATH: usize = 4095;

pub(super) struct Memory {
    writable: bool,
    nodes: Mutex<BTreeMap<Place, Node>>,
    ids: AtomicU64,
    shared: Arc<Shared>,
}

/// What open files see of their tree.
struct Shared {
    revoked: AtomicBool,
    /// Bytes that one file may have.
    quota: AtomicU64,
    /// Bytes asked for by the last read.
    asked: AtomicU64,
}

#[derive(Clone)]
struct Node {
    id: u64,
    body: Body,
    modified: Option<SystemTime>,
}

#[derive(Clone)]
enum Body {
    Directory,
    Link(String),
    File(Arc<Content>),
}

struct Content {
    id: u64,
    bytes: Mutex<Vec<u8>>,
    modified: Mutex<Option<SystemTime>>,
    shared: Arc<Shared>,
}

impl Memory {
    pub(super) fn new(writable: bool) -> Self {
        let shared =
            Shared { revoked: AtomicBool::new(false), quota: AtomicU64::new(u64::MAX), asked: AtomicU64::new(0) };
        let memory = Self { writable, nodes: Mutex::default(), ids: AtomicU64::new(1), shared: Arc::new(shared) };
        memory.put("", Body::Directory);
        memory
    }

    pub(super) fn directory(self, path: &str) -> Self {
        self.put(path, Body::Directory);
        self
    }

    pub(super) fn link(self, path: &str, target: &str) -> Self {
        self.put(path, Body::Link(target.to_owned()));
        self
    }

    pub(super) fn file(self, path: &str, bytes: &[u8]) -> Self {
        let content = self.content(bytes);
        self.put(path, Body::File(content));
        self
    }

    /// Takes the grant back.
    pub(super) fn revoke(&self) {
        self.shared.revoked.store(true, Ordering::SeqCst);
    }

    pub(super) fn limit(&self, quota: u64) {
        self.shared.quota.store(quota, Ordering::SeqCst);
    }

    /// Bytes asked for by the last read.
    pub(super) fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// The bytes of a file, none if there is none.
    pub(super) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        match self.nodes().get(&place(path)).map(|node| node.body.clone()) {
            Some(Body::File(content)) => Some(content.bytes.lock().unwrap().clone()),
            _ => None,
        }
    }

    /// Everything that is there.
    pub(super) fn paths(&self) -> Vec<String> {
        self.nodes().keys().filter(|place| !place.0.is_empty()).map(ToString::to_string).collect()
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<Place, Node>> {
        self.nodes.lock().unwrap()
    }

    fn id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::SeqCst)
    }

    fn content(&self, bytes: &[u8]) -> Arc<Content> {
        Arc::new(Content {
            id: self.id(),
            bytes: Mutex::new(bytes.to_vec()),
            modified: Mutex::default(),
            shared: Arc::clone(&self.shared),
        })
    }

    fn put(&self, path: &str, body: Body) {
        let node = Node { id: self.id(), body, modified: None };
        self.nodes().insert(place(path), node);
    }

    /// The grant holds, and allows changes where one is meant.
    fn granted(&self, change: bool) -> FsResult<()> {
        match () {
            () if self.shared.revoked.load(Ordering::SeqCst) => Err(FsError::Access),
            () if change && !self.writable => Err(FsError::ReadOnly),
            () => Ok(()),
        }
    }

    /// The place that a path means; what is at its end need not be there.
    fn resolve(&self, base: &Place, path: &str, follow: bool) -> FsResult<Place> {
        if path.is_empty() || path.contains('\0') {
            return Err(FsError::Invalid);
        }
        if path.starts_with('/') {
            return Err(FsError::NotPermitted);
        }
        if path.len() > MAX_PATH {
            return Err(FsError::NameTooLong);
        }
        let nodes = self.nodes();
        let mut at = base.0.clone();
        let mut rest: Vec<String> = path.split('/').rev().map(ToOwned::to_owned).collect();
        let mut links = 0;
        while let Some(name) = rest.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    at.pop().ok_or(FsError::NotPermitted)?;
                    continue;
                }
                _ if name.len() > MAX_NAME || at.len() >= MAX_DEPTH => return Err(FsError::NameTooLong),
                _ => at.push(name),
            }
            let last = rest.iter().all(|name| matches!(name.as_str(), "" | "."));
            let Some(Node { body: Body::Link(target), .. }) = nodes.get(&Place(at.clone())) else {
                continue;
            };
            if last && !follow {
                continue;
            }
            links += 1;
            match () {
                () if links > MAX_LINKS => return Err(FsError::Loop),
                () if target.starts_with('/') => return Err(FsError::NotPermitted),
                () => at.pop(),
            };
            rest.extend(target.split('/').rev().map(ToOwned::to_owned));
        }
        for depth in 0..at.len() {
            match nodes.get(&Place(at[..depth].to_vec())).map(|node| &node.body) {
                None => return Err(FsError::NotFound),
                Some(Body::Directory) => {}
                Some(_) => return Err(FsError::NotDirectory),
            }
        }
        Ok(Place(at))
    }

    fn find(&self, place: &Place) -> FsResult<Node> {
        self.nodes().get(place).cloned().ok_or(FsError::NotFound)
    }

    fn children(&self, place: &Place) -> Vec<(String, Kind)> {
        let inside = |(child, node): (&Place, &Node)| match child.0.split_last() {
            Some((name, parent)) if parent == place.0 => Some((name.clone(), node.stat().kind)),
            _ => None,
        };
        self.nodes().iter().filter_map(inside).collect()
    }

    /// Makes something where nothing is.
    fn make(&self, base: &Place, path: &str, body: Body) -> FsResult<()> {
        self.granted(true)?;
        let place = self.resolve(base, path, false)?;
        match self.find(&place) {
            Ok(_) => Err(FsError::Exists),
            Err(_) => {
                let node = Node { id: self.id(), body, modified: None };
                self.nodes().insert(place, node);
                Ok(())
            }
        }
    }
}

impl Node {
    fn stat(&self) -> Stat {
        let (kind, size) = match &self.body {
            Body::File(content) => return content.stat_now(),
            // As a real file system has it: directories have sizes, which guests are not to see.
            Body::Directory => (Kind::Directory, 4096),
            Body::Link(target) => (Kind::Link, target.len() as u64),
        };
        Stat { kind, size, modified: self.modified, id: self.id }
    }
}

fn place(path: &str) -> Place {
    Place(path.split('/').filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect())
}

impl Tree for Memory {
    fn writable(&self) -> bool {
        self.writable
    }

    fn sync(&self, _: &Place) -> FsResult<()> {
        self.granted(false)
    }

    fn stat(&self, base: &Place, path: &str, follow: bool) -> FsResult<Stat> {
        self.granted(false)?;
        Ok(self.find(&self.resolve(base, path, follow)?)?.stat())
    }

    fn open(&self, base: &Place, path: &str, how: How) -> FsResult<Opened> {
        self.granted(how.write || how.create || how.truncate)?;
        let place = self.resolve(base, path, how.follow)?;
        let content = match self.find(&place) {
            Ok(_) if how.exclusive => return Err(FsError::Exists),
            Ok(Node { body: Body::Directory, .. }) => return Ok(Opened::Directory(place)),
            Ok(_) if how.directory => return Err(FsError::NotDirectory),
            Ok(Node { body: Body::Link(_), .. }) => return Err(FsError::Loop),
            Ok(Node { body: Body::File(content), .. }) => content,
            Err(FsError::NotFound) if how.create => {
                let content = self.content(&[]);
                let node = Node { id: 0, body: Body::File(Arc::clone(&content)), modified: None };
                self.nodes().insert(place, node);
                content
            }
            Err(error) => return Err(error),
        };
        if how.truncate {
            content.bytes.lock().unwrap().clear();
        }
        Ok(Opened::File(content))
    }

    fn list(&self, place: &Place) -> FsResult<Vec<(String, Kind)>> {
        self.granted(false)?;
        self.find(place)?;
        Ok(self.children(place))
    }

    fn read_link(&self, base: &Place, path: &str) -> FsResult<String> {
        self.granted(false)?;
        match self.find(&self.resolve(base, path, false)?)?.body {
            Body::Link(target) => Ok(target),
            _ => Err(FsError::Invalid),
        }
    }

    fn create_directory(&self, base: &Place, path: &str) -> FsResult<()> {
        self.make(base, path, Body::Directory)
    }

    fn remove_directory(&self, base: &Place, path: &str) -> FsResult<()> {
        self.granted(true)?;
        let place = self.resolve(base, path, false)?;
        match self.find(&place)?.body {
            Body::Directory if !self.children(&place).is_empty() => Err(FsError::NotEmpty),
            Body::Directory => {
                self.nodes().remove(&place);
                Ok(())
            }
            _ => Err(FsError::NotDirectory),
        }
    }

    fn remove_file(&self, base: &Place, path: &str) -> FsResult<()> {
        self.granted(true)?;
        let place = self.resolve(base, path, false)?;
        match self.find(&place)?.body {
            Body::Directory => Err(FsError::IsDirectory),
            _ => {
                self.nodes().remove(&place);
                Ok(())
            }
        }
    }

    fn rename(&self, from: (&Place, &str), to: (&Place, &str)) -> FsResult<()> {
        self.granted(true)?;
        let from = self.resolve(from.0, from.1, false)?;
        let to = self.resolve(to.0, to.1, false)?;
        self.find(&from)?;
        let mut nodes = self.nodes();
        let moved: Vec<Place> = nodes.keys().filter(|place| place.0.starts_with(&from.0)).cloned().collect();
        for place in moved {
            let rest = place.0[from.0.len()..].to_vec();
            let node = nodes.remove(&place).unwrap();
            nodes.insert(Place([to.0.clone(), rest].concat()), node);
        }
        Ok(())
    }

    fn symlink(&self, target: &str, base: &Place, path: &str) -> FsResult<()> {
        self.make(base, path, Body::Link(target.to_owned()))
    }

    fn set_modified(&self, base: &Place, path: &str, follow: bool, time: SystemTime) -> FsResult<()> {
        self.granted(true)?;
        let place = self.resolve(base, path, follow)?;
        let mut nodes = self.nodes();
        let node = nodes.get_mut(&place).ok_or(FsError::NotFound)?;
        node.modified = Some(time);
        match &node.body {
            Body::File(content) => content.set_modified(time),
            _ => Ok(()),
        }
    }
}

impl Content {
    fn stat_now(&self) -> Stat {
        let size = self.bytes.lock().unwrap().len() as u64;
        Stat { kind: Kind::File, size, modified: *self.modified.lock().unwrap(), id: self.id }
    }

    fn granted(&self) -> FsResult<()> {
        if self.shared.revoked.load(Ordering::SeqCst) { Err(FsError::Access) } else { Ok(()) }
    }

    /// Puts bytes somewhere, growing the file as far as the quota goes.
    fn put(&self, bytes: &mut Vec<u8>, offset: u64, new: &[u8]) -> FsResult<()> {
        self.granted()?;
        let end = offset + new.len() as u64;
        if end > self.shared.quota.load(Ordering::SeqCst) {
            return Err(FsError::Quota);
        }
        let (offset, end) = (offset as usize, end as usize);
        bytes.resize(bytes.len().max(end), 0);
        bytes[offset..end].copy_from_slice(new);
        Ok(())
    }
}

impl OpenFile for Content {
    fn stat(&self) -> FsResult<Stat> {
        self.granted()?;
        Ok(self.stat_now())
    }

    fn sync(&self) -> FsResult<()> {
        self.granted()
    }

    fn read_at(&self, offset: u64, length: usize) -> FsResult<Vec<u8>> {
        self.granted()?;
        self.shared.asked.store(length as u64, Ordering::SeqCst);
        let bytes = self.bytes.lock().unwrap();
        let from = bytes.len().min(offset as usize);
        let to = bytes.len().min(from + length);
        Ok(bytes[from..to].to_vec())
    }

    fn write_at(&self, offset: u64, new: &[u8]) -> FsResult<()> {
        self.put(&mut self.bytes.lock().unwrap(), offset, new)
    }

    fn append(&self, new: &[u8]) -> FsResult<()> {
        let mut bytes = self.bytes.lock().unwrap();
        let end = bytes.len() as u64;
        self.put(&mut bytes, end, new)
    }

    fn set_size(&self, size: u64) -> FsResult<()> {
        self.granted()?;
        if size > self.shared.quota.load(Ordering::SeqCst) {
            return Err(FsError::Quota);
        }
        self.bytes.lock().unwrap().resize(size as usize, 0);
        Ok(())
    }

    fn set_modified(&self, time: SystemTime) -> FsResult<()> {
        self.granted()?;
        *self.modified.lock().unwrap() = Some(time);
        Ok(())
    }
}
