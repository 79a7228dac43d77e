//! What holds the init and everything that it starts: capabilities, Landlock, seccomp, and the limits of a command.

use super::{Failed, filter, root};
use crate::limits::{ADDRESS_SPACE, FILE_SIZE, OPEN_FILES, PROCESSES, STACK};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use root::{Place, Right};
use rustix::process::Resource;
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_capabilities_secure_bits,
};

/// No capability in any set, and no way to one: not even for user 0, and not by executing anything.
pub(super) fn drop_capabilities() -> rustix::io::Result<()> {
    use rustix::io::Errno;
    for number in 0..64 {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            // This kernel knows no capability of this number.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
    }
    set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
            | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
    )?;
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}

/// No new privileges, Landlock, and the filter of system calls, in this order: the filter forbids the other two.
pub(super) fn restrict(places: Vec<Place>) -> Result<(), Failed> {
    rustix::thread::set_no_new_privs(true).map_err(|error| Failed::step("forbidding new privileges", error))?;
    landlock(places).map_err(|error| Failed {
        what: format!("Landlock does not hold here: {error}"),
        fix: "run Linux 6.2 or newer, with `landlock` in the list that `cat /sys/kernel/security/lsm` prints"
            .to_owned(),
    })?;
    filter::install().map_err(|error| Failed::step("filtering system calls", error))
}

/// The oldest Landlock with a right for truncating, without which a file could be emptied that may not be written.
const NEEDED: ABI = ABI::V3;

fn landlock(places: Vec<Place>) -> Result<(), String> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))
        .map_err(|error| say(&error))?
        // What newer kernels can hold besides: devices, ports, signals and abstract sockets.
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(ABI::V4)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(ABI::V6)))
        .and_then(|ruleset| ruleset.create())
        .map_err(|error| say(&error))?;
    for Place { at, right } in places {
        ruleset = ruleset.add_rule(PathBeneath::new(at, access(right))).map_err(|error| say(&error))?;
    }
    match ruleset.restrict_self().map_err(|error| say(&error))?.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => Err("the kernel does not enforce it".to_owned()),
    }
}

fn access(right: Right) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    match right {
        Right::List => AccessFs::ReadDir.into(),
        Right::Read => read,
        Right::Execute => read | AccessFs::Execute,
        Right::ExecuteFile => AccessFs::ReadFile | AccessFs::Execute,
        Right::Device => AccessFs::ReadFile | AccessFs::WriteFile,
        // Nobody makes devices: what could be made could be read.
        Right::All => AccessFs::from_all(NEEDED) & !(AccessFs::MakeChar | AccessFs::MakeBlock),
    }
}

/// The resource limits of a command: soft and hard. They hold for each process that comes from it.
pub(super) fn limits(memory: u64, cpu_seconds: u64) -> Vec<(Resource, u64, u64)> {
    let both = |resource, limit| (resource, limit, limit);
    let space = memory.saturating_add(ADDRESS_SPACE);
    vec![
        both(Resource::Data, memory),
        both(Resource::As, space),
        both(Resource::Stack, STACK),
        both(Resource::Nproc, u64::from(PROCESSES)),
        both(Resource::Nofile, u64::from(OPEN_FILES)),
        both(Resource::Fsize, FILE_SIZE),
        both(Resource::Core, 0),
        both(Resource::Memlock, 64 << 10),
        both(Resource::Msgqueue, 64 << 10),
        both(Resource::Rtprio, 0),
        both(Resource::Nice, 0),
        // The soft limit sends SIGXCPU, by which the other side knows the reason; the hard one kills what ignores that.
        (Resource::Cpu, cpu_seconds, cpu_seconds + 1),
    ]
}
