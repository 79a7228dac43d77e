//! Every rule of the decision by itself: what it lets through, what it refuses, and in which words. Nothing is
//! compiled and nothing runs: a skill is inspected, and decided about.

use super::*;
use crate::host::Host;
use std::sync::atomic::{AtomicUsize, Ordering};
use vox_capabilities::Services;
use vox_capabilities::files::{Access, FolderGrant};
use vox_model::programs::{Device, ProgramError, ProgramSession, SessionSetup};
use vox_model::{Capability, SkillRef};

/// What runs programs, as far as a decision asks for it. Counts how often it is asked.
#[derive(Debug)]
struct Engine(Result<Offered, Lack>, AtomicUsize);

impl Programs for Engine {
    fn offer(&self) -> Result<Offered, Lack> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.clone()
    }

    fn start(&self, _: &SessionSetup) -> Result<Box<dyn ProgramSession>, ProgramError> {
        Err(ProgramError::Unavailable("nothing runs in these tests".to_owned()))
    }

    fn devices(&self) -> Result<Vec<Device>, ProgramError> {
        Ok(Vec::new())
    }
}

fn engine(weaker: Option<&str>) -> Arc<Engine> {
    let offered = Offered { by: "Engine 1".to_owned(), weaker: weaker.map(str::to_owned) };
    Arc::new(Engine(Ok(offered), AtomicUsize::new(0)))
}

fn lacking() -> Arc<Engine> {
    let lack = Lack { what: "there is no engine".to_owned(), fix: "apt-get install engine".to_owned() };
    Arc::new(Engine(Err(lack), AtomicUsize::new(0)))
}

/// A skill with these imports, each with one function, and this manifest.
fn skill(imports: &[&str], manifest: &str, programs: Option<Arc<Engine>>) -> Arc<Skill> {
    skill_of(imports, manifest, programs, None)
}

/// The same, where something else runs programs of trusted skills.
fn skill_of(
    imports: &[&str],
    manifest: &str,
    programs: Option<Arc<Engine>>,
    trusted: Option<Arc<Engine>>,
) -> Arc<Skill> {
    let instance = |name: &&str| format!("(import \"{name}\" (instance (export \"f\" (func))))");
    let text = format!("(component {})", imports.iter().map(instance).collect::<String>());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("skill.wasm"), wat::parse_str(text).unwrap()).unwrap();
    std::fs::write(folder.path().join("skill.toml"), manifest).unwrap();
    let mut services = Services::default();
    if let Some(programs) = programs {
        services = services.with_programs(programs);
    }
    if let Some(trusted) = trusted {
        services = services.with_trusted(trusted);
    }
    let host = Host::builder().sandboxes(1).services(services).build().unwrap();
    host.inspect(&SkillRef::File(folder.path().to_owned())).unwrap()
}

fn requiring(word: &str) -> Arc<Skill> {
    skill(&[], &format!("[runtime]\nrequired = [\"{word}\"]"), Some(engine(None)))
}

fn ask(skill: &Arc<Skill>, granted: &Granted) -> Result<Admitted, Refused> {
    decide(skill, granted.clone(), Limits::default())
}

fn refused(skill: &Arc<Skill>, granted: &Granted) -> Vec<Denial> {
    match ask(skill, granted) {
        Ok(admitted) => panic!("it was admitted: {:?}", admitted.plan()),
        Err(refused) => refused.denials,
    }
}

fn folder(access: Access) -> Granted {
    let mut granted = Granted::default();
    granted.files.folders.push(FolderGrant { host: "/srv/docs".into(), guest: "docs".to_owned(), access });
    granted
}

/// Each capability that has to be granted: its flag, and a grant of it alone.
fn grants() -> Vec<(Capability, &'static str, Granted)> {
    let one = |make: &dyn Fn(&mut Granted)| {
        let mut granted = Granted::default();
        make(&mut granted);
        granted
    };
    vec![
        (Capability::FilesystemRo, "--allow-read DIR", folder(Access::Read)),
        (Capability::FilesystemRw, "--allow-write DIR", folder(Access::Write)),
        (Capability::HttpOut, "--allow-http URL", one(&|it| it.http.allow.push("https://a.example".parse().unwrap()))),
        (Capability::Kv, "--allow-kv", one(&|it| it.kv = "1MiB".parse().unwrap())),
        (Capability::Config, "--config NAME=VALUE", one(&|it| it.config = "a=1".parse().unwrap())),
        (Capability::Clock, "--allow-clock", one(&|it| it.clock = "".parse().unwrap())),
        (Capability::Subprocess, "--allow-subprocess", one(&|it| it.subprocess = "".parse().unwrap())),
        (Capability::Gpu, "--allow-gpu", one(&|it| it.gpu = "".parse().unwrap())),
    ]
}

/// Every capability under every grant of one thing. Who may write may read; nothing else gives anything besides.
#[test]
fn a_need_is_met_by_its_own_grant_and_by_no_other() {
    let nothing = [(Capability::Log, "", Granted::default())];
    for (needed, flag, _) in grants() {
        let skill = requiring(needed.word());
        for (given, _, granted) in grants().iter().chain(&nothing) {
            let writes = needed == Capability::FilesystemRo && *given == Capability::FilesystemRw;
            if *given == needed || writes {
                let admitted = ask(&skill, granted).unwrap_or_else(|no| panic!("{needed} under {given}: {no}"));
                assert_eq!(**admitted.granted(), *granted);
                continue;
            }
            // A section that asks for a default is missing its flag already; the others have only the word.
            let denials = refused(&skill, granted);
            assert_eq!(denials.len(), 1, "{needed} under {given}: {denials:?}");
            assert_eq!(denials[0].capability, Some(needed));
            assert_eq!((denials[0].asked.as_str(), denials[0].missing), ("skill.toml", false));
            assert_eq!(denials[0].flags, [flag], "{needed} under {given}");
            assert!(denials[0].rule.starts_with(&format!("it needs `{needed}`, ")), "{denials:?}");
        }
    }
}

#[test]
fn log_lines_and_randomness_need_no_grant() {
    for word in ["log", "random"] {
        assert!(ask(&requiring(word), &Granted::default()).is_ok(), "{word}");
    }
}

/// What a manifest names has to be granted whole; something under the capability is not enough.
#[test]
fn a_part_of_what_is_asked_for_is_not_enough() {
    let manifest = "[runtime]\nrequired = [\"filesystem-ro\"]\n[files]\nread = [\"docs\", \"more\"]";
    let skill = skill(&[], manifest, None);
    let denials = refused(&skill, &folder(Access::Read));
    assert_eq!(denials.len(), 1);
    assert_eq!(denials[0].flags, ["--allow-read more"]);
    assert_eq!(denials[0].rule, "it needs `filesystem-ro`, of which not all is granted");
    let mut both = folder(Access::Read);
    both.files.folders.push(FolderGrant { host: "/srv/more".into(), guest: "more".to_owned(), access: Access::Read });
    assert!(ask(&skill, &both).is_ok());
}

/// Every reason at once: an import that nothing serves, one that the manifest forbids, one that is not granted.
#[test]
fn all_reasons_are_told() {
    let store = "wasi:keyvalue/store@0.2.0-draft";
    let skill =
        skill(&["acme:weird/thing@1.0.0", "wasi:keyvalue/store@0.9.0", store], "[runtime]\nforbidden = [\"kv\"]", None);
    let no = ask(&skill, &Granted::default()).unwrap_err();
    let told: Vec<_> = no.denials.iter().map(|it| (it.capability, it.asked.as_str(), it.rule.as_str())).collect();
    let forbidden = "its skill.toml forbids `kv`, and the component imports it";
    assert_eq!(
        told,
        [
            (None, "acme:weird/thing@1.0.0", "nothing serves this import"),
            (None, "wasi:keyvalue/store@0.9.0", "this version of the interface is not served, 0.2 is"),
            (Some(Capability::Kv), store, forbidden),
            (Some(Capability::Kv), store, "it needs `kv`, of which not all is granted"),
        ]
    );
    assert!(no.denials.iter().take(3).all(|it| it.flags.is_empty() && !it.help.is_empty()), "{no:?}");
    assert_eq!(no.denials[1].help, "build the skill against version 0.2 of wasi:keyvalue");
    assert_eq!(no.name, skill.artifact().name);
    assert!(no.to_string().contains(&format!("{store}: {forbidden}; {store}: it needs")), "{no}");
}

/// What is forbidden stays refused under any grant, and so does what nothing serves.
#[test]
fn no_grant_lifts_what_is_forbidden_or_unknown() {
    let mut all = Granted::default();
    for (.., granted) in grants() {
        vox_model::GrantSet::merge(&mut all, &granted);
    }
    let forbids = skill(&["wasi:keyvalue/store@0.2.0-draft"], "[runtime]\nforbidden = [\"kv\"]", None);
    assert_eq!(refused(&forbids, &all).len(), 1);
    assert_eq!(refused(&skill(&["acme:weird/thing@1.0.0"], "", None), &all).len(), 1);
}

/// Programs: offered and granted they run; what is lacking is said with what mends it, and no grant mends it.
#[test]
fn programs_have_to_be_offered_and_granted() {
    let import = "vox:skill/processes@0.1.0";
    let granted = Granted { subprocess: "".parse().unwrap(), ..Granted::default() };
    for (programs, what, fix) in [
        (Some(lacking()), "there is no engine", "apt-get install engine"),
        (None, "this host runs no programs", "use a host that does"),
    ] {
        let skill = skill(&[import], "", programs);
        for granted in [&Granted::default(), &granted] {
            let denials = refused(&skill, granted);
            assert_eq!(denials.len(), 1, "{denials:?}");
            assert_eq!(denials[0].rule, format!("it needs `subprocess`, and {what}"));
            assert_eq!((denials[0].help.as_str(), denials[0].missing), (fix, true));
            assert_eq!(denials[0].flags, [""; 0]);
        }
    }
    let offered = engine(None);
    let skill = skill(&[import, "wasi:keyvalue/store@0.2.0-draft"], "", Some(offered.clone()));
    assert_eq!(refused(&skill, &granted).len(), 1, "the store alone");
    assert_eq!(offered.1.load(Ordering::SeqCst), 1, "asked once for a decision");
    assert_eq!(refused(&skill, &Granted::default()).len(), 2);
}

/// Trust takes the process tier and nothing else; what that tier does not have is said with what mends it.
#[test]
fn programs_of_a_trusted_skill_run_in_the_process_tier_alone() {
    let import = "vox:skill/processes@0.1.0";
    let mut trust = Granted { subprocess: "".parse().unwrap(), gpu: "".parse().unwrap(), ..Granted::default() };
    trust.subprocess.trust = true;
    let (container, process) = (engine(None), engine(Some("weaker than a container")));
    let admitted = ask(&skill_of(&[import], "", Some(container.clone()), Some(process.clone())), &trust).unwrap();
    assert_eq!(admitted.plan().outside.iter().map(|outside| outside.tier).collect::<Vec<_>>(), [Tier::Process]);
    assert_eq!((container.1.load(Ordering::SeqCst), process.1.load(Ordering::SeqCst)), (0, 1));

    let image = format!("image = \"sha256:{}\"", "0".repeat(64));
    let serve = format!("[serve.\"acme:weird/thing@1.0.0\"]\ncommand = [\"python3\"]\n{image}");
    let asks = format!("[runtime]\nrequired = [\"subprocess\"]\n[subprocess]\nprograms = [\"python3\"]\n{serve}");
    let back = "take the trust back, or run without `--trust`";
    for (imports, manifest, trusted, what, fix) in [
        (&[import, "vox:skill/accelerators@0.1.0"][..], "", true, "the process tier attaches no accelerators", back),
        (&["acme:weird/thing@1.0.0"], &asks, true, "the process tier has no images", back),
        (&[import], "", false, "this host has no process tier", "run without `--trust`, in a container"),
    ] {
        let skill = skill_of(imports, manifest, Some(engine(None)), trusted.then(|| engine(None)));
        let denials = refused(&skill, &trust);
        assert!(!denials.is_empty());
        for denial in denials {
            assert!(denial.rule.ends_with(&format!(", and {what}")), "{denial:?}");
            assert_eq!((denial.help.as_str(), denial.missing), (fix, true));
        }
    }
}

/// A lack of programs is nothing to a skill that starts none: it is not even asked for.
#[test]
fn what_starts_no_programs_does_not_ask_for_them() {
    let programs = lacking();
    let skill = skill(&["wasi:keyvalue/store@0.2.0-draft"], "", Some(programs.clone()));
    let granted = Granted { kv: "1MiB".parse().unwrap(), ..Granted::default() };
    let admitted = ask(&skill, &granted).unwrap();
    assert_eq!(admitted.plan().outside, []);
    assert_eq!(programs.1.load(Ordering::SeqCst), 0);
}

#[test]
fn a_plan_says_what_serves_programs_and_how_it_was_judged() {
    let granted = Granted { subprocess: "".parse().unwrap(), kv: "1MiB".parse().unwrap(), ..Granted::default() };
    let imports = ["vox:skill/processes@0.1.0", "wasi:keyvalue/store@0.2.0-draft"];
    for (weaker, how) in [
        (None, "Engine 1, whose limits were measured"),
        (Some("no memory limit"), "Engine 1, under the weaker profile that was asked for"),
    ] {
        let admitted = ask(&skill(&imports, "", Some(engine(weaker))), &granted).unwrap();
        let expected = Outside { import: imports[0].to_owned(), tier: Tier::Container, by: how.to_owned() };
        assert_eq!(admitted.plan().outside, [expected]);
        assert_eq!(
            admitted.plan().reason,
            "the component runs in its sandbox, and programs that it starts in a container"
        );
    }
}

/// What a plan holds is what was asked for, and the reason fits.
#[test]
fn a_plan_says_why_the_sandbox_serves_all() {
    let one = ["wasi:cli/stdout@0.2.0"];
    let three = ["wasi:cli/stdout@0.2.0", "wasi:random/random@0.2.0", "wasi:sockets/tcp@0.2.0"];
    for (imports, reason) in [
        (&[][..], "it imports nothing, so the component sandbox serves all of it"),
        (&one, "its 1 import of base WASI reach nothing, so the component sandbox serves all of it"),
        (&three, "its 3 imports of base WASI reach nothing but randomness, so the component sandbox serves all of it"),
    ] {
        let skill = skill(imports, "", None);
        let admitted = ask(&skill, &Granted::default()).unwrap();
        let plan = admitted.plan();
        assert_eq!((plan.reason.as_str(), plan.tier), (reason, Tier::Wasm));
        assert_eq!(plan.requirements.inert.len() + plan.requirements.blocked.len(), imports.len());
        assert!(plan.requirements.needs.is_empty() && plan.outside.is_empty() && Arc::ptr_eq(admitted.skill(), &skill));
    }
    let granted = Granted { kv: "1MiB".parse().unwrap(), ..Granted::default() };
    let limits = Limits { memory: 7 << 20, ..Limits::default() };
    let skill = skill(&["wasi:keyvalue/store@0.2.0-draft"], "", None);
    let admitted = decide(&skill, granted.clone(), limits).unwrap();
    assert_eq!(admitted.plan().reason, "everything it needs is served inside the component sandbox");
    assert_eq!((admitted.plan().requirements.needs.len(), admitted.plan().limits), (1, limits));
}

#[test]
fn tiers_are_offered_as_they_were_found() {
    let of = |programs: Option<&dyn Programs>| -> Vec<(Tier, Result<String, String>)> {
        offers(programs, None).into_iter().map(|offer| (offer.tier, offer.offered)).collect()
    };
    let container = |found: Vec<(Tier, Result<String, String>)>| {
        assert!(found.iter().any(|(tier, offered)| *tier == Tier::Wasm && offered.is_ok()), "{found:?}");
        found.into_iter().find(|(tier, _)| *tier == Tier::Container).map(|(_, offered)| offered)
    };
    assert_eq!(container(of(Some(&*engine(None)))), Some(Ok("Engine 1".to_owned())));
    let lacks = "there is no engine; apt-get install engine".to_owned();
    assert_eq!(container(of(Some(&*lacking()))), Some(Err(lacks)));
    assert!(matches!(container(of(None)), Some(Err(why)) if why.contains("nothing that runs programs")));
    let trusted = offers(None, Some(&*engine(None))).into_iter().find(|offer| offer.tier == Tier::Process);
    assert_eq!(
        trusted.map(|offer| offer.offered),
        Some(Ok("Engine 1".to_owned())),
        "each tier has what serves it, and no other's"
    );
}
