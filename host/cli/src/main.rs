//! The `vox` command.

mod arguments;
mod authority;
mod cli;
mod commands;
mod dumps;
mod error;
mod folders;
mod grant_args;
mod host;
mod places;
mod render;
mod signature;
mod ui;

use std::process::ExitCode;

fn main() -> ExitCode {
    dumps::forbid();
    let mut words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    // The compiler process comes first: it reads a component from a stranger and must do nothing else.
    if words.get(1).is_some_and(|word| word == host::COMPILER) {
        return host::compiler_process(&words[2..]);
    }
    // The launcher too: what it makes is for programs, and nothing of this process may be in it.
    if words.get(1).is_some_and(|word| word == host::LAUNCHER) {
        return host::launcher_process(&words[2..]);
    }
    let parameters = arguments::take_parameters(&mut words);
    match cli::parse(&words) {
        Ok(cli) => {
            let ui = ui::Ui::new(cli.global.format, cli.global.color, cli.global.quiet);
            match commands::run(cli, parameters, &ui) {
                Ok(code) => code,
                Err(error) => ui.fail(&error),
            }
        }
        Err(code) => code,
    }
}
