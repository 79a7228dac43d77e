//! What a skill gets of programs, with a back end and folders that are played.

use crate::bindings::vox::skill::accelerators::{self, Host as _};
use crate::bindings::vox::skill::processes::{self as wit, Host as _, HostProcess as _};
use crate::{Grant, MAX_ARGUMENTS, MAX_RUNNING, Order, ProgramsCtxView, ProgramsSetup, ProgramsState, gpu};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vox_model::programs::{
    Command, Device, Finished, Lack, Mount, MountAccess, Offered, Outlet, ProgramError, ProgramSession, Programs,
    Running, SessionSetup, SharedFolder, Spawned, Status, Stop,
};
use vox_model::{CallScope, Capability, Effect, Lease, Limits, Recorder, Scope, Verdict};
use wasmtime::component::{Resource, ResourceTable};

/// What happened, in order.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Debug, Default)]
struct Played {
    diary: Diary,
    weaker: bool,
}

struct PlayedSession(Diary);

/// A program that runs until it is killed.
struct Endless(Arc<AtomicBool>);

impl Running for Endless {
    fn wait(&mut self, time: Duration) -> Result<Option<Status>, ProgramError> {
        std::thread::sleep(time.min(Duration::from_millis(1)));
        Ok(self.0.load(Ordering::SeqCst).then_some(Status::Signalled(9)))
    }

    fn kill(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Programs for Played {
    fn offer(&self) -> Result<Offered, Lack> {
        Ok(Offered { by: "a play".to_owned(), weaker: self.weaker.then(|| "weaker than it should be".to_owned()) })
    }

    fn start(&self, setup: &SessionSetup) -> Result<Box<dyn ProgramSession>, ProgramError> {
        self.diary.write(format!("start {} {:?}", setup.memory, setup.devices));
        if let Some(outlet) = &setup.outlet {
            outlet.trust().unwrap();
        }
        Ok(Box::new(PlayedSession(self.diary.clone())))
    }

    fn devices(&self) -> Result<Vec<Device>, ProgramError> {
        let device = |id: &str| Device { id: id.to_owned(), vendor: "v".into(), model: "m".into(), memory: 1 };
        Ok(vec![device("gpu=1"), device("gpu=0")])
    }
}

impl ProgramSession for PlayedSession {
    fn run(&self, command: &Command, stop: &Stop) -> Result<Finished, ProgramError> {
        self.0.write(format!("run {} in {}", command.program, command.folder));
        if command.program == "wait" {
            let (stopped, heard) = std::sync::mpsc::channel();
            stop.then(move || stopped.send(()).unwrap());
            heard.recv_timeout(Duration::from_secs(20)).unwrap();
            self.0.write("stopped");
            return Err(ProgramError::Stopped);
        }
        let none = Vec::new();
        Ok(Finished {
            status: Status::Exited(0),
            stdout: b"out".to_vec(),
            stderr: none,
            stdout_lost: 0,
            stderr_lost: 0,
        })
    }

    fn spawn(&self, command: &Command) -> Result<Spawned, ProgramError> {
        self.0.write(format!("spawn {}", command.program));
        let [(_, stdin), (stdout, _), (stderr, _)] = [(); 3].map(|()| std::io::pipe().unwrap());
        let running = Box::new(Endless(Arc::default()));
        Ok(Spawned { stdin: stdin.into(), stdout: stdout.into(), stderr: stderr.into(), running })
    }

    fn end(&self) -> Result<(), ProgramError> {
        self.0.write("end");
        Ok(())
    }
}

#[derive(Default)]
struct PlayedFolder {
    diary: Diary,
    stale: AtomicBool,
    over: AtomicBool,
}

impl SharedFolder for PlayedFolder {
    fn guest(&self) -> &str {
        "docs"
    }

    fn mount(&self, guest: &str) -> Result<Mount, String> {
        self.stale.store(false, Ordering::SeqCst);
        self.diary.write(format!("mount {guest}"));
        Ok(Mount { host: "/srv/docs".into(), guest: guest.to_owned(), access: MountAccess::Read })
    }

    fn stale(&self) -> bool {
        self.stale.load(Ordering::SeqCst)
    }

    fn over(&self) -> Option<String> {
        self.over.load(Ordering::SeqCst).then(|| "too much was written".to_owned())
    }

    fn take(&self) -> Result<Vec<String>, ProgramError> {
        self.diary.write("take");
        Ok(vec!["docs/pipe: it is a pipe".to_owned()])
    }
}

/// A way out that nothing goes through.
#[derive(Debug)]
struct PlayedOutlet(Diary);

impl Outlet for PlayedOutlet {
    fn trust(&self) -> Result<String, String> {
        self.0.write("a way out");
        Ok(String::new())
    }

    fn variables(&self, _: SocketAddr, _: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    fn take(&self, _: TcpStream) {}

    fn end(&self) {
        self.0.write("no way out");
    }
}

#[derive(Default)]
struct Book(Mutex<Vec<Effect>>, AtomicBool);

impl Recorder for Book {
    fn record(&self, effect: Effect) {
        self.0.lock().unwrap().push(effect);
    }
}

impl Lease for Book {
    fn holds(&self, _: Capability) -> bool {
        !self.1.load(Ordering::SeqCst)
    }
}

struct Stage {
    diary: Diary,
    folder: Arc<PlayedFolder>,
    book: Arc<Book>,
    state: ProgramsState,
    table: ResourceTable,
}

impl Stage {
    fn new(grant: &str, gpu: Option<&str>) -> Self {
        Self::with(grant, gpu, false)
    }

    fn with(grant: &str, gpu: Option<&str>, weaker: bool) -> Self {
        let diary = Diary::default();
        let folder = Arc::new(PlayedFolder { diary: diary.clone(), ..PlayedFolder::default() });
        let book = Arc::new(Book::default());
        let setup = ProgramsSetup {
            grant: grant.parse::<Grant>().unwrap(),
            gpu: gpu.map(|text| text.parse().unwrap()).unwrap_or_default(),
            programs: Some(Arc::new(Played { diary: diary.clone(), weaker })),
            folders: vec![folder.clone()],
            outlet: Some(Arc::new(PlayedOutlet(diary.clone()))),
            beside: Vec::new(),
            serving: crate::Serving::default(),
            limits: Limits::default(),
            until: Instant::now() + Duration::from_secs(60),
        };
        let scope = CallScope::from(Scope { recorder: book.clone(), lease: book.clone(), ..Scope::unwatched("s") });
        Self { diary, folder, book, state: ProgramsState::new(scope, setup), table: ResourceTable::new() }
    }

    fn view(&mut self) -> ProgramsCtxView<'_> {
        ProgramsCtxView { ctx: &mut self.state, table: &mut self.table }
    }

    fn run(&mut self, command: wit::Command) -> Result<wit::Output, wit::Error> {
        wait(wit::Host::run(&mut self.view(), command)).unwrap()
    }

    fn spawn(&mut self, command: wit::Command) -> Result<Resource<crate::process::Process>, wit::Error> {
        wait(self.view().spawn(command)).unwrap()
    }

    fn verdicts(&self) -> Vec<(Verdict, String)> {
        let effects = self.book.0.lock().unwrap();
        effects.iter().map(|effect| (effect.verdict, effect.target.clone())).collect()
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()).block_on(work)
}

const NO_LIMITS: wit::Limits = wit::Limits { time_ms: None, output_bytes: None, memory_bytes: None };

fn command(program: &str) -> wit::Command {
    wit::Command {
        program: program.to_owned(),
        arguments: Vec::new(),
        environment: Vec::new(),
        working_folder: None,
        input: None,
        limits: NO_LIMITS,
    }
}

fn denied<T>(result: Result<T, wit::Error>) -> String {
    match result {
        Err(wit::Error::Denied(text)) => text,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was let through"),
    }
}

#[test]
fn what_is_not_granted_is_denied_with_the_flag_and_starts_nothing() {
    let mut stage = Stage::new("git", None);
    assert!(denied(stage.run(command("rm"))).ends_with("run with --allow-subprocess=rm"));
    let variable = wit::Variable { name: "TZ".to_owned(), value: "x".to_owned() };
    let with = wit::Command { environment: vec![variable], ..command("git") };
    assert!(denied(stage.run(with)).ends_with("run with --allow-env TZ"));
    assert!(denied(stage.spawn(command("/usr/bin/git")).map(drop)).contains("--allow-subprocess=/usr/bin/git"));
    assert!(stage.diary.lines().is_empty());
    assert!(stage.verdicts().iter().all(|(verdict, _)| *verdict == Verdict::Denied) && stage.verdicts().len() == 3);
    stage.book.1.store(true, Ordering::SeqCst);
    assert!(denied(stage.run(command("git"))).contains("taken back"));
}

#[test]
fn one_session_serves_a_call_and_each_program_is_taken_down() {
    let mut stage = Stage::with("", None, true);
    let said = wit::Command { arguments: vec!["a b".to_owned(), "\u{1b}[0m".to_owned()], ..command("git") };
    assert_eq!(stage.run(said).unwrap().stdout, b"out");
    stage.run(wit::Command { working_folder: Some("docs/sub".to_owned()), ..command("git") }).unwrap();
    let verdicts = stage.verdicts();
    assert!(verdicts[0].1.starts_with("git 'a b' '\\u{1b}[0m': exit 0 after "), "{verdicts:?}");
    let diary = stage.diary.clone();
    let notes = stage.state.finish(true);
    let started = format!("start {} []", Limits::default().memory);
    let expected = [
        "mount /work/docs",
        &started,
        "a way out",
        "run git in /work/docs",
        "take",
        "run git in /work/docs/sub",
        "take",
        "end",
        "no way out",
        "take",
    ];
    assert_eq!(diary.lines(), expected);
    assert_eq!(notes, ["left out of what programs wrote: docs/pipe: it is a pipe", "weaker than it should be"]);
}

#[test]
fn a_call_without_programs_starts_and_tells_nothing() {
    let stage = Stage::with("", None, true);
    assert!(stage.state.finish(true).is_empty());
    assert!(stage.diary.lines().is_empty());
}

#[test]
fn a_write_of_the_skill_and_another_memory_need_another_session() {
    let mut stage = Stage::new("", None);
    stage.run(command("a")).unwrap();
    stage.folder.stale.store(true, Ordering::SeqCst);
    stage.run(command("b")).unwrap();
    let limits = wit::Limits { memory_bytes: Some(20 << 20), ..NO_LIMITS };
    stage.run(wit::Command { limits, ..command("c") }).unwrap();
    let starts = stage.diary.lines().iter().filter(|line| line.starts_with("start")).count();
    let ends = stage.diary.lines().iter().filter(|line| *line == "end").count();
    assert_eq!((starts, ends), (3, 2));
}

#[test]
fn who_gives_up_waiting_ends_the_program() {
    let mut stage = Stage::new("", None);
    let given_up = wait(async {
        let mut view = stage.view();
        tokio::time::timeout(Duration::from_millis(100), wit::Host::run(&mut view, command("wait"))).await.is_err()
    });
    assert!(given_up);
    let (diary, book) = (stage.diary.clone(), stage.book.clone());
    stage.state.finish(false);
    assert!(diary.lines().contains(&"stopped".to_owned()), "{:?}", diary.lines());
    let effects = book.0.lock().unwrap();
    assert_eq!((effects.len(), effects[0].verdict), (1, Verdict::Failed), "it is taken down before the call is over");
}

#[test]
fn a_program_that_writes_too_much_is_ended() {
    let mut stage = Stage::new("", None);
    stage.folder.over.store(true, Ordering::SeqCst);
    assert!(matches!(stage.run(command("wait")), Err(wit::Error::Limit(text)) if text == "too much was written"));
    assert!(stage.diary.lines().contains(&"stopped".to_owned()));
}

#[test]
fn commands_that_make_no_sense_are_invalid() {
    let mut stage = Stage::new("", None);
    let mut invalid = |change: &dyn Fn(&mut wit::Command)| {
        let mut command = command("git");
        change(&mut command);
        matches!(stage.run(command), Err(wit::Error::Invalid(_)))
    };
    assert!(!invalid(&|_| ()));
    assert!(invalid(&|command| command.program.clear()));
    assert!(invalid(&|command| command.arguments = vec!["a\0b".to_owned()]));
    assert!(invalid(&|command| command.arguments = vec![String::new(); MAX_ARGUMENTS + 1]));
    assert!(!invalid(&|command| command.arguments = vec![String::new(); MAX_ARGUMENTS]));
    assert!(invalid(&|command| command.arguments = vec!["x".repeat(crate::MAX_COMMAND)]));
    assert!(invalid(&|command| command.working_folder = Some("/etc".to_owned())));
    assert!(invalid(&|command| command.working_folder = Some("docs/../..".to_owned())));
    let with_input = wit::Command { input: Some(vec![]), ..command("git") };
    assert!(matches!(stage.spawn(with_input), Err(wit::Error::Invalid(_))));
}

#[test]
fn spawned_programs_end_when_they_are_killed_or_dropped_and_are_not_too_many() {
    let mut stage = Stage::new("", None);
    let mut handles: Vec<_> = (0..MAX_RUNNING).map(|_| stage.spawn(command("serve")).unwrap()).collect();
    assert!(matches!(stage.spawn(command("serve")), Err(wit::Error::Limit(_))));
    let borrowed = |handle: &Resource<_>| Resource::new_borrow(handle.rep());
    let one = handles.pop().unwrap();
    assert!(stage.view().status(borrowed(&one)).unwrap().unwrap().is_none());
    wait(stage.view().kill(borrowed(&one))).unwrap().unwrap();
    assert!(matches!(stage.view().status(borrowed(&one)).unwrap(), Ok(Some(wit::Status::Signalled(9)))));
    let limits = wit::Limits { memory_bytes: Some(20 << 20), ..NO_LIMITS };
    let other = wit::Command { limits, ..command("c") };
    assert!(matches!(stage.run(other), Err(wit::Error::Invalid(_))), "another session cannot start now");
    stage.view().drop(one).unwrap();
    handles.into_iter().for_each(|handle| stage.view().drop(handle).unwrap());
    let book = stage.book.clone();
    stage.state.finish(true);
    let ended = book.0.lock().unwrap().iter().filter(|effect| effect.target.starts_with("serve: signal 9")).count();
    assert_eq!(ended, MAX_RUNNING as usize);
}

#[test]
fn a_spawned_program_has_its_time() {
    let mut stage = Stage::new("", None);
    let limits = wit::Limits { time_ms: Some(50), ..NO_LIMITS };
    let handle = stage.spawn(wit::Command { limits, ..command("serve") }).unwrap();
    let borrowed = || Resource::<crate::process::Process>::new_borrow(handle.rep());
    wait(async {
        use wasmtime_wasi_io::poll::Pollable as _;
        stage.table.get_mut(&borrowed()).unwrap().ready().await;
    });
    assert!(matches!(stage.view().status(borrowed()).unwrap(), Err(wit::Error::Limit(_))));
}

#[test]
fn devices_are_those_that_were_granted_and_programs_on_them_need_both_grants() {
    let mut none = Stage::new("", None);
    assert!(denied(wait(none.view().devices()).unwrap()).contains("--allow-gpu"));
    let mut stage = Stage::new("train", Some("gpu=0"));
    let devices = wait(stage.view().devices()).unwrap().unwrap();
    assert_eq!(devices.iter().map(|device| device.id.as_str()).collect::<Vec<_>>(), ["gpu=0"]);
    let mut run = |program: &str, ids: &[&str]| {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        wait(accelerated(&mut stage.view(), command(program), ids)).unwrap()
    };
    assert!(denied(run("train", &["gpu=1"])).ends_with("--allow-gpu=gpu=1"));
    assert!(denied(run("rm", &[])).ends_with("--allow-subprocess=rm"));
    run("train", &[]).unwrap();
    run("train", &["gpu=0"]).unwrap();
    let starts: Vec<String> = stage.diary.lines().into_iter().filter(|line| line.starts_with("start")).collect();
    assert_eq!(starts.len(), 1, "{starts:?}");
    assert!(starts[0].ends_with("[\"gpu=0\"]"), "{starts:?}");
    assert_eq!(stage.state.gpu, "gpu=0".parse::<gpu::Grant>().unwrap());
}

async fn accelerated(
    view: &mut ProgramsCtxView<'_>,
    command: wit::Command,
    devices: Vec<String>,
) -> wasmtime::Result<Result<wit::Output, wit::Error>> {
    accelerators::Host::run(view, command, devices).await
}

#[test]
fn the_host_runs_programs_under_the_same_admission() {
    let mut stage = Stage::new("python3", None);
    let order = |program: &str| Order { program: program.to_owned(), ..Order::default() };
    let stop = Stop::default();
    let refused = stage.state.run_through(order("sh"), &stop, |_| {}, |_| {});
    assert!(matches!(refused, Err(ProgramError::Denied(text)) if text.contains("--allow-subprocess=sh")));
    let set = Order { environment: vec![("TZ".to_owned(), "UTC".to_owned())], ..order("python3") };
    let refused = stage.state.run_through(set, &stop, |_| {}, |_| {});
    assert!(matches!(refused, Err(ProgramError::Denied(text)) if text.contains("--allow-env TZ")));
    assert!(stage.diary.lines().is_empty(), "nothing was started");

    let later = stop.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        later.stop();
    });
    let fed = Order { input: vec![0; 1 << 20], ..order("python3") };
    let ended = stage.state.run_through(fed, &stop, |_| {}, |_| {});
    assert_eq!(ended, Ok(Status::Signalled(9)));
    stopper.join().unwrap();
    assert_eq!(stage.diary.lines(), ["mount /work/docs", "start 67108864 []", "a way out", "spawn python3", "take"]);
    let verdicts = stage.verdicts();
    assert_eq!(
        verdicts.iter().map(|(verdict, _)| *verdict).collect::<Vec<_>>(),
        [Verdict::Denied, Verdict::Denied, Verdict::Allowed]
    );
    assert!(verdicts[2].1.starts_with("python3: signal 9 after"), "{verdicts:?}");
}
