//! Engines that are scripts: what is found out about them, and what they are told.
mod common;

use common::{Fakes, Staged};
use std::fs;
use vox_container::{
    Access, Detection, Engine, EngineKind, Folder, Image, ProbeError, Profile, SessionOptions, StartError, probe,
};

const PODMAN: &str =
    r#"{"host":{"security":{"rootless":ROOTLESS},"ociRuntime":{"name":"runc"}},"version":{"Version":"4.3.1"}}"#;
const DOCKER: &str =
    r#"{"ServerVersion":"20.10.24","DefaultRuntime":"runc","SecurityOptions":["name=seccomp,profile=default"]}"#;
const ID: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";

fn answering(json: &str) -> String {
    format!("/bin/cat <<'END'\n{json}\nEND")
}

fn detect(kind: EngineKind, body: Option<&str>) -> Detection {
    let fakes = Fakes::new();
    if let Some(body) = body {
        fakes.script(kind.program(), body);
    }
    Engine::detect(kind, &fakes.surroundings())
}

#[test]
fn what_is_there_is_told_apart() {
    let podman = PODMAN.replace("ROOTLESS", "true");
    let found = detect(EngineKind::Podman, Some(&answering(&podman)));
    let engine = found.engine().unwrap();
    assert_eq!((engine.version(), engine.rootless(), engine.runtimes()), ("4.3.1", true, &["runc".to_owned()][..]));
    assert!(found.fix().is_none());
    let found = detect(EngineKind::Docker, Some(&answering(DOCKER)));
    assert!(!found.engine().unwrap().rootless());

    for kind in EngineKind::ALL {
        let absent = detect(kind, None);
        assert!(matches!(absent, Detection::Absent(_)));
        assert!(absent.fix().unwrap().starts_with("sudo apt-get install"));
        for broken in ["exit 3", "echo hello", "echo '{}'", "echo '[1]'", "kill -9 $$", "/bin/no-such-program"] {
            let found = detect(kind, Some(broken));
            assert!(matches!(found, Detection::Broken { .. }), "{kind} {broken}: {found:?}");
            assert!(found.problem().is_some() && found.fix().is_some());
        }
    }
    let daemon = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
    let json = format!(r#"{{"ServerErrors":["{daemon}"]}}"#);
    for body in [format!("echo '{daemon}' >&2; exit 1"), answering(&json), format!("{}\nexit 1", answering(&json))] {
        let found = detect(EngineKind::Docker, Some(&body));
        assert!(matches!(found, Detection::NoDaemon { .. }), "{found:?}");
        assert_eq!(found.fix(), Some("sudo systemctl start docker"));
    }
    let denied = r#"{"ServerErrors":["permission denied while trying to connect to the Docker daemon socket"]}"#;
    let found = detect(EngineKind::Docker, Some(&answering(denied)));
    assert!(matches!(found, Detection::NotAllowed { .. }), "{found:?}");
}

#[test]
fn the_choice_of_tiers_hears_of_every_engine() {
    let all = [detect(EngineKind::Podman, None), detect(EngineKind::Docker, Some("exit 1"))];
    let why = Detection::offer(&all).offered.unwrap_err();
    assert!(why.contains("sudo apt-get install podman") && why.contains("docker info"), "{why}");
    let podman = PODMAN.replace("ROOTLESS", "false");
    let all = [detect(EngineKind::Podman, Some(&answering(&podman))), detect(EngineKind::Docker, None)];
    assert!(Detection::offer(&all).offered.is_ok_and(|by| by.starts_with("Podman ")));
}

/// An engine that writes down what it is told, has one image, and starts nothing. `trace` gets one argument a line.
fn scribe(kind: EngineKind, trace: &std::path::Path, volumes: &str) -> (Fakes, Engine) {
    let fakes = Fakes::new();
    let info = if kind == EngineKind::Podman { PODMAN.replace("ROOTLESS", "false") } else { DOCKER.to_owned() };
    let image = format!(r#"[{{"Id":"{ID}","Config":{{"Volumes":{volumes}}}}}]"#);
    let body = format!(
        "case \"$1\" in\ninfo) {}\n;;\nimage) {}\n;;\n*) for a in \"$@\"; do printf '%s\\n' \"$a\" >> {trace}; done\n\
         /usr/bin/env | /bin/grep -c canary >> {trace}.env\nexit 125\n;;\nesac",
        answering(&info),
        answering(&image),
        trace = trace.display()
    );
    fakes.script(kind.program(), &body);
    let found = Engine::detect(kind, &fakes.surroundings());
    (fakes, found.engine().unwrap().clone())
}

/// What `run` was told, with what differs between runs taken out.
fn told(kind: EngineKind, state: &std::path::Path) -> Vec<String> {
    let trace = state.join("trace");
    let (_fakes, engine) = scribe(kind, &trace, "null");
    let image = Image::find(&engine, ID).unwrap();
    let failed = probe(&engine, &image, &Profile::default(), state).unwrap_err();
    assert!(matches!(failed, ProbeError::Start { .. }), "{failed}");
    assert!(failed.help().contains("runc"));
    let probed = fs::read_to_string(&trace).unwrap();
    assert_eq!(fs::read_to_string(trace.with_extension("env")).unwrap().lines().next(), Some("0"), "no canary");
    assert!(probed.starts_with("run\n") && probed.contains("\nrm\n--force\n"), "what failed is removed: {probed}");
    probed.lines().take_while(|line| *line != "rm").map(|line| plain(line, state)).collect()
}

fn plain(line: &str, state: &std::path::Path) -> String {
    let line = line.replace(&state.display().to_string(), "STATE");
    // vox-PID-START-LUCK
    let line = match line.find("vox-") {
        Some(at) => {
            let rest = &line[at..];
            let end = rest.find(['/', ',', ':']).unwrap_or(rest.len());
            format!("{}NAME{}", &line[..at], &rest[end..])
        }
        None => line,
    };
    match line.split_once('=') {
        Some((option @ "--label", value)) => {
            let name = value.split('=').next().unwrap();
            if name == "org.vox.call" { line.clone() } else { format!("{option}={name}=…") }
        }
        Some(("--user", _)) => "--user=OWNER".to_owned(),
        _ => line,
    }
}

#[test]
fn what_engines_are_told() {
    let common = |kind: EngineKind| -> Vec<String> {
        let mut lines: Vec<&str> = "run --detach --rm --pull=never --network=none --read-only --cap-drop=ALL \
            --security-opt=no-new-privileges --cgroupns=private --ipc=private --log-driver=none --no-healthcheck \
            --stop-timeout=1 --hostname=vox --workdir=/"
            .split_whitespace()
            .collect();
        if kind == EngineKind::Podman {
            lines.extend(["--read-only-tmpfs=false", "--http-proxy=false", "--image-volume=ignore", "--no-hosts"]);
        }
        lines.extend([
            "--runtime=runc",
            "--name=NAME",
            "--user=OWNER",
            "--ulimit=nofile=1024:1024",
            "--ulimit=core=0:0",
            "--memory=50331648b",
            "--memory-swap=50331648b",
            "--pids-limit=24",
            "--cpus=1.000",
            "--ulimit=nproc=4096:4096",
            "--tmpfs=/tmp:rw,exec,nosuid,nodev,size=1048576,mode=1777",
            "--tmpfs=/home:rw,exec,nosuid,nodev,size=1048576,mode=1777",
            "--shm-size=1048576b",
            "--label=org.vox.owner=…",
            "--label=org.vox.boot=…",
            "--label=org.vox.call=probe",
            "--volume=STATE/sessions/NAME/open:/.vox:ro",
            "--volume=STATE/sessions/NAME/hosts:/etc/hosts:ro",
            "--volume=STATE/sessions/NAME/resolv.conf:/etc/resolv.conf:ro",
            "--entrypoint=/.vox/agent",
            "--",
            ID,
            "/.vox/socket",
        ]);
        lines.into_iter().map(str::to_owned).collect()
    };
    for kind in EngineKind::ALL {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(told(kind, state.path()), common(kind), "{kind}");
        assert_eq!(fs::read_dir(state.path().join("sessions")).unwrap().count(), 0, "nothing is left of the attempt");
    }
}

#[test]
fn images_with_volumes_or_loose_names_are_refused() {
    for kind in EngineKind::ALL {
        let state = tempfile::tempdir().unwrap();
        let trace = state.path().join("trace");
        let (_fakes, engine) = scribe(kind, &trace, r#"{"/data":{}}"#);
        let refused = Image::find(&engine, ID).unwrap_err().to_string();
        assert!(refused.contains("VOLUME"), "{refused}");
        for name in ["debian", "debian:12", "--privileged", "-v/:/host", "sha256:12", ""] {
            assert!(Image::find(&engine, name).is_err(), "{name}");
        }
        assert!(!trace.exists(), "a refused name reaches no engine");
    }
}

#[test]
fn a_hanging_or_loud_engine_is_ended() {
    let fakes = Fakes::new();
    fakes.script("docker", "/usr/bin/yes '{\"ServerVersion\":' | /usr/bin/head -c 50000000; exit 1");
    let found = Engine::detect(EngineKind::Docker, &fakes.surroundings());
    assert!(matches!(found, Detection::Broken { .. }), "{:?}", found.problem().map(|text| text.len()));
}

#[test]
fn folders_that_no_engine_can_be_given_are_refused() {
    let staged = Staged::new();
    let at = |guest: &str| Folder { host: staged.live(), guest: guest.to_owned(), access: Access::Read };
    let check =
        |folders: Vec<Folder>| SessionOptions { call: "x".to_owned(), folders, ..SessionOptions::default() }.check();
    assert!(check(vec![at("/work"), at("/home/me/docs"), staged.folder()][..2].to_vec()).is_ok());
    for guest in ["work", "/", "/proc", "/a:rw", "/a,src=/", "/.vox/x", "/a/../etc", "--volume=/:/host"] {
        assert!(matches!(check(vec![at(guest)]), Err(StartError::Folder(_))), "{guest}");
    }
    assert!(matches!(check(vec![at("/a"), at("/a")]), Err(StartError::Folder(_))), "twice");
    let missing = Folder { host: staged.root.path().join("no"), ..at("/a") };
    assert!(matches!(check(vec![missing]), Err(StartError::Folder(_))));
    fs::write(staged.upper().join("old"), "").unwrap();
    assert!(check(vec![staged.folder()]).is_ok(), "what was staged before is part of what programs see");
    let Access::Write { work, .. } = staged.folder().access else { panic!("it is writable") };
    fs::write(work.join("old"), "").unwrap();
    assert!(
        matches!(check(vec![staged.folder()]), Err(StartError::Overlay(_))),
        "the kernel's own folder is not empty"
    );
}
