//! Which project files may speak for the person.
//!
//! A `vox.toml` comes with whatever was downloaded, and it gives grants: it counts only once a person said so, for
//! exactly this file with exactly this content.

use crate::StateError;
use crate::document::{Body, Document};
use crate::grants::digest_text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use vox_model::Digest;

/// Files that are remembered: beyond, the one that was decided on longest ago is forgotten, and so asked about again.
const MAX_PROJECTS: usize = 1024;

/// The decisions on project files cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no such project file.
    #[error("{path} cannot be found: {source}", path = path.display())]
    Missing {
        /// The path that was given.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its path cannot be written down exactly.
    #[error("the path {path} is not valid Unicode; rename the folder or the file", path = .0.display())]
    NotUnicode(PathBuf),
}

/// A decision on a project file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Project {
    /// Its path without links.
    pub path: String,
    /// What it held.
    #[serde(with = "digest_text")]
    pub digest: Digest,
    /// Whether it counts; else it must not even be asked about.
    pub trusted: bool,
    /// When that was said.
    pub since: Timestamp,
}

/// What a person said about a project file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectStanding {
    /// Nothing yet: ask.
    Unknown,
    /// It counts.
    Trusted(Project),
    /// It does not count; do not ask.
    Refused(Project),
    /// It has changed since: it does not count, ask again. This is what was said then.
    Changed(Project),
}

/// The decisions on project files.
#[derive(Clone, Debug)]
pub struct Trust {
    document: Document,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Store {
    version: u64,
    projects: Vec<Project>,
}

impl Default for Store {
    fn default() -> Self {
        Self { version: 1, projects: Vec::new() }
    }
}

impl Body for Store {
    const VERSION: u64 = 1;

    fn check(&self) -> Result<(), String> {
        if self.version == Self::VERSION { Ok(()) } else { Err(format!("there is no format {}", self.version)) }
    }
}

impl Trust {
    /// The decisions below a folder. Touches nothing: a missing folder means that nothing is trusted.
    pub fn new(root: &Path) -> Self {
        Self { document: Document::new(root, "trust.json") }
    }

    /// What was said about a file with this content. Pass the very bytes that are then parsed, not what a second reading
    /// of the file gives.
    ///
    /// # Errors
    /// The path does not lead to a file, or the store cannot be read: the file does not count.
    pub fn standing(&self, path: &Path, content: &[u8]) -> Result<ProjectStanding, TrustError> {
        let path = canonical(path)?;
        let store: Store = self.document.load()?;
        Ok(match store.projects.into_iter().find(|project| project.path == path) {
            None => ProjectStanding::Unknown,
            Some(project) if project.digest != digest(content) => ProjectStanding::Changed(project),
            Some(project) if project.trusted => ProjectStanding::Trusted(project),
            Some(project) => ProjectStanding::Refused(project),
        })
    }

    /// Keeps what a person said about a file with this content; it replaces what was said before. When this returns, it
    /// is durable.
    ///
    /// # Errors
    /// The path does not lead to a file, or the store cannot be written.
    pub fn decide(&self, path: &Path, content: &[u8], trusted: bool) -> Result<(), TrustError> {
        let project = Project { path: canonical(path)?, digest: digest(content), trusted, since: Timestamp::now() };
        self.document.update(|store: &mut Store| {
            store.projects.retain(|old| old.path != project.path);
            // The list is in the order of the decisions.
            let surplus = (store.projects.len() + 1).saturating_sub(MAX_PROJECTS);
            store.projects.drain(..surplus);
            store.projects.push(project);
            Ok(((), true))
        })
    }

    /// Forgets what was said about a file, which may be gone already. Gives whether there was anything.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn forget(&self, path: &Path) -> Result<bool, TrustError> {
        let real = canonical(path).ok();
        let written = path.to_str();
        self.document.update(|store: &mut Store| {
            let before = store.projects.len();
            store
                .projects
                .retain(|old| Some(old.path.as_str()) != real.as_deref() && Some(old.path.as_str()) != written);
            let changed = store.projects.len() != before;
            Ok((changed, changed))
        })
    }

    /// Every decision, the latest last.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn list(&self) -> Result<Vec<Project>, TrustError> {
        Ok(self.document.load::<Store>()?.projects)
    }

    /// Damaged files that were put aside and not yet removed.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn damaged(&self) -> Result<Vec<PathBuf>, TrustError> {
        Ok(self.document.damaged()?)
    }
}

/// The one name that a file has, whatever links lead to it.
fn canonical(path: &Path) -> Result<String, TrustError> {
    let real = path.canonicalize().map_err(|source| TrustError::Missing { path: path.to_owned(), source })?;
    real.into_os_string().into_string().map_err(|real| TrustError::NotUnicode(real.into()))
}

fn digest(content: &[u8]) -> Digest {
    Digest(Sha256::digest(content).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Place {
        _home: tempfile::TempDir,
        trust: Trust,
        file: PathBuf,
    }

    fn place() -> Place {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("vox.toml");
        std::fs::write(&file, "a").unwrap();
        Place { trust: Trust::new(&home.path().join("state")), file, _home: home }
    }

    #[test]
    fn nothing_is_trusted_until_somebody_says_so() {
        let Place { trust, file, _home } = place();
        assert_eq!(trust.standing(&file, b"a").unwrap(), ProjectStanding::Unknown);
        trust.decide(&file, b"a", true).unwrap();
        assert!(matches!(trust.standing(&file, b"a").unwrap(), ProjectStanding::Trusted(_)));
        trust.decide(&file, b"a", false).unwrap();
        assert!(matches!(trust.standing(&file, b"a").unwrap(), ProjectStanding::Refused(_)));
        assert_eq!(trust.list().unwrap().len(), 1);
        assert!(trust.forget(&file).unwrap());
        assert!(!trust.forget(&file).unwrap());
        assert_eq!(trust.standing(&file, b"a").unwrap(), ProjectStanding::Unknown);
    }

    #[test]
    fn a_changed_file_asks_again_whatever_was_said() {
        for trusted in [true, false] {
            let Place { trust, file, _home } = place();
            trust.decide(&file, b"a", trusted).unwrap();
            let ProjectStanding::Changed(old) = trust.standing(&file, b"a ").unwrap() else { panic!() };
            assert_eq!((old.trusted, old.digest), (trusted, digest(b"a")));
        }
    }

    #[test]
    fn a_file_is_known_by_its_real_path_and_a_copy_is_another() {
        let Place { trust, file, _home } = place();
        trust.decide(&file, b"a", true).unwrap();
        let link = file.with_file_name("link.toml");
        symlink(&file, &link).unwrap();
        assert!(matches!(trust.standing(&link, b"a").unwrap(), ProjectStanding::Trusted(_)));
        let copy = file.with_file_name("copy.toml");
        std::fs::write(&copy, "a").unwrap();
        assert_eq!(trust.standing(&copy, b"a").unwrap(), ProjectStanding::Unknown);
        assert!(matches!(trust.standing(Path::new("/nowhere/vox.toml"), b"a"), Err(TrustError::Missing { .. })));
    }

    #[test]
    fn what_is_gone_can_be_forgotten() {
        let Place { trust, file, _home } = place();
        trust.decide(&file, b"a", true).unwrap();
        let real = file.canonicalize().unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(trust.forget(&real).unwrap());
    }

    #[test]
    fn beyond_the_limit_the_oldest_decision_is_forgotten() {
        let Place { trust, file, _home } = place();
        let fill = |store: &mut Store| {
            let project = |n| Project {
                path: format!("/p{n}"),
                digest: digest(b"a"),
                trusted: true,
                since: Timestamp::UNIX_EPOCH,
            };
            store.projects = (0..MAX_PROJECTS).map(project).collect();
            Ok::<_, TrustError>(((), true))
        };
        trust.document.update(fill).unwrap();
        trust.decide(&file, b"a", true).unwrap();
        let list = trust.list().unwrap();
        assert_eq!((list.len(), list[0].path.as_str()), (MAX_PROJECTS, "/p1"));
        assert!(matches!(trust.standing(&file, b"a").unwrap(), ProjectStanding::Trusted(_)));
    }
}
