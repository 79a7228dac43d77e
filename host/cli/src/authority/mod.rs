//! Who may do what in this process: flags, the store of grants, the project file, the person at the terminal.
//!
//! Every verb that runs a skill asks here, and gets what [`vox_runtime::decide`] said together with the lease and the
//! recorder of the call. A skill that needs nothing costs nothing: no file of the state is read for it.

mod ask;
pub mod project;

use crate::cli::LimitArgs;
use crate::error::{CliError, Kind};
use crate::grant_args::GrantArgs;
use crate::places;
use crate::ui::Ui;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use vox_capabilities::Granted;
use vox_ledger::{Answer, Asking, Audit, Bounds, CallAbout, CallRecorder, Consent, Grants, Standing, Use, Watch};
use vox_model::{Capability, Digest, GrantSet as _, Lease, Recorder, Verdict};
use vox_runtime::{Admitted, Refused, Skill, Watched, decide};

/// What is granted in this process.
pub struct Authority {
    flags: Granted,
    state: PathBuf,
    /// Whether a person may be asked: never off a terminal.
    may_ask: bool,
}

/// A decision in favour, with what watches over the call.
pub struct Permit {
    /// The decision.
    pub admitted: Admitted,
    watch: Option<Arc<Watch<Granted>>>,
    audit: Option<Audit>,
    about: (String, Digest),
}

impl Authority {
    /// What the flags of this command say. Nothing is read yet.
    pub fn new(flags: &GrantArgs, ui: &Ui) -> Result<Self, CliError> {
        Ok(Self { flags: flags.granted()?, state: places::state()?, may_ask: ui.may_ask() })
    }

    /// What a skill has now: by flags, by the store and by a trusted project file.
    pub fn granted(&self, skill: &Skill, ui: &Ui) -> Result<Granted, CliError> {
        if skill.requirements().needs.is_empty() && self.flags.is_empty() {
            return Ok(Granted::default());
        }
        let extra = self.extra(skill, ui)?;
        let answer = Grants::new(&self.state).look_up(&asking(skill)).map_err(state)?;
        Ok(answer.effective(&extra))
    }

    /// What flags and the project file give.
    fn extra(&self, skill: &Skill, ui: &Ui) -> Result<Granted, CliError> {
        let mut extra = self.flags.clone();
        if let Some(project) = project::trusted(&self.state, skill.package(), ui)? {
            extra.merge(&project);
        }
        Ok(extra)
    }

    /// Decides about a skill.
    pub fn admit(&self, skill: &Arc<Skill>, limits: LimitArgs, ui: &Ui) -> Result<Permit, CliError> {
        let limits = limits.limits(skill);
        let about = (skill.package().to_owned(), skill.digest());
        if skill.requirements().needs.is_empty() && self.flags.is_empty() {
            let admitted = decide(skill, Granted::default(), limits).map_err(|refused| denied(&refused, skill))?;
            return Ok(Permit { admitted, watch: None, audit: None, about });
        }
        let grants = Grants::new(&self.state);
        let audit = Audit::new(&self.state, Bounds::default());
        let asking = asking(skill);
        let mut extra = self.extra(skill, ui)?;
        let mut answer = grants.look_up(&asking).map_err(state)?;
        let mut decided = decide(skill, answer.effective(&extra), limits);
        if let Err(refused) = &decided
            && self.may_ask
            && let Some(once) = ask::person(refused, &answer, skill, &grants, &audit, ui)?
        {
            extra.merge(&once);
            answer = grants.look_up(&asking).map_err(state)?;
            decided = decide(skill, answer.effective(&extra), limits);
        }
        let admitted = match decided {
            Ok(admitted) => admitted,
            Err(refused) => {
                note_refusal(&audit, skill, &refused);
                return Err(denied_with(&refused, skill, &answer));
            }
        };
        if let Use::Gone(ids) = grants.note_use(&answer).map_err(state)? {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            return Err(CliError::new(Kind::Denied, format!("the grant {} was used up or taken back", ids.join(", ")))
                .help(format!("vox grants {}", skill.package())));
        }
        let watch = Arc::new(Watch::new(&grants, &answer, extra));
        Ok(Permit { admitted, watch: Some(watch), audit: Some(audit), about })
    }
}

/// A call that is watched over; told how it ended.
pub struct Watching {
    recorder: Option<Arc<CallRecorder>>,
    audit: Option<Audit>,
}

impl Permit {
    /// Starts watching a call of a function: what the runtime is given, and what is told of the end.
    pub fn watch(&self, function: &str, secrets: &vox_ledger::Secrets) -> (Option<Watched>, Watching) {
        let (Some(watch), Some(audit)) = (&self.watch, &self.audit) else {
            return (None, Watching { recorder: None, audit: None });
        };
        let names: BTreeSet<&str> =
            self.admitted.granted().http.secrets.iter().map(|binding| binding.secret()).collect();
        let values: Vec<_> = names.iter().filter_map(|name| secrets.get(name).ok()).collect();
        audit.hide(&values);
        let call = vox_runtime::call_id();
        let recorder = Arc::new(audit.call(CallAbout {
            call: call.clone(),
            skill: self.about.0.clone(),
            digest: self.about.1,
            function: function.to_owned(),
            tier: self.admitted.plan().tier,
            caller: "cli".to_owned(),
        }));
        let watched =
            Watched { call, recorder: recorder.clone() as Arc<dyn Recorder>, lease: watch.clone() as Arc<dyn Lease> };
        (Some(watched), Watching { recorder: Some(recorder), audit: Some(audit.clone()) })
    }
}

impl Watching {
    /// The call is over.
    pub fn end(&self, outcome: &vox_model::Outcome, ui: &Ui) {
        let Some(recorder) = &self.recorder else { return };
        match &outcome.result {
            Ok(_) if outcome.skill_error().is_some() => recorder.end(Verdict::Failed, "the skill returned an error"),
            Ok(_) => recorder.end(Verdict::Allowed, ""),
            Err(failure) => recorder.end(Verdict::Failed, &failure.to_string()),
        }
        if let Some(trouble) = self.audit.as_ref().and_then(Audit::trouble) {
            ui.note(&format!("warning: the audit is not complete: {trouble}"));
        }
    }
}

/// What the commands of a skill answer, in sentences beside what is granted.
pub fn served(skill: &Skill) -> Vec<String> {
    let commands = skill.manifest().map(|manifest| &manifest.served.commands);
    commands.into_iter().flatten().map(|(name, command)| format!("answer {name} by `{command}`")).collect()
}

/// What a grant is bound to: the content, and what a person was shown of it.
pub fn asking(skill: &Skill) -> Asking {
    // A grant for a folder of scripts is one for all of them, whichever is run: its manifest says what they ask for.
    let imports = skill.scripts().is_none().then(|| skill.requirements());
    let mut shown = serde_json::json!({
        "needs": imports.map(|imports| &imports.needs),
        "unknown": imports.map(|imports| &imports.unknown),
        "description": skill.manifest().and_then(|manifest| manifest.description.clone()),
        "required": skill.manifest().map(|manifest| manifest.required.clone()),
        "requests": skill.manifest().map(|manifest| format!("{:?}", manifest.requests)),
    });
    // A command in a container is content as well, and so is what stands in the folder that it sees.
    if let (Some(manifest), Some(folder), Some(shown)) = (skill.manifest(), skill.folder(), shown.as_object_mut()) {
        shown.insert("serve".to_owned(), format!("{:?}", manifest.served).into());
        shown.insert("folder".to_owned(), folder.digest.to_string().into());
    }
    Asking {
        package: skill.package().to_owned(),
        digest: skill.digest(),
        consent: Consent(vox_runtime::digest(shown.to_string().as_bytes())),
    }
}

/// State that cannot be read or written.
pub fn state(error: impl std::fmt::Display) -> CliError {
    CliError::new(Kind::Integrity, error.to_string())
}

fn note_refusal(audit: &Audit, skill: &Skill, refused: &Refused) {
    for denial in &refused.denials {
        let effect = vox_model::Effect {
            capability: denial.capability.unwrap_or(Capability::Log),
            action: "decide".to_owned(),
            target: denial.asked.clone(),
            verdict: Verdict::Denied,
            rule: denial.rule.clone(),
            received: 0,
            sent: 0,
        };
        let digest = skill.digest();
        audit.note(&vox_ledger::Record::now("", skill.package(), digest, vox_ledger::Event::Effect(effect)));
    }
}

/// A refusal as an error: what, why, and the line that would allow it.
pub fn denied(refused: &Refused, skill: &Skill) -> CliError {
    let mut error = CliError::from(refused.clone());
    // Two imports of one capability miss the same.
    let mut flags: Vec<&str> = Vec::new();
    for flag in refused.denials.iter().flat_map(|denial| &denial.flags) {
        if !flags.contains(&flag.as_str()) {
            flags.push(flag);
        }
    }
    if !flags.is_empty() {
        let flags = flags.join(" ");
        error.help = Some(format!(
            "allow it for good: vox grant {} {flags}\n      or for one run: add {flags}",
            skill.artifact().name
        ));
    }
    error
}

fn denied_with(refused: &Refused, skill: &Skill, answer: &Answer<Granted>) -> CliError {
    let mut error = denied(refused, skill);
    if let Standing::Widened { old, changed, .. } = &answer.standing {
        let what = match changed {
            vox_ledger::Changed::Digest(digest) => format!("its content changed since {}", digest.short()),
            vox_ledger::Changed::Consent => "what it asks for changed".to_owned(),
        };
        error.notes.push(format!("an earlier grant does not hold: {what}"));
        error.notes.extend(old.describe().into_iter().map(|line| format!("it had: {line}")));
    }
    error
}
