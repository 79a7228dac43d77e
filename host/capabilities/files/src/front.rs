//! What both kinds of folder have in common: asking the grant, taking down, resolving paths, and which operation fits
//! which kind of object. What is left to a backend gets places and kinds that fit.

use crate::audit::Audit;
use crate::tree::{FsError, FsResult, How, Kind, OpenFile, Opened, Place, Stat, Tree};
use crate::walk::{self, Found, View};
use std::sync::Arc;
use std::time::SystemTime;
use vox_model::Capability;

/// Times that an open is tried again because somebody made or removed the file in between.
const TRIES: usize = 3;

/// A folder, however it keeps what is written.
pub(crate) trait Backend: Send + Sync + 'static {
    /// The folder during one operation.
    type Session<'a>: Session;
    /// Starts an operation.
    ///
    /// # Errors
    /// The folder is closed.
    fn session(self: &Arc<Self>) -> FsResult<Self::Session<'_>>;
    fn writable(&self) -> bool;
    fn audit(&self) -> &Audit;
    fn depth(&self) -> usize;
    /// Something that changes the folder is about to be done.
    fn changing(&self) {}
}

/// One operation. Places are resolved; what the documentation calls a file is one as far as the walk could see.
pub(crate) trait Session: View {
    fn stat(&mut self, place: &Place) -> FsResult<Stat>;
    /// Makes a file where nothing is, and opens it.
    fn create(&mut self, place: &Place, how: How) -> FsResult<Arc<dyn OpenFile>>;
    /// Opens a file that is there.
    fn open(&mut self, place: &Place, how: How) -> FsResult<Arc<dyn OpenFile>>;
    fn list(&mut self, place: &Place) -> FsResult<Vec<(String, Kind)>>;
    /// Makes a directory where nothing is.
    fn make_directory(&mut self, place: &Place) -> FsResult<()>;
    /// Removes a directory if it is empty.
    fn remove_directory(&mut self, place: &Place) -> FsResult<()>;
    /// Removes a file or a link.
    fn remove_file(&mut self, place: &Place) -> FsResult<()>;
    /// Moves something to another place, of which the kind fits.
    fn rename(&mut self, from: &Place, kind: Kind, to: &Found) -> FsResult<()>;
    /// Makes a link where nothing is; its target was checked.
    fn link(&mut self, target: &str, place: &Place) -> FsResult<()>;
    fn set_modified(&mut self, place: &Place, time: SystemTime) -> FsResult<()>;
    /// Makes the names in a directory last, if they are not only staged.
    fn sync(&mut self, place: &Place) -> FsResult<()>;
}

/// A folder as a tree.
pub(crate) struct Front<B>(pub(crate) Arc<B>);

impl<B: Backend> Front<B> {
    /// Does something that changes the folder.
    fn change<T>(
        &self,
        action: &str,
        target: String,
        act: impl FnOnce(&mut B::Session<'_>) -> FsResult<T>,
    ) -> FsResult<T> {
        self.0.audit().act(Capability::FilesystemRw, action, target, || match self.0.writable() {
            true => {
                self.0.changing();
                act(&mut self.0.session()?)
            }
            false => Err(FsError::ReadOnly),
        })
    }

    fn target(&self, base: &Place, path: &str) -> String {
        self.0.audit().target(base, path)
    }

    fn walk(&self, session: &B::Session<'_>, base: &Place, path: &str, follow: bool) -> FsResult<Found> {
        walk::walk(session, base, path, follow, self.0.depth())
    }

    fn walk_to_name(&self, session: &B::Session<'_>, base: &Place, path: &str) -> FsResult<Found> {
        walk::walk_to_name(session, base, path, self.0.depth())
    }

    /// The place of something that is to be made.
    fn walk_to_nothing(&self, session: &B::Session<'_>, base: &Place, path: &str) -> FsResult<Found> {
        // As in the kernel (mkdir(2)): what `.` and `..` lead to is there. Programs that make a path with all its parents
        // begin with the granted folder itself, and go on when they hear that it exists.
        if matches!(path.trim_end_matches('/').rsplit('/').next(), Some("." | "..")) {
            self.walk(session, base, path, true)?.existing()?;
            return Err(FsError::Exists);
        }
        let found = self.walk_to_name(session, base, path)?;
        if found.kind.is_some() { Err(FsError::Exists) } else { Ok(found) }
    }

    fn open_in(&self, session: &mut B::Session<'_>, base: &Place, path: &str, how: How) -> FsResult<Opened> {
        if how.directory && (how.create || how.truncate) {
            return Err(FsError::Invalid);
        }
        let follow = how.follow && !(how.create && how.exclusive);
        for _ in 0..TRIES {
            let found = self.walk(session, base, path, follow)?;
            let opened = match found.kind {
                None if !how.create => return Err(FsError::NotFound),
                None if found.as_directory => return Err(FsError::IsDirectory),
                None => session.create(&found.place, how),
                Some(_) if how.exclusive && how.create => return Err(FsError::Exists),
                Some(_) => return self.open_existing(session, &found, how),
            };
            match opened {
                // It came in between.
                Err(FsError::Exists) if !how.exclusive => {}
                opened => return opened.map(Opened::File),
            }
        }
        Err(FsError::Exists)
    }

    fn open_existing(&self, session: &mut B::Session<'_>, found: &Found, how: How) -> FsResult<Opened> {
        match found.existing()? {
            Kind::Directory if how.write || how.truncate || how.create => Err(FsError::IsDirectory),
            Kind::Directory => Ok(Opened::Directory(found.place.clone())),
            Kind::File | Kind::Link if how.directory => Err(FsError::NotDirectory),
            // Only where links are not to be followed.
            Kind::Link => Err(FsError::Loop),
            Kind::File => session.open(&found.place, how).map(Opened::File),
        }
    }

    fn rename_in(&self, session: &mut B::Session<'_>, from: (&Place, &str), to: (&Place, &str)) -> FsResult<()> {
        // As the kernel does it: both ways first, then what stands at their ends.
        let old = self.walk_to_name(session, from.0, from.1)?;
        let new = self.walk_to_name(session, to.0, to.1)?;
        let kind = old.existing()?;
        if kind != Kind::Directory && new.as_directory {
            return Err(FsError::NotDirectory);
        }
        if old.place == new.place {
            return Ok(());
        }
        if new.place.0.starts_with(&old.place.0) {
            return Err(FsError::Invalid);
        }
        if old.place.0.starts_with(&new.place.0) {
            return Err(FsError::NotEmpty);
        }
        match (kind, new.kind) {
            (Kind::Directory, Some(Kind::File | Kind::Link)) => return Err(FsError::NotDirectory),
            (Kind::File | Kind::Link, Some(Kind::Directory)) => return Err(FsError::IsDirectory),
            _ => {}
        }
        if kind == Kind::Link {
            let target = session.target(&old.place)?.ok_or(FsError::NotPermitted)?;
            walk::may_point_to(&new.place, &target)?;
        }
        session.rename(&old.place, kind, &new)
    }
}

impl<B: Backend> Tree for Front<B> {
    fn writable(&self) -> bool {
        self.0.writable()
    }

    fn stat(&self, base: &Place, path: &str, follow: bool) -> FsResult<Stat> {
        self.0.audit().glance(
            Capability::FilesystemRo,
            "stat",
            || self.target(base, path),
            || {
                let mut session = self.0.session()?;
                let found = self.walk(&session, base, path, follow)?;
                found.existing()?;
                session.stat(&found.place)
            },
        )
    }

    fn open(&self, base: &Place, path: &str, how: How) -> FsResult<Opened> {
        let target = self.target(base, path);
        if how.write || how.create || how.truncate {
            return self.change("write", target, |session| self.open_in(session, base, path, how));
        }
        self.0
            .audit()
            .act(Capability::FilesystemRo, "read", target, || self.open_in(&mut self.0.session()?, base, path, how))
    }

    fn list(&self, place: &Place) -> FsResult<Vec<(String, Kind)>> {
        self.0.audit().act(Capability::FilesystemRo, "list", self.target(place, ""), || self.0.session()?.list(place))
    }

    fn read_link(&self, base: &Place, path: &str) -> FsResult<String> {
        self.0.audit().glance(
            Capability::FilesystemRo,
            "read-link",
            || self.target(base, path),
            || {
                let session = self.0.session()?;
                let found = self.walk(&session, base, path, false)?;
                if found.existing()? != Kind::Link {
                    return Err(FsError::Invalid);
                }
                let target = session.target(&found.place)?.ok_or(FsError::NotPermitted)?;
                // Where the rest of the host's files are is none of the guest's business.
                walk::may_point_to(&found.place, &target)?;
                Ok(target)
            },
        )
    }

    fn create_directory(&self, base: &Place, path: &str) -> FsResult<()> {
        self.change("make-directory", self.target(base, path), |session| {
            let found = self.walk_to_nothing(session, base, path)?;
            session.make_directory(&found.place)
        })
    }

    fn remove_directory(&self, base: &Place, path: &str) -> FsResult<()> {
        self.change("remove-directory", self.target(base, path), |session| {
            let found = self.walk_to_name(session, base, path)?;
            match found.kind.ok_or(FsError::NotFound)? {
                Kind::Directory => session.remove_directory(&found.place),
                Kind::File | Kind::Link => Err(FsError::NotDirectory),
            }
        })
    }

    fn remove_file(&self, base: &Place, path: &str) -> FsResult<()> {
        self.change("remove", self.target(base, path), |session| {
            let found = self.walk_to_name(session, base, path)?;
            match found.existing()? {
                Kind::Directory => Err(FsError::IsDirectory),
                Kind::File | Kind::Link => session.remove_file(&found.place),
            }
        })
    }

    fn rename(&self, from: (&Place, &str), to: (&Place, &str)) -> FsResult<()> {
        let target = format!("{} -> {}", self.target(from.0, from.1), self.target(to.0, to.1));
        self.change("rename", target, |session| self.rename_in(session, from, to))
    }

    fn symlink(&self, target: &str, base: &Place, path: &str) -> FsResult<()> {
        self.change("link", self.target(base, path), |session| {
            let found = self.walk_to_nothing(session, base, path)?;
            if found.as_directory {
                return Err(FsError::NotFound);
            }
            walk::may_point_to(&found.place, target)?;
            session.link(target, &found.place)
        })
    }

    fn set_modified(&self, base: &Place, path: &str, follow: bool, time: SystemTime) -> FsResult<()> {
        self.change("set-time", self.target(base, path), |session| {
            let found = self.walk(session, base, path, follow)?;
            found.existing()?;
            session.set_modified(&found.place, time)
        })
    }

    fn sync(&self, place: &Place) -> FsResult<()> {
        let target = || self.target(place, "");
        self.0.audit().glance(Capability::FilesystemRo, "sync", target, || self.0.session()?.sync(place))
    }
}

/// What every open file has: which way it was opened, and the right to be open.
pub(crate) struct Handle {
    read: bool,
    write: bool,
    _ticket: crate::quota::Ticket,
}

impl Handle {
    pub(crate) fn new(how: How, ticket: crate::quota::Ticket) -> Self {
        Self { read: how.read, write: how.write, _ticket: ticket }
    }

    /// Whether it may be looked at now.
    pub(crate) fn may_look(&self, audit: &Audit) -> FsResult<()> {
        holds(audit, Capability::FilesystemRo, "stat")
    }

    /// Whether it may be read now.
    pub(crate) fn may_read(&self, audit: &Audit) -> FsResult<()> {
        holds(audit, Capability::FilesystemRo, "read")?;
        if self.read { Ok(()) } else { Err(FsError::NotPermitted) }
    }

    /// Whether it may be written now.
    pub(crate) fn may_write(&self, audit: &Audit) -> FsResult<()> {
        holds(audit, Capability::FilesystemRw, "write")?;
        if self.write { Ok(()) } else { Err(FsError::NotPermitted) }
    }
}

fn holds(audit: &Audit, capability: Capability, action: &str) -> FsResult<()> {
    match audit.scope().allows(capability, action, &audit.target(&Place::default(), "(an open file)")) {
        true => Ok(()),
        false => Err(FsError::Access),
    }
}
