//! What a person grants, and what a skill asks for.

mod guest;
mod request;
#[cfg(test)]
mod tests;

pub use guest::GuestPath;
pub use request::{Explained, Request, Wanted};

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use vox_model::Capability;

/// What may be done with a granted folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Reading.
    Read,
    /// Reading, and writing into an overlay: the folder changes when somebody approves.
    Write,
    /// Reading, and writing straight to the folder. Only where a person said so in so many words.
    WriteThrough,
}

impl Access {
    /// The flag that gives it.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Read => "--allow-read",
            Self::Write => "--allow-write",
            Self::WriteThrough => "--allow-write-through",
        }
    }
}

/// One granted folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderGrant {
    /// The folder, an absolute path without links.
    pub host: PathBuf,
    /// The path under which the skill sees it.
    pub guest: String,
    /// What may be done with it.
    pub access: Access,
}

/// The granted folders of a skill. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The folders, in the order in which they were given.
    #[serde(default)]
    pub folders: Vec<FolderGrant>,
}

impl AsRef<Self> for Grant {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A grant that makes no sense, or would mean more than it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// There is no folder in it.
    #[error("`{0}` names no folder; write DIR or DIR::GUEST, such as `docs` or `/srv/docs::docs`")]
    Empty(String),
    /// The folder is not there.
    #[error("the folder `{folder}` cannot be granted: {why}")]
    Folder {
        /// As it was given.
        folder: String,
        /// Why not.
        why: String,
    },
    /// The whole file system.
    #[error("`/` is everything on this machine; grant the folder that the skill needs")]
    Everything,
    /// The skill cannot see a folder under this path.
    #[error("a skill cannot see a folder as `{path}`: {why}; name another path with `DIR::GUEST`")]
    Guest {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two folders under one path.
    #[error(
        "both {first} and {second} would be `{guest}` for the skill; give one of them another path: `DIR::GUEST`",
        first = first.display(), second = second.display()
    )]
    Clash {
        /// The path.
        guest: String,
        /// One folder.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Two writable folders share files.
    #[error(
        "{inner} lies in {outer}, and both are granted for writing: the same file could be changed in two ways; grant \
         one of them for writing only",
        inner = inner.display(), outer = outer.display()
    )]
    Overlap {
        /// The folder that is inside, or the same one again.
        inner: PathBuf,
        /// The folder that holds it.
        outer: PathBuf,
    },
}

impl FolderGrant {
    /// Reads `DIR[::GUEST]`. A relative DIR counts from `from`. The folder has to be there: what is granted is the
    /// folder that the path leads to now, links resolved.
    ///
    /// # Errors
    /// See [`GrantError`].
    pub fn parse(text: &str, access: Access, from: &Path) -> Result<Self, GrantError> {
        let (folder, guest) = match text.split_once("::") {
            Some((folder, guest)) => (folder, guest),
            None => (text, text),
        };
        if folder.is_empty() || guest.is_empty() {
            return Err(GrantError::Empty(text.to_owned()));
        }
        let guest = guest.parse::<GuestPath>()?;
        let wrong = |why: String| GrantError::Folder { folder: folder.to_owned(), why };
        let host = std::fs::canonicalize(from.join(folder)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                wrong(format!("it is not there; make it with `mkdir -p {folder}`, or say where it is: `DIR::{guest}`"))
            }
            _ => wrong(error.to_string()),
        })?;
        if !host.is_dir() {
            return Err(wrong("it is no folder".to_owned()));
        }
        if host.to_str().is_none() {
            return Err(wrong("its path is no UTF-8".to_owned()));
        }
        let grant = Self { host, guest: guest.into(), access };
        grant.check()?;
        Ok(grant)
    }

    /// Whether it makes sense by itself. Grants that were stored are checked again before they are used.
    ///
    /// # Errors
    /// See [`GrantError`].
    pub fn check(&self) -> Result<(), GrantError> {
        self.guest.parse::<GuestPath>()?;
        let normal = self.host.is_absolute()
            && self.host.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !normal {
            let why = "it is not an absolute path without `..`".to_owned();
            return Err(GrantError::Folder { folder: self.host.display().to_string(), why });
        }
        if self.host.parent().is_none() { Err(GrantError::Everything) } else { Ok(()) }
    }

    /// The flag that gives this grant, for messages and the audit.
    pub fn flag(&self) -> String {
        let host = self.host.display().to_string();
        match host == self.guest {
            true => format!("{} {host}", self.access.flag()),
            false => format!("{} {host}::{}", self.access.flag(), self.guest),
        }
    }
}

impl Grant {
    /// Adds a folder. The same folder under the same path keeps the wider access.
    ///
    /// # Errors
    /// It clashes or overlaps with another one.
    pub fn add(&mut self, folder: FolderGrant) -> Result<(), GrantError> {
        let mut merged = self.clone();
        match merged.folders.iter_mut().find(|known| known.host == folder.host && known.guest == folder.guest) {
            Some(known) => known.access = known.access.max(folder.access),
            None => merged.folders.push(folder),
        }
        merged.check()?;
        *self = merged;
        Ok(())
    }

    /// Adds all folders of another grant.
    ///
    /// # Errors
    /// Two of them clash or overlap. Then this grant stays as it was.
    pub fn add_all(&mut self, other: Self) -> Result<(), GrantError> {
        let mut merged = self.clone();
        other.folders.into_iter().try_for_each(|folder| merged.add(folder))?;
        *self = merged;
        Ok(())
    }

    /// Whether all folders make sense together.
    ///
    /// # Errors
    /// See [`GrantError`].
    pub fn check(&self) -> Result<(), GrantError> {
        for (number, folder) in self.folders.iter().enumerate() {
            folder.check()?;
            for other in &self.folders[..number] {
                if folder.guest.parse::<GuestPath>()? == other.guest.parse::<GuestPath>()? {
                    return Err(GrantError::Clash {
                        guest: folder.guest.clone(),
                        first: other.host.clone(),
                        second: folder.host.clone(),
                    });
                }
                overlap(folder, other)?;
            }
        }
        Ok(())
    }

    /// One line for each folder, for people.
    pub fn describe(&self) -> Vec<String> {
        let line = |folder: &FolderGrant| {
            let what = match folder.access {
                Access::Read => "read",
                Access::Write => "read and write (writes wait for approval)",
                Access::WriteThrough => "read and write AT ONCE, without approval",
            };
            format!("{what} {}, seen as `{}`", folder.host.display(), folder.guest)
        };
        self.folders.iter().map(line).collect()
    }

    /// The capabilities that it gives. Writing includes reading.
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        let mut capabilities = BTreeSet::new();
        for folder in &self.folders {
            capabilities.insert(Capability::FilesystemRo);
            if folder.access != Access::Read {
                capabilities.insert(Capability::FilesystemRw);
            }
        }
        capabilities
    }

    /// The flags that would give what a skill asks for and this grant does not, one for each folder.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        let has = |path: &GuestPath, write: bool| {
            self.folders.iter().any(|folder| {
                let covers = folder.guest.parse::<GuestPath>().is_ok_and(|guest| guest.covers(path));
                covers && (!write || folder.access != Access::Read)
            })
        };
        let mut flags = Vec::new();
        for wanted in request.write.iter().filter(|wanted| !has(wanted.path(), true)) {
            flags.push(format!("{} {}", Access::Write.flag(), wanted.path()));
        }
        let to_come = |path: &GuestPath| {
            request.write.iter().any(|wanted| wanted.path().covers(path) && !has(wanted.path(), true))
        };
        for wanted in request.read.iter().filter(|wanted| !has(wanted.path(), false) && !to_come(wanted.path())) {
            flags.push(format!("{} {}", Access::Read.flag(), wanted.path()));
        }
        flags.dedup();
        flags
    }
}

fn overlap(one: &FolderGrant, other: &FolderGrant) -> Result<(), GrantError> {
    if one.access == Access::Read || other.access == Access::Read {
        return Ok(());
    }
    // By component: `/a/b` is not inside `/a/bc`. Both are real paths, see `FolderGrant::parse`.
    for (inner, outer) in [(one, other), (other, one)] {
        if inner.host.starts_with(&outer.host) {
            return Err(GrantError::Overlap { inner: inner.host.clone(), outer: outer.host.clone() });
        }
    }
    Ok(())
}

/// What the list of capabilities and the store of grants ask of every grant.
impl Grant {
    /// The words that this grant belongs to.
    pub const SERVES: &[Capability] = &[Capability::FilesystemRo, Capability::FilesystemRw];

    /// Adds what the other gives. Where both cannot stand together, what is added now counts: it was said later.
    pub fn merge(&mut self, other: &Self) {
        for folder in &other.folders {
            if self.add(folder.clone()).is_err() {
                let path = folder.guest.parse::<GuestPath>().ok();
                self.folders
                    .retain(|known| known.guest.parse::<GuestPath>().ok() != path && overlap(known, folder).is_ok());
                self.folders.push(folder.clone());
            }
        }
    }

    /// Takes away what the other gives, and rather more than less: a folder goes with all that is in it and around it.
    pub fn subtract(&mut self, denied: &Self) {
        let touches = |one: &Path, other: &Path| one.starts_with(other) || other.starts_with(one);
        self.folders.retain(|folder| !denied.folders.iter().any(|other| touches(&folder.host, &other.host)));
    }

    /// What this gives and the other does not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let covered = |folder: &&FolderGrant| {
            other
                .folders
                .iter()
                .any(|known| known.host == folder.host && known.guest == folder.guest && known.access >= folder.access)
        };
        Self { folders: self.folders.iter().filter(|folder| !covered(folder)).cloned().collect() }
    }
}
