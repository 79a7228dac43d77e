//! JavaScript as names, texts and marks (ECMA-262, 12), as far as a reader of imports needs it.

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Name(String),
    /// What stands in quotes; of a template its fixed parts.
    Text(String),
    /// Any other character.
    Mark(char),
}

/// A token and its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: u32,
}

/// Names after which a `/` begins a regular expression and no division.
const BEFORE_EXPRESSION: [&str; 9] = ["return", "typeof", "case", "in", "of", "delete", "void", "throw", "await"];

struct Lexer<'t> {
    rest: std::str::Chars<'t>,
    line: u32,
    out: Vec<Token>,
    /// For each template that is open: how many braces are open in its expression.
    templates: Vec<u32>,
}

/// Takes a script apart. Total: whatever is no JavaScript comes out as marks.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let text = text.strip_prefix("#!").map_or(text, |rest| &rest[rest.find('\n').unwrap_or(rest.len())..]);
    let mut lexer = Lexer { rest: text.chars(), line: 1, out: Vec::new(), templates: Vec::new() };
    while let Some(c) = lexer.next() {
        lexer.token(c);
    }
    lexer.out
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += u32::from(c == '\n');
        Some(c)
    }

    fn push(&mut self, kind: Kind, line: u32) {
        self.out.push(Token { kind, line });
    }

    fn token(&mut self, c: char) {
        let line = self.line;
        match c {
            '/' if self.peek() == Some('/') => {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.next();
                }
            }
            '/' if self.peek() == Some('*') => self.comment(),
            '/' if self.expression() => self.pattern(),
            '"' | '\'' => self.text(c, line),
            '`' => self.template(line),
            '}' if self.templates.last() == Some(&0) => {
                self.templates.pop();
                self.template(line);
            }
            c if c.is_alphabetic() || matches!(c, '_' | '$') => {
                let mut word = String::from(c);
                while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                    word.push(c);
                    self.next();
                }
                self.push(Kind::Name(word), line);
            }
            c if c.is_ascii_digit() => {
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.next();
                }
            }
            c if c.is_whitespace() => {}
            c => {
                if let Some(open) = self.templates.last_mut() {
                    *open = match c {
                        '{' => *open + 1,
                        '}' => open.saturating_sub(1),
                        _ => *open,
                    };
                }
                self.push(Kind::Mark(c), line);
            }
        }
    }

    fn comment(&mut self) {
        self.next();
        let mut star = false;
        while let Some(c) = self.next() {
            if star && c == '/' {
                return;
            }
            star = c == '*';
        }
    }

    /// Whether an expression may begin here, so that a `/` begins a pattern.
    fn expression(&self) -> bool {
        match self.out.last().map(|token| &token.kind) {
            None => true,
            Some(Kind::Name(name)) => BEFORE_EXPRESSION.contains(&name.as_str()),
            Some(Kind::Text(_)) => false,
            Some(Kind::Mark(mark)) => !matches!(mark, ')' | ']' | '}'),
        }
    }

    /// The rest of a regular expression, which never goes beyond its line.
    fn pattern(&mut self) {
        let mut class = false;
        while let Some(c) = self.peek().filter(|c| *c != '\n') {
            self.next();
            match c {
                '\\' if self.peek().is_some_and(|c| c != '\n') => drop(self.next()),
                '[' => class = true,
                ']' => class = false,
                '/' if !class => return,
                _ => {}
            }
        }
    }

    fn text(&mut self, quote: char, line: u32) {
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| *c != '\n') {
            self.next();
            match c {
                c if c == quote => break,
                '\\' => text.extend(self.next()),
                c => text.push(c),
            }
        }
        self.push(Kind::Text(text), line);
    }

    /// A fixed part of a template, up to its end or to an expression in it.
    fn template(&mut self, line: u32) {
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                '`' => break,
                '\\' => text.extend(self.next()),
                '$' if self.peek() == Some('{') => {
                    self.next();
                    self.templates.push(0);
                    break;
                }
                c => text.push(c),
            }
        }
        self.push(Kind::Text(text), line);
    }
}
