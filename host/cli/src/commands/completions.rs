//! `vox completions`

use super::Done;
use crate::cli::Cli;
use crate::ui::Ui;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Write the completion script of a shell
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vox completions bash > ~/.local/share/bash-completion/completions/vox
  vox completions fish > ~/.config/fish/completions/vox.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn completions(args: &CompletionsArgs, ui: &Ui) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "vox", &mut script);
    ui.data(&script)?;
    Ok(())
}
