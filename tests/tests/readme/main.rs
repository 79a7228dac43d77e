//! Every command that the README and the help show works.

mod attacks;

use regex::Regex;
use vox_tests::program::Place;
use vox_tests::server::{Answer, Server};
use vox_tests::{need, places};

/// The commands in the fenced blocks of a Markdown text that are for the shell.
///
/// In `console` blocks lines with `$ ` are commands and the others their output; in `sh` blocks every line is one.
fn commands(markdown: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut block: Option<&str> = None;
    let mut goes_on = false;
    for line in markdown.lines() {
        match (line.trim_start().strip_prefix("```"), block) {
            (Some(language), None) => block = Some(language.trim()),
            (Some(_), Some(_)) => block = None,
            (None, Some("console" | "sh" | "bash" | "shell")) => {
                let command = line.trim_start().strip_prefix("$ ");
                let command = if block == Some("console") { command } else { command.or(Some(line)) };
                match (goes_on, found.last_mut(), command) {
                    (true, Some(last), _) => last.push_str(&format!("\n{}", line.trim())),
                    (_, _, Some(command)) if !command.trim().is_empty() && !command.starts_with('#') => {
                        found.push(command.trim().to_owned());
                    }
                    _ => continue,
                }
                goes_on = line.ends_with('\\');
            }
            _ => {}
        }
    }
    found
}

/// The command as the tests run it: the built program instead of `cargo run`. None for commands that build,
/// install or fetch, which the other chores cover.
fn runnable(command: &str) -> Option<String> {
    let from_source = Regex::new(r"cargo run (--release |--quiet |-q |-p vox-cli |--package vox-cli )*-- ");
    let command = from_source.unwrap_or_else(|error| panic!("{error}")).replace_all(command, "vox ").into_owned();
    let first = command.split_whitespace().next().unwrap_or_default();
    // `python3` serves examples/ on port 8000; here `served` does.
    let elsewhere = ["cargo", "git", "cd", "rustup", "apt-get", "sudo", "pip", "npm", "curl", "export", "python3"];
    (!elsewhere.contains(&first)).then_some(command)
}

/// A place that looks like the repository to the commands of the README: `examples/` is there, and the guests
/// under the names that the help uses.
fn place() -> Result<Place, String> {
    let place = Place::new()?;
    let root = places::repository();
    for name in ["examples", "README.md", "tests", "components", "docs", "wit"] {
        if root.join(name).exists() {
            std::os::unix::fs::symlink(root.join(name), place.work().join(name)).map_err(|error| error.to_string())?;
        }
    }
    for (guest, shown) in [("hello", "mine.wasm"), ("program", "tool.wasm"), ("program", "wc.wasm")] {
        std::fs::copy(places::guest(guest)?, place.work().join(shown)).map_err(|error| error.to_string())?;
    }
    Ok(place)
}

/// The commands with a server of the test's own in the place of the one that the text starts: it has `examples/` too,
/// and a port that is free.
fn served(commands: Vec<String>) -> Vec<String> {
    let examples = places::repository().join("examples");
    let server = Server::start(move |path| match std::fs::read(examples.join(path.trim_start_matches('/'))) {
        Ok(body) => Answer::ok(body),
        Err(_) => Answer::status("404 Not Found"),
    });
    let here = server.url("");
    commands.into_iter().map(|command| command.replace("http://127.0.0.1:8000", &here)).collect()
}

/// Runs the commands; gives those that failed with what they said.
fn failures(place: &Place, commands: &[String]) -> Vec<String> {
    let mut failed = Vec::new();
    for command in commands {
        let ran = place.shell(command);
        if ran.code != Some(0) {
            failed.push(format!("$ {command}\n{}{}? {:?}\n", ran.stdout, ran.stderr, ran.code));
        }
    }
    failed
}

#[test]
fn commands_are_found_in_fenced_blocks() {
    let text = "# x\n```console\n$ vox bundle\njson\n$ vox call \\\n    json\n```\n```rust\n$ no\n```\n```sh\n# why\nvox doctor\n```\n";
    assert_eq!(commands(text), ["vox bundle", "vox call \\\njson", "vox doctor"]);
    assert_eq!(runnable("cargo run --release -- bundle").as_deref(), Some("vox bundle"));
    assert_eq!(runnable("cargo xtask test"), None);
}

#[test]
fn every_command_of_the_readme_works() {
    let text = std::fs::read_to_string(places::repository().join("README.md"));
    let text = need!("README.md", text.map_err(|error| error.to_string()));
    need!("a bundle", places::bundle());
    need!("the example skills", places::examples());
    let place = need!("vox and the guests", place());
    let shown = served(commands(&text).iter().filter_map(|command| runnable(command)).collect());
    assert!(!shown.is_empty(), "the README shows no command");
    let failed = failures(&place, &shown);
    assert!(failed.is_empty(), "{} of {} commands failed:\n{}", failed.len(), shown.len(), failed.join("\n"));
}

#[test]
fn every_command_of_the_example_skills_works() {
    let folder = need!("the example skills", places::examples());
    need!("a bundle", places::bundle());
    for name in places::EXAMPLES {
        let readme = folder.join(name).join("README.md");
        let text = std::fs::read_to_string(&readme).unwrap_or_else(|error| panic!("{}: {error}", readme.display()));
        let place = need!("vox and the guests", place());
        if name == "describe" {
            need!("a container engine", holds_programs(&place));
        }
        let shown = served(commands(&text).iter().filter_map(|command| runnable(command)).collect());
        assert!(shown.len() >= 2, "{} shows {shown:?}", readme.display());
        let failed = failures(&place, &shown);
        assert!(failed.is_empty(), "{}: {} commands failed:\n{}", readme.display(), failed.len(), failed.join("\n"));
    }
}

#[test]
fn every_command_of_the_skill_without_a_component_works() {
    let place = need!("vox and the guests", place());
    need!("a container engine", holds_programs(&place));
    let readme = places::repository().join("examples/sql/README.md");
    let text = std::fs::read_to_string(&readme).unwrap_or_else(|error| panic!("{}: {error}", readme.display()));
    let shown = served(commands(&text).iter().filter_map(|command| runnable(command)).collect());
    assert!(shown.len() >= 4, "{shown:?}");
    let failed = failures(&place, &shown);
    assert!(failed.is_empty(), "{} commands failed:\n{}", failed.len(), failed.join("\n"));
}

/// Whether programs can run here; else what `vox why` says is missing.
fn holds_programs(place: &Place) -> Result<(), String> {
    let why = place.run(&["why", "components/describe", "--allow-subprocess=python3"]);
    if why.code == Some(10) { Err(why.stdout) } else { Ok(()) }
}

/// The verbs, as the help lists them.
fn verbs(place: &Place) -> Vec<String> {
    let help = place.run(&["--help"]).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    listed.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The examples at the end of a help text.
fn examples(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    lines.map(str::trim).filter(|line| line.starts_with("vox ")).map(str::to_owned).collect()
}

#[test]
fn every_verb_shows_two_examples() {
    let place = need!("vox", Place::new());
    let verbs = verbs(&place);
    assert!(verbs.len() >= 9, "{verbs:?}");
    for verb in verbs {
        let help = place.run(&[&verb, "--help"]);
        assert_eq!(help.code, Some(0), "{verb}");
        assert!(examples(&help.stdout).len() >= 2, "vox {verb} --help shows {:?}", examples(&help.stdout));
    }
}

#[test]
fn every_example_of_the_help_works() {
    need!("a bundle", places::bundle());
    need!("the folder examples/", std::fs::metadata(places::repository().join("examples")).map_err(|e| e.to_string()));
    let place = need!("vox and the guests", place());
    for folder in [".local/share/bash-completion/completions", ".config/fish/completions"] {
        std::fs::create_dir_all(place.work().join(folder)).unwrap_or_else(|error| panic!("{error}"));
    }
    let home = place.work().display().to_string();
    let mut shown = Vec::new();
    for verb in verbs(&place) {
        shown.extend(examples(&place.run(&[&verb, "--help"]).stdout));
    }
    // What the example programs are asked to do is theirs to know; the guest here knows `echo`.
    let shown: Vec<String> = shown
        .iter()
        .map(|line| {
            line.replace("-- --lines", "-- echo").replace("-- input", "-- echo").replace("~/", &format!("{home}/"))
        })
        .collect();
    surroundings(&place);
    let failed: Vec<String> = shown.iter().flat_map(|line| failures(&place, &[ready(&place, line)])).collect();
    assert!(failed.is_empty(), "{} of {} examples failed:\n{}", failed.len(), shown.len(), failed.join("\n"));
}

/// What the examples of grants, files and secrets speak of.
fn surroundings(place: &Place) {
    std::fs::create_dir_all(place.work().join("issues")).unwrap_or_else(|error| panic!("{error}"));
    std::fs::create_dir_all(place.work().join("pages")).unwrap_or_else(|error| panic!("{error}"));
    std::fs::create_dir_all(place.work().join("kept")).unwrap_or_else(|error| panic!("{error}"));
    for (guest, shown) in [("hello", "issues/issues.wasm"), ("files", "files.wasm"), ("store", "kept/kept.wasm")] {
        let guest = places::guest(guest).unwrap_or_else(|error| panic!("{error}"));
        std::fs::copy(guest, place.work().join(shown)).unwrap_or_else(|error| panic!("{error}"));
    }
    place.put("issues/skill.toml", "[skill]\nname = \"acme:issues\"\n");
    let kept = "[skill]\nname = \"acme:issues\"\n[runtime]\nrequired = [\"kv\", \"config\", \"log\"]\n";
    place.put("kept/skill.toml", kept);
    place.put("vox.toml", "[grants]\nmine = [\"--allow-clock\"]\n");
    place.put("token.txt", "a-token-of-some-length");
}

/// The line with the ids that exist here, after what it speaks of was made: a change set, a grant.
fn ready(place: &Place, line: &str) -> String {
    let id = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    if ["vox diff", "vox approve", "vox discard"].iter().any(|verb| line.starts_with(verb)) {
        let words = ["call", "files.wasm", "write", "pages/notes.md", line, "--allow-write", "pages"];
        let staged = place.run(&words);
        assert_eq!(staged.code, Some(0), "{}", staged.stderr);
        let line = line.replace("4f1c", &id(&place.run(&["changes"]).stdout));
        // On a terminal the two ask; there is none here.
        let asks = !line.starts_with("vox diff") && !line.contains("--yes");
        return if asks { format!("{line} --yes") } else { line };
    }
    if line.starts_with("vox data remove") {
        let kept = place.run(&["call", "./kept", "set", "k", "v", "--allow-kv", "--config", "unit=km"]);
        assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    }
    if line.starts_with("vox revoke") {
        let granted = place.run(&["grant", "./issues", "--allow-clock"]);
        assert_eq!(granted.code, Some(0), "{}", granted.stderr);
        return line.replace("g3", &id(&granted.stdout));
    }
    line.to_owned()
}

/// `vox` alone shows a tour; the commands in it are as good as those of the README.
#[test]
fn the_tour_works() {
    need!("a bundle", places::bundle());
    let place = need!("vox and the guests", place());
    let tour = place.run(&[]);
    assert_eq!(tour.code, Some(2));
    let lines = tour.stderr.lines().map(str::trim).filter(|line| line.starts_with("vox "));
    // Two spaces or more set the explanation apart.
    let shown: Vec<String> =
        lines.filter_map(|line| line.split("   ").next()).map(|line| line.trim().to_owned()).collect();
    assert!(shown.len() >= 5, "{shown:?}");
    let fed: Vec<String> = shown.iter().map(|command| format!("echo '{{\".md\":\"# x\"}}' | {command}")).collect();
    let failed = failures(&place, &fed);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
