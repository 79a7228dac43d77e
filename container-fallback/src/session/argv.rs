//! The one place where a container's argument list is made. A pure function of values that were checked.

use super::folder::{Access, Checked};
use super::outlet;
use super::scratch::{self, Scratch};
use crate::engine::EngineKind;
use crate::gpu::{self, Device};
use crate::profile::{Enforcement, Profile};
use rustix::process::{getegid, geteuid};

/// The label that says which process a container belongs to.
pub(crate) const OWNER: &str = "org.vox.owner";
/// The label that says in which run of the machine that number is valid.
pub(crate) const BOOT: &str = "org.vox.boot";
/// The label that names the call.
const CALL: &str = "org.vox.call";

/// Everything that a container is made of.
pub(super) struct Start<'s> {
    pub(super) kind: EngineKind,
    pub(super) rootless: bool,
    pub(super) runtime: &'s str,
    pub(super) image: &'s str,
    pub(super) profile: &'s Profile,
    pub(super) scratch: &'s Scratch,
    pub(super) folders: &'s [Checked<'s>],
    pub(super) devices: &'s [Device],
    pub(super) call: &'s str,
    pub(super) boot: &'s str,
    /// Whether programs have to be the owner of the folders.
    pub(super) as_owner: bool,
    /// Whether programs have a way out, and a file with what they have to trust on it.
    pub(super) outlet: bool,
}

impl Start<'_> {
    /// The arguments after the program's name.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut all: Vec<String> = [
            "run",
            "--detach",
            "--rm",
            "--pull=never",
            "--network=none",
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--cgroupns=private",
            "--ipc=private",
            "--log-driver=none",
            "--no-healthcheck",
            "--stop-timeout=1",
            "--hostname=vox",
            "--workdir=/",
        ]
        .map(str::to_owned)
        .into();
        if self.kind == EngineKind::Podman {
            // Podman adds writable folders of its own, the proxies of its environment, and the image's volumes.
            all.extend(
                ["--read-only-tmpfs=false", "--http-proxy=false", "--image-volume=ignore", "--no-hosts"]
                    .map(str::to_owned),
            );
        }
        all.push(format!("--runtime={}", self.runtime));
        all.push(format!("--name={}", self.scratch.name));
        all.push(format!("--user={}", self.user()));
        self.limits(&mut all);
        all.push(format!("--label={OWNER}={}", self.scratch.owner));
        all.push(format!("--label={BOOT}={}", self.boot));
        all.push(format!("--label={CALL}={}", self.call));
        all.push(format!("--volume={}:/.vox:ro", self.scratch.at("open")));
        // Engines write the host's address and name servers into files of their own.
        for file in ["hosts", "resolv.conf"] {
            all.push(format!("--volume={}:/etc/{file}:ro", self.scratch.at(file)));
        }
        if self.outlet {
            all.push(format!("--volume={}:{}:ro", self.scratch.at(scratch::TRUST), outlet::TRUST));
        }
        for (at, checked) in self.folders.iter().enumerate() {
            self.mount(at, checked, &mut all);
        }
        all.extend(gpu::arguments(self.kind, self.devices));
        all.extend(["--entrypoint=/.vox/agent", "--", self.image, "/.vox/socket"].map(str::to_owned));
        all
    }

    /// Nobody, where no folder has to be read. Else who owns the folders: in a rootless container user 0 is the person who
    /// runs it, in others it has its own number. It has no capability in either.
    fn user(&self) -> String {
        match (self.as_owner, self.rootless) {
            (false, _) => "65534:65534".to_owned(),
            (true, true) => "0:0".to_owned(),
            (true, false) => format!("{}:{}", geteuid().as_raw(), getegid().as_raw()),
        }
    }

    fn limits(&self, all: &mut Vec<String>) {
        let Profile { memory, processes, milli_cpus, temporary, open_files, .. } = *self.profile;
        // Always given: some engines raise these limits by default and fail where they may not.
        all.push(format!("--ulimit=nofile={open_files}:{open_files}"));
        all.push("--ulimit=core=0:0".to_owned());
        match self.profile.enforcement {
            Enforcement::Cgroups => {
                all.push(format!("--memory={memory}b"));
                // The same number means no swap.
                all.push(format!("--memory-swap={memory}b"));
                all.push(format!("--pids-limit={processes}"));
                all.push(format!("--cpus={}.{:03}", milli_cpus / 1000, milli_cpus % 1000));
                // Counts the processes of a user in all containers, so it is only a second fence here.
                all.push("--ulimit=nproc=4096:4096".to_owned());
            }
            // The agent sets the address space of each command.
            Enforcement::Rlimits => all.push(format!("--ulimit=nproc={processes}:{processes}")),
        }
        for folder in ["/tmp", "/home"] {
            all.push(format!("--tmpfs={folder}:rw,exec,nosuid,nodev,size={temporary},mode=1777"));
        }
        all.push(format!("--shm-size={}b", temporary.min(16 << 20)));
    }

    fn mount(&self, at: usize, checked: &Checked<'_>, all: &mut Vec<String>) {
        let (guest, scratch) = (&checked.guest, self.scratch);
        let host = scratch.at(&format!("host{at}"));
        match (&checked.folder.access, self.kind) {
            (Access::Read, _) => all.push(format!("--volume={host}:{guest}:ro")),
            (Access::Direct, _) => all.push(format!("--volume={host}:{guest}:rw")),
            (Access::Write { .. }, EngineKind::Podman) => {
                let [upper, work] = ["upper", "work"].map(|name| scratch.at(&format!("{name}{at}")));
                all.push(format!("--volume={host}:{guest}:O,upperdir={upper},workdir={work}"));
            }
            // A volume without a name goes with its container. The value is a line of CSV: the quotes keep the commas of
            // the last field in it.
            (Access::Write { .. }, EngineKind::Docker) => {
                let [upper, work] = ["upper", "work"].map(|name| scratch.at(&format!("{name}{at}")));
                all.push(format!(
                    "--mount=type=volume,destination={guest},volume-driver=local,volume-label={OWNER}={},\
                     volume-label={BOOT}={},volume-opt=type=overlay,volume-opt=device=overlay,\
                     \"volume-opt=o=lowerdir={host},upperdir={upper},workdir={work}\"",
                    scratch.owner, self.boot
                ));
            }
        }
    }
}
