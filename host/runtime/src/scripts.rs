//! A skill that is a folder of scripts: its content at one moment, and what its manifest says of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use vox_capabilities::manifest::{self, Manifest};
use vox_model::{Artifact, Capability, CoreShape, Digest, Facts, Need, Requirements};
use vox_scripts::{Front, Script, Tree, TreeError};

/// A folder whose scripts cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The folder is none that a skill can be.
    #[error(transparent)]
    Folder(#[from] TreeError),
    /// A script of the manifest is not there.
    #[error("{} lists `{script}`, and there is no such file", path.display())]
    Missing {
        /// The manifest.
        path: PathBuf,
        /// The script.
        script: String,
    },
    /// The skill has no such script.
    #[error("`{skill}` has no script `{script}`")]
    Unknown {
        /// The skill.
        skill: String,
        /// What was asked for.
        script: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A manifest made from the folder is not understood, which is a fault of ours.
    #[error("the skill.toml that was made for {} is not understood: {why}", path.display())]
    Made {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// The scripts of a skill.
#[derive(Clone, Debug)]
pub struct Scripts {
    tree: Tree,
    listed: Vec<Listed>,
    made: bool,
}

/// One script: what the manifest says of it, and what was read.
#[derive(Clone, Debug)]
pub struct Listed {
    /// From the manifest.
    pub asked: manifest::Script,
    /// From the file.
    pub facts: Script,
}

impl Scripts {
    /// Reads a folder. Where it has no manifest, one is made from what its `SKILL.md` and its scripts say, as
    /// `vox import` would write it.
    ///
    /// # Errors
    /// See [`ScriptError`].
    pub(crate) fn read(path: &Path, manifest: Option<Arc<Manifest>>) -> Result<(Self, Arc<Manifest>), ScriptError> {
        let tree = Tree::read(path)?;
        let made = manifest.is_none();
        let manifest = match manifest {
            Some(manifest) => manifest,
            None => Arc::new(imagined(path, &tree)?),
        };
        let mut listed = Vec::new();
        for asked in &manifest.scripts {
            let facts = vox_scripts::script(&tree, &asked.path, asked.interpreter.as_deref());
            let missing = || ScriptError::Missing { path: path.join(manifest::NAME), script: asked.path.clone() };
            listed.push(Listed { asked: asked.clone(), facts: facts.ok_or_else(missing)? });
        }
        Ok((Self { tree, listed, made }, manifest))
    }

    /// The scripts, as the manifest lists them.
    pub fn listed(&self) -> &[Listed] {
        &self.listed
    }

    /// Whether the folder has no manifest, and one was made for it.
    pub fn made(&self) -> bool {
        self.made
    }

    /// What identifies everything in the folder.
    pub fn digest(&self) -> Digest {
        self.tree.digest()
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The folder as an artifact: it has an identity, and no component.
    pub(crate) fn artifact(&self, name: String) -> Artifact {
        Artifact::lazy(name, self.digest(), || Err("it is a folder of scripts, without a component".to_owned()))
    }

    /// What is known of a folder without a component.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            size: self.tree.size(),
            imports: Vec::new(),
            imported: Vec::new(),
            exports: Vec::new(),
            functions: Vec::new(),
            producers: Vec::new(),
            core: CoreShape::default(),
            contract: false,
        }
    }

    /// A script by its path, or by its path below `scripts/`.
    ///
    /// # Errors
    /// [`ScriptError::Unknown`], with all that there are.
    pub(crate) fn find(&self, skill: &str, name: &str) -> Result<usize, ScriptError> {
        let plain = name.strip_prefix("./").unwrap_or(name);
        let below = format!("{}/{plain}", vox_scripts::FOLDER);
        let at = |path: &str| self.listed.iter().position(|one| one.asked.path == path);
        at(plain).or_else(|| at(&below)).ok_or_else(|| ScriptError::Unknown {
            skill: skill.to_owned(),
            script: name.to_owned(),
            known: self.listed.iter().map(|one| one.asked.path.clone()).collect(),
        })
    }

    /// The component of a script that is one.
    pub(crate) fn component(&self, at: usize) -> Option<Arc<[u8]>> {
        let one = self.listed.get(at).filter(|one| one.asked.interpreter.is_none())?;
        self.tree.file(&one.asked.path).map(|file| file.bytes.as_slice().into())
    }
}

/// A manifest for a folder without one.
fn imagined(path: &Path, tree: &Tree) -> Result<Manifest, ScriptError> {
    let name =
        path.canonicalize().ok().and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()));
    let (front, _) = Front::read(tree, name.as_deref().unwrap_or_default());
    let text = vox_scripts::manifest(&front, &vox_scripts::scripts(tree));
    manifest::parse(&text).map_err(|error| ScriptError::Made { path: path.to_owned(), why: error.message })
}

/// What a script asks for, or all of a skill: words of a manifest.
pub(crate) fn requirements(words: impl IntoIterator<Item = Capability>, because: &str) -> Requirements {
    let need = |capability| Need { capability, because: because.to_owned() };
    Requirements { needs: words.into_iter().map(need).collect(), ..Requirements::default() }
}
