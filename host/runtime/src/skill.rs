//! A located and inspected skill, or one script of it.

use crate::folder::SkillFolder;
use crate::host::{Host, OpenError};
use crate::locate::{LocateError, Located, locate};
use crate::scripts::{self, Listed, ScriptError, Scripts};
use std::sync::Arc;
use vox_capabilities::Requests;
use vox_capabilities::manifest::{self, Manifest};
use vox_model::programs::Programs;
use vox_model::{Artifact, Digest, Facts, Requirements, SkillRef};

/// A located and inspected skill.
#[derive(Clone, Debug)]
pub struct Skill {
    artifact: Artifact,
    manifest: Option<Arc<Manifest>>,
    pub(crate) package: Arc<str>,
    facts: Arc<Facts>,
    requirements: Arc<Requirements>,
    scripts: Option<Arc<Scripts>>,
    folder: Option<SkillFolder>,
    /// Which of the scripts is meant, and what it asks for.
    chosen: Option<(usize, Requests)>,
    /// What runs programs in the host that inspected it.
    programs: Option<Arc<dyn Programs>>,
    /// What runs them there where a person trusts the skill.
    trusted: Option<Arc<dyn Programs>>,
}

impl Skill {
    /// Its name, digest and bytes.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// What it says of itself in `skill.toml`; none for a component without one.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_deref()
    }

    /// What grants are kept under, together with the digest of the artifact.
    pub fn package(&self) -> &str {
        &self.package
    }

    /// The folder that its commands see; none where it has none.
    pub fn folder(&self) -> Option<&SkillFolder> {
        self.folder.as_ref()
    }

    /// What is known of it.
    pub fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    /// What grants and the audit know its content by: the component, or all of the folder where it has scripts.
    pub fn digest(&self) -> Digest {
        self.scripts.as_ref().map_or(self.artifact.digest, |scripts| scripts.digest())
    }

    /// Its scripts; none where it is a component alone.
    pub fn scripts(&self) -> Option<&Scripts> {
        self.scripts.as_deref()
    }

    /// The script that is meant, see [`Host::inspect_script`].
    pub fn script(&self) -> Option<&Listed> {
        let (at, _) = self.chosen.as_ref()?;
        self.scripts.as_ref()?.listed().get(*at)
    }

    /// The details of what it asks for, narrowed to the script that is meant.
    pub fn requests(&self) -> Option<&Requests> {
        let narrowed = self.chosen.as_ref().map(|(_, requests)| requests);
        narrowed.or_else(|| self.manifest.as_ref().map(|manifest| &manifest.requests))
    }

    /// What it asks for.
    pub fn requirements(&self) -> &Arc<Requirements> {
        &self.requirements
    }

    /// What runs programs in the host that inspected it; none where that host runs none.
    pub fn programs(&self) -> Option<&dyn Programs> {
        self.programs.as_deref()
    }

    /// What runs programs in that host for skills that a person trusts; none where it has nothing that does.
    pub fn trusted(&self) -> Option<&dyn Programs> {
        self.trusted.as_deref()
    }

    /// Whether what is meant is no component: a script that a program runs, or a folder of such scripts.
    pub fn interpreted(&self) -> bool {
        match (&self.scripts, self.script()) {
            (None, _) => false,
            (Some(_), Some(script)) => script.asked.interpreter.is_some(),
            (Some(scripts), None) => scripts.digest() == self.artifact.digest,
        }
    }

    /// Whether nothing of it runs in the component sandbox: it is interpreted, or a contract that commands serve.
    pub fn outside(&self) -> bool {
        self.interpreted() || self.facts.contract
    }

    /// The `vox:skill` worlds it fits.
    pub fn worlds(&self) -> Vec<String> {
        if self.outside() {
            return Vec::new();
        }
        vox_capabilities::worlds(&self.facts, &self.requirements)
    }
}

impl Host {
    /// Locates and inspects a skill. Nothing of it runs.
    ///
    /// # Errors
    /// Not found, or not a component; see [`OpenError`].
    pub fn inspect(&self, reference: &SkillRef) -> Result<Arc<Skill>, OpenError> {
        let shared = self.shared();
        let Located { artifact, manifest, package, scripts, folder } =
            locate(reference, &shared.library, shared.inspect.size)?;
        let programs = shared.services.programs().cloned();
        let trusted = shared.services.trusted().cloned();
        let (facts, requirements) = match (&scripts, &manifest) {
            (Some(scripts), Some(manifest)) if scripts.digest() == artifact.digest => {
                let words = manifest.required.iter().copied();
                (scripts.facts(), scripts::requirements(words, manifest::NAME))
            }
            _ => {
                let facts = match folder.is_some() {
                    true => shared.served_facts(&artifact)?,
                    false => shared.facts(&artifact)?,
                };
                let library = shared.library.as_deref();
                let requirements = vox_capabilities::requirements(&facts, manifest.as_deref(), library);
                (facts, requirements)
            }
        };
        let facts = Arc::new(facts);
        let chosen = None;
        Ok(Arc::new(Skill {
            artifact,
            manifest,
            package: package.into(),
            facts,
            requirements: Arc::new(requirements),
            scripts,
            folder,
            chosen,
            programs,
            trusted,
        }))
    }

    /// Locates and inspects one script of a skill folder, by its path. Nothing of it runs.
    ///
    /// # Errors
    /// As [`Host::inspect`], and where the skill has no such script.
    pub fn inspect_script(&self, reference: &SkillRef, script: &str) -> Result<Arc<Skill>, OpenError> {
        let whole = self.inspect(reference)?;
        let mut skill = Skill::clone(&whole);
        let (Some(scripts), Some(manifest)) = (whole.scripts.clone(), whole.manifest.clone()) else {
            let (skill, script) = (whole.artifact.name.clone(), script.to_owned());
            return Err(LocateError::from(ScriptError::Unknown { skill, script, known: Vec::new() }).into());
        };
        let at = scripts.find(&skill.artifact.name, script).map_err(LocateError::from)?;
        let asked = &scripts.listed()[at].asked;
        let mut requests = manifest.requests.clone();
        match scripts.component(at) {
            Some(bytes) => {
                let name = format!("{}/{}", whole.artifact.name.trim_end_matches('/'), asked.path);
                skill.artifact = Artifact::new(name, crate::locate::digest(&bytes), bytes);
                let facts = self.shared().facts(&skill.artifact)?;
                let meant = Manifest { required: asked.required.clone(), ..Manifest::clone(&manifest) };
                let library = self.shared().library.as_deref();
                skill.requirements = vox_capabilities::requirements(&facts, Some(&meant), library).into();
                skill.facts = Arc::new(facts);
            }
            None => {
                requests.subprocess.programs = asked.interpreter.iter().cloned().collect();
                skill.artifact = scripts.artifact(whole.artifact.name.clone());
                skill.facts = Arc::new(scripts.facts());
                skill.requirements = scripts::requirements(asked.required.iter().copied(), &asked.path).into();
            }
        }
        skill.chosen = Some((at, requests));
        Ok(Arc::new(skill))
    }
}
