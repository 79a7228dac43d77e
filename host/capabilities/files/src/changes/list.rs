//! The sealed list: what a call wants to change, entry by entry, and the digest that names it all.

use crate::sys::{Hasher, Stamp};
use crate::tree::{Kind, Place};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use vox_model::Digest;

/// The version of the list's form: part of what is hashed.
pub(crate) const VERSION: u32 = 1;

/// Where a change set comes from and which folder it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of the form.
    pub version: u32,
    /// The live folder, absolute and without links.
    pub folder: PathBuf,
    /// Its number in its file system, to notice another folder in its place.
    pub inode: u64,
    /// What the skill saw it as.
    pub guest: String,
    /// The skill's name.
    pub skill: String,
    /// The skill's digest.
    #[serde(with = "hexadecimal")]
    pub digest: Digest,
    /// Names the call in the audit.
    pub call: String,
    /// When it was sealed, in nanoseconds since 1970.
    pub sealed: u64,
    /// The change set that this one is the rest of, after some of its paths were approved.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hexadecimal::optional")]
    pub rest_of: Option<Digest>,
}

/// What stood at a path when the skill first replaced or removed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// File, directory or link.
    #[serde(with = "kind")]
    pub kind: Kind,
    /// What it was, so that a change since is noticed.
    pub stamp: Stamp,
    /// SHA-256 of a file's content, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hexadecimal::optional")]
    pub sha256: Option<Digest>,
    /// A link's target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// What is to stand at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum After {
    /// A file with this content.
    File {
        /// Bytes.
        size: u64,
        /// SHA-256 of the content.
        #[serde(with = "hexadecimal")]
        sha256: Digest,
        /// Permission bits.
        mode: u32,
    },
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// Its target: relative, inside the folder.
        target: String,
    },
}

impl After {
    /// File, directory or link.
    pub fn kind(&self) -> Kind {
        match self {
            Self::File { .. } => Kind::File,
            Self::Directory { .. } => Kind::Directory,
            Self::Link { .. } => Kind::Link,
        }
    }
}

/// One entry of the list. At least one side is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Names from the folder's root, joined by `/`. Text of the skill, so untrusted.
    pub path: String,
    /// What stood there; none where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// What is to stand there; none where it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// Another name in the same directory that differs in case or accents only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resembles: Option<String>,
}

/// What a change does, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A new file.
    Create,
    /// Another content.
    Replace,
    /// Other permission bits, the same content.
    Mode,
    /// A file or a link goes.
    Delete,
    /// A new link, or another target.
    Link,
    /// A new directory.
    MakeDirectory,
    /// A directory goes.
    RemoveDirectory,
    /// Something of another kind takes the place.
    ChangeKind,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Mode => "mode",
            Self::Delete => "delete",
            Self::Link => "link",
            Self::MakeDirectory => "mkdir",
            Self::RemoveDirectory => "rmdir",
            Self::ChangeKind => "change kind",
        })
    }
}

impl Change {
    /// What it does.
    pub fn action(&self) -> Action {
        match (&self.before, &self.after) {
            (Some(Before { kind: Kind::Directory, .. }), None) => Action::RemoveDirectory,
            (_, None) => Action::Delete,
            (None, Some(After::File { .. })) => Action::Create,
            (None, Some(After::Directory { .. })) => Action::MakeDirectory,
            (None, Some(After::Link { .. })) => Action::Link,
            (Some(before), Some(after)) if before.kind != after.kind() => Action::ChangeKind,
            (Some(before), Some(After::File { sha256, .. })) if before.sha256 == Some(*sha256) => Action::Mode,
            (Some(_), Some(After::File { .. })) => Action::Replace,
            (Some(_), Some(After::Directory { .. })) => Action::Mode,
            (Some(_), Some(After::Link { .. })) => Action::Link,
        }
    }

    /// Its place; none if the path is not one.
    pub(crate) fn place(&self) -> Option<Place> {
        Place::parse(&self.path)
    }

    pub(crate) fn removes_directory(&self) -> bool {
        let was = self.before.as_ref().is_some_and(|before| before.kind == Kind::Directory);
        was && !self.is_directory_after()
    }

    pub(crate) fn is_directory_after(&self) -> bool {
        matches!(self.after, Some(After::Directory { .. }))
    }
}

/// A sealed change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// The digest of everything in it: header, paths, contents, modes, targets.
    pub id: Digest,
    /// Where it comes from and what it is for.
    pub header: Header,
    /// The changes, in the order of their paths.
    pub changes: Vec<Change>,
}

/// The stored form, without the digest: that is computed, never read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    header: Header,
    changes: Vec<Change>,
}

/// The list is not one that this version wrote.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is no JSON of this form.
    #[error("the list cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// An entry makes no sense.
    #[error("the list is damaged: {0}")]
    Entry(String),
}

impl ChangeSet {
    /// Names a list. Entries are put into the order of their places.
    pub(crate) fn new(header: Header, mut changes: Vec<Change>) -> Result<Self, ListError> {
        changes.sort_by_cached_key(Change::place);
        let id = root(&header, &changes)?;
        Ok(Self { id, header, changes })
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, ListError> {
        let stored = Stored { header: self.header.clone(), changes: self.changes.clone() };
        Ok(serde_json::to_vec(&stored)?)
    }

    /// Reads a list, checks that every entry makes sense, and computes its digest.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, ListError> {
        let stored: Stored = serde_json::from_slice(bytes)?;
        let set = Self::new(stored.header, stored.changes)?;
        if set.header.version != VERSION {
            return Err(ListError::Entry(format!("it has version {}, not {VERSION}", set.header.version)));
        }
        let mut last: Option<Place> = None;
        for change in &set.changes {
            let wrong = |what: &str| ListError::Entry(format!("`{}` {what}", super::escape::line(&change.path)));
            let place = change.place().ok_or_else(|| wrong("is no path inside the folder"))?;
            if crate::walk::reserved(&place) {
                return Err(wrong("has a reserved name"));
            }
            if change.before.is_none() && change.after.is_none() {
                return Err(wrong("changes nothing"));
            }
            if let Some(After::Link { target }) = &change.after {
                crate::walk::may_point_to(&place, target).map_err(|_| wrong("is a link that leads outward"))?;
            }
            if last.as_ref() == Some(&place) {
                return Err(wrong("is there twice"));
            }
            last = Some(place);
        }
        Ok(set)
    }

    /// The change at a path.
    pub fn change(&self, path: &str) -> Option<&Change> {
        self.changes.iter().find(|change| change.path == path)
    }
}

/// The Merkle root over header and entries, as in RFC 9162 §2.1: leaves and inner nodes are hashed apart, so that
/// neither can pass for the other.
fn root(header: &Header, changes: &[Change]) -> Result<Digest, ListError> {
    let mut level = vec![leaf(&serde_json::to_vec(header)?)];
    for change in changes {
        level.push(leaf(&serde_json::to_vec(change)?));
    }
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => {
                    let mut hasher = Hasher::default();
                    hasher.take(&[1]);
                    hasher.take(&left.0);
                    hasher.take(&right.0);
                    hasher.digest()
                }
                // The last one of an odd level goes up as it is.
                rest => rest[0],
            })
            .collect();
    }
    Ok(level[0])
}

fn leaf(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::default();
    hasher.take(&[0]);
    hasher.take(bytes);
    hasher.digest()
}

/// Digests as hexadecimal text.
mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use vox_model::Digest;

    pub(super) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(digest)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Digest, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }

    pub(super) mod optional {
        use super::{Deserializer, Digest, Serializer};

        pub(crate) fn serialize<S: Serializer>(digest: &Option<Digest>, to: S) -> Result<S::Ok, S::Error> {
            match digest {
                Some(digest) => super::serialize(digest, to),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Digest>, D::Error> {
            super::deserialize(from).map(Some)
        }
    }
}

/// Kinds as words.
mod kind {
    use crate::tree::Kind;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match kind {
            Kind::File => "file",
            Kind::Directory => "directory",
            Kind::Link => "link",
        })
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Kind, D::Error> {
        match String::deserialize(from)?.as_str() {
            "file" => Ok(Kind::File),
            "directory" => Ok(Kind::Directory),
            "link" => Ok(Kind::Link),
            other => Err(D::Error::custom(format!("there is no kind `{other}`"))),
        }
    }
}
