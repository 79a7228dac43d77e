//! Changes that matter more than their size: what a host later runs by itself, and names that deceive.

use super::list::{After, Change};
use std::fmt;

/// Why a change deserves a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hazard {
    /// Git runs it, or learns from it what to run.
    Git,
    /// A shell reads it when it starts, or when it enters the directory.
    Shell,
    /// A service that builds or tests the project runs it, with that service's secrets.
    ContinuousIntegration,
    /// The project's build runs it.
    Build,
    /// The system runs it at some time or at some event.
    Service,
    /// An editor or an agent acts on it.
    Editor,
    /// It decides who may log in, or where credentials go.
    Credentials,
    /// It can be run as a program.
    Executable,
    /// Its name has characters outside of ASCII, which can look like others.
    OddName,
    /// Its name differs from a neighbour's in case only.
    Twin,
}

impl Hazard {
    /// Whether it makes this machine, or another, run something later: such changes are acknowledged on their own.
    pub fn runs(self) -> bool {
        !matches!(self, Self::OddName | Self::Twin)
    }
}

/// One reason to look twice at one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// The path. Text of the skill, so untrusted.
    pub path: String,
    /// The kind of danger.
    pub hazard: Hazard,
    /// What could happen, in words.
    pub reason: String,
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", super::escape::line(&self.path), self.reason)
    }
}

/// What a rule looks at. Everything is compared in lower case, as some file systems do.
enum Pattern {
    /// The last name.
    Name(&'static str),
    /// The end of the last name.
    Ending(&'static str),
    /// Names in a row anywhere, and everything below them.
    Below(&'static str),
}

use Hazard::{Build, ContinuousIntegration, Credentials, Editor, Git, Service, Shell};
use Pattern::{Below, Ending, Name};

/// What is known to be run or obeyed. Not complete, and cannot be: the executable bit and the list itself are the rest.
#[rustfmt::skip]
const RULES: &[(Pattern, Hazard, &str)] = &[
    (Below(".git/hooks"), Git, "git runs it at the next commit, checkout or merge"),
    (Below(".git/config"), Git, "git runs the programs that it names"),
    (Below(".git"), Git, "it is git's own data"),
    (Name(".gitmodules"), Git, "git fetches from the places that it names"),
    (Name(".gitattributes"), Git, "git runs filters and drivers that it names"),
    (Name(".gitconfig"), Git, "git runs the programs that it names"),
    (Below(".husky"), Git, "git runs it at the next commit"),
    (Name(".pre-commit-config.yaml"), Git, "git runs the hooks that it names"),
    (Name("lefthook.yml"), Git, "git runs the hooks that it names"),
    (Name(".envrc"), Shell, "direnv runs it when a shell enters the directory"),
    (Name(".bashrc"), Shell, "a shell runs it when it starts"),
    (Name(".bash_profile"), Shell, "a shell runs it when it starts"),
    (Name(".bash_login"), Shell, "a shell runs it when it starts"),
    (Name(".bash_logout"), Shell, "a shell runs it when it ends"),
    (Name(".bash_aliases"), Shell, "a shell runs it when it starts"),
    (Name(".profile"), Shell, "a shell runs it when it starts"),
    (Name(".zshrc"), Shell, "a shell runs it when it starts"),
    (Name(".zshenv"), Shell, "a shell runs it when it starts"),
    (Name(".zprofile"), Shell, "a shell runs it when it starts"),
    (Name(".zlogin"), Shell, "a shell runs it when it starts"),
    (Name(".zlogout"), Shell, "a shell runs it when it ends"),
    (Name(".kshrc"), Shell, "a shell runs it when it starts"),
    (Name(".cshrc"), Shell, "a shell runs it when it starts"),
    (Name(".tcshrc"), Shell, "a shell runs it when it starts"),
    (Name(".inputrc"), Shell, "it changes what keys do in a shell"),
    (Name(".xprofile"), Shell, "the desktop runs it at login"),
    (Name(".xinitrc"), Shell, "the desktop runs it at login"),
    (Name(".mise.toml"), Shell, "mise runs it when a shell enters the directory"),
    (Below("fish/conf.d"), Shell, "a shell runs it when it starts"),
    (Name("config.fish"), Shell, "a shell runs it when it starts"),
    (Below(".github/workflows"), ContinuousIntegration, "GitHub runs it"),
    (Below(".github/actions"), ContinuousIntegration, "GitHub runs it"),
    (Name(".gitlab-ci.yml"), ContinuousIntegration, "GitLab runs it"),
    (Below(".gitlab/ci"), ContinuousIntegration, "GitLab runs it"),
    (Below(".circleci"), ContinuousIntegration, "CircleCI runs it"),
    (Below(".buildkite"), ContinuousIntegration, "Buildkite runs it"),
    (Below(".forgejo/workflows"), ContinuousIntegration, "Forgejo runs it"),
    (Below(".gitea/workflows"), ContinuousIntegration, "Gitea runs it"),
    (Below(".woodpecker"), ContinuousIntegration, "Woodpecker runs it"),
    (Name(".woodpecker.yml"), ContinuousIntegration, "Woodpecker runs it"),
    (Name(".travis.yml"), ContinuousIntegration, "Travis runs it"),
    (Name(".drone.yml"), ContinuousIntegration, "Drone runs it"),
    (Name(".cirrus.yml"), ContinuousIntegration, "Cirrus runs it"),
    (Name("appveyor.yml"), ContinuousIntegration, "AppVeyor runs it"),
    (Name("azure-pipelines.yml"), ContinuousIntegration, "Azure runs it"),
    (Name("bitbucket-pipelines.yml"), ContinuousIntegration, "Bitbucket runs it"),
    (Name("jenkinsfile"), ContinuousIntegration, "Jenkins runs it"),
    (Name("makefile"), Build, "make runs it"),
    (Name("gnumakefile"), Build, "make runs it"),
    (Ending(".mk"), Build, "make runs it"),
    (Name("justfile"), Build, "just runs it"),
    (Name("taskfile.yml"), Build, "task runs it"),
    (Name("rakefile"), Build, "rake runs it"),
    (Name("gemfile"), Build, "bundler runs it"),
    (Name("cmakelists.txt"), Build, "cmake runs it"),
    (Name("meson.build"), Build, "meson runs it"),
    (Name("configure"), Build, "the build runs it"),
    (Name("build.rs"), Build, "cargo runs it at every build"),
    (Name("cargo.toml"), Build, "it names what cargo fetches and runs"),
    (Below(".cargo"), Build, "cargo takes programs to run from it"),
    (Name("package.json"), Build, "npm runs the scripts in it, some at every install"),
    (Name(".npmrc"), Build, "npm fetches from the places that it names"),
    (Name(".yarnrc"), Build, "yarn runs the program that it names"),
    (Name(".yarnrc.yml"), Build, "yarn runs the program that it names"),
    (Name(".pnp.cjs"), Build, "node runs it"),
    (Name("setup.py"), Build, "pip runs it"),
    (Name("pyproject.toml"), Build, "it names what pip fetches and runs"),
    (Name("conftest.py"), Build, "pytest runs it"),
    (Name("sitecustomize.py"), Build, "every Python runs it when it starts"),
    (Name("usercustomize.py"), Build, "every Python runs it when it starts"),
    (Ending(".pth"), Build, "every Python runs it when it starts"),
    (Name("build.gradle"), Build, "gradle runs it"),
    (Name("build.gradle.kts"), Build, "gradle runs it"),
    (Name("pom.xml"), Build, "maven runs what it names"),
    (Name("dockerfile"), Build, "docker runs it"),
    (Name("docker-compose.yml"), Build, "docker runs what it names"),
    (Name("compose.yaml"), Build, "docker runs what it names"),
    (Ending(".service"), Service, "systemd runs what it names"),
    (Ending(".timer"), Service, "systemd runs what it names"),
    (Ending(".socket"), Service, "systemd runs what it names"),
    (Ending(".desktop"), Service, "the desktop runs what it names"),
    (Below("autostart"), Service, "the desktop runs it at login"),
    (Below("launchagents"), Service, "macOS runs what it names"),
    (Name("crontab"), Service, "cron runs it"),
    (Below("cron.d"), Service, "cron runs it"),
    (Below("cron.daily"), Service, "cron runs it"),
    (Below("cron.hourly"), Service, "cron runs it"),
    (Below("cron.weekly"), Service, "cron runs it"),
    (Below("cron.monthly"), Service, "cron runs it"),
    (Below("spool/cron"), Service, "cron runs it"),
    (Below("udev/rules.d"), Service, "udev runs what it names"),
    (Below(".vscode"), Editor, "the editor runs tasks and settings from it"),
    (Below(".idea"), Editor, "the editor runs tasks from it"),
    (Below(".devcontainer"), Editor, "the editor runs it"),
    (Name(".vimrc"), Editor, "vim runs it when it starts"),
    (Name(".exrc"), Editor, "vim runs it when it starts"),
    (Below("nvim"), Editor, "neovim runs it when it starts"),
    (Name(".emacs"), Editor, "emacs runs it when it starts"),
    (Name(".dir-locals.el"), Editor, "emacs evaluates it"),
    (Name(".mcp.json"), Editor, "agents start the servers that it names"),
    (Below(".claude"), Editor, "an agent runs hooks and commands from it"),
    (Below(".cursor"), Editor, "an agent obeys it"),
    (Name("agents.md"), Editor, "agents obey it"),
    (Name("claude.md"), Editor, "agents obey it"),
    (Below(".ssh"), Credentials, "it decides who may log in, and ssh runs programs that it names"),
    (Below(".gnupg"), Credentials, "it decides whose signatures count"),
    (Name(".netrc"), Credentials, "it decides where passwords go"),
    (Below(".aws"), Credentials, "it names programs that give credentials"),
    (Below(".kube"), Credentials, "it names programs that give credentials"),
];

impl Pattern {
    fn matches(&self, names: &[String]) -> bool {
        let last = names.last().map_or("", String::as_str);
        match self {
            Name(name) => last == *name,
            Ending(ending) => last.ends_with(ending),
            Below(row) => {
                let row: Vec<&str> = row.split('/').collect();
                names.windows(row.len()).any(|window| window == row.as_slice())
            }
        }
    }
}

/// All reasons to look twice at a change. What only takes away runs nothing.
pub fn dangers(change: &Change) -> Vec<Danger> {
    let danger = |hazard, reason: &str| Danger { path: change.path.clone(), hazard, reason: reason.to_owned() };
    let Some(after) = &change.after else { return Vec::new() };
    let mut found = Vec::new();
    if !change.path.is_ascii() {
        found.push(danger(Hazard::OddName, "its name has characters that can look like others"));
    }
    if let Some(twin) = &change.resembles {
        let reason = format!("it differs from its neighbour `{}` in case only", super::escape::line(twin));
        found.push(danger(Hazard::Twin, &reason));
    }
    if matches!(after, After::Directory { .. }) {
        return found;
    }
    let names: Vec<String> = change.path.to_lowercase().split('/').map(str::to_owned).collect();
    if let Some((_, hazard, reason)) = RULES.iter().find(|(pattern, ..)| pattern.matches(&names)) {
        found.push(danger(*hazard, reason));
    }
    if let After::File { mode, .. } = after
        && mode & 0o111 != 0
    {
        found.push(danger(Hazard::Executable, "it can be run as a program"));
    }
    found
}
