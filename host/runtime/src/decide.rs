//! Whether a skill may run, where, and with what. The one place that says yes.

use crate::skill::Skill;
use std::collections::BTreeSet;
use std::sync::Arc;
use vox_capabilities::{Granted, Requests, by_programs, flag, free};
use vox_model::programs::{Lack, Offered, Programs};
use vox_model::{Capability, Denial, GrantSet as _, Limits, Need, Outside, Plan, Tier, TierOffer};

/// A decision in favour. Later stages take nothing else, and nothing else makes one than [`decide`].
#[derive(Clone, Debug)]
pub struct Admitted {
    skill: Arc<Skill>,
    plan: Plan,
    granted: Arc<Granted>,
}

impl Admitted {
    /// The skill that was admitted.
    pub fn skill(&self) -> &Arc<Skill> {
        &self.skill
    }

    /// Where it runs and with what.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it was granted.
    pub fn granted(&self) -> &Arc<Granted> {
        &self.granted
    }
}

/// A decision against: every reason, not only the first.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{name}` may not run: {}", denials.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Refused {
    /// The skill.
    pub name: String,
    /// The reasons, at least one.
    pub denials: Vec<Denial>,
}

/// The tiers, and which of them are offered on this machine. What runs programs is measured for it: in containers, and for
/// trusted skills in processes.
pub fn offers(programs: Option<&dyn Programs>, trusted: Option<&dyn Programs>) -> Vec<TierOffer> {
    let offer = |tier, programs: Option<&dyn Programs>| {
        let no = || Err("this host was given nothing that runs programs".to_owned());
        TierOffer { tier, offered: programs.map_or_else(no, Programs::told) }
    };
    let wasm = TierOffer { tier: Tier::Wasm, offered: Ok("wasmtime, a sandbox for each call".to_owned()) };
    vec![wasm, offer(Tier::Container, programs), offer(Tier::Process, trusted)]
}

/// What is said of programs, asked for once in a decision and only where something needs them.
fn offer(skill: &Skill, granted: &Granted) -> Option<Result<Offered, Lack>> {
    let needs = |wanted: fn(Capability) -> bool| skill.requirements().needs.iter().any(|need| wanted(need.capability));
    let lack = |what: &str, fix: &str| Lack { what: what.to_owned(), fix: fix.to_owned() };
    let (trusted, gpu) = (granted.subprocess.trust, needs(|capability| capability == Capability::Gpu));
    let image = skill.manifest().and_then(|manifest| manifest.served.image.as_deref());
    // One or the other, and never one for want of the other.
    let programs = if trusted { skill.trusted() } else { skill.programs() };
    needs(by_programs).then(|| match programs {
        _ if trusted && gpu => {
            Err(lack("the process tier attaches no accelerators", "take the trust back, or run without `--trust`"))
        }
        Some(_) if trusted && image.is_some() => {
            Err(lack("the process tier has no images", "take the trust back, or run without `--trust`"))
        }
        Some(programs) => {
            let offered = programs.offer()?;
            image.map_or(Ok(()), |name| programs.image(name))?;
            Ok(offered)
        }
        None if trusted => Err(lack("this host has no process tier", "run without `--trust`, in a container")),
        None => Err(lack("this host runs no programs", "use a host that does")),
    })
}

/// Decides about a skill: every import must be inert, composed in, or a need that is both served and granted.
///
/// # Errors
/// All denials, each with what a person can do.
pub fn decide(skill: &Arc<Skill>, granted: impl Into<Arc<Granted>>, limits: Limits) -> Result<Admitted, Refused> {
    let granted = granted.into();
    let requirements = skill.requirements();
    let contract = skill.facts().contract;
    let unknown = requirements.unknown.iter().map(|import| if contract { unanswered(import) } else { unknown(import) });
    let forbidden = requirements.forbidden.iter().map(forbidden);
    let requests = skill.requests();
    let offer = offer(skill, &granted);
    let lack = offer.as_ref().and_then(|offer| offer.as_ref().err());
    let held = granted.capabilities();
    let needs = requirements.needs.iter().filter_map(|need| denied(need, (&granted, &held), requests, lack));
    let unservable = requirements.unservable.iter().map(|(import, reason)| unservable(import, reason));
    let denials: Vec<Denial> = unknown.chain(unservable).chain(forbidden).chain(needs).collect();
    if !denials.is_empty() {
        return Err(Refused { name: skill.artifact().name.clone(), denials });
    }
    let plan = Plan {
        tier: tier(skill, &granted),
        reason: reason(skill, &granted),
        outside: outside(skill, &granted, offer.and_then(Result::ok)),
        requirements: requirements.clone(),
        limits,
    };
    Ok(Admitted { skill: skill.clone(), plan, granted })
}

/// The imports that are served by programs, and by what.
fn outside(skill: &Skill, granted: &Granted, offered: Option<Offered>) -> Vec<Outside> {
    let Some(Offered { by, weaker }) = offered else { return Vec::new() };
    let (tier, how) = match (granted.subprocess.trust, weaker) {
        (true, _) => (Tier::Process, "because a person trusts this skill, with limits that were measured"),
        (false, Some(_)) => (Tier::Container, "under the weaker profile that was asked for"),
        (false, None) => (Tier::Container, "whose limits were measured"),
    };
    let by = format!("{by}, {how}");
    let needs = skill.requirements().needs.iter().filter(|need| by_programs(need.capability));
    let commands = skill.manifest().map(|manifest| &manifest.served.commands);
    let by = |import: &str| match commands.and_then(|commands| commands.get(import)) {
        Some(command) => format!("{by}, by `{command}`"),
        None => by.clone(),
    };
    needs.map(|need| Outside { import: need.because.clone(), tier, by: by(&need.because) }).collect()
}

/// Where what is meant runs itself: a component in its sandbox, a script or the commands of a contract where programs
/// run.
fn tier(skill: &Skill, granted: &Granted) -> Tier {
    match (skill.outside(), granted.subprocess.trust) {
        (false, _) => Tier::Wasm,
        (true, false) => Tier::Container,
        (true, true) => Tier::Process,
    }
}

fn reason(skill: &Skill, granted: &Granted) -> String {
    if skill.interpreted() {
        return match (granted.subprocess.trust, skill.script()) {
            (true, _) => "a person trusts it, so its interpreters run in a confined process".to_owned(),
            (false, Some(script)) => script.facts.reason.clone(),
            (false, None) => "its scripts are run by interpreters, and these run in a container".to_owned(),
        };
    }
    if skill.facts().contract {
        let place =
            if granted.subprocess.trust { "in a confined process, which a person trusts" } else { "in a container" };
        return format!("it is a contract without code: commands answer all of it, and these run {place}");
    }
    let r = skill.requirements();
    match (r.needs.is_empty(), r.inert.is_empty()) {
        (true, true) => "it imports nothing, so the component sandbox serves all of it".to_owned(),
        (true, false) => format!(
            "its {} of base WASI reach nothing{}, so the component sandbox serves all of it",
            counted(r.inert.len() + r.blocked.len(), "import"),
            match r.inert.iter().any(|import| import.starts_with("wasi:random/")) {
                true => " but randomness",
                false => "",
            }
        ),
        (false, _) if r.needs.iter().any(|need| by_programs(need.capability)) => {
            let place =
                if granted.subprocess.trust { "in a trusted process of this machine" } else { "in a container" };
            format!("the component runs in its sandbox, and programs that it starts {place}")
        }
        (false, _) => "everything it needs is served inside the component sandbox".to_owned(),
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn denied(
    need: &Need,
    (granted, held): (&Granted, &BTreeSet<Capability>),
    requests: Option<&Requests>,
    lack: Option<&Lack>,
) -> Option<Denial> {
    let capability = need.capability;
    let denial = |rule: String, help: String, flags: Vec<String>| {
        Some(Denial { capability: Some(capability), asked: need.because.clone(), rule, help, flags, missing: false })
    };
    if let Some(Lack { what, fix }) = lack.filter(|_| by_programs(capability)) {
        let rule = format!("it needs `{capability}`, and {what}");
        return denial(rule, fix.clone(), Vec::new()).map(|denial| Denial { missing: true, ..denial });
    }
    if free(capability) {
        return None;
    }
    let flags = requests.map(|requests| granted.missing(requests, capability)).unwrap_or_default();
    if !flags.is_empty() {
        return denial(format!("it needs `{capability}`, of which not all is granted"), String::new(), flags);
    }
    if !held.contains(&capability) {
        let flags = flag(capability).map(str::to_owned).into_iter().collect();
        return denial(format!("it needs `{capability}`, which is not granted"), String::new(), flags);
    }
    None
}

/// An import that `skill.toml` gives to a command, and that no command can serve.
fn unservable(import: &str, reason: &str) -> Denial {
    Denial {
        capability: Some(Capability::Subprocess),
        asked: import.to_owned(),
        rule: reason.to_owned(),
        help: "pass values instead: records, variants, lists, options, results".to_owned(),
        flags: Vec::new(),
        missing: false,
    }
}

/// A need that the skill itself has promised not to have.
fn forbidden(need: &Need) -> Denial {
    Denial {
        capability: Some(need.capability),
        asked: need.because.clone(),
        rule: format!("its skill.toml forbids `{}`, and the component imports it", need.capability),
        help: "take the word out of `forbidden`, or build the component without the import".to_owned(),
        flags: Vec::new(),
        missing: false,
    }
}

/// An interface of a contract that `skill.toml` gives to no command.
fn unanswered(interface: &str) -> Denial {
    Denial {
        capability: None,
        asked: interface.to_owned(),
        rule: "no command serves this interface of the contract".to_owned(),
        help: format!("say in skill.toml which one does: [serve.\"{interface}\"] with `command = [\"python3\", …]`"),
        flags: Vec::new(),
        missing: false,
    }
}

/// An import that no capability and no part of the bundle answers.
fn unknown(import: &str) -> Denial {
    let parsed = import.parse::<vox_model::InterfaceId>().ok();
    let served = parsed.as_ref().and_then(vox_capabilities::table::served_version);
    let (rule, help) = match served {
        Some(version) => (
            format!("this version of the interface is not served, {version} is"),
            format!("build the skill against version {version} of {}", parsed.map_or(String::new(), |p| p.package)),
        ),
        None => (
            "nothing serves this import".to_owned(),
            "compose the skill with a component that exports it, or build it without".to_owned(),
        ),
    };
    Denial { capability: None, asked: import.to_owned(), rule, help, flags: Vec::new(), missing: false }
}

#[cfg(test)]
mod tests;
