//! The only writer to the terminal: data on standard output, everything else on standard error.
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "this is the one place that prints")]

use crate::error::{CliError, Excerpt};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;
use vox_capabilities::log::{Line, LogSink};
use vox_runtime::Observer;

/// How results and errors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text and bytes as they are, other values as JSON
    #[default]
    Text,
    /// JSON; errors too
    Json,
    /// WAVE, the text form of WebAssembly values
    Wave,
}

/// Whether errors are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The terminal.
pub struct Ui {
    format: Format,
    color: bool,
    quiet: bool,
}

/// Prints what `vox` alone prints.
pub fn tour(text: &str) {
    eprintln!("{text}");
}

impl Ui {
    pub fn new(format: Format, color: Color, quiet: bool) -> Self {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Self { format, color, quiet }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Writes data to standard output. A reader that went away is no error: what it wanted it has.
    pub fn data(&self, bytes: &[u8]) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(CliError::usage(format!("standard output cannot be written: {error}"))),
        }
    }

    /// Writes data that a skill made. On a terminal its control characters are shown instead of obeyed: a skill
    /// must not move the cursor, set the title or hide text.
    pub fn skill_data(&self, bytes: &[u8]) -> Result<(), CliError> {
        if !io::stdout().is_terminal() {
            return self.data(bytes);
        }
        self.data(escaped(&String::from_utf8_lossy(bytes)).as_bytes())
    }

    /// Writes a text and a line break where it lacks one.
    pub fn line(&self, text: &str) -> Result<(), CliError> {
        self.data(text.as_bytes())?;
        match text.ends_with('\n') {
            true => Ok(()),
            false => self.data(b"\n"),
        }
    }

    /// Says something beside the data.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Writes the guest's own standard error through.
    pub fn guest_error(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines() {
            self.note(&format!("skill: {}", vox_inspect::docs::clean(line)));
        }
    }

    /// Whether there is a person to ask: on a terminal, in both directions, and not told to be quiet.
    pub fn may_ask(&self) -> bool {
        !self.quiet && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a person to choose one of several letters; anything else, and the end of the input, is `n`.
    pub fn choose(&self, question: &str, choices: &[(char, &str)]) -> char {
        let shown: Vec<_> = choices.iter().map(|(letter, meaning)| format!("[{letter}] {meaning}")).collect();
        let mut errors = io::stderr().lock();
        let _ = write!(errors, "{} {}: ", escaped(question), shown.join("  ")).and_then(|()| errors.flush());
        let mut line = String::new();
        // A terminal that is gone says nothing, and that is no consent.
        let _ = io::stdin().read_line(&mut line);
        let answer = line.trim().chars().next().map_or('n', |letter| letter.to_ascii_lowercase());
        if choices.iter().any(|(letter, _)| *letter == answer) { answer } else { 'n' }
    }

    /// Whether a person agrees, or has said so beforehand. Off a terminal nobody is asked.
    pub fn confirmed(&self, yes: bool, question: &str) -> Result<bool, CliError> {
        if yes {
            return Ok(true);
        }
        if !self.may_ask() {
            return Err(CliError::usage("there is no terminal to ask on").help("add --yes if you mean it"));
        }
        Ok(self.choose(question, &[('y', "yes"), ('n', "no")]) == 'y')
    }

    /// Writes an error and gives its exit status.
    pub fn fail(&self, error: &CliError) -> ExitCode {
        let text = match self.format {
            Format::Json => json(error),
            Format::Text | Format::Wave => self.report(error),
        };
        let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
        ExitCode::from(error.kind.code())
    }

    fn report(&self, error: &CliError) -> String {
        let mut text = format!("{} {}\n", self.paint("error:", "1;31"), escaped(&error.message));
        if let Some(excerpt) = error.excerpt.as_ref().filter(|excerpt| !excerpt.text.trim().is_empty()) {
            text.push_str(&self.excerpt(excerpt));
        }
        for note in &error.notes {
            text.push_str(&format!("  = {}\n", escaped(note)));
        }
        if let Some(help) = &error.help {
            text.push_str(&format!("{} {}\n", self.paint("help:", "1;36"), escaped(help)));
        }
        text
    }

    fn paint(&self, word: &str, code: &str) -> String {
        match self.color {
            true => format!("\x1b[{code}m{word}\x1b[0m"),
            false => word.to_owned(),
        }
    }

    /// The marked text, drawn by miette; its own header is left out because the sentence stands above.
    fn excerpt(&self, excerpt: &Excerpt) -> String {
        let theme = match self.color {
            true => GraphicalTheme::unicode(),
            false => GraphicalTheme::unicode_nocolor(),
        };
        let mut drawn = String::new();
        let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_context_lines(3);
        match handler.render_report(&mut drawn, &Marked::new(excerpt)) {
            Ok(()) => drawn.lines().skip_while(|line| !line.contains('╭')).map(|line| format!("{line}\n")).collect(),
            Err(_) => format!("  {}\n", excerpt.text),
        }
    }
}

/// Text with its control characters shown instead of obeyed, all but line breaks and tabs.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

fn json(error: &CliError) -> String {
    let mut object = serde_json::json!({
        "kind": error.kind.word(),
        "code": error.kind.code(),
        "message": error.message,
        "help": error.help,
        "cause": error.notes,
    });
    if let (Some(excerpt), Some(object)) = (&error.excerpt, object.as_object_mut()) {
        let at = serde_json::json!({"text": excerpt.text, "start": excerpt.span.start, "end": excerpt.span.end, "label": excerpt.label});
        object.insert("at".to_owned(), at);
    }
    if let (Some(payload), Some(object)) = (&error.payload, object.as_object_mut()) {
        let payload = serde_json::from_str(payload).unwrap_or(serde_json::Value::Null);
        object.insert("error".to_owned(), payload);
    }
    object.to_string()
}

/// An excerpt as miette wants it.
#[derive(Debug)]
struct Marked {
    source: NamedSource<String>,
    span: (usize, usize),
    label: String,
}

impl Marked {
    fn new(excerpt: &Excerpt) -> Self {
        // Control characters give way to as many question marks as they have bytes, so that the mark stays in place.
        let plain = |c: char| match c.is_control() && c != '\n' && c != '\t' {
            true => "?".repeat(c.len_utf8()),
            false => c.to_string(),
        };
        let text: String = excerpt.text.chars().map(plain).collect();
        // A mark behind the end would not be drawn at all.
        let end = excerpt.span.end.min(excerpt.text.len()).max(excerpt.span.start.min(excerpt.text.len()));
        let start = excerpt.span.start.min(end);
        Self { source: NamedSource::new(&excerpt.name, text), span: (start, end - start), label: excerpt.label.clone() }
    }
}

impl std::fmt::Display for Marked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label)
    }
}

impl std::error::Error for Marked {}

impl Diagnostic for Marked {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, length) = self.span;
        Some(Box::new(std::iter::once(LabeledSpan::new(Some(self.label.clone()), start, length))))
    }
}

/// Shows on a terminal that something is being compiled, once it takes longer than a moment.
pub struct Progress {
    bar: Mutex<Option<ProgressBar>>,
    shown: bool,
}

impl Progress {
    pub fn new(quiet: bool) -> Self {
        Self { bar: Mutex::new(None), shown: !quiet && io::stderr().is_terminal() }
    }

    fn set(&self, bar: Option<ProgressBar>) {
        let mut slot = self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(old) = std::mem::replace(&mut *slot, bar) {
            old.finish_and_clear();
        }
    }
}

impl Observer for Progress {
    fn compiling(&self, name: &str, bytes: u64) {
        if !self.shown {
            return;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        let name = vox_inspect::docs::clean(name);
        bar.set_message(format!("compiling {name}, {} KiB (first use)", bytes >> 10));
        // The first tick draws: nothing shows before a person would wonder.
        bar.enable_steady_tick(Duration::from_millis(200));
        self.set(Some(bar));
    }

    fn compiled(&self) {
        self.set(None);
    }
}

/// Log lines of skills, which are escaped and bounded where they come from.
pub struct Lines;

impl LogSink for Lines {
    fn line(&self, line: &Line<'_>) {
        let Line { level, skill, context, message, cut } = *line;
        let context = if context.is_empty() { String::new() } else { format!(" {context}:") };
        let cut = if cut > 0 { format!(" [{cut} bytes cut]") } else { String::new() };
        let _ = writeln!(io::stderr().lock(), "{level:<5} {skill}:{context} {message}{cut}");
    }

    fn dropped(&self, skill: &str, lines: u64, bytes: u64) {
        let _ = writeln!(io::stderr().lock(), "warn  {skill}: {lines} log lines, {bytes} bytes in all, were not shown");
    }
}
